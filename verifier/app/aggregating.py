"""Several attestations over one statement made one, and one held against the evidence that it speaks of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from verifier.app.errors import UsageError
from verifier.app.service import Run
from verifier.attest.attestation import Attestation, with_signature
from verifier.attest.quorum import BlsMember, BlsSet, aggregate
from verifier.attest.statement import Shown, Statement, make_statement
from verifier.attest.strict_json import parse_json
from verifier.errors import BadAttestation, VerifierError, Where
from verifier.primitives import Address, parse_hex, to_hex

MAX_BYTES: Final = 1 << 20
_HERE: Final = Where(network="attestation")


def merge(parts: Sequence[Attestation], bls: BlsSet | None) -> Attestation:
    """
    One attestation with the signatures of all.

    Args:
        bls: The set whose members signed, where they did; each part's signature is checked before it is added.

    Raises:
        UsageError: No parts.
        BadAttestation: They are over different statements, or hold BLS signatures and no set was given.
        Malformed, BadPoint, WrongSignature: A BLS part that is not its member's signature.
    """
    if not parts:
        raise UsageError("there is nothing to aggregate", "name the files")
    made = Attestation(parts[0].statement)
    for part in parts:
        if part.digest != made.digest:
            raise BadAttestation(_HERE, "one statement in all files", to_hex(made.digest), to_hex(part.digest))
        for signature in part.signatures:
            made = with_signature(made, signature)
    shares = [part.aggregate for part in parts if part.aggregate is not None]
    if not shares:
        return made
    if bls is None:
        raise BadAttestation(_HERE, "the set of the BLS signers", "one (--bls-set)", "none")
    if any(len(share.members) != 1 for share in shares):
        raise BadAttestation(_HERE, "signatures of single members", "one member each", "an aggregate")
    return replace(made, aggregate=aggregate(made.digest, [(s.members[0], s.signature) for s in shares], bls))


def hold_against(made: Attestation, run: Run, holders: Mapping[Address, Shown] | None = None) -> None:
    """
    Establish that one's own verification of the bundle gives this very statement.

    Args:
        holders: How control was shown to oneself; the statement may say less. None where that is not looked at.

    Raises:
        BadAttestation: It gives another; the error names what differs.
        NotAttestable: It gives none.
    """
    said = made.statement
    if holders is not None:
        holders = {holder: how for holder, how in holders.items() if said.holders.get(holder) is not Shown.NOT}
    own = make_statement(
        run.report,
        binding=said.binding,
        sequence=said.sequence,
        issued_at=said.issued_at,
        valid_for=said.valid_until - said.issued_at,
        holders=said.holders if holders is None else holders,
        quorum=said.quorum,
        take_doubts=True,
    )
    for name in Statement.__dataclass_fields__:
        ours, theirs = getattr(own, name), getattr(said, name)
        if ours != theirs:
            raise BadAttestation(_HERE, f"the statement's {name} by one's own verification", ours, theirs)


def parse_bls_set(data: bytes, name: str) -> BlsSet:
    """
    A set of BLS keys from a file: {"threshold": 2, "members": [{"key": "0x…", "possession": "0x…"}, …]}.

    Raises:
        UsageError: Not such a file, or a key whose owner did not show that it holds the secret.
    """
    try:
        document = parse_json(data, MAX_BYTES)
        if not isinstance(document, dict) or document.keys() != {"threshold", "members"}:
            raise UsageError(f"{name} is no BLS set", "it has threshold and members")
        listed = document["members"]
        if not isinstance(listed, list) or not all(
            isinstance(m, dict) and m.keys() == {"key", "possession"} for m in listed
        ):
            raise UsageError(f"{name} is no BLS set", "each member has key and possession")
        members = tuple(BlsMember(parse_hex(m["key"], "key"), parse_hex(m["possession"], "possession")) for m in listed)
        return BlsSet(members, document["threshold"])
    except VerifierError as error:
        raise UsageError(f"{name} is no BLS set: {error}") from None
