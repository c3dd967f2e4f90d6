"""What is final: an attested header never, one without a proof neither, and nothing by force."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.hostile.light.clients import FULU, PERIOD, begun, known, refused
from verifier.consensus.advance import advance
from verifier.consensus.containers import NO_FINALITY, NO_HEADER, LightClientHeader
from verifier.consensus.light_client import attested_beacon, finalized_beacon, require_fresh
from verifier.errors import Misbehaviour, NotFinal, NothingNew, TooFewSigners, TooOld, WrongHash
from verifier.policy import STRICT
from verifier.primitives import ZERO_HASH
from verifier.trust import Anchor


@pytest.mark.covers("LC-03")
def test_an_attested_header_is_never_taken_for_final() -> None:
    """An optimistic update moves the newest header alone, and what hangs under it says `attested`."""
    state = known()
    after = advance(state, FULU.update(50, None, committee=False), FULU.time(51))
    assert after.finalized == state.finalized
    assert finalized_beacon(after).slot == 24
    beacon = attested_beacon(after)
    assert (beacon.slot, beacon.trust.anchor) == (50, Anchor.ATTESTED)
    assert not STRICT.takes(beacon.trust)
    assert STRICT.takes(finalized_beacon(after).trust)


def test_an_update_that_finalizes_the_checkpoint_itself_says_so() -> None:
    """The checkpoint's header is the checker's word until two thirds call it final; a second time is nothing new."""
    state = begun()
    assert finalized_beacon(state).trust.anchor is Anchor.PINNED
    assert finalized_beacon(state).trust.participation is None
    after = advance(state, FULU.update(40, 16, committee=False), FULU.time(41))
    assert (after.finalized, finalized_beacon(after).trust.anchor) == (state.finalized, Anchor.FINALIZED)
    assert finalized_beacon(after).signers == 32
    refused(NothingNew, FULU.update(40, 16, committee=False), after)
    refused(Misbehaviour, FULU.update(40, 16, committee=False, salt=b"other"), state)


@pytest.mark.covers("LC-03")
def test_a_finalized_header_without_a_proof_is_refused() -> None:
    """A branch of zeros is no proof, and no header is none."""
    good = FULU.update(50, 32)
    assert refused(NotFinal, replace(good, finality_branch=NO_FINALITY)).refusal_class == "FINALITY"
    refused(WrongHash, replace(good, finalized=NO_HEADER))
    refused(WrongHash, replace(good, finalized=FULU.header(33)))
    genesis = LightClientHeader(replace(NO_HEADER.beacon, proposer_index=1), ZERO_HASH, NO_HEADER.execution_branch)
    refused(NotFinal, replace(good, finalized=genesis))
    after = advance(known(), replace(good, finalized=NO_HEADER, finality_branch=NO_FINALITY), FULU.time(51))
    assert after.finalized.slot == 24


@pytest.mark.covers("LC-04")
def test_nothing_is_ever_forced() -> None:
    """After any time without finality a weak update is still too weak, and the state is stale rather than wrong."""
    state = known()
    late = 24 + PERIOD + 1
    refused(TooFewSigners, FULU.update(60, None, signers=21), state, now=late)
    after = advance(state, FULU.update(60, None), FULU.time(late))
    assert after.finalized.slot == 24
    with pytest.raises(TooOld) as caught:
        require_fresh(after, FULU.time(late), 300)
    assert (caught.value.refusal_class, caught.value.got) == ("FRESHNESS", 6 * (PERIOD + 1))
    require_fresh(after, FULU.time(24) + 300, 300)


def test_what_moved_a_header_is_kept_beside_it() -> None:
    """The first update that finalized a header, and the first that attested the newest, stay its evidence."""
    state = advance(known(), FULU.update(50, 40), FULU.time(51))
    newer = advance(state, FULU.update(52, 40), FULU.time(53))
    assert (newer.finality, newer.attestation) == (state.finality, FULU.update(52, 40).without_committee())
    again = advance(state, FULU.update(50, 48), FULU.time(53))
    assert (again.finalized.slot, again.newest, again.attestation) == (48, state.newest, state.attestation)
    both = advance(state, FULU.update(60, 60), FULU.time(61))
    assert (both.newest, both.attestation) == (both.finalized, None)
    assert attested_beacon(both) == finalized_beacon(both)
    older = advance(begun(), FULU.update(30, 8, committee=False), FULU.time(31))
    assert (older.finality, older.finalized.slot, older.newest.slot) == (None, 16, 30)
