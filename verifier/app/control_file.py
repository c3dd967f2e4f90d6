"""Files in which holders show control: a challenge, how it was signed, the signature, a contract's proven answer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from verifier.app.errors import UsageError
from verifier.attest.control import CHALLENGE, NAME, Challenge
from verifier.attest.eip712 import domain_of, typed_data
from verifier.attest.statement import Binding, Shown
from verifier.attest.strict_json import parse_json
from verifier.errors import VerifierError
from verifier.primitives import address, chain_id, hash32, parse_hex, timestamp, to_hex

SCHEMA: Final = "xmargin/control"
MAX_BYTES: Final = 8 << 20
"""A wallet's answer is proven by some tens of kilobytes; many contracts of full size still fit."""
_KEYS: Final = frozenset({"schema", "version", "challenge", "text", "typed_data", "kind", "signature"})


@dataclass(frozen=True, slots=True)
class Control:
    """
    What a file says; nothing of it is believed.

    Attributes:
        name: The file's, for messages.
        kind: How the challenge was signed.
        evidence: A bundle of the one call that a contract answers; None where the holder has a key of its own, or
            where nobody has gathered it yet.
    """

    name: str
    challenge: Challenge
    kind: Shown
    signature: bytes
    evidence: bytes | None = None


def challenge_json(challenge: Challenge, kind: Shown = Shown.EIP191) -> dict[str, object]:
    """A file for a holder to sign: the challenge, its text, its typed data, and room for the signature."""
    return {
        "schema": SCHEMA,
        "version": 1,
        "challenge": {
            "chain_id": challenge.binding.chain_id,
            "contract": to_hex(challenge.binding.contract),
            "account": challenge.account,
            "holder": to_hex(challenge.holder),
            "holder_chain": challenge.holder_chain,
            "issued_at": challenge.issued_at,
            "valid_until": challenge.valid_until,
            "nonce": to_hex(challenge.nonce),
        },
        "text": challenge.text,
        "typed_data": typed_data(domain_of(challenge.binding, NAME), CHALLENGE, "Control", challenge.value),
        "kind": kind.value,
        "signature": None,
    }


def control_json(control: Control) -> dict[str, object]:
    """The file again, with the signature and the evidence."""
    made = challenge_json(control.challenge, control.kind) | {"signature": to_hex(control.signature)}
    return made if control.evidence is None else made | {"evidence": to_hex(control.evidence)}


def read_control(path: Path) -> Control:
    """
    What a control file says.

    Raises:
        UsageError: It cannot be read, or is none.
    """
    try:
        with path.open("rb") as file:
            return parse_control(file.read(MAX_BYTES + 1), path.name)
    except VerifierError as error:
        raise UsageError(f"{path.name} shows no control: {error}", "let the holder sign a new challenge") from None
    except OSError as error:
        raise UsageError(f"{path.name} cannot be read: {error.strerror}") from None


def read_controls(paths: Iterable[Path]) -> tuple[Control, ...]:
    """What several control files say. Raises as `read_control`."""
    return tuple(read_control(path) for path in paths)


def parse_control(data: bytes, name: str = "the file") -> Control:
    """
    What such a file says.

    Raises:
        UsageError: It is none, or nobody has signed it.
        Malformed, LimitExceeded, BadAttestation: Not JSON, too large, or with a challenge that cannot be.
    """
    document = parse_json(data, MAX_BYTES)
    if not isinstance(document, dict) or document.keys() - {"evidence"} != _KEYS or document["schema"] != SCHEMA:
        raise UsageError(f"{name} is no control file", "xmargin attest challenge writes one")
    inner = document["challenge"]
    if not isinstance(inner, dict) or document["signature"] is None:
        raise UsageError(f"{name}: the challenge is not signed", 'put the holder\'s signature under "signature"')
    try:
        challenge = Challenge(
            Binding(chain_id(inner["chain_id"]), address(parse_hex(inner["contract"]))),
            str(inner["account"]),
            address(parse_hex(inner["holder"])),
            chain_id(inner["holder_chain"]),
            timestamp(inner["issued_at"]),
            timestamp(inner["valid_until"]),
            hash32(parse_hex(inner["nonce"])),
        )
        kind, signature = Shown(str(document["kind"])), parse_hex(document["signature"], "signature")
        evidence = parse_hex(document["evidence"], "evidence") if "evidence" in document else None
    except (KeyError, ValueError) as error:
        raise UsageError(f"{name} is no control file: {type(error).__name__}") from None
    return Control(name, challenge, kind, signature, evidence)
