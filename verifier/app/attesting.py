"""From a run to a signed attestation: verified once more, numbered, signed, and kept before it is handed out."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from verifier.app.findings import of_run, record_of
from verifier.app.kept import KeptLight
from verifier.app.ledger import Ledger
from verifier.app.service import Run, check_account
from verifier.app.signer import AnySigner, BlsSigner, signer_name
from verifier.attest.attestation import Attestation, with_signature
from verifier.attest.quorum import Aggregate, BlsSet
from verifier.attest.statement import Binding, Shown, Statement, make_statement
from verifier.claims import PriceClaim
from verifier.errors import NotAttestable, Where
from verifier.primitives import ZERO_HASH, Address, Hash32
from verifier.proven import ProvenAmount
from verifier.verify import Outcome

if TYPE_CHECKING:
    from verifier.app.store import Store

_HERE: Final = Where(network="attestation")
Beside = Callable[[sqlite3.Connection, int, Attestation], None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What kind of statement is wanted: everything about it that the account does not say."""

    binding: Binding
    valid_for: int = 3_600
    quorum: Hash32 = ZERO_HASH
    holders: Mapping[Address, Shown] = field(default_factory=dict)
    take_doubts: bool = False


def attest(
    run: Run,
    wanted: Wanted,
    signer: AnySigner,
    store: Store,
    *,
    bls: BlsSet | None = None,
    lights: tuple[KeptLight, ...] = (),
    command: str = "attest sign",
    beside: Beside | None = None,
) -> Attestation:
    """
    Sign a statement over a run, and keep both.

    Args:
        bls: The set that a BLS signer is a member of.
        lights: Light-client states that anchored the run, sealed, to be kept with it.
        beside: Writes more in the transaction in which the attestation is kept.

    Raises:
        NotAttestable: The account is refused, incomplete, in doubt or too old, or its evidence does not prove it again.
        SignerFailed: The signer gave no signature.
        StoreError: It could not be kept; then nothing is handed out.
    """
    recheck(run)
    ledger = Ledger(store, signer_name(signer))
    unnumbered = make_statement(
        run.report,
        binding=wanted.binding,
        sequence=1,
        issued_at=run.now,
        valid_for=wanted.valid_for,
        holders=wanted.holders,
        quorum=wanted.quorum,
        take_doubts=wanted.take_doubts,
    )
    made = sign(Attestation(ledger.number(unnumbered)), signer, bls)
    _keep(run, made, ledger, store, lights, command, beside)
    return made


def cosign(
    run: Run,
    proposal: Attestation,
    signer: AnySigner,
    store: Store,
    *,
    holders: Mapping[Address, Shown],
    bls: BlsSet | None = None,
    lights: tuple[KeptLight, ...] = (),
    beside: Beside | None = None,
) -> Attestation:
    """
    Sign the very bytes that someone else has fixed, after verifying the bundle by one's own roots and policy.

    Args:
        run: One's own, over the bundle that the proposal names.
        holders: How control was shown to oneself; a proposal that says more of its holders is not signed.
        beside: As for `attest`.

    Raises:
        NotAttestable: Its own verification does not give this statement; the error says what differs.
    """
    statement = proposal.statement
    recheck(run)
    if run.now > statement.valid_until or statement.issued_at > run.now + run.spec.policy.max_clock_error:
        raise NotAttestable(_HERE, "the proposal is not for now")
    own = make_statement(
        run.report,
        binding=statement.binding,
        sequence=statement.sequence,
        issued_at=statement.issued_at,
        valid_for=statement.valid_until - statement.issued_at,
        holders=holders,
        quorum=statement.quorum,
        take_doubts=False,
    )
    if own != statement:
        raise NotAttestable(_HERE, f"one's own verification gives another {_difference(own, statement)}")
    ledger = Ledger(store, signer_name(signer))
    ledger.take(statement)
    made = sign(proposal, signer, bls)
    _keep(run, made, ledger, store, lights, "attest sign", beside)
    return made


def sign(made: Attestation, signer: AnySigner, bls: BlsSet | None) -> Attestation:
    """The attestation with one more signature. A BLS signature of one member is an aggregate of one."""
    if not isinstance(signer, BlsSigner):
        return with_signature(made, signer.sign(made.statement))
    keys = [] if bls is None else [member.key for member in bls.members]
    if signer.key not in keys:
        raise NotAttestable(_HERE, "the BLS key is in no set that was given")
    return replace(made, aggregate=Aggregate((keys.index(signer.key),), signer.sign(made.statement)))


def recheck(run: Run) -> None:
    """
    Establish once more, from the bundle's bytes alone, what is about to be signed.

    Raises:
        NotAttestable: The bytes do not prove the same outcomes to the same checker.
    """
    lights = run.verified.lights.values()
    again = check_account(run.spec, run.data, now=run.now, roots=run.roots, lights=lights)
    if (
        again.verified.bundle_id != run.report.account.bundle_id
        or again.report.account.as_of != run.report.account.as_of
    ):
        raise NotAttestable(_HERE, "its evidence is another bundle's")
    for before, now in zip(run.report.account.outcomes, again.verified.outcomes, strict=True):
        if _figure(before) != _figure(now):
            reason = f"its evidence no longer proves {before.claim.asset.symbol} of {before.claim.holder.hex()}"
            raise NotAttestable(_HERE, reason)
    if _prices(run) != _prices(again):
        raise NotAttestable(_HERE, "its evidence no longer proves the prices that it is weighed by")


def _prices(run: Run) -> dict[PriceClaim, tuple[int, int, Hash32]]:
    return {p.claim: (p.price, p.at, p.header.hash) for p in run.report.account.proven_prices}


def _figure(outcome: Outcome) -> tuple[int, Hash32] | None:
    return (outcome.amount, outcome.header.hash) if isinstance(outcome, ProvenAmount) else None


def _difference(own: Statement, other: Statement) -> str:
    names = [name for name in own.__dataclass_fields__ if getattr(own, name) != getattr(other, name)]
    return ", ".join(names)


def _keep(
    run: Run,
    made: Attestation,
    ledger: Ledger,
    store: Store,
    lights: tuple[KeptLight, ...],
    command: str,
    beside: Beside | None,
) -> None:
    from verifier.app.json_view import dumps, findings_json

    found = replace(of_run(command, run), lights=lights)

    def more(sql: sqlite3.Connection, number: int) -> None:
        ledger.keep(sql, made)
        if beside is not None:
            beside(sql, number, made)

    store.keep(record_of(found, dumps(findings_json(found))), more)
