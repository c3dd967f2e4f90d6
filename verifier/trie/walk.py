"""From a root along a key: the value there, or the proof that there is none.

One function for both answers. Absence is proven by a node that has no place for the key: an empty slot, another leaf,
another extension, a key that ends inside a path, a branch without a value, or the empty trie. Nodes that are not at
hand are `MissingNode`, never absence. Every node is found by the hash that its parent (or the root) gives, so a node
that was altered, belongs to another trie or hangs elsewhere is not found at all.

Keys of 32 bytes are hashes: in their tries every key has 64 nibbles, no branch has a value, and a path that ends
elsewhere than at nibble 64 is malformed. Other keys (the RLP of an index) may be prefixes of one another.

Most nodes are branches and leaves of one exact outline, which three quick looks recognise: a slice over a full branch,
one regular expression for a branch with gaps, and `leaf_value`. They only ever accept what `parse_node` accepts, with
the same content (a property test compares them); everything else takes the plain way through `parse_node`. In a batch
each node is hashed and parsed once, whatever the number of keys whose paths lead through it.

Source: Yellow Paper, appendix D; EIP-1186.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias, Union, final

from verifier.errors import BadInput, MalformedNode, MissingNode, VerifierError, Where
from verifier.primitives import ZERO_HASH, Hash32
from verifier.trie.nibbles import Nibbles
from verifier.trie.nodes import EMBEDDED_BELOW, Branch, Empty, Extension, Leaf, Node
from verifier.trie.outlines import (
    FULL_CHILD,
    FULL_HEAD,
    FULL_MARKS,
    FULL_SIZE,
    GAPPED,
    GAPPED_CHILD,
    GAPPED_SIZES,
    HEAD,
    MARKS,
    leaf_value,
)
from verifier.trie.table import NodeTable

EMPTY_ROOT: Final = Hash32(bytes.fromhex("56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421"))
"""keccak256(0x80), the root of a trie without keys."""

HASHED_KEY: Final = 32
"""Bytes of a key that is a hash."""


@final
class Absent:
    """Proven to be not there. There is one, `ABSENT`; it is not empty bytes and not None, which mean other things."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "ABSENT"

    def __reduce__(self) -> str:
        return "ABSENT"


ABSENT: Final = Absent()


@final
@dataclass(frozen=True, slots=True)
class Found:
    """What a walk established.

    Attributes:
        value: The bytes in the leaf, or `ABSENT`.
        used: The hashes of the nodes it rests on, from the root down; embedded nodes have none.
    """

    value: bytes | Absent
    used: tuple[Hash32, ...]


_Next: TypeAlias = tuple[bytes, int, bool]
"""Where the walk goes on: the reference, the nibbles behind it, and whether a branch must stand there. References are
plain bytes inside this module: what is found in the table was hashed by us, and naming it so at every step would cost
as much as finding it."""
_Step: TypeAlias = Union[bytes, Absent, _Next]


class Notes(Protocol):
    """Gets the hash of each node that is followed, from the root down: a set, where only which they are counts."""

    @property
    def add(self) -> Callable[..., object]:
        """Takes one hash."""


def walk(root: Hash32, key: bytes, table: NodeTable, where: Where, used: Notes | None = None) -> bytes | Absent:
    """Establish what a trie holds at a key: the leaf's bytes, or `ABSENT`.

    The inner loop calls nothing of ours but for a leaf: most of the time of a batch is spent in it.

    Args:
        root: From something proven. It is the only thing believed here.
        key: Ours, from the question: the Keccak-256 of an address or a slot, or the RLP of an index.
        table: Untrusted nodes under hashes that we computed.
        where: For errors.
        used: Gets the hash of each node that was followed.

    Raises:
        BadInput: The root is not a hash, or is the zero hash of an unset field.
        MissingNode: No node at hand hashes to the one the path needs next.
        Malformed: A node on the path is not canonical RLP, or one that no honest trie holds.
    """
    if root == EMPTY_ROOT:
        return ABSENT
    note = _ignore if used is None else used.add
    path, get = key.hex(), table.get
    wanted: bytes = root
    at, due_at = 0, -1  # the place where a branch must stand, since an extension led there
    while True:
        for digit in path[at:]:
            raw = get(wanted)
            if raw is None:
                raise _missing(where, wanted, Nibbles(path[:at]))
            note(wanted)
            head = raw[HEAD]
            if head == FULL_HEAD and len(raw) == FULL_SIZE and raw[MARKS] == FULL_MARKS:
                wanted = raw[FULL_CHILD[digit]]
            elif GAPPED_SIZES.get(head) == len(raw) and (match := GAPPED(raw)) is not None:
                child: bytes | None = match[GAPPED_CHILD[digit]]
                if child is None:
                    return ABSENT
                wanted = child
            elif at != due_at and (leaf := leaf_value(raw, key, digit, at)) is not None:
                return leaf[1] if leaf[0] else ABSENT
            else:
                break
            at += 1
        else:
            raw = get(wanted)
            if raw is None:
                raise _missing(where, wanted, Nibbles(path))
            note(wanted)
        step = _step((wanted, at, at == due_at), raw, Nibbles(path), table, where)
        if not isinstance(step, tuple):
            return step
        wanted, at, branch_due = step
        due_at = at if branch_due else -1


