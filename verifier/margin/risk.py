"""Risk: a small value that adds, and ratios that are compared without division.

An account, a pocket, an asset and a position are all one `Risk`; the sum of the parts is the whole, in any order.

Source: margin reference, sections 4, 6 and 9.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from verifier.margin.fixed import ZERO, Usd, show_scaled
from verifier.policy import PPM


@dataclass(frozen=True, slots=True)
class Ratio:
    """An exact fraction; a denominator of zero means that nothing is required."""

    numerator: int
    denominator: int

    def at_most(self, bound: int) -> bool:
        """Whether it reaches no further than a bound in ppm, by cross-multiplication."""
        if self.denominator == 0:
            return self.numerator < 0
        return self.numerator * PPM <= bound * self.denominator

    @property
    def unbounded(self) -> bool:
        """Nothing is required, and nothing is owed beyond what there is."""
        return self.denominator == 0 and self.numerator >= 0

    def shown(self, bounds: tuple[int, ...] = (), places: int = 4) -> str | None:
        """Decimal text rounded down; None without a denominator.

        Where rounding down would land on a bound that the exact ratio is above, more places are shown (and at last a
        plus sign), so that no figure contradicts the status beside it.
        """
        if self.denominator == 0:
            return None
        for digits in range(places, 37):
            floor = self.numerator * 10**digits // self.denominator
            exact = floor * self.denominator == self.numerator * 10**digits
            if exact or all(floor * PPM != bound * 10**digits for bound in bounds):
                return show_scaled(floor, digits)
        return show_scaled(self.numerator * 10**places // self.denominator, places) + "+"


@dataclass(frozen=True, slots=True)
class Risk:
    """What there is and what must be held, in 1e-18 USD.

    Attributes:
        equity: E: values after data haircuts of maintenance level, and profit and loss.
        initial: IM; `maintenance`: MM. Both hold the market haircuts of collateral.
        initial_haircut: The part of IM that is haircuts on collateral: market ones at initial level, and the named
            contingency "data": what data haircuts take at initial level beyond maintenance level.
        data_contingency: That contingency alone.
        maintenance_haircut: The part of MM that is market haircuts on collateral.
        weighted: W: collateral after all haircuts of maintenance level.
        owed: Spot debts at their maintenance weights.
    """

    equity: Usd = ZERO
    initial: Usd = ZERO
    maintenance: Usd = ZERO
    initial_haircut: Usd = ZERO
    data_contingency: Usd = ZERO
    maintenance_haircut: Usd = ZERO
    weighted: Usd = ZERO
    owed: Usd = ZERO

    def __add__(self, other: Risk) -> Risk:
        return Risk(
            Usd(self.equity + other.equity),
            Usd(self.initial + other.initial),
            Usd(self.maintenance + other.maintenance),
            Usd(self.initial_haircut + other.initial_haircut),
            Usd(self.data_contingency + other.data_contingency),
            Usd(self.maintenance_haircut + other.maintenance_haircut),
            Usd(self.weighted + other.weighted),
            Usd(self.owed + other.owed),
        )

    @property
    def ratio(self) -> Ratio:
        """ρ: market haircuts leave both sides, so that adding haircut collateral never lowers it."""
        return Ratio(self.equity - self.maintenance_haircut, self.maintenance - self.maintenance_haircut)

    @property
    def initial_ratio(self) -> Ratio:
        """ρ_I: the same at initial level."""
        return Ratio(self.equity - self.initial_haircut, self.initial - self.initial_haircut)

    @property
    def health_factor(self) -> Ratio | None:
        """HF = W / (D·w_L); None without spot debt."""
        return Ratio(self.weighted, self.owed) if self.owed > 0 else None

    @property
    def worst_ratio(self) -> Ratio:
        """The worse of ρ and HF."""
        health = self.health_factor
        return self.ratio if health is None else worse(self.ratio, health)

    @property
    def free(self) -> Usd:
        """max(0, E − IM): what may be withdrawn or put at new risk."""
        return Usd(max(0, self.equity - self.initial))

    @property
    def buffer(self) -> Usd:
        """E − MM: what may be lost before liquidation."""
        return Usd(self.equity - self.maintenance)

    @property
    def usage(self) -> Ratio | None:
        """MM / E; None where there is no equity to use."""
        return Ratio(self.maintenance, self.equity) if self.equity > 0 else None


def worse(one: Ratio, two: Ratio) -> Ratio:
    """The smaller of two ratios, by cross-multiplication; without a denominator the sign decides."""
    if one.denominator == 0:
        return one if one.numerator < 0 else two
    if two.denominator == 0:
        return two if two.numerator < 0 else one
    return one if one.numerator * two.denominator <= two.numerator * one.denominator else two


NO_RISK: Final = Risk()


def total(parts: Iterable[Risk]) -> Risk:
    """The sum, in any order."""
    return sum(parts, NO_RISK)
