"""The two streams: results on stdout, everything else on stderr; plain where nobody is watching."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console, RenderableType
from rich.text import Text

from verifier.app.report.escape import clean

_PIPE_WIDTH = 220
"""Wide enough that no cell is cut where a program reads the table."""


class ReaderGoneError(Exception):
    """Whoever read our output has closed it. A name of its own: the library below us ends with 1 for a broken pipe."""


@dataclass(frozen=True, slots=True)
class Terminal:
    """Where things are shown. Text goes through `clean`, and is never read as markup."""

    out: Console
    err: Console
    quiet: bool = False

    def show(self, what: RenderableType) -> None:
        """A table or tree, on stdout."""
        self.out.print(what)

    def raw(self, text: str) -> None:
        """Machine output, byte for byte."""
        try:
            self.out.file.write(text + "\n")
            self.out.file.flush()
        except BrokenPipeError:
            raise ReaderGoneError from None

    def say(self, text: str, style: str = "") -> None:
        """A remark on stderr; silent with --quiet."""
        if not self.quiet:
            self.err.print(Text(clean(text), style=style))

    def warn(self, text: str) -> None:
        """A warning on stderr; silent with --quiet."""
        self.say(f"warning: {text}", "yellow")

    def fail(self, message: str, remedy: str = "") -> None:
        """An error on stderr, always, with what to do next."""
        self.err.print(Text(f"error: {clean(message)}", style="bold red"))
        if remedy:
            self.err.print(Text(f"  → {clean(remedy)}"))

    @contextmanager
    def busy(self, what: str) -> Iterator[None]:
        """A spinner on stderr while something runs, where someone watches."""
        if self.quiet or not self.err.is_terminal:
            yield
            return
        with self.err.status(Text(clean(what))):
            yield


class _Stream(Console):
    """A console that leaves a reader who went away to the program, which ends with the code for that."""

    def on_broken_pipe(self) -> None:
        raise ReaderGoneError


def open_terminal(*, quiet: bool, no_color: bool) -> Terminal:
    """Consoles that keep to NO_COLOR, FORCE_COLOR and what the streams are."""
    colour = True if no_color else None
    out = _Stream(file=sys.stdout, highlight=False, markup=False, emoji=False, no_color=colour)
    if not out.is_terminal and out.width < _PIPE_WIDTH:
        out = _Stream(file=sys.stdout, highlight=False, markup=False, emoji=False, width=_PIPE_WIDTH, no_color=colour)
    err = _Stream(file=sys.stderr, highlight=False, markup=False, emoji=False, soft_wrap=True, no_color=colour)
    return Terminal(out, err, quiet)
