"""BLS12-381 by py-arkworks-bls12381: the fast backend.

The package decodes some encodings that are not canonical (infinity with further bits set); they never come here, since
`crypto/bls.py` refuses them before.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import add
from typing import Final, cast

from py_arkworks_bls12381 import GT, G1Point, G2Point, Scalar

from verifier.crypto.bls_curve import G1, G2, Curve

_MINUS_GENERATOR: Final = -G1Point()


def _one(point: G1) -> G1Point:
    return cast("G1Point", point)


def _two(point: G2) -> G2Point:
    return cast("G2Point", point)


class Arkworks(Curve):
    """arkworks' curve behind our interface."""

    name = "arkworks"

    def g1(self, data: bytes) -> G1:
        return G1(G1Point.from_compressed_bytes_unchecked(data))

    def g2(self, data: bytes) -> G2:
        return G2(G2Point.from_compressed_bytes_unchecked(data))

    def in_group1(self, point: G1) -> bool:
        return _one(point).is_in_subgroup()

    def in_group2(self, point: G2) -> bool:
        return _two(point).is_in_subgroup()

    def is_zero1(self, point: G1) -> bool:
        return _one(point) == G1Point.identity()

    def encode1(self, point: G1) -> bytes:
        return bytes(_one(point).to_compressed_bytes())

    def encode2(self, point: G2) -> bytes:
        return bytes(_two(point).to_compressed_bytes())

    def sum1(self, points: Sequence[G1]) -> G1:
        return G1(reduce(add, [_one(p) for p in points], G1Point.identity()))

    def sum2(self, points: Sequence[G2]) -> G2:
        return G2(reduce(add, [_two(p) for p in points], G2Point.identity()))

    def minus1(self, point: G1, taken: G1) -> G1:
        return G1(_one(point) - _one(taken))

    def of_scalar(self, scalar: int) -> G1:
        return G1(G1Point() * Scalar.from_be_bytes(scalar.to_bytes(32, "big")))

    def times2(self, point: G2, scalar: int) -> G2:
        return G2(_two(point) * Scalar.from_be_bytes(scalar.to_bytes(32, "big")))

    def hash_to_g2(self, message: bytes, tag: bytes) -> G2:
        return G2(G2Point.hash_to_curve(message, tag))

    def pairs_match(self, pairs: Sequence[tuple[G1, G2]], signature: G2) -> bool:
        ones = [_one(p) for p, _ in pairs] + [_MINUS_GENERATOR]
        twos = [_two(q) for _, q in pairs] + [_two(signature)]
        return GT.pairing_check(ones, twos)
