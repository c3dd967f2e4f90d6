"""When it was: slots in their order and before the clock, nothing out of date, and nothing that contradicts what is known."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.hostile.light.clients import FULU, begun, known, refused
from verifier.consensus.advance import advance
from verifier.consensus.light_client import attested_beacon, finalized_beacon
from verifier.consensus.parse import decode_finality_update, decode_update
from verifier.errors import FromTheFuture, Misbehaviour, NothingNew, WrongOrder, WrongSignature


@pytest.mark.covers("LC-09")
def test_a_moved_signature_slot_changes_no_time() -> None:
    """It is under no signature: within period and fork it can be moved, and what is proven keeps its own slot."""
    moved = replace(FULU.update(50, 32), signature_slot=60)
    state = advance(known(), moved, FULU.time(60))
    assert finalized_beacon(state).timestamp == FULU.time(32)
    assert attested_beacon(state).timestamp == FULU.time(50)


@pytest.mark.covers("LC-10")
def test_slots_must_follow_one_another_and_the_clock() -> None:
    """now >= signature > attested >= finalized."""
    good = FULU.update(50, 32)
    assert refused(FromTheFuture, good, now=50).refusal_class == "FRESHNESS"
    assert advance(known(), good, FULU.time(51)).finalized.slot == 32
    refused(FromTheFuture, good, known(), now=49)
    assert refused(WrongOrder, FULU.signed(replace(good, signature_slot=50)), now=60).refusal_class == "FRESHNESS"
    refused(WrongOrder, FULU.signed(replace(good, signature_slot=49)), now=60)
    refused(WrongOrder, FULU.update(50, 51, 55), now=60)
    assert advance(known(), FULU.update(50, 50, 51), FULU.time(60)).finalized.slot == 50


@pytest.mark.covers("LC-11")
def test_an_older_update_changes_nothing() -> None:
    """Valid, signed, and out of date; nor does the same update count twice."""
    state = advance(known(), FULU.update(50, 40), FULU.time(51))
    for update in (FULU.update(40, 24), FULU.update(45, 32), FULU.update(50, 40), FULU.update(49, None)):
        refused(NothingNew, update, state, now=60)
    assert refused(NothingNew, FULU.update(40, 24), state, now=60).what == "the attested header"
    alone = FULU.update(14, None, committee=False)
    assert refused(NothingNew, alone, begun(), now=60).what == "the attested header"
    newer = advance(state, FULU.update(52, 40), FULU.time(53))
    assert (newer.finalized.slot, newer.newest.slot) == (40, 52)
    refused(NothingNew, FULU.update(51, 32), newer, now=60)
    across = advance(state, FULU.update(70, 64), FULU.time(71))
    refused(NothingNew, FULU.update(60, 48), across, now=71)


@pytest.mark.covers("LC-11")
def test_two_final_headers_for_one_slot_stop_the_client() -> None:
    """Both are signed: that is an alarm with its evidence, not a choice."""
    state = advance(known(), FULU.update(50, 40), FULU.time(51))
    other = FULU.update(53, 40, salt=b"other")
    error = refused(Misbehaviour, other, state)
    assert (error.slot, error.refusal_class) == (40, "FINALITY")
    assert error.known_root == FULU.header(40).beacon.root
    assert error.other_root == FULU.header(40, salt=b"other").beacon.root
    assert decode_finality_update(FULU.config, None, error.known).finalized == state.finalized
    assert decode_update(FULU.config, None, error.other) == other
    refused(WrongSignature, replace(other, bits=(*(True,) * 31, False)), state)
    assert advance(state, FULU.update(53, 40), FULU.time(54)).newest.slot == 53


@pytest.mark.covers("LC-11")
def test_another_next_committee_for_a_known_period_stops_the_client() -> None:
    """Signed and proven, it contradicts the one that is known; forged, it is a forgery."""
    other = FULU.update(50, 32, following=FULU.committee(9))
    error = refused(Misbehaviour, other)
    assert (error.known_root, error.other_root) == (FULU.committee(1).root, FULU.committee(9).root)
    refused(WrongSignature, replace(other, signature=FULU.update(50, 32).signature))
