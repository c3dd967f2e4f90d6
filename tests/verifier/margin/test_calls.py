"""The ladder over time: a call opens once, escalates, expires, and closes late; doubt has a clock of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.verifier.margin.build import line, position, snapshot, weigh
from verifier.errors import BadInput
from verifier.margin.calls import LADDER, NO_CALLS, Call, CallKind, Calls, Observation, advance, bound_of, grace
from verifier.margin.observe import distance, observation
from verifier.margin.risk import Ratio
from verifier.margin.rules import CallRules, Ladder, MarginRules, flat_market
from verifier.margin.status import SEVERITY, Status
from verifier.policy import DAY
from verifier.primitives import Timestamp

RULES = CallRules()
STEEP = Ladder()
RATIOS = {
    Status.HEALTHY: 200,
    Status.WARNING: 140,
    Status.MARGIN_CALL: 115,
    Status.FINAL_CALL: 103,
    Status.LIQUIDATION: 90,
    Status.BACKSTOP: 60,
    Status.DEFICIT: -10,
}


def seen(at: int, status: Status, ratio: int | None = None, **changes: Any) -> Observation:
    """A pool at a time; a data call's low figure fails."""
    low = Status.LIQUIDATION if status in (Status.DATA_CALL, Status.INDETERMINATE) else status
    shown = Ratio(RATIOS[low] if ratio is None else ratio, 100)
    return replace(Observation(Timestamp(at), status, low, shown), **changes)


def told(calls: Calls, *observations: Observation) -> tuple[Calls, list[tuple[int, str, str]]]:
    events = []
    for one in observations:
        step = advance(calls, one, STEEP, RULES)
        calls = step.calls
        events += [(event.at, event.what, event.rung.value) for event in step.events]
    return calls, events


def test_a_call_opens_once() -> None:
    """Seen again and again on one rung it is one call, with the deadline it began with."""
    calls, events = told(NO_CALLS, *(seen(t, Status.MARGIN_CALL) for t in (0, 100, 200)))
    assert events == [(0, "opened", "margin-call")]
    assert calls.margin is not None
    assert calls.margin.deadline == 3_600


def test_grace_ends_and_the_call_escalates_down_to_liquidation() -> None:
    """Margin call for an hour, final call for ten minutes, then liquidation, which has no grace."""
    _, events = told(NO_CALLS, *(seen(t, Status.MARGIN_CALL) for t in (0, 3_599, 3_600, 4_199, 4_200, 9_999)))
    assert events == [(0, "opened", "margin-call"), (3_600, "expired", "final-call"), (4_200, "expired", "liquidation")]


def test_a_worse_bound_escalates_at_once_and_never_buys_time() -> None:
    """Two minutes before its end a margin call becomes a final call: the deadline stays the nearer one."""
    calls, events = told(NO_CALLS, seen(0, Status.MARGIN_CALL), seen(3_480, Status.FINAL_CALL))
    assert events[1] == (3_480, "escalated", "final-call")
    assert calls.margin is not None
    assert calls.margin.deadline == 3_600


def test_it_closes_only_above_its_bound_and_two_per_cent_for_long_enough() -> None:
    """1.21 is above 1.2 and within the hysteresis: open. 1.23 for a quarter of an hour: closed, a warning opens."""
    calls, _ = told(NO_CALLS, seen(0, Status.MARGIN_CALL))
    still, events = told(calls, seen(10, Status.WARNING, 121), seen(2_000, Status.WARNING, 122))
    assert (still.margin is not None, events) == (True, [])
    after, events = told(
        calls, seen(10, Status.WARNING, 123), seen(909, Status.WARNING, 123), seen(910, Status.WARNING, 123)
    )
    assert events == [(10, "cleared", "margin-call"), (910, "closed", "margin-call"), (910, "opened", "warning")]
    assert after.margin is not None
    assert after.margin.rung is Status.WARNING


def test_a_relapse_before_the_quiet_is_over_begins_it_anew() -> None:
    """No flicker: above, below, above is one call all the time, and its deadline stands."""
    calls, events = told(
        NO_CALLS,
        seen(0, Status.MARGIN_CALL),
        seen(100, Status.WARNING, 130),
        seen(500, Status.MARGIN_CALL),
        seen(600, Status.WARNING, 130),
        seen(1_400, Status.WARNING, 130),
    )
    assert [what for _, what, _ in events] == ["opened", "cleared", "cleared"]
    assert calls.margin is not None
    assert calls.margin.deadline == 3_600


def test_liquidation_ends_only_where_the_initial_requirement_is_covered() -> None:
    """Hysteresis of the last rung: above every bound, and not yet above IM."""
    calls, _ = told(NO_CALLS, seen(0, Status.LIQUIDATION))
    short = seen(1_000, Status.WARNING, 149, covers_initial=False)
    assert told(calls, short, replace(short, at=Timestamp(9_000)))[1] == []
    good = replace(short, covers_initial=True)
    assert told(calls, good, replace(good, at=Timestamp(9_000)))[1][-2] == (9_000, "closed", "liquidation")


