"""Evidence of what a contract answers to a challenge: for that one call, or not looked at any further."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.simulators.evm_world import TO, Account, EvmWorld
from tests.verifier.attest.build import BINDING
from verifier.attest import control
from verifier.attest.control import Challenge, control_call, verify_proven_control
from verifier.attest.statement import Shown
from verifier.calls import Call
from verifier.errors import BadAttestation, BadInput
from verifier.primitives import Address, ChainId, Hash32, Timestamp
from verifier.verify_calls import call_claim, verify_calls
from verifier.wire import encode_bundle

YES = bytes.fromhex("631626ba7e60e01b60005260206000f3")
"""Answers every call with the magic value."""
WORLD = EvmWorld({TO: Account(YES)})
NOW = WORLD.checker().now
CHALLENGE = Challenge(
    BINDING, "test", TO, ChainId(1), Timestamp(WORLD.time - 60), Timestamp(WORLD.time + 3_600), Hash32(b"\x01" * 32)
)
SIGNED = b"\x02" * 65
ASKED = control_call(CHALLENGE, SIGNED)


def evidence(*calls: Call) -> bytes:
    return encode_bundle(WORLD.bundle([call_claim(ChainId(1), call) for call in calls]))


def test_evidence_of_the_one_call_shows_control() -> None:
    """The contract's own code takes the signature, over proven state."""
    assert verify_proven_control(CHALLENGE, SIGNED, evidence(ASKED), WORLD.checker()) is Shown.ERC1271


@pytest.mark.parametrize(
    ("calls", "words"),
    [
        ((ASKED, replace(ASKED, gas=21_000 + 50_000)), "the calls in the evidence"),
        ((replace(ASKED, gas=50_000_000),), "isValidSignature over this challenge"),
        ((control_call(CHALLENGE, b"\x03" * 65),), "isValidSignature over this challenge"),
        ((replace(ASKED, to=Address(b"\x09" * 20)),), "isValidSignature over this challenge"),
    ],
    ids=["another beside it", "more work", "another signature", "another contract"],
)
def test_nothing_else_is_run(monkeypatch: pytest.MonkeyPatch, calls: tuple[Call, ...], words: str) -> None:
    """A file from a stranger may name a thousand calls of a second each: it is refused before the first."""
    ran: list[bytes] = []
    monkeypatch.setattr(control, "verify_calls", lambda data, checker: ran.append(data) or verify_calls(data, checker))
    with pytest.raises(BadAttestation, match=words):
        verify_proven_control(CHALLENGE, SIGNED, evidence(*calls), WORLD.checker())
    assert not ran


def test_a_bundle_of_figures_is_no_evidence() -> None:
    """Beside the one call there is nothing, prices neither."""
    claim = call_claim(ChainId(1), ASKED)
    bare = encode_bundle(WORLD.bundle([replace(claim, reading=None, asset=replace(claim.asset, contract=None))]))
    with pytest.raises(BadAttestation, match="isValidSignature"):
        verify_proven_control(CHALLENGE, SIGNED, bare, WORLD.checker())
    with pytest.raises(BadInput, match="bundle of calls"):
        verify_calls(bare, WORLD.checker())
