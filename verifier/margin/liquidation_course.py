"""Which closures restore a pool, in which order and how much of each: the course that a plan carries out.

Cancel resting orders, net holdings against debts of the same asset and network, then close what releases most margin
for each unit of cost, ranked anew after every step; amounts come from the closed forms, are rounded up to the lot, and
are weighed. A leg whose closing would raise the requirement (a hedge) is not touched by itself; where nothing alone
helps, a share of all positions is. What cannot be restored so is closed in full.

Source: margin reference, sections 12.1 and 12.2.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from verifier.margin.curves import BeyondCurves, Low, plus
from verifier.margin.fixed import charge
from verifier.margin.ledger import opened
from verifier.margin.ledger_book import Book, book_of
from verifier.margin.ledger_desk import LedgerDesk
from verifier.margin.liquidation_desk import Candidate, Desk, EngineDesk, Held, sellable
from verifier.margin.liquidation_goal import Goal
from verifier.margin.liquidation_steps import Act, Closure, Trading
from verifier.margin.seek import Point, turning_point
from verifier.margin.trial import Scales, Trial
from verifier.policy import PPM

MOST_STEPS = 400


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
class Course:
    """What is done, and what is left.

    Attributes:
        closed: Base units of each part in all; without what was netted.
        low: The pool's low figure at the end.
    """

    end: End
    closures: tuple[Closure, ...]
    closed: dict[str, int]
    low: Low

    @property
    def shortfall(self) -> int:
        """What insurance or loss sharing must bear."""
        return max(0, -self.low[0]) if self.end is End.DEFICIT else 0


def course(scales: Scales, trial: Trial, pool: str, trading: Trading, goal: Goal, book: Book | None = None) -> Course:
    """
    The course for a pool with a low figure that lacks something of the goal.

    Args:
        book: The pool's, where it was made before for the same parts and the same trading, at whatever prices.
    """
    made = book_of(scales, trial, pool, trading) if book is None else book
    ledger = None if made is None else opened(made, trial, pool)
    if ledger is None:
        return _run(EngineDesk(scales, trial, pool, trading), trading, goal)
    try:
        return _run(LedgerDesk(ledger), trading, goal)
    except BeyondCurves:
        return _run(EngineDesk(scales, trial, pool, trading), trading, goal)


def _run(desk: Desk, trading: Trading, goal: Goal) -> Course:
    work = _Work(desk, trading, goal)
    before = desk.sizes()
    work.clear_the_way()
    work.close_by_rank()
    if not work.reached:
        work.reduce_all()
    end = End.RESTORED
    if not work.reached:
        work.close_everything()
        end = work.end
    return Course(end, tuple(desk.closures), _closed(desk, before), desk.low)


def _closed(desk: Desk, before: dict[str, int]) -> dict[str, int]:
    """Base units closed of each part, the book's own steps included."""
    closed: dict[str, int] = {}
    for closure in desk.closures:
        if closure.part and ">" not in closure.part:
            closed[closure.part] = closed.get(closure.part, 0) + closure.amount
    if any(closure.act in (Act.REDUCE_ALL, Act.CLOSE_ALL) for closure in desk.closures):
        left = desk.sizes()
        closed |= {part: abs(size) - abs(left[part]) for part, size in before.items() if left[part] != size}
    return closed


