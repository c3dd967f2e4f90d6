"""`xmargin attest challenge | prove`: how holders show control, and the files in which they do."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from verifier.app.commands.state import AccountPath, DbOption, State, clock, parse_pins, write_whole

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from verifier.app.control_file import Control
    from verifier.app.service import Run
    from verifier.attest.statement import Binding, Shown
    from verifier.primitives import Address


class Kind(StrEnum):
    """How a challenge is signed."""

    EIP191 = "eip191"
    EIP712 = "eip712"
    ERC1271 = "erc1271"


def challenge(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the account.")],
    holder: Annotated[str, typer.Argument(help="Address whose control is to be shown.")],
    holder_chain: Annotated[int, typer.Argument(help="Chain on which it is a holder.", min=1)],
    chain_id: Annotated[int, typer.Option("--chain-id", help="Chain on which the statement is to be used.", min=1)],
    contract: Annotated[str, typer.Option("--contract", help="Contract that is to take it, 0x and 40 digits.")],
    kind: Annotated[Kind, typer.Option("--kind", help="How it is signed; erc1271 for a contract.")] = Kind.EIP191,
    valid_for: Annotated[int, typer.Option("--valid-for", help="Seconds.", min=1)] = 86_400,
    once: Annotated[bool, typer.Option("--once", help="Record it: it is good for one statement.")] = False,
    db: DbOption = None,
) -> int:
    """Print a challenge for a holder to sign; the signed file goes to sign with --control."""
    import secrets

    from verifier.app.challenges import Challenges
    from verifier.app.control_file import challenge_json
    from verifier.app.json_view import dumps
    from verifier.app.quantities import given_address
    from verifier.app.store import Store
    from verifier.attest.control import Challenge
    from verifier.attest.statement import Shown
    from verifier.primitives import Hash32, Timestamp
    from verifier.primitives import chain_id as parse_chain

    state: State = ctx.obj
    now = clock()
    made = Challenge(
        parse_binding(chain_id, contract),
        name,
        given_address(holder),
        parse_chain(holder_chain),
        now,
        Timestamp(now + valid_for),
        Hash32(secrets.token_bytes(32)),
    )
    if once:
        with Store(state.database(db), busy_seconds=state.settings().settings.store.busy_timeout) as store:
            Challenges(store).ask(made)
    state.terminal().raw(dumps(challenge_json(made, Shown(kind.value))))
    return 0


def prove(
    ctx: typer.Context,
    control: Annotated[Path, typer.Argument(help="A challenge that a contract's owner signed.", exists=True)],
    account: AccountPath,
    db: DbOption = None,
) -> int:
    """Prove that a contract takes a signature over a challenge (ERC-1271), and write the evidence into the file."""
    from verifier.app.control_file import control_json, read_control
    from verifier.app.controlling import prove_control
    from verifier.app.json_view import dumps

    state: State = ctx.obj
    found, spec, terminal = read_control(control), state.account(account, online=True), state.terminal()
    with (
        state.shelf(db, spec.beacon.configs, create=spec.has_light_clients) as shelf,
        terminal.busy(f"asking chain {found.challenge.holder_chain}"),
    ):
        proven = prove_control(found, spec, clock(), seconds=state.seconds(), shelf=shelf)
    write_whole(control, dumps(control_json(proven)).encode())
    terminal.say(f"wrote {control}")
    return 0


def parse_binding(chain: int, contract: str) -> Binding:
    """Where a statement is to be used, as typed."""
    from verifier.app.errors import UsageError
    from verifier.app.quantities import given_address
    from verifier.attest.statement import Binding
    from verifier.errors import VerifierError
    from verifier.primitives import chain_id

    try:
        return Binding(chain_id(chain), given_address(contract))
    except (VerifierError, ValueError) as error:
        raise UsageError(f"--contract: {error}") from None


def controls_of(
    state: State,
    controls: Sequence[Control],
    binding: Binding,
    run: Run,
    pins: Sequence[str],
    db: Path | None,
    *,
    online: bool,
) -> Mapping[Address, Shown]:
    """How control is shown of a run's holders, by control files."""
    from verifier.app.controlling import show_controls

    if not controls:
        return {}
    spec = run.spec
    with state.shelf(db, spec.beacon.configs, create=False) as shelf:
        return show_controls(
            controls,
            binding,
            spec,
            run.now,
            roots=parse_pins(pins, spec),
            shelf=shelf,
            seconds=state.seconds() if online else None,
        )
