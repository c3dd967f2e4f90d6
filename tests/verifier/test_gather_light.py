"""A light client followed by hand: where it stops for a moment of the past, and what its evidence then proves."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from chains.chain import local_network
from chains.driver import Desk
from tests.simulators.beacon import CHAIN, BeaconChain, devnet, execution_rlp
from verifier.app.following import LightClients
from verifier.checker import Checker
from verifier.consensus.bootstrap import start
from verifier.consensus.containers import encode_bootstrap, encode_update
from verifier.consensus.forks import Fork
from verifier.consensus.replay import Beginnings, reach
from verifier.consensus.shapes import Kind
from verifier.crypto.keccak import keccak256
from verifier.errors import (
    CheckpointTooOld,
    FromTheFuture,
    Misbehaviour,
    NoTrustRoot,
    TooFewSigners,
    Unsupported,
    WrongPeriod,
)
from verifier.evidence import LightEvidence
from verifier.flow import AskHeader, Unanswered
from verifier.gather_light import Followed, accept_attested, accept_finality, accept_update, next_page, stopped_after
from verifier.policy import PRACTICAL, STRICT
from verifier.primitives import Hash32, Timestamp
from verifier.trust import Anchor

CONFIG = devnet((Fork.FULU, 0), MIN_VALIDATOR_WITHDRAWABILITY_DELAY=10**4)
CHAIN_OF = BeaconChain(CONFIG)
NETWORK = local_network("devnet", CHAIN)
POINT = CHAIN_OF.checkpoint(16)
NOW = CONFIG.time_of(250)


def followed(updates: int = 3) -> Followed:
    """A client after the updates of some periods, and the finality of slot 224 after them."""
    bootstrap = CHAIN_OF.bootstrap(16)
    held = Followed(start(POINT, bootstrap, CONFIG, NOW), LightEvidence(encode_bootstrap(bootstrap)))
    for period in range(updates):
        held = accept_update(held, CHAIN_OF.update(64 * period + 40, 64 * period + 24), NOW)
    return accept_finality(held, CHAIN_OF.update(241, 224, committee=False), NOW) if updates == 3 else held


def named(slot: int) -> bytes:
    return keccak256(execution_rlp(slot))


@pytest.mark.parametrize(
    ("moment", "slot", "updates"),
    [(CONFIG.time_of(88) - 1, 88, 2), (CONFIG.time_of(24) - 1, 24, 1), (CONFIG.time_of(87), 88, 2), (CONFIG.time_of(88), 152, 3)],
)  # fmt: skip
def test_it_stops_at_the_first_final_header_after_a_moment(moment: int, slot: int, updates: int) -> None:
    """And its evidence, cut there, leads a checker with the checkpoint to that very header."""
    stopped = stopped_after(followed(), Timestamp(moment), NOW)
    assert stopped is not None
    assert (stopped.state.finalized.slot, len(stopped.evidence.updates)) == (slot, updates)
    assert stopped.evidence.final is None
    found = reach(Beginnings(CONFIG, (POINT,)), stopped.evidence, named(slot), NOW)
    assert (found.beacon.slot, found.beacon.trust.anchor) == (slot, Anchor.FINALIZED)
    with pytest.raises(NoTrustRoot):
        reach(Beginnings(CONFIG, (POINT,)), stopped.evidence, named(224), NOW)


def test_before_its_checkpoint_it_stops_at_the_checkpoint() -> None:
    """Which is the checker's own word, and says so."""
    stopped = stopped_after(followed(), Timestamp(CONFIG.time_of(16) - 1), NOW)
    assert stopped is not None
    assert stopped.evidence.updates == ()
    assert reach(Beginnings(CONFIG, (POINT,)), stopped.evidence, named(16), NOW).beacon.trust.anchor is Anchor.PINNED


def test_a_moment_after_all_updates_is_not_reached_by_them() -> None:
    """The finality of the present is then the first there is."""
    assert stopped_after(followed(), CONFIG.time_of(200), NOW) is None
    without = followed()
    assert stopped_after(Followed(without.state, replace(without.evidence, bootstrap=None)), NOW, NOW) is None


