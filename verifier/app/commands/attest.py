"""`xmargin attest`: sign, verify, aggregate and show statements over margin accounts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from verifier.app.commands.attest_control import challenge, controls_of, parse_binding, prove
from verifier.app.commands.attest_files import account_run, parse_trusted, read_attestation, read_bls_set
from verifier.app.commands.state import (
    AccountOption,
    AccountPath,
    DbOption,
    Pins,
    State,
    clock,
    write_whole,
)

if TYPE_CHECKING:
    from verifier.attest.attestation import Attestation

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
    once: Annotated[bool, typer.Option("--once", help="Take only challenges of challenge --once, each once.")] = False,
    doubts: Annotated[bool, typer.Option("--doubts", help="Also sign what is in doubt; the status says so.")] = False,
    pin: Pins = None,
    db: DbOption = None,
    json: JsonFlag = False,
) -> int:
    """Verify an account (or a bundle of it), and sign the statement over it; or sign someone's proposal after that."""
    from verifier.app.commands.attest_sign import Over, signing
    from verifier.app.errors import UsageError
    from verifier.attest.attestation import encode_attestation

    state: State = ctx.obj
    over = Over(account, bundle, control or (), pin or (), db, once)
    with signing(state, over, key, bls_set) as ready:
        if proposal is not None:
            made = ready.beside(read_attestation(proposal))
        elif chain_id is None or contract is None:
            raise UsageError("a statement is bound to a chain and a contract", "give --chain-id and --contract")
        else:
            binding = parse_binding(chain_id, contract)
            trusted = parse_trusted(binding, signer or (), threshold, ready.members)
            made = ready.own(trusted, valid_for, doubts=doubts)
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
    name: Annotated[str | None, typer.Option("--name", help="Name of the account that it must be of.")] = None,
    after: Annotated[int, typer.Option("--after", help="Number of the last statement that was taken.", min=0)] = 0,
    json: JsonFlag = False,
) -> int:
    """Check an attestation offline: signers, place, time; with --bundle and --account, what it says as well.

    With --name that it is of that account; with --control (or control files in the account file) also that holders are
    shown as it says.
    """
    from verifier.app.aggregating import hold_against
    from verifier.app.control_file import read_controls
    from verifier.app.errors import UsageError
    from verifier.attest.attestation import Trusted, verify_attestation

    state: State = ctx.obj
    made = read_attestation(attestation)
    members = None if bls_set is None else read_bls_set(bls_set)
    trusted = parse_trusted(parse_binding(chain_id, contract), signer or (), threshold, members)
    believed = Trusted(trusted.binding, trusted.signers, trusted.bls, {made.statement.account: after}, name)
    signed = verify_attestation(made, believed, clock())
    checked = files = False
    if bundle is not None or account is not None or control:
        if bundle is None or account is None:
            raise UsageError("to verify the evidence, a bundle and an account file are due", "give both")
        run = account_run(state, account, bundle, pin or (), None)[0]
        controls = read_controls((*run.spec.controls, *(control or ())))
        files = bool(controls)
        shown = controls_of(state, controls, believed.binding, run, pin or (), None, online=False) if files else None
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
    made = merge([read_attestation(path) for path in attestations], None if bls_set is None else read_bls_set(bls_set))
    write_whole(output, encode_attestation(made))
    _show(state, "attest aggregate", made, as_json=json, file=output)
    return 0


@app.command()
def show(ctx: typer.Context, attestation: AttestationPath, json: JsonFlag = False) -> int:
    """Show what an attestation says and who signed it. Nothing is believed of it: verify does that."""
    from verifier.attest.eip712 import recover_typed

    state: State = ctx.obj
    made = read_attestation(attestation)
    signers = tuple(recover_typed(made.digest, signature) for signature in made.signatures)
    _show(state, "attest show", made, as_json=json, signers=signers)
    return 0


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
