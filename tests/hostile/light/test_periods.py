"""Whose turn it is: committees sign in their own period, none is skipped, and the next one needs its proof."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.hostile.light.clients import FULU, begun, known, refused
from tests.simulators.beacon import BeaconChain, devnet
from verifier.consensus.advance import advance
from verifier.consensus.containers import NO_NEXT, no_committee
from verifier.consensus.forks import Fork
from verifier.errors import WrongHash, WrongPeriod, WrongSignature


@pytest.mark.covers("LC-05")
def test_a_committee_signs_in_its_own_period_only() -> None:
    """At the border: the old committee until the last slot of its period, the new one from the next slot on.

    slot      62  63 | 64  65
    signed    old old| new new
    """
    state = known()
    for signature in (63, 64, 65):
        update = FULU.update(62, 32, signature)
        assert advance(state, update, FULU.time(signature)).finalized.slot == 32
        wrong = FULU.update(62, 32, signature, signed_by=1 if signature < 64 else 0)
        refused(WrongSignature, wrong, state)


@pytest.mark.covers("LC-05")
@pytest.mark.parametrize("signature", [8191, 8192, 8193])
def test_the_border_of_a_period_of_mainnet_s_length(signature: int) -> None:
    """8192 slots: the committee of period 0 signs up to slot 8191, that of period 1 from 8192 on."""
    chain = BeaconChain(devnet((Fork.FULU, 0), EPOCHS_PER_SYNC_COMMITTEE_PERIOD="1024"))
    state = advance(begun(chain, 8_100), chain.update(8_150, 8_120), chain.time(8_151))
    good = chain.update(8_190, 8_128, signature)
    assert advance(state, good, chain.time(signature)).finalized.slot == 8_128
    wrong = chain.update(8_190, 8_128, signature, signed_by=1 if signature < 8_192 else 0)
    refused(WrongSignature, wrong, state, chain=chain)


@pytest.mark.covers("LC-05")
def test_no_period_is_skipped() -> None:
    """Two periods ahead, and one ahead while the next committee is unknown, are both too far."""
    error = refused(WrongPeriod, FULU.update(130, 128))
    assert (error.refusal_class, error.expected, error.got) == ("SIGNATURE", "period 0 or 1", 2)
    assert refused(WrongPeriod, FULU.update(70, 64), begun()).expected == "period 0"
    state = advance(known(), FULU.update(70, 64), FULU.time(71))
    assert (state.period, state.next is not None) == (1, True)
    assert advance(state, FULU.update(130, 128), FULU.time(131)).period == 2


@pytest.mark.covers("LC-06")
def test_a_next_committee_needs_its_proof_in_the_attested_state() -> None:
    """Not under the finalized state, not at the current committee's place, not of zeros, and not without a branch."""
    state = begun()
    good = FULU.update(40, 24)
    strangers = FULU.committee(9)
    under_finalized = FULU.state(24).branch(FULU.config.indices_of(24).next)
    refused(WrongHash, replace(good, next_branch=(bytes(32),) * 5 + under_finalized), state)
    refused(WrongHash, replace(good, next_committee=strangers), state)
    refused(WrongHash, replace(good, next_committee=no_committee(32)), state)
    refused(WrongHash, replace(good, next_committee=strangers, next_branch=NO_NEXT), state)
    refused(WrongHash, replace(good, next_committee=FULU.committee(0)), state)
    nothing = replace(good, next_committee=no_committee(32), next_branch=NO_NEXT)
    assert advance(state, nothing, FULU.time(41)).next is None
    assert advance(state, good, FULU.time(41)).next is not None


@pytest.mark.covers("LC-06")
def test_an_unknown_committee_stays_unknown_across_a_period() -> None:
    """A finality update over the border brings no committee: the next one is then unknown, never one of zeros."""
    state = advance(known(), FULU.update(70, 64, committee=False), FULU.time(71))
    assert (state.period, state.next, state.next_period_wanted) == (1, None, 1)
    refused(WrongPeriod, FULU.update(130, 128), state)
    state = advance(state, FULU.update(80, 72), FULU.time(81))
    assert state.next is not None
    assert state.next.members == FULU.committee(2)
