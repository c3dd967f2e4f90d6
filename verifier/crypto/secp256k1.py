"""Who signed a digest: the address behind an ECDSA signature over secp256k1, in the one form that is taken.

A signature is 65 bytes, r ‖ s ‖ v, with s in the lower half of the order and v of 27 or 28. The mirror image (r, n-s,
other v) signs the same digest and is refused, and so are compact forms, other lengths and other recovery values: what
has two spellings cannot guard against being used twice. A recovery that fails raises; it never gives the zero address.

Only public values are worked on here, so nothing needs to take constant time. Signing is not done here.

Source: SEC 1, section 4.1.6; SEC 2, section 2.4.1; EIP-2 (lower half).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from verifier.crypto.keccak import keccak256
from verifier.errors import NOWHERE, BadAttestation, MalformedAttestation, Where
from verifier.primitives import Address

FIELD: Final = 2**256 - 2**32 - 977
ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
SIGNATURE_BYTES: Final = 65
_G: Final = (
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
)
_Point = tuple[int, int, int]
"""In Jacobian coordinates; z of 0 is the point at infinity."""
_INFINITY: Final[_Point] = (0, 1, 0)


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature in its one form. `odd` says which of the two points with this r was meant."""

    r: int
    s: int
    odd: bool

    @property
    def raw(self) -> bytes:
        """The 65 bytes."""
        return self.r.to_bytes(32, "big") + self.s.to_bytes(32, "big") + bytes([27 + self.odd])


def parse_signature(raw: bytes, where: Where = NOWHERE) -> Signature:
    """
    A signature from its 65 bytes.

    Raises:
        MalformedAttestation: Another length, a recovery value other than 27 and 28, a number out of range, or the
            mirror image in the upper half.
    """
    if type(raw) is not bytes or len(raw) != SIGNATURE_BYTES:
        raise MalformedAttestation(where, "a signature is 65 bytes: r, s and v", len(raw))
    r, s, v = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:64], "big"), raw[64]
    if v not in {27, 28}:
        raise MalformedAttestation(where, "the recovery value of a signature is 27 or 28", v)
    if not 1 <= r < ORDER or s < 1:
        raise MalformedAttestation(where, "r or s of a signature is out of range", raw[:64])
    if s > ORDER // 2:
        raise MalformedAttestation(where, "s of a signature is in the upper half of the order", raw[32:64])
    return Signature(r, s, odd=v == 28)


def recover(digest: bytes, raw: bytes, where: Where = NOWHERE) -> Address:
    """
    The address whose key made a signature over a digest.

    Args:
        digest: 32 bytes of our own hashing.
        raw: Untrusted.

    Raises:
        MalformedAttestation: Not a signature in its one form.
        BadAttestation: No key can have made it.
    """
    if len(digest) != 32:
        raise MalformedAttestation(where, "a digest has 32 bytes", len(digest))
    signature = parse_signature(raw, where)
    point = _point_of(signature)
    if point is None:
        raise BadAttestation(where, "the signature", "a point of the curve", raw[:32])
    inverse = pow(signature.r, -1, ORDER)
    message = int.from_bytes(digest, "big")
    key = _add(_multiply((*point, 1), signature.s * inverse % ORDER), _multiply((*_G, 1), -message * inverse % ORDER))
    if key[2] == 0:
        raise BadAttestation(where, "the signature", "a key", raw[:32])
    z = pow(key[2], -1, FIELD)
    x, y = key[0] * z * z % FIELD, key[1] * z * z * z % FIELD
    return Address(keccak256(x.to_bytes(32, "big") + y.to_bytes(32, "big"))[12:])


def _point_of(signature: Signature) -> tuple[int, int] | None:
    """The curve point with x of r; None where r is no x of any point."""
    square = (pow(signature.r, 3, FIELD) + 7) % FIELD
    y = pow(square, (FIELD + 1) // 4, FIELD)
    if y * y % FIELD != square:
        return None
    return signature.r, y if y % 2 == signature.odd else FIELD - y


def _double(p: _Point) -> _Point:
    x, y, z = p
    if not y or not z:
        return _INFINITY
    yy = y * y % FIELD
    s, m = 4 * x * yy % FIELD, 3 * x * x % FIELD
    nx = (m * m - 2 * s) % FIELD
    return nx, (m * (s - nx) - 8 * yy * yy) % FIELD, 2 * y * z % FIELD


def _add(p: _Point, q: _Point) -> _Point:
    if not p[2]:
        return q
    if not q[2]:
        return p
    zz1, zz2 = p[2] * p[2] % FIELD, q[2] * q[2] % FIELD
    u1, u2 = p[0] * zz2 % FIELD, q[0] * zz1 % FIELD
    s1, s2 = p[1] * zz2 * q[2] % FIELD, q[1] * zz1 * p[2] % FIELD
    if u1 == u2:
        return _double(p) if s1 == s2 else _INFINITY
    h, r = (u2 - u1) % FIELD, (s2 - s1) % FIELD
    hh = h * h % FIELD
    hhh, v = h * hh % FIELD, u1 * hh % FIELD
    x = (r * r - hhh - 2 * v) % FIELD
    return x, (r * (v - x) - s1 * hhh) % FIELD, h * p[2] * q[2] % FIELD


def _multiply(point: _Point, times: int) -> _Point:
    found = _INFINITY
    while times:
        if times & 1:
            found = _add(found, point)
        point, times = _double(point), times >> 1
    return found
