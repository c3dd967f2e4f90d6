"""One job, once: verify its account, sign, and write down everything that follows from it in one transaction.

The run, the attestation, the deliveries and the job's own row are kept together, so a job is done or not done, and
never half. Its row has the moment that it was due as its key: whoever comes second with the same moment keeps nothing.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from verifier.app.attesting import Wanted, attest
from verifier.app.challenges import Challenges
from verifier.app.compile import AccountSpec
from verifier.app.control_file import read_control
from verifier.app.controlling import show_controls
from verifier.app.delivery import Delivery
from verifier.app.errors import AppError
from verifier.app.findings import Findings, of_run, record_of
from verifier.app.jobs_file import AttestPart, JobPart
from verifier.app.json_view import dumps, findings_json, time_json
from verifier.app.kept import KeptLight
from verifier.app.light_shelf import LightShelf
from verifier.app.outbox import enqueue, event_body, sink_name
from verifier.app.service import Run, verify_account
from verifier.app.signer import open_signer, signer_name
from verifier.app.store import Store
from verifier.attest.attestation import Attestation, encode_attestation
from verifier.attest.quorum import SignerSet
from verifier.attest.statement import Binding
from verifier.errors import NotAttestable, VerifierError
from verifier.margin.status import SEVERITY
from verifier.primitives import ZERO_HASH, Timestamp, chain_id, to_hex

UNATTESTED: Final = "not attested"
ALERTING: Final = 3
"""Statuses from margin call on; a reminder is due while an account is in one of them."""
Compile = Callable[[Path, str | None], AccountSpec]
"""From an account file, and the preset for one that names none."""
Lights = tuple[KeptLight, ...]


class AlreadyDone(Exception):
    """Another scheduler has done the job for this moment, or leads now."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run of a job ended."""

    state: str
    exit_code: int
    status: str | None
    outcome: str
    run: Run | None = None
    attestation: Attestation | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a job runs: the file's folder, the environment, how to compile, the lease to hold, and the seal's key."""

    folder: Path
    environ: Mapping[str, str]
    compile: Compile
    holder: str = ""
    seal_key: Path | None = None


def run_job(job: JobPart, due: Timestamp, now: Timestamp, store: Store, place: Place) -> Ended:
    """
    Do a job for the moment that it was due.

    Raises:
        AlreadyDone: Someone else has; nothing was kept.
        StoreError: It could not be kept; then it is as if it had not run.
    """
    try:
        spec = place.compile(place.folder / job.account, job.policy)
        shelf = _shelf(spec, store, place)
        known = store.capacities(now)
        run = verify_account(spec, now=now, seconds=float(job.timeout), known=known, shelf=shelf)
        lights = (
            ()
            if shelf is None
            else tuple(shelf.record(spec.networks[chain], state, now) for chain, state in run.verified.lights.items())
        )
    except (AppError, VerifierError) as error:
        return _failed(job, due, now, store, place, error)
    if job.attest is None:
        return _keep_plain(job, due, run, store, place, "verified", lights)
    try:
        return _attested(job, job.attest, due, run, store, place, lights)
    except NotAttestable as error:
        return _keep_plain(job, due, run, store, place, f"{UNATTESTED}: {error.reason}", lights)
    except (AppError, VerifierError) as error:
        if isinstance(error, AppError) and error.refusal_class == "STORE":
            raise
        return _keep_plain(job, due, run, store, place, f"{UNATTESTED}: {error}", lights)


def write_missed(job: JobPart, missed: tuple[Timestamp, ...], now: Timestamp, store: Store) -> None:
    """Write moments down as missed, and tell of them."""
    if not missed:
        return
    with store.transaction() as sql:
        sql.executemany(
            "INSERT OR IGNORE INTO job_runs (job, due, state, ended, exit_code, outcome) "
            "VALUES (?, ?, 'missed', ?, 0, ?)",
            [(job.name, due, now, "nothing ran when it was due") for due in missed],
        )
        if "missed" in job.alerts.on:
            facts = {"alert": "missed", "count": len(missed), "first": time_json(missed[0]), "account": job.account}
            enqueue(sql, _alerts(job, missed[-1], facts), now)


def _shelf(spec: AccountSpec, store: Store, place: Place) -> LightShelf | None:
    """Where this account's light clients are kept between runs, if it has any."""
    from verifier.app.seal import load_seal

    if not spec.has_light_clients or place.seal_key is None:
        return None
    return LightShelf(store, load_seal(place.seal_key), spec.beacon.configs)


