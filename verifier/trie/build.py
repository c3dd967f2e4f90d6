"""Building a trie of known items: its root, its nodes, and the path to a key. The other direction of the walk.

A relayer that holds all receipts of a block makes the proof of one of them with this, and a range of events is shown
complete by building the whole list anew: only the full and exact list hashes to the root in the header.

Source: Yellow Paper, appendix D.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from verifier.codec import rlp
from verifier.crypto.keccak import keccak256
from verifier.errors import NOWHERE, BadInput
from verifier.primitives import Hash32
from verifier.trie.nibbles import nibbles_of
from verifier.trie.table import NodeTable
from verifier.trie.walk import EMPTY_ROOT, walk_found

_EMBEDDED_BELOW: Final = 32
_HEX: Final = "0123456789abcdef"

_Reference: TypeAlias = rlp.Item
"""How a parent names a child: by its hash, or with the child itself where that is short."""


@dataclass(frozen=True, slots=True)
class BuiltTrie:
    """A whole trie.

    Attributes:
        nodes: Every node that stands under a hash, by that hash.
    """

    root: Hash32
    nodes: Mapping[Hash32, bytes]

    def prove(self, key: bytes) -> tuple[bytes, ...]:
        """The nodes from the root to a key, or to where its absence shows."""
        found = walk_found(self.root, key, NodeTable.from_hashed(self.nodes.items()), NOWHERE)
        return tuple(self.nodes[reference] for reference in found.used)


def build_trie(items: Mapping[bytes, bytes]) -> BuiltTrie:
    """
    The trie of some keys.

    Raises:
        BadInput: An empty value: absence is not stored.
    """
    if any(not value for value in items.values()):
        raise BadInput("trie item", "a value of at least one byte", b"")
    if not items:
        return BuiltTrie(EMPTY_ROOT, {})
    nodes: dict[Hash32, bytes] = {}
    top = _subtree(sorted((str(nibbles_of(key)), value) for key, value in items.items()), 0, nodes)
    raw = rlp.encode(top)
    root = keccak256(raw)
    nodes[root] = raw
    return BuiltTrie(root, nodes)


def build_list(items: Sequence[bytes]) -> BuiltTrie:
    """The trie of a block's list: each item under the RLP of its index."""
    return build_trie({rlp.encode_uint(i): item for i, item in enumerate(items)})


def _subtree(pairs: list[tuple[str, bytes]], at: int, nodes: dict[Hash32, bytes]) -> list[_Reference]:
    """The node over these paths, of which the first `at` nibbles are walked already."""
    first, last = pairs[0][0], pairs[-1][0]
    if len(pairs) == 1:
        return [_compact(first[at:], leaf=True), pairs[0][1]]
    shared = at
    # The paths are sorted: what the first and the last of them share, all of them share.
    while shared < min(len(first), len(last)) and first[shared] == last[shared]:
        shared += 1
    if shared > at:
        return [_compact(first[at:shared], leaf=False), _refer(_subtree(pairs, shared, nodes), nodes)]
    children: list[_Reference] = [b""] * 17
    for i, digit in enumerate(_HEX):
        below = [pair for pair in pairs if len(pair[0]) > at and pair[0][at] == digit]
        if below:
            children[i] = _refer(_subtree(below, at + 1, nodes), nodes)
    if len(first) == at:
        children[16] = pairs[0][1]
    return children


def _refer(node: list[_Reference], nodes: dict[Hash32, bytes]) -> _Reference:
    """How a parent names a node: the node itself where it is short, else its hash."""
    raw = rlp.encode(node)
    if len(raw) < _EMBEDDED_BELOW:
        return node
    reference = keccak256(raw)
    nodes[reference] = raw
    return reference


def _compact(path: str, *, leaf: bool) -> bytes:
    """Hex-prefix encoding of a path."""
    flag = (2 if leaf else 0) + len(path) % 2
    return bytes.fromhex(_HEX[flag] + ("" if len(path) % 2 else "0") + path)
