"""Binary Merkle branches under a generalized index that we name: never one that came with the proof.

The root has index 1; the children of node i are 2i and 2i + 1. So an index fixes the depth of a branch and, bit by
bit from the leaf up, on which side each sibling stands. A branch has exactly the index's depth; leaf and siblings have
32 bytes each, so that no boundary between them can be moved.

Source: consensus specification, ssz/merkle-proofs.md; altair/light-client/sync-protocol.md.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NewType

from verifier.errors import BadInput, MalformedBranch, MissingEvidence, UnusedEvidence, Where, WrongHash
from verifier.primitives import Hash32

Gindex = NewType("Gindex", int)
"""A generalized index: a node of a binary tree."""

_ZERO = bytes(32)


def depth_of(index: Gindex) -> int:
    """How many siblings lead from the node to the root."""
    if index < 1:
        raise BadInput("generalized index", "at least 1", index)
    return index.bit_length() - 1


def below(index: Gindex, inner: Gindex) -> Gindex:
    """The index of a node that is `inner` within the tree whose root is `index`."""
    depth = depth_of(inner)
    return Gindex((index << depth) | (inner & ((1 << depth) - 1)))


def branch_root(leaf: bytes, branch: Sequence[bytes], index: Gindex) -> Hash32:
    """The root to which a leaf and as many siblings as the index is deep lead; widths are the caller's to check."""
    node = leaf
    for level, sibling in enumerate(branch):
        node = hashlib.sha256(sibling + node if index >> level & 1 else node + sibling).digest()
    return Hash32(node)


def verify_branch(leaf: bytes, branch: Sequence[bytes], index: Gindex, root: bytes, where: Where, what: str) -> None:
    """
    Establish that `leaf` is the node `index` of the tree under `root`.

    Args:
        leaf, branch: Untrusted; siblings bottom up.
        index: Ours.
        root: Proven, or on its way to be.

    Raises:
        BadInput: A leaf or sibling that is not 32 bytes.
        MissingEvidence: Fewer siblings than the index is deep.
        UnusedEvidence: More of them.
        WrongHash: They lead to another root.
    """
    depth = depth_of(index)
    for node in (leaf, *branch):
        if len(node) != 32:
            raise BadInput(f"{what}: a node of the branch", "32 bytes", node)
    if len(branch) < depth:
        raise MissingEvidence(where, f"{what}: {depth - len(branch)} of the {depth} siblings of its branch")
    if len(branch) > depth:
        raise UnusedEvidence(where, f"siblings of the branch of {what}", len(branch) - depth, f"number {depth + 1}")
    found = branch_root(leaf, branch, index)
    if found != root:
        raise WrongHash(where, what, bytes(root), found)


def verify_normalized(
    leaf: bytes, branch: Sequence[bytes], index: Gindex, root: bytes, where: Where, what: str
) -> None:
    """
    As `verify_branch`, for a branch that was carried into a newer and deeper form: its surplus stands in front.

    Raises:
        MalformedBranch: A surplus entry is not zero.
    """
    surplus = max(0, len(branch) - depth_of(index))
    for entry in branch[:surplus]:
        if entry != _ZERO:
            raise MalformedBranch(where, f"{what}: the first {surplus} entries of this branch must be zero", entry)
    verify_branch(leaf, branch[surplus:], index, root, where, what)


def normalized(branch: Sequence[bytes], index: Gindex) -> tuple[bytes, ...]:
    """The branch with zeros in front, as long as `index` is deep."""
    return (_ZERO,) * (depth_of(index) - len(branch)) + tuple(branch)
