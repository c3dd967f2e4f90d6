"""A plan's desk on a ledger: exact, and with few questions.

Ranking asks which part lowers what is lacking most for its cost. What is lacking is the largest of three forms, so it
falls by no more than that form falls which is the largest now; and that is a straight line in the part. So parts are
put in the order of this bound once, and are weighed exactly only until the bound of the next is below what was found:
the answer is the one that weighing all of them gives.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Mapping
from typing import Final, NamedTuple

from verifier.margin.curves import Low, plus
from verifier.margin.ledger import Change, Ledger
from verifier.margin.liquidation_desk import Candidate, Held, candidates_of
from verifier.margin.liquidation_goal import Goal
from verifier.margin.liquidation_steps import Act, Closure
from verifier.policy import PPM

FINE: Final = 256
"""Binary digits after the point of a rank and of a bound on one: two ranks that differ, of figures that can be true,
differ in these.
"""
FREE: Final = 1 << 1024
"""The bound of what costs nothing."""
ROUNDED: Final = 2 * PPM
"""Each form is rounded up once before and once after, by less than a unit."""


class Entry(NamedTuple):
    """A candidate and what a sliver of it does."""

    candidate: Candidate
    change: Low
    cost: int
    in_time: bool


Place = tuple[bool, int, int]
"""Of a candidate in an order: whether it is late, its rank or the bound on it below zero, its index."""


class Order:
    """Candidates in the order of what they release for their cost at most, along one form of what is lacking."""

    def __init__(self, goal: Goal, form: int, entries: Mapping[int, Entry]) -> None:
        self._goal, self._form = goal, form
        self._largest = 0
        found = {index: self._place(index, entry) for index, entry in entries.items()}
        self._places = {index: place for index, place in found.items() if place is not None}
        self.ordered = sorted(self._places.values())

    def put(self, index: int, entry: Entry) -> None:
        """Enter by its bound."""
        place = self._place(index, entry)
        if place is not None:
            self._places[index] = place
            insort(self.ordered, place)

    def _place(self, index: int, entry: Entry) -> Place | None:
        """What raises maintenance, or cannot lower the form, is never chosen."""
        change, cost = entry.change, entry.cost
        if change[2] > 0:
            return None
        self._largest = max(self._largest, -change[6] if self._form == 2 else change[4] - change[2])
        eased = self._goal.eased(self._form, change) + ROUNDED
        if eased <= 0:
            return None
        bound = -(-((eased + cost * PPM) << FINE) // (cost * PPM)) if cost else FREE
        return not entry.in_time, -bound, index

    def drop(self, index: int) -> None:
        """Take it out."""
        place = self._places.pop(index, None)
        if place is not None:
            del self.ordered[bisect_left(self.ordered, place)]

    def straight(self, now: Low) -> bool:
        """Whether the form stays a straight line for every candidate: nobody takes away all that it is a part of."""
        if self._form == 0:
            return True
        return (now[6] if self._form == 2 else now[2] - now[4]) > self._largest


class Requirement(Order):
    """Along the initial requirement: what it lacks is a difference that nothing rounds, so the order is exact.

    As long as it stays ahead of the other forms whichever candidate is taken, the first is the best.
    """

    def __init__(self, goal: Goal, entries: Mapping[int, Entry]) -> None:
        self._nearer = (0, 0)
        super().__init__(goal, 0, entries)

    def _place(self, index: int, entry: Entry) -> Place | None:
        equity, initial, maintenance, _, haircut, weighted, owed = entry.change
        ratio, eased = self._goal.ratio, equity - initial
        # By how much each of the others may gain on it at most.
        short = -(((equity - haircut) * PPM - (maintenance - haircut) * ratio) // PPM)
        health = -((weighted * PPM - owed * ratio) // PPM)
        near, nearer = self._nearer
        self._nearer = max(near, short + eased), max(nearer, health + eased)
        if eased <= 0 or maintenance > 0:
            return None
        rank = ((eased + entry.cost) << FINE) // entry.cost if entry.cost else FREE + eased
        return not entry.in_time, -rank, index

    def leads(self, now: Low) -> bool:
        """Whether it is what is lacking now, and after a sliver of any candidate."""
        equity, initial, maintenance, _, haircut, weighted, owed = now
        ratio, lacking = self._goal.ratio, initial - equity
        short = -(-(maintenance - haircut) * ratio // PPM) - (equity - haircut)
        health = -(-owed * ratio // PPM) - weighted
        near, nearer = self._nearer
        return lacking - short > near + 1 and lacking - health > nearer + 1


class Ranking:
    """Candidates, ordered along each form once it is the largest."""

    def __init__(self, goal: Goal, entries: dict[int, Entry] | None = None) -> None:
        self._goal = goal
        self._entries: dict[int, Entry] = {} if entries is None else entries
        self._orders: dict[int, Order] = {}
        self._requirement = Requirement(goal, self._entries) if goal.initial else None
        if self._requirement is not None:
            self._orders[0] = self._requirement

    def put(self, index: int, entry: Entry) -> None:
        """Enter a candidate, or enter it anew; `index` is its place in the order in which ties are decided."""
        self.drop(index)
        self._entries[index] = entry
        for order in self._orders.values():
            order.put(index, entry)

    def drop(self, index: int) -> None:
        """Take a candidate out."""
        if self._entries.pop(index, None) is not None:
            for order in self._orders.values():
                order.drop(index)

    def best(self, now: Low) -> Candidate | None:
        """The first of the best ranks: as `Desk.best`."""
        exact, goal, entries = self._requirement, self._goal, self._entries
        if exact is not None and exact.ordered and exact.leads(now):
            return entries[exact.ordered[0][2]].candidate
        forms = goal.forms(now)
        lacking = max(forms)
        order = self._along(forms.index(lacking))
        # Where the form may end with a candidate, no bound along it holds: all are asked.
        straight = order.straight(now)
        asked = order.ordered if straight else [(False, -FREE, index) for index in entries]
        best: Entry | None = None
        released = first = least = 0
        for late, bound, index in asked:
            if straight and best is not None and (late == best.in_time or -bound < least):
                break
            entry = entries[index]
            better = lacking - max(goal.forms(plus(now, entry.change)))
            if better <= 0 or entry.change[2] > 0:
                continue
            more = better + entry.cost
            if best is None or _precedes(entry, more, index, best, released, first):
                best, released, first = entry, more, index
                least = (more << FINE) // entry.cost if entry.cost else FREE
        return None if best is None else best.candidate

    def _along(self, form: int) -> Order:
        order = self._orders.get(form)
        if order is None:
            order = self._orders[form] = Order(self._goal, form, self._entries)
        return order


def _precedes(one: Entry, released: int, index: int, other: Entry, other_released: int, other_index: int) -> bool:
    """As `Rank.beats`; of equals the first."""
    if one.in_time != other.in_time:
        return one.in_time
    more, less = released * other.cost, other_released * one.cost
    if more == less and one.cost == other.cost == 0:
        more, less = released, other_released
    return more > less or (more == less and index < other_index)


class LedgerDesk:
    """Tries closures on a ledger, and keeps what they would change until the next step."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger, self._trading, self._lines = ledger, ledger.book.trading, ledger.book.held
        self._low = ledger.low
        self._ranking: Ranking | None = None
        self._ranked: dict[str, tuple[int, Candidate]] = {}
        self._mates: dict[str, list[str]] = {}
        self._tried: dict[tuple[str, int], Change] = {}
        self.closures: list[Closure] = []

    @property
    def low(self) -> Low:
        """The pool's present low figure."""
        return self._low

    @property
    def cash(self) -> int:
        """What the steps brought in or cost so far."""
        return self._ledger.cash

    def orders(self) -> list[str]:
        """Ids of resting orders, in order."""
        return sorted(self._ledger.resting)

    def sizes(self) -> dict[str, int]:
        """Of every position, by id, in the snapshot's order."""
        return dict(self._ledger.sizes)

    def held(self) -> list[Held]:
        """Every line, in order of ids."""
        amounts = self._ledger.amounts
        return [Held(x, None if x.amount is None else amounts[x.id]) for x in self._lines.values()]

    def priced(self, group: str) -> bool:
        """Whether a group can be traded at a price."""
        return self._ledger.prices[group] > 0

    def adds_up(self) -> bool:
        """Always: nothing else has a ledger."""
        return True

    def lacks(self, closure: Closure, goal: Goal) -> int:
        """What is lacking after a closure."""
        return goal.lacks(self._after(closure))

    def maintenance(self, closure: Closure) -> int:
        """Maintenance after a closure."""
        return self._after(closure)[2]

    def effect(self, candidate: Candidate) -> tuple[Low, int]:
        """What a sliver of a part changes, and what it costs."""
        part, units = candidate.part, candidate.sliver
        if candidate.act is Act.REDUCE:
            options = part not in self._ledger.book.perps
            return self._ledger.slice_of_option(part, units) if options else self._ledger.slice_of_perp(part, units)
        return self._ledger.slice_of_line(part, units, owes=self._low[6] > 0)

    def best(self, goal: Goal) -> Candidate | None:
        """As `Desk.best`, by bounds."""
        return self._ranked_by(goal).best(self._low)

    def _ranked_by(self, goal: Goal) -> Ranking:
        if self._ranking is None:
            groups = {part: market.group for part, market in self._ledger.book.markets.items()}
            entries = {}
            for index, candidate in enumerate(candidates_of(self, self._trading, groups)):
                self._ranked[candidate.part] = (index, candidate)
                self._mates.setdefault(groups[candidate.part], []).append(candidate.part)
                entries[index] = self._entry(candidate)
            self._ranking = Ranking(goal, entries)
        return self._ranking

    def hurry(self, goal: Goal, most: int) -> None:
        """As `Desk.hurry`: whole parts, where marks stay."""
        ranking, ledger = self._ranked_by(goal), self._ledger
        if self._trading.moves_marks:
            return
        while len(self.closures) < most:
            candidate = ranking.best(self._low)
            if candidate is None:
                return
            part, whole, owed = candidate.part, candidate.most, self._low[6] > 0
            change = ledger.without(part, whole) if candidate.act is Act.REDUCE else ledger.sold(part, whole)
            low = ledger.weighed(change.total, change.cash)
            # Less than all of it would do, or sales are worth something else from here on.
            if owed != (low[6] > 0) or goal.lacks(low) <= 0:
                return
            ledger.commit(change)
            self._low = low
            self._tried.clear()
            self.closures.append(Closure(candidate.act, part, whole))
            index, _ = self._ranked.pop(part)
            ranking.drop(index)
            stale = {mate for group in change.nets for mate in self._mates.get(group, ()) if mate in ledger.amounts}
            for mate in (stale | self._shared(change)) & self._ranked.keys():
                self._enter(ranking, *self._ranked[mate])

    def do(self, closure: Closure) -> None:
        """Carry it out."""
        change, owed = self._change(closure), self._low[6] > 0
        self._ledger.commit(change)
        self._low = self._ledger.weighed(change.total, change.cash)
        self._tried.clear()
        self.closures.append(closure)
        if self._ranking is not None:
            self._rank_anew(self._ranking, closure, change, flipped=owed != (self._low[6] > 0))

    def _rank_anew(self, ranking: Ranking, closure: Closure, change: Change, *, flipped: bool) -> None:
        """Whatever a step changed: its own part, the parts of its groups, and sales where a debt came or went."""
        own = self._ranked.pop(closure.part, None)
        if own is not None:
            index, candidate = own
            left = self._left(candidate)
            if left == 0:
                ranking.drop(index)
            else:
                self._ranked[closure.part] = (index, candidate._replace(most=left))
        if not (flipped or change.nets or change.prices or change.cells):
            if closure.part in self._ranked:
                self._enter(ranking, *self._ranked[closure.part])
            return
        stale = {closure.part} | {part for group in change.prices for part in self._mates.get(group, ())}
        sales = self._mates if flipped else change.nets
        stale |= {part for group in sales for part in self._mates.get(group, ()) if part in self._ledger.amounts}
        stale |= self._shared(change)
        for part in stale & self._ranked.keys():
            self._enter(ranking, *self._ranked[part])

    def _shared(self, change: Change) -> set[str]:
        """Positions of the cells that were weighed anew."""
        return {part for key in change.cells for part in self._ledger.book.cells[key].parts}

    def _left(self, candidate: Candidate) -> int:
        """How much of it can still be closed."""
        if candidate.act is Act.REDUCE:
            return abs(self._ledger.sizes[candidate.part])
        return max(0, self._ledger.amounts[candidate.part] - self._lines[candidate.part].encumbered)

    def _enter(self, ranking: Ranking, index: int, candidate: Candidate) -> None:
        ranking.put(index, self._entry(candidate))

    def _entry(self, candidate: Candidate) -> Entry:
        change, cost = self.effect(candidate)
        return Entry(candidate, change, cost, candidate.part not in self._trading.slow)

    def _after(self, closure: Closure) -> Low:
        change = self._change(closure)
        return self._ledger.weighed(change.total, change.cash)

    def _change(self, closure: Closure) -> Change:
        key = (closure.part, closure.amount)
        found = self._tried.get(key)
        if found is None:
            found = self._tried[key] = self._ledger.after(closure)
        return found
