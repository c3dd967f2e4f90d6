"""BLS12-381 by py_ecc: pure Python, the reference that the fast backend is held against, and what is left without it.

A subgroup check takes about 10 ms here, so a committee of 512 keys takes five seconds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import reduce
from typing import TypeAlias, cast

from eth_typing import BLSPubkey, BLSSignature
from py_ecc.bls.g2_primitives import G1_to_pubkey, G2_to_signature, pubkey_to_G1, signature_to_G2, subgroup_check
from py_ecc.bls.hash_to_curve import hash_to_G2
from py_ecc.bls.typing import G1Uncompressed, G2Uncompressed
from py_ecc.optimized_bls12_381 import FQ12, Z1, Z2, add, final_exponentiate, is_inf, multiply, neg, pairing
from py_ecc.optimized_bls12_381 import G1 as GENERATOR

from verifier.crypto.bls_curve import G1, G2, Curve

_One: TypeAlias = G1Uncompressed
_Two: TypeAlias = G2Uncompressed


def _one(point: G1) -> _One:
    return cast("_One", point)


def _two(point: G2) -> _Two:
    return cast("_Two", point)


class Reference(Curve):
    """py_ecc's curve behind our interface."""

    name = "py_ecc"

    def g1(self, data: bytes) -> G1:
        return G1(pubkey_to_G1(BLSPubkey(data)))

    def g2(self, data: bytes) -> G2:
        return G2(signature_to_G2(BLSSignature(data)))

    def in_group1(self, point: G1) -> bool:
        return subgroup_check(_one(point))

    def in_group2(self, point: G2) -> bool:
        return subgroup_check(_two(point))

    def is_zero1(self, point: G1) -> bool:
        return is_inf(_one(point))

    def encode1(self, point: G1) -> bytes:
        return bytes(G1_to_pubkey(_one(point)))

    def encode2(self, point: G2) -> bytes:
        return bytes(G2_to_signature(_two(point)))

    def sum1(self, points: Sequence[G1]) -> G1:
        return G1(reduce(add, [_one(p) for p in points], Z1))

    def sum2(self, points: Sequence[G2]) -> G2:
        return G2(reduce(add, [_two(p) for p in points], Z2))

    def minus1(self, point: G1, taken: G1) -> G1:
        return G1(add(_one(point), neg(_one(taken))))

    def of_scalar(self, scalar: int) -> G1:
        return G1(multiply(GENERATOR, scalar))

    def times2(self, point: G2, scalar: int) -> G2:
        return G2(multiply(_two(point), scalar))

    def hash_to_g2(self, message: bytes, tag: bytes) -> G2:
        return G2(hash_to_G2(message, tag, hashlib.sha256))  # type: ignore[arg-type]  # py_ecc names the digest's type, and calls its maker

    def pairs_match(self, pairs: Sequence[tuple[G1, G2]], signature: G2) -> bool:
        product = pairing(_two(signature), neg(GENERATOR), final_exponentiate=False)
        for key, message in pairs:
            product *= pairing(_two(message), _one(key), final_exponentiate=False)
        return bool(final_exponentiate(product) == FQ12.one())
