"""Scheduled jobs against a real node: kept whole, delivered, alerted, and in one order over kills and rivals."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.request
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import jsonschema
import pytest
from eth_account import Account

from tests.cli.test_cli import ROOT, run, write
from tests.nodes.process import free_port
from tests.simulators import lies
from tests.system.accounts import token_lines
from verifier.app.commands.schedule import open_scheduler
from verifier.app.commands.state import State
from verifier.app.errors import ConfigError
from verifier.app.jobs_file import parse_jobs
from verifier.app.scheduler import Scheduler
from verifier.attest.attestation import Trusted, parse_attestation, verify_attestation
from verifier.attest.quorum import SignerSet
from verifier.attest.statement import Binding
from verifier.primitives import Address, ChainId, Timestamp
from verifier.trust import Anchor

KEY = Account.from_key(b"\x21" * 32)
CONTRACT = "0x" + "c0" * 20
SECRET = "hook-secret-3f9a"


def jobs_toml(**changes: object) -> str:
    given = {
        "every": 1,
        "missed": "report",
        "grace": 60,
        "lease": 30,
        "listen": "",
        "hook": "",
        "alerts": "",
        "more": "",
    } | changes
    hook = (
        f'[[jobs.sinks]]\nkind = "webhook"\nurl = "{given["hook"]}"\nsecret = "HOOK_SECRET"\nname = "hook"\n'
        if given["hook"]
        else ""
    )
    return f"""
[scheduler]
database = "jobs.db"
lease = {given["lease"]}
{given["listen"]}

[[jobs]]
name = "desk"
account = "account.toml"
every = {given["every"]}
missed = "{given["missed"]}"
grace = {given["grace"]}
timeout = 15

[jobs.attest]
key = "env:JOB_KEY"
chain_id = 31401
contract = "{CONTRACT}"
valid_for = 600

[[jobs.sinks]]
kind = "directory"
path = "{given.get("out", "out")}"

{hook}
{given["alerts"]}
{given["more"]}
"""


@pytest.fixture
def folder(three_chains, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an account over a real node and a jobs file; the environment that it needs."""
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "JOB_KEY": KEY.key.hex(),
        "HOOK_SECRET": SECRET,
        "HOME": str(tmp_path),
        "XDG_DATA_HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path),
    }.items():
        monkeypatch.setenv(name, value)
    write(tmp_path, three_chains[:1], tokens=("OZD",), policy='preset = "strict"\nmax_age = "7d"\nmax_head_lag = "7d"')
    save(tmp_path, jobs_toml(out=tmp_path / "out"))
    return tmp_path


def save(folder: Path, text: str) -> Path:
    path = folder / "jobs.toml"
    path.write_text(text)
    return path


def opened(folder: Path, clock: list[int] | None = None) -> Scheduler:
    made = open_scheduler(State(quiet=True), folder / "jobs.toml", None)
    return replace(made, clock=lambda: Timestamp(clock[0])) if clock is not None else made


def rows(folder: Path, sql: str) -> list[tuple]:
    with sqlite3.connect(folder / "jobs.db") as found:
        made = found.execute(sql).fetchall()
    found.close()
    return made


