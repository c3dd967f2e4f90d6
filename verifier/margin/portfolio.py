"""The portfolio requirement of a pool: scenarios over its positions, and the balances that hedge them.

A balance takes part in scenarios as far as it hedges the positions on its own asset, and is then not haircut; the rest
of it stands still and is. The requirement is never above what the rules ask of the same positions: the smaller is
taken, at each level, and the report says which.

Source: margin reference, sections 5.3 and 7.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from verifier.margin.fixed import ZERO, Usd, charge, credit
from verifier.margin.models.arrays import floats, peg_of, share_ppm
from verifier.margin.models.from_snapshot import Coin, Exposures, Setting, build_book, exposures_of
from verifier.margin.models.money import loss_of
from verifier.margin.models.offsets import correlations
from verifier.margin.models.options import ExpiryRelief
from verifier.margin.models.requirement import BASIS, PortfolioFigures, Priced, price_book, requirement
from verifier.margin.positions import PositionValue, future_view, is_option
from verifier.margin.requirements import GroupValue
from verifier.margin.risk import Risk, total
from verifier.margin.rules import MarginRules
from verifier.margin.snapshot import Position, Reason
from verifier.policy import PPM

RETURN_SCALE: Final = 10**9


@dataclass(frozen=True, slots=True)
class ScenarioLoss:
    """One scenario by name, and what it would cost: below zero, what it would bring."""

    name: str
    loss: Usd


@dataclass(frozen=True, slots=True)
class PortfolioValue:
    """What the positions of a pool need together.

    Attributes:
        low, high: Requirements, less the haircuts of balances that hedge; no equity of their own.
        scenarios: By name, of the low figure, after offsets between underlyings.
        worst: Name of the worst one, or `basis`.
        loss, basis: The worst loss, and the sum of the expiries' basis losses.
        contingencies: Initial and maintenance, by name.
        initial, maintenance: Of the low figure, by scenarios, before the smaller is taken.
        alone_initial, alone_maintenance: What the rules ask of them, expiries' bounded losses included.
        by_rules: True where the sum was the smaller and is what is required, at initial level.
        hedging: By asset: what of its balance takes part.
        credits: Between underlyings, by product group, in ppm.
        proven_only: Leaving out what nobody proved gave the larger requirement, which stands.
        parts: Ids of the positions that are weighed so.
    """

    low: Risk
    high: Risk
    scenarios: tuple[ScenarioLoss, ...]
    worst: str
    loss: Usd
    basis: Usd
    contingencies: Mapping[str, tuple[Usd, Usd]]
    initial: Usd
    maintenance: Usd
    alone_initial: Usd
    alone_maintenance: Usd
    by_rules: bool
    hedging: Mapping[str, Usd]
    credits: tuple[tuple[str, int], ...]
    proven_only: bool
    low_known: bool = True
    high_known: bool = True
    reasons: tuple[Reason, ...] = field(default=())
    parts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PricedPool:
    """A pool's positions under all scenarios: what every subset of them is weighed from."""

    priced: Priced
    scale: int
    hedging: Mapping[str, Usd]
    reasons: tuple[Reason, ...]

    def required(self, keep: Callable[[str], bool]) -> tuple[Usd, Usd]:
        """Initial and maintenance of the positions whose id is kept, marked up for the age of their prices."""
        found = requirement(self.priced, lambda leg: keep(leg.id))
        return self.rounded(found)

    def rounded(self, found: PortfolioFigures) -> tuple[Usd, Usd]:
        """Rounded against the account; initial at least maintenance."""
        maintenance = charge(loss_of(found.maintenance) * (PPM + self.scale), PPM)
        initial = charge(loss_of(found.initial) * (PPM + self.scale), PPM)
        return Usd(max(initial, maintenance)), Usd(maintenance)


def price_pool(
    positions: Sequence[Position],
    values: Mapping[str, PositionValue],
    groups: Sequence[GroupValue],
    setting: Setting,
) -> PricedPool:
    """Everything of a pool that scenarios move, repriced under each of them."""
    known = [p for p in positions if values[p.id].notional is not None]
    marks = {p.id: _mark(p, setting) for p in known if not is_option(p)}
    bare, reasons = build_book(known, marks, {}, setting)
    exposures = {u.name: exposures_of(u) for u in bare.underlyings}
    coins = _coins(groups, exposures, setting)
    coin = setting.rules.settlement
    book, _ = build_book(known, marks, coins, setting, peg_of(setting.view(coin).price if coin else None))
    past = setting.taken.returns
    returns = {u.name: floats(past[u.name], RETURN_SCALE) for u in book.underlyings if u.name in past}
    rules = setting.rules.scenarios
    priced = price_book(book, rules, correlations(returns, rules.offsets))
    ages = [setting.view(name).haircut for name in {p.group for p in known}] if setting.low else []
    hedging = {name: coin.amount for name, coin in coins.items() if coin.amount}
    return PricedPool(priced, max(ages, default=0), hedging, reasons)


def _mark(position: Position, setting: Setting) -> int:
    view, _ = future_view(position, setting.taken, setting.view(position.group), setting.rules)
    return view.price or 0


def _coins(groups: Sequence[GroupValue], exposures: Mapping[str, Exposures], setting: Setting) -> dict[str, Coin]:
    """By asset: the part of its net balance that is opposite to the positions on it."""
    found = {}
    for group in groups:
        net = group.net_low if setting.low else group.net_high
        if group.group not in exposures or net == 0 or not (group.low_known and group.high_known):
            continue
        hedged = exposures[group.group].opposite(net)
        if hedged > 0:
            found[group.group] = Coin(Usd(hedged if net > 0 else -hedged), proven=not group.declared)
    return found


