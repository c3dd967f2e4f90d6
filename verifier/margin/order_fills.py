"""Resting orders beside positions that are weighed by scenarios: the worst over which sides of which markets fill.

A fill may take away what hedges another position, so what it adds cannot be read from its own market's tiers: the whole
pool is weighed again with the fills in it, for every choice of nothing, all bids or all asks in each market. Fills are
nobody's proof: they burden and never relieve. Beyond `MOST_MARKETS` markets there are too many choices; then nothing
nets: the pool needs what the rules ask of everything, which is never less.

Source: margin reference, sections 5.3 and 7.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Final

from verifier.errors import BadInput
from verifier.margin.fixed import ZERO, Price, Usd
from verifier.margin.instruments import LinearPerp
from verifier.margin.models.from_snapshot import Setting
from verifier.margin.models.options import ExpiryRelief
from verifier.margin.portfolio import PortfolioValue, required_low
from verifier.margin.positions import OrdersValue, PositionValue, added_by_rules, fill_loss, weigh_position
from verifier.margin.requirements import GroupValue
from verifier.margin.risk import NO_RISK, Risk
from verifier.margin.snapshot import Order, Position

MOST_MARKETS: Final = 3


@dataclass(frozen=True, slots=True)
class Together:
    """The positions of a pool that are weighed by scenarios, and all that they are weighed from."""

    positions: Sequence[Position]
    values: Mapping[str, PositionValue]
    saved: Sequence[ExpiryRelief]
    groups: Sequence[GroupValue]
    setting: Setting


@dataclass(frozen=True, slots=True)
class _Side:
    """All orders of one side of a market, filled: positions at the mark, and what filling loses at once."""

    group: str
    name: str
    fills: tuple[Position, ...] = ()
    values: tuple[PositionValue, ...] = ()
    loss: Usd = ZERO

    @property
    def by_rules(self) -> Risk:
        """What the rules ask of the fills, and the loss."""
        initial = sum(v.low.initial for v in self.values) + self.loss
        return Risk(initial=Usd(initial), maintenance=Usd(sum(v.low.maintenance for v in self.values) + self.loss))


def weigh_fills(orders: Sequence[Order], base: PortfolioValue, held: Together) -> tuple[OrdersValue, ...]:
    """
    What resting orders may add to a pool's portfolio requirement, as one figure over all their markets.

    Args:
        orders: On markets whose price is usable.
        base: What the positions need before any fill.
    """
    markets = [_sides(group, found, held) for group, found in sorted(_by_group(orders).items())]
    if not markets:
        return ()
    if len(markets) > MOST_MARKETS:
        return (_without_netting(markets, base),)
    best = OrdersValue("", "", ZERO, NO_RISK)
    worst_maintenance = 0
    for chosen in product(*markets):
        filled = [side for side in chosen if side.fills]
        added = _added(filled, base, held) if filled else NO_RISK
        worst_maintenance = max(worst_maintenance, added.maintenance)
        if added.initial > best.risk.initial:
            best = _value(filled, added)
    risk = Risk(initial=best.risk.initial, maintenance=Usd(worst_maintenance))
    return (replace(best, group=best.group or _names(side[0] for side in markets), risk=risk),)


def _by_group(orders: Sequence[Order]) -> dict[str, list[Order]]:
    found: dict[str, list[Order]] = {}
    for order in sorted(orders, key=lambda order: order.id):
        found.setdefault(order.group, []).append(order)
    return found


def _sides(group: str, orders: Sequence[Order], held: Together) -> list[_Side]:
    """Nothing, and whatever of bids and asks there is."""
    sides = [_Side(group, "")]
    for name, chosen in (("bids", [o for o in orders if o.size > 0]), ("asks", [o for o in orders if o.size < 0])):
        if chosen:
            sides.append(_filled(group, name, chosen, held))
    return sides


def _filled(group: str, name: str, orders: Sequence[Order], held: Together) -> _Side:
    view, rules = held.setting.view(group), held.setting.rules
    mark = view.price or Price(0)
    fills = tuple(
        Position(id=f"filled:{o.id}", group=group, size=o.size, decimals=o.decimals, entry=mark, pocket=o.pocket)
        for o in orders
    )
    values = [weigh_position(fill, view, rules) for fill in fills]
    if any(value.notional is None for value in values):
        raise BadInput(f"orders of {group}", "sizes whose value can be true", max(abs(o.size) for o in orders))
    # In the rules' sum the fills of a market are one with the perpetual that stands in it.
    stands = [p for p in held.positions if p.group == group and isinstance(p.terms, LinearPerp)]
    initial, maintenance = added_by_rules(group, fills, stands, view, rules)
    asked = [Risk(initial=initial, maintenance=maintenance), *([NO_RISK] * len(fills))]
    values = [replace(v, low=risk, high=risk) for v, risk in zip(values, asked, strict=False)]
    return _Side(group, name, fills, tuple(values), Usd(sum(fill_loss(o, mark) for o in orders)))


def _added(filled: Sequence[_Side], base: PortfolioValue, held: Together) -> Risk:
    """What the pool needs more than before with these sides filled."""
    lost = sum(side.loss for side in filled)
    values = dict(held.values) | {v.position.id: v for side in filled for v in side.values}
    # What a fill becomes is as proven as the perpetual that it joins: either way, where anything is proven.
    ways = (False, True) if any(p.counts_gain for p in held.positions) else (False,)
    found = []
    for proven in ways:
        fills = [replace(fill, counts_gain=proven) for side in filled for fill in side.fills]
        found.append(required_low([*held.positions, *fills], values, held.saved, held.groups, held.setting))
    return Risk(
        initial=Usd(max(0, max(risk.initial for risk in found) - base.low.initial + lost)),
        maintenance=Usd(max(0, max(risk.maintenance for risk in found) - base.low.maintenance + lost)),
    )


def _without_netting(markets: Sequence[Sequence[_Side]], base: PortfolioValue) -> OrdersValue:
    """The rules' sum of everything in place of what the scenarios ask for."""
    chosen = [max(sides, key=lambda side: side.by_rules.initial) for sides in markets]
    maintenance = sum(max(side.by_rules.maintenance for side in sides) for sides in markets)
    initial = sum(side.by_rules.initial for side in chosen)
    added = Risk(
        initial=Usd(max(0, base.alone_initial - base.low.initial) + initial),
        maintenance=Usd(max(0, base.alone_maintenance - base.low.maintenance) + maintenance),
    )
    return _value(chosen, added)


def _value(filled: Sequence[_Side], added: Risk) -> OrdersValue:
    return OrdersValue(_names(filled), "+".join(s.name for s in filled), Usd(sum(s.loss for s in filled)), added)


def _names(sides: Iterable[_Side]) -> str:
    return "+".join(side.group for side in sides)
