"""The plan that restores solvency: which parts are closed, in which order, and how much of each.

Cancel resting orders, net holdings against debts of the same asset and network, then close what releases most margin
for each unit of cost, ranked anew after every step; amounts come from the closed forms, are rounded up to the lot, and
are weighed by the engine. A leg whose closing would raise the requirement (a hedge) is not touched by itself; where
nothing alone helps, a share of all positions is. What cannot be restored so is closed in full, and the plan says what
that leaves.

Source: margin reference, sections 12.1 and 12.2.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from enum import StrEnum

from verifier.errors import BadInput
from verifier.margin.fixed import Usd, charge
from verifier.margin.liquidation_steps import (
    Act,
    Closure,
    Step,
    Trading,
    carry_out,
    slice_of_holding,
    slice_of_perpetual,
)
from verifier.margin.risk import Risk
from verifier.margin.seek import Point, turning_point
from verifier.margin.snapshot import Line, Position
from verifier.margin.trial import Pool, Scales, Trial
from verifier.policy import PPM

SLICE = 64
"""A part is tried by a sixty-fourth of it, to rank it."""
MOST_STEPS = 400
FIGURES = tuple(field.name for field in fields(Risk))


@dataclass(frozen=True, slots=True)
class Goal:
    """Where a plan stops: above the level that began it, so that accounts do not flicker.

    Attributes:
        initial: Equity covers IM; otherwise MM and a buffer.
        buffer: On MM, in ppm.
        ratio: Least margin ratio and health factor, in ppm: the final call's bound and two per cent.
    """

    initial: bool = True
    buffer: int = 0
    ratio: int = 1_070_000

    def __post_init__(self) -> None:
        if self.buffer < 0 or self.ratio < PPM:
            raise BadInput(
                "goal", "a buffer of at least 0, a ratio of at least 1,000,000 ppm", (self.buffer, self.ratio)
            )

    def lacking(self, risk: Risk) -> int:
        """What equity lacks of the goal, in 1e-18 USD; at most zero where it is reached."""
        held = risk.initial if self.initial else charge(risk.maintenance * (PPM + self.buffer), PPM)
        ratio = risk.ratio
        short = charge(ratio.denominator * self.ratio, PPM) - ratio.numerator if ratio.denominator else -risk.equity
        health = risk.health_factor
        owed = charge(health.denominator * self.ratio, PPM) - health.numerator if health is not None else short
        return max(held - risk.equity, short, owed)


class End(StrEnum):
    """How a plan ends."""

    HEALTHY = "nothing-to-do"
    RESTORED = "restored"
    CLOSED = "closed"
    """Everything that could be closed is; the account owes nothing."""
    BACKSTOP = "backstop"
    """Closed as far as it goes, and still short: to be taken over."""
    DEFICIT = "deficit"
    """What is left is below zero: insurance, then loss sharing."""
    UNKNOWN = "indeterminate"


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps in order, and where they lead.

    Attributes:
        before, after: The pool at either end.
        lacking: What equity lacked of the goal at the start.
        cost: Sum of the steps' costs.
        shortfall: What insurance or loss sharing must bear.
        trial: The account after the last step; `start` before the first.
    """

    pool: str
    goal: Goal
    end: End
    steps: tuple[Step, ...]
    before: Pool
    after: Pool
    lacking: Usd
    cost: Usd
    shortfall: Usd
    trial: Trial
    start: Trial

    @property
    def open_before(self) -> dict[str, int]:
        """Sizes of the pool's positions before the first step, without sign."""
        left = {p.id: p for p in self.trial.snapshot.positions}
        return {p.id: abs(p.size) for p in self.start.snapshot.positions if left[p.id].size != p.size}

    @property
    def closures(self) -> tuple[Closure, ...]:
        """What was done, for `execute`."""
        return tuple(step.closure for step in self.steps)


