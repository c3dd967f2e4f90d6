"""Uniswap v3's tick arithmetic, to the last bit: square roots of prices at ticks, and amounts between them.

Square-root prices are 64.96 fixed-point numbers. Each tick's is a product of twenty constants, one for each bit of the
tick, shifted after every step: computed any other way, the last digits differ.

Source: @uniswap/v3-core 1.0.1 contracts/libraries/TickMath.sol, SqrtPriceMath.sol; the constants are the published
ones.
"""

from __future__ import annotations

from typing import Final

from verifier.errors import BadInput
from verifier.primitives import MAX_UINT256

MAX_TICK: Final = 887_272
Q96: Final = 1 << 96
Q128: Final = 1 << 128
_ROOTS: Final = (
    0xFFFCB933BD6FAD37AA2D162D1A594001,
    0xFFF97272373D413259A46990580E213A,
    0xFFF2E50F5F656932EF12357CF3C7FDCC,
    0xFFE5CACA7E10E4E61C3624EAA0941CD0,
    0xFFCB9843D60F6159C9DB58835C926644,
    0xFF973B41FA98C081472E6896DFB254C0,
    0xFF2EA16466C96A3843EC78B326B52861,
    0xFE5DEE046A99A2A811C461F1969C3053,
    0xFCBE86C7900A88AEDCFFC83B479AA3A4,
    0xF987A7253AC413176F2B074CF7815E54,
    0xF3392B0822B70005940C7A398E4B70F3,
    0xE7159475A2C29B7443B29C7FA6E889D9,
    0xD097F3BDFD2022B8845AD8F792AA5825,
    0xA9F746462D870FDF8A65DC1F90E061E5,
    0x70D869A156D2A1B890BB3DF62BAF32F7,
    0x31BE135F97D08FD981231505542FCFA6,
    0x9AA508B5B7A84E1C677DE54F3E99BC9,
    0x5D6AF8DEDB81196699C329225EE604,
    0x2216E584F5FA1EA926041BEDFE98,
    0x48A170391F7DC42444E8FA2,
)
"""1.0001^(-2^i / 2) as 128.128 fixed-point numbers, rounded as the protocol has them."""


def sqrt_price_at(tick: int) -> int:
    """
    The square-root price of a tick, rounded up.

    Raises:
        BadInput: The tick is outside of what the protocol has.
    """
    if type(tick) is not int or abs(tick) > MAX_TICK:
        raise BadInput("tick", f"-{MAX_TICK} to {MAX_TICK}", tick)
    ratio = Q128
    for i, root in enumerate(_ROOTS):
        if abs(tick) >> i & 1:
            ratio = ratio * root >> 128
    if tick > 0:
        ratio = MAX_UINT256 // ratio
    return -(-ratio // (1 << 32))


def amounts_of(liquidity: int, sqrt_price: int, lower: int, upper: int) -> tuple[int, int]:
    """What a position gives when its liquidity is taken out: amounts of both coins, rounded down.

    Args:
        sqrt_price: The pool's own.
        lower, upper: The position's ticks.
    """
    low, high = sqrt_price_at(lower), sqrt_price_at(upper)
    if sqrt_price <= low:
        return _first(liquidity, low, high), 0
    if sqrt_price < high:
        return _first(liquidity, sqrt_price, high), _second(liquidity, low, sqrt_price)
    return 0, _second(liquidity, low, high)


def _first(liquidity: int, low: int, high: int) -> int:
    return (liquidity << 96) * (high - low) // high // low


def _second(liquidity: int, low: int, high: int) -> int:
    return liquidity * (high - low) // Q96


def growth_inside(tick: int, lower: int, upper: int, everywhere: int, outside_lower: int, outside_upper: int) -> int:
    """How much one coin's fees grew for each unit of liquidity between two ticks, modulo 2^256, as pools count it."""
    below = outside_lower if tick >= lower else everywhere - outside_lower
    above = outside_upper if tick < upper else everywhere - outside_upper
    return (everywhere - below - above) & MAX_UINT256
