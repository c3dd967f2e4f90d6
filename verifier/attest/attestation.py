"""A statement with its signatures: what lies in a file, and what it takes to believe it.

What is signed is the statement's typed digest, and nothing else is ever signed with these keys. Checking needs the
file and the checker's own rules: whose signatures count and how many, where the statement is to be used, and the time.
Guards against a second use go by the statement (its number, its digest), never by the bytes of a signature.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from verifier.attest.canonical import statement_json, statement_of
from verifier.attest.eip712 import statement_digest
from verifier.attest.quorum import MAX_SIGNERS, Aggregate, BlsSet, SignerSet, verify_aggregate, verify_signers
from verifier.attest.statement import Binding, Statement
from verifier.attest.strict_json import parse_json
from verifier.errors import BadAttestation, LimitExceeded, Malformed, MalformedAttestation, Where
from verifier.primitives import ZERO_HASH, Address, Hash32, Timestamp, parse_hex, to_hex

SCHEMA: Final = "xmargin/attestation"
VERSION: Final = 1
MAX_BYTES: Final = 32 << 20
CLOCK_ERROR: Final = 15
"""Seconds by which an honest signer's clock may be ahead of ours."""
_HERE: Final = Where(network="attestation")


@dataclass(frozen=True, slots=True)
class Attestation:
    """Untrusted, until `verify_attestation` has held it against what the checker believes.

    Attributes:
        signatures: ECDSA, 65 bytes each, over the statement's digest.
        aggregate: One BLS signature of several members, or None.
    """

    statement: Statement
    signatures: tuple[bytes, ...] = ()
    aggregate: Aggregate | None = None

    @property
    def digest(self) -> Hash32:
        """What was signed, and what identifies it."""
        return statement_digest(self.statement)


@dataclass(frozen=True, slots=True)
class Trusted:
    """What the checker believes about attestations; nothing of it comes out of one.

    Attributes:
        binding: Where the statement is to be used.
        signers: Whose ECDSA signatures count, or None; `bls` likewise. What is given must be met.
        after: The number of the last statement that was taken of this account: the next is higher.
        account: Which account it must be of; None where whoever asks looks at the statement's own name.
    """

    binding: Binding
    signers: SignerSet | None = None
    bls: BlsSet | None = None
    after: Mapping[str, int] = field(default_factory=dict)
    account: str | None = None


@dataclass(frozen=True, slots=True)
class Signed:
    """Who was found to have signed a statement."""

    statement: Statement
    digest: Hash32
    signers: tuple[Address, ...]
    bls_keys: tuple[bytes, ...]


def verify_attestation(made: Attestation, trusted: Trusted, now: Timestamp) -> Signed:
    """
    Establish that a statement was signed by those whom the checker trusts, for this use and this time.

    Raises:
        BadAttestation: For another chain or contract, of another account, not yet or no longer valid, of a number that
            was passed, for another set of signers, or not signed by enough of them.
        Malformed, BadPoint, WrongSignature: A signature that is none, or is of other keys.
    """
    statement = made.statement
    if statement.binding != trusted.binding:
        expected, got = (
            f"chain {b.chain_id}, contract {to_hex(b.contract)}" for b in (trusted.binding, statement.binding)
        )
        raise BadAttestation(_HERE, "where it is to be used", expected, got)
    if trusted.account is not None and statement.account != trusted.account:
        raise BadAttestation(_HERE, "the account", trusted.account, statement.account)
    if statement.issued_at > now + CLOCK_ERROR:
        raise BadAttestation(_HERE, "the time of issue", f"at most {now}", statement.issued_at)
    if now > statement.valid_until:
        raise BadAttestation(_HERE, "the expiry", f"at least {now}", statement.valid_until)
    last = trusted.after.get(statement.account, 0)
    if statement.sequence <= last:
        raise BadAttestation(_HERE, "the statement's number", f"more than {last}", statement.sequence)
    return _signed(made, trusted)


