"""Evidence for a light client, run again by a checker: what it begins from, how old that may be, what is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.simulators.beacon_data import bootstrap_of, checkpoint_of, config_of, load, updates_of
from verifier.consensus.advance import advance
from verifier.consensus.bootstrap import start
from verifier.consensus.containers import encode_bootstrap, encode_update
from verifier.consensus.replay import Beginnings, Reached, reach
from verifier.consensus.shapes import Kind
from verifier.errors import (
    CheckpointTooOld,
    FromTheFuture,
    Malformed,
    NoTrustRoot,
    ProofError,
    UnusedEvidence,
    WrongPeriod,
)
from verifier.evidence import LightEvidence
from verifier.primitives import Hash32, Timestamp
from verifier.trust import Anchor, Checkpoint

pytestmark = pytest.mark.shared
DAY = 86_400
PERIODS = 3


@pytest.fixture(scope="module")
def walked():
    """Mainnet over the Electra fork: a checkpoint, three updates, the states after each, and the time right then."""
    bundle = load("real/mainnet/deneb-electra-chain-1421-1471")
    config = config_of(bundle)
    updates = [update for update, _ in zip(updates_of(bundle, config), range(PERIODS), strict=False)]
    now = config.time_of(updates[-1].signature_slot)
    bootstrap = bootstrap_of(bundle, config)
    state = start(checkpoint_of(bundle, config), bootstrap, config, now)
    states = [state]
    for update in updates:
        states.append(advance(states[-1], update, now))
    light = LightEvidence(encode_bootstrap(bootstrap), tuple(encode_update(u, Kind.UPDATE) for u in updates))
    return config, checkpoint_of(bundle, config), light, states, now


def reached(walked, light=None, *, points=None, states=(), wanted=None, after=0) -> Reached:
    config, point, evidence, known, now = walked
    begin = Beginnings(config, (point,) if points is None else points, tuple(states))
    asked = known[-1].finalized.execution_hash if wanted is None else wanted
    return reach(begin, evidence if light is None else light, asked, Timestamp(now + after))


def test_a_checker_with_the_same_checkpoint_reaches_the_anchor(walked):
    """The beacon header is final, with the part of the committee that signed, and rests on the checkpoint."""
    config, point, _, states, _ = walked
    found = reached(walked)
    assert found.beacon.root == states[-1].finalized.beacon.root
    assert found.beacon.trust.anchor is Anchor.FINALIZED
    assert found.beacon.trust.participation > 900_000
    assert found.beacon.rests_on == point


@pytest.mark.covers("LC-12")
def test_a_checkpoint_of_another_is_none_of_ours(walked):
    """Evidence that begins at a root which the checker did not give leads nowhere."""
    config, point, *_ = walked
    other = Checkpoint(config.chain_id, Hash32(bytes(31) + b"\x01"))
    with pytest.raises(NoTrustRoot):
        reached(walked, points=(other,))
    with pytest.raises(NoTrustRoot):
        reached(walked, points=())


@pytest.mark.covers("LC-12")
def test_an_old_bundle_stands_only_for_whoever_recorded_it(walked):
    """When the checkpoint is too old, a late checker is refused; one that kept the state then still has its word."""
    states = walked[3]
    with pytest.raises(CheckpointTooOld):
        reached(walked, after=30 * DAY)
    found = reached(walked, states=states[-1:], after=30 * DAY)
    assert found.beacon.trust.anchor is Anchor.FINALIZED


@pytest.mark.covers("LC-12")
def test_an_old_state_leads_on_to_nothing(walked):
    """A kept state that is too old proves what it recorded, and no update after it."""
    states = walked[3]
    with pytest.raises(CheckpointTooOld):
        reached(walked, states=states[1:2], after=30 * DAY)


def test_a_kept_state_needs_no_bootstrap(walked):
    """Evidence without the way from the checkpoint is enough for whoever has come as far before."""
    _, _, light, states, _ = walked
    short = replace(light, bootstrap=None)
    assert reached(walked, short, states=states[1:2]).state.finalized == states[-1].finalized
    with pytest.raises(NoTrustRoot):
        reached(walked, short)


def test_a_checkpoint_that_endpoints_named_gives_their_word(walked):
    """The anchor is a quorum's where the checkpoint is; the checker's own checkpoint beside it wins."""
    config, point, _, _, now = walked
    said = Checkpoint(config.chain_id, point.root, frozenset({"one", "two"}), 2, now)
    assert reached(walked, points=(said,)).beacon.trust.anchor is Anchor.QUORUM
    assert reached(walked, points=(said, point)).beacon.trust.anchor is Anchor.FINALIZED


@pytest.mark.covers("LC-05")
def test_a_period_left_out_is_refused(walked):
    """Without the update of a period the next one is signed by a committee that nobody proved."""
    light = walked[2]
    with pytest.raises(WrongPeriod):
        reached(walked, replace(light, updates=(light.updates[0], light.updates[2])))


def test_updates_in_another_order_are_refused(walked):
    """The second period's update before the first one's is of a committee that is not known yet."""
    light = walked[2]
    with pytest.raises(WrongPeriod):
        reached(walked, replace(light, updates=light.updates[::-1]))


@pytest.mark.covers("LC-10")
def test_updates_of_the_future_are_refused(walked):
    """A checker whose clock stands before the signature does not take it."""
    with pytest.raises(FromTheFuture):
        reached(walked, after=-DAY)


def test_another_block_is_not_anchored(walked):
    """Evidence that ends elsewhere than at the header it is to anchor anchors nothing."""
    with pytest.raises(NoTrustRoot):
        reached(walked, wanted=Hash32(b"\x07" * 32))


@pytest.mark.covers("LC-03")
def test_an_attestation_does_not_stand_beside_finality(walked):
    """An optimistic update where the anchor is final would be a second form of the same bundle."""
    light = walked[2]
    from verifier.consensus.parse import decode_update

    config = walked[0]
    attested = encode_update(decode_update(config, None, light.updates[-1]).without_committee(), Kind.OPTIMISTIC)
    with pytest.raises(UnusedEvidence):
        reached(walked, replace(light, attested=attested))


@pytest.mark.covers("LC-14")
@pytest.mark.parametrize("place", [0, 4, 100, 700, -60, -200])
def test_no_changed_byte_survives(walked, place):
    """A byte changed in the last update is refused; nothing of it is half applied."""
    light = walked[2]
    last = bytearray(light.updates[-1])
    last[place] ^= 1
    with pytest.raises((Malformed, ProofError)):
        reached(walked, replace(light, updates=(*light.updates[:-1], bytes(last))))


@pytest.mark.parametrize("part", ["bootstrap", "final", "attested"])
def test_noise_is_malformed(walked, part):
    """Bytes that are no such object are refused as what they are."""
    with pytest.raises(Malformed):
        reached(walked, replace(walked[2], **{part: b"\x00" * 40}))