# --- what is kept ----------------------------------------------------------------------------------------


def _attested(
    job: JobPart, part: AttestPart, due: Timestamp, run: Run, store: Store, place: Place, lights: Lights
) -> Ended:
    signer = open_signer(_at(place.folder, part.key), place.environ)
    quorum = SignerSet(part.signers, part.threshold).digest if part.signers else ZERO_HASH
    binding = Binding(chain_id(part.chain_id), part.contract)
    shelf, controls = _shelf(run.spec, store, place), [read_control(path) for path in run.spec.controls]
    asked = Challenges(store)
    asked.check(controls)
    holders = show_controls(controls, binding, run.spec, run.now, shelf=shelf, seconds=float(job.timeout))
    wanted = Wanted(binding, part.valid_for, quorum, holders, part.doubts)
    ended = Ended("done", int(of_run("schedule", run).exit_code), run.report.status.value, "attested", run)

    def beside(sql: sqlite3.Connection, number: int, made: Attestation) -> None:
        asked.use(sql, controls, made)
        _write(sql, job, due, run.now, ended, place, number, signer_name(signer), made)

    made = attest(run, wanted, signer, store, lights=lights, command="schedule", beside=beside)
    return Ended(ended.state, ended.exit_code, ended.status, ended.outcome, run, made)


def _keep_plain(
    job: JobPart, due: Timestamp, run: Run, store: Store, place: Place, outcome: str, lights: Lights
) -> Ended:
    found: Findings = replace(of_run("schedule", run), lights=lights)
    ended = Ended("done", int(found.exit_code), run.report.status.value, outcome, run)

    def beside(sql: sqlite3.Connection, number: int) -> None:
        _write(sql, job, due, run.now, ended, place, number)

    store.keep(record_of(found, dumps(findings_json(found))), beside)
    return ended


def _failed(job: JobPart, due: Timestamp, now: Timestamp, store: Store, place: Place, error: Exception) -> Ended:
    code = error.exit_code if isinstance(error, AppError) else 3
    ended = Ended("failed", code, None, f"{type(error).__name__}: {error}")
    with store.transaction() as sql:
        _write(sql, job, due, now, ended, place, None)
    return ended


def _write(
    sql: sqlite3.Connection,
    job: JobPart,
    due: Timestamp,
    now: Timestamp,
    ended: Ended,
    place: Place,
    number: int | None,
    signer: str | None = None,
    made: Attestation | None = None,
) -> None:
    """The job's row, its status, and everything that is to be delivered; the lease must still be held."""
    if place.holder:
        row = sql.execute("SELECT holder FROM leases WHERE name = 'scheduler'").fetchone()
        if row is None or row[0] != place.holder:
            raise AlreadyDone(job.name, due)
    sequence = None if made is None else made.statement.sequence
    values = (
        job.name,
        due,
        ended.state,
        now,
        ended.exit_code,
        ended.status,
        ended.outcome[:500],
        number,
        signer,
        sequence,
    )
    try:
        sql.execute(
            "INSERT INTO job_runs (job, due, state, ended, exit_code, status, outcome, run, signer, sequence) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            values,
        )
    except sqlite3.IntegrityError:
        raise AlreadyDone(job.name, due) from None
    deliveries = _statements(job, due, ended, made)
    deliveries += _alerts_of(sql, job, due, now, ended, number)
    enqueue(sql, deliveries, now)


