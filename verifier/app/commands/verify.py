"""`xmargin verify` and `xmargin gather`: the way that talks to networks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from verifier.app.commands.state import (
    AccountPath,
    CrossCheck,
    DbOption,
    JsonFlag,
    State,
    clock,
    keep_and_show,
)

if TYPE_CHECKING:
    from verifier.app.service import Run
    from verifier.primitives import Timestamp

AsOf = Annotated[str | None, typer.Option("--as-of", help="One moment for the account: unix seconds or RFC 3339.")]


def verify(
    ctx: typer.Context,
    account: AccountPath,
    as_of: AsOf = None,
    save: Annotated[Path | None, typer.Option("--save", help="Write the bundle here (.json for its view).")] = None,
    cross_check: CrossCheck = False,
    db: DbOption = None,
    json: JsonFlag = False,
) -> int:
    """Gather, verify, value, aggregate, store and show an account."""
    from verifier.app.findings import of_run

    state: State = ctx.obj
    run = _with_last_proven(state, _asked(state, account, as_of, db, cross_check=cross_check, fresh=True), db)
    notes = () if save is None else (_bundle_note(save, run),)
    return keep_and_show(state, of_run("verify", run, notes), as_json=json, db=db, save=save)


def gather(
    ctx: typer.Context,
    account: AccountPath,
    output: Annotated[Path, typer.Option("--output", "-o", help="Where the bundle goes (.json for its view).")],
    as_of: AsOf = None,
    cross_check: CrossCheck = False,
    db: DbOption = None,
    json: JsonFlag = False,
) -> int:
    """Gather an account's evidence into a bundle, verifying each answer as it comes."""
    from verifier.app.findings import of_run

    state: State = ctx.obj
    run = _asked(state, account, as_of, db, cross_check=cross_check)
    found = of_run("gather", run, (_bundle_note(output, run),))
    return keep_and_show(state, found, as_json=json, db=db, save=output)


def _asked(
    state: State, account: Path, as_of: str | None, db: Path | None, *, cross_check: bool, fresh: bool = False
) -> Run:
    """The account, gathered, verified and weighed."""
    from verifier.app.errors import UsageError
    from verifier.app.service import verify_account

    spec = state.account(account, online=True, cross_check=cross_check, db=db)
    moment, now = parse_moment(as_of), clock()
    if moment is not None and moment > now + spec.policy.max_clock_error:
        raise UsageError("--as-of is ahead of this machine's clock", "what nobody can know yet is not asked for")
    known = state.capacities(db, now)
    busy = state.terminal().busy(f"asking {len(spec.endpoints)} networks")
    with state.shelf(db, spec.beacon.configs, create=spec.has_light_clients) as shelf, busy:
        return verify_account(
            spec, now=now, as_of=moment, seconds=state.seconds(), known=known, shelf=shelf, fresh=fresh
        )


def _bundle_note(path: Path, run: Run) -> str:
    return f"the bundle is in {path} ({len(run.data)} bytes)"


def parse_moment(text: str | None) -> Timestamp | None:
    """A moment as typed."""
    from verifier.app.errors import UsageError
    from verifier.app.quantities import moment

    if text is None:
        return None
    try:
        return moment(int(text) if text.isdecimal() and text.isascii() else text)
    except ValueError as error:
        raise UsageError(f"--as-of: {error}") from None


def _with_last_proven(state: State, run: Run, db: Path | None) -> Run:
    """Weigh once more with what the store's bundles still prove of claims that have no figure now."""
    from verifier.app.errors import StoreDamaged
    from verifier.app.service import checker_of, last_proven, weigh_again
    from verifier.app.store import Store
    from verifier.primitives import Timestamp

    lost = [*run.refused, *run.missing]
    path = state.database(db)
    if not lost or not path.is_file():
        return run
    with Store(path) as store:
        # Never earlier than the newest run that was kept: setting the clock back makes no evidence fresh.
        then = Timestamp(max(run.now, store.newest_time()))
        try:
            found = last_proven(lost, store, checker_of(run.spec, then, run.roots))
        except StoreDamaged as error:
            # What is proven today does not depend on what was kept yesterday.
            state.terminal().warn(f"{error}; earlier figures are left out")
            return run
    return weigh_again(run, found) if found else run
