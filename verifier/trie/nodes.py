"""Decoded trie nodes, and the plain strict parser that makes them. Shape only: whether a node belongs, the walk says.

An honest trie has one set of nodes for one content, and nothing else is taken: children shorter than 32 bytes stand
inside their parent and all others are named by hash; a branch holds at least two things; an extension has a path and
leads to a branch; a leaf has a value.

Source: Yellow Paper, appendix D.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias, Union, final

from verifier.codec import rlp
from verifier.codec.rlp import Item, RlpLimits
from verifier.errors import MalformedNode, Where
from verifier.primitives import Hash32
from verifier.trie.nibbles import Nibbles, decode_path

NODE_RLP: Final = RlpLimits(max_bytes=1 << 24, max_items=640, max_depth=8)
"""What one node can be made of at most: 17 items, each perhaps an embedded node of fewer than 32 bytes."""

EMBEDDED_BELOW: Final = 32
"""Nodes shorter than this stand inside their parent; the others are named by their hash."""


@final
class Empty:
    """No child in this place. There is one, `EMPTY`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "EMPTY"


EMPTY: Final = Empty()


@final
@dataclass(frozen=True, slots=True)
class Leaf:
    """The end of a key, and its value, which is never empty."""

    path: Nibbles
    value: bytes


@final
@dataclass(frozen=True, slots=True)
class Branch:
    """Sixteen places for children; a value, where a key ends here (empty where none does)."""

    children: tuple[Child, ...]
    value: bytes


@final
@dataclass(frozen=True, slots=True)
class Extension:
    """Nibbles that all keys below share. The child is a branch: embedded, or named by hash (then the walk looks)."""

    path: Nibbles
    child: Hash32 | Branch


Node: TypeAlias = Union[Branch, Extension, Leaf]
Child: TypeAlias = Union[Hash32, Branch, Extension, Leaf, Empty]


def parse_node(raw: bytes, where: Where) -> Node:
    """The node that some bytes encode, with all nodes embedded in it.

    Raises:
        MalformedRlp: Not canonical RLP.
        MalformedNode: Not a node, or one that no honest trie holds.
        LimitExceeded: More items or depth than any node has.
    """
    return _node(rlp.decode(raw, where, limits=NODE_RLP), where)


def _node(item: Item, where: Where) -> Node:
    if isinstance(item, bytes):
        raise MalformedNode(where, "a byte string instead of a list", item)
    if len(item) == 17:
        return _branch(item, where)
    if len(item) == 2:
        return _short(item, where)
    raise MalformedNode(where, "a list of neither 2 nor 17 items", len(item))


def _branch(items: list[Item], where: Where) -> Branch:
    value = items[16]
    if not isinstance(value, bytes):
        raise MalformedNode(where, "a branch whose value is a list")
    children = tuple([_child(item, where) for item in items[:16]])
    held = sum(child is not EMPTY for child in children) + (value != b"")
    if held < 2:
        raise MalformedNode(where, "a branch that holds fewer than two things", held)
    return Branch(children, value)


def _short(items: list[Item], where: Where) -> Leaf | Extension:
    encoded, second = items
    if not isinstance(encoded, bytes):
        raise MalformedNode(where, "a path that is a list")
    is_leaf, path = decode_path(encoded, where)
    if is_leaf:
        if not isinstance(second, bytes) or not second:
            raise MalformedNode(where, "a leaf whose value is empty or a list")
        return Leaf(path, second)
    if not path:
        raise MalformedNode(where, "an extension with an empty path")
    child = _child(second, where)
    if isinstance(child, Empty):
        raise MalformedNode(where, "an extension without a child")
    if isinstance(child, Leaf | Extension):
        raise MalformedNode(where, "an extension that does not lead to a branch")
    return Extension(path, child)


def _child(item: Item, where: Where) -> Child:
    """What stands in a child's place: nothing, a hash, or a whole node of fewer than 32 bytes."""
    if isinstance(item, bytes):
        if not item:
            return EMPTY
        if len(item) != 32:
            raise MalformedNode(where, "a reference to a child that is not 32 bytes", item)
        return Hash32(item)
    # The decoder took only canonical bytes, so encoding again gives the length that stood there.
    size = len(rlp.encode(item))
    if size >= EMBEDDED_BELOW:
        raise MalformedNode(where, "an embedded node of 32 bytes or more", size)
    return _node(item, where)
