"""Control: that whoever is attested for holds the key of an address, shown by a signature over a challenge.

A balance says nothing of who stands behind it. The challenge names the account, the holder, one chain, one statement's
place and a time, so a signature given for one of these shows nothing for another, and one given long ago shows nothing
now. EIP-191 is for people and old wallets, EIP-712 for wallets that show fields; for contracts ERC-1271 by proven call.

Source: EIP-191, version 0x45; EIP-712; ERC-1271.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from verifier.attest.eip712 import Types, domain_of, recover_typed, typed_digest
from verifier.attest.statement import Binding, Shown
from verifier.calls import Call
from verifier.checker import Checker
from verifier.claims import CallReading
from verifier.crypto.keccak import keccak256
from verifier.encoders.abi import encode_call
from verifier.errors import BadAttestation, VerifierError, Where
from verifier.evidence import Bundle
from verifier.primitives import Address, ChainId, Hash32, Timestamp, to_hex
from verifier.proven import Ended, ProvenCall
from verifier.verify import Refusal
from verifier.verify_calls import verify_calls
from verifier.wire import parse_bundle

if TYPE_CHECKING:
    from verifier.attest.eip712 import Value

MAGIC_1271: Final = bytes.fromhex("1626ba7e")
CHALLENGE: Final[Types] = {
    "Control": (
        ("account", "string"),
        ("holder", "address"),
        ("holderChain", "uint256"),
        ("issuedAt", "uint64"),
        ("validUntil", "uint64"),
        ("nonce", "bytes32"),
    )
}
NAME: Final = "xmargin control"
MAX_VALID: Final = 366 * 86_400
"""Seconds: what was signed longer ago shows who held the key then."""
_HERE: Final = Where(network="attestation")


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a holder signs. `nonce` is the asker's, and used once."""

    binding: Binding
    account: str
    holder: Address
    holder_chain: ChainId
    issued_at: Timestamp
    valid_until: Timestamp
    nonce: Hash32

    def __post_init__(self) -> None:
        if not self.issued_at < self.valid_until <= self.issued_at + MAX_VALID:
            expected = f"at most {MAX_VALID} s from issue to expiry"
            raise BadAttestation(_HERE, "a challenge", expected, self.valid_until - self.issued_at)

    @property
    def text(self) -> str:
        """The challenge as a person reads it (EIP-191)."""
        return (
            f"I control {to_hex(self.holder)} on chain {self.holder_chain}, "
            f'and it belongs to the margin account "{self.account}".\n'
            f"For: chain {self.binding.chain_id}, contract {to_hex(self.binding.contract)}\n"
            f"Issued: {self.issued_at}\nValid until: {self.valid_until}\nNonce: {to_hex(self.nonce)}\n"
            "This is no transaction, and moves nothing."
        )

    @property
    def eip191_digest(self) -> Hash32:
        """What `personal_sign` signs."""
        message = self.text.encode()
        return keccak256(b"\x19Ethereum Signed Message:\n" + str(len(message)).encode() + message)

    @property
    def eip712_digest(self) -> Hash32:
        """What a wallet signs that shows fields."""
        return typed_digest(domain_of(self.binding, NAME), CHALLENGE, "Control", self.value)

    @property
    def value(self) -> dict[str, Value]:
        """The challenge as a struct."""
        return {
            "account": self.account,
            "holder": self.holder,
            "holderChain": self.holder_chain,
            "issuedAt": self.issued_at,
            "validUntil": self.valid_until,
            "nonce": self.nonce,
        }


def verify_control(challenge: Challenge, signature: bytes, kind: Shown, now: Timestamp) -> Shown:
    """
    Establish that the holder signed the challenge with its own key.

    Args:
        signature: Untrusted, 65 bytes.
        kind: EIP191 or EIP712.

    Raises:
        BadAttestation: Too early or too late, another key's signature, or a kind that is not checked here.
        MalformedAttestation: Not a signature in its one form.
    """
    check_time(challenge, now)
    if kind is Shown.EIP191:
        digest = challenge.eip191_digest
    elif kind is Shown.EIP712:
        digest = challenge.eip712_digest
    else:
        raise BadAttestation(_HERE, "how control is shown", "eip191 or eip712", kind.value)
    recover_typed(digest, signature, challenge.holder)
    return kind


def control_call(challenge: Challenge, signature: bytes) -> Call:
    """The question for a contract that is a holder: whether the signature is its own (`isValidSignature`)."""
    data = encode_call("isValidSignature", ("bytes32", "bytes"), (challenge.eip712_digest, signature))
    return Call(challenge.holder, data)


def verify_contract_control(challenge: Challenge, signature: bytes, answer: ProvenCall, now: Timestamp) -> Shown:
    """
    Establish that a contract takes the signature for its own, by its own code over proven state.

    Args:
        answer: The proven answer to `control_call`, under a header of the holder's chain within the challenge's time.

    Raises:
        BadAttestation: The answer to another question, of another chain or time, or a no.
    """
    check_time(challenge, now)
    header = answer.rests_on
    if answer.call != control_call(challenge, signature):
        raise BadAttestation(_HERE, "the call", "isValidSignature over this challenge", answer.call)
    if header.network.chain_id != challenge.holder_chain:
        raise BadAttestation(_HERE, "the holder's chain", challenge.holder_chain, header.network.chain_id)
    check_time(challenge, header.timestamp)
    said = answer.output
    if answer.ended is not Ended.RETURNED or said != MAGIC_1271.ljust(32, b"\x00"):
        raise BadAttestation(_HERE, "what the contract says", "its magic value", said)
    return Shown.ERC1271


def verify_proven_control(challenge: Challenge, signature: bytes, evidence: bytes, checker: Checker) -> Shown:
    """
    Establish the same from a bundle of that one call, under the checker's own roots and policy.

    Args:
        evidence: Untrusted bytes of a bundle of calls.

    Raises:
        Malformed, ProofError, PolicyError: The bundle proves no answer to this checker.
        BadAttestation: As `verify_contract_control`; or the bundle holds more than the one call.
    """
    check_time(challenge, checker.now)
    _check_asked(challenge, signature, parse_bundle(evidence, checker.limits).bundle)
    (answer,) = verify_calls(evidence, checker).outcomes
    if isinstance(answer, Refusal):
        if isinstance(answer.error, VerifierError):
            raise answer.error
        raise BadAttestation(_HERE, "the call", "an answer that is proven", str(answer.error))
    return verify_contract_control(challenge, signature, answer, checker.now)


def _check_asked(challenge: Challenge, signature: bytes, bundle: Bundle) -> None:
    """That evidence is for the one call and for no other: nothing of a stranger's choice is run."""
    if len(bundle.claims) != 1:
        raise BadAttestation(_HERE, "the calls in the evidence", 1, len(bundle.claims))
    reading = bundle.claims[0].reading
    asked = reading.call if isinstance(reading, CallReading) else None
    if asked != control_call(challenge, signature):
        raise BadAttestation(_HERE, "the call", "isValidSignature over this challenge", asked)


def check_time(challenge: Challenge, now: Timestamp) -> None:
    """
    Establish that a challenge holds now.

    Raises:
        BadAttestation: It does not yet, or no longer.
    """
    if not challenge.issued_at <= now <= challenge.valid_until:
        expected = f"from {challenge.issued_at} to {challenge.valid_until}"
        raise BadAttestation(_HERE, "the time of a challenge", expected, now)
