"""A TOML file as a tree, and the line on which each key stands (as far as a simple scan can tell)."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from verifier.app.errors import ConfigError, Problem

MAX_BYTES: Final = 4 << 20
"""Far above any account that a person keeps; a file beyond it is a mistake."""

_HEADER: Final = re.compile(r"^\s*(\[\[?)\s*([^\]]+?)\s*\]\]?\s*(?:#.*)?$")
_NAME: Final = r"""(?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+)"""
_KEY: Final = re.compile(rf"^\s*({_NAME}(?:\s*\.\s*{_NAME})*)\s*=")
_PART: Final = re.compile(r""""([^"]*)"|'([^']*)'|([A-Za-z0-9_-]+)""")

Path_ = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class TomlSource:
    """What a file says, and where it says it."""

    origin: str
    tree: dict[str, object]
    lines: dict[Path_, int]

    def line_of(self, path: Sequence[str | int]) -> int | None:
        """The line of a key, of the first thing in it, or of the nearest table around it."""
        at = tuple(path)
        inside = [line for there, line in self.lines.items() if there[: len(at)] == at]
        if inside:
            return min(inside)
        while at:
            if at in self.lines:
                return self.lines[at]
            at = at[:-1]
        return None


def read_toml(path: Path) -> TomlSource:
    """
    The file's tree.

    Raises:
        ConfigError: No such file, not TOML, not UTF-8, or too large.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise ConfigError(
            str(path), [Problem("file", "there is no such file")], "xmargin init writes an example"
        ) from None
    except OSError as error:
        raise ConfigError(str(path), [Problem("file", error.strerror or "cannot be read")]) from None
    if len(raw) > MAX_BYTES:
        raise ConfigError(str(path), [Problem("file", f"larger than {MAX_BYTES} bytes")])
    try:
        return parse_toml(raw.decode("utf-8"), str(path))
    except UnicodeDecodeError:
        raise ConfigError(str(path), [Problem("file", "not UTF-8 text")]) from None


def parse_toml(text: str, origin: str) -> TomlSource:
    """The same, from text."""
    try:
        tree = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        reason = str(error) if isinstance(error, tomllib.TOMLDecodeError) else "nested too deeply, or a number too long"
        raise ConfigError(origin, [Problem("file", f"not TOML: {reason}")]) from None
    return TomlSource(origin, tree, _scan(text))


def _scan(text: str) -> dict[Path_, int]:
    """Headers and keys that start a line. Multi-line values may hide keys; a missing line is only a missing hint."""
    lines: dict[Path_, int] = {}
    counts: dict[tuple[str, ...], int] = {}
    prefix: Path_ = ()
    for number, line in enumerate(text.splitlines(), 1):
        if found := _HEADER.match(line):
            names = _parts(found[2])
            if found[1] == "[[":
                counts[names] = counts.get(names, -1) + 1
            prefix = _indexed(names, counts)
            lines.setdefault(prefix, number)
        elif found := _KEY.match(line):
            lines.setdefault(prefix + _parts(found[1]), number)
    return lines


def _indexed(names: tuple[str, ...], counts: dict[tuple[str, ...], int]) -> Path_:
    path: list[str | int] = []
    for depth, name in enumerate(names, 1):
        path.append(name)
        if names[:depth] in counts:
            path.append(counts[names[:depth]])
    return tuple(path)


def _parts(text: str) -> tuple[str, ...]:
    return tuple(a or b or c for a, b, c in _PART.findall(text))


def dotted(path: Sequence[str | int]) -> str:
    """A key path as people write it: assets[2].holder."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += ("." if text else "") + (part if re.fullmatch(r"[A-Za-z0-9_-]+", part) else repr(part))
    return text or "file"
