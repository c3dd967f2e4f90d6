"""Text from outside as it may be shown: no control characters, no direction marks, bounded."""

from __future__ import annotations

import unicodedata
from typing import Final

MAX_SHOWN: Final = 2_000
_KEPT: Final = frozenset({" "})
_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def clean(text: str, limit: int = MAX_SHOWN) -> str:
    r"""The same text with everything that a terminal or a log would act on, or not show, spelled out as an escape.

    Newlines, escape sequences, direction overrides and zero-width characters become \x1b or \u202e and the like, so
    that what is read is what was sent.
    """
    cut = text[: limit + 1]
    shown = "".join(c if c in _KEPT or unicodedata.category(c) not in _HIDDEN else _spelled(c) for c in cut[:limit])
    return shown + "…" if len(cut) > limit else shown


def _spelled(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")