@pytest.mark.covers("LC-12")
def test_a_checkpoint_too_old_begins_nothing_again() -> None:
    """A client of long ago may go on, but not begin at its old checkpoint again."""
    with pytest.raises(CheckpointTooOld):
        stopped_after(followed(), CONFIG.time_of(20), CONFIG.time_of(16 + 10**4 * 8 + 1))


def test_finality_stands_in_the_evidence_until_an_update_passes_it() -> None:
    """The final update leads to the newest header; the next period's update takes its place."""
    held = followed()
    assert held.evidence.final is not None
    assert reach(Beginnings(CONFIG, (POINT,)), held.evidence, named(224), NOW).beacon.slot == 224
    further = accept_update(held, CHAIN_OF.update(240, 232), NOW)
    assert further.evidence.final is None
    assert reach(Beginnings(CONFIG, (POINT,)), further.evidence, named(232), NOW).beacon.slot == 232


def test_a_page_is_held_to_its_periods() -> None:
    """Updates of other periods than were asked for are refused before any signature is looked at."""
    flow = next_page(followed(0), NOW)
    (question,) = next(flow)
    assert (question.start, question.count) == (0, 4)
    with pytest.raises(WrongPeriod):
        question.judge((CHAIN_OF.update(104, 88),))
    with pytest.raises(TooFewSigners):
        question.judge((CHAIN_OF.update(40, 24, signers=21),))
    question.judge((CHAIN_OF.update(40, 24),))
    flow.close()


@pytest.mark.covers("LC-10")
def test_an_update_signed_since_the_clock_was_read_is_no_lie() -> None:
    """It is passed over, and nothing of it is believed; of a period that is over it would be nonsense, and refused."""
    flow = next_page(followed(0), CONFIG.time_of(40))
    (question,) = next(flow)
    fresh = CHAIN_OF.update(40, 24)
    question.judge((fresh,))
    with pytest.raises(StopIteration) as ended:
        flow.send([(fresh,)])
    assert ended.value.value is None
    late = next_page(followed(0), CONFIG.time_of(70))
    (question,) = next(late)
    with pytest.raises(FromTheFuture):
        question.judge((CHAIN_OF.update(40, 24, signature=72),))
    late.close()


@pytest.mark.covers("LC-11")
def test_a_contradiction_in_a_page_is_no_lie_of_its_node() -> None:
    """Valid, and against what is known: the flow ends with it; whoever else is asked, it has been signed."""
    flow = next_page(followed(1), CONFIG.time_of(120))
    (question,) = next(flow)
    good = CHAIN_OF.update(104, 24, salt=b"x")
    question.judge((good,))
    with pytest.raises(Misbehaviour):
        flow.send([(good,)])


def test_a_period_that_is_over_and_not_served_is_withheld() -> None:
    """It is asked for with ever fewer others, and at last alone; then the flow says so."""
    flow, asked = next_page(followed(0), NOW), []
    with pytest.raises(Unanswered):
        questions = next(flow)
        while True:
            asked.append(questions[0].count)
            questions = flow.send([Unanswered(questions[0], (), (("node", "HTTP 500"),))])
    assert asked == [4, 3, 2, 1]


class Blocks(Desk):
    """An endpoint that has every execution block of the chain."""

    async def answer(self, questions):
        out = []
        for question in questions:
            assert isinstance(question, AskHeader)
            rlp = next(execution_rlp(slot) for slot in range(260) if named(slot) == question.block)
            question.judge(rlp)
            out.append(rlp)
        return out


class Known(LightClients):
    """Clients that need not be followed any more."""

    async def follow(self, network):
        return followed()


def anchored(as_of: int, *, policy=STRICT, twist=None):
    """The anchor for an as-of time, by a client that was followed already."""
    checker = Checker((POINT,), {CHAIN: NETWORK}, {}, policy, NOW, consensus={CHAIN: CONFIG})

    async def run():
        clients = Known(Blocks({}), checker)
        try:
            return await clients.anchor(NETWORK, Timestamp(as_of))
        finally:
            await clients.aclose()

    return asyncio.run(run())


