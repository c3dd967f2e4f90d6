"""When each job is next due: arithmetic on times, which waits for nothing and asks no clock.

A job's moments come from its cron expression in its time zone (APScheduler's trigger, which knows daylight saving), or
are the multiples of a number of seconds since 1970. A job runs once for each moment at most; what became of the last
one that was dealt with stands in the database, so a restart, a second scheduler or a clock that was set changes nothing
about that. Moments that passed while nothing ran are *missed*: the newest may be made up for, older ones never are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from apscheduler.triggers.cron import CronTrigger

from verifier.primitives import Timestamp

MAX_MISSED: Final = 1_000
"""Missed moments of one job that are told apart; what lies before them is one gap."""
ON_TIME: Final = 60
"""Seconds by which a run may start late without being called late."""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """When a job is due. Exactly one of `cron` and `every` is given."""

    cron: str | None = None
    timezone: str = "UTC"
    every: int | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """What is to be done for a job now.

    Attributes:
        run: The moment to run for, or None.
        missed: Moments to write down as missed, oldest first.
    """

    run: Timestamp | None = None
    missed: tuple[Timestamp, ...] = ()


NOTHING: Final = Due()


def check_cron(text: str) -> None:
    """
    Whether a cron expression is one.

    Raises:
        ValueError: It is not; the sentence says what is due.
    """
    if len(text) > 200 or len(text.split()) != 5:
        raise ValueError('expected a cron expression of five fields, such as "0 * * * *"')
    try:
        CronTrigger.from_crontab(text, timezone=UTC)
    except (ValueError, KeyError) as error:
        raise ValueError(f"not a cron expression: {str(error)[:120]}") from None


def next_due(rhythm: Rhythm, after: Timestamp) -> Timestamp | None:
    """The first moment later than a time; None where there is none any more."""
    if rhythm.every is not None:
        return Timestamp((after // rhythm.every + 1) * rhythm.every)
    found = _trigger(rhythm.cron or "", rhythm.timezone).get_next_fire_time(None, _moment(after) + timedelta(seconds=1))
    return None if found is None else Timestamp(int(found.timestamp()))


def due_now(rhythm: Rhythm, last: Timestamp, now: Timestamp, *, make_up: bool, grace: int) -> Due:
    """
    What is to be done for a job.

    Args:
        last: The newest moment that was dealt with, or when the scheduler first knew the job.
        now: The clock. Where it lies before `last` (it was set back), nothing is due until it has caught up.
        make_up: Run the newest missed moment late, rather than only report it.
        grace: Seconds by which a run may be late at most.
    """
    passed = tuple(_between(rhythm, last, now))
    if not passed:
        return NOTHING
    newest, late = passed[-1], now - passed[-1]
    if late <= ON_TIME or (make_up and late <= grace):
        return Due(newest, passed[:-1])
    return Due(None, passed)


def _between(rhythm: Rhythm, last: Timestamp, now: Timestamp) -> Iterator[Timestamp]:
    """The moments in (last, now], the newest of them where there are very many."""
    if rhythm.every is not None:
        first = max(last // rhythm.every + 1, now // rhythm.every - MAX_MISSED)
        yield from (Timestamp(n * rhythm.every) for n in range(first, now // rhythm.every + 1))
        return
    found: list[Timestamp] = []
    at = last
    while (following := next_due(rhythm, at)) is not None and following <= now:
        at = following
        found.append(at)
        if len(found) > 2 * MAX_MISSED:
            del found[:MAX_MISSED]
    yield from found[-MAX_MISSED - 1 :]


@lru_cache(maxsize=256)
def _trigger(cron: str, timezone: str) -> CronTrigger:
    return CronTrigger.from_crontab(cron, timezone=ZoneInfo(timezone))


def _moment(at: Timestamp) -> datetime:
    return datetime.fromtimestamp(at, UTC)
