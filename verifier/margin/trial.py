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

from verifier.margin.buckets import Bucket, Shelf
from verifier.margin.cells import Forwards, forward_at
from verifier.margin.curves import (
    EMPTY,
    BeyondCurves,
    LineCurve,
    Low,
    PerpCurve,
    PoolLow,
    floored,
    line_curve,
    low_of,
    perp_curve,
    plus,
    with_money,
)
from verifier.margin.fixed import ZERO, Price, Usd
from verifier.margin.group_curve import GroupCurve
from verifier.margin.haircut import PriceView, view_price
from verifier.margin.instruments import Future
from verifier.margin.lines import LineValue, value_line
from verifier.margin.modes import Mode
from verifier.margin.parts import Part, burdened, part_of, sum_of, total_of
from verifier.margin.positions import weigh_future, weigh_position
from verifier.margin.report import NO_FACTORS, weigh_pools
from verifier.margin.requirements import weigh_group, with_floor
from verifier.margin.risk import Risk
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

    __slots__ = ("_bare", "_kept", "_shelf", "_views", "setting")

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self._bare = replace(setting.rules, floor=Floor())
        self._shelf = Shelf()
        self._kept: dict[object, tuple[object, tuple[Part, ...]]] = {}
        self._views: dict[tuple[str, int, Quote | None], PriceView] = {}

    def weigh(self, trial: Trial) -> tuple[Pool, ...]:
        """All pools, the cross pool first."""
        if self.adds_up(trial.snapshot):
            return self._summed(trial)
        return tuple(_with_cash(part, trial.cash) for part in self._whole(trial.snapshot))

    def pool(self, trial: Trial, name: str) -> Pool:
        """One pool; an empty one where nothing of it is left."""
        found = next((pool for pool in self.weigh(trial) if pool.name == name), None)
        return _with_cash(Part(name), trial.cash) if found is None else found

    def lows(self, trial: Trial) -> dict[str, PoolLow]:
        """The low figures of all pools by name, the cross pool first: as `weigh` gives them, without the rest."""
        if not self.adds_up(trial.snapshot):
            return {pool.name: PoolLow(pool.low_known, low_of(pool.low)) for pool in self.weigh(trial)}
        sure = not trial.snapshot.doubts
        sums: dict[str, tuple[bool, Low]] = {"": (sure, EMPTY)}
        for bucket in self.buckets(trial.snapshot).values():
            for name in ("",) if self.one_pool else bucket.pockets:
                known, low = self.low_of_group(trial.snapshot, bucket, name)
                was_known, before = sums.get(name, (sure, EMPTY))
                sums[name] = (was_known and known, plus(before, low))
        under = burdened(trial.snapshot, self.setting.mode) if self.floored else ()
        made = {}
        for name in sorted(sums):
            known, low = sums[name]
            low = floored(low, self.setting.rules.floor) if name in under else low
            made[name] = PoolLow(known, with_money(low, trial.cash.get(name, 0)))
        return made

    def low(self, trial: Trial, name: str) -> PoolLow:
        """The low figure of one pool; of cash alone where nothing of it is left."""
        found = self.lows(trial).get(name)
        return PoolLow(known=True, low=with_money(EMPTY, trial.cash.get(name, 0))) if found is None else found

    def low_of_group(self, snapshot: Snapshot, bucket: Bucket, pool: str) -> PoolLow:
        """A group's part of a pool's low figure, without the floor, where risk adds up."""
        quote, forwards = snapshot.quotes.get(bucket.group), bucket.forwards(snapshot)
        key = (pool, id(quote), *[e.forward for e in forwards])
        found = bucket.lows.get(key)
        if found is None:
            found = bucket.lows[key] = (quote, self._low_of_group(snapshot, bucket, pool, forwards))
        return found[1]

    def _low_of_group(self, snapshot: Snapshot, bucket: Bucket, pool: str, forwards: Forwards) -> PoolLow:
        curve, price = self.curve(snapshot, bucket, pool), _price_of(snapshot, bucket.group)
        if curve is None or price > curve.top:
            return self._engine_low(snapshot, bucket, pool)
        try:
            return PoolLow(known=True, low=curve.at(price, forwards))
        except BeyondCurves:
            return self._engine_low(snapshot, bucket, pool)

    def _engine_low(self, snapshot: Snapshot, bucket: Bucket, pool: str) -> PoolLow:
        parts = [part for part in self._group(snapshot, bucket) if part.name == pool]
        return PoolLow(all(part.low_known for part in parts), low_of(total_of([part.low for part in parts])))

    def curve(self, snapshot: Snapshot, bucket: Bucket, pool: str) -> GroupCurve | None:
        """A group's part of a pool as a function of its price; None where the engine has to weigh it."""
        inside = None if self.one_pool else pool
        view = self._view(snapshot, bucket.group)
        return self._shelf.curve(bucket, inside, snapshot, view, (self.setting.policy, self._bare))

    def perp_curve(self, snapshot: Snapshot, position: Position) -> PerpCurve | None:
        """A perpetual by itself, that the snapshot need not hold."""
        tiers = self._shelf.tiers(position.group, self._bare)
        return perp_curve(position, self._view(snapshot, position.group), self._bare, tiers)

    def line_curve(self, snapshot: Snapshot, line: Line) -> LineCurve | None:
        """A line by itself, that the snapshot need not hold."""
        return line_curve(line, self._view(snapshot, line.group), self.setting.policy, self._bare)

    def buckets(self, snapshot: Snapshot) -> Mapping[str, Bucket]:
        """Its parts by asset group."""
        return self._shelf.of(snapshot)

    @property
    def floored(self) -> bool:
        """Whether there is a floor under requirements."""
        return self.setting.rules.floor.initial > 0

    def adds_up(self, snapshot: Snapshot) -> bool:
        """Whether risk is a sum over asset groups here: no position is weighed together with others by scenarios."""
        mode = self.setting.mode
        return mode in (Mode.CROSS, Mode.ISOLATED) or not any(mode.nets(position) for position in snapshot.positions)

    @property
    def one_pool(self) -> bool:
        """Whether pockets are labels only."""
        return self.setting.mode.is_pooled

    def of_position(self, snapshot: Snapshot, position: Position) -> Risk:
        """The low figure's risk of a perpetual or a future by itself."""
        if isinstance(position.terms, Future):
            return weigh_future(position, snapshot, self._view(snapshot, position.group), self._bare).low
        return self._position(snapshot, position).low

    def equity_of(self, snapshot: Snapshot, group: str, pool: str) -> int:
        """A group's part of a pool's equity in the low figure, where risk adds up."""
        return self.risk_of(snapshot, group, pool)[0]

    def risk_of(self, snapshot: Snapshot, group: str, pool: str) -> Low:
        """A group's part of a pool's low figure, where risk adds up."""
        bucket = self.buckets(snapshot).get(group)
        return EMPTY if bucket is None else self.low_of_group(snapshot, bucket, pool).low

    def _whole(self, snapshot: Snapshot) -> tuple[Part, ...]:
        """Weighed at once, where scenarios hold the parts together."""
        prices = tuple((name, quote.price, quote.at) for name, quote in sorted(snapshot.quotes.items()))
        parts = (*map(id, snapshot.lines), *map(id, snapshot.positions), *map(id, snapshot.orders))
        key = (prices, parts, tuple((e.expiry, e.forward) for e in snapshot.expiries))
        found = self._kept.get(key)
        if found is None:
            made = weigh_pools(snapshot, self.setting.policy, self.setting.rules, self.setting.mode)
            found = self._kept[key] = (snapshot, tuple(map(part_of, made)))
        return found[1]

    def _summed(self, trial: Trial) -> tuple[Pool, ...]:
        """The sum over groups, the floor put on the sum."""
        sums: dict[str, list[Part]] = {"": []}
        for bucket in self.buckets(trial.snapshot).values():
            for part in self._group(trial.snapshot, bucket):
                sums.setdefault(part.name, []).append(part)
        under = burdened(trial.snapshot, self.setting.mode) if self.floored else ()
        sure, floor = not trial.snapshot.doubts, self.setting.rules.floor
        made = []
        for name in sorted(sums):
            part = sum_of(name, sums[name], sure=sure)
            if name in under:
                part = replace(part, low=with_floor(part.low, floor), high=with_floor(part.high, floor))
            made.append(_with_cash(part, trial.cash))
        return tuple(made)

    def _group(self, snapshot: Snapshot, bucket: Bucket) -> tuple[Part, ...]:
        """Lines of one pool together, perpetuals one by one; a group with expiries or orders as a whole."""
        if bucket.dated:
            return self._dated(snapshot, bucket)
        key = snapshot.quotes.get(bucket.group)
        found = bucket.kept.get(key)
        if found is None:
            parts = self._lines(snapshot, bucket) + [self._position(snapshot, p) for p in bucket.positions]
            names = sorted({part.name for part in parts})
            found = tuple(sum_of(name, [part for part in parts if part.name == name]) for name in names)
            bucket.kept[key] = found
        return found

    def _lines(self, snapshot: Snapshot, bucket: Bucket) -> list[Part]:
        """The lines of each pool net first."""
        view, policy = self._view(snapshot, bucket.group), self.setting.policy
        by_pool: dict[str, list[LineValue]] = {}
        for line in bucket.lines:
            valued = value_line(line, view, policy, self._bare)
            by_pool.setdefault("" if self.one_pool else line.pocket, []).append(valued)
        factors = policy.factors.get(bucket.group, NO_FACTORS)
        made = [(name, weigh_group(bucket.group, tuple(values), factors)) for name, values in by_pool.items()]
        return [Part(name, net.low, net.high, net.low_known, net.high_known) for name, net in made]

    def _position(self, snapshot: Snapshot, position: Position) -> Part:
        key = (id(position), snapshot.as_of, snapshot.quotes.get(position.group))
        found = self._kept.get(key)
        if found is None:
            value = weigh_position(position, self._view(snapshot, position.group), self._bare)
            name = "" if self.one_pool else position.pocket
            made = Part(name, value.low, value.high, value.low_known, value.high_known)
            found = self._kept[key] = (position, (made,))
        return found[1][0]

    def _view(self, snapshot: Snapshot, group: str) -> PriceView:
        quote = snapshot.quotes.get(group)
        key = (group, snapshot.as_of, quote)
        found = self._views.get(key)
        if found is None:
            found = self._views[key] = view_price(group, quote, snapshot.as_of, self._bare)
        return found

    def _dated(self, snapshot: Snapshot, bucket: Bucket) -> tuple[Part, ...]:
        """A group where positions relieve one another."""
        quote = snapshot.quotes.get(bucket.group)
        key = (quote, tuple((e.expiry, e.forward, e.fixed) for e in snapshot.expiries if e.group == bucket.group))
        found = bucket.kept.get(key)
        if found is None:
            only = _only(bucket.lines, bucket.positions, bucket.orders)
            found = bucket.kept[key] = self._alone(replace(snapshot, **only))
        return found

    def _alone(self, alone: Snapshot) -> tuple[Part, ...]:
        made = weigh_pools(alone, self.setting.policy, self._bare, self.setting.mode)
        return tuple(part_of(report) for report in made if report.lines or report.positions or report.orders)


