"""What the precompiles cost here: some are slow in the specification, whatever gas they charge."""

from __future__ import annotations

from typing import Final

_CHEAP: Final = 100
_MAX_EXPONENT: Final = 1 << 32
_PAIRINGS: Final = {0x08: (192, 34_000), 0x0F: (384, 32_600)}
"""Bytes and least gas for each pair: EIP-1108, EIP-2537."""
_SUMS: Final = {0x0C: (160, 6_000), 0x0E: (288, 11_000)}
"""Bytes for each point of a multi-scalar multiplication, and less gas than any costs: EIP-2537."""
_FIXED: Final = {
    0x01: 400, 0x06: 2_000, 0x07: 20_000, 0x0A: 500_000, 0x0B: 3_000, 0x0D: 5_000, 0x10: 30_000, 0x11: 100_000,
    0x100: 400,
}  # fmt: skip


def precompile_work(number: int, data: bytes, gas: int) -> int:
    """
    The units of work of a call of a precompile.

    Args:
        gas: What the call has; where the protocol's price is more, nothing is computed.
    """
    size = len(data)
    if number in _PAIRINGS:
        pairs, price = size // _PAIRINGS[number][0], _PAIRINGS[number][1]
        return _CHEAP if gas < price * pairs else 200_000 * (1 + pairs)
    if number in _SUMS:
        points, price = size // _SUMS[number][0], _SUMS[number][1]
        return _CHEAP if gas < price else 100_000 * (1 + points)
    if number == 0x09:  # a unit of gas for each round of BLAKE2
        rounds = int.from_bytes(data[:4], "big")
        return _CHEAP if gas < rounds else 20 * rounds + _CHEAP
    if number == 0x05:
        base, exponent, modulus = (int.from_bytes(data[i : i + 32].ljust(32, b"\x00"), "big") for i in (0, 32, 64))
        wide = max(base, modulus)
        price = (wide // 8) ** 2 * max(1, 8 * (exponent - 32)) // 3
        return _CHEAP if gas < price else _CHEAP + wide**2 * max(1, min(exponent, _MAX_EXPONENT)) // 4_096
    return _FIXED.get(number, _CHEAP + size // 32)


__all__ = ["precompile_work"]
