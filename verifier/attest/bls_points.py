"""BLS12-381 points as the precompiles of EIP-2537 take them: uncompressed, each coordinate in 64 bytes.

Files and signers use the compressed form of 48 and 96 bytes; a contract cannot afford a square root, so it is taken
here. Points come in checked (`Scheme.key_validate`, or a verified signature); this only changes their spelling.

Source: EIP-2537, "Fine points and encoding of base elements"; ZCash's serialization of BLS12-381.
"""

from __future__ import annotations

from typing import Final

from verifier.errors import NOWHERE, MalformedPoint

FIELD: Final = int(
    "1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab", 16
)
_SIGN: Final = 0x20
_Fp2 = tuple[int, int]


def uncompress_key(raw: bytes) -> bytes:
    """
    A public key in 128 bytes: x and y.

    Raises:
        MalformedPoint: Not the compressed form of a point.
    """
    if len(raw) != 48:
        raise MalformedPoint(NOWHERE, "a public key is 48 bytes", raw)
    x = int.from_bytes(bytes([raw[0] & 0x1F]) + raw[1:], "big")
    square = (pow(x, 3, FIELD) + 4) % FIELD
    y = pow(square, (FIELD + 1) // 4, FIELD)
    if y * y % FIELD != square:
        raise MalformedPoint(NOWHERE, "a public key that is no point of the curve", raw)
    if (y > FIELD // 2) != bool(raw[0] & _SIGN):
        y = FIELD - y
    return _padded(x) + _padded(y)


def uncompress_signature(raw: bytes) -> bytes:
    """
    A signature in 256 bytes: both parts of x, then of y, the real one first.

    Raises:
        MalformedPoint: Not the compressed form of a point.
    """
    if len(raw) != 96:
        raise MalformedPoint(NOWHERE, "a signature is 96 bytes", raw)
    x = int.from_bytes(raw[48:], "big"), int.from_bytes(bytes([raw[0] & 0x1F]) + raw[1:48], "big")
    y = _root(_plus(_times(_times(x, x), x), (4, 4)))
    if y is None:
        raise MalformedPoint(NOWHERE, "a signature that is no point of the curve", raw)
    larger = y[1] > FIELD // 2 if y[1] else y[0] > FIELD // 2
    if larger != bool(raw[0] & _SIGN):
        y = (-y[0] % FIELD, -y[1] % FIELD)
    return b"".join(map(_padded, (*x, *y)))


def _padded(value: int) -> bytes:
    return value.to_bytes(64, "big")


def _plus(a: _Fp2, b: _Fp2) -> _Fp2:
    return (a[0] + b[0]) % FIELD, (a[1] + b[1]) % FIELD


def _times(a: _Fp2, b: _Fp2) -> _Fp2:
    return (a[0] * b[0] - a[1] * b[1]) % FIELD, (a[0] * b[1] + a[1] * b[0]) % FIELD


def _root(a: _Fp2) -> _Fp2 | None:
    """A square root, or None: over the norm, since -1 is no square in the field."""
    if not a[1]:
        root = pow(a[0], (FIELD + 1) // 4, FIELD)
        if root * root % FIELD == a[0]:
            return root, 0
        other = pow(-a[0] % FIELD, (FIELD + 1) // 4, FIELD)
        return (0, other) if other * other % FIELD == -a[0] % FIELD else None
    norm = (a[0] * a[0] + a[1] * a[1]) % FIELD
    n = pow(norm, (FIELD + 1) // 4, FIELD)
    if n * n % FIELD != norm:
        return None
    half = pow(2, -1, FIELD)
    for sign in (n, -n):
        square = (a[0] + sign) * half % FIELD
        c = pow(square, (FIELD + 1) // 4, FIELD)
        if c and c * c % FIELD == square:
            return c, a[1] * pow(2 * c, -1, FIELD) % FIELD
    return None