def walk_found(root: Hash32, key: bytes, table: NodeTable, where: Where) -> Found:
    """As `walk`, with the nodes it used as part of the result."""
    used = _InOrder()
    value = walk(root, key, table, where, used)
    return Found(value, tuple(used))


class _InOrder(list[Hash32]):
    """Notes that keep their order."""

    add = list.append


def _missing(where: Where, wanted: bytes, path: Nibbles) -> VerifierError:
    """Why there is no node: at the top the root may be none at all, which is a fault of the question."""
    if not path and (len(wanted) != 32 or wanted == ZERO_HASH):
        return BadInput("trie root", "a hash of 32 bytes that is not zero", wanted)
    return MissingNode(where, wanted, path)


def _step(place: _Next, raw: bytes, path: Nibbles, table: NodeTable, where: Where) -> _Step:
    """One node under a hash that has no common outline: to its end, or to the next hash."""
    wanted, at, branch_due = place
    here = where.at(node=f"0x{wanted.hex()} at path '{path[:at]}'")
    if at and len(raw) < EMBEDDED_BELOW:
        raise MalformedNode(here, "a node below the root of fewer than 32 bytes that is not embedded", raw)
    node = table.parsed(wanted, raw, here)
    if branch_due and not isinstance(node, Branch):
        raise MalformedNode(here, "an extension that does not lead to a branch")
    return _descend(node, path, at, here)


def _descend(node: Node, path: Nibbles, at: int, here: Where) -> _Step:
    """From a decoded node through those embedded in it, until a value, an absence or a hash."""
    hashed = len(path) == 2 * HASHED_KEY
    while True:
        if isinstance(node, Leaf):
            return _leaf(node.path, node.value, path, at, here)
        if isinstance(node, Extension):
            if hashed and at + len(node.path) >= len(path):
                raise MalformedNode(here, "an extension that runs past the last nibble of a hashed key", node.path)
            if not path.startswith(node.path, at):
                return ABSENT
            at += len(node.path)
            if isinstance(node.child, bytes):
                return node.child, at, True
            node = node.child
            continue
        _check_value_place(node, path, at, here)
        if at == len(path):
            return node.value or ABSENT
        child = node.children[int(path[at], 16)]
        at += 1
        if isinstance(child, bytes):
            return child, at, False
        if isinstance(child, Empty):
            return ABSENT
        node = child


def _check_value_place(node: Branch, path: Nibbles, at: int, here: Where) -> None:
    """A branch may have a value only where a key can end; where all keys are hashes, no branch is at a key's end."""
    if len(path) == 2 * HASHED_KEY:
        if node.value:
            raise MalformedNode(here, "a branch with a value, in a trie of hashed keys", node.value)
        if at == len(path):
            raise MalformedNode(here, "a branch below the last nibble of a hashed key")
    elif node.value and at % 2:
        raise MalformedNode(here, "a branch with a value in the middle of a byte of its key", node.value)


def _leaf(rest: Nibbles, value: bytes, path: Nibbles, at: int, here: Where) -> bytes | Absent:
    """The value of a leaf whose path is exactly what is left of the key; absence, if it is another key's leaf."""
    if path[at:] == rest:
        return value
    if len(path) == 2 * HASHED_KEY:
        if at + len(rest) != len(path):
            raise MalformedNode(here, f"a leaf that ends at nibble {at + len(rest)} of a hashed key", rest)
    elif (at + len(rest)) % 2:
        raise MalformedNode(here, "a leaf that ends in the middle of a byte of its key", rest)
    return ABSENT


def _ignore(_: bytes) -> None:
    return None
