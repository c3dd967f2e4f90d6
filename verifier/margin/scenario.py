"""Scenarios as data: how prices and volatilities move together, and what is charged beside the worst of them.

Every rate here is a `Decimal`, exact as it was written; the models turn them into floats. Moves are fractions of the
price (0.15 is a rise of 15 %), times the underlying's own range.

Source: margin reference, sections 7.1 to 7.6.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from verifier.errors import BadInput

NONE: Final = Decimal(0)
ONE: Final = Decimal(1)


def _not_negative(*numbers: Decimal) -> None:
    for number in numbers:
        if number < 0:
            raise BadInput("scenario rules", "rates of at least zero", number)


class VolMove(StrEnum):
    """What happens to volatilities in a scenario."""

    SAME = "none"
    UP = "up"
    DOWN = "down"
    TILT = "linear"
    """One wing of the smile rises and the other falls; counted against the account whichever way round."""
    WINGS = "abs"
    """Both wings rise, or both fall; counted against the account."""

    @property
    def is_skew(self) -> bool:
        """Whether it changes the smile and not its level."""
        return self in (VolMove.TILT, VolMove.WINGS)


@dataclass(frozen=True, slots=True)
class Scenario:
    """One joint move. Its profit counts times `dampening`: of moves far out a part of the loss is asked for."""

    move: Decimal
    vol: VolMove = VolMove.SAME
    dampening: Decimal = ONE

    def __post_init__(self) -> None:
        if self.move < -1 or not 0 <= self.dampening <= 10:
            raise BadInput("scenario", "a move of at least -1, and a factor from 0 to 10", (self.move, self.dampening))
        if self.vol.is_skew and self.move != 0:
            raise BadInput("scenario", "no price move beside a move of the smile", self.move)

    @property
    def name(self) -> str:
        """Such as `-9% vol up`."""
        vol = {VolMove.SAME: "", VolMove.TILT: " skew tilt", VolMove.WINGS: " skew wings"}
        dampened = "" if self.dampening == 1 else f" x{self.dampening.normalize():f}"
        percent = (self.move * 100).normalize()
        return f"{percent:+f}%{vol.get(self.vol, f' vol {self.vol}')}{dampened}"


@dataclass(frozen=True, slots=True)
class VolRule:
    """How far volatilities move: more the nearer the expiry, by `(30 / max(days, floor))^power`."""

    up: Decimal = Decimal("0.5")
    down: Decimal = Decimal("0.275")
    short_power: Decimal = Decimal("0.3")
    long_power: Decimal = Decimal("0.13")
    floor_days: Decimal = ONE
    least_up: Decimal = Decimal("0.45")

    def __post_init__(self) -> None:
        _not_negative(self.up, self.down, self.short_power, self.long_power, self.least_up)
        if self.floor_days <= 0:
            raise BadInput("volatility rule: floor_days", "more than zero", self.floor_days)


@dataclass(frozen=True, slots=True)
class SkewRule:
    """How far the smile tilts or bends, and where in log-moneyness that ends."""

    linear_cap: Decimal = Decimal("0.15")
    linear_base: Decimal = Decimal("-0.05")
    wings_cap: Decimal = Decimal("0.15")
    wings_base: Decimal = Decimal("-0.05")
    least_width: Decimal = Decimal("0.01")
    width: Decimal = Decimal(4)
    vol_static: Decimal = Decimal("0.6")
    vol_scale: Decimal = Decimal("-0.1")

    def __post_init__(self) -> None:
        if self.least_width <= 0:
            raise BadInput("skew rule: least_width", "more than zero", self.least_width)


@dataclass(frozen=True, slots=True)
class Discount:
    """What a shocked option value is multiplied by: `base·e^(∓τ·(r·rate_factor + added))`."""

    base: Decimal = ONE
    rate_factor: Decimal = NONE
    added: Decimal = NONE


@dataclass(frozen=True, slots=True)
class BasisRule:
    """Forwards of one expiry move alone: `min(P&L up, P&L down, 0)·(add + mult·τ)`, never netted over expiries."""

    up: Decimal = Decimal("0.05")
    down: Decimal = Decimal("-0.05")
    add: Decimal = Decimal("0.5")
    mult: Decimal = Decimal(2)


class Contingency(StrEnum):
    """What is added to the worst loss, each under its own name."""

    PERP = "perp"
    FUTURE = "future"
    SHORT_OPTION = "short-option"
    CALENDAR = "calendar"
    COLLATERAL = "collateral"
    ORACLE = "oracle"
    DEPEG = "depeg"
    DELIVERY = "delivery"
    CONCENTRATION = "concentration"
    LATENCY = "latency"
    DATA = "data"
    MINIMUM = "minimum"


@dataclass(frozen=True, slots=True)
class Charge:
    """A rate at maintenance level, and what comes on top of it at initial level."""

    maintenance: Decimal = NONE
    added_initial: Decimal = NONE

    def __post_init__(self) -> None:
        _not_negative(self.maintenance, self.added_initial)


@dataclass(frozen=True, slots=True)
class ContingencyRules:
    """Rates of all contingencies; zero where one is not charged.

    Attributes:
        perp, future, short_option: Of the notional `|q|·S`; options net per strike before.
        calendar: Of the notional of futures and perpetuals that offset across expiries.
        confidence_threshold, confidence_factor: Below the threshold `(1 − confidence)·factor·notional`, initial only.
        peg_threshold, peg_factor: Below the threshold the loss factor grows by the difference times this, initial only.
        minimum_per_short, minimum_tiers: Per short option contract; tiers of (loss from, charge there, slope beyond).
        delivery_days, delivery_rate: Add-on to options and futures in the last days, initial only.
        concentration: Notional from which the loss of an underlying grows by `√(notional/threshold)`.
        latency_z: Standard deviations of one more move while a position cannot be closed.
    """

    perp: Charge = Charge(Decimal("0.015"), Decimal("0.005"))
    future: Charge = Charge(Decimal("0.015"), Decimal("0.005"))
    short_option: Charge = Charge(Decimal("0.003"), Decimal("0.002"))
    calendar: Charge = Charge(Decimal("0.01"))
    confidence_threshold: Decimal = Decimal("0.55")
    confidence_factor: Decimal = ONE
    peg_threshold: Decimal = Decimal("0.98")
    peg_factor: Decimal = Decimal(2)
    minimum_per_short: Decimal = NONE
    minimum_tiers: tuple[tuple[Decimal, Decimal, Decimal], ...] = ()
    delivery_days: Decimal = NONE
    delivery_rate: Decimal = NONE
    concentration: Mapping[str, Decimal] = field(default_factory=lambda: MappingProxyType({}))
    latency_z: Decimal = Decimal("2.33")


class OffsetMethod(StrEnum):
    """How losses of different underlyings become one."""

    STANDALONE = "standalone"
    """`(1−c)·Σ worst_u + c·worst of the sum`: nothing is known of how they move together where c is 0."""
    PER_SCENARIO = "per-scenario"
    """`(1−c)·Σ max(L, 0) + c·ΣL` in each scenario: they move together, and gains count by c."""
    CORRELATION = "correlation"
    """Stand-alone losses aggregated by correlations, the worst of three sets of them."""


@dataclass(frozen=True, slots=True)
class OffsetRules:
    """Credit for opposite exposures in different underlyings.

    Attributes:
        credit: c of an underlying that is in no product group, and between groups.
        groups: Product group by underlying.
        group_credits: c inside a product group.
        from_correlation: Take the smaller of the credit above and `max(0, ρ_low)²`, from past returns.
        window, quantile: Of the rolling correlations.
        floor_same_side: Same-direction pairs have no credit while ρ's high quantile is above 1 less this.
        spread: By how much the low and high correlation sets lie from the base one, at least.
    """

    method: OffsetMethod = OffsetMethod.STANDALONE
    credit: Decimal = NONE
    groups: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    group_credits: Mapping[str, Decimal] = field(default_factory=lambda: MappingProxyType({}))
    from_correlation: bool = True
    window: int = 60
    quantile: Decimal = Decimal("0.1")
    floor_same_side: Decimal = Decimal("0.2")
    spread: Decimal = Decimal("0.25")

    def __post_init__(self) -> None:
        for credit in (self.credit, *self.group_credits.values(), self.quantile, self.floor_same_side, self.spread):
            if not 0 <= credit <= 1:
                raise BadInput("offset credit", "0 to 1", credit)
        if self.window < 5:
            raise BadInput("offsets.window", "at least 5 returns", self.window)


def regular(move: str, steps: int) -> tuple[Scenario, ...]:
    """A grid of 2·steps+1 equal price steps to ±move, the outermost with volatility up only, the others all three."""
    step = Decimal(move) / steps
    made: list[Scenario] = []
    for i in range(steps, -steps - 1, -1):
        vols = (VolMove.UP,) if abs(i) == steps else (VolMove.DOWN, VolMove.SAME, VolMove.UP)
        made += [Scenario(step * i, vol) for vol in vols]
    return tuple(made)


TAILS: Final = tuple(
    Scenario(Decimal(move), VolMove.UP, Decimal(part))
    for move, part in (("-0.66", "0.25"), ("-0.33", "0.5"), ("0.5", "0.33"), ("1", "0.2"), ("2", "0.1"))
)
SKEWS: Final = (Scenario(NONE, VolMove.TILT), Scenario(NONE, VolMove.WINGS))
DEFAULT_SCENARIOS: Final = regular("0.18", 4) + TAILS + SKEWS


@dataclass(frozen=True, slots=True)
class ScenarioRules:
    """A whole portfolio requirement, as data.

    Attributes:
        ranges: Factor on every move by underlying; 1 where there is none.
        discounted: Whether option values are discounted at the expiry's rate.
        long_discount, short_discount: On positive and on negative shocked values of an expiry.
        initial_factor, maintenance_factor: On the worst loss.
        scaled: Whether structural contingencies stand under the loss factor too.
        floor_initial, floor_maintenance: The least that is asked for, in USD.
    """

    scenarios: tuple[Scenario, ...] = DEFAULT_SCENARIOS
    ranges: Mapping[str, Decimal] = field(default_factory=lambda: MappingProxyType({}))
    vol: VolRule = VolRule()
    skew: SkewRule = SkewRule()
    discounted: bool = True
    long_discount: Discount = Discount(Decimal("0.95"), ONE, Decimal("0.08"))
    short_discount: Discount = Discount(Decimal("1.04"), Decimal("0.5"), Decimal("0.08"))
    basis: BasisRule = BasisRule()
    contingencies: ContingencyRules = field(default_factory=ContingencyRules)
    offsets: OffsetRules = field(default_factory=OffsetRules)
    initial_factor: Decimal = ONE
    maintenance_factor: Decimal = Decimal("0.8")
    scaled: bool = False
    floor_initial: Decimal = NONE
    floor_maintenance: Decimal = NONE

    def __post_init__(self) -> None:
        if not self.scenarios:
            raise BadInput("scenarios", "at least one", self.scenarios)
        _not_negative(self.initial_factor, self.maintenance_factor)
        if not 0 <= self.floor_maintenance <= self.floor_initial:
            raise BadInput(
                "scenario floors", "0 <= maintenance <= initial", (self.floor_initial, self.floor_maintenance)
            )


DEFAULT_SCENARIO_RULES: Final = ScenarioRules()
