"""Positions by rules: perpetuals, linear and inverse, dated futures, and what resting orders may still make of them.

Options are weighed by expiry, in `options.py`; what all of them give is a `PositionValue`.

Source: margin reference, sections 5, 6.1, 6.2 and 6.5.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from verifier.errors import ValuationOverflow
from verifier.margin.fixed import ZERO, Usd, charge, credit, part_of, value
from verifier.margin.haircut import NO_PRICE, PriceView, price_age_haircut
from verifier.margin.instruments import Future, InversePerp, LinearPerp, Option
from verifier.margin.lines import no_price, stale_price
from verifier.margin.requirements import market_requirement
from verifier.margin.risk import NO_RISK, Risk
from verifier.margin.rules import MarginRules, Market
from verifier.margin.snapshot import Doubt, Order, Position, Reason, Snapshot
from verifier.policy import PPM


@dataclass(frozen=True, slots=True)
class PositionValue:
    """A position and what it weighs.

    Attributes:
        notional: At the price of the low figure (marked up for its age).
        profit: Marked profit or loss (an option's: its whole value) before it is decided what counts.
        counted_low: What of it counts in the low figure; `counted_high` in the high one.
        low, high: Its risk alone, by rules; where it is weighed with others, theirs stands beside it.
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
    """Mark a perpetual or a future, and ask its market what it requires."""
    if position.size == 0:
        return PositionValue(position, view, ZERO, ZERO, ZERO, ZERO, NO_RISK, NO_RISK, low_known=True, high_known=True)
    if view.price is None:
        return unmarked(position, view, no_price(position))
    try:
        marked = _marked(position, view, rules)
    except ValuationOverflow as error:
        return unmarked(position, view, Reason(Doubt.OVERFLOW, position.id, str(error)))
    if view.marks_burdens:
        return marked
    # What the old price says is still shown as what is known; it bounds nothing from below.
    stale = (stale_price(position, view),)
    return replace(marked, low_known=False, high_known=not position.counts_gain, reasons=stale)


def future_view(
    position: Position, taken: Snapshot, spot: PriceView, rules: MarginRules
) -> tuple[PriceView, Doubt | None]:
    """The price a future is marked at: its forward; without a usable one the spot price, and the doubt that says so."""
    terms = position.terms
    if not isinstance(terms, Future) or terms.expiry <= taken.as_of:
        return spot, None
    quoted = taken.expiry(position.group, terms.expiry)
    if quoted is None:
        return spot, Doubt.NO_FORWARD
    age = abs(taken.as_of - quoted.at)
    volatility = rules.volatility.get(position.group)
    fresh = age <= rules.prices.max_age
    if not fresh and (volatility is None or age > rules.prices.hard_age):
        return spot, Doubt.STALE_FORWARD
    cost = price_age_haircut(age, volatility or 0, rules.prices.z)
    forward = quoted.forward + quoted.fixed
    return PriceView(type(quoted.forward)(forward), age, cost, fresh, marks_burdens=True, source=spot.source), None


def weigh_future(position: Position, taken: Snapshot, spot: PriceView, rules: MarginRules) -> PositionValue:
    """A dated future, marked at its forward."""
    view, doubt = future_view(position, taken, spot, rules)
    weighed = weigh_position(position, view, rules)
    if doubt is None:
        return weighed
    text = f"no usable forward of '{position.group}' at its expiry: marked at the spot price"
    return replace(weighed, reasons=(*weighed.reasons, Reason(doubt, position.id, text)))


def _marked(position: Position, view: PriceView, rules: MarginRules) -> PositionValue:
    price = 0 if view.price is None else view.price
    up = charge(price * (PPM + view.haircut), PPM)
    down = credit(price * (PPM - min(view.haircut, PPM)), PPM)
    against = down if position.size > 0 else up
    notional_low, notional_high = notional(position, up), notional(position, price)
    made = profit(position, price)
    low, high = counted(position, profit(position, max(against, 1))), counted(position, made)
    market = rules.market(position.group)
    doubted = doubt_charge(view.confidence, notional_low, rules)
    return PositionValue(
        position=position,
        price=view,
        notional=notional_low,
        profit=made,
        counted_low=low,
        counted_high=high,
        low=_required(market, notional_low, low, doubted),
        high=_required(market, notional_high, high, doubted),
        low_known=True,
        high_known=True,
    )


def unmarked(position: Position, view: PriceView, reason: Reason) -> PositionValue:
    """No low figure; the high one is still bounded, unless a gain could count."""
    bounded = not position.counts_gain
    return PositionValue(
        position, view, None, None, ZERO, ZERO, NO_RISK, NO_RISK, low_known=False, high_known=bounded, reasons=(reason,)
    )


def notional(position: Position, price: int) -> Usd:
    """What a position is worth in gross: of an inverse perpetual `|n|·m`, whatever the price."""
    return Usd(charge(*value(abs(position.size), per_unit(position, price), position.decimals)))


def per_unit(position: Position, price: int) -> int:
    """What one whole of a position trades for: of an inverse perpetual its contract's dollars, whatever the price."""
    return position.terms.multiplier if isinstance(position.terms, InversePerp) else price


def profit(position: Position, price: int) -> Usd:
    """Marked profit in USD, rounded down: `q·(P − entry)`, of an inverse perpetual `n·m·(P/entry − 1)`."""
    terms, moved = position.terms, price - position.entry
    if isinstance(terms, InversePerp):
        rate = (moved, max(1, position.entry))
        return Usd(credit(*value(position.size, terms.multiplier, position.decimals, rate=rate)))
    return Usd(credit(*value(position.size, moved, position.decimals)))


def counted(position: Position, made: Usd) -> Usd:
    """A loss in full; a gain only where it is more than someone's word."""
    return made if position.counts_gain else Usd(min(made, 0))


def doubt_charge(confidence: int, amount: int, rules: MarginRules) -> Usd:
    """`(1 − confidence)·factor·notional` below the threshold, at initial level: doubt of a price costs margin."""
    if confidence >= rules.prices.confidence_threshold:
        return ZERO
    return Usd(charge(*part_of(charge((PPM - confidence) * amount, PPM), rules.prices.confidence_factor)))


def _required(market: Market, gross: Usd, made: Usd, doubted: Usd) -> Risk:
    initial, maintenance = market_requirement(market, gross)
    return Risk(equity=made, initial=Usd(initial + doubted), maintenance=maintenance)


@dataclass(frozen=True, slots=True)
class OrdersValue:
    """What the resting orders of one market may still add: the worse of all bids and all asks filling.

    Attributes:
        group: The market; several joined by `+` where their fills are weighed together with positions.
        side: `bids`, `asks`, or empty where neither adds anything; one for each market.
        fill_loss: What that side loses at once, for it fills no better than the mark.
    """

    group: str
    side: str
    fill_loss: Usd
    risk: Risk
    known: bool = True
    reasons: tuple[Reason, ...] = ()


def weigh_orders(
    group: str, orders: Sequence[Order], positions: Sequence[Position], view: PriceView, rules: MarginRules
) -> OrdersValue:
    """The worse side of one market's resting orders, on top of the linear perpetuals that stand."""
    if view.price is None or not view.marks_burdens:
        reasons = tuple(
            Reason(Doubt.NO_PRICE, o.id, f"no usable price of '{group}' for a resting order") for o in orders
        )
        return OrdersValue(group, "", ZERO, NO_RISK, known=False, reasons=reasons)
    try:
        return _worse_side(group, orders, positions, view, rules)
    except ValuationOverflow as error:
        reasons = tuple(Reason(Doubt.OVERFLOW, order.id, str(error)) for order in orders)
        return OrdersValue(group, "", ZERO, NO_RISK, known=False, reasons=reasons)


def _worse_side(
    group: str, orders: Sequence[Order], positions: Sequence[Position], view: PriceView, rules: MarginRules
) -> OrdersValue:
    price = view.price or 0
    best, maintenance = OrdersValue(group, "", ZERO, NO_RISK), ZERO
    for side, chosen in (("bids", [o for o in orders if o.size > 0]), ("asks", [o for o in orders if o.size < 0])):
        lost = Usd(sum(fill_loss(order, price) for order in chosen))
        added = [Usd(more + lost) for more in added_by_rules(group, chosen, positions, view, rules)]
        # The worse side at one level need not be it at the other: what filling loses at once stands in both.
        maintenance = max(maintenance, added[1])
        if added[0] > best.risk.initial:
            best = OrdersValue(group, side, lost, Risk(initial=added[0]))
    return replace(best, risk=replace(best.risk, maintenance=maintenance))


def added_by_rules(
    group: str, fills: Sequence[Order | Position], positions: Sequence[Position], view: PriceView, rules: MarginRules
) -> tuple[Usd, Usd]:
    """What a market's tiers ask more with these filled on top of the linear perpetuals that stand; at least zero."""
    price = charge((view.price or 0) * (PPM + view.haircut), PPM)
    stands = sum(_scaled(p.size, p.decimals) for p in positions if isinstance(p.terms, LinearPerp))
    market = rules.market(group)
    before = _needed(market, stands, price)
    after = _needed(market, stands + sum(_scaled(fill.size, fill.decimals) for fill in fills), price)
    return Usd(max(0, after[0] - before[0])), Usd(max(0, after[1] - before[1]))


_FINEST = 77


def _scaled(size: int, decimals: int) -> int:
    """A size at the finest scale, so that sizes of different decimals add exactly."""
    return size * int(10 ** (_FINEST - decimals))


def _needed(market: Market, size: int, price: int) -> tuple[Usd, Usd]:
    return market_requirement(market, Usd(charge(abs(size) * price, 10**_FINEST)))


def fill_loss(order: Order, mark: int) -> int:
    """
    What a fill at the order's limit loses at once, where that is worse than the mark; in 1e-18 USD, rounded up.

    Raises:
        ValuationOverflow: The order is for more than can be true.
    """
    value(abs(order.size), max(order.limit, mark), order.decimals)
    worse = max(0, order.limit - mark) if order.size > 0 else max(0, mark - order.limit)
    return charge(*value(abs(order.size), worse, order.decimals))


def weigh_all_orders(
    orders: Sequence[Order], positions: Sequence[Position], views: Mapping[str, PriceView], rules: MarginRules
) -> tuple[OrdersValue, ...]:
    """By market, in order of their names."""
    by_group: dict[str, list[Order]] = {}
    for order in orders:
        by_group.setdefault(order.group, []).append(order)
    return tuple(
        weigh_orders(group, found, [p for p in positions if p.group == group], views.get(group, NO_PRICE), rules)
        for group, found in sorted(by_group.items())
    )


def split_orders(
    orders: Sequence[Order],
    together: Sequence[Position],
    ruled: Sequence[Position],
    views: Mapping[str, PriceView],
    *,
    all_join: bool,
) -> tuple[tuple[Order, ...], tuple[Order, ...]]:
    """
    Orders whose fills join the positions that are weighed by scenarios, and orders whose fills are weighed by rules.

    Args:
        all_join: Whatever is filled is weighed by scenarios; else only on a market where such a perpetual stands, and
            where one stands that is weighed by rules as well, the fill may go either way: the order is in both lists.
    """
    joined = {p.group for p in together if isinstance(p.terms, LinearPerp)}
    alone = {p.group for p in ruled if isinstance(p.terms, LinearPerp)}

    def joins(order: Order) -> bool:
        view = views.get(order.group, NO_PRICE)
        usable = view.price is not None and view.marks_burdens
        return usable and (order.group in joined or (all_join and bool(together)))

    joining = tuple(order for order in orders if joins(order))
    return joining, tuple(order for order in orders if order not in joining or order.group in alone)


def is_option(position: Position) -> bool:
    """Whether it is weighed with its expiry."""
    return isinstance(position.terms, Option)
