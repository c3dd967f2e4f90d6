"""Further steps of the demo: moves of the market, a signed statement, failures, a case that hangs on one checkpoint."""

from __future__ import annotations

import json
import secrets
from dataclasses import replace
from pathlib import Path
from typing import Final

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from verifier.app.account_file import read_account
from verifier.app.attesting import Wanted, attest
from verifier.app.compile import AccountSpec, compile_account
from verifier.app.findings import of_run
from verifier.app.margin_view import grid_view
from verifier.app.report.tables import cents, cents_up, findings_view, listing
from verifier.app.report.trees import trail_tree
from verifier.app.risk_sections import RiskOptions
from verifier.app.service import Run, check_account
from verifier.app.signer import LocalSigner
from verifier.app.store import Store
from verifier.app.what_if import WhatIf, parse_shock, what_if
from verifier.attest.attestation import Attestation, Trusted, encode_attestation, parse_attestation, verify_attestation
from verifier.attest.quorum import SignerSet
from verifier.attest.statement import Binding
from verifier.errors import VerifierError
from verifier.primitives import Address, ChainId, Timestamp

MOVES: Final = ((), ("ETH=-30%",), ("ETH=+60%",), ("ETH=+200%",), ("ETH=+400%",), ("ETH=+900%",))
"""The account holds ETH and is short of a little more: only a great rise hurts it."""
CONSUMER: Final = Binding(ChainId(1), Address(bytes.fromhex("c0" * 20)))
"""A contract that the statement is meant for; here it stands for any."""


def load_case(folder: Path) -> tuple[AccountSpec, bytes, Timestamp]:
    """A recorded case: the account, its bundle, and when it was recorded."""
    file, source = read_account(folder / "account.toml")
    spec = compile_account(file, source, {}, environ={}, networks={}, preset="strict", online=False)
    now = Timestamp(json.loads((folder / "expected.json").read_text())["now"])
    return spec, (folder / "account.bundle").read_bytes(), now


def moves_table(spec: AccountSpec, data: bytes, now: Timestamp) -> Table:
    """The account under moves of the market: hypothetical figures, which nobody can sign."""
    made = (what_if(spec, data, now=now, shocks=tuple(parse_shock(text) for text in move)) for move in MOVES)
    table = listing(["ETH", "equity", "initial", "maintenance", "status"], [_row(one) for one in made])
    for column in table.columns[1:4]:
        column.justify = "right"
    return table


def _row(made: WhatIf) -> list[str]:
    low = [pocket.known_low for pocket in made.figures.pockets]
    equity = cents(sum(risk.equity for risk in low))
    required = (cents_up(sum(risk.initial for risk in low)), cents_up(sum(risk.maintenance for risk in low)))
    move = "as it is" if not made.shocks else f"{made.shocks[0].change / 10_000:+.0f} %"
    return [move, equity, *required, made.figures.status.value]


def statement_lines(run: Run, store: Store) -> list[Text]:
    """A statement over the account, signed by a key made for this moment, verified, and refused once altered."""
    signer = LocalSigner(secrets.token_bytes(32), "a key of this moment")
    made = attest(run, Wanted(CONSUMER), signer, store)
    sent = encode_attestation(made)
    trusted = Trusted(CONSUMER, SignerSet((signer.address,), 1))
    verify_attestation(parse_attestation(sent), trusted, run.now)
    said = made.statement
    lines = [Text(f"   {len(sent)} bytes: {said.account}, {said.status}, numbered, signed and verified")]
    altered = Attestation(replace(said, sequence=said.sequence + 1), made.signatures, made.aggregate)
    try:
        verify_attestation(altered, trusted, run.now)
    except VerifierError as error:
        lines.append(Text(f"   with another number: {type(error).__name__}: {error}", style="red"))
    return lines


def finalized_views(folder: Path) -> list[RenderableType]:
    """A parent and two rollups from one beacon checkpoint: the account, and the way from there to a rollup's token."""
    spec, data, now = load_case(folder)
    found = of_run("demo", check_account(spec, data, now=now))
    index = next(i for i, claim in enumerate(spec.claims) if spec.networks[claim.chain_id].name == "op")
    return [findings_view(found), trail_tree(index, found.outcomes[index], found)]


def failures_table(spec: AccountSpec, data: bytes, now: Timestamp) -> RenderableType:
    """Each position, asset, network and oracle of the account failed in turn: what that costs, and who falls."""
    from verifier.app.commands.margin_contagion import contagion_map  # numpy: not before it is needed

    shown = contagion_map(what_if(spec, data, now=now), RiskOptions())
    return grid_view(shown.grids[0])
