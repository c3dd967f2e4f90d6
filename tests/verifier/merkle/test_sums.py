"""A custodian's liabilities, and the ways in which published trees of them have hidden some."""

from __future__ import annotations

import random

import pytest

from tests.simulators.trie_builder import keccak
from verifier.errors import BadInput, MissingEvidence, UnusedEvidence, ValuationOverflow, WrongHash
from verifier.merkle.ordered import MAX_COUNT
from verifier.merkle.sums import (
    MAX_SUM,
    Liabilities,
    SumNode,
    liability_leaf,
    prove_liability,
    publish,
    sum_node,
    verify_liability,
)

EPOCH = 7


def customers(count: int) -> list[tuple[bytes, int]]:
    rng = random.Random(count)
    return [(keccak(b"customer-%d" % i), rng.randrange(10**12)) for i in range(count)]


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8, 13])
def test_every_customer_finds_its_balance_in_the_total(count: int) -> None:
    """And a balance of one unit less or more is not what was published."""
    listed = customers(count)
    published = publish(listed, EPOCH)
    assert published.total == sum(balance for _, balance in listed)
    for i, (who, balance) in enumerate(listed):
        proof = prove_liability(listed, i, EPOCH)
        verify_liability(published, who, balance, i, proof)
        for wrong in (balance + 1, max(0, balance - 1)):
            with pytest.raises(WrongHash):
                verify_liability(published, who, wrong, i, proof)


@pytest.mark.covers("MRK-08")
def test_both_sums_are_hashed() -> None:
    """The Maxwell tree hashes only the total: there two siblings may trade sums. Here each of them is bound."""
    one, two = SumNode(keccak(b"a"), 30), SumNode(keccak(b"b"), 70)
    traded = sum_node(SumNode(one.hash, 70), SumNode(two.hash, 30))
    assert traded.sum == sum_node(one, two).sum
    assert traded.hash != sum_node(one, two).hash


@pytest.mark.covers("MRK-08")
def test_a_sibling_with_a_smaller_sum_hides_nothing() -> None:
    """A lowered sum on the path leads to another root; with the root as published it is refused."""
    listed = customers(5)
    published = publish(listed, EPOCH)
    proof = list(prove_liability(listed, 0, EPOCH))
    proof[1] = SumNode(proof[1].hash, proof[1].sum - 1)
    with pytest.raises(WrongHash):
        verify_liability(published, *listed[0], 0, proof)


@pytest.mark.covers("MRK-08")
def test_negative_and_wrapping_sums_are_refused() -> None:
    """A negative balance, one past the bound, and an addition that passes it."""
    for balance in (-1, MAX_SUM + 1, 1.0, True):
        with pytest.raises(BadInput):
            liability_leaf(keccak(b"x"), balance, EPOCH)
    top = SumNode(keccak(b"x"), MAX_SUM)
    with pytest.raises(ValuationOverflow):
        sum_node(top, SumNode(keccak(b"y"), 1))
    assert sum_node(top, SumNode(keccak(b"y"), 0)).sum == MAX_SUM


@pytest.mark.covers("MRK-08")
def test_a_published_total_that_is_not_the_sum() -> None:
    """The right root beside a smaller total: refused, by the total."""
    listed = customers(4)
    true = publish(listed, EPOCH)
    with pytest.raises(WrongHash, match="total"):
        verify_liability(
            Liabilities(true.root, true.total - 1, true.count, EPOCH), *listed[2], 2, prove_liability(listed, 2, EPOCH)
        )


@pytest.mark.covers("MRK-09")
def test_two_customers_with_one_balance_have_two_leaves() -> None:
    """One leaf shown to both would be owed once: each proves its own id, and one customer cannot stand twice."""
    who, other = keccak(b"one"), keccak(b"two")
    listed = [(who, 500), (keccak(b"three"), 1)]
    published, proof = publish(listed, EPOCH), prove_liability(listed, 0, EPOCH)
    verify_liability(published, who, 500, 0, proof)
    with pytest.raises(WrongHash):
        verify_liability(published, other, 500, 0, proof)
    with pytest.raises(BadInput):
        publish([(who, 500), (who, 500)], EPOCH)


@pytest.mark.covers("MRK-10")
def test_a_proof_of_another_epoch() -> None:
    listed = customers(3)
    with pytest.raises(WrongHash):
        verify_liability(publish(listed, EPOCH + 1), *listed[0], 0, prove_liability(listed, 0, EPOCH))


@pytest.mark.covers("MRK-03", "MRK-11")
def test_the_shape_is_that_of_the_published_count() -> None:
    """Index beyond the count, a shorter and a longer path, and an inner node in a leaf's place."""
    listed = customers(4)
    published, proof = publish(listed, EPOCH), prove_liability(listed, 1, EPOCH)
    with pytest.raises(BadInput):
        verify_liability(published, *listed[1], 4, proof)
    with pytest.raises(MissingEvidence):
        verify_liability(published, *listed[1], 1, proof[:1])
    with pytest.raises(UnusedEvidence):
        verify_liability(published, *listed[1], 1, [*proof, proof[0]])
    with pytest.raises(BadInput):
        publish([], EPOCH)
    with pytest.raises(BadInput):
        Liabilities(published.root, published.total, 0, EPOCH)


def test_a_publication_is_of_numbers_that_it_can_hold() -> None:
    """An epoch of 64 bits and a count above zero; one beyond either end is refused."""
    listed = customers(2)
    made = publish(listed, EPOCH)
    for epoch in (0, 2**64 - 1):
        assert Liabilities(made.root, made.total, 2, epoch).epoch == epoch
    for epoch in (-1, 2**64):
        with pytest.raises(BadInput, match="epoch"):
            Liabilities(made.root, made.total, 2, epoch)
    assert Liabilities(made.root, made.total, MAX_COUNT, EPOCH).count == MAX_COUNT
    for count in (0, MAX_COUNT + 1):
        with pytest.raises(BadInput, match="number of liabilities"):
            Liabilities(made.root, made.total, count, EPOCH)