@dataclass(slots=True)
class _Work:
    """A course being found: each step is taken on the desk."""

    desk: Desk
    trading: Trading
    goal: Goal

    @property
    def lacking(self) -> int:
        return self.goal.lacks(self.desk.low)

    @property
    def reached(self) -> bool:
        return self.lacking <= 0

    @property
    def end(self) -> End:
        """How it ends where everything was closed."""
        if self.desk.low[0] < 0:
            return End.DEFICIT
        if self.reached:
            return End.RESTORED
        owes = any(held.line.liability and held.amount for held in self.desk.held())
        return End.BACKSTOP if owes or any(self.desk.sizes().values()) else End.CLOSED

    def clear_the_way(self) -> None:
        """Steps 0 and 1: resting orders, then holdings against debts of the same asset on the same network."""
        for order in self.desk.orders():
            self.desk.do(Closure(Act.CANCEL, order, 0))
        held = self.desk.held()
        amounts = {line.id: amount or 0 for line, amount in held}
        debts = [one for one in held if one.line.liability]
        holdings = [one for one in held if not one.line.liability]
        for debt in debts:
            for holding in holdings:
                if _same(holding, debt) and not self._frozen(holding.line.id, debt.line.id):
                    self._net(holding, debt, amounts)

    def _net(self, holding: Held, debt: Held, amounts: dict[str, int]) -> None:
        one, two = holding.line, debt.line
        free = max(0, amounts[one.id] - one.encumbered)
        owed = charge(-amounts[two.id] * 10**one.decimals, 10**two.decimals)
        units = min(free, owed)
        # A part of a unit of the other side is nothing that can be paid.
        if units * 10**two.decimals // 10**one.decimals > 0:
            paid = min(units, -amounts[two.id] * 10**one.decimals // 10**two.decimals)
            if paid > 0:
                self.desk.do(Closure(Act.NET, f"{one.id}>{two.id}", paid))
                amounts[one.id] -= paid
                amounts[two.id] += paid * 10**two.decimals // 10**one.decimals

    def _frozen(self, *ids: str) -> bool:
        return any(name in self.trading.frozen for name in ids)

    def close_by_rank(self) -> None:
        """Steps 2 and 3: the part that releases most for its cost, as much of it as is needed, again and again."""
        while len(self.desk.closures) < MOST_STEPS:
            if self.lacking > 0:
                self.desk.hurry(self.goal, MOST_STEPS)
            lacking = self.lacking
            best = self.desk.best(self.goal) if lacking > 0 else None
            if best is None:
                return
            self.desk.do(self._sized(best, lacking))

    def reduce_all(self) -> None:
        """A share of every position together, where no one of them helps: hedges go with what they hedge."""
        open_ = [part for part, size in self.desk.sizes().items() if size]
        if not open_ or self._frozen(*open_):
            return
        least = _least(PPM, lambda share: self._lacks(Closure(Act.REDUCE_ALL, "", share)))
        if least is None:
            return
        closure = Closure(Act.REDUCE_ALL, "", least)
        if self.desk.maintenance(closure) <= self.desk.low[2]:
            self.desk.do(closure)

    def close_everything(self) -> None:
        """All positions at once, then holdings until nothing is owed."""
        sizes = self.desk.sizes()
        if any(sizes.values()) and not self._frozen(*sizes):
            self.desk.do(Closure(Act.CLOSE_ALL, "", PPM))
        for line, _ in self.desk.held():
            now = {held.line.id: held for held in self.desk.held()}
            owes = any(held.line.liability and held.amount for held in now.values()) or self.desk.cash < 0
            amount = sellable(self.desk, self.trading, now[line.id])
            if owes and amount:
                self.desk.do(Closure(Act.SELL, line.id, amount))

    def _sized(self, candidate: Candidate, lacking: int) -> Closure:
        """As much of a part as brings the goal, rounded up to its lot; all of it where that is not enough.

        The first guess is the closed form `lacking / (released − cost)` for a unit, from the sliver's own rates.
        """
        act, part, most, lot = candidate
        lots = -(-most // lot)

        def lacks(count: int) -> int:
            return self.desk.lacks(Closure(act, part, min(most, count * lot)), self.goal) if count else lacking

        if not self.desk.adds_up():
            lots = _best_end(lots, lacks)
        whole = Closure(act, part, min(most, lots * lot))
        if self.desk.lacks(whole, self.goal) > 0:
            return whole
        change, _ = self.desk.effect(candidate)
        better = lacking - self.goal.lacks(plus(self.desk.low, change))
        guess = charge(lacking * candidate.sliver, better * lot) if better > 0 else None
        least = _least(lots, lacks, guess)
        return Closure(act, part, min(most, (lots if least is None else least) * lot))

    def _lacks(self, closure: Closure) -> int:
        if closure.act is Act.REDUCE_ALL and closure.amount == 0:
            return self.lacking
        return self.desk.lacks(closure, self.goal)


def _same(holding: Held, debt: Held) -> bool:
    one, two = holding.line, debt.line
    return one.group == two.group and one.network == two.network and one.protocol == two.protocol


def _best_end(most: int, lacks: Callable[[int], int]) -> int:
    """Where hedges are weighed together, closing too much lays bare what was hedged: the first eighth that is enough,
    or else the one that leaves least lacking.
    """
    tried = [max(1, most * eighth // 8) for eighth in range(1, 9)]
    found = [(lacks(count), count) for count in sorted(set(tried))]
    return next((count for lacking, count in found if lacking <= 0), min(found)[1])


def _least(most: int, lacks: Callable[[int], int], hint: int | None = None) -> int | None:
    """The least count up to `most` after which nothing lacks; None where all of it is not enough."""

    def probe(count: int) -> Point:
        lacking = lacks(count)
        return Point(count, lacking <= 0, lacking)

    whole = probe(most)
    if not whole.turned:
        return None
    return turning_point(probe, Point(0, turned=False, measure=lacks(0)), whole, hint).at
