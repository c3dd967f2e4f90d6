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

from verifier.margin.cells import Forwards, Holdings, moved
from verifier.margin.curves import (
    EMPTY,
    NO_NEEDS,
    BeyondCurves,
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
from verifier.margin.group_curve import GroupCurve, marked
from verifier.margin.ledger_book import Book, CellKey, Market, book_of
from verifier.margin.liquidation_steps import Act, Closure, Trading
from verifier.margin.models.selling import mark_after, sale_cost
from verifier.margin.trial import Scales, Trial
from verifier.policy import PPM

Counted = tuple[int, int]
"""The low value of a line, and the same at initial level."""


class Net(NamedTuple):
    """The lines of a group together: their values' sums, and what those weigh."""

    low: int
    cautious: int
    weighed: Low


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
    forwards: dict[str, Forwards] = field(default_factory=dict)
    cells: dict[CellKey, Low] = field(default_factory=dict)
    cancelled: str = ""


class Ledger:
    """The state: sizes and amounts by id, prices by group, cash, and what all of it weighs."""

    __slots__ = (
        "amounts",
        "book",
        "cash",
        "cells",
        "counted",
        "forwards",
        "needs",
        "nets",
        "prices",
        "resting",
        "sizes",
        "total",
    )

    def __init__(self, book: Book, prices: Mapping[str, int], forwards: Mapping[str, Forwards], cash: int) -> None:
        self.book, self.cash = book, cash
        self.prices, self.forwards = dict(prices), dict(forwards)
        self.sizes = {part.id: part.size for part in book.sized.values()}
        self.resting = frozenset(book.orders)
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
                mark = price if perp.expiry is None else marked(perp, self.forwards[group])
                made = self.needs[perp.id] = perp.at(mark, perp.size)
                equity, initial, maintenance = equity + made[0], initial + made[1], maintenance + made[2]
        self.cells: dict[CellKey, Low] = {}
        for key, cell in book.cells.items():
            group = key[0]
            now = Holdings(self.prices[group], self.forwards.get(group, ()), self.sizes, self.resting)
            self.cells[key] = cell.at(now)
            total = plus(total, self.cells[key])
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
            case Act.CANCEL:
                return self._cancel(closure.part)
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
        if self.book.cells or change.forwards:
            self.cells |= change.cells
            self.forwards |= change.forwards
            self.resting -= {change.cancelled}

    def without(self, part: str, size: int) -> Change:
        """What closing all of a perpetual changes, where the mark stays."""
        if part in self.book.tied:
            return self._reduce(part, size)
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
        now = perp.at(self._mark_of(perp, price), size - units if size > 0 else size + units)
        cost = self.cost(perp.worth(units, price), market)
        money = was[0] - now[0] - cost
        return (-cost, now[1] - was[1], now[2] - was[2], 0, 0, 0, max(-money, 0)), cost

    def slice_of_option(self, part: str, units: int) -> tuple[Low, int]:
        """As `slice_of_option`: its expiry is weighed anew."""
        option, market, size = self.book.sized[part], self.book.markets[part], self.sizes[part]
        made = Change(self.total, self.cash)
        counted = self._resize(made, part, size - units if size > 0 else size + units)
        cost = self.cost(option.worth(units, self.prices[market.group]), market)
        _, initial, maintenance, initial_haircut, haircut, _, _ = swapped(EMPTY, self.total, made.total)
        return (-cost, initial, maintenance, initial_haircut, haircut, 0, max(cost - counted, 0)), cost

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
        sized, market = self.book.sized[part], self.book.markets[part]
        size, price = self.sizes[part], self.prices[market.group]
        worth = sized.worth(amount, price)
        cost = self.cost(worth, market)
        made = Change(self.total, self.cash, cost)
        made.cash += self._resize(made, part, size - amount if size > 0 else size + amount) - cost
        if self.book.trading.moves_marks:
            self._mark(made, market.group, worth if size > 0 else -worth)
        return made

    def _mark_of(self, perp: PerpCurve, price: int) -> int:
        """What marks it: its forward, or its group's price."""
        return price if perp.expiry is None else marked(perp, self.forwards[self.book.markets[perp.id].group])

    def _resize(self, made: Change, part: str, left: int) -> int:
        """Another size of a position; what equity loses by it."""
        made.sizes[part] = left
        lost, perp = 0, self.book.perps.get(part)
        if perp is not None:
            was, price = self.needs[part], self.prices[self.book.markets[part].group]
            now = made.needs[part] = perp.at(self._mark_of(perp, price), left)
            made.total, lost = with_needs(made.total, now, was), was[0] - now[0]
        for key in self.book.tied.get(part, ()):
            lost += self._reweigh(made, key)
        return lost

    def _reweigh(self, made: Change, key: CellKey) -> int:
        """A cell anew; what equity loses by it."""
        group = key[0]
        now = Holdings(
            made.prices.get(group, self.prices[group]),
            made.forwards.get(group, self.forwards.get(group, ())),
            {**self.sizes, **made.sizes},
            self.resting - {made.cancelled},
        )
        was, low = made.cells.get(key, self.cells[key]), self.book.cells[key].at(now)
        made.cells[key], made.total = low, swapped(made.total, was, low)
        return was[0] - low[0]

    def _cancel(self, order: str) -> Change:
        made = Change(self.total, self.cash, cancelled=order)
        self._reweigh(made, self.book.orders[order])
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
        """A share of every position, in ppm; each rounded up in what is taken off."""
        made = Change(self.total, self.cash)
        value = cost = counted = 0
        gross: dict[str, int] = {}
        sold: dict[str, int] = {}
        for part, sized in self.book.sized.items():
            market, size = self.book.markets[part], self.sizes[part]
            group = market.group
            units = -(-abs(size) * share // PPM)
            worth = sized.worth(units, self.prices[group])
            value += worth
            cost += -(-worth * market.rate // PPM)
            gross[group] = gross.get(group, 0) + worth
            sold[group] = sold.get(group, 0) + (worth if size > 0 else -worth)
            counted += self._resize(made, part, size - units if size > 0 else size + units)
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
        if self.forwards.get(group):
            made.forwards[group] = moved(self.forwards[group], after, price)
        was = made.nets.get(group, self.nets[group])
        for line in curve.lines:
            made.counted[line.id] = line.at(after, made.amounts.get(line.id, self.amounts[line.id]))
        made.nets[group] = _net(curve, [made.counted[line.id] for line in curve.lines])
        made.total = swapped(made.total, was.weighed, made.nets[group].weighed)
        for perp in curve.perps:
            before = made.needs.get(perp.id, self.needs[perp.id])
            mark = after if perp.expiry is None else marked(perp, made.forwards[group])
            now = made.needs[perp.id] = perp.at(mark, made.sizes.get(perp.id, self.sizes[perp.id]))
            made.total = with_needs(made.total, now, before)
        for index in range(len(curve.cells)):
            self._reweigh(made, (group, index))


def _net(curve: GroupCurve, counted: list[Counted]) -> Net:
    """All lines of a group together; nothing where there are none."""
    low, cautious = sum([value[0] for value in counted]), sum([value[1] for value in counted])
    return Net(low, cautious, weigh_net(low, cautious, curve.factors) if counted else EMPTY)


def ledger_of(scales: Scales, trial: Trial, pool: str, trading: Trading) -> Ledger | None:
    """A pool's ledger before anything is closed; None where a part of it has no curve at its price."""
    book = book_of(scales, trial, pool, trading)
    return None if book is None else opened(book, trial, pool)


def opened(book: Book, trial: Trial, pool: str) -> Ledger | None:
    """A book's ledger at a trial's prices; None where they are beyond its curves."""
    prices = {group: trial.price(group) or 0 for group in book.curves}
    if any(price > book.curves[group].top for group, price in prices.items()):
        return None
    dated = [group for group, curve in book.curves.items() if curve.dated]
    forwards = {group: tuple(e for e in trial.snapshot.expiries if e.group == group) for group in dated}
    try:
        return Ledger(book, prices, forwards, trial.cash.get(pool, 0))
    except BeyondCurves:
        return None