def _statements(job: JobPart, due: Timestamp, ended: Ended, made: Attestation | None) -> list[Delivery]:
    attestation = None if made is None else json.loads(encode_attestation(made))
    body = event_body(
        "statement",
        job.name,
        due,
        state=ended.state,
        status=ended.status,
        exit_code=ended.exit_code,
        outcome=ended.outcome,
        account=None if ended.run is None else ended.run.spec.name,
        bundle_id=None if ended.run is None else to_hex(ended.run.verified.bundle_id),
        attestation=attestation,
    )
    return [Delivery(job.name, due, sink_name(i, sink), "statement", body) for i, sink in enumerate(job.sinks)]


def _alerts_of(
    sql: sqlite3.Connection, job: JobPart, due: Timestamp, now: Timestamp, ended: Ended, number: int | None
) -> list[Delivery]:
    """What somebody should be told: a failure, a change of status, a step on the ladder, a reminder."""
    told: list[dict[str, object]] = []
    if ended.state == "failed":
        if "failure" in job.alerts.on:
            told.append({"alert": "failure", "outcome": ended.outcome})
        return _alerts(job, due, *told)
    if "ladder" in job.alerts.on and number is not None:
        rows = sql.execute(
            "SELECT what, kind, rung, pocket FROM margin_call_events WHERE run = ? ORDER BY id", (number,)
        ).fetchall()
        steps = [{"what": what, "kind": kind, "rung": rung, "pocket": pocket} for what, kind, rung, pocket in rows]
        if steps:
            told.append({"alert": "ladder", "steps": steps})
    if "failure" in job.alerts.on and ended.outcome.startswith(UNATTESTED) and not _was_unattested(sql, job, due):
        told.append({"alert": "failure", "outcome": ended.outcome})
    told += _status_alerts(sql, job, now, ended)
    account = None if ended.run is None else ended.run.spec.name
    return _alerts(job, due, *[{**facts, "account": account, "status": ended.status} for facts in told])


def _was_unattested(sql: sqlite3.Connection, job: JobPart, due: Timestamp) -> bool:
    """Whether the run before this one made no attestation either; then it has been told."""
    row = sql.execute(
        "SELECT outcome FROM job_runs WHERE job = ? AND due < ? AND state = 'done' ORDER BY due DESC LIMIT 1",
        (job.name, due),
    ).fetchone()
    return row is not None and str(row[0]).startswith(UNATTESTED)


def _status_alerts(sql: sqlite3.Connection, job: JobPart, now: Timestamp, ended: Ended) -> list[dict[str, object]]:
    status = ended.status or ""
    row = sql.execute("SELECT status, reminded FROM job_states WHERE job = ?", (job.name,)).fetchone()
    before, reminded = (None, 0) if row is None else (str(row[0]), int(row[1]))
    changed = before != status
    severe = status in {s.value for s in SEVERITY[ALERTING - 1 :]}
    remind = not changed and severe and job.alerts.remind is not None and now - reminded >= job.alerts.remind
    if changed or remind:
        sql.execute(
            "INSERT INTO job_states (job, status, since, reminded) VALUES (?, ?, ?, ?) ON CONFLICT (job) DO UPDATE "
            "SET status = excluded.status, reminded = excluded.reminded, "
            "since = CASE WHEN status = excluded.status THEN since ELSE excluded.since END",
            (job.name, status, now, now),
        )
    if "status" not in job.alerts.on:
        return []
    if changed and (before is not None or severe):
        return [{"alert": "status", "from": before, "to": status}]
    return [{"alert": "reminder", "to": status}] if remind else []


def _alerts(job: JobPart, due: Timestamp, *told: Mapping[str, object]) -> list[Delivery]:
    if not told:
        return []
    body = event_body("alert", job.name, due, alerts=list(told))
    return [Delivery(job.name, due, f"alert-{sink_name(i, s)}", "alert", body) for i, s in enumerate(job.alerts.sinks)]


def _at(folder: Path, key: str) -> str:
    """A key's file is named from the jobs file's folder."""
    kind, colon, rest = key.partition(":")
    return f"{kind}{colon}{folder / rest}" if kind in {"keystore", "bls-file"} else key
