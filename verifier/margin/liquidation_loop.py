"""The loop of forced sales and falling marks, to its least fixed point.

    marks(Q) = P·(1 − shock)·(1 − I(Q))          Q = everything that must be sold at those marks

Q begins at nothing and only grows: what was sold is not bought back. So each round's marks are no better than the
last, and the loop ends where a round sells nothing more, or is called a runaway after a bounded number of rounds.
What must be sold is each failing pool's own plan, and every rung of a venue's ladder whose threshold was passed.

Source: margin reference, section 12.5; Brunnermeier and Pedersen 2009.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from types import MappingProxyType
from typing import Final

from verifier.errors import BadInput
from verifier.margin.curves import PoolLow
from verifier.margin.fixed import Price, Usd, charge, credit
from verifier.margin.ledger_book import Book, book_of
from verifier.margin.ledger_bound import leaves_nothing_unpaid
from verifier.margin.liquidation import Plan, calmed, plan
from verifier.margin.liquidation_course import course
from verifier.margin.liquidation_goal import Goal
from verifier.margin.liquidation_steps import Trading
from verifier.margin.models.selling import gain_radius, mark_after
from verifier.margin.positions import per_unit
from verifier.margin.snapshot import Line, Position, Snapshot
from verifier.margin.trial import Pool, Scales, Trial
from verifier.policy import PPM

ROUNDS: Final = 64
CLOSE: Final = 10**9
"""Sales that grow by less than one part in 10^9 have come to rest."""
TICK: Final = 1_000
"""The fall, in ppm, by which the local gain is measured."""
MOST_GAINS: Final = 4
"""The local gain is measured between the groups that are sold most."""


@dataclass(frozen=True, slots=True)
class Rung:
    """Of a venue's known liquidations: this value is sold once the mark is below the threshold."""

    threshold: Price
    value: Usd


