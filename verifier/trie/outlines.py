"""The outlines that most trie nodes have: full branches, branches with gaps, leaves; and what recognises them quickly.

A quick look only ever accepts what `parse_node` accepts, with the same content (property tests compare them); whatever
it does not know is for the plain parser. The walk has the looks at branches in its own loop, since to call a function
would cost as much as the look does: here stands what they compare with.

Source: Yellow Paper, appendices B and D.
"""

from __future__ import annotations

import re
from typing import Final

from verifier.trie.nodes import EMBEDDED_BELOW

HEAD: Final = slice(3)
"""Where the list header of a branch stands, and perhaps the prefix of its first child."""

FULL_HEAD: Final = b"\xf9\x02\x11"
FULL_SIZE: Final = 532
"""Bytes of a branch of sixteen hashes and no value."""
MARKS: Final = slice(None, None, -33)
FULL_MARKS: Final = b"\x80" + b"\xa0" * 16
"""Every 33rd byte of a full branch, from its end: no value, and sixteen prefixes of 32-byte strings."""
FULL_CHILD: Final = {f"{n:x}": slice(4 + 33 * n, 36 + 33 * n) for n in range(16)}
"""A nibble to the place of its hash in a full branch."""

GAPPED_SIZES: Final = {
    **{bytes((0xF8, 17 + 32 * n, first)): 19 + 32 * n for n in range(2, 8) for first in (0x80, 0xA0)},
    **{b"\xf9" + (17 + 32 * n).to_bytes(2, "big"): 20 + 32 * n for n in range(8, 16)},
}
"""How a branch of n hashes and no value begins, to the size that it must have."""
GAPPED: Final = re.compile(rb"(?:\xf8.|\xf9..)" + rb"(?:\xa0(.{32})|\x80)" * 16 + rb"\x80", re.DOTALL).fullmatch
"""A list header, then a hash or nothing in each place, and no value. The header is compared with the size besides."""
GAPPED_CHILD: Final = {f"{n:x}": n + 1 for n in range(16)}
"""A nibble to its group in the match."""

_EVEN: Final = b"\x20"
_ODD: Final = {f"{n:x}": bytes((0x30 | n,)) for n in range(16)}
"""How the compact form of a leaf's path begins: with an even number of nibbles, and with an odd one by the first."""


def leaf_value(raw: bytes, key: bytes, digit: str, at: int) -> tuple[bool, bytes] | None:
    """Whether a leaf of the common outline is the key's own, and its value; None for anything else.

    The outline: at least 32 bytes in all, a list header for exactly the bytes that follow it (one length byte at most),
    a path of 2 to 33 bytes with a leaf's flag, as long as what is left of the key after `at` nibbles, and a value that
    fills the rest with its shortest form. `digit` is the key's nibble at `at`.
    """
    size = len(raw)
    if size < EMBEDDED_BELOW:
        return None
    if raw[0] == 0xF8 and size >= 58 and raw[1] == size - 2:
        start = 3
    elif raw[0] == size + 0xBF and size <= 56:
        start = 2
    else:
        return None
    flag = raw[start]
    if at % 2:
        own, fits = _ODD[digit] + key[(at + 1) // 2 :], flag >> 4 == 3
    else:
        own, fits = _EVEN + key[at // 2 :], flag == 0x20
    if not fits or not 2 <= len(own) <= 33 or raw[start - 1] != 0x80 + len(own):
        return None
    middle = start + len(own)
    value = _last_string(raw, middle, size)
    return None if value is None else (raw[start:middle] == own, value)


def _last_string(raw: bytes, start: int, size: int) -> bytes | None:
    """The non-empty byte string that fills `raw` from `start` in its shortest form, or None."""
    if start >= size:
        return None
    first = raw[start]
    if first < 0x80:
        return raw[start:] if start + 1 == size else None
    if 0x80 < first <= 0xB7 and start + first - 0x7F == size:
        return raw[start + 1 :] if first != 0x81 or raw[start + 1] >= 0x80 else None
    if first == 0xB8 and start + 1 < size and raw[start + 1] == size - start - 2 and size - start - 2 > 55:
        return raw[start + 2 :]
    return None
