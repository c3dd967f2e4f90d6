"""BLS signatures over BLS12-381: keys in G1 (48 bytes), signatures in G2 (96 bytes), proofs of possession.

One door, two backends with the same verdicts: arkworks where its wheel is installed, py_ecc otherwise. Which bytes
encode a point is decided here, before either sees them. A key or a signature is one exact encoding of a point of the
prime subgroup that is not the point at infinity; a sum of keys that comes to infinity is refused as well, since every
message would verify under it. What is refused raises; nothing here answers with a bool that a caller could drop.

`fast_aggregate_verify` is safe only for keys whose owners have shown that they hold the secret: validators did so with
their deposit, other signers must show it by `pop_prove` (`pop_verify` checks), or one of them cancels out the others.

Neither backend promises constant time: sign with long-lived keys where nobody can measure.

Source: draft-irtf-cfrg-bls-signature-05, proof of possession scheme; RFC 9380; consensus specification, phase0.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from verifier.crypto.bls_curve import G1, G2, Curve
from verifier.errors import NOWHERE, BadInput, BadPoint, MalformedPoint, Where, WrongSignature

ORDER: Final = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001
"""Of the groups: a secret key is at least 1 and below."""
KEY_BYTES: Final = 48
SIGNATURE_BYTES: Final = 96

_FIELD: Final = int(
    "1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab", 16
)
_TAG: Final = b"BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_"
_POSSESSION_TAG: Final = b"BLS_POP_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_"
_COMPRESSED, _INFINITY, _SIGN = 0x80, 0x40, 0x20
_PROBE_SECRET: Final = 0x47B8192D77BF871B62E87859D653922725724A5C031AFEABC60BCEF5FF665138
_PROBE_DIGEST: Final = "e7562c87acb069a01c7d1bb08d688fba284a6eca5c477419debf69b239e075c2"
"""SHA-256 of that key's signature of 32 zero bytes, from the vectors of the scheme."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A valid public key: made by `Scheme.key_validate` and by summing valid ones, and by nothing else.

    `point` belongs to the scheme that made it; two keys are one if their bytes are.
    """

    raw: bytes
    point: G1

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PublicKey) and self.raw == other.raw

    def __hash__(self) -> int:
        return hash(self.raw)


class KeySet:
    """Keys that sign together time after time: decompressed and checked once, with their sum."""

    __slots__ = ("_scheme", "keys", "total")

    def __init__(self, scheme: Scheme, keys: Sequence[PublicKey]) -> None:
        self._scheme, self.keys = scheme, tuple(keys)
        self.total: Final = scheme.curve.sum1([key.point for key in keys])

    def of_bits(self, bits: Sequence[bool], where: Where = NOWHERE) -> PublicKey:
        """
        The sum of the keys whose bit is set: added up, or the absent ones taken off the total where those are fewer.

        Raises:
            BadInput: Another count of bits than of keys.
            BadPoint: No bit is set, or the keys cancel out.
        """
        if len(bits) != len(self.keys):
            raise BadInput("participation bits", f"{len(self.keys)} bits", f"{len(bits)} bits")
        curve = self._scheme.curve
        present = [key.point for key, bit in zip(self.keys, bits, strict=True) if bit]
        if not present:
            raise BadPoint(where, "a sum of no keys")
        if 2 * len(present) < len(bits):
            return self._scheme.summed(curve.sum1(present), where)
        absent = [key.point for key, bit in zip(self.keys, bits, strict=True) if not bit]
        return self._scheme.summed(curve.minus1(self.total, curve.sum1(absent)), where)


class Scheme:
    """The proof-of-possession scheme over one backend."""

    __slots__ = ("curve",)

    def __init__(self, curve: Curve) -> None:
        self.curve = curve

    def key_validate(self, data: bytes, where: Where = NOWHERE) -> PublicKey:
        """
        Establish that bytes are a public key.

        Raises:
            MalformedPoint: Not the one encoding of a point of the curve.
            BadPoint: The point at infinity, or one outside the subgroup.
        """
        if _check_encoding(data, KEY_BYTES, "a public key", where):
            raise BadPoint(where, "a public key at infinity", data)
        try:
            point = self.curve.g1(data)
        except ValueError as error:
            raise MalformedPoint(where, "a public key that is no point of the curve", data) from error
        if not self.curve.in_group1(point):
            raise BadPoint(where, "a public key outside the subgroup", data)
        return PublicKey(data, point)

    def key_set(self, encodings: Sequence[bytes], where: Where = NOWHERE) -> KeySet:
        """Keys that sign together, each checked; the same key may stand there more than once, and counts each time."""
        known: dict[bytes, PublicKey] = {}
        for data in encodings:
            if data not in known:
                known[data] = self.key_validate(data, where)
        return KeySet(self, [known[data] for data in encodings])

    def public_key(self, secret: int) -> PublicKey:
        """The public key of a secret one. Raises BadInput for a number that is none."""
        point = self.curve.of_scalar(_secret(secret))
        return PublicKey(self.curve.encode1(point), point)

    def summed(self, point: G1, where: Where = NOWHERE) -> PublicKey:
        """A sum of valid keys as a key; BadPoint where they cancel out."""
        if self.curve.is_zero1(point):
            raise BadPoint(where, "public keys that sum to infinity")
        return PublicKey(self.curve.encode1(point), point)

    def aggregate_keys(self, keys: Sequence[PublicKey], where: Where = NOWHERE) -> PublicKey:
        """The sum of keys, each as often as it stands there. Raises BadPoint for none, and where they cancel out."""
        if not keys:
            raise BadPoint(where, "a sum of no keys")
        return self.summed(self.curve.sum1([key.point for key in keys]), where)

    def sign(self, secret: int, message: bytes) -> bytes:
        """The signature of a message, 96 bytes."""
        return self._signed(secret, message, _TAG)

    def verify(self, key: PublicKey, message: bytes, signature: bytes, where: Where = NOWHERE) -> None:
        """
        Establish that the holder of `key` signed `message`.

        Raises:
            MalformedPoint: The signature is not the one encoding of a point.
            BadPoint: It is the point at infinity, or outside the subgroup.
            WrongSignature: It is another message's, or another key's.
        """
        self._check([(key, message)], signature, _TAG, where)

    def fast_aggregate_verify(
        self, keys: Sequence[PublicKey], message: bytes, signature: bytes, where: Where = NOWHERE
    ) -> None:
        """
        Establish that all of `keys` signed one message. Their owners must have proven possession.

        Raises:
            BadPoint: There are no keys, they cancel out, or the signature is no valid point.
            MalformedPoint, WrongSignature: As `verify`.
        """
        self.verify(self.aggregate_keys(keys, where), message, signature, where)

    def aggregate_verify(
        self, keys: Sequence[PublicKey], messages: Sequence[bytes], signature: bytes, where: Where = NOWHERE
    ) -> None:
        """Establish that each key signed the message at its place. Raises as `fast_aggregate_verify`, and BadInput."""
        if len(keys) != len(messages):
            raise BadInput("messages", f"{len(keys)} messages for as many keys", len(messages))
        if not keys:
            raise BadPoint(where, "a signature of no keys")
        self._check(list(zip(keys, messages, strict=True)), signature, _TAG, where)

    def aggregate(self, signatures: Sequence[bytes], where: Where = NOWHERE) -> bytes:
        """
        The sum of signatures, which says nothing until it is verified.

        Raises:
            BadInput: None are given.
            MalformedPoint, BadPoint: One is no point, or outside the subgroup; infinity is a point that adds nothing.
        """
        if not signatures:
            raise BadInput("signatures", "at least one", "none")
        points = [p for p in (self._signature(data, where) for data in signatures) if p is not None]
        return self.curve.encode2(self.curve.sum2(points))

    def pop_prove(self, secret: int) -> bytes:
        """Proof that we hold the secret of our public key: its bytes, signed under a tag of their own."""
        return self._signed(secret, self.public_key(secret).raw, _POSSESSION_TAG)

    def pop_verify(self, key: PublicKey, proof: bytes, where: Where = NOWHERE) -> None:
        """Establish that the holder of `key` knows its secret. Raises as `verify`."""
        self._check([(key, key.raw)], proof, _POSSESSION_TAG, where)

    def _signed(self, secret: int, message: bytes, tag: bytes) -> bytes:
        scalar = _secret(secret)
        return self.curve.encode2(self.curve.times2(self.curve.hash_to_g2(message, tag), scalar))

    def _signature(self, data: bytes, where: Where) -> G2 | None:
        """The point of a signature; None for the one at infinity."""
        if _check_encoding(data, SIGNATURE_BYTES, "a signature", where):
            return None
        try:
            point = self.curve.g2(data)
        except ValueError as error:
            raise MalformedPoint(where, "a signature that is no point of the curve", data) from error
        if not self.curve.in_group2(point):
            raise BadPoint(where, "a signature outside the subgroup", data)
        return point

    def _check(self, signed: Sequence[tuple[PublicKey, bytes]], signature: bytes, tag: bytes, where: Where) -> None:
        point = self._signature(signature, where)
        if point is None:
            raise BadPoint(where, "a signature at infinity", signature)
        pairs = [(key.point, self.curve.hash_to_g2(message, tag)) for key, message in signed]
        if not self.curve.pairs_match(pairs, point):
            raise WrongSignature(where, signed[0][1], signed[0][0].raw, len(signed))


def _check_encoding(data: bytes, width: int, what: str, where: Where) -> bool:
    """Whether well-formed bytes stand for infinity. Raises MalformedPoint for bytes that no point is encoded as."""
    if len(data) != width:
        raise MalformedPoint(where, f"{what} is {width} bytes", data)
    flags = data[0]
    if not flags & _COMPRESSED:
        raise MalformedPoint(where, f"{what} is not in the compressed form", data)
    if flags & _INFINITY:
        if flags != _COMPRESSED | _INFINITY or any(data[1:]):
            raise MalformedPoint(where, f"{what} at infinity with further bits set", data)
        return True
    first = int.from_bytes(data[:KEY_BYTES], "big") & ((1 << 381) - 1)
    if first >= _FIELD or int.from_bytes(data[KEY_BYTES:], "big") >= _FIELD:
        raise MalformedPoint(where, f"{what} has a coordinate outside the field", data)
    return False


def _secret(number: int) -> int:
    if not 1 <= number < ORDER:
        raise BadInput("secret key", "a number from 1 to the order of the group", "another")  # never shown
    return number


def _gives_the_known_signature(scheme: Scheme) -> bool:
    signature = scheme.sign(_PROBE_SECRET, bytes(32))
    return hashlib.sha256(signature).hexdigest() == _PROBE_DIGEST


def fast_curve() -> Curve | None:
    """The native backend, or None where its package is not installed."""
    try:
        from verifier.crypto.bls_arkworks import Arkworks
    except ImportError:
        return None
    return Arkworks()


def reference_curve() -> Curve:
    """The pure Python backend."""
    from verifier.crypto.bls_reference import Reference

    return Reference()


@cache
def default_scheme() -> Scheme:
    """
    The scheme over the first backend that is there and gives the known signature of a known key; chosen once.

    Raises:
        ImportError: Neither does; no signature can be verified on this machine.
    """
    fast = fast_curve()
    if fast is not None and _gives_the_known_signature(Scheme(fast)):
        return Scheme(fast)
    slow = Scheme(reference_curve())
    if _gives_the_known_signature(slow):
        return slow
    raise ImportError("no working BLS12-381: neither arkworks nor py_ecc gives the known signature")
