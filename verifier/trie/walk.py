"""From a root along a key: the value there, or the proof that there is none.

One function for both answers. Absence is proven by a node that has no place for the key: an empty slot, another leaf,
another extension, a key that ends inside a path, a branch without a value, or the empty trie. Nodes that are not at
hand are `MissingNode`, never absence. Every node is found by the hash that its parent (or the root) gives, so a node
that was altered, belongs to another trie or hangs elsewhere is not found at all.

Keys of 32 bytes are hashes: in their tries every key has 64 nibbles, no branch has a value, and a path that ends
elsewhere than at nibble 64 is malformed. Other keys (the RLP of an index) may be prefixes of one another.

Most nodes are branches and leaves of one exact outline, which three quick looks recognise: a slice over a full branch,
one regular expression for a branch with gaps, and `_quick_leaf`. They only ever accept what `parse_node` accepts, with
the same content (a property test compares them); everything else takes the plain way through `parse_node`.

Source: Yellow Paper, appendix D; EIP-1186.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias, Union, cast, final

from verifier.errors import BadInput, MalformedNode, MissingNode, Where
from verifier.primitives import ZERO_HASH, Hash32
from verifier.trie.nibbles import Nibbles, nibbles_of
from verifier.trie.nodes import EMBEDDED_BELOW, Branch, Empty, Extension, Leaf, Node
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


def walk(root: Hash32, key: bytes, table: NodeTable, where: Where, used: set[Hash32] | None = None) -> bytes | Absent:
    """Establish what a trie holds at a key: the leaf's bytes, or `ABSENT`.

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
    return _walk(root, key, table, where, _ignore if used is None else cast("_Note", used.add))


def walk_found(root: Hash32, key: bytes, table: NodeTable, where: Where) -> Found:
    """As `walk`, with the nodes it used as part of the result."""
    used: list[Hash32] = []
    value = _walk(root, key, table, where, cast("_Note", used.append))
    return Found(value, tuple(used))


_Note: TypeAlias = Callable[[bytes], object]
"""Takes the hash of a node that was followed. References are plain bytes inside this module: what is found in the table
was hashed by us, and naming it so at every step would cost as much as finding it."""
_Next: TypeAlias = tuple[bytes, int, bool]
"""Where the walk goes on: the reference, the nibbles behind it, and whether a branch must stand there."""
_Step: TypeAlias = Union[bytes, Absent, _Next]

_FULL: Final = b"\x80" + b"\xa0" * 16
"""Every 33rd byte of a full branch, from its end: no value, and sixteen prefixes of 32-byte strings."""
_FULL_HEAD: Final = b"\xf9\x02\x11"
_HEADS: Final = {
    2 + 17 + 32 * n if n < 8 else 3 + 17 + 32 * n: bytes((0xF8, 17 + 32 * n))
    if n < 8
    else b"\xf9" + (17 + 32 * n).to_bytes(2, "big")
    for n in range(2, 16)
}
"""Size of a branch of n hashes and no value, to the list header it must have."""
_GAPPED: Final = re.compile(rb"(?:\xa0(.{32})|\x80)" * 16 + rb"\x80", re.DOTALL)
_CHILD_AT: Final = {f"{n:x}": 4 + 33 * n for n in range(16)}
_GROUP: Final = {f"{n:x}": n + 1 for n in range(16)}


def _walk(root: Hash32, key: bytes, table: NodeTable, where: Where, note: _Note) -> bytes | Absent:
    if len(root) != 32 or root == ZERO_HASH:
        raise BadInput("trie root", "a hash of 32 bytes that is not zero", root)
    if root == EMPTY_ROOT:
        return ABSENT
    path, get = nibbles_of(key), table.get
    wanted: bytes = root
    at, end, branch_due = 0, len(path), False
    while True:
        raw = get(wanted)
        if raw is None:
            raise MissingNode(where, wanted, path[:at])
        note(wanted)
        if at < end:
            size = len(raw)
            if size == 532 and raw[::-33] == _FULL and raw[:3] == _FULL_HEAD:
                start = _CHILD_AT[path[at]]
                wanted, at, branch_due = raw[start : start + 32], at + 1, False
                continue
            head = _HEADS.get(size)
            if head is not None and raw.startswith(head):
                match = _GAPPED.fullmatch(raw, len(head))
                if match is not None:
                    child: bytes | None = match[_GROUP[path[at]]]
                    if child is None:
                        return ABSENT
                    wanted, at, branch_due = child, at + 1, False
                    continue
        step = _step((wanted, at, branch_due), raw, path, table, where)
        if not isinstance(step, tuple):
            return step
        wanted, at, branch_due = step


def _step(place: _Next, raw: bytes, path: Nibbles, table: NodeTable, where: Where) -> _Step:
    """One node under a hash that is no plain branch: to its end, or to the next hash."""
    wanted, at, branch_due = place
    leaf = None if branch_due else _quick_leaf(raw)
    if leaf is not None:
        rest, value = leaf
        if path[at:] == rest:
            return value
        if at + len(rest) == len(path):
            return ABSENT
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


def _quick_leaf(raw: bytes) -> tuple[Nibbles, bytes] | None:
    """Path and value of a leaf of the common outline, or None for anything that needs the plain parser.

    The outline: at least 32 bytes in all, a list header for exactly the bytes that follow it (one length byte at most),
    a path of 2 to 33 bytes with a leaf's flag, and a value that fills the rest with its shortest form.
    """
    size = len(raw)
    if size < EMBEDDED_BELOW or size > 257:
        return None
    if raw[0] == 0xF8 and size >= 58 and raw[1] == size - 2:
        start = 3
    elif raw[0] == size + 0xBF and size <= 56:
        start = 2
    else:
        return None
    flag, mark = raw[start], raw[start - 1]
    if not 0x82 <= mark <= 0xA1 or (flag != 0x20 and flag >> 4 != 3):
        return None
    middle = start + mark - 0x80
    value = _last_string(raw, middle, size)
    return None if value is None else (Nibbles(raw[start:middle].hex()[2 if flag == 0x20 else 1 :]), value)


def _last_string(raw: bytes, start: int, size: int) -> bytes | None:
    """The non-empty byte string that fills `raw` from `start` in its shortest form, or None."""
    if start >= size:
        return None
    first = raw[start]
    if first < 0x80:
        return raw[start:] if start + 1 == size else None
    if 0x80 < first <= 0xB7 and start + first - 0x7F == size:
        return raw[start + 1 :] if first != 0x81 or raw[start + 1] >= 0x80 else None
    if first == 0xB8 and start + 1 < size and raw[start + 1] == size - start - 2 and size - start - 2 > 55:
        return raw[start + 2 :]
    return None


def _ignore(_: bytes) -> None:
    return None
