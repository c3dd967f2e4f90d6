"""One step of a liquidation: what is traded, what it costs, and the account after it.

Every step conserves money: equity falls by the step's cost and by what it does to the marks, and by nothing else. What
a closed position had gained or lost becomes cash, as far as it counted; what a sold holding counted for becomes cash,
less its cost, and repays debts. Executing the closures of a plan again, in their order, gives the same account again.

Source: margin reference, section 12.1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from verifier.errors import BadInput
from verifier.margin.curves import Low
from verifier.margin.fixed import Price, Usd, charge, credit
from verifier.margin.instruments import Option
from verifier.margin.models.impact import Impact
from verifier.margin.models.selling import NO_IMPACT, mark_after, sale_cost
from verifier.margin.positions import per_unit
from verifier.margin.snapshot import Line, Position, Snapshot
from verifier.margin.trial import Pool, Scales, Trial, with_parts
from verifier.policy import PPM


class Act(StrEnum):
    """What a step does, in the order in which a plan tries it."""

    CANCEL = "cancel"
    NET = "net"
    REDUCE = "reduce"
    SELL = "sell"
    REDUCE_ALL = "reduce-all"
    CLOSE_ALL = "close-all"


@dataclass(frozen=True, slots=True)
class Charge:
    """What closing costs beside impact, in ppm of the value traded.

    Attributes:
        fee: Of the liquidator and the insurance fund, on positions.
        bonus: What a liquidator gets on top of collateral he takes.
        lot: Smallest amount traded, in base units of the part.
    """

    fee: int = 0
    bonus: int = 0
    lot: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.fee <= PPM or not 0 <= self.bonus <= PPM or self.lot < 1:
            raise BadInput(
                "charge", "rates of 0 to 1,000,000 ppm, a lot of at least 1", (self.fee, self.bonus, self.lot)
            )


FREE: Final = Charge()


@dataclass(frozen=True, slots=True)
class Trading:
    """What a liquidation sells into.

    Attributes:
        impacts: By asset group; a group without one takes anything at its mark.
        charges: By asset group; `other` for the rest.
        frozen: Ids of lines and positions that cannot be traded: a halted network, a failed protocol.
        slow: Ids that settle only after the deadline; they come last.
        moves_marks: Whether a trade leaves the mark where it ended (a loop sets marks itself, and says no).
    """

    impacts: Mapping[str, Impact] = field(default_factory=lambda: MappingProxyType({}))
    charges: Mapping[str, Charge] = field(default_factory=lambda: MappingProxyType({}))
    other: Charge = FREE
    frozen: frozenset[str] = frozenset()
    slow: frozenset[str] = frozenset()
    moves_marks: bool = True

    def charge(self, group: str) -> Charge:
        """What trading a group costs beside its impact."""
        return self.charges.get(group, self.other)

    def impact(self, group: str) -> Impact:
        """How a group's price gives way."""
        return self.impacts.get(group, NO_IMPACT)


@dataclass(frozen=True, slots=True)
class Closure:
    """What is to be done: to which part, and how much of it in base units (ppm of every position for the book)."""

    act: Act
    part: str
    amount: int


@dataclass(frozen=True, slots=True)
class Step:
    """A closure as it was carried out.

    Attributes:
        value: What was traded, at the mark before it.
        cost: Fee, bonus and impact: what equity lost by trading.
        repaid: Debts that the proceeds repaid, in base units by line.
        marks: Prices that the step left elsewhere than it found them.
        after: The pool after the step.
    """

    closure: Closure
    group: str
    value: Usd
    cost: Usd
    repaid: tuple[tuple[str, int], ...]
    marks: tuple[tuple[str, Price], ...]
    after: Pool


def carry_out(scales: Scales, trial: Trial, pool: str, closure: Closure, trading: Trading) -> tuple[Trial, Step]:
    """
    Do one closure.

    Raises:
        BadInput: No such part, or more of it than there is.
    """
    if closure.act is Act.CANCEL:
        left = replace(trial, snapshot=_without_order(trial.snapshot, closure.part))
        return left, Step(closure, "", Usd(0), Usd(0), (), (), scales.pool(left, pool))
    if closure.act is Act.NET:
        return _net(scales, trial, pool, closure)
    trades = _trades(trial.snapshot, closure, pool, scales)
    reduced = replace(trial, snapshot=_reduced(trial.snapshot, trades))
    # What the traded parts counted for, so that it becomes cash and nothing is lost.
    counted = _counted(scales, trial, reduced, pool, {trade.part.group for trade in trades})
    value, cost, sold = _priced(trial, trades, trading)
    reduced = reduced.paid(pool, counted - cost)
    repaid: tuple[tuple[str, int], ...] = ()
    if closure.act is Act.SELL:
        reduced, repaid = _repay(scales, reduced, pool, max(0, counted - cost))
    marks = _marks(trial, sold, trading) if trading.moves_marks else {}
    after = reduced.at(marks) if marks else reduced
    return after, Step(
        closure, _group_of(trades), value, cost, repaid, tuple(sorted(marks.items())), scales.pool(after, pool)
    )


