"""Tries that are built here are those that others build, node for node, and hold nothing that cannot be in one."""

from __future__ import annotations

import pytest
import rlp
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.simulators.trie_builder import build, keccak
from verifier.errors import BadInput
from verifier.trie.build import build_list, build_trie
from verifier.trie.walk import EMPTY_ROOT

KEYS = st.binary(min_size=1, max_size=4)


@given(st.dictionaries(KEYS, st.binary(min_size=1, max_size=40), max_size=12))
@settings(max_examples=120, deadline=None)
def test_root_and_nodes_are_the_other_builder_s(items: dict[bytes, bytes]) -> None:
    """Keys that are prefixes of one another, short values that are embedded, and no keys at all."""
    made, other = build_trie(items), build(items)
    assert made.root == other.root
    assert dict(made.nodes) == dict(other.nodes)


@pytest.mark.parametrize("count", [0, 1, 2, 16, 17, 127, 128, 129, 256, 300])
def test_a_block_s_list(count: int) -> None:
    """Each item under the RLP of its index, with the proof that the other builder lists."""
    listed = [keccak(b"%d" % i) * (1 + i % 3) for i in range(count)]
    made, other = build_list(listed), build({rlp.encode(i): item for i, item in enumerate(listed)})
    assert made.root == other.root
    for i in range(0, count, max(1, count // 7)):
        assert made.prove(rlp.encode(i)) == tuple(other.prove(rlp.encode(i)))


def test_hashed_keys_with_one_nibble_in_common() -> None:
    """An extension over one nibble, and one over many."""
    for keys in ((b"\x10" * 32, b"\x1f" * 32), (b"\x11" * 31 + b"\x20", b"\x11" * 31 + b"\x21")):
        items = dict.fromkeys(keys, b"value of some length, more than thirty-two bytes")
        assert build_trie(items).root == build(items).root


def test_an_empty_value_is_no_item() -> None:
    """Absence is not stored: one empty value among others is refused, and no items are the empty trie."""
    with pytest.raises(BadInput):
        build_trie({b"a": b"x", b"b": b""})
    assert build_trie({}).root == EMPTY_ROOT
    assert build_trie({}).nodes == {}
