"""`xmargin check` and `xmargin explain`: a bundle, offline."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from verifier.app.commands.state import (
    AccountOption,
    BundlePath,
    Checkpoints,
    CrossCheck,
    DbOption,
    JsonFlag,
    Pins,
    State,
    clock,
    keep_and_show,
    parse_checkpoints,
    parse_pins,
    read_bundle,
)

if TYPE_CHECKING:
    from verifier.app.compile import AccountSpec
    from verifier.app.findings import Findings
    from verifier.trust import TrustRoot

PolicyName = Annotated[
    str | None,
    typer.Option("--policy", help="strict or practical; only without --account, whose file has a policy of its own."),
]


def check(
    ctx: typer.Context,
    bundle: BundlePath,
    account: AccountOption = None,
    pin: Pins = None,
    checkpoint: Checkpoints = None,
    policy: PolicyName = None,
    ask: Annotated[bool, typer.Option("--ask", help="Let the account's own endpoints say.")] = False,
    cross_check: CrossCheck = False,
    db: DbOption = None,
    json: JsonFlag = False,
) -> int:
    """Check a bundle offline, from your own pins, checkpoints and policy; with --account, weigh the account too."""
    state: State = ctx.obj
    found = findings(
        state, "check", bundle, account, Given(pin, checkpoint), policy, ask=ask, cross_check=cross_check, db=db
    )
    return keep_and_show(state, found, as_json=json, db=db)


def explain(
    ctx: typer.Context,
    bundle: BundlePath,
    claim: Annotated[int | None, typer.Argument(help="Number of one claim, counted from 0.", min=0)] = None,
    account: AccountOption = None,
    pin: Pins = None,
    checkpoint: Checkpoints = None,
    policy: PolicyName = None,
    cross_check: CrossCheck = False,
    db: DbOption = None,
    json: JsonFlag = False,
) -> int:
    """Show the proof trail of each number, from the trust root down to the decoded value."""
    from verifier.app.errors import UsageError
    from verifier.app.json_view import dumps, findings_json
    from verifier.app.report.trees import price_tree, trail_tree

    state: State = ctx.obj
    given = Given(pin, checkpoint)
    found = findings(state, "explain", bundle, account, given, policy, cross_check=cross_check, db=db)
    if claim is not None and claim >= len(found.outcomes):
        raise UsageError(f"there is no claim {claim}", f"the bundle has claims 0 to {len(found.outcomes) - 1}")
    terminal = state.terminal()
    if json:
        terminal.raw(dumps(findings_json(found, trails=True)))
        return int(found.exit_code)
    for i in range(len(found.outcomes)) if claim is None else (claim,):
        terminal.show(trail_tree(i, found.outcomes[i], found))
    for price in found.prices if claim is None else ():
        terminal.show(price_tree(price, found))
    return int(found.exit_code)


class Given(NamedTuple):
    """What the command line says that the checker believes."""

    pins: list[str] | None
    checkpoints: list[str] | None

    def roots(self, spec: AccountSpec | None) -> tuple[TrustRoot, ...]:
        """As trust roots."""
        return (*parse_pins(self.pins, spec), *parse_checkpoints(self.checkpoints, spec))


def findings(
    state: State,
    command: str,
    bundle: Path,
    account: Path | None,
    given: Given,
    policy: str | None,
    *,
    ask: bool = False,
    cross_check: bool = False,
    db: Path | None = None,
) -> Findings:
    """What a bundle proves to this checker: against an account file, or by pins and checkpoints alone."""
    from verifier.app.errors import UsageError
    from verifier.app.findings import of_run
    from verifier.app.service import check_account

    if account is not None and policy is not None:
        raise UsageError(
            "--policy stands beside --account, whose file has a policy of its own",
            "leave --policy out, or set preset under [policy] in the file",
        )
    data = read_bundle(bundle)
    if account is None:
        if ask:
            raise UsageError("--ask needs the endpoints of an account file", "give it with --account")
        return _by_roots(state, command, data, given, policy or "strict", db)
    spec, now = state.account(account, online=ask, cross_check=cross_check, db=db), clock()
    roots = given.roots(spec)
    with state.shelf(db, spec.beacon.configs, create=spec.has_light_clients) as shelf:
        run = check_account(spec, data, now=now, roots=roots, ask=ask, seconds=state.seconds(), shelf=shelf)
    return of_run(command, run)


def _by_roots(state: State, command: str, data: bytes, given: Given, policy: str, db: Path | None) -> Findings:
    from chains.registry import meanings, networks
    from verifier.app.errors import UnknownName
    from verifier.app.findings import of_verified
    from verifier.app.service import anchors_of
    from verifier.checker import Checker
    from verifier.consensus.networks import CONFIGS
    from verifier.policy import PRESETS
    from verifier.verify import verify_bundle

    if policy not in PRESETS:
        raise UnknownName("policy", policy, PRESETS)
    with state.shelf(db, CONFIGS, create=False) as shelf:
        lights = () if shelf is None else shelf.recorded(anchors_of(data))
    checker = Checker(given.roots(None), networks(), meanings(), PRESETS[policy], clock(), lights=lights)
    note = "no account file was given (--account): claims were checked, no margin account was weighed"
    return of_verified(command, data, verify_bundle(data, checker), checker, notes=(note,))
