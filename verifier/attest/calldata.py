"""Call data for contracts that take attestations: the statement's struct with signatures, in the ABI's encoding.

The contract hashes the struct itself in its own domain, so what it takes is exactly what was signed. `docs/contracts`
has one to start from. BLS keys and signatures go as the precompiles of EIP-2537 take them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, cast

from verifier.attest.attestation import Attestation
from verifier.attest.bls_points import uncompress_key, uncompress_signature
from verifier.attest.eip712 import STATEMENT, statement_value
from verifier.attest.quorum import BlsSet
from verifier.encoders.abi import encode_call, encode_values
from verifier.errors import BadAttestation, Where

ANCHOR_TYPE: Final = "(" + ",".join(kind for _, kind in STATEMENT["Anchor"]) + ")"
STATEMENT_TYPE: Final = "(" + ",".join(kind.replace("Anchor", ANCHOR_TYPE) for _, kind in STATEMENT["Statement"]) + ")"
_HERE: Final = Where(network="attestation")


def statement_tuple(made: Attestation) -> tuple[object, ...]:
    """The struct's members in order, as an ABI encoder takes them."""
    value = statement_value(made.statement)
    anchors = cast("Sequence[Mapping[str, object]]", value["anchors"])
    listed = [tuple(anchor[name] for name, _ in STATEMENT["Anchor"]) for anchor in anchors]
    return tuple(listed if name == "anchors" else value[name] for name, _ in STATEMENT["Statement"])


def encode_signed(made: Attestation) -> bytes:
    """`abi.encode(statement, signatures)`: what a gateway answers, and what `submit` takes behind its selector."""
    return encode_values((STATEMENT_TYPE, "bytes[]"), (statement_tuple(made), _by_signer(made)))


def encode_submit(made: Attestation, *, function: str = "submit") -> bytes:
    """Call data of `submit(Statement, bytes[])`, the signatures in ascending order of their signers."""
    return encode_call(function, (STATEMENT_TYPE, "bytes[]"), (statement_tuple(made), _by_signer(made)))


def encode_submit_bls(made: Attestation, *, function: str = "submitAggregate") -> bytes:
    """
    Call data of `submitAggregate(Statement, uint256, bytes)`: a bitmap of the members, and the signature's 256 bytes.

    Raises:
        BadAttestation: It has no aggregate.
    """
    if made.aggregate is None:
        raise BadAttestation(_HERE, "an aggregate signature", "one", "none")
    bitmap = sum(1 << member for member in made.aggregate.members)
    values = (statement_tuple(made), bitmap, uncompress_signature(made.aggregate.signature))
    return encode_call(function, (STATEMENT_TYPE, "uint256", "bytes"), values)


def encode_keys(members: BlsSet) -> list[bytes]:
    """The keys of a set as a contract stores them: 128 bytes each."""
    return [uncompress_key(key.raw) for key in members.keys]


def _by_signer(made: Attestation) -> list[bytes]:
    """Signatures in ascending order of signer: a contract then sees at a glance that no one stands twice."""
    from verifier.attest.eip712 import recover_typed

    digest = made.digest
    return sorted(made.signatures, key=lambda signature: recover_typed(digest, signature))
