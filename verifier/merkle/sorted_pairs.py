"""Sorted-pair Keccak trees, as OpenZeppelin's MerkleProof walks them: each pair is hashed smaller half first.

Sorting loses positions, so these trees prove membership and nothing about order. What they need of us is that an inner
node is never taken for a leaf: a leaf is hashed by one of the two rules of OpenZeppelin's library, told by the checker
and never by the proof. The standard rule hashes twice; the plain rule hashes once, and data of 64 bytes, which could
be two children, is refused. The number of leaves is the checker's too; it fixes the lengths that a proof can have.

Source: OpenZeppelin utils/cryptography/MerkleProof.sol, and the layout of @openzeppelin/merkle-tree (a complete binary
tree in an array of 2n-1 nodes, leaves last, in descending order of their hash from the front).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from verifier.crypto.keccak import keccak256
from verifier.errors import NOWHERE, BadInput, LimitExceeded, MissingEvidence, UnusedEvidence, Where, WrongHash
from verifier.primitives import Hash32, hash32, nonzero_hash

MAX_DEPTH: Final = 64


class LeafRule(StrEnum):
    """How the data of a leaf becomes its hash."""

    STANDARD = "standard"
    """keccak256(keccak256(data)): the data is the ABI encoding of the leaf's values (StandardMerkleTree)."""
    PLAIN = "plain"
    """keccak256(data), for data of any length but 64 bytes (SimpleMerkleTree over hashed values)."""


def leaf_hash(data: bytes, rule: LeafRule) -> Hash32:
    """
    The hash of a leaf.

    Raises:
        BadInput: Data of 64 bytes under the plain rule: it would have the hash of an inner node.
    """
    if type(data) is not bytes:
        raise BadInput("leaf data", "bytes", data)
    if rule is LeafRule.STANDARD:
        return keccak256(keccak256(data))
    if len(data) == 64:
        raise BadInput("leaf data under the plain rule", "any length but 64 bytes, which an inner node has", data)
    return keccak256(data)


def verify_membership(
    root: Hash32, data: bytes, rule: LeafRule, siblings: Sequence[bytes], *, count: int, where: Where = NOWHERE
) -> Hash32:
    """
    Establish that a tree of `count` leaves holds this data; returns the leaf's hash.

    Args:
        root, count: Believed: published by whoever made the tree.
        data, rule: Ours, from the question.
        siblings: Untrusted, from the leaf up.

    Raises:
        BadInput: A value of the wrong width, or a count below 1.
        MissingEvidence: Fewer siblings than any leaf of such a tree has; none at all where there are two leaves.
        UnusedEvidence: More siblings than any leaf of such a tree has.
        WrongHash: The leaf and its siblings hash to another root.
    """
    nonzero_hash(root)
    shallow, deep = _depths(count)
    leaf = leaf_hash(data, rule)
    path = [hash32(sibling) for sibling in siblings[: deep + 1]]
    if len(siblings) < shallow:
        raise MissingEvidence(where, f"a sibling of level {len(siblings)}, of at least {shallow}")
    if len(siblings) > deep:
        raise UnusedEvidence(where, "siblings", len(siblings) - deep, "0x" + path[deep].hex())
    found = leaf
    for sibling in path:
        found = pair_hash(found, sibling)
    if found != root:
        raise WrongHash(where, "the leaf with its siblings", root, found)
    return leaf


def pair_hash(one: Hash32, two: Hash32) -> Hash32:
    """The hash of an inner node: both halves, the smaller first."""
    return keccak256(one + two if one < two else two + one)


def _depths(count: int) -> tuple[int, int]:
    """The lengths of the shortest and the longest path in a complete tree of this many leaves."""
    if type(count) is not int or count < 1:
        raise BadInput("number of leaves", "at least 1", count)
    shallow, deep = count.bit_length() - 1, (count - 1).bit_length()
    if deep > MAX_DEPTH:
        raise LimitExceeded("depth of a tree", MAX_DEPTH, deep)
    return shallow, deep


@dataclass(frozen=True, slots=True)
class SortedTree:
    """A whole tree, for those who publish one.

    Attributes:
        nodes: The array of OpenZeppelin's library: the root first, children of node i at 2i+1 and 2i+2.
    """

    rule: LeafRule
    nodes: tuple[Hash32, ...]

    @property
    def root(self) -> Hash32:
        """What is published."""
        return self.nodes[0]

    @property
    def count(self) -> int:
        """How many leaves it has; published beside the root."""
        return (len(self.nodes) + 1) // 2

    def prove(self, data: bytes) -> tuple[Hash32, ...]:
        """The siblings of a leaf, from the leaf up.

        Raises:
            BadInput: The tree does not hold it.
        """
        leaf = leaf_hash(data, self.rule)
        if leaf not in self.nodes[self.count - 1 :]:
            raise BadInput("leaf", "one that the tree holds", data)
        at = self.nodes.index(leaf, self.count - 1)
        found: list[Hash32] = []
        while at:
            found.append(self.nodes[at + 1 if at % 2 else at - 1])
            at = (at - 1) // 2
        return tuple(found)


def build_sorted(leaves: Sequence[bytes], rule: LeafRule) -> SortedTree:
    """
    The tree over some leaves, as OpenZeppelin's library builds it.

    Raises:
        BadInput: No leaves, or one leaf twice: a member counted twice is no set.
    """
    hashes = sorted(leaf_hash(data, rule) for data in leaves)
    if not hashes or len(set(hashes)) != len(hashes):
        raise BadInput("leaves", "at least one, each once", len(hashes))
    size = 2 * len(hashes) - 1
    nodes = [Hash32(b"")] * size
    for i, leaf in enumerate(hashes):
        nodes[size - 1 - i] = leaf
    for i in range(size - len(hashes) - 1, -1, -1):
        nodes[i] = pair_hash(nodes[2 * i + 1], nodes[2 * i + 2])
    return SortedTree(rule, tuple(nodes))