def plan(
    scales: Scales, trial: Trial, pool: str, trading: Trading, goal: Goal | None = None, *, force: bool = False
) -> Plan:
    """
    The steps that bring a failing pool to its goal.

    Args:
        force: Plan also for a pool that does not fail, as the cheapest way down to the goal.
    """
    aim = Goal() if goal is None else goal
    before = scales.pool(trial, pool)
    if not before.low_known:
        return _made(pool, aim, End.UNKNOWN, [], before, before, (trial, trial))
    if not (before.fails or force) or aim.lacking(before.low) <= 0:
        return _made(pool, aim, End.HEALTHY, [], before, before, (trial, trial))
    work = _Work(scales, pool, trading, aim, trial, [], before, {}, {})
    work.clear_the_way()
    work.close_by_rank()
    if not work.reached:
        work.reduce_all()
    end = End.RESTORED
    if not work.reached:
        work.close_everything()
        end = _end_of(work)
    return _made(pool, aim, end, work.steps, before, work.state, (trial, work.trial))


def _made(
    pool: str, goal: Goal, end: End, steps: list[Step], before: Pool, after: Pool, trials: tuple[Trial, Trial]
) -> Plan:
    lacking = Usd(max(0, goal.lacking(before.low))) if before.low_known else Usd(0)
    cost = Usd(sum(step.cost for step in steps))
    shortfall = Usd(max(0, -after.low.equity)) if end is End.DEFICIT else Usd(0)
    return Plan(pool, goal, end, tuple(steps), before, after, lacking, cost, shortfall, trials[1], trials[0])


def _end_of(work: _Work) -> End:
    risk = work.state.low
    if risk.equity < 0:
        return End.DEFICIT
    if work.reached:
        return End.RESTORED
    return End.BACKSTOP if work.open_risk else End.CLOSED