def _signed(made: Attestation, trusted: Trusted) -> Signed:
    if trusted.signers is None and trusted.bls is None:
        raise BadAttestation(_HERE, "whom the checker trusts", "at least one signer", "nobody")
    sets = {s.digest for s in (trusted.signers, trusted.bls) if s is not None}
    named = made.statement.quorum
    if named != ZERO_HASH and named not in sets:
        raise BadAttestation(
            _HERE, "the set of signers that it names", " or ".join(map(to_hex, sorted(sets))), to_hex(named)
        )
    digest = made.digest
    signers: tuple[Address, ...] = ()
    keys: tuple[bytes, ...] = ()
    if trusted.signers is not None:
        signers = verify_signers(digest, made.signatures, trusted.signers)
    if trusted.bls is not None:
        if made.aggregate is None:
            raise BadAttestation(_HERE, "an aggregate signature", "one", "none")
        keys = verify_aggregate(digest, made.aggregate, trusted.bls)
    return Signed(made.statement, digest, signers, keys)


def with_signature(made: Attestation, signature: bytes) -> Attestation:
    """The same with one more ECDSA signature; one that stands there already is not added again."""
    if signature in made.signatures:
        return made
    return replace(made, signatures=(*made.signatures, signature))


def encode_attestation(made: Attestation) -> bytes:
    """The file: JSON for people and programs. Only the statement's canonical form is signed, not its surroundings."""
    document: dict[str, object] = {
        "schema": SCHEMA,
        "version": VERSION,
        "digest": to_hex(made.digest),
        "statement": statement_json(made.statement),
        "signatures": [to_hex(signature) for signature in made.signatures],
        "aggregate": None,
    }
    if made.aggregate is not None:
        members = list(made.aggregate.members)
        document["aggregate"] = {"members": members, "signature": to_hex(made.aggregate.signature)}
    return json.dumps(document, indent=2, ensure_ascii=True).encode() + b"\n"


def parse_attestation(data: bytes) -> Attestation:
    """
    An attestation from its file.

    Raises:
        MalformedAttestation: Not one, an unknown or repeated key, or a digest that is not the statement's.
        LimitExceeded: Larger than one can be, or with more signatures than a set has members.
    """
    document = parse_json(data, MAX_BYTES)
    keys = {"schema", "version", "digest", "statement", "signatures", "aggregate"}
    if not isinstance(document, dict) or document.keys() != keys:
        raise MalformedAttestation(_HERE, f"it has exactly the keys {', '.join(sorted(keys))}")
    if document["schema"] != SCHEMA or document["version"] != VERSION or isinstance(document["version"], bool):
        raise MalformedAttestation(_HERE, f"of another schema than {SCHEMA}, version {VERSION}")
    made = Attestation(
        statement_of(document["statement"]), _signatures(document["signatures"]), _aggregate(document["aggregate"])
    )
    if document["digest"] != to_hex(made.digest):
        raise MalformedAttestation(_HERE, f"its digest is {to_hex(made.digest)}, it names", document["digest"])
    return made


def _signatures(value: object) -> tuple[bytes, ...]:
    if not isinstance(value, list):
        raise MalformedAttestation(_HERE, "signatures are no list", value)
    if len(value) > MAX_SIGNERS:
        raise LimitExceeded("signatures of an attestation", MAX_SIGNERS, len(value))
    return tuple(_hex(item, "a signature") for item in value)


def _aggregate(value: object) -> Aggregate | None:
    if value is None:
        return None
    if (
        not isinstance(value, dict)
        or value.keys() != {"members", "signature"}
        or not isinstance(value["members"], list)
    ):
        raise MalformedAttestation(_HERE, "an aggregate has members and a signature", value)
    if any(type(member) is not int for member in value["members"]):
        raise MalformedAttestation(_HERE, "members are numbers", value["members"])
    return Aggregate(tuple(value["members"]), _hex(value["signature"], "an aggregate signature"))


def _hex(value: object, what: str) -> bytes:
    try:
        return parse_hex(value, what)
    except Malformed as error:
        raise MalformedAttestation(_HERE, str(error)) from error
