"""The margin-call ladder as a state machine over time: a call opens once, escalates, and closes late.

The caller keeps the state and hands in the time: `advance` is a pure function of what was, what is and when. A call
opens when a rung is reached; it escalates when its grace ends, or when a worse rung is reached; it closes only after
the ratio has stood above the bound and its hysteresis for a minimum time, so that nothing flickers. Calls that come
from data quality alone are a separate kind with their own grace: they ask for proofs, and sell nothing.

    grace T = min(T_max, (distance to MM in σ / z)² · 1 day)

Source: margin reference, sections 11 and 19.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from verifier.errors import BadInput
from verifier.margin.fixed import charge, credit
from verifier.margin.risk import Ratio
from verifier.margin.rules import DEFAULT_CALL_RULES, CallRules, Ladder
from verifier.margin.status import FAILING, SEVERITY, Status
from verifier.policy import DAY, PPM
from verifier.primitives import Timestamp

START: Final = Timestamp(0)


class CallKind(StrEnum):
    """What a call asks for."""

    MARGIN = "margin"
    """Money, or less risk."""
    DATA = "data"
    """Fresh proofs: the shortfall may not be there."""


LADDER: Final = (
    Status.WARNING,
    Status.MARGIN_CALL,
    Status.FINAL_CALL,
    Status.LIQUIDATION,
    Status.BACKSTOP,
    Status.DEFICIT,
)
"""Rungs of a margin call, mildest first."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One pool as it was weighed.

    Attributes:
        at: When it was seen, by the checker's clock.
        status: The pool's own.
        low: The rung of its low figure alone, which a data call acts on when its grace ends.
        ratio: The worse of margin ratio and health factor of the low figure; None without one.
        distance: (E − MM) over a day's standard deviation of equity, ppm; None where no volatility is known.
        covers_initial: Whether equity covers the initial requirement: what ends a liquidation.
    """

    at: Timestamp
    status: Status
    low: Status
    ratio: Ratio | None
    distance: int | None = None
    covers_initial: bool = True


@dataclass(frozen=True, slots=True)
class Call:
    """An open call.

    Attributes:
        rung: Where it stands now; it never steps down, it closes.
        opened: When it opened; `since` when it reached this rung.
        base: The worst rung whose bound was reached: grace that ends moves the rung on, and closing is by the base.
        deadline: When its grace ends; None for a rung that only notifies.
        above: Since when the ratio has stood clear of the bound; None while it does not.
    """

    kind: CallKind
    rung: Status
    opened: Timestamp
    since: Timestamp
    deadline: Timestamp | None
    base: Status
    above: Timestamp | None = None
    seen: Timestamp = START

    def __post_init__(self) -> None:
        for rung in (self.rung, self.base):
            if rung not in LADDER and rung not in (Status.DATA_CALL, Status.INDETERMINATE):
                raise BadInput("call", "a rung of the ladder", rung)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a call: `opened`, `escalated`, `expired` (its grace ended), `cleared` or `closed`."""

    at: Timestamp
    what: str
    kind: CallKind
    rung: Status


@dataclass(frozen=True, slots=True)
class Calls:
    """What is open for one pool: calls for money and for data stand side by side; neither buys the other time."""

    margin: Call | None = None
    data: Call | None = None


NO_CALLS: Final = Calls()


@dataclass(frozen=True, slots=True)
class Step:
    """The state after an observation, and what changed."""

    calls: Calls
    events: tuple[Event, ...]


_One = tuple[Call | None, tuple[Event, ...]]


def advance(calls: Calls, seen: Observation, ladder: Ladder, rules: CallRules = DEFAULT_CALL_RULES) -> Step:
    """
    One step of both machines.

    Raises:
        BadInput: The observation is older than the last one: time does not run back, and no grace is won by it.
    """
    for call in (calls.margin, calls.data):
        if call is not None and seen.at < call.seen:
            raise BadInput("observation", f"a time of at least {call.seen}", seen.at)
    data, told = _data(calls.data, seen, rules)
    margin, called = _margin(calls.margin, seen, ladder, rules)
    return Step(Calls(margin, data), (*called, *told))


def _margin(call: Call | None, seen: Observation, ladder: Ladder, rules: CallRules) -> _One:
    doubted = _kind(seen.status) is CallKind.DATA
    target = None if doubted or seen.status is Status.HEALTHY else seen.status
    if call is None:
        return (None, ()) if target is None else _opened(CallKind.MARGIN, target, seen, rules)
    call = replace(call, seen=seen.at)
    if target is not None and _severity(target) > _severity(call.rung):
        return _moved(call, target, seen, rules, "escalated")
    if _clear(call, seen, ladder, rules):
        return _closing(call, seen, target, rules)
    # While only doubt says that it fails nothing is sold: the call for data has its own grace for that.
    last = Status.FINAL_CALL if doubted else Status.LIQUIDATION
    if call.deadline is not None and seen.at >= call.deadline and _severity(call.rung) < _severity(last):
        return _moved(call, LADDER[LADDER.index(call.rung) + 1], seen, rules, "expired")
    return replace(call, above=None), ()


