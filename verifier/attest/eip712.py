"""Typed data: from a value and its types to the 32 bytes that are signed, and who signed them.

The encoder is small and strict: types are literal tables of this program, a value must have exactly the members of its
type, integers must fit, and there is no type that packs without padding. The domain has name, version, chain id and
verifying contract, all four, so that nothing signed here holds on another chain, for another contract or as a message
of another kind.

Source: EIP-712.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

from verifier.attest.canonical import encode_statement
from verifier.attest.statement import STATUS_CODES, Binding, Statement
from verifier.crypto.keccak import keccak256
from verifier.crypto.secp256k1 import recover
from verifier.errors import BadAttestation, BadInput, Where
from verifier.primitives import Address, Hash32, to_hex

Types = Mapping[str, Sequence[tuple[str, str]]]
"""Each struct's members: name and type, in order."""
Value: TypeAlias = object

NAME: Final = "xmargin attestation"
VERSION: Final = "1"
DOMAIN: Final = (("name", "string"), ("version", "string"), ("chainId", "uint256"), ("verifyingContract", "address"))
STATEMENT: Final[Types] = {
    "Statement": (
        ("account", "string"),
        ("sequence", "uint64"),
        ("status", "uint8"),
        ("lowKnown", "bool"),
        ("highKnown", "bool"),
        ("equityLow", "int256"),
        ("equityHigh", "int256"),
        ("initialMargin", "uint256"),
        ("maintenanceMargin", "uint256"),
        ("asOf", "uint64"),
        ("issuedAt", "uint64"),
        ("validUntil", "uint64"),
        ("bundleId", "bytes32"),
        ("policyDigest", "bytes32"),
        ("quorum", "bytes32"),
        ("detail", "bytes32"),
        ("anchors", "Anchor[]"),
    ),
    "Anchor": (("chainId", "uint256"), ("number", "uint64"), ("blockHash", "bytes32"), ("trust", "string")),
}
_HERE: Final = Where(network="attestation")


def statement_digest(made: Statement) -> Hash32:
    """What is signed for a statement. It covers the whole canonical form, by `detail`."""
    return typed_digest(domain_of(made.binding), STATEMENT, "Statement", statement_value(made))


def statement_value(made: Statement) -> dict[str, Value]:
    """A statement as the contract's struct: figures flat, everything else under the hash of the canonical form."""
    return {
        "account": made.account,
        "sequence": made.sequence,
        "status": STATUS_CODES[made.status],
        "lowKnown": made.equity_low is not None,
        "highKnown": made.equity_high is not None,
        "equityLow": made.equity_low or 0,
        "equityHigh": made.equity_high or 0,
        "initialMargin": made.initial or 0,
        "maintenanceMargin": made.maintenance or 0,
        "asOf": made.as_of,
        "issuedAt": made.issued_at,
        "validUntil": made.valid_until,
        "bundleId": made.bundle_id,
        "policyDigest": made.policy_digest,
        "quorum": made.quorum,
        "detail": keccak256(encode_statement(made)),
        "anchors": [
            {"chainId": a.chain_id, "number": a.number, "blockHash": a.hash, "trust": a.trust} for a in made.anchors
        ],
    }


def domain_of(binding: Binding, name: str = NAME, version: str = VERSION) -> dict[str, Value]:
    """The domain of a binding."""
    return {
        "name": name,
        "version": version,
        "chainId": binding.chain_id,
        "verifyingContract": binding.contract,
    }


def typed_data(
    domain: Mapping[str, Value], types: Types, primary: str, value: Mapping[str, Value]
) -> dict[str, object]:
    """The same as the JSON that wallets and remote signers take (`eth_signTypedData_v4`)."""
    members = {"EIP712Domain": DOMAIN, **types}
    return {
        "types": {name: [{"name": n, "type": t} for n, t in fields] for name, fields in members.items()},
        "primaryType": primary,
        "domain": _plain(domain),
        "message": _plain(value),
    }


def typed_digest(domain: Mapping[str, Value], types: Types, primary: str, value: Mapping[str, Value]) -> Hash32:
    """
    The digest of a struct in a domain: keccak256(0x1901 ‖ domain separator ‖ struct hash).

    Raises:
        BadInput: A value that is not of its type.
    """
    separator = hash_struct({"EIP712Domain": DOMAIN}, "EIP712Domain", domain)
    return keccak256(b"\x19\x01" + separator + hash_struct(types, primary, value))


def hash_struct(types: Types, name: str, value: Mapping[str, Value]) -> Hash32:
    """The hash of a struct: its type's hash, then each member in one word."""
    members = types[name]
    if value.keys() != {member for member, _ in members}:
        raise BadInput(f"typed data {name}", f"exactly {[member for member, _ in members]}", sorted(value))
    words = [_word(types, kind, value[member], f"{name}.{member}") for member, kind in members]
    return keccak256(keccak256(encode_type(types, name).encode()) + b"".join(words))


def encode_type(types: Types, name: str) -> str:
    """The type's signature: the struct first, those it refers to behind it in order of their names."""
    needed = {name}
    waiting = [name]
    while waiting:
        for _, kind in types[waiting.pop()]:
            inner = kind.partition("[")[0]
            if inner in types and inner not in needed:
                needed.add(inner)
                waiting.append(inner)
    ordered = [name, *sorted(needed - {name})]
    return "".join(f"{n}({','.join(f'{kind} {member}' for member, kind in types[n])})" for n in ordered)


def recover_typed(digest: Hash32, signature: bytes, expected: Address | None = None) -> Address:
    """
    Who signed a digest.

    Args:
        signature: Untrusted, 65 bytes.
        expected: If given, who must have.

    Raises:
        MalformedAttestation: Not a signature in its one form.
        BadAttestation: Nobody's, or someone else's.
    """
    found = recover(digest, signature, _HERE)
    if expected is not None and found != expected:
        raise BadAttestation(_HERE, "the signer", to_hex(expected), to_hex(found))
    return found


def _word(types: Types, kind: str, value: Value, where: str) -> bytes:
    if kind.endswith("[]"):
        if not isinstance(value, list | tuple):
            raise BadInput(where, f"a list for {kind}", value)
        return keccak256(b"".join(_word(types, kind[:-2], item, where) for item in value))
    if kind in types:
        if not isinstance(value, Mapping):
            raise BadInput(where, f"a struct {kind}", value)
        return hash_struct(types, kind, value)
    if kind == "string" and isinstance(value, str):
        return keccak256(value.encode())
    if kind == "bytes" and isinstance(value, bytes):
        return keccak256(value)
    if kind == "bool" and isinstance(value, bool):
        return int(value).to_bytes(32, "big")
    if kind == "address" and isinstance(value, bytes) and len(value) == 20:
        return bytes(12) + value
    if kind == "bytes32" and isinstance(value, bytes) and len(value) == 32:
        return value
    return _integer(kind, value, where)


def _integer(kind: str, value: Value, where: str) -> bytes:
    signed = kind.startswith("int")
    digits = kind.removeprefix("int" if signed else "uint")
    if not kind.startswith(("int", "uint")) or not digits.isdecimal() or type(value) is not int:
        raise BadInput(where, f"a value of type {kind}", value)
    bits = int(digits)
    least, most = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    if not least <= value <= most:
        raise BadInput(where, f"an integer of type {kind}", value)
    return value.to_bytes(32, "big", signed=signed)


def _plain(value: Value) -> Value:
    if isinstance(value, bytes):
        return to_hex(value)
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if type(value) is int:
        return str(value)
    return value
