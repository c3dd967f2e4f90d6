"""SSZ branches and multiproofs: nodes of a beacon object under its root, by generalized index.

A generalized index names a node by its path: 1 is the root, and the children of n are 2n and 2n+1. It comes from the
question (the type says it), so a proof has no position to choose: which sisters it must hold follows from the indices,
and it holds exactly these. One node is never given twice, and no node that was asked for lies under another.

Source: consensus-specs, ssz/merkle-proofs.md.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from verifier.errors import NOWHERE, BadInput, LimitExceeded, MissingEvidence, UnusedEvidence, Where, WrongHash
from verifier.primitives import Hash32, hash32, nonzero_hash
from verifier.trie.binary import Gindex, branch_root

MAX_DEPTH: Final = 64
"""Lists of the registry are 2^40 long, below a few levels of containers."""
MAX_NODES: Final = 4_096


def verify_ssz_branch(root: Hash32, gindex: int, node: Hash32, branch: Sequence[bytes], where: Where = NOWHERE) -> None:
    """
    Establish that a node of an object is this one.

    Args:
        root: Believed.
        gindex, node: Ours, from the question.
        branch: Untrusted sisters, from the node up.

    Raises:
        BadInput: No generalized index, or a value of the wrong width.
        MissingEvidence, UnusedEvidence: Another number of sisters than the index has levels.
        WrongHash: They hash to another root.
    """
    nonzero_hash(root)
    depth = _depth(gindex)
    leaf = hash32(node)
    if len(branch) < depth:
        raise MissingEvidence(where, f"the sister on level {len(branch)} of {depth}")
    if len(branch) > depth:
        raise UnusedEvidence(where, "sisters", len(branch) - depth, "0x" + bytes(branch[depth][:32]).hex())
    found = branch_root(leaf, [hash32(sister) for sister in branch], Gindex(gindex))
    if found != root:
        raise WrongHash(where, f"node {gindex} with its branch", root, found)


def helper_indices(gindices: Iterable[int]) -> tuple[int, ...]:
    """The generalized indices of the sisters that a multiproof of some nodes must hold, in descending order."""
    wanted = _checked(gindices)
    paths = {index >> up for index in wanted for up in range(index.bit_length())}
    sisters = {(index >> up) ^ 1 for index in wanted for up in range(index.bit_length() - 1)}
    return tuple(sorted(sisters - paths, reverse=True))


def verify_ssz_multiproof(
    root: Hash32, nodes: Mapping[int, Hash32], sisters: Sequence[bytes], where: Where = NOWHERE
) -> None:
    """
    Establish several nodes of one object at once.

    Args:
        root: Believed.
        nodes: Ours: each node by its generalized index; none of them under another.
        sisters: Untrusted, in the order of `helper_indices`.

    Raises:
        BadInput: No nodes, one under another, no generalized index, or a value of the wrong width.
        MissingEvidence, UnusedEvidence: Another number of sisters than there must be.
        WrongHash: They hash to another root.
    """
    nonzero_hash(root)
    helpers = helper_indices(nodes)
    if len(sisters) < len(helpers):
        raise MissingEvidence(where, f"the sister {helpers[len(sisters)]}")
    if len(sisters) > len(helpers):
        extra = len(sisters) - len(helpers)
        raise UnusedEvidence(where, "sisters", extra, "0x" + bytes(sisters[len(helpers)][:32]).hex())
    known = {index: hash32(node) for index, node in nodes.items()}
    known |= {index: hash32(sister) for index, sister in zip(helpers, sisters, strict=True)}
    found = _fold(known)
    if found != root:
        raise WrongHash(where, f"{len(nodes)} nodes with their sisters", root, found)


def _fold(known: dict[int, Hash32]) -> Hash32:
    """From all given nodes up to the root: deepest first, each pair once."""
    levels: dict[int, dict[int, Hash32]] = {}
    for index, node in known.items():
        levels.setdefault(index.bit_length(), {})[index] = node
    for level in range(max(levels), 1, -1):
        above = levels.setdefault(level - 1, {})
        here = levels.pop(level, {})
        for index in here:
            if index % 2 == 0:
                above[index // 2] = _hash(here[index], here[index + 1])
    return levels[1][1]


def _checked(gindices: Iterable[int]) -> tuple[int, ...]:
    wanted = tuple(gindices)
    if not wanted or len(wanted) > MAX_NODES:
        raise (
            LimitExceeded("nodes of a multiproof", MAX_NODES, len(wanted))
            if wanted
            else BadInput("nodes of a multiproof", "at least one", 0)
        )
    for index in wanted:
        _depth(index)
    taken = set(wanted)
    for index in wanted:
        above = {index >> up for up in range(1, index.bit_length())}
        if taken & above or len(taken) != len(wanted):
            raise BadInput("nodes of a multiproof", "each once, none of them under another", index)
    return wanted


def _depth(gindex: int) -> int:
    if type(gindex) is not int or gindex < 1:
        raise BadInput("generalized index", "an integer of at least 1", gindex)
    depth = gindex.bit_length() - 1
    if depth > MAX_DEPTH:
        raise LimitExceeded("depth of a generalized index", MAX_DEPTH, depth)
    return depth


def _hash(left: bytes, right: bytes) -> Hash32:
    return Hash32(hashlib.sha256(left + right).digest())
