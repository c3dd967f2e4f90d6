"""`xmargin schedule`: attestation jobs on their schedules, until stopped, once, or only looked at."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from verifier.app.commands.state import DbOption, State

if TYPE_CHECKING:
    from verifier.app.compile import AccountSpec
    from verifier.app.scheduler import Scheduler

JsonFlag = Annotated[bool, typer.Option("--json", help="One JSON object on stdout; docs/schema/schedule.json.")]
JobsPath = Annotated[Path, typer.Argument(help="Jobs file (TOML).", exists=True, dir_okay=False)]


def schedule(
    ctx: typer.Context,
    jobs: JobsPath,
    once: Annotated[bool, typer.Option("--once", help="Do what is due and end: for cron and timers.")] = False,
    status: Annotated[bool, typer.Option("--status", help="Show last and next runs, and do nothing.")] = False,
    db: DbOption = None,
    json: JsonFlag = False,
) -> int:
    """Run jobs on their schedules: verify, attest, deliver, alert."""
    from verifier.app.errors import UsageError

    state: State = ctx.obj
    if once and status:
        raise UsageError("--once and --status exclude one another")
    scheduler = open_scheduler(state, jobs, db)
    if status:
        _show(state, scheduler, as_json=json)
        return 0
    if once:
        return _once(state, scheduler, as_json=json)
    scheduler.serve()
    return 0


def open_scheduler(state: State, path: Path, db: Path | None) -> Scheduler:
    """The scheduler of a jobs file. Every account and key is looked at once, so that a mistake shows now."""
    from verifier.app.jobs import Place, _at
    from verifier.app.jobs_file import read_jobs
    from verifier.app.scheduler import Scheduler
    from verifier.app.signer import open_signer

    file, _ = read_jobs(path)
    folder = path.resolve().parent
    in_force = state.settings()

    def compile_one(account: Path, policy: str | None) -> AccountSpec:
        return _compile(state, account, policy)

    for job in file.jobs:
        compile_one(folder / job.account, job.policy)
        if job.attest is not None:
            open_signer(_at(folder, job.attest.key), os.environ)
    own = None if file.scheduler.database is None else folder / file.scheduler.database
    return Scheduler(
        file,
        db or own or state.database(None),
        Place(folder, dict(os.environ), compile_one, seal_key=in_force.key),
        busy_seconds=in_force.settings.store.busy_timeout,
    )


def _compile(state: State, path: Path, policy: str | None) -> AccountSpec:
    """An account file compiled anew for each run, without its warnings being shown each time."""
    from chains.registry import NETWORKS
    from verifier.app.account_file import read_account
    from verifier.app.compile import compile_account

    found = state.settings().settings
    file, source = read_account(path)
    preset = policy or found.policy
    return compile_account(
        file,
        source,
        NETWORKS,
        environ=os.environ,
        networks=found.networks,
        preset=preset,
        findings=state.findings(None),
    )


def _once(state: State, scheduler: Scheduler, *, as_json: bool) -> int:
    """One round; the worst exit code of what ran."""
    from verifier.app.exit_codes import Exit, worst

    ended = scheduler.once()
    _show(state, scheduler, as_json=as_json)
    if scheduler.trouble:
        return 1
    known = {int(code): code for code in Exit}
    codes = tuple(known[e.exit_code] for e in ended if e.exit_code in known)
    return int(worst(codes)) if codes else max((e.exit_code for e in ended), default=0)


def _show(state: State, scheduler: Scheduler, *, as_json: bool) -> None:
    from verifier.app.json_view import dumps, head, time_json
    from verifier.app.quantities import rfc3339
    from verifier.app.report.tables import listing

    terminal, states = state.terminal(), scheduler.states()
    if as_json:
        rows = [
            {
                "job": s.name,
                "last_due": None if s.last_due is None else time_json(s.last_due),
                "state": s.last_state,
                "status": s.last_status,
                "outcome": s.last_outcome,
                "last_success": None if s.last_success is None else time_json(s.last_success),
                "next_due": None if s.next_due is None else time_json(s.next_due),
                "deliveries_waiting": s.waiting,
            }
            for s in states
        ]
        terminal.raw(dumps({**head("schedule"), "trouble": scheduler.trouble or None, "jobs": rows}))
        return
    columns = ("job", "last due", "ended", "status", "last success", "next due", "waiting")
    shown = [
        (
            s.name,
            None if s.last_due is None else rfc3339(s.last_due),
            s.last_state,
            s.last_status,
            None if s.last_success is None else rfc3339(s.last_success),
            None if s.next_due is None else rfc3339(s.next_due),
            s.waiting,
        )
        for s in states
    ]
    terminal.show(listing(columns, shown))