def test_doubt_is_a_call_of_its_own_and_sells_nothing_until_its_grace_ends() -> None:
    """An hour for fresh proofs; after it the low figure is acted on, and only where there is one."""
    calls, events = told(NO_CALLS, *(seen(t, Status.DATA_CALL) for t in (0, 3_599, 3_600, 3_700)))
    assert events == [(0, "opened", "data-call"), (3_600, "expired", "liquidation")]
    assert calls.margin is None
    _, events = told(NO_CALLS, *(seen(t, Status.INDETERMINATE, ratio=None) for t in (0, 3_600, 9_999)))
    assert events == [(0, "opened", "indeterminate")]


def test_withholding_evidence_buys_no_time_for_a_margin_call() -> None:
    """A margin call runs on under doubt, down to the final call; liquidation needs certainty or the data grace."""
    doubted = [seen(t, Status.DATA_CALL) for t in (100, 3_600, 3_699)]
    calls, events = told(NO_CALLS, seen(0, Status.MARGIN_CALL), *doubted)
    assert (3_600, "expired", "final-call") in events
    assert calls.margin is not None
    assert calls.margin.rung is Status.FINAL_CALL
    _, events = told(calls, seen(3_700, Status.DATA_CALL), seen(9_000, Status.DATA_CALL))
    assert events == [(3_700, "expired", "liquidation")]


def test_toggling_evidence_does_not_begin_the_data_grace_anew() -> None:
    """Shown for a moment and hidden again: the first deadline stands."""
    calls, _ = told(NO_CALLS, seen(0, Status.DATA_CALL), seen(1_000, Status.HEALTHY), seen(1_100, Status.DATA_CALL))
    assert calls.data is not None
    assert calls.data.deadline == 3_600


def test_time_does_not_run_back() -> None:
    """An observation older than the last is refused; one of the same time is not."""
    calls, _ = told(NO_CALLS, seen(100, Status.MARGIN_CALL))
    told(calls, seen(100, Status.MARGIN_CALL))
    with pytest.raises(BadInput):
        told(calls, seen(99, Status.HEALTHY))


def test_grace_is_shorter_the_nearer_a_breach_is() -> None:
    """`(distance / z)²` days: at 2.33 deviations a day, at a tenth of that a hundredth; never above the longest."""
    assert grace(2_330_000, RULES, 10 * DAY) == DAY
    assert grace(233_000, RULES, 10 * DAY) == 864
    assert grace(233_000, RULES, 600) == 600
    assert grace(-1, RULES, 600) == 0
    assert grace(None, RULES, 600) == 600


def test_rules_and_rungs_out_of_range_are_refused() -> None:
    """A call of no rung, and times below zero."""
    with pytest.raises(BadInput):
        Call(CallKind.MARGIN, Status.HEALTHY, Timestamp(0), Timestamp(0), None, Status.WARNING)
    with pytest.raises(BadInput):
        CallRules(margin_grace=-1)
    assert bound_of(Status.WARNING, STEEP) == STEEP.warning


@given(st.lists(st.tuples(st.integers(0, 2_000), st.sampled_from(list(Status))), max_size=12))
def test_a_margin_call_never_steps_down_while_it_is_open(path: list[tuple[int, Status]]) -> None:
    """Whatever is seen: a rung only worsens until the call closes, and a deadline on it never moves later."""
    calls, now = NO_CALLS, 0
    for wait, status in path:
        now += wait
        step = advance(calls, seen(now, status), STEEP, RULES)
        before, after = calls.margin, step.calls.margin
        closed = any(e.what == "closed" and e.kind is CallKind.MARGIN for e in step.events)
        if before is not None and not closed:
            assert after is not None
            assert SEVERITY.index(after.rung) >= SEVERITY.index(before.rung)
            if after.rung is before.rung:
                assert after.deadline == before.deadline
        if after is not None:
            assert after.rung in LADDER
        calls = step.calls


def test_the_distance_is_in_days_of_the_accounts_own_moves() -> None:
    """10 ETH at 3,000 and 60 % a year: a day moves 30,000·0.6/√365; E − MM over that, rounded down."""
    rules = MarginRules(markets={"ETH": flat_market(100_000, 50_000)}, volatility={"ETH": 600_000})
    taken = snapshot(
        position("p", "ETH", "10", "3000", counts_gain=True), line("c", "USDC", "5000"), ETH="3000", USDC="1"
    )
    (pocket,) = weigh(taken, rules).figures.pockets
    assert distance(pocket, rules) is None  # USDC is exposed too, and has no volatility
    rules = replace(rules, volatility={"ETH": 600_000, "USDC": 0})
    (pocket,) = weigh(taken, rules).figures.pockets
    found = distance(pocket, rules)
    assert found is not None
    assert abs(found / 1e6 - (5_000 - 1_500) / (30_000 * 0.6 / 365**0.5)) < 1e-5
    assert observation(pocket, rules, Timestamp(5)).status is pocket.status
