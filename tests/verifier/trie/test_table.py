"""The table: nodes by the hash that we computed, bounded before the first hash."""

from __future__ import annotations

import pytest

from tests.simulators.trie_builder import keccak
from verifier.errors import BadInput, LimitExceeded, UnusedEvidence, Where
from verifier.trie.table import NodeTable, TrieLimits

NODES = [b"one" * 20, b"two" * 20, b"three" * 20]


def test_nodes_are_found_by_their_hash_and_by_nothing_else():
    """What is not in the table is None."""
    table = NodeTable.build(NODES)
    assert len(table) == 3
    assert table.hashes() == {keccak(node) for node in NODES}
    assert table.get(keccak(NODES[1])) == NODES[1]
    assert table.get(keccak(b"four")) is None
    assert keccak(NODES[0]) in table
    assert keccak(b"four") not in table
    assert repr(table) == "<NodeTable of 3 nodes>"


def test_a_table_of_nodes_that_were_hashed_before_is_the_same():
    """`from_hashed` gives the table that `build` gives, and takes a repeated pair as one."""
    table = NodeTable.from_hashed([(keccak(node), node) for node in [*NODES, NODES[0]]])
    assert table.hashes() == NodeTable.build(NODES).hashes()


def test_an_empty_table():
    """No nodes at all are a table too: the empty trie needs none."""
    assert len(NodeTable.build([])) == 0


def test_a_repeated_node_is_refused():
    """Each node stands once."""
    with pytest.raises(UnusedEvidence, match="1 repeated trie nodes") as caught:
        NodeTable.build([*NODES, NODES[1]], where=Where(network="base"))
    assert caught.value.first == "0x" + keccak(NODES[1]).hex()
    assert caught.value.where.network == "base"


@pytest.mark.parametrize(
    ("limits", "what"),
    [
        (TrieLimits(max_nodes=2), "trie nodes"),
        (TrieLimits(max_node_bytes=99), "bytes of a trie node"),
        (TrieLimits(max_bytes=219), "bytes of all trie nodes"),
    ],
)
def test_limits(limits, what):
    """One more than the limit is refused; the limit itself is not."""
    assert len(NodeTable.build(NODES, TrieLimits(max_nodes=3, max_node_bytes=100, max_bytes=220))) == 3
    with pytest.raises(LimitExceeded) as caught:
        NodeTable.build(NODES, limits)
    assert caught.value.what == what


def test_an_endless_supply_of_nodes_ends_at_the_limit():
    """No more is taken from the caller's iterable than the limit and one."""
    taken = 0

    def endless():
        nonlocal taken
        while True:
            taken += 1
            yield taken.to_bytes(40, "big")

    with pytest.raises(LimitExceeded, match="trie nodes"):
        NodeTable.build(endless(), TrieLimits(max_nodes=10))
    assert taken == 11


@pytest.mark.parametrize("stranger", ["0x00", 5, None, {}, bytearray(b"x"), memoryview(b"x")])
def test_only_bytes_are_nodes(stranger):
    """Nothing of another type is dropped or converted."""
    with pytest.raises(BadInput, match="trie node"):
        NodeTable.build([*NODES, stranger])
