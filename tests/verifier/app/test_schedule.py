"""When jobs are due: daylight saving, missed moments, and clocks that are set."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from verifier.app.schedule import MAX_MISSED, Due, Rhythm, check_cron, due_now, next_due
from verifier.primitives import Timestamp


def at(text: str) -> Timestamp:
    return Timestamp(int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()))


HOURLY, MINUTELY = Rhythm("0 * * * *"), Rhythm("* * * * *")


def test_the_next_moment_is_later() -> None:
    """Never the moment itself; by cron in its zone, or by a number of seconds."""
    assert next_due(HOURLY, at("2026-01-01T10:00:00")) == at("2026-01-01T11:00:00")
    assert next_due(HOURLY, at("2026-01-01T10:59:59")) == at("2026-01-01T11:00:00")
    assert next_due(Rhythm("30 9 * * *", "Europe/Berlin"), at("2026-01-01T00:00:00")) == at("2026-01-01T08:30:00")
    assert next_due(Rhythm("30 9 * * *", "Europe/Berlin"), at("2026-07-01T00:00:00")) == at("2026-07-01T07:30:00")
    assert next_due(Rhythm(every=300), Timestamp(600)) == 900
    assert next_due(Rhythm("0 0 1 1 *"), at("2026-01-01T00:00:00")) == at("2027-01-01T00:00:00")


def test_daylight_saving() -> None:
    """The hour that does not exist is skipped to its next moment; each moment comes once and in order."""
    rhythm = Rhythm("30 2 * * *", "Europe/Berlin")
    spring, seen = at("2026-03-28T00:00:00"), []
    for _ in range(3):
        spring = next_due(rhythm, spring)
        seen.append(spring)
    assert seen == sorted(set(seen))
    hourly, last = Rhythm("0 * * * *", "Europe/Berlin"), at("2026-10-24T20:00:00")
    for _ in range(10):
        following = next_due(hourly, last)
        assert following is not None
        assert following > last
        last = following


def test_what_is_due() -> None:
    """Nothing before its time; then once."""
    last = at("2026-01-01T10:00:00")
    assert due_now(HOURLY, last, at("2026-01-01T10:59:59"), make_up=True, grace=60) == Due()
    assert due_now(HOURLY, last, at("2026-01-01T11:00:00"), make_up=False, grace=60) == Due(at("2026-01-01T11:00:00"))
    assert due_now(HOURLY, at("2026-01-01T11:00:00"), at("2026-01-01T11:00:05"), make_up=True, grace=60) == Due()


def test_missed_moments() -> None:
    """The newest is made up for where the file says so and the grace allows it; the others are reported, once each."""
    last, now = at("2026-01-01T10:00:00"), at("2026-01-01T13:20:00")
    hours = [at(f"2026-01-01T{h}:00:00") for h in (11, 12, 13)]
    assert due_now(HOURLY, last, now, make_up=True, grace=3_600) == Due(hours[2], tuple(hours[:2]))
    assert due_now(HOURLY, last, now, make_up=False, grace=3_600) == Due(None, tuple(hours))
    assert due_now(HOURLY, last, now, make_up=True, grace=600) == Due(None, tuple(hours))
    far = due_now(MINUTELY, last, at("2026-01-05T00:00:00"), make_up=True, grace=600)
    assert far.run == at("2026-01-05T00:00:00")
    assert len(far.missed) <= MAX_MISSED
    far = due_now(Rhythm(every=1), Timestamp(1), Timestamp(10**9), make_up=True, grace=600)
    assert (far.run, len(far.missed)) == (10**9, MAX_MISSED)


def test_a_clock_that_is_set_back() -> None:
    """What was dealt with is not due again."""
    assert due_now(HOURLY, at("2026-01-01T10:00:00"), at("2026-01-01T08:30:00"), make_up=True, grace=60) == Due()


@pytest.mark.parametrize(
    "text", ["", "* * * *", "* * * * * *", "61 * * * *", "x * * * *", "* * 32 * *", "*/0 * * * *", "* " * 200]
)
def test_expressions_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match="cron"):
        check_cron(text)
