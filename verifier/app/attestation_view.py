"""An attestation for people and programs. docs/schema/attest.json has the JSON Schema."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.table import Table

from verifier.app.json_view import Json, head, time_json
from verifier.app.quantities import rfc3339
from verifier.app.report.tables import listing
from verifier.attest.attestation import Attestation
from verifier.attest.canonical import statement_json
from verifier.margin.fixed import Usd, show_scaled
from verifier.primitives import to_hex


def attestation_json(
    command: str,
    made: Attestation,
    signers: Sequence[bytes],
    keys: Sequence[bytes],
    *,
    evidence: bool | None,
    control: bool = False,
    file: Path | None = None,
) -> Json:
    """What the attest commands say. `verified` is true only where signers, place and time were checked."""
    statement = made.statement
    return {
        **head("attest"),
        "command": command,
        "file": None if file is None else str(file),
        "verified": evidence is not None,
        "evidence_verified": bool(evidence),
        "control_verified": control,
        "digest": to_hex(made.digest),
        "account": statement.account,
        "sequence": str(statement.sequence),
        "status": statement.status.value,
        "as_of": time_json(statement.as_of),
        "issued_at": time_json(statement.issued_at),
        "valid_until": time_json(statement.valid_until),
        "equity": {"low": _money(statement.equity_low), "high": _money(statement.equity_high)},
        "signers": [to_hex(signer) for signer in signers],
        "bls_members": [] if made.aggregate is None else list(made.aggregate.members),
        "bls_keys": [to_hex(key) for key in keys],
        "signatures": len(made.signatures),
        "statement": statement_json(statement),
    }


def attestation_table(
    made: Attestation,
    signers: Sequence[bytes],
    keys: Sequence[bytes],
    *,
    evidence: bool | None,
    control: bool = False,
) -> Iterator[Table]:
    """The same as tables."""
    statement = made.statement
    yield listing(
        ("what", "value"),
        [
            ("account", statement.account),
            ("status", statement.status.value),
            ("equity low", _money(statement.equity_low)),
            ("equity high", _money(statement.equity_high)),
            ("initial", _money(statement.initial)),
            ("maintenance", _money(statement.maintenance)),
            ("as of", rfc3339(statement.as_of)),
            ("issued", rfc3339(statement.issued_at)),
            ("valid until", rfc3339(statement.valid_until)),
            ("sequence", statement.sequence),
            ("for chain", statement.binding.chain_id),
            ("for contract", to_hex(statement.binding.contract)),
            ("bundle", to_hex(statement.bundle_id)),
            ("digest", to_hex(made.digest)),
            ("checked", _checked(evidence=evidence, control=control)),
        ],
    )
    rows = [("ecdsa", to_hex(signer)) for signer in signers] + [("bls", to_hex(key)) for key in keys]
    yield listing(("signed by", "key"), rows or [(f"{len(made.signatures)} signatures", "not looked at")])
    yield listing(
        ("examined on", "holder", "control", "kind", "symbol", "verdict", "amount"),
        [
            (
                e.chain_id,
                to_hex(e.holder),
                statement.holders[e.holder].value,
                e.kind.value,
                e.symbol,
                e.verdict.value,
                e.amount,
            )
            for e in statement.examined
            if e.holder in statement.holders
        ],
    )


def _checked(*, evidence: bool | None, control: bool) -> str:
    if evidence is None:
        return "nothing"
    if not evidence:
        return "signers, place and time"
    return "signers, evidence and control" if control else "signers and evidence"


def _money(value: int | None) -> str | None:
    return None if value is None else show_scaled(Usd(value))
