"""A pool's parts, prices and cash while closures are tried on them: what `carry_out` does, in the low figure alone.

A plan tries hundreds of closures before it takes a step, and a loop makes a plan each round. The ledger holds what a
closure changes and weighs only that, by the exact curves of `curves.py`; the steps that are shown are carried out by
the engine once more. Where some part of the pool has no curve, there is no ledger.

Source: margin reference, section 12.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from verifier.margin.curves import (
    EMPTY,
    NO_NEEDS,
    GroupCurve,
    LineCurve,
    Low,
    Needs,
    PerpCurve,
    floored,
    plus,
    swapped,
    weigh_net,
    with_money,
    with_needs,
)
from verifier.margin.fixed import Price, Usd
from verifier.margin.liquidation_steps import Act, Closure, Trading
from verifier.margin.models.impact import Impact
from verifier.margin.models.selling import mark_after, sale_cost
from verifier.margin.parts import burdened
from verifier.margin.rules import Floor
from verifier.margin.snapshot import Line
from verifier.margin.trial import Scales, Trial
from verifier.policy import PPM


class BeyondCurves(Exception):
    """A price rose beyond what the curves of a group reach."""


class Market(NamedTuple):
    """What a part is traded into.

    Attributes:
        rate: Charged on what is traded, in ppm: a fee on positions, a bonus on holdings.
    """

    group: str
    rate: int
    impact: Impact


Counted = tuple[int, int]
"""The low value of a line, and the same at initial level."""


class Net(NamedTuple):
    """The lines of a group together: their values' sums, and what those weigh."""

    low: int
    cautious: int
    weighed: Low


@dataclass(frozen=True, slots=True)
class Book:
    """What does not change while closures are tried.

    Attributes:
        curves: By asset group.
        markets: Of each line and position, by id.
        held: Its lines, in order of ids.
        debts: Curves of debts, the heaviest weight first, then by id: the order in which proceeds repay them.
        floor: None where nothing of the pool burdens it.
    """

    curves: Mapping[str, GroupCurve]
    markets: Mapping[str, Market]
    perps: Mapping[str, PerpCurve]
    lines: Mapping[str, LineCurve]
    debts: tuple[LineCurve, ...]
    held: Mapping[str, Line]
    trading: Trading
    floor: Floor | None


@dataclass(slots=True)
class Change:
    """What one closure would change: only the entries that differ, and the sums after it."""

    total: Low
    cash: int
    cost: int = 0
    sizes: dict[str, int] = field(default_factory=dict)
    needs: dict[str, Needs] = field(default_factory=dict)
    amounts: dict[str, int] = field(default_factory=dict)
    counted: dict[str, Counted] = field(default_factory=dict)
    nets: dict[str, Net] = field(default_factory=dict)
    prices: dict[str, int] = field(default_factory=dict)


