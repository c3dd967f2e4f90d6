"""Control of a contract holder out of a bundle of its one call: what is established, and what shows nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.simulators.evm_world import OTHER, TO, Account, EvmWorld
from tests.simulators.trie_builder import keccak
from tests.verifier.attest.build import BINDING
from verifier.attest.control import MAGIC_1271, MAX_VALID, Challenge, control_call, verify_proven_control
from verifier.attest.statement import Shown
from verifier.calls import Call
from verifier.errors import BadAttestation, MalformedBundle, MissingNode, NoTrustRoot, TooOld
from verifier.evidence import Bundle
from verifier.primitives import ChainId, Hash32, Timestamp
from verifier.verify_calls import call_claim
from verifier.wire import encode_bundle

WORLD_TIME = 1_700_000_000
YES = bytes.fromhex("631626ba7e60e01b60005260206000f3")
"""Takes every signature."""
SIGNATURE = b"any bytes"
ASKED = Challenge(
    BINDING, "desk", TO, ChainId(1), Timestamp(WORLD_TIME), Timestamp(WORLD_TIME + 60), Hash32(b"\3" * 32)
)


def world(code: bytes = YES) -> EvmWorld:
    return EvmWorld({TO: Account(code), OTHER: Account(YES)})


def codes(made: EvmWorld, *calls: Call) -> list[bytes]:
    return [made.accounts[call.to].code for call in calls]


def only(made: EvmWorld, *calls: Call) -> Bundle:
    """Exactly the nodes that these calls use."""
    bundle = made.bundle([call_claim(ChainId(1), call) for call in calls], codes=codes(made, *calls))
    state = made.section()
    for call in calls:
        state.call(call)
    nodes = tuple(node for node in bundle.nodes if Hash32(keccak(node)) in state.used)
    (section,) = bundle.sections
    return replace(bundle, nodes=nodes, sections=(replace(section, nodes=tuple(range(len(nodes)))),))


def shown(made: EvmWorld, challenge: Challenge = ASKED, bundle: Bundle | None = None, **checker: object) -> Shown:
    data = encode_bundle(only(made, control_call(challenge, SIGNATURE)) if bundle is None else bundle)
    return verify_proven_control(challenge, SIGNATURE, data, replace(made.checker(), **checker))


@pytest.mark.covers("MRG-05")
def test_a_contract_that_says_yes_shows_control() -> None:
    """No policy has to name it: what it says of its own signature is its own word, and the statement says so."""
    assert shown(world()) is Shown.ERC1271


@pytest.mark.parametrize(
    "code",
    [
        bytes.fromhex("600160005260206000f3"),
        bytes.fromhex("631626ba7e60005260206000f3"),
        bytes.fromhex("631626ba7e60e01b60005260406000f3"),
        bytes.fromhex("631626ba7e60e01b600052600460006000fd"),
        bytes.fromhex("631626ba7e60e01b60005260206000fd"),
        bytes.fromhex("631626ba7e60e01b60005260046000f3"),
        bytes.fromhex("fe"),
    ],
    ids=["true", "other-end", "two-words", "bare-revert", "reverts-with-it", "four-bytes", "halt"],
)
def test_another_answer_shows_nothing(code: bytes) -> None:
    """One whole word with the value at its front, returned and not reverted with; nothing else will do."""
    with pytest.raises(BadAttestation, match="what the contract says"):
        shown(world(code))


def test_the_call_must_be_the_challenge_s() -> None:
    """Of this contract, over this digest and signature, by nobody in particular, and alone."""
    made = world()
    right = control_call(ASKED, SIGNATURE)
    for call in (
        control_call(ASKED, b"other"),
        control_call(replace(ASKED, nonce=Hash32(b"\4" * 32)), SIGNATURE),
        Call(OTHER, right.data),
        Call(TO, right.data, sender=OTHER),
        Call(TO, right.data, gas=9_000_000),
    ):
        with pytest.raises(BadAttestation, match="the call"):
            shown(made, bundle=only(made, call))
    with pytest.raises(BadAttestation, match="the calls in the evidence"):
        shown(made, bundle=only(made, right, Call(OTHER, right.data)))
    assert right.data[4:36] == ASKED.eip712_digest
    assert shown(made, bundle=only(made, right)) is Shown.ERC1271


def test_the_holder_s_chain_and_time_are_the_block_s() -> None:
    """At the edges it holds; a second outside, or on another chain, it does not."""
    made = world()
    for issued, until in ((WORLD_TIME, WORLD_TIME + 9), (WORLD_TIME - 60, WORLD_TIME + 9)):
        asked = replace(ASKED, issued_at=Timestamp(issued), valid_until=Timestamp(until))
        assert shown(made, asked) is Shown.ERC1271
    for issued, until in ((WORLD_TIME + 1, WORLD_TIME + 60), (WORLD_TIME - 60, WORLD_TIME - 1)):
        asked = replace(ASKED, issued_at=Timestamp(issued), valid_until=Timestamp(until))
        with pytest.raises(BadAttestation, match="the time of a challenge"):
            shown(made, asked)
    with pytest.raises(BadAttestation, match="the holder's chain"):
        shown(made, replace(ASKED, holder_chain=ChainId(2)))


def test_a_challenge_is_not_for_ever() -> None:
    """From issue to expiry a year and a day at most, and not nothing."""
    assert replace(ASKED, valid_until=Timestamp(WORLD_TIME + MAX_VALID)).valid_until == WORLD_TIME + MAX_VALID
    for until in (WORLD_TIME + MAX_VALID + 1, WORLD_TIME, WORLD_TIME - 1):
        with pytest.raises(BadAttestation, match="a challenge"):
            replace(ASKED, valid_until=Timestamp(until))


def test_evidence_is_held_against_the_checker_s_own_roots_and_policy() -> None:
    """No root, too old, a node missing, not a bundle: each by its own name."""
    made = world()
    with pytest.raises(NoTrustRoot):
        shown(made, roots=())
    late = Timestamp(WORLD_TIME + 10**6)
    asked = replace(ASKED, valid_until=Timestamp(late + 1))
    with pytest.raises(TooOld):
        shown(made, asked, now=late)
    bundle = only(made, control_call(ASKED, SIGNATURE))
    (section,) = bundle.sections
    less = replace(bundle, nodes=bundle.nodes[1:], sections=(replace(section, nodes=section.nodes[:-1]),))
    with pytest.raises(MissingNode):
        shown(made, bundle=less)
    with pytest.raises(MalformedBundle):
        verify_proven_control(ASKED, SIGNATURE, b"\x00", made.checker())
    assert len(MAGIC_1271) == 4
