"""The walk as one would write it first: every node through the plain parser, no quick looks, no memo.

It is the oracle for the fast one: both must give the same value, or the same class of error, on any nodes at all.
"""

from __future__ import annotations

from collections.abc import Iterable

from tests.simulators.trie_builder import EMPTY_ROOT, keccak
from verifier.errors import NOWHERE, BadInput, MalformedNode, MissingNode
from verifier.trie.nodes import EMPTY, Branch, Extension, Leaf, parse_node
from verifier.trie.walk import ABSENT, Absent


def plain_walk(root: bytes, key: bytes, nodes: Iterable[bytes]) -> bytes | Absent:
    """What a trie holds at a key, by the definition."""
    if root == bytes(32):
        raise BadInput("root", "not zero", root)
    if root == EMPTY_ROOT:
        return ABSENT
    table = {keccak(node): node for node in nodes}
    path, at, branch_due, hashed = key.hex(), 0, False, len(key) == 32
    place = root
    while True:
        if isinstance(place, bytes):
            if place not in table:
                raise MissingNode(NOWHERE, place, path[:at])
            raw = table[place]
            if at > 0 and len(raw) < 32:
                raise MalformedNode(NOWHERE, "short")
            node = parse_node(raw, NOWHERE)
        else:
            node = place
        if branch_due and not isinstance(node, Branch):
            raise MalformedNode(NOWHERE, "extension to no branch")
        branch_due = isinstance(node, Extension)
        if isinstance(node, Leaf):
            if hashed and at + len(node.path) != 64:
                raise MalformedNode(NOWHERE, "leaf of another length")
            if (at + len(node.path)) % 2:
                raise MalformedNode(NOWHERE, "half a byte")
            return node.value if node.path == path[at:] else ABSENT
        if isinstance(node, Extension):
            if hashed and at + len(node.path) >= 64:
                raise MalformedNode(NOWHERE, "extension past the end")
            if path[at : at + len(node.path)] != node.path:
                return ABSENT
            at, place = at + len(node.path), node.child
            continue
        if (hashed and (node.value or at == 64)) or (node.value and at % 2):
            raise MalformedNode(NOWHERE, "no key ends here")
        if at == len(path):
            return node.value or ABSENT
        place, at = node.children[int(path[at], 16)], at + 1
        if place is EMPTY:
            return ABSENT