@dataclass(slots=True)
class _Work:
    """A plan being made: the account so far, and the steps that led there."""

    scales: Scales
    pool: str
    trading: Trading
    goal: Goal
    trial: Trial
    steps: list[Step]
    state: Pool
    ranked: dict[object, tuple[object, Risk, int]]
    tried: dict[Closure, tuple[Trial, Step]]

    @property
    def lacking(self) -> int:
        return self.goal.lacking(self.state.low)

    @property
    def reached(self) -> bool:
        return self.lacking <= 0

    @property
    def open_risk(self) -> bool:
        return any(p.size for p in self.positions()) or any(line.liability and line.amount for line in self.lines())

    def positions(self) -> list[Position]:
        found = [p for p in self.trial.snapshot.positions if self.scales.one_pool or p.pocket == self.pool]
        return sorted(found, key=lambda position: position.id)

    def lines(self) -> list[Line]:
        found = [x for x in self.trial.snapshot.lines if self.scales.one_pool or x.pocket == self.pool]
        return sorted(found, key=lambda line: line.id)

    def do(self, closure: Closure) -> None:
        self.trial, step = self._carried(closure)
        self.steps.append(step)
        self.state = step.after
        self.tried.clear()

    def clear_the_way(self) -> None:
        """Steps 0 and 1: resting orders, then holdings against debts of the same asset on the same network."""
        for order in sorted(self.trial.snapshot.orders, key=lambda order: order.id):
            if self.scales.one_pool or order.pocket == self.pool:
                self.do(Closure(Act.CANCEL, order.id, 0))
        for debt in self.lines():
            for holding in self.lines():
                self._net(holding.id, debt.id)

    def _net(self, holding_id: str, debt_id: str) -> None:
        lines = {line.id: line for line in self.trial.snapshot.lines}
        holding, debt = lines[holding_id], lines[debt_id]
        same = holding.group == debt.group and holding.network == debt.network and holding.protocol == debt.protocol
        if not same or not debt.liability or holding.liability or self._frozen(holding_id, debt_id):
            return
        free = max(0, (holding.amount or 0) - holding.encumbered)
        owed = charge(-(debt.amount or 0) * 10**holding.decimals, 10**debt.decimals)
        units = min(free, owed)
        # A part of a unit of the other side is nothing that can be paid.
        if units * 10**debt.decimals // 10**holding.decimals > 0 and units <= free:
            paid = min(units, -(debt.amount or 0) * 10**holding.decimals // 10**debt.decimals)
            if paid > 0:
                self.do(Closure(Act.NET, f"{holding_id}>{debt_id}", paid))

    def _frozen(self, *ids: str) -> bool:
        return any(name in self.trading.frozen for name in ids)

    def close_by_rank(self) -> None:
        """Steps 2 and 3: the part that releases most for its cost, as much of it as is needed, again and again."""
        while not self.reached and len(self.steps) < MOST_STEPS:
            best = self._best()
            if best is None:
                return
            self.do(self._sized(best))

    def reduce_all(self) -> None:
        """A share of every position together, where no one of them helps: hedges go with what they hedge."""
        positions = [p for p in self.positions() if p.size]
        if not positions or self._frozen(*(p.id for p in positions)):
            return
        least = _least(PPM, lambda share: self._lacks(Closure(Act.REDUCE_ALL, "", share)))
        if least is not None and self._maintenance(Closure(Act.REDUCE_ALL, "", least)) <= self.state.low.maintenance:
            self.do(Closure(Act.REDUCE_ALL, "", least))

    def close_everything(self) -> None:
        """All positions at once, then holdings until nothing is owed."""
        if any(p.size for p in self.positions()) and not self._frozen(*(p.id for p in self.positions())):
            self.do(Closure(Act.CLOSE_ALL, "", PPM))
        for line in self.lines():
            owes = any(x.liability and x.amount for x in self.lines()) or self.trial.cash.get(self.pool, 0) < 0
            amount = self._sellable(line)
            if owes and amount:
                self.do(Closure(Act.SELL, line.id, amount))

    def _sellable(self, line: Line) -> int:
        """What of a holding can be sold: free, priced, and counting for something."""
        if line.liability or line.amount is None or self._frozen(line.id) or line.declared:
            return 0
        return max(0, line.amount - line.encumbered) if self.trial.price(line.group) is not None else 0

    def _candidates(self) -> list[tuple[Act, str, int, int]]:
        """Act, part, what can be closed, and the lot."""
        found = [
            (Act.REDUCE, p.id, abs(p.size), self.trading.charge(p.group).lot)
            for p in self.positions()
            if p.size and not self._frozen(p.id) and self.trial.price(p.group) is not None
        ]
        sold = [(Act.SELL, x.id, self._sellable(x), self.trading.charge(x.group).lot) for x in self.lines()]
        return found + [candidate for candidate in sold if candidate[2] > 0]

    def _best(self) -> tuple[Act, str, int, int] | None:
        """Most released for its cost; without cost, most released; then by id. What can settle in time comes first."""
        now = self.state.low
        lacking = self.goal.lacking(now)
        best: tuple[Act, str, int, int] | None = None
        rank: _Rank | None = None
        for candidate in self._candidates():
            change, cost = self._effect(candidate)
            better = lacking - self.goal.lacking(now + change)
            if better <= 0 or change.maintenance > 0:
                continue
            found = _Rank(candidate[1] not in self.trading.slow, better + cost, cost)
            if rank is None or found.beats(rank):
                best, rank = candidate, found
        return best

    def _effect(self, candidate: tuple[Act, str, int, int]) -> tuple[Risk, int]:
        """What a slice of a part changes, and what it costs; asked again only where what it depends on has changed."""
        act, part, most, lot = candidate
        units = min(most, max(lot, -(-most // SLICE // lot) * lot))
        closure = Closure(act, part, units)
        key = (act, part)
        state = self._depends_on(closure)
        kept = self.ranked.get(key)
        if kept is not None and kept[0] == state:
            return kept[1], kept[2]
        if act is Act.REDUCE:
            alone = slice_of_perpetual(self.scales, self.trial, closure, self.trading)
        else:
            owes = self.state.low.owed > 0
            alone = slice_of_holding(self.scales, self.trial, self.pool, closure, self.trading, owes=owes)
        if alone is None:
            after = self._tried(closure)
            change = _less(after.low, self.state.low)
            cost = max(0, self.state.low.equity - after.low.equity)
        else:
            change, cost = alone
        self.ranked[key] = (state, change, cost)
        return change, cost

    def _depends_on(self, closure: Closure) -> object:
        """Everything that a slice's effect hangs on: its group, and for a sale whether anything is owed."""
        snapshot = self.trial.snapshot
        if not self.scales.adds_up(snapshot):
            return len(self.steps)
        if closure.act is Act.SELL:
            group = next(x.group for x in snapshot.lines if x.id == closure.part)
            own = tuple(id(x) for x in snapshot.lines if x.group == group)
            return own, self.trial.price(group), self.state.low.owed > 0
        position = next(p for p in snapshot.positions if p.id == closure.part)
        return id(position), self.trial.price(position.group)

    def _sized(self, candidate: tuple[Act, str, int, int]) -> Closure:
        """As much of a part as brings the goal, rounded up to its lot; all of it where that is not enough.

        The first guess is the closed form `lacking / (released − cost)` for a unit, from the slice's own rates.
        """
        act, part, most, lot = candidate
        lots = -(-most // lot)

        def lacks(count: int) -> int:
            return self._lacks(Closure(act, part, min(most, count * lot))) if count else self.lacking

        change, _ = self._effect(candidate)
        units = min(most, max(lot, -(-most // SLICE // lot) * lot))
        better = self.lacking - self.goal.lacking(self.state.low + change)
        if not self.scales.adds_up(self.trial.snapshot):
            lots = _best_end(lots, lacks)
        least = _least(lots, lacks, charge(self.lacking * units, better * lot) if better > 0 else None)
        if least is None:
            return Closure(act, part, min(most, lots * lot))
        return Closure(act, part, min(most, least * lot))

    def _tried(self, closure: Closure) -> Pool:
        return self._carried(closure)[1].after

    def _carried(self, closure: Closure) -> tuple[Trial, Step]:
        """Carried out on the present account; the sizing's last try is the step that is taken."""
        found = self.tried.get(closure)
        if found is None:
            found = carry_out(self.scales, self.trial, self.pool, closure, self.trading)
            self.tried[closure] = found
        return found

    def _lacks(self, closure: Closure) -> int:
        if closure.act is Act.REDUCE_ALL and closure.amount == 0:
            return self.lacking
        return self.goal.lacking(self._tried(closure).low)

    def _maintenance(self, closure: Closure) -> int:
        return self._tried(closure).low.maintenance


@dataclass(frozen=True, slots=True)
class _Rank:
    """Released margin over cost, compared without division."""

    in_time: bool
    released: int
    cost: int

    def beats(self, other: _Rank) -> bool:
        """Strictly: on a tie the earlier one stands."""
        if self.in_time != other.in_time:
            return self.in_time
        one, two = self.released * other.cost, other.released * self.cost
        return one > two or (one == two and self.cost == other.cost == 0 and self.released > other.released)


def _best_end(most: int, lacks: Callable[[int], int]) -> int:
    """Where hedges are weighed together, closing too much lays bare what was hedged: the first eighth that is enough,
    or else the one that leaves least lacking.
    """
    tried = [max(1, most * eighth // 8) for eighth in range(1, 9)]
    found = [(lacks(count), count) for count in sorted(set(tried))]
    return next((count for lacking, count in found if lacking <= 0), min(found)[1])


def _less(one: Risk, two: Risk) -> Risk:
    return Risk(*(Usd(getattr(one, name) - getattr(two, name)) for name in FIGURES))


def _least(most: int, lacks: Callable[[int], int], hint: int | None = None) -> int | None:
    """The least count up to `most` after which nothing lacks; None where all of it is not enough."""

    def probe(count: int) -> Point:
        lacking = lacks(count)
        return Point(count, lacking <= 0, lacking)

    whole = probe(most)
    if not whole.turned:
        return None
    return turning_point(probe, Point(0, turned=False, measure=lacks(0)), whole, hint).at


def by_part(found: Plan) -> dict[str, int]:
    """Base units closed of each part, in all."""
    closed: dict[str, int] = {}
    for step in found.steps:
        if step.closure.part:
            closed[step.closure.part] = closed.get(step.closure.part, 0) + step.closure.amount
    return closed


def calmed(trading: Trading) -> Trading:
    """The same with marks that stay: for a loop that sets them itself."""
    return replace(trading, moves_marks=False)
