"""Merkle-sum trees for a custodian's liabilities: that one's own balance is in the published total.

Every node is a hash and a sum. The hash of an inner node covers both children's hashes *and both their sums*: a tree
that hashes only the total, or one child's sum, lets liabilities be hidden (the Maxwell tree). Sums are unsigned and
bounded, and an addition that passes the bound is refused, so nothing negative and nothing that wraps can be slipped in.
A leaf commits to a customer's id of 32 bytes and to the balance; two customers with one balance have two leaves, and
the checker takes its own id, never one from the proof. The count is published with root and total, and the place comes
from the index: no leaf can be an inner node, and no node stands for two.

What it does not show: that the custodian left nobody out who did not look, and that anybody holds the assets.

Source: Hu, Zhang and Guo, Breaking the Binding: Attacks on the Merkle Approach to Prove Liabilities (2018).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from verifier.crypto.keccak import keccak256
from verifier.errors import NOWHERE, BadInput, MissingEvidence, UnusedEvidence, ValuationOverflow, Where, WrongHash
from verifier.merkle.ordered import MAX_COUNT
from verifier.primitives import Hash32, hash32, nonzero_hash

MAX_SUM: Final = 2**128 - 1
_LEAF: Final = b"\x00"
_NODE: Final = b"\x01"


@dataclass(frozen=True, slots=True)
class SumNode:
    """A node: its hash, and what all leaves under it add up to, in base units."""

    hash: Hash32
    sum: int

    def __post_init__(self) -> None:
        hash32(self.hash)
        if type(self.sum) is not int or not 0 <= self.sum <= MAX_SUM:
            raise BadInput("sum of a node", f"an integer from 0 to 2^128-1: {MAX_SUM}", self.sum)


@dataclass(frozen=True, slots=True)
class Liabilities:
    """What the custodian published, and the checker believes that it published.

    Attributes:
        total: All liabilities, in base units.
        epoch: Bound into every leaf, so that a proof of one publication is none of another.
    """

    root: Hash32
    total: int
    count: int
    epoch: int

    def __post_init__(self) -> None:
        nonzero_hash(self.root)
        SumNode(self.root, self.total)
        if type(self.count) is not int or not 1 <= self.count <= MAX_COUNT:
            raise BadInput("number of liabilities", f"1 to {MAX_COUNT}", self.count)
        if type(self.epoch) is not int or not 0 <= self.epoch < 1 << 64:
            raise BadInput("epoch", "an unsigned 64-bit integer", self.epoch)


def liability_leaf(customer: Hash32, balance: int, epoch: int) -> SumNode:
    """The leaf of one customer."""
    made = SumNode(nonzero_hash(customer), balance)
    return SumNode(keccak256(_LEAF + epoch.to_bytes(8, "big") + made.hash + _word(made.sum)), made.sum)


def sum_node(left: SumNode, right: SumNode, where: Where = NOWHERE) -> SumNode:
    """
    The parent of two nodes.

    Raises:
        ValuationOverflow: They add up to more than a sum can be.
    """
    added = left.sum + right.sum
    if added > MAX_SUM:
        raise ValuationOverflow(f"{where}: a sum of liabilities", MAX_SUM, added)
    return SumNode(keccak256(_NODE + left.hash + _word(left.sum) + right.hash + _word(right.sum)), added)


def verify_liability(
    published: Liabilities,
    customer: Hash32,
    balance: int,
    index: int,
    siblings: Sequence[SumNode],
    where: Where = NOWHERE,
) -> SumNode:
    """
    Establish that a customer's whole balance is in the published total; returns the leaf.

    Args:
        published: Believed to have been published; its total is held against what is hashed.
        customer, balance: Ours: one's own id, and what one is owed, in base units.
        index: From the custodian; which leaf it is. The hash decides whether that is so.
        siblings: Untrusted, from the leaf up; exactly as many as the shape has.

    Raises:
        BadInput: An index outside the published count, a sum or id of the wrong range.
        MissingEvidence, UnusedEvidence: Another number of siblings than the shape has.
        ValuationOverflow: The sums on the path pass the bound.
        WrongHash: The path leads to another root, or to another total.
    """
    if type(index) is not int or not 0 <= index < published.count:
        raise BadInput("index of a liability", f"0 to {published.count - 1}", index)
    leaf = found = liability_leaf(customer, balance, published.epoch)
    at, width, used = index, published.count, 0
    while width > 1:
        if not (at == width - 1 and width % 2 == 1):
            if used == len(siblings):
                raise MissingEvidence(where, f"sibling {used} of the path")
            other = siblings[used]
            found = sum_node(other, found, where) if at % 2 else sum_node(found, other, where)
            used += 1
        at, width = at // 2, (width + 1) // 2
    if used != len(siblings):
        raise UnusedEvidence(where, "siblings", len(siblings) - used, "0x" + siblings[used].hash.hex())
    if found.hash != published.root:
        raise WrongHash(where, f"liability {index} of {published.count} with its siblings", published.root, found.hash)
    if found.sum != published.total:
        raise WrongHash(where, "the published total", _word(published.total), _word(found.sum))
    return leaf


def publish(liabilities: Sequence[tuple[Hash32, int]], epoch: int) -> Liabilities:
    """
    What a custodian with these liabilities publishes.

    Raises:
        BadInput: None at all, or one customer twice.
    """
    top = _levels(liabilities, epoch)[-1][0]
    return Liabilities(top.hash, top.sum, len(liabilities), epoch)


def prove_liability(liabilities: Sequence[tuple[Hash32, int]], index: int, epoch: int) -> tuple[SumNode, ...]:
    """The siblings that a customer is handed, from the leaf up."""
    found: list[SumNode] = []
    for level in _levels(liabilities, epoch)[:-1]:
        if index ^ 1 < len(level):
            found.append(level[index ^ 1])
        index //= 2
    return tuple(found)


def _levels(liabilities: Sequence[tuple[Hash32, int]], epoch: int) -> list[list[SumNode]]:
    if not liabilities or len({customer for customer, _ in liabilities}) != len(liabilities):
        raise BadInput("liabilities", "at least one, each customer once", len(liabilities))
    levels = [[liability_leaf(customer, balance, epoch) for customer, balance in liabilities]]
    while len(levels[-1]) > 1:
        below = levels[-1]
        above = [sum_node(below[i], below[i + 1]) for i in range(0, len(below) - 1, 2)]
        levels.append([*above, below[-1]] if len(below) % 2 else above)
    return levels


def _word(value: int) -> bytes:
    return value.to_bytes(32, "big")
