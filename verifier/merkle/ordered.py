"""Ordered Merkle trees: the item at an index of a list of known length, under one pinned way of hashing.

Index and count come from the question, and the shape follows from them: on which side each sibling stands, how many
there are, and where a node has none. Nothing of that is taken from a proof. A scheme says how leaves and inner nodes
are told apart; there is none that pairs an odd node with itself, since then A,B,C and A,B,C,C have one root.

Source: RFC 6962, section 2.1 (certificate transparency); Nitro, arbos/merkleAccumulator (sends of ArbOS): its leaves
are hashed once more, and a missing right half is 32 zero bytes on every level.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from verifier.crypto.keccak import keccak256
from verifier.errors import NOWHERE, BadInput, MissingEvidence, UnusedEvidence, Where, WrongHash
from verifier.primitives import ZERO_HASH, Hash32, hash32, nonzero_hash

MAX_COUNT: Final = 1 << 48
_TWO_CHILDREN: Final = 64


class Odd(StrEnum):
    """What becomes of a node without a right neighbour."""

    PROMOTED = "promoted"
    """It moves up as it is; its path has no sibling on that level."""
    ZERO = "zero"
    """It is paired with 32 zero bytes, which stand in the proof and must be zero."""


@dataclass(frozen=True, slots=True)
class Scheme:
    """One way of hashing a list. Pinned by the checker, never named by a proof.

    Attributes:
        leaf_prefix, node_prefix: What is hashed before a leaf's data, and before two children.
        leaf_width: The only width that a leaf's data may have, or None. Without prefixes it must not be 64.
    """

    name: str
    hash: Callable[[bytes], Hash32]
    leaf_prefix: bytes
    node_prefix: bytes
    odd: Odd
    leaf_width: int | None = None

    def __post_init__(self) -> None:
        if self.leaf_prefix == self.node_prefix and self.leaf_width in {None, _TWO_CHILDREN}:
            raise BadInput(f"scheme {self.name}", "leaves that cannot be inner nodes", self.leaf_width)

    def leaf(self, data: bytes) -> Hash32:
        """The hash of a leaf's data."""
        if type(data) is not bytes or (self.leaf_width is not None and len(data) != self.leaf_width):
            raise BadInput(f"leaf of scheme {self.name}", f"{self.leaf_width or 'some'} bytes", data)
        return self.hash(self.leaf_prefix + data)

    def node(self, left: Hash32, right: Hash32) -> Hash32:
        """The hash of two children."""
        return self.hash(self.node_prefix + left + right)


def _sha256(data: bytes) -> Hash32:
    return Hash32(hashlib.sha256(data).digest())


RFC6962: Final = Scheme("rfc6962", _sha256, b"\x00", b"\x01", Odd.PROMOTED)
TAGGED_KECCAK: Final = Scheme("tagged-keccak", keccak256, b"\x00", b"\x01", Odd.PROMOTED)
"""The same shape over Keccak-256, for contracts."""
ARBITRUM_SENDS: Final = Scheme("arbitrum-sends", keccak256, b"", b"", Odd.ZERO, leaf_width=32)
SCHEMES: Final[Mapping[str, Scheme]] = MappingProxyType(
    {scheme.name: scheme for scheme in (RFC6962, TAGGED_KECCAK, ARBITRUM_SENDS)}
)


def verify_at(
    root: Hash32, scheme: Scheme, index: int, count: int, data: bytes, siblings: Sequence[bytes], where: Where = NOWHERE
) -> Hash32:
    """
    Establish that item `index` of a list of `count` items is this data; returns the leaf's hash.

    Args:
        root, count: Believed.
        scheme, index, data: Ours, from the question.
        siblings: Untrusted, from the leaf up; exactly as many as the shape has.

    Raises:
        BadInput: A count below 1 or beyond any list, an index outside of it, a leaf or sibling of another width.
        MissingEvidence, UnusedEvidence: Another number of siblings than the shape has.
        WrongHash: The leaf and its siblings hash to another root, or what must be zero is not.
    """
    nonzero_hash(root)
    _check_place(index, count)
    leaf = scheme.leaf(data)
    found, given, at, width = leaf, iter(siblings), index, count
    level = taken = 0
    while width > 1:
        lonely = at == width - 1 and width % 2 == 1
        if not (lonely and scheme.odd is Odd.PROMOTED):
            sibling = hash32(_next(given, level, where))
            taken += 1
            if lonely and sibling != ZERO_HASH:
                raise WrongHash(where, f"the missing neighbour on level {level}", ZERO_HASH, sibling)
            found = scheme.node(sibling, found) if at % 2 else scheme.node(found, sibling)
        at, width, level = at // 2, (width + 1) // 2, level + 1
    left = len(siblings) - taken
    if left:
        raise UnusedEvidence(where, "siblings", left, "0x" + bytes(siblings[taken][:32]).hex())
    if found != root:
        raise WrongHash(where, f"item {index} of {count} with its siblings", root, found)
    return leaf


def _next(given: object, level: int, where: Where) -> object:
    found = next(given, None)  # type: ignore[call-overload]
    if found is None:
        raise MissingEvidence(where, f"the sibling on level {level}")
    return found


def _check_place(index: int, count: int) -> None:
    if type(count) is not int or not 1 <= count <= MAX_COUNT:
        raise BadInput("number of items", f"1 to {MAX_COUNT}", count)
    if type(index) is not int or not 0 <= index < count:
        raise BadInput("index", f"0 to {count - 1}", index)


def build_root(scheme: Scheme, items: Sequence[bytes]) -> Hash32:
    """The root over some items. Raises BadInput for an empty list: it has no root here."""
    return _levels(scheme, items)[-1][0]


def prove_at(scheme: Scheme, items: Sequence[bytes], index: int) -> tuple[Hash32, ...]:
    """The siblings of one item, from the leaf up, as `verify_at` takes them."""
    _check_place(index, len(items))
    found: list[Hash32] = []
    for level in _levels(scheme, items)[:-1]:
        beside = index ^ 1
        if beside < len(level):
            found.append(level[beside])
        elif scheme.odd is Odd.ZERO:
            found.append(ZERO_HASH)
        index //= 2
    return tuple(found)


def _levels(scheme: Scheme, items: Sequence[bytes]) -> list[list[Hash32]]:
    if not items:
        raise BadInput("items", "at least one", 0)
    levels = [[scheme.leaf(item) for item in items]]
    while len(levels[-1]) > 1:
        below = levels[-1]
        above = [scheme.node(below[i], below[i + 1]) for i in range(0, len(below) - 1, 2)]
        if len(below) % 2:
            above.append(below[-1] if scheme.odd is Odd.PROMOTED else scheme.node(below[-1], ZERO_HASH))
        levels.append(above)
    return levels
