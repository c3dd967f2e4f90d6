"""A plan's desk on a ledger: exact, and with few questions.

Ranking asks which part lowers what is lacking most for its cost. What is lacking is the largest of three forms, so it
falls by no more than that form falls which is the largest now; and that is a straight line in the part. So parts are
put in the order of this bound once, and are weighed exactly only until the bound of the next is below what was found:
the answer is the one that weighing all of them gives.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import Final, NamedTuple

from verifier.margin.curves import Low, plus
from verifier.margin.ledger import Change, Ledger
from verifier.margin.liquidation_desk import Candidate, Held, candidates_of
from verifier.margin.liquidation_goal import Goal
from verifier.margin.liquidation_steps import Act, Closure
from verifier.policy import PPM

FINE: Final = 64
"""Binary digits after the point of a bound on a rank."""
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


class Order:
    """Candidates in the order of what they release for their cost at most, along one form of what is lacking."""

    def __init__(self, goal: Goal, form: int) -> None:
        self._goal, self._form = goal, form
        self._places: dict[int, tuple[bool, int, int]] = {}
        self._largest = 0
        self.ordered: list[tuple[bool, int, int]] = []

    def put(self, index: int, entry: Entry) -> None:
        """Enter by its bound; what raises maintenance, or cannot lower the form, is never chosen."""
        change, cost = entry.change, entry.cost
        if change[2] > 0:
            return
        self._largest = max(self._largest, -change[6] if self._form == 2 else change[4] - change[2])
        eased = self._goal.eased(self._form, change) + ROUNDED
        if eased <= 0:
            return
        bound = -(-((eased + cost * PPM) << FINE) // (cost * PPM)) if cost else FREE
        place = self._places[index] = (not entry.in_time, -bound, index)
        insort(self.ordered, place)

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


class Ranking:
    """Candidates, ordered along each form once it is the largest."""

    def __init__(self, goal: Goal) -> None:
        self._goal = goal
        self._entries: dict[int, Entry] = {}
        self._orders: dict[int, Order] = {}

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
        goal, entries = self._goal, self._entries
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
            order = self._orders[form] = Order(self._goal, form)
            for index, entry in self._entries.items():
                order.put(index, entry)
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
        """A pool with resting orders has no ledger."""
        return []

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
            return self._ledger.slice_of_perp(part, units)
        return self._ledger.slice_of_line(part, units, owes=self._low[6] > 0)

    def best(self, goal: Goal) -> Candidate | None:
        """As `Desk.best`, by bounds."""
        if self._ranking is None:
            self._ranking = Ranking(goal)
            groups = {part: market.group for part, market in self._ledger.book.markets.items()}
            for index, candidate in enumerate(candidates_of(self, self._trading, groups)):
                self._ranked[candidate.part] = (index, candidate)
                self._mates.setdefault(groups[candidate.part], []).append(candidate.part)
                self._enter(self._ranking, index, candidate)
        return self._ranking.best(self._low)

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
        if not (flipped or change.nets or change.prices):
            if closure.part in self._ranked:
                self._enter(ranking, *self._ranked[closure.part])
            return
        stale = {closure.part} | {part for group in change.prices for part in self._mates.get(group, ())}
        sales = self._mates if flipped else change.nets
        stale |= {part for group in sales for part in self._mates.get(group, ()) if part in self._ledger.amounts}
        for part in stale & self._ranked.keys():
            self._enter(ranking, *self._ranked[part])

    def _left(self, candidate: Candidate) -> int:
        """How much of it can still be closed."""
        if candidate.act is Act.REDUCE:
            return abs(self._ledger.sizes[candidate.part])
        return max(0, self._ledger.amounts[candidate.part] - self._lines[candidate.part].encumbered)

    def _enter(self, ranking: Ranking, index: int, candidate: Candidate) -> None:
        change, cost = self.effect(candidate)
        ranking.put(index, Entry(candidate, change, cost, candidate.part not in self._trading.slow))

    def _after(self, closure: Closure) -> Low:
        change = self._change(closure)
        return self._ledger.weighed(change.total, change.cash)

    def _change(self, closure: Closure) -> Change:
        key = (closure.part, closure.amount)
        found = self._tried.get(key)
        if found is None:
            found = self._tried[key] = self._ledger.after(closure)
        return found
