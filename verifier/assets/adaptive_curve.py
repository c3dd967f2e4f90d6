"""Morpho's adaptive-curve interest model: a rate that steers utilisation to 90 %, averaged over the time since the
last update.

Each step rounds toward zero, as Solidity's signed division does.

Source: morpho-org/morpho-blue-irm src/adaptive-curve-irm: AdaptiveCurveIrm.sol, ConstantsLib.sol, ExpLib.sol,
MathLib.sol.
"""

from __future__ import annotations

from typing import Final

from verifier.assets.reader import Reader
from verifier.codec.abi import mapping_slot
from verifier.primitives import Address, Hash32, slot_key

WAD: Final = 10**18
YEAR: Final = 365 * 86_400
STEEPNESS: Final = 4 * WAD
SPEED: Final = 50 * WAD // YEAR
TARGET: Final = 9 * WAD // 10
INITIAL: Final = 4 * WAD // 100 // YEAR
LEAST: Final = WAD // 1_000 // YEAR
MOST: Final = 2 * WAD // YEAR
LN_2: Final = 693_147_180_559_945_309
LN_WEI: Final = -41_446_531_673_892_822_312
TOP: Final = 93_859_467_695_000_404_319
TOP_VALUE: Final = 57_716_089_161_558_943_949_701_069_502_944_508_345_128_422_502_756_744_429_568
RATES: Final = 0
"""Slot of the rates at target, by market."""


def average_rate(use: int, passed: int, reader: Reader, irm: Address, market: Hash32) -> int:
    """The average borrow rate per second since the last update, in 1e-18."""
    (start,) = reader.numbers((irm, [mapping_slot(market, slot_key(RATES))]))
    error = toward_zero((use - TARGET) * WAD, WAD - TARGET if use > TARGET else TARGET)
    if start == 0:
        return curve(INITIAL, error)
    shift = toward_zero(SPEED * error, WAD) * passed
    if shift == 0:
        return curve(start, error)
    end, middle = adapted(start, shift), adapted(start, toward_zero(shift, 2))
    return curve((start + end + 2 * middle) // 4, error)


def curve(rate: int, error: int) -> int:
    """The rate at a distance from the target: a quarter of it at no utilisation, four times it at all."""
    factor = WAD - toward_zero(WAD * WAD, STEEPNESS) if error < 0 else STEEPNESS - WAD
    return toward_zero((toward_zero(factor * error, WAD) + WAD) * rate, WAD)


def adapted(start: int, shift: int) -> int:
    """The rate at target after a shift, inside its bounds."""
    return min(max(toward_zero(start * exp(shift), WAD), LEAST), MOST)


def exp(x: int) -> int:
    """e^x in 1e-18: a power of two times two terms of a series, as the library approximates it."""
    if x < LN_WEI:
        return 0
    if x >= TOP:
        return TOP_VALUE
    power = toward_zero(x + (-(LN_2 // 2) if x < 0 else LN_2 // 2), LN_2)
    rest = x - power * LN_2
    series = WAD + rest + toward_zero(toward_zero(rest * rest, WAD), 2)
    return series << power if power >= 0 else series >> -power


def toward_zero(numerator: int, denominator: int) -> int:
    """A quotient as Solidity's signed division gives it, for a positive denominator."""
    return numerator // denominator if numerator >= 0 else -(-numerator // denominator)
