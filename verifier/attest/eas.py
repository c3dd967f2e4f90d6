"""The same statement as an EAS off-chain attestation (version 2), for those who read that form.

Its data is the ABI encoding of our struct under a schema of ours, and its recipient is the contract that the statement
is bound to. The domain is that of the EAS contract on some chain, so an EAS signature is no signature of ours and the
other way round. The salt is derived from the statement: one statement has one EAS form.

Source: ethereum-attestation-service/eas-sdk src/offchain/offchain.ts; eas-contracts SchemaRegistry.sol (`_getUID`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from verifier.attest.attestation import Attestation
from verifier.attest.calldata import STATEMENT_TYPE, statement_tuple
from verifier.attest.eip712 import Types, Value, domain_of, typed_data, typed_digest
from verifier.attest.statement import Binding
from verifier.crypto.keccak import keccak256
from verifier.encoders.abi import encode_values
from verifier.primitives import ZERO_HASH, Hash32, to_hex

SCHEMA: Final = (
    "string account,uint64 sequence,uint8 status,bool lowKnown,bool highKnown,int256 equityLow,int256 equityHigh,"
    "uint256 initialMargin,uint256 maintenanceMargin,uint64 asOf,uint64 issuedAt,uint64 validUntil,bytes32 bundleId,"
    "bytes32 policyDigest,bytes32 quorum,bytes32 detail,"
    "(uint256 chainId,uint64 number,bytes32 blockHash,string trust)[] anchors"
)
NAME: Final = "EAS Attestation"
OFFCHAIN_VERSION: Final = 2
ATTEST: Final[Types] = {
    "Attest": (
        ("version", "uint16"),
        ("schema", "bytes32"),
        ("recipient", "address"),
        ("time", "uint64"),
        ("expirationTime", "uint64"),
        ("revocable", "bool"),
        ("refUID", "bytes32"),
        ("data", "bytes"),
        ("salt", "bytes32"),
    )
}


@dataclass(frozen=True, slots=True)
class EasContract:
    """An EAS deployment: its chain and address, and the version in its signing domain."""

    binding: Binding
    version: str = "1.3.0"


def schema_uid() -> Hash32:
    """The id of our schema in any registry: no resolver, not revocable."""
    return keccak256(SCHEMA.encode() + bytes(20) + b"\x00")


def eas_message(made: Attestation) -> dict[str, Value]:
    """The message of the off-chain attestation."""
    statement = made.statement
    return {
        "version": OFFCHAIN_VERSION,
        "schema": schema_uid(),
        "recipient": statement.binding.contract,
        "time": statement.issued_at,
        "expirationTime": statement.valid_until,
        "revocable": False,
        "refUID": ZERO_HASH,
        "data": encode_values((STATEMENT_TYPE,), (statement_tuple(made),)),
        "salt": keccak256(b"xmargin eas salt" + made.digest),
    }


def eas_digest(made: Attestation, eas: EasContract) -> Hash32:
    """What is signed for the EAS form."""
    return typed_digest(domain_of(eas.binding, NAME, eas.version), ATTEST, "Attest", eas_message(made))


def eas_uid(made: Attestation) -> Hash32:
    """The id of the off-chain attestation, as the SDK packs it."""
    message = eas_message(made)
    packed = [
        OFFCHAIN_VERSION.to_bytes(2, "big"),
        to_hex(schema_uid()).encode(),
        made.statement.binding.contract,
        bytes(20),
        made.statement.issued_at.to_bytes(8, "big"),
        made.statement.valid_until.to_bytes(8, "big"),
        b"\x00",
        ZERO_HASH,
        bytes_of(message["data"]),
        bytes_of(message["salt"]),
        bytes(4),
    ]
    return keccak256(b"".join(packed))


def eas_package(made: Attestation, eas: EasContract, signature: bytes, signer: bytes) -> dict[str, object]:
    """The package that EAS tools read: the signed message with its domain, types, id and signer."""
    document = typed_data(domain_of(eas.binding, NAME, eas.version), ATTEST, "Attest", eas_message(made))
    types = document["types"]
    attest = types["Attest"] if isinstance(types, dict) else []
    return {
        "sig": {
            "version": OFFCHAIN_VERSION,
            "domain": document["domain"],
            "primaryType": "Attest",
            "types": {"Attest": attest},
            "message": document["message"],
            "uid": to_hex(eas_uid(made)),
            "signature": {"r": to_hex(signature[:32]), "s": to_hex(signature[32:64]), "v": signature[64]},
        },
        "signer": to_hex(signer),
    }


def bytes_of(value: Value) -> bytes:
    """A member that is bytes."""
    return value if isinstance(value, bytes) else b""
