"""Checks of the quick ways of the trie walk: what looks nearly like a common node is judged by the plain parser."""

from __future__ import annotations

import pytest

from tests.simulators.trie_builder import build, keccak
from verifier.errors import Malformed, Where
from verifier.primitives import Hash32
from verifier.trie.table import NodeTable
from verifier.trie.walk import ABSENT, walk

WHERE = Where(network="test")
FULL = b"\xf9\x02\x11" + b"".join(b"\xa0" + bytes([n + 1]) * 32 for n in range(16)) + b"\x80"
KEY = bytes(32)


def under(node: bytes, *others: bytes):
    """The walk along a key of zeros from a root that is this very node."""
    table = NodeTable.build([node, *others])
    return walk(Hash32(keccak(node)), KEY, table, WHERE, set())


@pytest.mark.covers("MPT-07")
@pytest.mark.parametrize(
    "node",
    [FULL[:3] + b"\xa0" + FULL[3:], FULL[:3] + b"\x80" + FULL[3:], FULL[:3] + FULL[3:36] + FULL[3:]],
    ids=["a byte before the first child", "an empty child before the first", "seventeen children"],
)
def test_a_full_branch_of_another_size_is_no_branch(node: bytes) -> None:
    """Its head names 529 bytes, so one with more behind it is refused, not read at shifted places."""
    with pytest.raises(Malformed):
        under(node)


@pytest.mark.parametrize("length", [1, 2, 20, 21, 216, 217, 218, 219, 220, 221, 222, 223])
def test_leaves_at_the_bounds_of_the_quick_way_read_the_same(length: int) -> None:
    """Around 58 and 257 bytes in all: present under their own key, absent under another."""
    value = b"\x81" * length
    (node,) = build({KEY: value}).prove(KEY)
    table = NodeTable.build([node])
    assert walk(Hash32(keccak(node)), KEY, table, WHERE, set()) == value
    assert walk(Hash32(keccak(node)), b"\x01" * 32, table, WHERE, set()) is ABSENT


def leaf_with(value: bytes) -> bytes:
    """A leaf for the key of zeros whose value is these very bytes, its own list header right."""
    payload = b"\xa1\x20" + KEY + value
    return (bytes([0xC0 + len(payload)]) if len(payload) < 56 else bytes([0xF8, len(payload)])) + payload


@pytest.mark.covers("RLP-02", "RLP-04", "RLP-05")
@pytest.mark.parametrize(
    "value",
    [
        b"\x81\x05", b"\xb8\x37" + b"v" * 55, b"\xb8\x3c" + b"v" * 61, b"\xb8\x3c" + b"v" * 59, b"\xb9\x46" + b"v" * 70,
        b"\xb8", b"\x80\x3a" + b"v" * 58, b"\xb8\x3c" + b"v" * 30 + b"\xb8", b"\x90\x3a" + b"v" * 58,
    ],
    ids=[
        "a wrapped byte", "a long form for 55 bytes", "a byte too many", "a byte too few", "two length bytes read as one",
        "a head alone", "bytes behind an empty string", "cut short", "bytes behind a short string",
    ],
)  # fmt: skip
def test_a_leaf_whose_value_has_another_form_is_refused(value: bytes) -> None:
    """The quick way takes the shortest form only; everything else is for the plain parser, which refuses it."""
    with pytest.raises(Malformed):
        under(leaf_with(value))


@pytest.mark.parametrize("value", [b"\x81\x80", b"\x05", b"\xb7" + b"\x01" * 55, b"\xb8\x38" + b"\x01" * 56])
def test_a_leaf_whose_value_has_its_shortest_form_is_read(value: bytes) -> None:
    """The siblings: one byte from 0x80 on, one below it, 55 bytes, and 56."""
    content = {5: value, 0x81: value[1:], 0xB7: value[1:], 0xB8: value[2:]}[value[0]]
    assert under(leaf_with(value)) == content
