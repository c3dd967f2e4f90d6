"""`xmargin check` and `xmargin explain`: a bundle, offline."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from verifier.app.commands.state import (
    AccountOption,
    BundlePath,
    CrossCheck,
    DbOption,
    JsonFlag,
    Pins,
    State,
    clock,
    keep_and_show,
    parse_pins,
    read_bundle,
)

if TYPE_CHECKING:
    from verifier.app.findings import Findings

PolicyName = Annotated[
    str | None,
    typer.Option("--policy", help="strict or practical; only without --account, whose file has a policy of its own."),
]


def check(
    ctx: typer.Context,
    bundle: BundlePath,
    account: AccountOption = None,
    pin: Pins = None,
    policy: PolicyName = None,
    ask: Annotated[bool, typer.Option("--ask", help="Let the account's own endpoints say.")] = False,
    cross_check: CrossCheck = False,
    db: DbOption = None,
    json: JsonFlag = False,
) -> int:
    """Check a bundle offline, from your own pins and policy; with --account, weigh the account too."""
    state: State = ctx.obj
    found = findings(state, "check", bundle, account, pin, policy, ask=ask, cross_check=cross_check)
    return keep_and_show(state, found, as_json=json, db=db)


def explain(
    ctx: typer.Context,
    bundle: BundlePath,
    claim: Annotated[int | None, typer.Argument(help="Number of one claim, counted from 0.", min=0)] = None,
    account: AccountOption = None,
    pin: Pins = None,
    policy: PolicyName = None,
    cross_check: CrossCheck = False,
    json: JsonFlag = False,
) -> int:
    """Show the proof trail of each number, from the trust root down to the decoded value."""
    from verifier.app.errors import UsageError
    from verifier.app.json_view import dumps, findings_json
    from verifier.app.report.trees import trail_tree

    state: State = ctx.obj
    found = findings(state, "explain", bundle, account, pin, policy, cross_check=cross_check)
    if claim is not None and claim >= len(found.outcomes):
        raise UsageError(f"there is no claim {claim}", f"the bundle has claims 0 to {len(found.outcomes) - 1}")
    terminal = state.terminal()
    if json:
        terminal.raw(dumps(findings_json(found, trails=True)))
        return int(found.exit_code)
    for i in range(len(found.outcomes)) if claim is None else (claim,):
        terminal.show(trail_tree(i, found.outcomes[i], found))
    return int(found.exit_code)


def findings(
    state: State,
    command: str,
    bundle: Path,
    account: Path | None,
    pin: list[str] | None,
    policy: str | None,
    *,
    ask: bool = False,
    cross_check: bool = False,
) -> Findings:
    """What a bundle proves to this checker: against an account file, or by pins alone."""
    from verifier.app.errors import UsageError
    from verifier.app.findings import of_run
    from verifier.app.service import check_account

    if account is not None and policy is not None:
        raise UsageError(
            "--policy stands beside --account, whose file has a policy of its own",
            "leave --policy out, or set preset under [policy] in the file",
        )
    data = read_bundle(bundle)
    if account is not None:
        spec = state.account(account, online=ask, cross_check=cross_check)
        roots = parse_pins(pin, spec)
        return of_run(command, check_account(spec, data, now=clock(), roots=roots, ask=ask, seconds=state.seconds()))
    if ask:
        raise UsageError("--ask needs the endpoints of an account file", "give it with --account")
    return _by_pins(command, data, pin, policy or "strict")


def _by_pins(command: str, data: bytes, pin: list[str] | None, policy: str) -> Findings:
    from chains.registry import meanings, networks
    from verifier.app.errors import UnknownName
    from verifier.app.findings import of_verified
    from verifier.policy import PRESETS
    from verifier.verify import Checker, verify_bundle

    if policy not in PRESETS:
        raise UnknownName("policy", policy, PRESETS)
    checker = Checker(parse_pins(pin, None), networks(), meanings(), PRESETS[policy], clock())
    note = "no account file was given (--account): claims were checked, no margin account was weighed"
    return of_verified(command, data, verify_bundle(data, checker), checker, notes=(note,))