def _data(call: Call | None, seen: Observation, rules: CallRules) -> _One:
    doubted = _kind(seen.status) is CallKind.DATA
    if call is None:
        return _opened(CallKind.DATA, seen.status, seen, rules) if doubted else (None, ())
    call = replace(call, seen=seen.at)
    if not doubted:
        return _closing(call, seen, None, rules)
    ended = call.deadline is not None and seen.at >= call.deadline and call.rung not in LADDER
    if ended and seen.status is Status.DATA_CALL and seen.low in LADDER:
        made = replace(call, rung=seen.low, since=seen.at, deadline=seen.at, above=None)
        return made, (Event(seen.at, "expired", CallKind.DATA, seen.low),)
    return replace(call, above=None), ()


def _kind(status: Status) -> CallKind:
    return CallKind.DATA if status in (Status.DATA_CALL, Status.INDETERMINATE) else CallKind.MARGIN


def _severity(rung: Status) -> int:
    return SEVERITY.index(rung)


def _opened(kind: CallKind, rung: Status, seen: Observation, rules: CallRules) -> _One:
    call = Call(kind, rung, seen.at, seen.at, _deadline(rung, seen, rules), rung, None, seen.at)
    return call, (Event(seen.at, "opened", kind, rung),)


def _moved(call: Call, rung: Status, seen: Observation, rules: CallRules, why: str) -> _One:
    """A worse rung that was reached early never ends later than the rung it comes from."""
    deadline = _deadline(rung, seen, rules)
    if why == "escalated" and call.deadline is not None and deadline is not None:
        deadline = Timestamp(max(seen.at, min(call.deadline, deadline)))
    base = rung if why == "escalated" else call.base
    made = replace(call, rung=rung, base=base, since=seen.at, deadline=deadline, above=None)
    return made, (Event(seen.at, why, call.kind, rung),)


def _closing(call: Call, seen: Observation, target: Status | None, rules: CallRules) -> _One:
    """Clear for long enough: closed, and a milder call opened where one is due; clear for a while: remembered."""
    since = seen.at if call.above is None else call.above
    if seen.at - since < rules.quiet:
        told = () if call.above is not None else (Event(seen.at, "cleared", call.kind, call.rung),)
        return replace(call, above=since), told
    closed = Event(seen.at, "closed", call.kind, call.rung)
    if target is None:
        return None, (closed,)
    made, opened = _opened(call.kind, target, seen, rules)
    return made, (closed, *opened)


def _clear(call: Call, seen: Observation, ladder: Ladder, rules: CallRules) -> bool:
    """Whether the pool stands above the bound that was reached, and the hysteresis on top."""
    if _kind(seen.status) is CallKind.DATA or seen.ratio is None or _severity(seen.status) >= _severity(call.base):
        return False
    if call.rung in FAILING and not seen.covers_initial:
        return False
    if seen.ratio.unbounded:
        return True
    bound = bound_of(call.base, ladder)
    return not seen.ratio.at_most(charge(bound * (PPM + rules.hysteresis), PPM))


def bound_of(rung: Status, ladder: Ladder) -> int:
    """The ratio, in ppm, that a rung begins at; the rungs below liquidation stop at liquidation's target."""
    bounds = {
        Status.WARNING: ladder.warning,
        Status.MARGIN_CALL: ladder.margin_call,
        Status.FINAL_CALL: ladder.final_call,
    }
    return bounds.get(rung, ladder.final_call)


def _deadline(rung: Status, seen: Observation, rules: CallRules) -> Timestamp | None:
    if rung is Status.WARNING:
        return None
    longest = {
        Status.MARGIN_CALL: rules.margin_grace,
        Status.FINAL_CALL: rules.final_grace,
        Status.DATA_CALL: rules.data_grace,
        Status.INDETERMINATE: rules.data_grace,
    }.get(rung, 0)
    if _kind(rung) is CallKind.DATA:
        return Timestamp(seen.at + longest)
    return Timestamp(seen.at + min(longest, grace(seen.distance, rules, longest)))


def grace(distance: int | None, rules: CallRules, longest: int) -> int:
    """`(distance / z)²` days in seconds, rounded down, at most the longest; less time when a breach is nearer."""
    if distance is None:
        return longest
    near = max(0, distance)
    return min(longest, credit(near * near * DAY, rules.z * rules.z))
