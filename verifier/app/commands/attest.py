"""`xmargin attest`: sign, verify, aggregate and show statements over margin accounts."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from verifier.app.commands.attest_control import challenge, controls_of, parse_binding, prove
from verifier.app.commands.state import (
    AccountOption,
    AccountPath,
    DbOption,
    Pins,
    State,
    clock,
    parse_pins,
    read_bundle,
    sealed_states,
    write_whole,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from verifier.app.kept import KeptLight
    from verifier.app.service import Run
    from verifier.attest.attestation import Attestation, Trusted
    from verifier.attest.quorum import BlsSet
    from verifier.attest.statement import Binding, Shown
    from verifier.primitives import Address

JsonFlag = Annotated[bool, typer.Option("--json", help="One JSON object on stdout; docs/schema/attest.json.")]
app = typer.Typer(help="Signed statements over margin accounts.", no_args_is_help=True, rich_markup_mode=None)
app.command()(challenge)
app.command()(prove)

AttestationPath = Annotated[Path, typer.Argument(help="Attestation file.", exists=True, dir_okay=False)]
ChainId = Annotated[int, typer.Option("--chain-id", help="Chain on which the statement is to be used.", min=1)]
Contract = Annotated[str, typer.Option("--contract", help="Contract that is to take it, 0x and 40 digits.")]
Key = Annotated[
    str, typer.Option("--key", help="keystore:FILE, env:VAR, remote:0xADDR=URL_VAR, bls-file:FILE or bls-env:VAR.")
]
Output = Annotated[Path, typer.Option("--output", "-o", help="Where the attestation goes.")]
BlsFile = Annotated[Path | None, typer.Option("--bls-set", help="JSON file with the BLS set.", exists=True)]
Signers = Annotated[list[str] | None, typer.Option("--signer", help="Address whose signature counts; repeatable.")]
Controls = Annotated[list[Path] | None, typer.Option("--control", help="A holder's signed challenge; repeatable.")]
Threshold = Annotated[int, typer.Option("--threshold", help="How many of the signers must have signed.", min=1)]


@app.command()
def sign(
    ctx: typer.Context,
    account: AccountPath,
    output: Output,
    key: Key,
    chain_id: Annotated[int | None, typer.Option("--chain-id", help="Chain on which it is to be used.", min=1)] = None,
    contract: Annotated[str | None, typer.Option("--contract", help="Contract that is to take it.")] = None,
    bundle: Annotated[Path | None, typer.Option("--bundle", help="Sign over this bundle, offline.")] = None,
    proposal: Annotated[Path | None, typer.Option("--proposal", help="Sign the very statement of this file.")] = None,
    valid_for: Annotated[int, typer.Option("--valid-for", help="Seconds until it expires.", min=1)] = 3_600,
    signer: Signers = None,
    threshold: Threshold = 1,
    bls_set: BlsFile = None,
    control: Controls = None,
    doubts: Annotated[bool, typer.Option("--doubts", help="Also sign what is in doubt; the status says so.")] = False,
    pin: Pins = None,
    db: DbOption = None,
    json: JsonFlag = False,
) -> int:
    """Verify an account (or a bundle of it), and sign the statement over it; or sign someone's proposal after that."""
    from verifier.app.attesting import Wanted, attest, cosign
    from verifier.app.errors import UsageError
    from verifier.app.signer import open_signer
    from verifier.app.store import Store
    from verifier.attest.attestation import encode_attestation
    from verifier.primitives import ZERO_HASH

    state: State = ctx.obj
    opened = open_signer(key, os.environ)
    members = None if bls_set is None else read_bls_set(bls_set)
    run, lights = _run(state, account, bundle, pin, db)

    def controls(binding: Binding) -> Mapping[Address, Shown]:
        return controls_of(state, control, binding, run, pin, db, online=bundle is None)

    with Store(state.database(db), busy_seconds=state.settings().settings.store.busy_timeout) as store:
        if proposal is not None:
            given = _read(proposal)
            shown = controls(given.statement.binding)
            made = cosign(run, given, opened, store, holders=shown, bls=members, lights=lights)
        elif chain_id is None or contract is None:
            raise UsageError("a statement is bound to a chain and a contract", "give --chain-id and --contract")
        else:
            binding = parse_binding(chain_id, contract)
            trusted = parse_trusted(binding, signer, threshold, members)
            named = trusted.signers or trusted.bls
            wanted = Wanted(
                binding,
                valid_for,
                ZERO_HASH if named is None else named.digest,
                controls(binding),
                doubts,
            )
            made = attest(run, wanted, opened, store, bls=members, lights=lights)
    write_whole(output, encode_attestation(made))
    _show(state, "attest sign", made, as_json=json, file=output)
    return 0