def execute(
    scales: Scales, trial: Trial, pool: str, closures: Sequence[Closure], trading: Trading
) -> tuple[Trial, tuple[Step, ...]]:
    """Carry out closures one after the other."""
    steps = []
    for closure in closures:
        trial, step = carry_out(scales, trial, pool, closure, trading)
        steps.append(step)
    return trial, tuple(steps)


def slice_of_perpetual(scales: Scales, trial: Trial, closure: Closure, trading: Trading) -> tuple[Low, int] | None:
    """
    What reducing one perpetual or future changes, marks and resting orders aside, and its cost; None where it is not
    weighed by itself.

    Equity falls by the cost alone: what it had gained or lost becomes cash.
    """
    snapshot = trial.snapshot
    position = next(p for p in snapshot.positions if p.id == closure.part)
    if isinstance(position.terms, Option) or not scales.adds_up(snapshot):
        return None
    trade = _Trade(position, closure.amount if position.size > 0 else -closure.amount)
    left = replace(position, size=position.size - trade.units)
    was, now = scales.of_position(snapshot, position), scales.of_position(snapshot, left)
    _, cost, _ = _priced(trial, (trade,), trading)
    money = was.equity - now.equity - cost
    initial, maintenance = now.initial - was.initial, now.maintenance - was.maintenance
    return (-cost, initial, maintenance, 0, 0, 0, max(-money, 0)), cost


def slice_of_option(
    scales: Scales, trial: Trial, pool: str, closure: Closure, trading: Trading
) -> tuple[Low, int] | None:
    """What reducing one option changes of its group, marks aside, and its cost; None where groups do not add up."""
    snapshot = trial.snapshot
    if not scales.adds_up(snapshot):
        return None
    position = next(p for p in snapshot.positions if p.id == closure.part)
    trade = _Trade(position, closure.amount if position.size > 0 else -closure.amount)
    left = _reduced(snapshot, (trade,))
    was, now = scales.risk_of(snapshot, position.group, pool), scales.risk_of(left, position.group, pool)
    _, cost, _ = _priced(trial, (trade,), trading)
    money = was[0] - now[0] - cost
    _, initial, maintenance, initial_haircut, haircut, _, _ = (n - w for n, w in zip(now, was, strict=True))
    return (-cost, initial, maintenance, initial_haircut, haircut, 0, max(-money, 0)), cost


def slice_of_holding(
    scales: Scales, trial: Trial, pool: str, closure: Closure, trading: Trading, *, owes: bool
) -> tuple[Low, int] | None:
    """
    What selling a part of one holding changes, marks aside, and its cost; None where groups are not weighed apart.

    Proceeds repay what is owed, at a weight of one: for ranking, which the engine's own weighing then checks.
    """
    snapshot = trial.snapshot
    holding = next(x for x in snapshot.lines if x.id == closure.part)
    if not scales.adds_up(snapshot):
        return None
    trade = _Trade(holding, closure.amount)
    left = _reduced(snapshot, (trade,))
    was, now = scales.risk_of(snapshot, holding.group, pool), scales.risk_of(left, holding.group, pool)
    _, cost, _ = _priced(trial, (trade,), trading)
    proceeds = max(0, was[0] - now[0] - cost)
    _, initial, maintenance, initial_haircut, haircut, weighted, owed = (n - w for n, w in zip(now, was, strict=True))
    repaid, kept = (proceeds, 0) if owes else (0, proceeds)
    return (-cost, initial, maintenance, initial_haircut, haircut, weighted + kept, owed - repaid), cost


@dataclass(frozen=True, slots=True)
class _Trade:
    """Units taken off a part, signed as the part is: a long and a holding above zero."""

    part: Line | Position
    units: int


def _trades(snapshot: Snapshot, closure: Closure, pool: str, scales: Scales) -> tuple[_Trade, ...]:
    if closure.act in (Act.REDUCE_ALL, Act.CLOSE_ALL):
        share = PPM if closure.act is Act.CLOSE_ALL else closure.amount
        return tuple(
            _Trade(p, _towards_zero(p.size, share)) for p in snapshot.positions if _in_pool(p.pocket, pool, scales)
        )
    parts: tuple[Line | Position, ...] = snapshot.positions if closure.act is Act.REDUCE else snapshot.lines
    part = next((p for p in parts if p.id == closure.part), None)
    held = 0 if part is None else (part.size if isinstance(part, Position) else part.amount or 0)
    if part is None or not 0 < closure.amount <= abs(held):
        raise BadInput(f"closure of {closure.part}", f"an amount above 0, up to {abs(held)}", closure.amount)
    return (_Trade(part, closure.amount if held > 0 else -closure.amount),)


