"""Paths through a trie, and the one compact form in which nodes hold them.

A path is kept as text, one hex digit for each nibble: it slices, compares and prints as what it is.

Source: Yellow Paper, appendix C ("hex-prefix encoding").
"""

from __future__ import annotations

from typing import Final, NewType

from verifier.errors import MalformedNode, Where

Nibbles = NewType("Nibbles", str)
"""Hex digits, lower case, one for each nibble."""

_FLAGS: Final = {"0": (False, 2), "1": (False, 1), "2": (True, 2), "3": (True, 1)}
"""First nibble to (is it a leaf, where the path starts). Odd flags let the path start in the first byte."""


def nibbles_of(key: bytes) -> Nibbles:
    """The path of a key: two nibbles for each byte, the high one first."""
    return Nibbles(key.hex())


def decode_path(encoded: bytes, where: Where) -> tuple[bool, Nibbles]:
    """Whether a two-item node is a leaf, and its path, from the compact form.

    Every path has exactly one such form: an unknown flag, padding that is not zero, and a form without even a flag
    are refused, since readers that differ on them would see different tries under one root.

    Raises:
        MalformedNode: Not the compact form of a path.
    """
    if not encoded:
        raise MalformedNode(where, "a path without its flag")
    digits = encoded.hex()
    known = _FLAGS.get(digits[0])
    if known is None:
        raise MalformedNode(where, "a path with an unknown flag", encoded)
    is_leaf, start = known
    if start == 2 and digits[1] != "0":
        raise MalformedNode(where, "a path of even length whose padding is not zero", encoded)
    return is_leaf, Nibbles(digits[start:])