@dataclass(frozen=True, slots=True)
class Shock:
    """Falls by asset group, in ppm; below zero is a rise.

    Attributes:
        falls: A group that is not named does not move by itself.
    """

    falls: Mapping[str, int]

    def __post_init__(self) -> None:
        for group, fall in self.falls.items():
            if not -100 * PPM <= fall < PPM:
                raise BadInput(f"shock.{group}", "less than the whole, at most a hundredfold rise", fall)

    def scaled(self, share: int) -> Shock:
        """A share of it, in ppm."""
        return Shock({group: fall * share // PPM for group, fall in self.falls.items()})

    def marks(self, snapshot: Snapshot) -> dict[str, Price]:
        """Prices after it, never below one unit."""
        quotes = snapshot.quotes
        return {
            group: Price(max(credit(quotes[group].price * (PPM - fall), PPM), 1))
            for group, fall in sorted(self.falls.items())
            if group in quotes and quotes[group].price > 0
        }


@dataclass(frozen=True, slots=True)
class Round:
    """One turn of the loop.

    Attributes:
        marks: Prices at its start, of the groups that moved.
        sold: Value newly sold in it, by group, at the prices before the shock; below zero is bought.
        fallen: Pools that fail at these marks, in order.
    """

    marks: Mapping[str, Price]
    sold: Mapping[str, int]
    fallen: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Spiral:
    """Where the loop ends.

    Attributes:
        marks: Final prices of every group that moved.
        closed: Base units closed of each part.
        settled: False for a runaway.
        plans: Of each fallen pool at the final marks, with costs.
        gain: Spectral radius of the local gain between the groups sold most, as text.
        pools: All pools at the final marks, before their plans.
    """

    shock: Shock
    rounds: tuple[Round, ...]
    start: Mapping[str, Price]
    marks: Mapping[str, Price]
    closed: Mapping[str, int]
    settled: bool
    plans: tuple[Plan, ...]
    gain: str
    pools: tuple[Pool, ...]

    @property
    def fallen(self) -> tuple[str, ...]:
        """Pools that fail, in the order in which they fell."""
        seen: dict[str, None] = {}
        for turn in self.rounds:
            seen.update(dict.fromkeys(turn.fallen))
        return tuple(seen)

    def amplification(self, group: str) -> Fraction | None:
        """The whole move of a group over its shock; None where it was not shocked."""
        fall = self.shock.falls.get(group, 0)
        if fall == 0 or group not in self.start:
            return None
        moved = Fraction(self.start[group] - self.marks.get(group, self.start[group]), self.start[group])
        return moved / Fraction(fall, PPM)

    @property
    def shortfall(self) -> Usd:
        """What the fallen pools leave for insurance."""
        return Usd(sum(made.shortfall for made in self.plans))


def spiral(
    scales: Scales,
    trial: Trial,
    shock: Shock,
    trading: Trading,
    goal: Goal | None = None,
    ladder: Mapping[str, tuple[Rung, ...]] | None = None,
    *,
    close: int = CLOSE,
) -> Spiral:
    """
    Run the loop to its least fixed point, for all pools of the account together: they share their marks.

    Args:
        ladder: A venue's known liquidations, by asset group.
        close: Sales that grow by less than one part in this have come to rest.
    """
    loop = _Loop(scales, trial, shock, trading, Goal() if goal is None else goal, dict(ladder or {}))
    rounds, settled = loop.run(close)
    marks = loop.marks()
    end = trial.at(marks)
    pools = scales.weigh(end)
    plans = tuple(plan(scales, end, pool.name, trading, goal) for pool in pools if pool.fails)
    gain = loop.gain(marks) if any(pool.fails for pool in pools) else "0.0000"
    start = {group: quote.price for group, quote in trial.snapshot.quotes.items()}
    return Spiral(shock, tuple(rounds), MappingProxyType(start), MappingProxyType(marks), MappingProxyType(loop.closed),
                  settled, plans, gain, pools)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Aftermath:
    """Where a loop ends, without its steps: pools at the final marks, who fell, what the fallen leave unpaid."""

    lows: Mapping[str, PoolLow]
    fallen: tuple[str, ...]
    shortfall: Usd
    rounds: int


def aftermath(
    scales: Scales,
    trial: Trial,
    trading: Trading,
    goal: Goal | None = None,
    ladder: Mapping[str, tuple[Rung, ...]] | None = None,
    *,
    close: int = CLOSE,
) -> Aftermath:
    """What `spiral` finds for a trial without a shock, as far as a map of many failures asks."""
    aim = Goal() if goal is None else goal
    loop = _Loop(scales, trial, Shock({}), trading, aim, dict(ladder or {}))
    rounds, _ = loop.run(close)
    end = trial.at(loop.marks())
    lows = scales.lows(end)
    unpaid = [loop.unpaid(end, name) for name, pool in lows.items() if pool.fails and pool.known]
    seen = dict.fromkeys(name for turn in rounds for name in turn.fallen)
    return Aftermath(lows, tuple(seen), Usd(sum(unpaid)), len(rounds))


class _Loop:
    """The loop's state: what is closed so far of each part, which rungs are sold."""

    __slots__ = (
        "_books",
        "_calm",
        "_goal",
        "_ladder",
        "_parts",
        "_scales",
        "_shock",
        "_sold",
        "_trading",
        "_trial",
        "closed",
        "rungs",
    )

    def __init__(
        self,
        scales: Scales,
        trial: Trial,
        shock: Shock,
        trading: Trading,
        goal: Goal,
        ladder: dict[str, tuple[Rung, ...]],
    ) -> None:
        self._scales, self._trial, self._shock, self._goal, self._ladder = scales, trial, shock, goal, ladder
        self._trading, self._calm = trading, calmed(trading)
        self._parts = _traded(trial)
        self._books: dict[str, Book | None] = {}
        self.closed: dict[str, int] = {}
        self.rungs: set[tuple[str, int]] = set()
        self._sold = self.sold(self.closed, self.rungs)

    def sold(self, closed: Mapping[str, int], rungs: set[tuple[str, int]]) -> dict[str, int]:
        """Net value sold by group, at the prices before the shock: what impact is counted on."""
        found = dict.fromkeys(self._shock.falls, 0)
        for part, (group, price, unit, side) in self._parts.items():
            if part in closed:
                found[group] = found.get(group, 0) + side * charge(closed[part] * price, unit)
        for group, index in sorted(rungs):
            found[group] = found.get(group, 0) + self._ladder[group][index].value
        return found

    @property
    def turnover(self) -> int:
        """Everything sold so far, both ways."""
        return sum(abs(v) for v in self._sold.values())

    def marks(self) -> dict[str, Price]:
        """Prices after the shock and everything sold so far."""
        shocked = self._shock.marks(self._trial.snapshot)
        for group, value in self._sold.items():
            price = shocked.get(group, self._trial.price(group))
            if price is not None:
                shocked[group] = mark_after(self._trading.impact(group), price, value)
        return shocked

    def run(self, close: int) -> tuple[list[Round], bool]:
        """All turns until sales come to rest, and whether they did."""
        rounds: list[Round] = []
        while len(rounds) < ROUNDS:
            rounds.append(self.turn())
            turnover = self.turnover
            if not any(abs(v) * close > turnover for v in rounds[-1].sold.values()):
                return rounds, True
        return rounds, False

    def turn(self) -> Round:
        """Sell what must be sold at the present marks."""
        marks, before = self.marks(), self._sold
        wanted, fallen = self._wanted(marks)
        for part, amount in wanted.items():
            self.closed[part] = max(self.closed.get(part, 0), amount)
        self.rungs |= self._hit(marks)
        after = self._sold = self.sold(self.closed, self.rungs)
        sold = {group: after[group] - before.get(group, 0) for group in sorted(after)}
        return Round(MappingProxyType(marks), MappingProxyType(sold), fallen)

    def _wanted(self, marks: Mapping[str, Price]) -> tuple[dict[str, int], tuple[str, ...]]:
        at = self._trial.at(marks)
        wanted: dict[str, int] = {}
        fallen = []
        for name, pool in self._scales.lows(at).items():
            if pool.fails and pool.known:
                fallen.append(name)
                wanted |= course(self._scales, at, name, self._calm, self._goal, self._book(name)).closed
        return wanted, tuple(fallen)

    def _book(self, pool: str) -> Book | None:
        """Parts and trading are the same in every round; only marks move."""
        if pool not in self._books:
            self._books[pool] = book_of(self._scales, self._trial, pool, self._calm)
        return self._books[pool]

    def unpaid(self, end: Trial, pool: str) -> int:
        """What the course of a failing pool leaves unpaid at the final marks, which its sales move further."""
        book = self._book(pool)
        stirred = None if book is None else replace(book, trading=self._trading)
        if stirred is not None and leaves_nothing_unpaid(stirred, end, pool):
            return 0
        return course(self._scales, end, pool, self._trading, self._goal, stirred).shortfall

    def passed(self, marks: Mapping[str, Price]) -> bool:
        """Sell the rungs that are passed at these marks; whether there is one more than before."""
        known, self.rungs = len(self.rungs), self.rungs | self._hit(marks)
        self._sold = self.sold(self.closed, self.rungs)
        return len(self.rungs) > known

    def _hit(self, marks: Mapping[str, Price]) -> set[tuple[str, int]]:
        return {
            (group, index)
            for group, rungs in self._ladder.items()
            for index, rung in enumerate(rungs)
            if marks.get(group, self._trial.price(group) or rung.threshold) < rung.threshold
        }

    def gain(self, marks: Mapping[str, Price]) -> str:
        """What a fall of each mark by a part in a thousand sells further, against how much that moves the marks."""
        here, answers = self._sold, {}
        sold = [group for group, value in here.items() if value and group in self._trading.impacts]
        for group in sorted(sold, key=lambda g: (-abs(here[g]), g))[:MOST_GAINS]:
            lower = {**marks, group: Price(max(marks[group] * (PPM - TICK) // PPM, 1))}
            wanted, _ = self._wanted(lower)
            grown = {part: max(self.closed.get(part, 0), amount) for part, amount in wanted.items()}
            then = self.sold({**self.closed, **grown}, self.rungs | self._hit(lower))
            answers[group] = {name: abs(then[name] - here.get(name, 0)) for name in then}
        return gain_radius(self._trading.impacts, {g: abs(v) for g, v in here.items()}, answers)


def _traded(trial: Trial) -> dict[str, tuple[str, int, int, int]]:
    """Of each part with a price, by id: its group, what a whole trades for, base units in it, the side it sells on."""
    parts: tuple[Line | Position, ...] = (*trial.snapshot.lines, *trial.snapshot.positions)
    found = {}
    for part in parts:
        price = trial.price(part.group)
        if price is not None:
            side = -1 if isinstance(part, Position) and part.size < 0 else 1
            each = per_unit(part, price) if isinstance(part, Position) else price
            found[part.id] = (part.group, each, 10**part.decimals, side)
    return found


def tipping_shock(
    scales: Scales, trial: Trial, shock: Shock, trading: Trading, ladder: Mapping[str, tuple[Rung, ...]] | None = None
) -> int | None:
    """
    The smallest share of a shock, in ppm, whose fixed point makes a pool fail; None where the whole of it does not.

    Looked for in steps of a sixteenth first, so that a fall which a larger one would hide is not missed.
    """

    def tips(share: int) -> bool:
        loop = _Loop(scales, trial, shock.scaled(share), trading, Goal(), dict(ladder or {}))
        for _ in range(ROUNDS):
            marks = loop.marks()
            if any(pool.fails for pool in scales.lows(trial.at(marks)).values()):
                return True
            if not loop.passed(marks):
                return False
        return False

    if tips(0):
        return 0
    low, high = 0, None
    for step in range(1, 17):
        if tips(step * PPM // 16):
            high = step * PPM // 16
            break
        low = step * PPM // 16
    if high is None:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if tips(middle) else (middle, high)
    return high


def uniform(snapshot: Snapshot, fall: int, still: frozenset[str] = frozenset()) -> Shock:
    """The same fall for every priced group but some: the money one counts in does not fall against itself."""
    return Shock({group: fall for group, q in sorted(snapshot.quotes.items()) if q.price > 0 and group not in still})