def _price_of(snapshot: Snapshot, group: str) -> int:
    quote = snapshot.quotes.get(group)
    return 0 if quote is None else max(quote.price, 0)


def _only(lines: tuple[Line, ...], positions: tuple[Position, ...], orders: tuple[Order, ...]) -> dict[str, Any]:
    return {"lines": lines, "positions": positions, "orders": orders, "doubts": ()}


def _with_cash(part: Part, cash: Mapping[str, Usd]) -> Pool:
    """Cash is money: in equity as it is; a lack of it is owed, and a surplus counts as collateral in full."""
    money = cash.get(part.name, ZERO)
    if money == 0:
        return Pool(part.name, part.low, part.high, part.low_known, part.high_known)
    added = Risk(equity=money, weighted=Usd(max(money, 0)), owed=Usd(max(-money, 0)))
    return Pool(part.name, part.low + added, part.high + added, part.low_known, part.high_known)


def at_prices(snapshot: Snapshot, prices: Mapping[str, Price]) -> Snapshot:
    """The same at other prices of some groups: forwards move along; times and sources stay."""
    quotes: dict[str, Quote] = dict(snapshot.quotes)
    expiries = snapshot.expiries
    for group, price in prices.items():
        quote = quotes.get(group)
        if quote is not None and quote.price > 0:
            quotes[group] = replace(quote, price=price)
            if expiries:
                expiries = tuple(forward_at(e, price, quote.price) if e.group == group else e for e in expiries)
    return snapshot.requoted(MappingProxyType(quotes), expiries)


def with_parts(
    snapshot: Snapshot,
    line: Callable[[Line], Line | None] = lambda kept: kept,
    position: Callable[[Position], Position | None] = lambda kept: kept,
) -> Snapshot:
    """The same with every line and position passed through; None drops it."""
    lines = tuple([kept for kept in map(line, snapshot.lines) if kept is not None])
    positions = tuple([kept for kept in map(position, snapshot.positions) if kept is not None])
    return snapshot.with_parts(lines, positions)


def failing(pools: Iterable[Pool]) -> tuple[str, ...]:
    """Names of the pools that fail, in order."""
    return tuple(pool.name for pool in pools if pool.fails)
