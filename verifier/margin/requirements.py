"""Rule-based requirements: spot debt and linear perpetuals.

Spot is weighed by asset group. Holdings and debts of one group net first, so a collateral rate never shrinks a
liability and two networks' balances of one asset are one; then what is left over is haircut, or weighted up:

    E − IM = Σ⁺ net·(1 − h) − Σ⁻ |net|·w        (the lending market's own inequality, section 6.3)

Source: margin reference, sections 4, 6.1 and 6.3.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from verifier.errors import ValuationOverflow
from verifier.margin.fixed import ZERO, Usd, charge, credit, part_of, value
from verifier.margin.haircut import PriceView
from verifier.margin.lines import LineValue, no_price, stale_price
from verifier.margin.risk import NO_RISK, Risk
from verifier.margin.rules import Floor, MarginRules, Market
from verifier.margin.snapshot import Doubt, Position, Reason
from verifier.policy import PPM, Factors


@dataclass(frozen=True, slots=True)
class GroupValue:
    """One asset group of one pocket: its net value, and the risk of it, in the low and the high figure.

    Attributes:
        low_known: False where a debt of unknown size, or without a usable price, is among its lines: `low` then
            leaves it out, and there is no low figure.
        high_known: False where a holding of unknown size or price is among its lines.
    """

    group: str
    factors: Factors
    net_low: Usd
    net_low_initial: Usd
    net_high: Usd
    low: Risk
    high: Risk
    low_known: bool
    high_known: bool


def weigh_group(group: str, lines: tuple[LineValue, ...], factors: Factors) -> GroupValue:
    """Net the lines of one asset, then weigh what is left."""
    low = Usd(sum(line.known_low for line in lines))
    initial = Usd(sum(line.known_low_initial for line in lines))
    high = Usd(sum(line.known_high for line in lines))
    return GroupValue(
        group=group,
        factors=factors,
        net_low=low,
        net_low_initial=initial,
        net_high=high,
        low=weigh_net(low, initial, factors),
        high=weigh_net(high, high, factors),
        low_known=all(line.low_known for line in lines),
        high_known=all(line.high_known for line in lines),
    )


def weigh_net(net: int, net_initial: int, factors: Factors) -> Risk:
    """The risk of a net balance: its value after data haircuts of maintenance and of initial level."""
    held, held_initial = max(net, 0), max(net_initial, 0)
    owed, owed_initial = max(-net, 0), max(-net_initial, 0)
    haircut = charge(*part_of(held, factors.haircut.maintenance))
    haircut_initial = charge(*part_of(held_initial, factors.haircut.initial))
    added = charge(*part_of(owed, factors.debt_weight_maintenance - PPM))
    added_initial = charge(*part_of(owed_initial, factors.debt_weight_initial - PPM))
    contingency = net - net_initial
    return Risk(
        equity=Usd(net),
        initial=Usd(haircut_initial + added_initial + contingency),
        maintenance=Usd(haircut + added),
        initial_haircut=Usd(haircut_initial + contingency),
        data_contingency=Usd(contingency),
        maintenance_haircut=Usd(haircut),
        weighted=Usd(held - haircut),
        owed=Usd(owed + added),
    )


@dataclass(frozen=True, slots=True)
class PositionValue:
    """A perpetual and what it weighs.

    Attributes:
        notional: |size| at the price of the low figure (marked up for its age).
        profit: Marked profit or loss at the last price, before it is decided what counts.
        counted_low: What of it counts in the low figure; `counted_high` in the high one.
    """

    position: Position
    price: PriceView
    notional: Usd | None
    profit: Usd | None
    counted_low: Usd
    counted_high: Usd
    low: Risk
    high: Risk
    low_known: bool
    high_known: bool
    reasons: tuple[Reason, ...] = ()


def weigh_position(position: Position, view: PriceView, rules: MarginRules) -> PositionValue:
    """Mark a perpetual, and ask its market what it requires."""
    if position.size == 0:
        return PositionValue(position, view, ZERO, ZERO, ZERO, ZERO, NO_RISK, NO_RISK, low_known=True, high_known=True)
    if view.price is None:
        return _unmarked(position, view, no_price(position))
    try:
        marked = _marked(position, view, rules.market(position.group))
    except ValuationOverflow as error:
        return _unmarked(position, view, Reason(Doubt.OVERFLOW, position.id, str(error)))
    if view.marks_burdens:
        return marked
    # What the old price says is still shown as what is known; it bounds nothing from below.
    stale = (stale_price(position, view),)
    return replace(marked, low_known=False, high_known=not position.counts_gain, reasons=stale)


def _marked(position: Position, view: PriceView, market: Market) -> PositionValue:
    price = 0 if view.price is None else view.price
    up = charge(price * (PPM + view.haircut), PPM)
    down = credit(price * (PPM - min(view.haircut, PPM)), PPM)
    against = down if position.size > 0 else up
    notional_low = Usd(charge(*value(abs(position.size), up, position.decimals)))
    notional_high = Usd(charge(*value(abs(position.size), price, position.decimals)))
    profit = _profit(position, price)
    low, high = _counted(position, _profit(position, against)), _counted(position, profit)
    return PositionValue(
        position=position,
        price=view,
        notional=notional_low,
        profit=profit,
        counted_low=low,
        counted_high=high,
        low=_required(market, notional_low, low),
        high=_required(market, notional_high, high),
        low_known=True,
        high_known=True,
    )


def _unmarked(position: Position, view: PriceView, reason: Reason) -> PositionValue:
    """No low figure; the high one is still bounded, unless a gain could count."""
    bounded = not position.counts_gain
    return PositionValue(
        position, view, None, None, ZERO, ZERO, NO_RISK, NO_RISK, low_known=False, high_known=bounded, reasons=(reason,)
    )


def _profit(position: Position, price: int) -> Usd:
    return Usd(credit(*value(position.size, price - position.entry, position.decimals)))


def _counted(position: Position, profit: Usd) -> Usd:
    """A loss in full; a gain only where it is more than someone's word."""
    return profit if position.counts_gain else Usd(min(profit, 0))


def _required(market: Market, notional: Usd, profit: Usd) -> Risk:
    initial, maintenance = market_requirement(market, notional)
    return Risk(equity=profit, initial=initial, maintenance=maintenance)


def market_requirement(market: Market, notional: Usd) -> tuple[Usd, Usd]:
    """IM and MM of a notional: `N·r_k − a_k` of the tier it reaches, each rounded up once."""
    allowance_initial = allowance_maintenance = 0
    tier = market.tiers[0]
    for upper in market.tiers[1:]:
        if notional <= upper.above:
            break
        allowance_initial += upper.above * (upper.initial - tier.initial)
        allowance_maintenance += upper.above * (upper.maintenance - tier.maintenance)
        tier = upper
    initial = charge(notional * tier.initial - allowance_initial, PPM)
    maintenance = charge(notional * tier.maintenance - allowance_maintenance, PPM)
    return Usd(initial), Usd(maintenance)


def with_floor(risk: Risk, floor: Floor) -> Risk:
    """At least the floor, beside the haircuts of collateral, which are no requirement of what is open."""
    short_initial = max(0, floor.initial - (risk.initial - risk.initial_haircut))
    short_maintenance = max(0, floor.maintenance - (risk.maintenance - risk.maintenance_haircut))
    return risk + Risk(initial=Usd(short_initial), maintenance=Usd(short_maintenance))
