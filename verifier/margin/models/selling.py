"""From a market's depth in integers to what a sale costs and where it leaves the mark, in integers again.

A cost rounds up and a mark moves against the account; the models between are floats.

Source: margin reference, section 12.4.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from typing import Final

from verifier.margin.fixed import MAX_PRICE, SCALE, Price, Usd, charge, credit
from verifier.margin.market import Depth
from verifier.margin.models.impact import Impact, NoImpact, SquareRoot
from verifier.margin.models.money import loss_of, usd_float
from verifier.margin.models.spiral import spectral_radius
from verifier.policy import PPM

NO_IMPACT: Final = NoImpact()


def impact_of(depth: Depth) -> Impact:
    """The square-root law of a market's depth; quantities are values in USD."""
    return SquareRoot(depth.volatility / PPM, usd_float(depth.volume), depth.coefficient / PPM)


def impacts_of(depths: Mapping[str, Depth]) -> dict[str, Impact]:
    """One for each group that has a depth; the others take anything at their mark."""
    return {group: impact_of(depth) for group, depth in depths.items()}


def sale_cost(impact: Impact, value: Usd) -> Usd:
    """What trading this value loses against the mark, on average: rounded up, at most all of it."""
    if value <= 0 or impact is NO_IMPACT:
        return Usd(0)
    money = value / SCALE
    lost = loss_of(money * impact.average(money, 1.0))
    return min(value, lost)


def mark_after(impact: Impact, price: Price, sold: int) -> Price:
    """The mark after this net value was sold (above zero) or bought (below): never below one unit.

    A sale rounds the mark down and a purchase up, each against whoever had to trade.
    """
    money = usd_float(abs(sold))
    part, whole = impact.move(money, 1.0).as_integer_ratio()
    if sold >= 0:
        return Price(max(credit(price * (whole - part), whole), 1))
    return Price(min(charge(price * (whole + part), whole), MAX_PRICE))


def farthest_marks(impact: Impact, price: int, worth: int, trades: int) -> tuple[int, int]:
    """The lowest and the highest mark after so many trades, each of at most this value; the highest holds up to twice
    the price.
    """
    part, whole = impact.move(usd_float(worth), 1.0).as_integer_ratio()
    low = credit(price * (whole - part) ** trades, whole**trades) - trades
    # A purchase rounds up by less than a unit, which the trades after it at most double.
    return max(low, 1), charge(price * (whole + part) ** trades, whole**trades) + 2 * trades


def deviations(move: int, volatility: int, seconds: int) -> str:
    """A relative move (ppm) in standard deviations of a horizon, as text; volatility is a year's, in ppm."""
    sigma = volatility / PPM * sqrt(seconds / 31_536_000)
    return f"{move / PPM / sigma:.2f}" if sigma > 0 else "-"


def gain_radius(
    impacts: Mapping[str, Impact], sold: Mapping[str, int], answers: Mapping[str, Mapping[str, int]]
) -> str:
    """
    The spectral radius of the loop's local gain, as text to four places: at 1 or more, small sales feed themselves.

    Args:
        sold: Value sold of each group where the loop came to rest.
        answers: By group whose mark is lowered by one part in a thousand: the further value sold of each group.
    """
    names = sorted(answers)
    matrix = [
        [_slope(impacts.get(name, NO_IMPACT), sold.get(name, 0)) * usd_float(answers[moved].get(name, 0)) * 1_000
         for moved in names]
        for name in names
    ]  # fmt: skip
    return f"{spectral_radius(matrix):.4f}"


def _slope(impact: Impact, sold: int) -> float:
    """∂I/∂Q around a sale, from a hundredth of it; what nobody sells has the slope of its first hundred dollars."""
    money = usd_float(max(sold, 0))
    step = max(money / 100, 100.0)
    return (impact.move(money + step, 1.0) - impact.move(money, 1.0)) / step
