"""What the signature scheme needs of BLS12-381, as one small interface; two packages fill it in.

Points are opaque here: what is inside one belongs to the backend that made it, and a point never meets another
backend. Which bytes encode a point at all is decided in `crypto/bls.py`, before a backend sees them, so that both
take and refuse the same.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NewType

G1 = NewType("G1", object)
"""A point of the curve over the base field: public keys."""
G2 = NewType("G2", object)
"""A point of the twist: signatures and hashed messages."""


class Curve(ABC):
    """Arithmetic on the two groups and the pairing. Encodings are the compressed ones, 48 and 96 bytes."""

    name: str

    @abstractmethod
    def g1(self, data: bytes) -> G1:
        """The curve point that a well-formed encoding names, in the subgroup or not; ValueError where there is none."""

    @abstractmethod
    def g2(self, data: bytes) -> G2:
        """The point of the twist that a well-formed encoding names; ValueError where there is none."""

    @abstractmethod
    def in_group1(self, point: G1) -> bool:
        """Whether the point is in the subgroup of prime order."""

    @abstractmethod
    def in_group2(self, point: G2) -> bool:
        """Whether the point is in the subgroup of prime order."""

    @abstractmethod
    def is_zero1(self, point: G1) -> bool:
        """Whether the point is that at infinity."""

    @abstractmethod
    def encode1(self, point: G1) -> bytes:
        """48 bytes."""

    @abstractmethod
    def encode2(self, point: G2) -> bytes:
        """96 bytes."""

    @abstractmethod
    def sum1(self, points: Sequence[G1]) -> G1:
        """The sum; of none, the point at infinity."""

    @abstractmethod
    def sum2(self, points: Sequence[G2]) -> G2:
        """The sum; of none, the point at infinity."""

    @abstractmethod
    def minus1(self, point: G1, taken: G1) -> G1:
        """The difference."""

    @abstractmethod
    def of_scalar(self, scalar: int) -> G1:
        """The generator, `scalar` times."""

    @abstractmethod
    def times2(self, point: G2, scalar: int) -> G2:
        """The point, `scalar` times."""

    @abstractmethod
    def hash_to_g2(self, message: bytes, tag: bytes) -> G2:
        """The message's point: XMD with SHA-256, simplified SWU, random oracle (RFC 9380)."""

    @abstractmethod
    def pairs_match(self, pairs: Sequence[tuple[G1, G2]], signature: G2) -> bool:
        """Whether the product of the pairings of `pairs` is the pairing of the generator with `signature`."""
