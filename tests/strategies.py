"""Hypothesis strategies: key sets that force every shape of trie, and changes to nodes and proofs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import rlp
from hypothesis import strategies as st

from tests.simulators.trie_builder import keccak

VALUES = st.binary(min_size=1, max_size=4) | st.binary(min_size=28, max_size=36) | st.binary(min_size=54, max_size=120)
"""Values that make leaves be embedded, lie about the border of 32 bytes, and need the long form."""


@st.composite
def hashed_keys(draw: st.DrawFn) -> bytes:
    """32-byte keys; many share a long prefix with others, which makes extensions, deep paths and embedded leaves."""
    shared = draw(st.sampled_from([0, 0, 1, 5, 16, 30, 31]))
    seed = draw(st.integers(0, 3))
    tail = draw(st.binary(min_size=32, max_size=32))
    return keccak(bytes([seed]))[:shared] + tail[shared:]


RAW_KEYS = st.lists(st.sampled_from([0x00, 0x01, 0x10, 0x11, 0x80, 0x81]), max_size=4).map(bytes)
"""Short keys that are often prefixes of one another, the empty key among them."""


def hashed_items(max_size: int = 24) -> st.SearchStrategy[dict[bytes, bytes]]:
    """Contents of tries of hashed keys; shrinks to the empty trie."""
    return st.dictionaries(hashed_keys(), VALUES, max_size=max_size)


def raw_items(max_size: int = 24) -> st.SearchStrategy[dict[bytes, bytes]]:
    """Contents of tries of raw keys."""
    return st.dictionaries(RAW_KEYS, VALUES, max_size=max_size)


def any_items() -> st.SearchStrategy[dict[bytes, bytes]]:
    """Contents of either kind of trie, of one kind at a time."""
    return hashed_items() | raw_items()


@st.composite
def keys_for(draw: st.DrawFn, items: dict[bytes, bytes]) -> bytes:
    """A key to ask for: present, a near neighbour of a present one, or any other of its kind."""
    kind = RAW_KEYS if any(len(key) != 32 for key in items) else hashed_keys()
    if not items or draw(st.integers(0, 3)) == 0:
        return draw(kind)
    key = draw(st.sampled_from(sorted(items)))
    if key and draw(st.booleans()):
        at = draw(st.integers(0, len(key) - 1))
        return key[:at] + bytes([key[at] ^ draw(st.sampled_from([1, 16, 255]))]) + key[at + 1 :]
    return key


@st.composite
def changed_bytes(draw: st.DrawFn, raw: bytes) -> bytes:
    """One change to the bytes of a node: a byte altered, added, removed; the end cut off or doubled."""
    at = draw(st.integers(0, max(0, len(raw) - 1)))
    kind = draw(st.sampled_from(["flip", "flip", "header", "insert", "delete", "cut", "append"]))
    if not raw or kind == "append":
        return raw + draw(st.binary(min_size=1, max_size=3))
    if kind == "header":
        at = min(at, draw(st.integers(0, 4)))
    if kind in ("flip", "header"):
        return raw[:at] + bytes([raw[at] ^ draw(st.integers(1, 255))]) + raw[at + 1 :]
    if kind == "insert":
        return raw[:at] + draw(st.binary(min_size=1, max_size=2)) + raw[at:]
    return raw[:at] + raw[at + 1 :] if kind == "delete" else raw[:at]


_PARTS = st.sampled_from([
    b"", b"\x00", b"\x05", b"\x20", b"\x40", b"\x1f", b"\x00\xab", b"\x07\xab", b"a" * 31, b"a" * 32, b"a" * 33, [], [b""],
    [b"\x20", b"\x05"], [b"\x00", b"a" * 32], [b"\x31", b"b" * 29], [b"\x31", b"b" * 28], [b""] * 17, [b""] * 16,
    [[b"\x20", b"v"]] * 2 + [b""] * 15,
])  # fmt: skip


@st.composite
def changed_structure(draw: st.DrawFn, raw: bytes) -> bytes:
    """One change to the items of a node, well encoded: an item replaced, added, removed, swapped or moved inward."""
    items: Any = rlp.decode(raw, strict=False)
    if not isinstance(items, list) or not items:
        return rlp.encode(draw(_PARTS))
    at = draw(st.integers(0, len(items) - 1))
    kind = draw(st.sampled_from(["replace", "replace", "add", "remove", "swap", "empty all but one", "flag"]))
    if kind == "replace":
        items[at] = draw(_PARTS)
    elif kind == "add":
        items.insert(at, draw(_PARTS))
    elif kind == "remove":
        del items[at]
    elif kind == "swap":
        other = draw(st.integers(0, len(items) - 1))
        items[at], items[other] = items[other], items[at]
    elif kind == "empty all but one":
        items = [item if n == at else b"" for n, item in enumerate(items)]
    elif isinstance(items[0], bytes) and items[0]:
        items[0] = bytes([items[0][0] ^ draw(st.integers(1, 15)) * 16]) + items[0][1:]
    return rlp.encode(items)


@st.composite
def changed_proof(draw: st.DrawFn, proof: Sequence[bytes], foreign: Sequence[bytes]) -> list[bytes]:
    """One change to a list of nodes that cannot be harmless: a node altered, left out, cut off, or put for another."""
    at = draw(st.integers(0, len(proof) - 1))
    kind = draw(st.sampled_from(["alter", "drop", "truncate", "swap in", "first only altered"]))
    changed = list(proof)
    if kind == "drop":
        del changed[at]
    elif kind == "truncate":
        changed = changed[:at]
    elif kind == "swap in" and foreign:
        changed[at] = draw(st.sampled_from(list(foreign)))
    else:
        at = 0 if kind == "first only altered" else at
        changed[at] = draw(changed_bytes(changed[at]))
    return changed
