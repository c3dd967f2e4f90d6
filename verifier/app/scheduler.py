"""The scheduler: APScheduler's loop ticks, and each tick does what is due, as the database knows it.

What is due is asked of the file and the database anew at each tick, so nothing is lost in memory: a kill, a restart, a
clock that was set or a second scheduler find the same state. Of several schedulers on one database one leads, by a
lease that it renews with each tick; the lease is looked at again in the transaction in which a job is kept. Jobs run
one after the other; one that fails or hangs until its own time limit does not take the others along.
"""

from __future__ import annotations

import os
import secrets
import signal
import socket
import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType
from typing import Final

from apscheduler.schedulers.background import BackgroundScheduler

from chains.driver import Clock
from verifier.app.errors import StoreError, place_of
from verifier.app.jobs import AlreadyDone, Ended, Place, run_job, write_missed
from verifier.app.jobs_file import JobPart, JobsFile, SinkPart
from verifier.app.logs import Level, log
from verifier.app.metrics import Metrics, Served
from verifier.app.outbox import deliver, pending, sink_name, waiting
from verifier.app.schedule import Rhythm, due_now, next_due
from verifier.app.store import Store
from verifier.primitives import Timestamp

TICK_SECONDS: Final = 1.0


def wall_clock() -> Timestamp:
    """The clock of this machine."""
    return Timestamp(int(time.time()))


@dataclass(frozen=True, slots=True)
class JobState:
    """What is known of a job: its last moment and how it ended, its last success, and its next moment."""

    name: str
    last_due: Timestamp | None
    last_state: str | None
    last_outcome: str | None
    last_status: str | None
    last_success: Timestamp | None
    next_due: Timestamp | None
    waiting: int


