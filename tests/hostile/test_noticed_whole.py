"""Checks of the whole way whose removal no other test would notice: what is refused is never only missing, and says why."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from tests.hostile.test_noticed_assets import with_words
from tests.simulators.minting import header, network
from tests.simulators.world import World, balance_slot, checker, holder
from tests.verifier.verify.gathering import gather
from verifier.anchors import check_parent
from verifier.claims import Claim, Source
from verifier.consensus.networks import CONFIGS
from verifier.errors import (
    FromTheFuture,
    NoTrustRoot,
    NotUsable,
    TooOld,
    TrustTooWeak,
    UnreviewedMeaning,
    UnusedEvidence,
    Where,
)
from verifier.policy import STRICT, Policy
from verifier.primitives import ChainId, Hash32, Timestamp
from verifier.trust import Anchor, Checkpoint, Observed, Settlement, Trust
from verifier.verify import Refusal, too_weak, verify_bundle
from verifier.wire import encode_bundle, parse_bundle

WORLD = World(1, {holder(1): 5}, {holder(1): 7})


@pytest.fixture(scope="module")
def honest() -> bytes:
    """A bundle of one network, all of it good."""
    believed = checker(WORLD)
    data, _ = gather(WORLD.claims(), (WORLD,), believed, believed.now)
    return data


def refusals(data: bytes, believed) -> list[Refusal]:
    """All outcomes, none of which is a figure."""
    outcomes = verify_bundle(data, believed).outcomes
    assert all(isinstance(outcome, Refusal) for outcome in outcomes)
    return list(outcomes)


@pytest.mark.covers("MRG-03")
def test_what_is_refused_is_not_missing(honest: bytes) -> None:
    """Exit codes and the high figure tell lies from silence: only what nobody sent is missing."""
    good = checker(WORLD)
    assert not any(isinstance(o, Refusal) for o in verify_bundle(honest, good).outcomes)
    bundle = parse_bundle(honest).bundle
    section = replace(bundle.sections[0], nodes=(*bundle.sections[0].nodes, len(bundle.nodes)))
    surplus = encode_bundle(replace(bundle, nodes=(*bundle.nodes, b"\xff" * 40), sections=(section,)))
    cases = [
        (honest, replace(good, now=Timestamp(good.now - 10_000)), FromTheFuture),
        (honest, replace(good, roots=()), NoTrustRoot),
        (surplus, good, UnusedEvidence),
    ]
    for data, believed, error in cases:
        for refusal in refusals(data, believed):
            assert isinstance(refusal.error, error)
            assert not refusal.missing


def test_a_claim_that_fails_alone_is_refused_not_missing() -> None:
    """One word that its layout does not explain, beside one that it does."""
    world = with_words({balance_slot(holder(1)): 2**255, balance_slot(holder(2)): 5})
    layout = replace(world.token.layout, width_bits=255)
    asset = replace(world.token, layout=layout)
    believed = checker(world, meanings={asset.key: world.known(asset=asset)})
    data, _ = gather([Claim(asset, holder(1)), Claim(asset, holder(2))], (world,), believed, believed.now)
    strange, plain = verify_bundle(data, believed).outcomes
    assert isinstance(strange.error, NotUsable)
    assert not strange.missing
    assert plain.amount == 5


def test_the_fact_that_is_too_weak_is_named() -> None:
    """The anchor where the policy does not take it; else the settlement."""
    where = Where(network="net1")
    rollups = Policy("test", anchors=frozenset({Anchor.PINNED}), settlements=frozenset({Settlement.SETTLED}))
    anchor = too_weak(where, Trust(Anchor.RPC, Settlement.SETTLED), rollups)
    assert (anchor.fact, anchor.got) == ("the anchor", "rpc")
    settlement = too_weak(where, Trust(Anchor.PINNED, Settlement.PROPOSED), rollups)
    assert (settlement.fact, settlement.got) == ("the settlement", "proposed")
    data, _ = gather(WORLD.claims(), (WORLD,), checker(WORLD), checker(WORLD).now)
    seen = Observed(
        WORLD.network.chain_id, WORLD.head, WORLD.first_number + 7, frozenset({"one"}), 1, checker(WORLD).now
    )
    for refusal in refusals(data, checker(WORLD, roots=(seen,))):
        assert isinstance(refusal.error, TrustTooWeak)
        assert refusal.error.fact == "the anchor"


@pytest.mark.parametrize(
    ("meanings", "reason"),
    [({}, "the checker's registry does not hold it"), ({"hint": ()}, "no code was reviewed for it")],
    ids=["unknown", "a hint"],
)
def test_a_refused_meaning_says_what_is_known_of_it(meanings: dict, reason: str) -> None:
    """A token that nobody listed, and one that is listed without reviewed code, are told apart."""
    known = {WORLD.token.key: WORLD.known(pins=())} if meanings else {}
    believed = checker(WORLD, meanings=known)
    claim = Claim(WORLD.token, holder(1), source=Source.REVIEWED)
    data, _ = gather([claim], (WORLD,), checker(WORLD), checker(WORLD).now)
    (refusal,) = refusals(data, believed)
    assert isinstance(refusal.error, UnreviewedMeaning)
    assert reason in str(refusal.error)
    assert believed.policy is STRICT


@pytest.mark.parametrize(
    ("ahead", "lag", "error"),
    [
        (0, 0, None),
        (None, 0, None),
        (1, 0, FromTheFuture),
        (0, STRICT.max_head_lag, None),
        (0, STRICT.max_head_lag + 1, TooOld),
    ],
    ids=["now", "at the clock's error", "ahead of it", "as far before T as heads may lag", "a second further"],
)
def test_a_parents_block_is_held_against_clock_and_moment(ahead: int | None, lag: int, error: type | None) -> None:
    """Settlement is judged by the time of the parent's block: neither ahead of the clock nor far before T."""
    parent = header(network(), 1_800_000_000, Trust(Anchor.PINNED))
    slack = STRICT.max_clock_error
    now = Timestamp(parent.timestamp - slack - (ahead or 0)) if ahead != 0 else Timestamp(parent.timestamp + lag)
    believed = replace(checker(WORLD), now=now)
    if error is None:
        check_parent(parent, Timestamp(parent.timestamp + lag), believed)
    else:
        with pytest.raises(error):
            check_parent(parent, Timestamp(parent.timestamp + lag), believed)


def test_a_light_client_begins_from_what_is_of_its_own_chain() -> None:
    """Checkpoints of the network and kept states of its beacon chain, and nothing else; without either from nothing."""
    one, two = ChainId(1), ChainId(100)
    point, foreign = Checkpoint(one, Hash32(b"\x01" * 32)), Checkpoint(two, Hash32(b"\x02" * 32))
    here, there = SimpleNamespace(config=CONFIGS[one]), SimpleNamespace(config=CONFIGS[two])
    blank = replace(checker(WORLD), roots=(), lights=())
    for roots, lights, wanted in (
        ((WORLD.pin(), foreign, point), (), ((point,), ())),
        ((), (there, here), ((), (here,))),
        ((point,), (here,), ((point,), (here,))),
        ((foreign, WORLD.pin()), (there,), None),
    ):
        begin = replace(blank, roots=roots, lights=lights).beginnings(one)
        assert (None if begin is None else (begin.checkpoints, begin.states)) == wanted
    assert replace(blank, roots=(point,), consensus={}).beginnings(one) is None
