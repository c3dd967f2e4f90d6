"""A collector of problems: a file is compiled to its end, so that all its mistakes are shown at once."""

from __future__ import annotations

from verifier.app.errors import ConfigError, Problem
from verifier.app.toml_source import Path_, TomlSource, dotted


class Problems:
    """What was found wrong so far, in one file."""

    __slots__ = ("_found", "_source")

    def __init__(self, source: TomlSource) -> None:
        self._source, self._found = source, list[Problem]()

    def add(self, path: Path_, message: str) -> None:
        """Note a problem at a key path."""
        self._found.append(Problem(dotted(path), message, self._source.line_of(path)))

    def raise_any(self) -> None:
        """
        Stop here if anything was found.

        Raises:
            ConfigError: All of it, each problem once.
        """
        if self._found:
            raise ConfigError(self._source.origin, dict.fromkeys(self._found))
