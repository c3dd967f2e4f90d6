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
from typing import Final

from verifier.margin.fixed import ZERO, Price, Usd
from verifier.margin.market import ExpiryQuote
from verifier.margin.modes import Mode
from verifier.margin.report import weigh_pools
from verifier.margin.requirements import with_floor
from verifier.margin.risk import NO_RISK, Risk, total
from verifier.margin.rules import DEFAULT_RULES, Floor, Ladder, MarginRules
from verifier.margin.snapshot import Line, Position, Quote, Snapshot
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
    """Weighs trials under one setting, and remembers groups it has weighed: the same group twice is the same risk."""

    __slots__ = ("_memo", "setting")

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self._memo: dict[object, tuple[_Part, ...]] = {}

    def weigh(self, trial: Trial) -> tuple[Pool, ...]:
        """All pools, the cross pool first."""
        if self.adds_up(trial.snapshot):
            return self._by_group(trial)
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

    def _whole(self, snapshot: Snapshot) -> tuple[_Part, ...]:
        """Weighed at once, where scenarios hold the parts together."""
        prices = tuple((name, quote.price, quote.at) for name, quote in sorted(snapshot.quotes.items()))
        lines, positions = tuple(map(_line_key, snapshot.lines)), tuple(map(_position_key, snapshot.positions))
        resting = tuple(order.id for order in snapshot.orders)
        key = (prices, lines, positions, resting, tuple((e.expiry, e.forward) for e in snapshot.expiries))
        found = self._memo.get(key)
        if found is None:
            made = weigh_pools(snapshot, self.setting.policy, self.setting.rules, self.setting.mode)
            parts = (_Part(p.name, p.known_low, p.known_high, p.low_known, p.high_known) for p in made)
            found = self._memo[key] = tuple(parts)
        return found

    def _by_group(self, trial: Trial) -> tuple[Pool, ...]:
        """The sum over groups, the floor put on the sum."""
        sums: dict[str, list[_Part]] = {"": []}
        for parts in self.groups(trial.snapshot).values():
            for part in parts:
                sums.setdefault(part.name, []).append(part)
        burdened = _burdened(trial.snapshot, self.setting.mode)
        sure = not trial.snapshot.doubts
        made = []
        for name in sorted(sums):
            part = _summed(name, sums[name], sure=sure)
            if name in burdened:
                floor = self.setting.rules.floor
                part = replace(part, low=with_floor(part.low, floor), high=with_floor(part.high, floor))
            made.append(_with_cash(part, trial.cash))
        return tuple(made)

    def groups(self, snapshot: Snapshot) -> dict[str, tuple[_Part, ...]]:
        """The risk of each asset group by pool, without the floor."""
        lines: dict[str, list[Line]] = {}
        positions: dict[str, list[Position]] = {}
        for line in snapshot.lines:
            lines.setdefault(line.group, []).append(line)
        for position in snapshot.positions:
            positions.setdefault(position.group, []).append(position)
        names = sorted(lines.keys() | positions.keys() | {order.group for order in snapshot.orders})
        return {name: self._group(snapshot, name, lines.get(name, []), positions.get(name, [])) for name in names}

    def _group(self, snapshot: Snapshot, name: str, lines: list[Line], positions: list[Position]) -> tuple[_Part, ...]:
        quote = snapshot.quotes.get(name)
        orders = tuple(order for order in snapshot.orders if order.group == name)
        expiries = tuple((e.expiry, e.forward, e.fixed) for e in snapshot.expiries if e.group == name)
        price = None if quote is None else (quote.price, quote.at)
        resting = tuple(order.id for order in orders)
        key = (name, price, resting, expiries, tuple(map(_line_key, lines)), tuple(map(_position_key, positions)))
        found = self._memo.get(key)
        if found is None:
            alone = replace(snapshot, lines=tuple(lines), positions=tuple(positions), orders=orders, doubts=())
            found = self._memo[key] = self._weigh_alone(alone)
        return found

    def _weigh_alone(self, alone: Snapshot) -> tuple[_Part, ...]:
        rules = replace(self.setting.rules, floor=Floor())
        made = weigh_pools(alone, self.setting.policy, rules, self.setting.mode)
        return tuple(_Part(p.name, p.known_low, p.known_high, p.low_known, p.high_known) for p in made)


@dataclass(frozen=True, slots=True)
class _Part:
    """A pool's part in a sum."""

    name: str
    low: Risk = NO_RISK
    high: Risk = NO_RISK
    low_known: bool = True
    high_known: bool = True


def _line_key(line: Line) -> tuple[object, ...]:
    return line.id, line.amount, line.last_amount, line.pocket, line.trust, line.age


def _position_key(position: Position) -> tuple[object, ...]:
    return position.id, position.size, position.entry, position.pocket, position.counts_gain


def _summed(name: str, parts: list[_Part], *, sure: bool) -> _Part:
    return _Part(
        name,
        total(part.low for part in parts),
        total(part.high for part in parts),
        sure and all(part.low_known for part in parts),
        sure and all(part.high_known for part in parts),
    )


def _with_cash(part: _Part, cash: Mapping[str, Usd]) -> Pool:
    """Cash is money: in equity as it is; a lack of it is owed, and a surplus counts as collateral in full."""
    money = cash.get(part.name, ZERO)
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