@dataclass
class Scheduler:
    """The jobs of one file over one database. `tick` does what is due and returns; `serve` ticks until stopped."""

    jobs: JobsFile
    path: Path
    place: Place
    clock: Clock = wall_clock
    busy_seconds: float = 10.0
    metrics: Metrics = field(default_factory=Metrics)
    holder: str = field(default_factory=lambda: f"{socket.gethostname()}/{os.getpid()}/{secrets.token_hex(6)}")
    leads: bool = False
    trouble: str = ""

    def __post_init__(self) -> None:
        self._since = self.clock()
        self._behind: set[str] = set()

    # --- one round -----------------------------------------------------------------------------------------

    def tick(self, *, first: bool = False, delivers: bool = True) -> list[Ended]:
        """
        Do what is due, then deliver what waits.

        Args:
            first: A job that never ran is due at once, and the lease lasts as long as the jobs may (`--once`).
            delivers: Also deliver; `serve` does that beside it, so that a hook that hangs keeps no job waiting.
        """
        ended: list[Ended] = []
        try:
            with Store(self.path, busy_seconds=self.busy_seconds) as store:
                self.leads = self._lead(store, sum(job.timeout for job in self.jobs.jobs) if first else 0)
                self.metrics.leader.set(self.leads)
                if self.leads:
                    for job in self.jobs.jobs:
                        ended += self._one(job, store, first=first)
                    if delivers:
                        self._deliver(store)
            self.trouble = ""
        except StoreError as error:
            # The old state is intact; the next tick tries again. Silence would look like health.
            self.trouble = str(error)
            log("error", "store", reason=self.trouble, remedy=error.remedy)
        self.metrics.tick()
        return ended

    def beat(self) -> None:
        """Renew the lease while a job runs, which may take longer than the lease lasts."""
        if not self.leads:
            return
        try:
            with Store(self.path, busy_seconds=self.busy_seconds) as store, store.transaction() as sql:
                until = self.clock() + self.jobs.scheduler.lease
                sql.execute("UPDATE leases SET until = ? WHERE holder = ?", (until, self.holder))
        except StoreError as error:
            log("warning", "lease", reason=str(error))

    def deliver(self) -> None:
        """Deliver what waits, where this process leads."""
        if not self.leads:
            return
        try:
            with Store(self.path, busy_seconds=self.busy_seconds) as store:
                self._deliver(store)
        except StoreError as error:
            log("error", "store", reason=str(error), remedy=error.remedy)

    def _lead(self, store: Store, longer: int) -> bool:
        """Take or renew the lease, for `longer` seconds beyond its own. Who finds it held and not over does nothing."""
        now = self.clock()
        with store.transaction() as sql:
            row = sql.execute("SELECT holder, until FROM leases WHERE name = 'scheduler'").fetchone()
            most = sum(job.timeout for job in self.jobs.jobs) + 2 * self.jobs.scheduler.lease
            far = now + most  # beyond it, it was left by a clock that was set back since
            if row is not None and row[0] != self.holder and now < row[1] <= far:
                return False
            sql.execute(
                "INSERT INTO leases (name, holder, until) VALUES ('scheduler', ?, ?) ON CONFLICT (name) DO UPDATE "
                "SET holder = excluded.holder, until = excluded.until",
                (self.holder, now + self.jobs.scheduler.lease + longer),
            )
        if not self.leads:
            log("info", "leading", holder=self.holder)
        return True

    def _one(self, job: JobPart, store: Store, *, first: bool) -> list[Ended]:
        now = self.clock()
        rhythm = Rhythm(job.cron, job.timezone, job.every)
        last = _last(store, job.name)
        upcoming = next_due(rhythm, max(now, last or now))
        if upcoming is not None:
            self.metrics.next_due.labels(job.name).set(upcoming)
        if last is not None and last > now + 60:
            if job.name not in self._behind:
                self._behind.add(job.name)
                log("warning", "clock-behind", job=job.name, seconds=last - now)
            return []
        self._behind.discard(job.name)
        if last is None and first:
            return self._run(job, now, store)
        base = last if last is not None else Timestamp(self._since - 1)
        due = due_now(rhythm, base, now, make_up=job.missed == "run", grace=job.grace)
        if due.missed:
            write_missed(job, due.missed, now, store)
            self.metrics.runs.labels(job.name, "missed").inc(len(due.missed))
            log("warning", "missed", job=job.name, count=len(due.missed), first=due.missed[0], last=due.missed[-1])
        return [] if due.run is None else self._run(job, due.run, store)

    def _run(self, job: JobPart, due: Timestamp, store: Store) -> list[Ended]:
        started, now = time.monotonic(), self.clock()
        place = replace(self.place, holder=self.holder)
        try:
            ended = run_job(job, due, now, store, place)
        except AlreadyDone:
            log("warning", "done-by-another", job=job.name, due=due)
            return []
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - a fault of ours in one job must not stop the others
            log("error", "fault", job=job.name, due=due, error=type(error).__name__, where=place_of(error))
            self.metrics.runs.labels(job.name, "fault").inc()
            return []
        self.metrics.seconds.labels(job.name).observe(time.monotonic() - started)
        self.metrics.runs.labels(job.name, ended.state).inc()
        if ended.run is not None:
            self.metrics.note_run(ended.run)
            self.metrics.last_success.labels(job.name).set(now)
        level: Level = "info" if ended.state == "done" else "error"
        sequence = None if ended.attestation is None else ended.attestation.statement.sequence
        log(
            level, "job", job=job.name, due=due, state=ended.state, status=ended.status, outcome=ended.outcome,
            exit_code=ended.exit_code, sequence=sequence,
        )  # fmt: skip
        return [ended]

    def _deliver(self, store: Store) -> None:
        sinks = {(job.name, name): sink for job in self.jobs.jobs for name, sink in _sinks(job)}
        for delivery in pending(store, self.clock()):
            sink = sinks.get((delivery.job, delivery.sink))
            outcome = deliver(store, delivery, sink, self.clock(), self.place.environ)
            self.metrics.deliveries.labels(delivery.sink, outcome).inc()
            if outcome != "delivered":
                log("warning", "delivery", job=delivery.job, due=delivery.due, sink=delivery.sink, outcome=outcome)
        self.metrics.pending.set(waiting(store))

    # --- what is shown -------------------------------------------------------------------------------------

    def states(self) -> list[JobState]:
        """Last and next runs of each job."""
        with Store(self.path, busy_seconds=self.busy_seconds) as store:
            return [_state(job, store, self.clock()) for job in self.jobs.jobs]

    def health(self) -> tuple[bool, str]:
        """Whether the loop goes round and the database can be written, and a word on it."""
        if self.trouble:
            return False, self.trouble
        if not self.metrics.alive:
            return False, "the loop stands still"
        return True, "leading" if self.leads else "standing by"

    def once(self) -> list[Ended]:
        """One round, for cron and timers; the lease is given back at its end."""
        ended = self.tick(first=True)
        if self.leads:
            self._let_go()
        return ended

    # --- until it is stopped -------------------------------------------------------------------------------

    def serve(self, *, tick: float = TICK_SECONDS) -> None:
        """Tick until SIGTERM or SIGINT; the round that is under way is finished first."""
        stop = threading.Event()

        def stopped(number: int, frame: FrameType | None) -> None:
            del number, frame
            stop.set()

        with ExitStack() as stack:
            for number in (signal.SIGTERM, signal.SIGINT):
                stack.callback(signal.signal, number, signal.signal(number, stopped))
            if self.jobs.scheduler.listen is not None:
                served = stack.enter_context(Served(self.jobs.scheduler.listen, self.metrics, self.health))
                log("info", "listening", port=served.port)
            loop = BackgroundScheduler(timezone="UTC", job_defaults={"coalesce": True, "max_instances": 1})
            works = {"delivers": False}
            at_once = {"next_run_time": _immediately(), "misfire_grace_time": None}
            loop.add_job(self.tick, "interval", seconds=tick, kwargs=works, **at_once)
            loop.add_job(self.deliver, "interval", seconds=tick, **at_once)
            loop.add_job(
                self.beat, "interval", seconds=max(0.2, self.jobs.scheduler.lease / 3), misfire_grace_time=None
            )
            loop.start()
            stack.callback(loop.shutdown, wait=True)
            while not stop.wait(1.0):
                pass
        self._let_go()
        log("info", "stopped")

    def _let_go(self) -> None:
        """Give the lease back, so that another scheduler need not wait for it to end."""
        try:
            with Store(self.path, busy_seconds=self.busy_seconds) as store, store.transaction() as sql:
                sql.execute("DELETE FROM leases WHERE holder = ?", (self.holder,))
        except StoreError as error:
            log("warning", "store", reason=str(error))