class Ledger:
    """The state: sizes and amounts by id, prices by group, cash, and what all of it weighs."""

    __slots__ = ("amounts", "book", "cash", "counted", "needs", "nets", "prices", "sizes", "total")

    def __init__(self, book: Book, prices: Mapping[str, int], cash: int) -> None:
        self.book, self.cash = book, cash
        self.prices = dict(prices)
        self.sizes = {perp.id: perp.size for perp in book.perps.values()}
        self.amounts = {line.id: line.amount for line in book.lines.values()}
        self.needs: dict[str, Needs] = {}
        self.counted: dict[str, Counted] = {}
        self.nets: dict[str, Net] = {}
        total = EMPTY
        equity = initial = maintenance = 0
        for group, curve in book.curves.items():
            price = self.prices[group]
            for line in curve.lines:
                self.counted[line.id] = line.at(price, line.amount)
            net = self.nets[group] = _net(curve, [self.counted[line.id] for line in curve.lines])
            total = plus(total, net.weighed)
            for perp in curve.perps:
                made = self.needs[perp.id] = perp.at(price, perp.size)
                equity, initial, maintenance = equity + made[0], initial + made[1], maintenance + made[2]
        self.total: Low = with_needs(total, (equity, initial, maintenance))

    @property
    def low(self) -> Low:
        """The pool's low figure, floor and cash included."""
        return self.weighed(self.total, self.cash)

    def weighed(self, total: Low, cash: int) -> Low:
        """A sum over groups with the floor under it and cash beside it."""
        low = total if self.book.floor is None else floored(total, self.book.floor)
        return with_money(low, cash) if cash else low

    def after(self, closure: Closure) -> Change:
        """What a closure changes."""
        match closure.act:
            case Act.REDUCE:
                return self._reduce(closure.part, closure.amount)
            case Act.SELL:
                return self.sold(closure.part, closure.amount)
            case Act.NET:
                return self._net(closure)
            case _:
                return self._reduce_all(closure.amount)

    def commit(self, change: Change) -> None:
        """Make it so."""
        self.total, self.cash = change.total, change.cash
        self.sizes |= change.sizes
        self.amounts |= change.amounts
        self.prices |= change.prices
        self.needs |= change.needs
        self.counted |= change.counted
        self.nets |= change.nets

    def without(self, part: str, size: int) -> Change:
        """What closing all of a perpetual changes, where the mark stays."""
        perp, market, was = self.book.perps[part], self.book.markets[part], self.needs[part]
        cost = self.cost(perp.worth(size, self.prices[market.group]), market)
        made = Change(with_needs(self.total, NO_NEEDS, was), self.cash + was[0] - cost, cost)
        made.sizes[part], made.needs[part] = 0, NO_NEEDS
        return made

    def cost(self, worth: int, market: Market) -> int:
        """What trading one part of a group costs: a rate on it, and its impact; at most all of it."""
        return min(-(-worth * market.rate // PPM) + sale_cost(market.impact, Usd(worth)), worth)

    def slice_of_perp(self, part: str, units: int) -> tuple[Low, int]:
        """As `slice_of_perpetual`: equity falls by the cost alone."""
        perp, market = self.book.perps[part], self.book.markets[part]
        size, was, price = self.sizes[part], self.needs[part], self.prices[market.group]
        now = perp.at(price, size - units if size > 0 else size + units)
        cost = self.cost(perp.worth(units, price), market)
        money = was[0] - now[0] - cost
        return (-cost, now[1] - was[1], now[2] - was[2], 0, 0, 0, max(-money, 0)), cost

    def slice_of_line(self, part: str, units: int, *, owes: bool) -> tuple[Low, int]:
        """As `slice_of_holding`: proceeds repay what is owed, at a weight of one."""
        market, line = self.book.markets[part], self.book.lines[part]
        net, price = self.nets[market.group], self.prices[market.group]
        was, now = net.weighed, self._recounted(net, part, line.at(price, self.amounts[part] - units)).weighed
        cost = self.cost(-(-units * price // line.unit), market)
        proceeds = max(0, was[0] - now[0] - cost)
        return (
            -cost,
            now[1] - was[1],
            now[2] - was[2],
            now[3] - was[3],
            now[4] - was[4],
            now[5] - was[5] + (0 if owes else proceeds),
            now[6] - was[6] - (proceeds if owes else 0),
        ), cost

    def _reduce(self, part: str, amount: int) -> Change:
        perp, market = self.book.perps[part], self.book.markets[part]
        size, was, price = self.sizes[part], self.needs[part], self.prices[market.group]
        left = size - amount if size > 0 else size + amount
        now = perp.at(price, left)
        worth = perp.worth(amount, price)
        cost = self.cost(worth, market)
        made = Change(with_needs(self.total, now, was), self.cash + was[0] - now[0] - cost, cost)
        made.sizes[part], made.needs[part] = left, now
        if self.book.trading.moves_marks:
            self._mark(made, market.group, worth if size > 0 else -worth)
        return made

    def sold(self, part: str, amount: int) -> Change:
        """What selling so much of a holding changes; its proceeds repay debts."""
        market, left = self.book.markets[part], self.amounts[part] - amount
        worth = -(-amount * self.prices[market.group] // self.book.lines[part].unit)
        cost = self.cost(worth, market)
        made = Change(self.total, self.cash, cost)
        proceeds = self._with_amount(made, part, left) - cost
        made.cash += proceeds
        self._repay(made, max(0, proceeds))
        if self.book.trading.moves_marks:
            self._mark(made, market.group, worth)
        return made

    def _net(self, closure: Closure) -> Change:
        holding, _, debt = closure.part.partition(">")
        lines = self.book.lines
        owed = closure.amount * lines[debt].unit // lines[holding].unit
        made = Change(self.total, self.cash)
        self._with_amount(made, holding, self.amounts[holding] - closure.amount)
        self._with_amount(made, debt, self.amounts[debt] + owed)
        return made

    def _reduce_all(self, share: int) -> Change:
        """A share of every perpetual, in ppm; each rounded up in what is taken off."""
        made = Change(self.total, self.cash)
        value = cost = counted = 0
        gross: dict[str, int] = {}
        sold: dict[str, int] = {}
        for part, perp in self.book.perps.items():
            market, size, was = self.book.markets[part], self.sizes[part], self.needs[part]
            group, price = market.group, self.prices[market.group]
            units = -(-abs(size) * share // PPM)
            left = size - units if size > 0 else size + units
            now = perp.at(price, left)
            worth = perp.worth(units, price)
            value += worth
            cost += -(-worth * market.rate // PPM)
            gross[group] = gross.get(group, 0) + worth
            sold[group] = sold.get(group, 0) + (worth if size > 0 else -worth)
            counted += was[0] - now[0]
            made.total = with_needs(made.total, now, was)
            made.sizes[part], made.needs[part] = left, now
        cost += sum(sale_cost(self.book.trading.impact(group), Usd(worth)) for group, worth in gross.items())
        made.cost = min(cost, value)
        made.cash += counted - made.cost
        if self.book.trading.moves_marks:
            for group, worth in sold.items():
                self._mark(made, group, worth)
        return made

    def _with_amount(self, made: Change, part: str, amount: int) -> int:
        """Another amount of a line; what equity loses by it."""
        group = self.book.markets[part].group
        was = made.nets.get(group, self.nets[group])
        counted = self.book.lines[part].at(self.prices[group], amount)
        now = self._recounted(was, part, counted)
        self._enter(made, part, amount, counted, now)
        return was.low - now.low

    def _recounted(self, net: Net, part: str, counted: Counted) -> Net:
        """A group's lines with another value of one that no change has touched yet."""
        was, market = self.counted[part], self.book.markets[part]
        low, cautious = net.low - was[0] + counted[0], net.cautious - was[1] + counted[1]
        return Net(low, cautious, weigh_net(low, cautious, self.book.curves[market.group].factors))

    def _enter(self, made: Change, part: str, amount: int, counted: Counted, now: Net) -> None:
        group = self.book.markets[part].group
        made.total = swapped(made.total, made.nets.get(group, self.nets[group]).weighed, now.weighed)
        made.amounts[part], made.counted[part], made.nets[group] = amount, counted, now

    def _repay(self, made: Change, money: int) -> None:
        """Pay debts with at most this money; cash pays, equity stays."""
        for debt in self.book.debts:
            owed, group = -self.amounts[debt.id], self.book.markets[debt.id].group
            price = self.prices[group]
            if not owed or price <= 0 or money <= 0:
                continue
            units = min(owed, money * debt.unit // price)
            if units <= 0:
                continue
            paid = self._repaid(made, debt.id, units, money)
            if paid is not None:
                made.cash, money = made.cash - paid, money - paid

    def _repaid(self, made: Change, debt: str, units: int, money: int) -> int | None:
        """Repay units of a debt; None, and nothing done, where that would take more than the money."""
        group = self.book.markets[debt].group
        was = made.nets.get(group, self.nets[group])
        amount = self.amounts[debt] + units
        counted = self.book.lines[debt].at(self.prices[group], amount)
        now = self._recounted(was, debt, counted)
        paid = now.low - was.low
        if paid > money:
            return None
        self._enter(made, debt, amount, counted, now)
        return paid

    def _mark(self, made: Change, group: str, sold: int) -> None:
        """Leave the mark where a trade ended, and weigh the group at it."""
        price = self.prices[group]
        if not sold or price <= 0:
            return
        after = mark_after(self.book.trading.impact(group), Price(price), sold)
        if after == price:
            return
        curve = self.book.curves[group]
        if after > curve.top:
            raise BeyondCurves
        made.prices[group] = after
        was = made.nets.get(group, self.nets[group])
        for line in curve.lines:
            made.counted[line.id] = line.at(after, made.amounts.get(line.id, self.amounts[line.id]))
        made.nets[group] = _net(curve, [made.counted[line.id] for line in curve.lines])
        made.total = swapped(made.total, was.weighed, made.nets[group].weighed)
        for perp in curve.perps:
            before = made.needs.get(perp.id, self.needs[perp.id])
            now = made.needs[perp.id] = perp.at(after, made.sizes.get(perp.id, self.sizes[perp.id]))
            made.total = with_needs(made.total, now, before)


def _net(curve: GroupCurve, counted: list[Counted]) -> Net:
    """All lines of a group together; nothing where there are none."""
    low, cautious = sum([value[0] for value in counted]), sum([value[1] for value in counted])
    return Net(low, cautious, weigh_net(low, cautious, curve.factors) if counted else EMPTY)


def book_of(scales: Scales, trial: Trial, pool: str, trading: Trading) -> Book | None:
    """What of a pool closures are tried on; None where a part of it has no curve."""
    snapshot = trial.snapshot
    if not scales.adds_up(snapshot) or snapshot.doubts:
        return None
    curves: dict[str, GroupCurve] = {}
    for group, bucket in scales.buckets(snapshot).items():
        if not scales.one_pool and pool not in bucket.pockets:
            continue
        curve = scales.curve(snapshot, bucket, pool)
        if curve is None:
            return None
        curves[group] = curve
    lines = {line.id: line for curve in curves.values() for line in curve.lines}
    perps = {perp.id: perp for curve in curves.values() for perp in curve.perps}
    factors = scales.setting.policy.factors
    markets: dict[str, Market] = {}
    for group, curve in curves.items():
        charged, impact = trading.charge(group), trading.impact(group)
        markets |= dict.fromkeys([line.id for line in curve.lines], Market(group, charged.bonus, impact))
        markets |= dict.fromkeys([perp.id for perp in curve.perps], Market(group, charged.fee, impact))

    def weight(debt: LineCurve) -> int:
        group = markets[debt.id].group
        return factors[group].debt_weight_maintenance if group in factors else PPM

    debts = sorted((line for line in lines.values() if line.debt), key=lambda debt: (-weight(debt), debt.id))
    under = scales.floored and pool in burdened(snapshot, scales.setting.mode)
    return Book(
        curves=curves,
        markets=markets,
        perps={position.id: perps[position.id] for position in snapshot.positions if position.id in perps},
        lines=lines,
        debts=tuple(debts),
        held={x.id: x for x in sorted(snapshot.lines, key=lambda line: line.id) if x.id in lines},
        trading=trading,
        floor=scales.setting.rules.floor if under else None,
    )


def ledger_of(scales: Scales, trial: Trial, pool: str, trading: Trading) -> Ledger | None:
    """A pool's ledger before anything is closed; None where a part of it has no curve at its price."""
    book = book_of(scales, trial, pool, trading)
    return None if book is None else opened(book, trial, pool)


def opened(book: Book, trial: Trial, pool: str) -> Ledger | None:
    """A book's ledger at a trial's prices; None where they are beyond its curves."""
    prices = {group: trial.price(group) or 0 for group in book.curves}
    if any(price > book.curves[group].top for group, price in prices.items()):
        return None
    return Ledger(book, prices, trial.cash.get(pool, 0))