@app.command()
def verify(
    ctx: typer.Context,
    attestation: AttestationPath,
    chain_id: ChainId,
    contract: Contract,
    signer: Signers = None,
    threshold: Threshold = 1,
    bls_set: BlsFile = None,
    bundle: Annotated[Path | None, typer.Option("--bundle", help="Also verify the evidence again.")] = None,
    account: AccountOption = None,
    control: Controls = None,
    pin: Pins = None,
    after: Annotated[int, typer.Option("--after", help="Number of the last statement that was taken.", min=0)] = 0,
    json: JsonFlag = False,
) -> int:
    """Check an attestation offline: signers, place, time; with --bundle and --account, what it says as well.

    With --control (or control files in the account file) also that holders are shown as it says.
    """
    from verifier.app.aggregating import hold_against
    from verifier.app.errors import UsageError
    from verifier.attest.attestation import Trusted, verify_attestation

    state: State = ctx.obj
    made = _read(attestation)
    members = None if bls_set is None else read_bls_set(bls_set)
    trusted = parse_trusted(parse_binding(chain_id, contract), signer, threshold, members)
    believed = Trusted(trusted.binding, trusted.signers, trusted.bls, {made.statement.account: after})
    signed = verify_attestation(made, believed, clock())
    checked = files = False
    if bundle is not None or account is not None or control:
        if bundle is None or account is None:
            raise UsageError("to verify the evidence, a bundle and an account file are due", "give both")
        run = _run(state, account, bundle, pin, None)[0]
        files = bool(control or run.spec.controls)
        shown = controls_of(state, control, believed.binding, run, pin, None, online=False) if files else None
        hold_against(made, run, shown)
        checked = True
    found = (signed.signers, signed.bls_keys)
    _show(state, "attest verify", made, *found, as_json=json, evidence=checked, control=files)
    return 0


@app.command()
def aggregate(
    ctx: typer.Context,
    attestations: Annotated[list[Path], typer.Argument(help="Files over one statement.", exists=True, dir_okay=False)],
    output: Output,
    bls_set: BlsFile = None,
    json: JsonFlag = False,
) -> int:
    """Put the signatures of several files over one statement into one; BLS signatures become one."""
    from verifier.app.aggregating import merge
    from verifier.attest.attestation import encode_attestation

    state: State = ctx.obj
    made = merge([_read(path) for path in attestations], None if bls_set is None else read_bls_set(bls_set))
    write_whole(output, encode_attestation(made))
    _show(state, "attest aggregate", made, as_json=json, file=output)
    return 0


@app.command()
def show(ctx: typer.Context, attestation: AttestationPath, json: JsonFlag = False) -> int:
    """Show what an attestation says and who signed it. Nothing is believed of it: verify does that."""
    from verifier.attest.eip712 import recover_typed

    state: State = ctx.obj
    made = _read(attestation)
    signers = tuple(recover_typed(made.digest, signature) for signature in made.signatures)
    _show(state, "attest show", made, as_json=json, signers=signers)
    return 0


def parse_trusted(binding: Binding, signers: list[str] | None, threshold: int, bls: BlsSet | None) -> Trusted:
    """Whose signatures count, as typed."""
    from verifier.app.errors import UsageError
    from verifier.app.quantities import given_address
    from verifier.attest.attestation import Trusted
    from verifier.attest.quorum import SignerSet
    from verifier.errors import VerifierError

    try:
        given = tuple(given_address(signer) for signer in signers or ())
        return Trusted(binding, SignerSet(given, threshold) if given else None, bls)
    except (VerifierError, ValueError) as error:
        raise UsageError(f"--signer, --threshold: {error}") from None


def read_bls_set(path: Path) -> BlsSet:
    """A set of BLS keys with their proofs of possession: {"threshold": 2, "members": [{"key", "possession"}]}."""
    from verifier.app.aggregating import parse_bls_set

    return parse_bls_set(path.read_bytes(), path.name)


def _read(path: Path) -> Attestation:
    from verifier.attest.attestation import MAX_BYTES, parse_attestation

    with path.open("rb") as file:
        return parse_attestation(file.read(MAX_BYTES + 1))


def _run(
    state: State, account: Path, bundle: Path | None, pin: list[str] | None, db: Path | None
) -> tuple[Run, tuple[KeptLight, ...]]:
    """The account, verified over a bundle or over its networks, and the light-client states that anchored it."""
    from verifier.app.service import anchors_of, check_account, verify_account

    spec, now = state.account(account, online=bundle is None, db=db), clock()
    with state.shelf(db, spec.beacon.configs, create=spec.has_light_clients) as shelf:
        if bundle is not None:
            data = read_bundle(bundle)
            lights = () if shelf is None else shelf.recorded(anchors_of(data))
            run = check_account(spec, data, now=now, roots=parse_pins(pin, spec), lights=lights)
        else:
            with state.terminal().busy(f"asking {len(spec.endpoints)} networks"):
                run = verify_account(spec, now=now, seconds=state.seconds(), shelf=shelf)
        return run, sealed_states(shelf, run.verified, spec, now)


def _show(
    state: State,
    command: str,
    made: Attestation,
    signers: tuple[bytes, ...] = (),
    keys: tuple[bytes, ...] = (),
    *,
    as_json: bool,
    evidence: bool | None = None,
    control: bool = False,
    file: Path | None = None,
) -> None:
    from verifier.app.attestation_view import attestation_json, attestation_table
    from verifier.app.json_view import dumps

    terminal = state.terminal()
    if as_json:
        shown = attestation_json(command, made, signers, keys, evidence=evidence, control=control, file=file)
        terminal.raw(dumps(shown))
    else:
        for table in attestation_table(made, signers, keys, evidence=evidence, control=control):
            terminal.show(table)
        if file is not None:
            terminal.say(f"wrote {file}")
