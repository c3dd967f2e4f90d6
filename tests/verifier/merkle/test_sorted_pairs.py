"""OpenZeppelin's trees: what its own contract accepts, and what passes for a leaf elsewhere."""

from __future__ import annotations

import pytest

from tests.simulators.trie_builder import keccak
from verifier.errors import BadInput, LimitExceeded, MissingEvidence, UnusedEvidence, WrongHash
from verifier.merkle.sorted_pairs import LeafRule, build_sorted, leaf_hash, pair_hash, verify_membership

RULES = list(LeafRule)


def members(count: int) -> list[bytes]:
    return [b"member-%d" % i for i in range(count)]


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 7, 8, 9, 33])
def test_every_member_is_proven_and_no_other(rule: LeafRule, count: int) -> None:
    """Each leaf of a tree verifies under its count; the same proof proves no other data."""
    tree = build_sorted(members(count), rule)
    for data in members(count):
        proof = tree.prove(data)
        assert verify_membership(tree.root, data, rule, proof, count=count) == leaf_hash(data, rule)
        with pytest.raises(WrongHash):
            verify_membership(tree.root, data + b"!", rule, proof, count=count)


@pytest.mark.covers("MRK-01")
def test_an_inner_node_is_no_leaf() -> None:
    """64 bytes that are two children are refused under the plain rule, and hash elsewhere under the standard one."""
    for rule in RULES:
        tree = build_sorted(members(4), rule)
        left, right = tree.nodes[3], tree.nodes[4]
        inner = min(left, right) + max(left, right)
        assert keccak(inner) == pair_hash(left, right) == tree.nodes[1]
        with pytest.raises(BadInput if rule is LeafRule.PLAIN else MissingEvidence):
            verify_membership(tree.root, inner, rule, [tree.nodes[2]], count=4)
        with pytest.raises(BadInput if rule is LeafRule.PLAIN else WrongHash):
            verify_membership(tree.root, inner, rule, [tree.nodes[2], tree.nodes[5]], count=4)


@pytest.mark.covers("MRK-01", "MRK-03", "MRK-11")
def test_the_length_of_a_proof_is_that_of_the_tree() -> None:
    """A shortened proof, a lengthened one, and none at all where there are two leaves."""
    tree, data = build_sorted(members(5), LeafRule.STANDARD), members(5)[0]
    proof = tree.prove(data)
    with pytest.raises(MissingEvidence):
        verify_membership(tree.root, data, LeafRule.STANDARD, proof[:1], count=5)
    with pytest.raises(UnusedEvidence):
        verify_membership(tree.root, data, LeafRule.STANDARD, [*proof, bytes(32), bytes(32)], count=5)
    with pytest.raises(MissingEvidence):
        verify_membership(leaf_hash(b"x", LeafRule.STANDARD), b"x", LeafRule.STANDARD, [], count=2)
    assert verify_membership(leaf_hash(b"x", LeafRule.STANDARD), b"x", LeafRule.STANDARD, [], count=1)
    for count in (0, -1, True):
        with pytest.raises(BadInput):
            verify_membership(tree.root, data, LeafRule.STANDARD, proof, count=count)
    for count in (2**64 + 1, 2**255):
        with pytest.raises(LimitExceeded):
            verify_membership(tree.root, data, LeafRule.STANDARD, proof, count=count)
    with pytest.raises(MissingEvidence):
        verify_membership(tree.root, data, LeafRule.STANDARD, proof, count=2**64)


@pytest.mark.covers("MRK-02")
def test_one_member_stands_once() -> None:
    """A list with its last leaf repeated is no set, so it has no root that a shorter list has too."""
    with pytest.raises(BadInput):
        build_sorted([*members(3), members(3)[-1]], LeafRule.STANDARD)
    assert build_sorted(members(3), LeafRule.STANDARD).root != build_sorted(members(4), LeafRule.STANDARD).root


def test_a_zero_root_is_no_root() -> None:
    with pytest.raises(BadInput):
        verify_membership(bytes(32), b"x", LeafRule.STANDARD, [], count=1)


def test_a_tree_proves_what_it_holds() -> None:
    """Of another member there is no proof, and text is no data."""
    tree = build_sorted(members(3), LeafRule.STANDARD)
    with pytest.raises(BadInput, match="leaf"):
        tree.prove(members(4)[3])
    with pytest.raises(BadInput, match="leaf data"):
        leaf_hash("x" * 32, LeafRule.STANDARD)
