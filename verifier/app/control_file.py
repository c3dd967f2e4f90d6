"""Files in which holders show control: a challenge, how it was signed, and the signature. Checked when read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from verifier.app.errors import UsageError
from verifier.attest.control import CHALLENGE, NAME, Challenge, verify_control
from verifier.attest.eip712 import domain_of, typed_data
from verifier.attest.statement import Binding, Shown
from verifier.attest.strict_json import parse_json
from verifier.errors import VerifierError
from verifier.primitives import Address, Timestamp, address, chain_id, hash32, parse_hex, timestamp, to_hex

SCHEMA: Final = "xmargin/control"
MAX_BYTES: Final = 1 << 16
_KEYS: Final = frozenset({"schema", "version", "challenge", "text", "typed_data", "kind", "signature"})


def challenge_json(challenge: Challenge) -> dict[str, object]:
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
        "kind": "eip191",
        "signature": None,
    }


def read_controls(paths: list[Path], binding: Binding, account: str, now: Timestamp) -> Mapping[Address, Shown]:
    """
    For each holder, how control was shown: every file is checked, and must speak of this account and contract.

    Raises:
        UsageError: A file that is none, or that shows nothing for this account here and now.
    """
    found: dict[Address, Shown] = {}
    for path in paths:
        try:
            challenge, kind, signature = parse_control(path.read_bytes()[: MAX_BYTES + 1])
            if challenge.binding != binding or challenge.account != account:
                raise UsageError(f"{path.name} shows control for another account or contract")
            found[challenge.holder] = verify_control(challenge, signature, kind, now)
        except VerifierError as error:
            raise UsageError(f"{path.name} shows no control: {error}", "let the holder sign a new challenge") from None
        except OSError as error:
            raise UsageError(f"{path.name} cannot be read: {error.strerror}") from None
    return found


def parse_control(data: bytes) -> tuple[Challenge, Shown, bytes]:
    """
    The challenge of a file, how it was signed, and the signature.

    Raises:
        Malformed: Not such a file.
    """
    document = parse_json(data, MAX_BYTES)
    if not isinstance(document, dict) or document.keys() != _KEYS or document["schema"] != SCHEMA:
        raise UsageError("this is no control file", "xmargin attest challenge writes one")
    inner = document["challenge"]
    if not isinstance(inner, dict) or document["signature"] is None:
        raise UsageError("the challenge is not signed", 'put the holder\'s signature under "signature"')
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
        return challenge, Shown(str(document["kind"])), parse_hex(document["signature"], "signature")
    except (KeyError, ValueError) as error:
        raise UsageError(f"this is no control file: {type(error).__name__}") from None
