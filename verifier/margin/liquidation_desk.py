"""Where a plan tries its closures: on the engine, for any account, or on a ledger, where every part has a curve.

Both answer the same questions with the same figures: what a sliver of a part releases and costs, what is lacking after
a closure, which part releases most for its cost.

Source: margin reference, sections 12.1 and 12.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from verifier.margin.curves import Low, low_of, plus
from verifier.margin.instruments import Option
from verifier.margin.liquidation_goal import Goal
from verifier.margin.liquidation_steps import (
    Act,
    Closure,
    Step,
    Trading,
    carry_out,
    slice_of_holding,
    slice_of_option,
    slice_of_perpetual,
)
from verifier.margin.snapshot import Line
from verifier.margin.trial import Scales, Trial

SLICE = 64
"""A part is tried by a sixty-fourth of it, to rank it."""


class Candidate(NamedTuple):
    """A part that may be closed, up to how much of it, and in which lots; base units."""

    act: Act
    part: str
    most: int
    lot: int

    @property
    def sliver(self) -> int:
        """How much of it is tried to rank it."""
        return min(self.most, max(self.lot, -(-self.most // SLICE // self.lot) * self.lot))


class Held(NamedTuple):
    """A line and its present amount; None where it is not known."""

    line: Line
    amount: int | None


class Desk(Protocol):
    """What a plan asks, and what it does."""

    @property
    def low(self) -> Low:
        """The pool's present low figure."""

    @property
    def cash(self) -> int:
        """What the steps brought in or cost so far."""

    @property
    def closures(self) -> list[Closure]:
        """What was done."""

    def orders(self) -> list[str]:
        """Ids of resting orders, in order."""

    def sizes(self) -> dict[str, int]:
        """Of every position, by id, in the snapshot's order."""

    def held(self) -> list[Held]:
        """Every line, in order of ids."""

    def priced(self, group: str) -> bool:
        """Whether a group can be traded at a price."""

    def adds_up(self) -> bool:
        """Whether risk is a sum over groups."""

    def lacks(self, closure: Closure, goal: Goal) -> int:
        """What is lacking after a closure."""

    def maintenance(self, closure: Closure) -> int:
        """Maintenance after a closure."""

    def effect(self, candidate: Candidate) -> tuple[Low, int]:
        """What a sliver of a part changes, and what it costs."""

    def best(self, goal: Goal) -> Candidate | None:
        """Most released for its cost; without cost, most released; then the first. What can settle in time comes
        first. None where nothing helps without raising maintenance.
        """

    def hurry(self, goal: Goal, most: int) -> None:
        """Close what ranking and sizing would close next, as long as both are plain, up to so many closures in all."""

    def do(self, closure: Closure) -> None:
        """Carry it out."""


@dataclass(frozen=True, slots=True)
class Rank:
    """Released margin over cost, compared without division."""

    in_time: bool
    released: int
    cost: int

    def beats(self, other: Rank) -> bool:
        """Strictly: on a tie neither does."""
        if self.in_time != other.in_time:
            return self.in_time
        one, two = self.released * other.cost, other.released * self.cost
        return one > two or (one == two and self.cost == other.cost == 0 and self.released > other.released)


def candidates_of(desk: Desk, trading: Trading, groups: dict[str, str]) -> list[Candidate]:
    """Every position and every free holding that can be traded, in the order in which ties are decided."""
    found = [
        Candidate(Act.REDUCE, part, abs(size), trading.charge(groups[part]).lot)
        for part, size in sorted(desk.sizes().items())
        if size and part not in trading.frozen and desk.priced(groups[part])
    ]
    sold = [(held.line, sellable(desk, trading, held)) for held in desk.held()]
    return found + [Candidate(Act.SELL, x.id, most, trading.charge(x.group).lot) for x, most in sold if most > 0]


def sellable(desk: Desk, trading: Trading, held: Held) -> int:
    """What of a holding can be sold: free, priced, and counting for something."""
    line = held.line
    if line.liability or held.amount is None or line.id in trading.frozen or line.declared:
        return 0
    return max(0, held.amount - line.encumbered) if desk.priced(line.group) else 0