def test_the_present_is_anchored_by_the_newest_finality() -> None:
    """With the evidence that leads there."""
    found = anchored(NOW)
    assert (found.header.hash, found.header.trust.anchor) == (named(224), Anchor.FINALIZED)
    assert found.light == followed().evidence


def test_a_far_past_is_anchored_nearer_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Farther back than the history contract reaches, the client stops at the first final header after the moment."""
    reach_ = NETWORK.family.history.length * NETWORK.block_time
    assert CONFIG.time_of(224) - CONFIG.time_of(30) < reach_
    assert anchored(CONFIG.time_of(30)).header.hash == named(224)
    from verifier.network import HistoryRing

    short = replace(NETWORK, family=replace(NETWORK.family, history=HistoryRing(NETWORK.family.history.address, 100)))
    monkeypatch.setitem(globals(), "NETWORK", short)
    assert anchored(CONFIG.time_of(30)).header.hash == named(88)


@pytest.mark.covers("LC-03")
def test_an_attested_header_is_used_where_policy_takes_it_and_no_other_is_recent(monkeypatch) -> None:
    """It is `attested`, never `finalized`; the strict policy keeps to the final one, however far behind."""
    import verifier.app.following as room

    async def newest(desk, held, clock):
        return accept_attested(held, CHAIN_OF.update(248, committee=False), clock())

    monkeypatch.setattr(room, "newest_attested", newest)
    late = replace(PRACTICAL, max_head_lag=60)
    found = anchored(NOW, policy=late)
    assert (found.header.hash, found.header.trust.anchor) == (named(248), Anchor.ATTESTED)
    assert found.light is not None
    assert reach(Beginnings(CONFIG, (POINT,)), found.light, named(248), NOW).beacon.trust.anchor is Anchor.ATTESTED
    assert anchored(NOW, policy=replace(STRICT, max_head_lag=60)).header.hash == named(224)
    assert anchored(NOW, policy=PRACTICAL).header.hash == named(224)


def test_a_checkpoint_before_capella_names_no_block() -> None:
    """Light clients learn nothing of execution there."""
    from verifier.consensus.light_client import finalized_beacon
    from verifier.gather import gather_beacon_anchor

    old = BeaconChain(devnet((Fork.ALTAIR, 0)))
    state = start(old.checkpoint(16), old.bootstrap(16), old.config, old.config.time_of(20))
    with pytest.raises(Unsupported):
        next(gather_beacon_anchor(NETWORK, finalized_beacon(state), LightEvidence()))


@pytest.mark.covers("LC-11")
def test_a_pin_of_the_same_block_does_not_undo_a_contradiction() -> None:
    """A bundle whose evidence was signed twice is refused, also by who pins its anchor."""
    from verifier.anchors import Anchors
    from verifier.evidence import Bundle, Section
    from verifier.trust import PinnedBlock

    evidence = followed(1).evidence
    other = encode_update(CHAIN_OF.update(50, 24, committee=False, salt=b"x"), Kind.FINALITY)
    header = execution_rlp(24)
    pin = PinnedBlock(NETWORK.chain_id, Hash32(keccak256(header)))

    def anchored(light: LightEvidence, *roots):
        section = Section(NETWORK.chain_id, header, (), (), light=light)
        bundle = Bundle(NOW, (), (), (section,), ())
        given = Checker(roots, {CHAIN: NETWORK}, {}, STRICT, CONFIG.time_of(60), consensus={CHAIN: CONFIG})
        return Anchors(bundle, [], given).of(NETWORK.chain_id)[0].trust.anchor

    assert anchored(evidence, POINT) is Anchor.FINALIZED
    assert anchored(LightEvidence(), POINT, pin) is Anchor.PINNED
    for roots in ((POINT,), (POINT, pin)):
        with pytest.raises(Misbehaviour):
            anchored(replace(evidence, final=other), *roots)