def _immediately() -> object:
    from datetime import UTC, datetime

    return datetime.now(UTC)


def _sinks(job: JobPart) -> list[tuple[str, SinkPart]]:
    own = [(sink_name(i, sink), sink) for i, sink in enumerate(job.sinks)]
    return own + [(f"alert-{sink_name(i, sink)}", sink) for i, sink in enumerate(job.alerts.sinks)]


def _last(store: Store, job: str) -> Timestamp | None:
    found = store.rows("SELECT max(due) AS due FROM job_runs WHERE job = ?", (job,))[0]["due"]
    return Timestamp(found) if isinstance(found, int) else None


def _state(job: JobPart, store: Store, now: Timestamp) -> JobState:
    rows = store.rows("SELECT * FROM job_runs WHERE job = ? ORDER BY due DESC LIMIT 1", (job.name,))
    last: Mapping[str, object] = rows[0] if rows else {}
    good = store.rows("SELECT max(ended) AS at FROM job_runs WHERE job = ? AND state = 'done'", (job.name,))[0]["at"]
    left = store.rows("SELECT count(*) AS n FROM deliveries WHERE job = ? AND state = 'pending'", (job.name,))[0]["n"]
    due = last.get("due")
    base = max(now, due) if isinstance(due, int) else now
    return JobState(
        name=job.name,
        last_due=Timestamp(due) if isinstance(due, int) else None,
        last_state=_text(last.get("state")),
        last_outcome=_text(last.get("outcome")),
        last_status=_text(last.get("status")),
        last_success=Timestamp(good) if isinstance(good, int) else None,
        next_due=next_due(Rhythm(job.cron, job.timezone, job.every), Timestamp(base)),
        waiting=left if isinstance(left, int) else 0,
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
