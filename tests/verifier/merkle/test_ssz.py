"""SSZ proofs against a tree that is hashed node by node in the test."""

from __future__ import annotations

import hashlib
import random

import pytest

from verifier.errors import BadInput, LimitExceeded, MissingEvidence, UnusedEvidence, WrongHash
from verifier.merkle.ssz import MAX_DEPTH, MAX_NODES, helper_indices, verify_ssz_branch, verify_ssz_multiproof

DEPTH = 5


def tree(seed: int = 1) -> dict[int, bytes]:
    """Every node of a full tree by its generalized index."""
    rng = random.Random(seed)
    nodes = {(1 << DEPTH) + i: rng.randbytes(32) for i in range(1 << DEPTH)}
    for index in range((1 << DEPTH) - 1, 0, -1):
        nodes[index] = hashlib.sha256(nodes[2 * index] + nodes[2 * index + 1]).digest()
    return nodes


NODES = tree()


def branch(index: int) -> list[bytes]:
    found = []
    while index > 1:
        found.append(NODES[index ^ 1])
        index //= 2
    return found


@pytest.mark.parametrize("index", [1, 2, 3, 9, 32, 63])
def test_a_node_by_its_branch(index: int) -> None:
    verify_ssz_branch(NODES[1], index, NODES[index], branch(index))
    for wrong in {index ^ 1, index + 1 if index < 63 else 62} - {0}:
        if wrong.bit_length() == index.bit_length():
            with pytest.raises(WrongHash):
                verify_ssz_branch(NODES[1], wrong, NODES[index], branch(index))


@pytest.mark.covers("MRK-03", "MRK-04")
def test_the_index_fixes_the_length() -> None:
    """One sister more or less is refused before anything is hashed; zero, negative and huge indices are none."""
    with pytest.raises(MissingEvidence):
        verify_ssz_branch(NODES[1], 33, NODES[33], branch(33)[:-1])
    with pytest.raises(UnusedEvidence):
        verify_ssz_branch(NODES[1], 33, NODES[33], [*branch(33), bytes(32)])
    for index in (0, -1, True):
        with pytest.raises(BadInput):
            verify_ssz_branch(NODES[1], index, NODES[1], [])
    with pytest.raises(MissingEvidence):
        verify_ssz_branch(NODES[1], 1 << MAX_DEPTH, NODES[1], [])
    for index in (1 << MAX_DEPTH + 1, 1 << 70):
        with pytest.raises(LimitExceeded):
            verify_ssz_branch(NODES[1], index, NODES[1], [])


@pytest.mark.parametrize("wanted", [(32,), (33, 34), (4, 40, 41), (63, 5, 24), (1,), tuple(range(32, 64))])
def test_several_nodes_at_once(wanted: tuple[int, ...]) -> None:
    sisters = [NODES[i] for i in helper_indices(wanted)]
    verify_ssz_multiproof(NODES[1], {i: NODES[i] for i in wanted}, sisters)
    changed = {i: NODES[i] for i in wanted} | {wanted[-1]: bytes(32)}
    with pytest.raises(WrongHash):
        verify_ssz_multiproof(NODES[1], changed, sisters)
    with pytest.raises(UnusedEvidence):
        verify_ssz_multiproof(NODES[1], {i: NODES[i] for i in wanted}, [*sisters, bytes(32)])
    if sisters:
        with pytest.raises(MissingEvidence):
            verify_ssz_multiproof(NODES[1], {i: NODES[i] for i in wanted}, sisters[:-1])


@pytest.mark.parametrize("wanted", [(), (32, 16), (32, 1), (32, 32)])
def test_nodes_that_are_no_question(wanted: tuple[int, ...]) -> None:
    """None at all, or one under another."""
    with pytest.raises(BadInput):
        helper_indices(wanted)


def test_sisters_stand_in_the_order_of_the_specification() -> None:
    """Descending by index: of 8, 9 and 14 first 15, then 6, then 5."""
    assert helper_indices((8, 9, 14)) == (15, 6, 5)
    assert helper_indices((49,)) == (48, 25, 13, 7, 2)


def test_so_many_nodes_and_no_more() -> None:
    assert helper_indices(range(MAX_NODES, 2 * MAX_NODES)) == ()
    with pytest.raises(LimitExceeded):
        helper_indices(range(2 * MAX_NODES, 3 * MAX_NODES + 1))
