"""An account to try things on: prices moved, positions reduced, lines lost; weighed by the engine each time.

Rule-based risk adds up by asset group, so only the groups that a trial changes are weighed again; the sum is the very
one that `report.weigh` gives. Where a mode weighs positions together, the whole is weighed.

`cash` is what a trial's own steps brought in or cost, in money, by pool. It is nobody's balance: a trial is
hypothetical, and so is everything computed on it.

Source: margin reference, section 3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final

from verifier.margin.fixed import ZERO, Price, Usd
from verifier.margin.haircut import PriceView, view_price
from verifier.margin.instruments import Future, Option
from verifier.margin.market import ExpiryQuote
from verifier.margin.modes import Mode
from verifier.margin.positions import weigh_position
from verifier.margin.report import PocketReport, weigh_pools
from verifier.margin.requirements import with_floor
from verifier.margin.risk import NO_RISK, Risk
from verifier.margin.rules import DEFAULT_RULES, Floor, Ladder, MarginRules
from verifier.margin.snapshot import Line, Order, Position, Quote, Snapshot
from verifier.margin.status import Status, classify, decide
from verifier.policy import Policy

NO_CASH: Final[Mapping[str, Usd]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Setting:
    """How a trial is weighed."""

    policy: Policy
    rules: MarginRules = DEFAULT_RULES
    mode: Mode = Mode.CROSS


@dataclass(frozen=True, slots=True)
class Trial:
    """A snapshot, and the money that steps on it have brought or cost."""

    snapshot: Snapshot
    cash: Mapping[str, Usd] = field(default_factory=lambda: NO_CASH)

    def paid(self, pool: str, money: int) -> Trial:
        """The same with money added to a pool, or taken from it."""
        return replace(self, cash=MappingProxyType({**self.cash, pool: Usd(self.cash.get(pool, 0) + money)}))

    def at(self, prices: Mapping[str, Price]) -> Trial:
        """The same at other prices."""
        return replace(self, snapshot=at_prices(self.snapshot, prices))

    def price(self, group: str) -> Price | None:
        """What a group is quoted at."""
        quote = self.snapshot.quotes.get(group)
        return None if quote is None or quote.price <= 0 else quote.price


@dataclass(frozen=True, slots=True)
class Pool:
    """What stands or falls together, weighed.

    Attributes:
        low: Known part of the low figure, cash included; `high` of the high one.
        low_known: False where a liability or position has no bound: no low figure then.
    """

    name: str
    low: Risk
    high: Risk
    low_known: bool
    high_known: bool

    def status(self, ladder: Ladder) -> Status:
        """As `status.decide` says."""
        return decide(self.low if self.low_known else None, self.high if self.high_known else None, ladder)

    @property
    def fails(self) -> bool:
        """E < MM in the low figure, or no low figure: what a trial looks for."""
        return not self.low_known or self.low.equity < self.low.maintenance

    def rung(self, ladder: Ladder) -> Status:
        """The rung of the low figure alone."""
        return classify(self.low, ladder)


class Scales:
    """Weighs trials under one setting, and remembers what it has weighed: the same part twice is the same risk.

    Parts are remembered by identity (and kept alive, so that an identity is never another's): a trial shares with its
    origin every part that it did not change.
    """

    __slots__ = ("_bare", "_kept", "_views", "setting")

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self._bare = replace(setting.rules, floor=Floor())
        self._kept: dict[object, tuple[object, tuple[_Part, ...]]] = {}
        self._views: dict[tuple[str, int, int, int], PriceView] = {}

    def weigh(self, trial: Trial) -> tuple[Pool, ...]:
        """All pools, the cross pool first."""
        if self.adds_up(trial.snapshot):
            return self._summed(trial)
        return tuple(_with_cash(part, trial.cash) for part in self._whole(trial.snapshot))

    def pool(self, trial: Trial, name: str) -> Pool:
        """One pool; an empty one where nothing of it is left."""
        found = next((pool for pool in self.weigh(trial) if pool.name == name), None)
        return _with_cash(_Part(name), trial.cash) if found is None else found

    def adds_up(self, snapshot: Snapshot) -> bool:
        """Whether risk is a sum over asset groups here: no position is weighed together with others by scenarios."""
        mode = self.setting.mode
        return mode in (Mode.CROSS, Mode.ISOLATED) or not any(mode.nets(position) for position in snapshot.positions)

    @property
    def one_pool(self) -> bool:
        """Whether pockets are labels only."""
        return self.setting.mode.is_pooled

    def of_position(self, snapshot: Snapshot, position: Position) -> Risk:
        """The low figure's risk of a position by itself."""
        return self._position(snapshot, position).low

    def groups(self, snapshot: Snapshot) -> dict[str, tuple[_Part, ...]]:
        """The risk of each asset group by pool, without the floor."""
        return {group: self._group(snapshot, group, *parts) for group, parts in _buckets(snapshot).items()}

    def equity_of(self, snapshot: Snapshot, group: str, pool: str) -> int:
        """A group's part of a pool's equity in the low figure, where risk adds up."""
        return self.risk_of(snapshot, group, pool).equity

    def risk_of(self, snapshot: Snapshot, group: str, pool: str) -> Risk:
        """A group's part of a pool's low figure, where risk adds up."""
        found = self._group(snapshot, group, *_bucket(snapshot, group))
        return _total([part.low for part in found if part.name == pool])

    def _whole(self, snapshot: Snapshot) -> tuple[_Part, ...]:
        """Weighed at once, where scenarios hold the parts together."""
        prices = tuple((name, quote.price, quote.at) for name, quote in sorted(snapshot.quotes.items()))
        parts = (*map(id, snapshot.lines), *map(id, snapshot.positions), *map(id, snapshot.orders))
        key = (prices, parts, tuple((e.expiry, e.forward) for e in snapshot.expiries))
        found = self._kept.get(key)
        if found is None:
            made = weigh_pools(snapshot, self.setting.policy, self.setting.rules, self.setting.mode)
            found = self._kept[key] = (snapshot, tuple(map(_part_of, made)))
        return found[1]

    def _summed(self, trial: Trial) -> tuple[Pool, ...]:
        """The sum over groups, the floor put on the sum."""
        sums: dict[str, list[_Part]] = {"": []}
        for parts in self.groups(trial.snapshot).values():
            for part in parts:
                sums.setdefault(part.name, []).append(part)
        burdened = _burdened(trial.snapshot, self.setting.mode)
        sure, floor = not trial.snapshot.doubts, self.setting.rules.floor
        made = []
        for name in sorted(sums):
            part = _sum_of(name, sums[name], sure=sure)
            if name in burdened and (floor.initial or floor.maintenance):
                part = replace(part, low=with_floor(part.low, floor), high=with_floor(part.high, floor))
            made.append(_with_cash(part, trial.cash))
        return tuple(made)

    def _group(
        self, snapshot: Snapshot, group: str, lines: list[Line], positions: list[Position], orders: list[Order]
    ) -> tuple[_Part, ...]:
        """Lines of one pool together, perpetuals one by one; a group with expiries or orders as a whole."""
        quote = snapshot.quotes.get(group)
        at = (group, 0, 0) if quote is None else (group, quote.price, quote.at)
        key = (at, tuple(map(id, lines)), tuple(map(id, positions)), tuple(map(id, orders)))
        if orders or any(isinstance(p.terms, Future | Option) for p in positions):
            return self._dated(snapshot, key, lines, positions, orders)
        found = self._kept.get(key)
        if found is None:
            parts = list(self._lines(snapshot, lines)) + [self._position(snapshot, p) for p in positions]
            names = sorted({part.name for part in parts})
            sums = tuple(_sum_of(name, [part for part in parts if part.name == name]) for name in names)
            found = self._kept[key] = ((lines, positions), sums)
        return found[1]

    def _lines(self, snapshot: Snapshot, lines: list[Line]) -> tuple[_Part, ...]:
        return self._alone(replace(snapshot, **_only(lines=tuple(lines)))) if lines else ()

    def _position(self, snapshot: Snapshot, position: Position) -> _Part:
        quote = snapshot.quotes.get(position.group)
        key = (id(position), 0, 0) if quote is None else (id(position), quote.price, quote.at)
        found = self._kept.get(key)
        if found is None:
            value = weigh_position(position, self._view(snapshot, position.group), self._bare)
            name = "" if self.one_pool else position.pocket
            made = _Part(name, value.low, value.high, value.low_known, value.high_known)
            found = self._kept[key] = (position, (made,))
        return found[1][0]

    def _view(self, snapshot: Snapshot, group: str) -> PriceView:
        quote = snapshot.quotes.get(group)
        key = (group, snapshot.as_of, 0 if quote is None else quote.price, 0 if quote is None else quote.at)
        found = self._views.get(key)
        if found is None:
            found = self._views[key] = view_price(group, quote, snapshot.as_of, self._bare)
        return found

    def _dated(
        self, snapshot: Snapshot, key: object, lines: list[Line], positions: list[Position], orders: list[Order]
    ) -> tuple[_Part, ...]:
        """A group where positions relieve one another."""
        forwards = tuple((e.group, e.expiry, e.forward, e.fixed) for e in snapshot.expiries)
        found = self._kept.get((key, forwards))
        if found is None:
            only = _only(tuple(lines), tuple(positions), tuple(orders))
            found = self._kept[key, forwards] = ((lines, positions, orders), self._alone(replace(snapshot, **only)))
        return found[1]

    def _alone(self, alone: Snapshot) -> tuple[_Part, ...]:
        made = weigh_pools(alone, self.setting.policy, self._bare, self.setting.mode)
        return tuple(_part_of(report) for report in made if report.lines or report.positions or report.orders)


def _buckets(snapshot: Snapshot) -> dict[str, tuple[list[Line], list[Position], list[Order]]]:
    """Lines, positions and orders by group."""
    found: dict[str, tuple[list[Line], list[Position], list[Order]]] = {}
    for line in snapshot.lines:
        found.setdefault(line.group, ([], [], []))[0].append(line)
    for position in snapshot.positions:
        found.setdefault(position.group, ([], [], []))[1].append(position)
    for order in snapshot.orders:
        found.setdefault(order.group, ([], [], []))[2].append(order)
    return found


def _bucket(snapshot: Snapshot, group: str) -> tuple[list[Line], list[Position], list[Order]]:
    return (
        [line for line in snapshot.lines if line.group == group],
        [position for position in snapshot.positions if position.group == group],
        [order for order in snapshot.orders if order.group == group],
    )


def _only(
    lines: tuple[Line, ...] = (), positions: tuple[Position, ...] = (), orders: tuple[Order, ...] = ()
) -> dict[str, Any]:
    return {"lines": lines, "positions": positions, "orders": orders, "doubts": ()}


@dataclass(frozen=True, slots=True)
class _Part:
    """A pool's part in a sum."""

    name: str
    low: Risk = NO_RISK
    high: Risk = NO_RISK
    low_known: bool = True
    high_known: bool = True


def _part_of(report: PocketReport) -> _Part:
    return _Part(report.name, report.known_low, report.known_high, report.low_known, report.high_known)


def _sum_of(name: str, parts: list[_Part], *, sure: bool = True) -> _Part:
    return _Part(
        name,
        _total([part.low for part in parts]),
        _total([part.high for part in parts]),
        sure and all(part.low_known for part in parts),
        sure and all(part.high_known for part in parts),
    )


def _total(risks: list[Risk]) -> Risk:
    """The same as `risk.total`, a figure at a time: what-ifs add up thousands of risks."""
    return Risk(
        Usd(sum([r.equity for r in risks])),
        Usd(sum([r.initial for r in risks])),
        Usd(sum([r.maintenance for r in risks])),
        Usd(sum([r.initial_haircut for r in risks])),
        Usd(sum([r.data_contingency for r in risks])),
        Usd(sum([r.maintenance_haircut for r in risks])),
        Usd(sum([r.weighted for r in risks])),
        Usd(sum([r.owed for r in risks])),
    )


def _with_cash(part: _Part, cash: Mapping[str, Usd]) -> Pool:
    """Cash is money: in equity as it is; a lack of it is owed, and a surplus counts as collateral in full."""
    money = cash.get(part.name, ZERO)
    if money == 0:
        return Pool(part.name, part.low, part.high, part.low_known, part.high_known)
    added = Risk(equity=money, weighted=Usd(max(money, 0)), owed=Usd(max(-money, 0)))
    return Pool(part.name, part.low + added, part.high + added, part.low_known, part.high_known)


def _burdened(snapshot: Snapshot, mode: Mode) -> frozenset[str]:
    """Pools with a debt or a position, on which the floor stands."""
    names = [line.pocket for line in snapshot.lines if line.liability]
    names += [position.pocket for position in snapshot.positions]
    names += [order.pocket for order in snapshot.orders]
    return frozenset("" for _ in names) if mode.is_pooled else frozenset(names)


def at_prices(snapshot: Snapshot, prices: Mapping[str, Price]) -> Snapshot:
    """The same at other prices of some groups: forwards move along; times and sources stay."""
    quotes: dict[str, Quote] = dict(snapshot.quotes)
    expiries = snapshot.expiries
    for group, price in prices.items():
        quote = quotes.get(group)
        if quote is not None and quote.price > 0:
            quotes[group] = replace(quote, price=price)
            expiries = tuple(_forward_at(e, price, quote.price) if e.group == group else e for e in expiries)
    return replace(snapshot, quotes=MappingProxyType(quotes), expiries=expiries)


def _forward_at(expiry: ExpiryQuote, price: int, before: int) -> ExpiryQuote:
    """A forward keeps at least one unit: none of them is ever zero."""
    moved = expiry.forward * price // before
    return replace(expiry, forward=Price(moved if moved + expiry.fixed > 0 else 1))


def with_parts(
    snapshot: Snapshot,
    line: Callable[[Line], Line | None] = lambda kept: kept,
    position: Callable[[Position], Position | None] = lambda kept: kept,
) -> Snapshot:
    """The same with every line and position passed through; None drops it."""
    lines = tuple(kept for kept in map(line, snapshot.lines) if kept is not None)
    positions = tuple(kept for kept in map(position, snapshot.positions) if kept is not None)
    return replace(snapshot, lines=lines, positions=positions)


def failing(pools: Iterable[Pool]) -> tuple[str, ...]:
    """Names of the pools that fail, in order."""
    return tuple(pool.name for pool in pools if pool.fails)
