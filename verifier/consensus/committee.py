"""A sync committee whose keys are decompressed and checked once, when they are first needed, and then kept.

The same key may stand in a committee more than once; it then signs once for each place.
"""

from __future__ import annotations

from verifier.consensus.containers import SyncCommittee
from verifier.crypto.bls import KeySet, Scheme
from verifier.errors import BadPoint, Where
from verifier.primitives import Hash32


def two_thirds(size: int) -> int:
    """The least number of members that are two thirds of `size`."""
    return -(-2 * size // 3)


class Committee:
    """Members that a proven state names, and the scheme in which their points are kept."""

    __slots__ = ("_keys", "members", "scheme")

    def __init__(self, members: SyncCommittee, scheme: Scheme) -> None:
        self.members, self.scheme = members, scheme
        self._keys: KeySet | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Committee) and self.members == other.members

    def __hash__(self) -> int:
        return hash(self.members.aggregate)

    @property
    def size(self) -> int:
        """How many members it has."""
        return len(self.members.pubkeys)

    def keys(self, where: Where) -> KeySet:
        """
        The keys as points.

        Raises:
            MalformedPoint: One is not the encoding of a point.
            BadPoint: One is at infinity or outside the subgroup, or they do not sum to the committee's aggregate key.
        """
        if self._keys is None:
            keys = self.scheme.key_set(self.members.pubkeys, where)
            total = self.scheme.summed(keys.total, where)
            if total.raw != self.members.aggregate:
                raise BadPoint(where, "an aggregate key that is not the sum of the committee", self.members.aggregate)
            self._keys = keys
        return self._keys

    def verify(self, bits: tuple[bool, ...], message: Hash32, signature: bytes, where: Where) -> None:
        """
        Establish that the members whose bit is set signed a message, each of them.

        Raises:
            BadInput: Another count of bits than of members.
            MalformedPoint, BadPoint, WrongSignature: The keys or the signature are bad, or no bit is set.
        """
        key = self.keys(where).of_bits(bits, where)
        self.scheme.verify(key, message, signature, where)
