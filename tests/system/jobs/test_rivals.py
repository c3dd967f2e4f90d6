"""Missed runs, clocks that jump, and two schedulers on one database."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cli.test_cli import ROOT, write
from tests.simulators import lies
from tests.system.jobs.build import ENV, jobs_toml, leases, opened, rows, save
from verifier.primitives import Timestamp


@pytest.mark.parametrize(
    ("missed", "expected"),
    [("run", ["done", "missed", "missed", "done"]), ("report", ["done", "missed", "missed", "missed"])],
)
def test_missed_runs_are_made_up_for_or_reported(folder: Path, missed: str, expected: list[str]) -> None:
    """Three moments passed while nothing ran."""
    save(folder, jobs_toml(every=1_000, missed=missed, grace=5_000, out=folder / "out"))
    clock = [int(time.time()) // 1_000 * 1_000]
    opened(folder, clock).tick(first=True)
    clock[0] += 3_500
    again = opened(folder, clock)
    again.tick()
    again.tick()
    assert [state for (state,) in rows(folder, "SELECT state FROM job_runs ORDER BY due")] == expected


def test_a_clock_that_jumps(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Forward by a day: one run and no flood. Back by an hour: nothing twice, and it is said. Then on again."""
    save(folder, jobs_toml(every=60, out=folder / "out", grace=30))
    start = int(time.time()) // 60 * 60
    clock = [start]
    scheduler = opened(folder, clock)
    scheduler.tick(first=True)
    clock[0] = start + 86_400
    assert len(scheduler.tick()) == 1
    clock[0] = start + 82_800
    assert scheduler.tick() == []
    assert scheduler.tick() == []
    assert capfd.readouterr().err.count("clock-behind") == 1
    clock[0] = start + 86_460
    assert len(scheduler.tick()) == 1
    dues = [due for (due,) in rows(folder, "SELECT due FROM job_runs WHERE state IN ('done', 'failed') ORDER BY due")]
    assert dues == [start, start + 86_400, start + 86_460]


def test_two_schedulers_on_one_database(folder: Path) -> None:
    """One leads, the other stands by; the lease given up or run out, the other takes over; nothing is done twice."""
    save(folder, jobs_toml(every=10, out=folder / "out"))
    clock = [int(time.time()) // 10 * 10]
    one, two = opened(folder, clock), opened(folder, clock)
    assert len(one.tick(first=True)) == 1
    assert two.tick(first=True) == []
    assert (one.leads, two.leads, two.health()[1]) == (True, False, "standing by")
    clock[0] += 46
    assert len(two.tick()) == 1
    assert one.tick() == []
    assert (one.leads, two.leads) == (False, True)
    two._let_go()
    clock[0] += 10
    assert len(one.tick()) == 1
    assert (
        rows(folder, "SELECT count(*), count(DISTINCT due) FROM job_runs")[0]
        == (rows(folder, "SELECT count(*) FROM job_runs")[0][0],) * 2
    )


def test_a_job_may_take_longer_than_the_lease(folder: Path, three_chains, lying_proxy) -> None:
    """While a slow node keeps the leader busy, its lease is renewed, and the other scheduler stands by."""
    proxy = lying_proxy(three_chains[0].url)
    proxy.tell(lies.silent(30), method="eth_getProof")
    policy = 'preset = "strict"\nmax_age = "7d"\nmax_head_lag = "7d"'
    write(folder, three_chains[:1], {31337: [proxy.url]}, tokens=("OZD",), policy=policy)
    save(folder, jobs_toml(every=2, lease=5, out=folder / "out").replace("timeout = 15", "timeout = 8"))
    env = dict(os.environ, **ENV, PYTHONPATH=str(ROOT))
    command = [sys.executable, "-m", "verifier.app.main", "schedule", "jobs.toml"]
    process = subprocess.Popen(command, cwd=folder, env=env, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 60
        while time.monotonic() < until and not ((folder / "jobs.db").is_file() and leases(folder)):
            time.sleep(0.1)
        ((holder, ends),) = leases(folder)
        other = opened(folder)
        while time.time() <= ends + 1:
            assert other.tick() == []
            assert [name for name, _ in leases(folder)] == [holder]
            time.sleep(0.5)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
    assert rows(folder, "SELECT count(*) FROM job_runs WHERE state = 'done'")[0][0] >= 1


def test_who_lost_the_lease_keeps_nothing(folder: Path, three_chains) -> None:
    """A leader that slept through its lease finds another in its place when it wants to keep its run."""
    from verifier.app.jobs import AlreadyDone, run_job
    from verifier.app.store import Store

    scheduler = opened(folder)
    scheduler.tick(first=True)
    now, job = Timestamp(int(time.time()) + 5), scheduler.jobs.jobs[0]
    before = rows(folder, "SELECT count(*) FROM runs")
    with Store(folder / "jobs.db") as store, pytest.raises(AlreadyDone):
        run_job(job, now, now, store, replace(scheduler.place, holder="someone else"))
    with Store(folder / "jobs.db") as store, pytest.raises(AlreadyDone):
        (due,) = rows(folder, "SELECT max(due) FROM job_runs")[0]
        run_job(job, due, now, store, replace(scheduler.place, holder=scheduler.holder))
    assert rows(folder, "SELECT count(*) FROM runs") == before
    assert rows(folder, "SELECT count(*) FROM attestations WHERE state = 'signed'") == [(1,)]