def weigh_portfolio(
    positions: Sequence[Position],
    values: Mapping[str, PositionValue],
    saved: Sequence[ExpiryRelief],
    groups: Sequence[GroupValue],
    setting: Setting,
) -> PortfolioValue:
    """
    What these positions need together, in both figures.

    Args:
        values: Every position alone, by rules.
        saved: What bounded losses save on that, by expiry.
        setting: Of the low figure; the high one takes the data as perfect.
    """
    rules = setting.rules
    low_pool = price_pool(positions, values, groups, setting)
    high_pool = price_pool(positions, values, groups, replace(setting, low=False))
    found = requirement(low_pool.priced)
    initial, maintenance = low_pool.rounded(found)
    parts: list[PositionValue | ExpiryRelief] = [*(values[p.id] for p in positions), *saved]
    alone = total(part.low for part in parts)
    low = _smaller(low_pool, (initial, maintenance), alone, groups, low=True)
    by_rules = total(part.high for part in parts)
    high = _smaller(high_pool, high_pool.rounded(requirement(high_pool.priced)), by_rules, groups, low=False)
    names = [scenario.name for scenario in rules.scenarios.scenarios]
    return PortfolioValue(
        low=low,
        high=high,
        scenarios=_losses(found, names),
        worst=_worst(found, names, rules),
        loss=loss_of(found.loss),
        basis=loss_of(found.basis),
        contingencies={n.value: (loss_of(i), loss_of(m)) for n, (i, m) in sorted(found.contingencies.items())},
        initial=initial,
        maintenance=maintenance,
        alone_initial=alone.initial,
        alone_maintenance=alone.maintenance,
        by_rules=alone.initial < initial - _relieved(low_pool, groups, low=True)[0],
        hedging=low_pool.hedging,
        credits=tuple((name, share_ppm(c)) for name, c in found.credits),
        proven_only=found.proven_only,
        reasons=low_pool.reasons,
        parts=tuple(p.id for p in positions),
    )


def required_low(
    positions: Sequence[Position],
    values: Mapping[str, PositionValue],
    saved: Sequence[ExpiryRelief],
    groups: Sequence[GroupValue],
    setting: Setting,
) -> Risk:
    """What these positions need together in the low figure, and nothing else of it: for what-ifs."""
    pool = price_pool(positions, values, groups, setting)
    parts: list[PositionValue | ExpiryRelief] = [*(values[p.id] for p in positions), *saved]
    return _smaller(pool, pool.rounded(requirement(pool.priced)), total(part.low for part in parts), groups, low=True)


def _losses(found: PortfolioFigures, names: Sequence[str]) -> tuple[ScenarioLoss, ...]:
    if len(found.losses) != len(names):
        return ()
    return tuple(ScenarioLoss(name, loss_of(loss)) for name, loss in zip(names, found.losses, strict=True))


def _worst(found: PortfolioFigures, names: Sequence[str], rules: MarginRules) -> str:
    if found.loss == 0:
        return ""
    if found.scenario == BASIS:
        correlated = len(found.losses) != len(names)
        return rules.scenarios.offsets.method.value if correlated and found.basis <= found.loss else "basis"
    return names[found.scenario]


def _smaller(
    pool: PricedPool,
    required: tuple[Usd, Usd],
    alone: Risk,
    groups: Sequence[GroupValue],
    *,
    low: bool,
) -> Risk:
    """By scenarios with hedging balances, or the sum of the positions alone, at each level."""
    relieved = _relieved(pool, groups, low=low)
    sums = (alone.initial, alone.maintenance)
    initial, maintenance = (min(s, r - off) for s, r, off in zip(sums, required, relieved, strict=True))
    took = [s > r - off for s, r, off in zip(sums, required, relieved, strict=True)]
    haircuts = _haircuts_relieved(pool, groups, low=low)
    premium = (alone.initial_haircut, alone.maintenance_haircut)
    return Risk(
        initial=Usd(max(initial, maintenance + _milder(groups, low=low))),
        maintenance=Usd(maintenance),
        initial_haircut=Usd(-haircuts[0] if took[0] else premium[0]),
        maintenance_haircut=Usd(-haircuts[1] if took[1] else premium[1]),
        weighted=Usd(haircuts[1] if took[1] else 0),
    )


def _relieved(pool: PricedPool, groups: Sequence[GroupValue], *, low: bool) -> tuple[Usd, Usd]:
    """What balances that take part are no longer charged: their haircut, or their debt weight; rounded down."""
    initial = maintenance = 0
    for group in groups:
        risk, net = (group.low, group.net_low) if low else (group.high, group.net_high)
        part = abs(pool.hedging.get(group.group, ZERO))
        if part and net:
            charged = risk.initial - risk.data_contingency
            initial += credit(max(0, charged) * part, abs(net))
            maintenance += credit(risk.maintenance * part, abs(net))
    return Usd(initial), Usd(maintenance)


def _milder(groups: Sequence[GroupValue], *, low: bool) -> int:
    """By how much the balances' own requirement is below the initial one at maintenance level: at most zero."""
    risks = [group.low if low else group.high for group in groups]
    return sum(min(0, risk.maintenance - risk.initial) for risk in risks)


def _haircuts_relieved(pool: PricedPool, groups: Sequence[GroupValue], *, low: bool) -> tuple[Usd, Usd]:
    """The same of holdings alone, which the ratios leave out of both sides."""
    held = [g for g in groups if (g.net_low if low else g.net_high) > 0]
    return _relieved(pool, held, low=low)