class EngineDesk:
    """Tries every closure on the engine, and keeps what it found until the next step."""

    def __init__(self, scales: Scales, trial: Trial, pool: str, trading: Trading) -> None:
        self._scales, self._pool, self._trading = scales, pool, trading
        self.trial, self._low = trial, low_of(scales.pool(trial, pool).low)
        self.steps: list[Step] = []
        self._effects: dict[tuple[Act, str], tuple[object, Low, int]] = {}
        self._tried: dict[Closure, tuple[Trial, Step]] = {}

    @property
    def low(self) -> Low:
        """The pool's present low figure."""
        return self._low

    @property
    def cash(self) -> int:
        """What the steps brought in or cost so far."""
        return self.trial.cash.get(self._pool, 0)

    @property
    def closures(self) -> list[Closure]:
        """What was done."""
        return [step.closure for step in self.steps]

    def orders(self) -> list[str]:
        """Ids of resting orders, in order."""
        return sorted(order.id for order in self.trial.snapshot.orders if self._inside(order.pocket))

    def sizes(self) -> dict[str, int]:
        """Of every position, by id, in the snapshot's order."""
        return {p.id: p.size for p in self.trial.snapshot.positions if self._inside(p.pocket)}

    def held(self) -> list[Held]:
        """Every line, in order of ids."""
        found = [Held(x, x.amount) for x in self.trial.snapshot.lines if self._inside(x.pocket)]
        return sorted(found, key=lambda held: held.line.id)

    def priced(self, group: str) -> bool:
        """Whether a group can be traded at a price."""
        return self.trial.price(group) is not None

    def adds_up(self) -> bool:
        """Whether risk is a sum over groups."""
        return self._scales.adds_up(self.trial.snapshot)

    def lacks(self, closure: Closure, goal: Goal) -> int:
        """What is lacking after a closure."""
        return goal.lacking(self._carried(closure)[1].after.low)

    def maintenance(self, closure: Closure) -> int:
        """Maintenance after a closure."""
        return self._carried(closure)[1].after.low.maintenance

    def do(self, closure: Closure) -> None:
        """Carry it out; the sizing's last try is the step that is taken."""
        self.trial, step = self._carried(closure)
        self.steps.append(step)
        self._low = low_of(step.after.low)
        self._tried.clear()

    def hurry(self, goal: Goal, most: int) -> None:
        """Nothing is plain to the engine."""

    def best(self, goal: Goal) -> Candidate | None:
        """As `Desk.best`, by asking for every part."""
        groups = {p.id: p.group for p in self.trial.snapshot.positions}
        lacking = goal.lacks(self._low)
        best: Candidate | None = None
        rank: Rank | None = None
        for candidate in candidates_of(self, self._trading, groups):
            change, cost = self.effect(candidate)
            better = lacking - goal.lacks(plus(self._low, change))
            if better <= 0 or change[2] > 0:
                continue
            found = Rank(candidate.part not in self._trading.slow, better + cost, cost)
            if rank is None or found.beats(rank):
                best, rank = candidate, found
        return best

    def effect(self, candidate: Candidate) -> tuple[Low, int]:
        """As `Desk.effect`; asked again only where what it depends on has changed."""
        closure = Closure(candidate.act, candidate.part, candidate.sliver)
        key, state = (candidate.act, candidate.part), self._depends_on(closure)
        kept = self._effects.get(key)
        if kept is None or kept[0] != state:
            change, cost = self._sliced(closure)
            kept = self._effects[key] = (state, change, cost)
        return kept[1], kept[2]

    def _sliced(self, closure: Closure) -> tuple[Low, int]:
        if closure.act is Act.REDUCE:
            alone = slice_of_perpetual(self._scales, self.trial, closure, self._trading)
            if alone is None:
                alone = slice_of_option(self._scales, self.trial, self._pool, closure, self._trading)
        else:
            owes = self._low[6] > 0
            alone = slice_of_holding(self._scales, self.trial, self._pool, closure, self._trading, owes=owes)
        if alone is not None:
            return alone
        after = low_of(self._carried(closure)[1].after.low)
        return _less(after, self._low), max(0, self._low[0] - after[0])

    def _depends_on(self, closure: Closure) -> object:
        """Everything that a sliver's effect hangs on: its group, and for a sale whether anything is owed."""
        snapshot = self.trial.snapshot
        if not self._scales.adds_up(snapshot):
            return len(self.steps)
        if closure.act is Act.SELL:
            group = next(x.group for x in snapshot.lines if x.id == closure.part)
            own = tuple(id(x) for x in snapshot.lines if x.group == group)
            return own, self.trial.price(group), self._low[6] > 0
        position = next(p for p in snapshot.positions if p.id == closure.part)
        if isinstance(position.terms, Option):
            whole = tuple(id(p) for p in snapshot.positions if p.group == position.group)
            return whole, self.trial.price(position.group)
        return id(position), self.trial.price(position.group)

    def _carried(self, closure: Closure) -> tuple[Trial, Step]:
        found = self._tried.get(closure)
        if found is None:
            found = carry_out(self._scales, self.trial, self._pool, closure, self._trading)
            self._tried[closure] = found
        return found

    def _inside(self, pocket: str) -> bool:
        return self._scales.one_pool or pocket == self._pool


def _less(one: Low, two: Low) -> Low:
    a, b, c, d, e, f, g = one
    h, i, j, k, m, n, o = two
    return a - h, b - i, c - j, d - k, e - m, f - n, g - o