def _counted(scales: Scales, before: Trial, after: Trial, pool: str, groups: set[str]) -> int:
    """What equity lost by taking parts of these groups away: their own parts of it where risk adds up."""
    if scales.adds_up(before.snapshot) and scales.adds_up(after.snapshot):
        one, two = before.snapshot, after.snapshot
        return sum(scales.equity_of(one, group, pool) - scales.equity_of(two, group, pool) for group in groups)
    return scales.pool(before, pool).low.equity - scales.pool(after, pool).low.equity


def _in_pool(pocket: str, pool: str, scales: Scales) -> bool:
    return scales.one_pool or pocket == pool


def _towards_zero(size: int, share: int) -> int:
    """A share of a size, rounded up in what is taken off: never past zero."""
    taken = charge(abs(size) * share, PPM)
    return taken if size > 0 else -taken


def _reduced(snapshot: Snapshot, trades: tuple[_Trade, ...]) -> Snapshot:
    taken = {trade.part.id: trade.units for trade in trades}

    def line(kept: Line) -> Line:
        return replace(kept, amount=(kept.amount or 0) - taken[kept.id]) if kept.id in taken else kept

    def position(kept: Position) -> Position:
        return replace(kept, size=kept.size - taken[kept.id]) if kept.id in taken else kept

    return with_parts(snapshot, line, position)


def _priced(trial: Trial, trades: tuple[_Trade, ...], trading: Trading) -> tuple[Usd, Usd, dict[str, int]]:
    """The value traded, its cost, and the net value sold of each group."""
    value, cost = 0, 0
    gross: dict[str, int] = {}
    sold: dict[str, int] = {}
    for trade in trades:
        group, price = trade.part.group, trial.price(trade.part.group) or 0
        each = per_unit(trade.part, price) if isinstance(trade.part, Position) else price
        worth = charge(abs(trade.units) * each, 10**trade.part.decimals)
        rules = trading.charge(group)
        value += worth
        cost += charge(worth * (rules.fee if isinstance(trade.part, Position) else rules.bonus), PPM)
        gross[group] = gross.get(group, 0) + worth
        sold[group] = sold.get(group, 0) + (worth if trade.units > 0 else -worth)
    for group, worth in gross.items():
        cost += sale_cost(trading.impact(group), Usd(worth))
    return Usd(value), Usd(min(cost, value)), sold


def _marks(trial: Trial, sold: Mapping[str, int], trading: Trading) -> dict[str, Price]:
    made = {}
    for group, worth in sold.items():
        price = trial.price(group)
        if price is not None and worth:
            after = mark_after(trading.impact(group), price, worth)
            if after != price:
                made[group] = after
    return made


def _repay(scales: Scales, trial: Trial, pool: str, money: int) -> tuple[Trial, tuple[tuple[str, int], ...]]:
    """Pay debts of the pool, the heaviest weight first, with at most this money; cash pays, equity stays."""
    repaid: list[tuple[str, int]] = []
    factors = scales.setting.policy.factors
    debts = [d for d in trial.snapshot.lines if d.liability and d.amount and _in_pool(d.pocket, pool, scales)]

    def weight(debt: Line) -> int:
        return factors[debt.group].debt_weight_maintenance if debt.group in factors else PPM

    for debt in sorted(debts, key=lambda debt: (-weight(debt), debt.id)):
        price = trial.price(debt.group)
        if price is None or money <= 0:
            continue
        units = min(-(debt.amount or 0), credit(money * 10**debt.decimals, price))
        less = replace(trial, snapshot=_reduced(trial.snapshot, (_Trade(debt, -units),)))
        paid = -_counted(scales, trial, less, pool, {debt.group})
        if units <= 0 or paid > money:
            continue
        trial, money = less.paid(pool, -paid), money - paid
        repaid.append((debt.id, units))
    return trial, tuple(repaid)


def _net(scales: Scales, trial: Trial, pool: str, closure: Closure) -> tuple[Trial, Step]:
    """A holding pays a debt of its own asset: `part` is "holding>debt", the amount in the holding's base units."""
    holding_id, _, debt_id = closure.part.partition(">")
    lines = {line.id: line for line in trial.snapshot.lines}
    holding, debt = lines[holding_id], lines[debt_id]
    owed = credit(closure.amount * 10**debt.decimals, 10**holding.decimals)
    trades = (_Trade(holding, closure.amount), _Trade(debt, -owed))
    left = replace(trial, snapshot=_reduced(trial.snapshot, trades))
    worth = charge(closure.amount * (trial.price(holding.group) or 0), 10**holding.decimals)
    step = Step(closure, holding.group, Usd(worth), Usd(0), ((debt_id, owed),), (), scales.pool(left, pool))
    return left, step


def _without_order(snapshot: Snapshot, name: str) -> Snapshot:
    return replace(snapshot, orders=tuple(order for order in snapshot.orders if order.id != name))


def _group_of(trades: tuple[_Trade, ...]) -> str:
    groups = {trade.part.group for trade in trades}
    return next(iter(groups)) if len(groups) == 1 else ""
