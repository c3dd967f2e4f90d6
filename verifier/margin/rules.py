"""The rules an account is weighed by, as data: ladder, markets, price limits, floors.

Policy says what is believed and how collateral counts; rules say what must be held. Every default has its source in
the margin reference; a venue's own rules are the same shapes with other numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from verifier.errors import BadInput
from verifier.margin.fixed import ZERO, Usd
from verifier.margin.option_rules import DEFAULT_OPTION_RULES, OptionRules
from verifier.margin.scenario import DEFAULT_SCENARIO_RULES, ScenarioRules
from verifier.margin.snapshot import LATER
from verifier.policy import DAY, PPM


@dataclass(frozen=True, slots=True)
class Ladder:
    """Bounds of the margin ratio in ppm; every bound belongs to the worse status.

    Liquidation itself is `E < MM`, which no parameter moves; `backstop` is a fraction of MM.

    Source: margin reference, section 11 (after Binance's uniMMR; backstop after Hyperliquid).
    """

    warning: int = 1_500_000
    margin_call: int = 1_200_000
    final_call: int = 1_050_000
    backstop: tuple[int, int] = (2, 3)

    def __post_init__(self) -> None:
        if not PPM <= self.final_call <= self.margin_call <= self.warning:
            got = (self.warning, self.margin_call, self.final_call)
            raise BadInput("ladder", "1,000,000 <= final call <= margin call <= warning ppm", got)
        if not 0 <= self.backstop[0] <= self.backstop[1] or self.backstop[1] == 0:
            raise BadInput("ladder.backstop", "a fraction from 0 to 1", self.backstop)

    @property
    def bounds(self) -> tuple[int, ...]:
        """All bounds of the ratio, in ppm, liquidation's own included."""
        return (self.warning, self.margin_call, self.final_call, PPM)


@dataclass(frozen=True, slots=True)
class Tier:
    """From this notional on, these marginal rates (ppm)."""

    above: Usd
    initial: int
    maintenance: int


@dataclass(frozen=True, slots=True)
class Market:
    """What a linear perpetual on one underlying requires: marginal rates by notional.

    The requirement is continuous over the tiers: in tier k it is `N·r_k − a_k` with
    `a_k = a_{k−1} + floor_k·(r_k − r_{k−1})`, the "maintenance amount" of the venues.

    Source: margin reference, section 6.1.
    """

    tiers: tuple[Tier, ...]

    def __post_init__(self) -> None:
        if not self.tiers or self.tiers[0].above != 0:
            raise BadInput("market.tiers", "a first tier that begins at 0", [t.above for t in self.tiers])
        for tier in self.tiers:
            if not 0 <= tier.maintenance <= tier.initial <= PPM:
                got = (tier.initial, tier.maintenance)
                raise BadInput("market.tiers", "0 <= maintenance <= initial <= 1,000,000 ppm", got)
        for lower, upper in zip(self.tiers, self.tiers[1:], strict=False):
            rises = lower.initial <= upper.initial and lower.maintenance <= upper.maintenance
            if not (lower.above < upper.above and rises):
                raise BadInput("market.tiers", "bounds that rise, and rates that never fall", (lower, upper))


def flat_market(initial: int, maintenance: int) -> Market:
    """One pair of rates (ppm) for any size."""
    return Market((Tier(ZERO, initial, maintenance),))


WHOLE_NOTIONAL: Final = flat_market(PPM, PPM)
"""For a market that nobody gave rates for: the whole notional is required."""


@dataclass(frozen=True, slots=True)
class PriceRules:
    """How long a price is good for, and what its age costs.

    Attributes:
        max_age: Seconds after which a price is missing: collateral counts zero in the low figure.
        hard_age: Seconds up to which a debt or position may still be marked by an old price, marked up for its age;
            beyond it the account is indeterminate.
        z: Standard deviations charged for age, in ppm (2.33).
        confidence_threshold, confidence_factor: Below the threshold `(1 − confidence)·factor·notional` is added to
            initial requirements; both in ppm.

    Source: margin reference, section 19.
    """

    max_age: int = 10_800
    hard_age: int = DAY
    z: int = 2_330_000
    confidence_threshold: int = field(default=550_000, metadata=LATER)
    confidence_factor: int = field(default=PPM, metadata=LATER)

    def __post_init__(self) -> None:
        if not 0 <= self.max_age <= self.hard_age:
            raise BadInput("prices", "0 <= max_age <= hard_age", (self.max_age, self.hard_age))
        if self.z < 0:
            raise BadInput("prices.z", "at least 0", self.z)


@dataclass(frozen=True, slots=True)
class Floor:
    """The least that an account with any debt or position must hold, in 1e-18 USD."""

    initial: Usd = ZERO
    maintenance: Usd = ZERO

    def __post_init__(self) -> None:
        if not 0 <= self.maintenance <= self.initial:
            raise BadInput("floor", "0 <= maintenance <= initial", (self.initial, self.maintenance))


@dataclass(frozen=True, slots=True)
class CallRules:
    """Times and hysteresis of the ladder.

    Attributes:
        margin_grace, final_grace: T_max of the two calls, seconds; liquidation and worse have none.
        data_grace: Of a data call; after it a shortfall of the low figure alone is acted on.
        hysteresis: How far above its bound the ratio must stand to close a call, ppm of the ratio.
        quiet: For how many seconds it must stand there.
        z: Standard deviations that a grace of one day stands for, ppm.
    """

    margin_grace: int = 3_600
    final_grace: int = 600
    data_grace: int = 3_600
    hysteresis: int = 20_000
    quiet: int = 900
    z: int = 2_330_000

    def __post_init__(self) -> None:
        if min(self.margin_grace, self.final_grace, self.data_grace, self.hysteresis, self.quiet) < 0 or self.z <= 0:
            raise BadInput("call rules", "times and hysteresis of at least 0, z above 0", self)


DEFAULT_CALL_RULES: Final = CallRules()


@dataclass(frozen=True, slots=True)
class MarginRules:
    """Everything a requirement depends on besides the policy.

    Attributes:
        markets: Perpetual markets by asset group of the underlying.
        other_markets: For a position whose group is not in `markets`.
        volatility: Annual volatility by asset group, ppm (0.65 is 650,000); a group without one is charged nothing
            for a price's age, and has no grace beyond `prices.max_age` either.
        debt_rates: Annual interest by asset group, ppm: what a debt grows by until the as-of time.
        options: The standard method of options, outside portfolio mode.
        scenarios: The portfolio requirement.
        settlement: Asset group of the coin that positions settle in, whose peg costs margin where it slips.
        latencies: Seconds by network or protocol for which positions there cannot be closed.
        calls: Times of the margin-call ladder.
    """

    ladder: Ladder = field(default_factory=Ladder)
    prices: PriceRules = field(default_factory=PriceRules)
    floor: Floor = field(default_factory=Floor)
    markets: Mapping[str, Market] = field(default_factory=lambda: MappingProxyType({}))
    other_markets: Market = WHOLE_NOTIONAL
    volatility: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    debt_rates: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    options: OptionRules = field(default=DEFAULT_OPTION_RULES, metadata=LATER)
    scenarios: ScenarioRules = field(default=DEFAULT_SCENARIO_RULES, metadata=LATER)
    latencies: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}), metadata=LATER)
    settlement: str = field(default="", metadata=LATER)
    calls: CallRules = field(default=DEFAULT_CALL_RULES, metadata=LATER)

    def __post_init__(self) -> None:
        for name, rates in (("volatility", self.volatility), ("debt_rates", self.debt_rates)):
            for group, rate in rates.items():
                if rate < 0:
                    raise BadInput(f"{name}.{group}", "at least 0 ppm", rate)

    def market(self, group: str) -> Market:
        """The rates for positions on an underlying."""
        return self.markets.get(group, self.other_markets)


DEFAULT_RULES: Final = MarginRules()
