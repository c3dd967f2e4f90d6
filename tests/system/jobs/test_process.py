"""A schedule as a process: its pages, its orderly end, and kills at any instant."""

from __future__ import annotations

import itertools
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import jsonschema
import pytest

from tests.cli.test_cli import ROOT, run
from tests.nodes.process import free_port
from tests.system.jobs.build import ENV, KEY, SECRET, jobs_toml, rows, save
from verifier.attest.attestation import parse_attestation


def test_once_and_status(folder: Path) -> None:
    """`--once` does what is due and ends; `--status` says last and next; both as JSON of the published schema."""
    save(folder, jobs_toml(every=3_600, out=folder / "out"))
    done = run("schedule", folder / "jobs.toml", "--once", "--json", cwd=folder, env=ENV)
    assert done.returncode == 0, done.stderr
    schema = json.loads((ROOT / "docs" / "schema" / "schedule.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    shown = json.loads(done.stdout)
    jsonschema.validate(shown, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(shown | {"jobs": None}, schema)
    (job,) = shown["jobs"]
    assert (job["state"], job["outcome"], job["deliveries_waiting"]) == ("done", "attested", 0)
    for line in done.stderr.splitlines():
        assert json.loads(line)["event"]
    assert rows(folder, "SELECT count(*) FROM leases") == [(0,)]
    status = json.loads(run("schedule", folder / "jobs.toml", "--status", "--json", cwd=folder, env=ENV).stdout)
    assert status["jobs"][0]["last_due"] == job["last_due"]
    assert KEY.key.hex() not in done.stdout + done.stderr


def test_metrics_health_and_an_orderly_end(folder: Path) -> None:
    """The two pages while it runs, the lease given back, exit 0 after SIGTERM, and no secret in the log."""
    port = free_port()
    save(folder, jobs_toml(every=1, out=folder / "out", listen=f'listen = "127.0.0.1:{port}"'))
    env = dict(os.environ, **ENV, PYTHONPATH=str(ROOT))
    process = subprocess.Popen(
        [sys.executable, "-m", "verifier.app.main", "schedule", "jobs.toml"],
        cwd=folder,
        env=env,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        until, text = time.monotonic() + 90, ""
        while time.monotonic() < until and 'xmargin_job_runs_total{job="desk",state="done"}' not in text:
            time.sleep(0.2)
            try:
                text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5).read().decode()
            except OSError:
                continue
        assert 'xmargin_account_status{account="test"} 0.0' in text
        assert "xmargin_block_age_seconds" in text
        assert "xmargin_scheduler_leader 1.0" in text
        assert urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5).read() == b"leading\n"
    finally:
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert rows(folder, "SELECT count(*) FROM leases") == [(0,)]
    assert KEY.key.hex() not in err + text
    assert SECRET not in err + text


def killed_many_times(folder: Path, times: int, seed: int) -> None:
    """Kill a running schedule at random instants, then hold the file against what must be so."""
    rng = random.Random(seed)
    save(folder, jobs_toml(every=1, lease=1, out=folder / "out", missed="run"))
    env = dict(os.environ, **ENV, PYTHONPATH=str(ROOT))
    host = subprocess.Popen([sys.executable, "-m", "tests.system.scheduler_host", str(folder / "jobs.toml")], cwd=folder, env=env,
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)  # fmt: skip
    assert host.stdin is not None
    assert host.stdout is not None
    try:
        assert host.stdout.readline() == "ready\n"
        longest = 1.4
        for number in range(times):
            host.stdin.write("go 0.05\n")
            host.stdin.flush()
            child, began = int(host.stdout.readline()), time.monotonic()
            if number == 0:  # how long a round takes here; kills fall into rounds of that length
                while time.monotonic() < began + 90 and not finished(folder):
                    time.sleep(0.05)
                longest = max(longest, 1.2 * (time.monotonic() - began))
            time.sleep(rng.uniform(0.05, longest))
            os.kill(child, signal.SIGKILL)
            assert host.stdout.readline() == "gone\n"
    finally:
        host.stdin.close()
        host.wait(60)
        host.stdout.close()
    check_invariants(folder)


def finished(folder: Path) -> bool:
    """Whether a job was ever done."""
    try:
        return (folder / "jobs.db").is_file() and bool(rows(folder, "SELECT 1 FROM job_runs WHERE state = 'done'"))
    except sqlite3.OperationalError:  # no tables yet, or they are being made
        return False


def check_invariants(folder: Path) -> None:
    assert rows(folder, "PRAGMA integrity_check") == [("ok",)]
    assert rows(folder, "PRAGMA foreign_key_check") == []
    signed = rows(
        folder, "SELECT sequence, issued_at, digest, file FROM attestations WHERE state = 'signed' ORDER BY sequence"
    )
    assert signed, "nothing was ever done"
    assert len({digest for _, _, digest, _ in signed}) == len(signed)
    assert all(a[1] <= b[1] for a, b in itertools.pairwise(signed)), "numbers do not rise with time"
    jobs = rows(folder, "SELECT due, state, sequence, run FROM job_runs ORDER BY due")
    assert len({due for due, *_ in jobs}) == len(jobs)
    done = [sequence for _, state, sequence, _ in jobs if state == "done" and sequence is not None]
    assert sorted(done) == [sequence for sequence, *_ in signed], (
        "a statement without its job, or a job without its statement"
    )
    assert done == sorted(done)
    assert all(number is not None for _, state, _, number in jobs if state == "done")
    deliveries = rows(folder, "SELECT due, state, body FROM deliveries WHERE kind = 'statement'")
    assert {due for due, *_ in deliveries} == {due for due, state, *_ in jobs if state != "missed"}
    files = {path.read_bytes() for path in (folder / "out").glob("*.statement.json")}
    assert {body for _, state, body in deliveries if state == "delivered"} <= files, "delivered, and no file"
    assert files <= {body for *_, body in deliveries}, "a file that is half, or of no delivery"
    for _, _, _, file in signed:
        assert parse_attestation(file).signatures


def test_killed_at_any_instant(folder: Path) -> None:
    """A dozen kills; the long count is in the soak."""
    killed_many_times(folder, 12, seed=7)


@pytest.mark.soak
def test_killed_two_hundred_times(folder: Path) -> None:
    killed_many_times(folder, 200, seed=11)