class Hook:
    """A receiver of web hooks that checks nothing and remembers everything; `answers` are its next statuses."""

    def __init__(self) -> None:
        self.got, self.answers = [], []
        outer = self

        class Pages(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.got.append((dict(self.headers), body))
                status = outer.answers.pop(0) if outer.answers else 204
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", "http://127.0.0.1:1/")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/path-with-key"


@pytest.fixture
def hook():
    made = Hook()
    yield made
    made.server.shutdown()
    made.server.server_close()


# --- one round -------------------------------------------------------------------------------------------


def test_a_job_verifies_signs_keeps_and_delivers(folder: Path, hook: Hook) -> None:
    """One due moment: a run, a signed attestation, a file and a signed hook, all of the same bytes."""
    save(
        folder,
        jobs_toml(out=folder / "out", hook=hook.url, more=f'[[jobs.sinks]]\nkind = "sqlite"\npath = "{folder}/s.db"'),
    )
    (ended,) = opened(folder).tick(first=True)
    assert (ended.state, ended.outcome, ended.exit_code) == ("done", "attested", 0)
    (path,) = (folder / "out").glob("desk.*.statement.json")
    event = json.loads(path.read_text())
    schema = json.loads((ROOT / "docs" / "schema" / "job-event.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(event, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(event | {"kind": "other"}, schema)
    made = parse_attestation(json.dumps(event["attestation"]).encode())
    who = Address(bytes.fromhex(KEY.address[2:]))
    trusted = Trusted(Binding(ChainId(31401), Address(b"\xc0" * 20)), SignerSet((who,), 1))
    assert verify_attestation(made, trusted, made.statement.issued_at).signers == (who,)
    ((headers, body),) = hook.got
    assert body == path.read_bytes()
    stamp = headers["X-Xmargin-Timestamp"]
    expected = hmac.new(SECRET.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    assert headers["X-Xmargin-Signature"] == f"sha256={expected}"
    assert headers["Idempotency-Key"] == f"desk/{event['due']['unix']}/hook/statement"
    with sqlite3.connect(folder / "s.db") as found:
        assert found.execute("SELECT body FROM statements").fetchall() == [(body.decode(),)]
    found.close()
    assert {state for (state,) in rows(folder, "SELECT state FROM deliveries")} == {"delivered"}
    assert rows(folder, "SELECT count(*) FROM attestations WHERE state = 'signed'") == [(1,)]


def test_a_hook_that_fails_is_tried_again_with_the_same_key(folder: Path, hook: Hook) -> None:
    """500, a redirect, then taken: three attempts, one body, one key; a hook that never takes it is given up."""
    save(folder, jobs_toml(every=86_400, missed="run", grace=86_400, out=folder / "out", hook=hook.url))
    hook.answers = [500, 302]
    clock = [int(time.time())]
    scheduler = opened(folder, clock)
    scheduler.tick(first=True)
    for _ in range(3):
        clock[0] += 30
        scheduler.tick()
    assert len(hook.got) == 3
    assert len({(h["Idempotency-Key"], body) for h, body in hook.got}) == 1
    assert rows(folder, "SELECT state, attempts FROM deliveries WHERE sink = 'hook'") == [("delivered", 3)]
    assert "path-with-key" not in str(rows(folder, "SELECT last_error FROM deliveries"))
    text = (folder / "jobs.toml").read_text().replace('name = "hook"', 'name = "hook"\nattempts = 2')
    save(folder, text)
    hook.answers = [500] * 9
    scheduler = opened(folder, clock)
    clock[0] += 86_400
    scheduler.tick()
    for _ in range(4):
        clock[0] += 600
        scheduler.tick()
    assert ("given-up", 2) in rows(folder, "SELECT state, attempts FROM deliveries WHERE sink = 'hook'")


def test_alerts_on_a_change_of_status(folder: Path, three_chains, lying_proxy, hook: Hook) -> None:
    """A healthy start says nothing; a debt that cannot be read is told of once, and so is its end."""
    chain = three_chains[0]
    proxy = lying_proxy(chain.url)
    debt = "\n".join(token_lines(chain, "VYC", "debts"))
    policy = 'preset = "strict"\nmax_age = "7d"\nmax_head_lag = "7d"'
    path = write(folder, [chain], {31337: [proxy.url]}, tokens=("OZD",), policy=policy, extra=debt)
    named = f'accept_contracts = ["31337:{chain.tokens["VYC"].address}", '
    path.write_text(path.read_text().replace("accept_contracts = [", named))
    alerts = f'[jobs.alerts]\n[[jobs.alerts.sinks]]\nkind = "webhook"\nurl = "{hook.url}"\nsecret = "HOOK_SECRET"'
    save(folder, jobs_toml(every=10, out=folder / "out", alerts=alerts))
    clock = [int(time.time()) // 10 * 10 + 20]
    scheduler = opened(folder, clock)
    scheduler.tick(first=True)
    assert not hook.got
    proxy.tell(lies.dropped_node("storage"), method="eth_getProof")
    for _ in range(2):
        clock[0] += 10
        scheduler.tick()
    proxy.clear()
    clock[0] += 10
    scheduler.tick()
    told = [a for _, body in hook.got for a in json.loads(body)["alerts"]]
    assert [(a["alert"], a.get("from"), a.get("to")) for a in told if a["alert"] != "ladder"] == [
        ("failure", None, None),
        ("status", "healthy", "indeterminate"),
        ("status", "indeterminate", "healthy"),
    ]
    steps = [step["what"] for a in told if a["alert"] == "ladder" for step in a["steps"]]
    assert steps[0] == "opened"
    assert len(steps) >= 2
    outcomes = [outcome for (outcome,) in rows(folder, "SELECT outcome FROM job_runs ORDER BY due")]
    assert [outcome == "attested" for outcome in outcomes] == [True, False, False, True]


def test_a_job_that_fails_is_told_of_and_the_next_goes_on(folder: Path, hook: Hook) -> None:
    """An account file that broke since the start: failed, alerted, and the other job runs."""
    alerts = f'[jobs.alerts]\n[[jobs.alerts.sinks]]\nkind = "webhook"\nurl = "{hook.url}"\nsecret = "HOOK_SECRET"'
    other = (folder / "account.toml").read_text()
    (folder / "other.toml").write_text(other)
    more = '[[jobs]]\nname = "second"\naccount = "other.toml"\nevery = 10'
    save(folder, jobs_toml(every=10, out=folder / "out", alerts=alerts, more=more))
    scheduler = opened(folder)
    (folder / "account.toml").write_text("nonsense = 1\n")
    ended = scheduler.tick(first=True)
    assert [(e.state, e.exit_code) for e in ended] == [("failed", 2), ("done", 0)]
    ((_, body),) = hook.got
    assert json.loads(body)["alerts"][0]["alert"] == "failure"


def test_pruning_leaves_what_is_needed(folder: Path) -> None:
    """Old runs and delivered bytes go; attestations with their bundles, the newest run and what waits stay."""
    from verifier.app.store import Store

    save(folder, jobs_toml(every=10, out=folder / "out"))
    clock = [int(time.time()) // 10 * 10 + 10]
    scheduler = opened(folder, clock)
    for _ in range(3):
        scheduler.tick(first=True)
        clock[0] += 10
    with Store(folder / "jobs.db") as store:
        store.prune(Timestamp(clock[0] + 1_000))
        assert store.integrity() == []
    assert len(rows(folder, "SELECT 1 FROM attestations WHERE state = 'signed'")) == 3
    assert rows(folder, "SELECT count(*) FROM attestations WHERE bundle NOT IN (SELECT id FROM bundles)") == [(0,)]
    assert rows(folder, "SELECT count(*) FROM job_runs") == [(1,)]
    assert rows(folder, "SELECT count(*) FROM deliveries") == [(0,)]
    assert scheduler.tick() != []


# --- missed runs, clocks, rivals -------------------------------------------------------------------------


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
    save(folder, jobs_toml(every=2, lease=3, out=folder / "out").replace("timeout = 15", "timeout = 5"))
    env = dict(os.environ, **ENV, PYTHONPATH=str(ROOT))
    command = [sys.executable, "-m", "verifier.app.main", "schedule", "jobs.toml"]
    process = subprocess.Popen(command, cwd=folder, env=env, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 30
        while time.monotonic() < until and not ((folder / "jobs.db").is_file() and leases(folder)):
            time.sleep(0.1)
        holder = leases(folder)[0][0]
        other, seen = opened(folder), set()
        for _ in range(8):
            assert other.tick() == []
            seen |= {name for name, _ in leases(folder)}
            time.sleep(0.5)
        assert seen == {holder}
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
    assert rows(folder, "SELECT count(*) FROM job_runs WHERE state = 'done'")[0][0] >= 1


def leases(folder: Path) -> list[tuple]:
    try:
        return rows(folder, "SELECT holder, until FROM leases")
    except sqlite3.OperationalError:
        return []


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


# --- trouble ---------------------------------------------------------------------------------------------


def test_an_endpoint_that_hangs(folder: Path, three_chains, lying_proxy) -> None:
    """The job ends in its own time, unattested, and the next one runs."""
    proxy = lying_proxy(three_chains[0].url)
    proxy.tell(lies.silent(30), method="eth_getProof")
    write(
        folder,
        three_chains[:1],
        {31337: [proxy.url]},
        tokens=("OZD",),
        policy='preset = "strict"\nmax_age = "7d"\nmax_head_lag = "7d"',
    )
    save(folder, jobs_toml(every=10, out=folder / "out").replace("timeout = 15", "timeout = 2"))
    started = time.monotonic()
    (ended,) = opened(folder).tick(first=True)
    assert time.monotonic() - started < 12
    assert ended.exit_code in {4, 7}
    assert "not attested" in ended.outcome


def test_a_full_disk(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A database that may not grow: a clear error, the old state intact, health says so; with room again it goes on."""
    import verifier.app.scheduler as module
    from verifier.app.store import Store

    save(folder, jobs_toml(every=10, out=folder / "out"))
    clock = [int(time.time()) // 10 * 10]
    scheduler = opened(folder, clock)
    scheduler.tick(first=True)
    before = rows(folder, "SELECT count(*), max(due) FROM job_runs")

    class Full(Store):
        def __init__(self, path: Path, **options: object) -> None:
            super().__init__(path, **options)
            pages = int(str(self.rows("PRAGMA page_count")[0]["page_count"]))
            self.rows(f"PRAGMA max_page_count = {pages}")

    clock[0] += 10
    real, module.Store = module.Store, Full
    try:
        assert scheduler.tick() == []
    finally:
        module.Store = real
    assert rows(folder, "SELECT count(*), max(due) FROM job_runs") == before
    assert not scheduler.health()[0]
    assert "full" in scheduler.health()[1]
    assert '"event": "store"' in capfd.readouterr().err
    assert len(scheduler.tick()) == 1
    assert scheduler.health()[0]


def test_a_fault_of_ours_in_one_job_is_named_and_does_not_stop_the_others(
    folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log says which kind of error and where it was raised, never its words; a fault of the store is no such fault."""
    import verifier.app.scheduler as module
    from verifier.app.errors import StoreFailed

    (folder / "other.toml").write_text((folder / "account.toml").read_text())
    more = '[[jobs]]\nname = "second"\naccount = "other.toml"\nevery = 10'
    save(folder, jobs_toml(every=10, out=folder / "out", more=more))
    real, faults = module.run_job, [RuntimeError("https://node.example/v3/KEY")]

    def broken(job, *others):
        if job.name == "desk":
            raise faults[0]
        return real(job, *others)

    monkeypatch.setattr(module, "run_job", broken)
    clock = [int(time.time()) // 10 * 10]
    scheduler = opened(folder, clock)
    assert [ended.state for ended in scheduler.tick(first=True)] == ["done"]
    (told,) = [line for line in capfd.readouterr().err.splitlines() if '"fault"' in line]
    assert json.loads(told)["error"] == "RuntimeError"
    assert json.loads(told)["where"].startswith("test_jobs.py:")
    assert "KEY" not in told
    faults[0] = StoreFailed(folder / "jobs.db", "gone", "")
    clock[0] += 10
    assert scheduler.tick() == []
    assert '"event": "store"' in capfd.readouterr().err


def test_a_folder_that_cannot_be_written_is_tried_again(folder: Path) -> None:
    """The delivery waits, and is made when the folder is there."""
    (folder / "out").write_text("a file is in the way")
    save(folder, jobs_toml(every=86_400, out=folder / "out"))
    clock = [int(time.time())]
    scheduler = opened(folder, clock)
    scheduler.tick(first=True)
    assert rows(folder, "SELECT state FROM deliveries") == [("pending",)]
    (folder / "out").unlink()
    clock[0] += 60
    scheduler.tick()
    assert rows(folder, "SELECT state FROM deliveries") == [("delivered",)]
    assert len(list((folder / "out").iterdir())) == 1


# --- as a process ----------------------------------------------------------------------------------------

ENV = {"JOB_KEY": KEY.key.hex(), "HOOK_SECRET": SECRET}


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
        until, text = time.monotonic() + 40, ""
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
        _, err = process.communicate(timeout=30)
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
        for _ in range(times):
            host.stdin.write("go 0.05\n")
            host.stdin.flush()
            child = int(host.stdout.readline())
            time.sleep(rng.uniform(0.05, 1.4))
            os.kill(child, signal.SIGKILL)
            assert host.stdout.readline() == "gone\n"
    finally:
        host.stdin.close()
        host.wait(10)
        host.stdout.close()
    check_invariants(folder)


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


# --- the file --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("every = 1\n", ""), "either cron or every"),
        (("every = 1\n", 'every = 1\ncron = "0 * * * *"\n'), "either cron or every"),
        (("every = 1\n", 'cron = "61 * * * *"\n'), "cron"),
        (("every = 1\n", 'cron = "0 * * * *"\ntimezone = "Europe/Berlim"\n'), "time zone"),
        (("every = 1\n", "evry = 1\n"), "did you mean every"),
        (('kind = "directory"', 'kind = "folder"'), "kind"),
        (('missed = "report"', 'missed = "ignore"'), "missed"),
        (('contract = "0xc0', 'contract = "0xg0'), "contract"),
        (("lease = 30", 'listen = "nowhere"'), "port"),
    ],
)  # fmt: skip
def test_jobs_files_that_are_none(change: tuple[str, str], said: str) -> None:
    """Each mistake is named, with its place."""
    text = jobs_toml()
    assert change[0] in text
    with pytest.raises(ConfigError) as caught:
        parse_jobs(text.replace(*change))
    assert said in str(caught.value)


@pytest.mark.parametrize(("preset", "anchors"), [("strict", False), ("practical", True)])
def test_a_job_s_policy_is_the_preset_of_a_file_that_names_none(folder: Path, preset: str, anchors: bool) -> None:
    """An account file's own preset wins; without one the job's counts."""
    text = (folder / "account.toml").read_text()
    save(folder, jobs_toml(out=folder / "out").replace("every = 1\n", f'every = 1\npolicy = "{preset}"\n'))
    scheduler = opened(folder)
    job = scheduler.jobs.jobs[0]
    assert Anchor.QUORUM not in scheduler.place.compile(folder / "account.toml", job.policy).policy.anchors
    (folder / "account.toml").write_text(text.replace('preset = "strict"\n', ""))
    assert (Anchor.QUORUM in scheduler.place.compile(folder / "account.toml", job.policy).policy.anchors) is anchors


def test_two_jobs_of_one_name() -> None:
    text = jobs_toml(more='[[jobs]]\nname = "desk"\naccount = "a.toml"\nevery = 5')
    with pytest.raises(ConfigError, match="two jobs"):
        parse_jobs(text)
