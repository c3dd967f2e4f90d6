"""Text from outside, as a terminal may see it."""

from __future__ import annotations

import io
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from verifier.app.report.escape import MAX_SHOWN, clean
from verifier.app.report.tables import listing
from verifier.app.report.terminal import Terminal


@pytest.mark.covers("RPC-15")
@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("plain 0x12 · ü", "plain 0x12 · ü"),
        ("a\nb", "a\\nb"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\u202eevil", "\\u202eevil"),
        ("a\u200bb", "a\\u200bb"),
        ("\x00", "\\x00"),
        ("\x9b2J", "\\x9b2J"),
        ("\u2028", "\\u2028"),
        ("\ud800", "\\ud800"),
    ],
)
def test_what_a_terminal_would_act_on_is_spelled_out(sent: str, shown: str) -> None:
    """And what it would only show is left as it is."""
    assert clean(sent) == shown


@given(st.text(max_size=300))
@settings(max_examples=200, derandomize=True)
def test_nothing_hidden_ever_remains(text: str) -> None:
    """Whatever comes in, no control, format or separator character goes out."""
    assert not {unicodedata.category(c) for c in clean(text)} & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def test_long_text_is_cut() -> None:
    """At the limit it is whole; beyond it the cut shows."""
    assert clean("a" * MAX_SHOWN) == "a" * MAX_SHOWN
    assert clean("a" * (MAX_SHOWN + 1)) == "a" * MAX_SHOWN + "…"


@pytest.mark.covers("RPC-15")
def test_markup_is_text() -> None:
    """Brackets that the terminal library would read as style are shown as they are, in cells and in sentences."""
    out, err = io.StringIO(), io.StringIO()
    terminal = Terminal(Console(file=out, markup=False, width=80), Console(file=err, markup=False, width=80))
    terminal.show(listing(["what"], [["[bold red]x[/]\x1b[1m"]]))
    terminal.fail("[link=https://evil]x[/link]\x07", "[blink]y")
    assert "[bold red]x[/]\\x1b[1m" in out.getvalue()
    assert "[link=https://evil]x[/link]\\x07" in err.getvalue()
    assert "\x1b" not in out.getvalue() + err.getvalue()
