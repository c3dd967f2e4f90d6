"""A settled block is old: that nobody can prove its state is found before the claims are asked for, and said in full."""

from __future__ import annotations

from dataclasses import replace

import pytest
import rlp

from tests.simulators.rollup import NOW, header
from tests.simulators.trie_builder import build, keccak
from tests.simulators.world import World, holder, run
from tests.verifier.settlement.test_asking import Answers, gather, saved
from tests.verifier.settlement.test_other_schemes import Checkpoint
from tests.verifier.settlement.test_proposed import Posted
from verifier.checker import Checker
from verifier.errors import NOWHERE
from verifier.evidence import Settling
from verifier.flow import Ask, AskProof, AskReach, Unanswered
from verifier.gather import Anchored, Gathered, gather_section
from verifier.headers.decode import decode_header
from verifier.network import Family
from verifier.primitives import ChainId, Hash32, Timestamp
from verifier.settlement.op_blocks import passer_root
from verifier.settlement.op_told import place_of
from verifier.settlement.reach import OutOfReach, depth
from verifier.settlement.validity_asking import CHECKPOINT_SAVED

SETTLED = Settling(ChainId(1), ())


def scene(family: str = "op-stack") -> tuple[World, Anchored, Checker]:
    """A world whose anchor lies four blocks back, as if a parent had settled it."""
    from tests.simulators.world import checker
    from verifier.consensus.weaker import verify_anchor

    world = World(chain_id=10, coins={holder(1): 5, holder(2): 7})
    raw = world.headers[-5]
    network = replace(world.network, family=Family(family, history=world.network.family.history))
    header = verify_anchor(raw, network, (world.pin(-5),), NOWHERE)
    return world, Anchored(raw, header, SETTLED), checker(world)


def gathered(
    world: World, anchored: Anchored, believed: Checker, *, serves: bool
) -> tuple[Gathered, list[Ask[object]]]:
    asked: list[Ask[object]] = []

    def twist(question: Ask[object], answer: object) -> object:
        asked.append(question)
        if isinstance(question, AskProof) and not serves:
            raise LookupError
        return answer

    moment = Timestamp(int(anchored.header.timestamp) - 1)  # the block before the anchor is asked for
    claims = list(enumerate(world.claims()))
    found, _ = run(gather_section(anchored.header.network, claims, anchored, moment, believed), {10: world}, twist)
    assert isinstance(found, Gathered)
    return found, asked


def test_what_nobody_proves_is_said_with_its_depth_and_its_cure() -> None:
    """One proof is tried, and none of the claims'."""
    found, asked = gathered(*scene(), serves=False)
    assert sum(isinstance(question, AskProof) for question in asked) == 1
    for failure in found.failed.values():
        assert isinstance(failure, OutOfReach)
        assert "5 blocks and 0.0 hours behind the newest" in str(failure)
        assert "op-reth with its store of historical proofs would" in str(failure)
    other, _ = gathered(*scene("plain"), serves=False)
    assert "an archive node would" in str(next(iter(other.failed.values())))


def test_what_is_served_is_gathered() -> None:
    found, _ = gathered(*scene(), serves=True)
    assert not found.failed


def test_an_anchor_that_no_parent_settled_is_not_tried() -> None:
    world, anchored, believed = scene()
    _, asked = gathered(world, replace(anchored, settling=None), believed, serves=True)
    assert not any(isinstance(one, AskReach) for one in asked)


# --- before the parent is asked for anything -------------------------------------------------------------


def checkpoints(*blocks: tuple[int, int]) -> tuple[Checkpoint, Answers, Answers]:
    """A checkpoint of block 333 whose log stands among those of other blocks (number, time), oldest first."""
    world = Checkpoint()
    others = [header(number, time) for number, time in blocks]
    head = header(500_000, NOW)
    headers, numbers = [world.raw, *others, head], [333, *(number for number, _ in blocks), 500_000]
    logs = sorted(zip(numbers[:-1], headers[:-1], strict=True))
    parent = Answers(world.parent, logs={CHECKPOINT_SAVED: [saved(raw, number) for number, raw in logs]})
    return world, parent, Answers(headers=headers, numbers=numbers)


def trials(own: Answers) -> list[int]:
    return [question.number for question in own.asked if isinstance(question, AskReach)]


def test_the_age_that_is_needed_is_refused_before_the_parent_proves_anything() -> None:
    """Where the state of the hinted block is not served; where it is, the proofs of the parent follow the trial."""
    world, parent, own = checkpoints()
    with pytest.raises(OutOfReach) as caught:
        gather(world.rollup, parent, replace(own, oldest=334))
    assert "499,667 blocks and 2.5 hours behind the newest; an archive node would" in str(caught.value)
    assert not any(isinstance(question, AskProof) for question in parent.asked)
    found = gather(world.rollup, parent, replace(own, oldest=333))
    assert found.header.number == 333
    assert any(isinstance(question, AskProof) for question in parent.asked)


def test_days_are_told_beside_hours_where_there_are_some() -> None:
    assert depth(604_800, 604_800) == "604,800 blocks and 168.0 hours (7.0 days)"
    assert depth(3, 2 * 86_400 - 1) == "3 blocks and 48.0 hours"
    assert depth(3, 2 * 86_400) == "3 blocks and 48.0 hours (2.0 days)"


def test_a_block_older_than_one_out_of_reach_is_not_tried_again() -> None:
    """One trial, whatever older blocks were told of; the refusal is about the newest."""
    world, parent, own = checkpoints((331, NOW - 9_300), (332, NOW - 9_200))
    parent.logs[CHECKPOINT_SAVED].reverse()
    own.oldest = 334
    with pytest.raises(OutOfReach, match="of block 333"):
        gather(world.rollup, parent, own, as_of=NOW - 10_000)
    assert trials(own) == [333]


def test_a_hint_that_names_an_ancient_block_costs_a_candidate_and_no_more() -> None:
    """Told of first, and out of reach: the block that the contract holds is tried after it, and stands."""
    world, parent, own = checkpoints((5, NOW - 8_000))
    own.oldest = 100
    found = gather(world.rollup, parent, own, as_of=NOW - 10_000)
    assert found.header.hash == keccak(world.raw)
    assert trials(own) == [5, 333]


def test_a_trial_that_is_answered_with_a_lie_says_so() -> None:
    """Nodes that lead nowhere: no matter of age, and told as what it is."""
    world, parent, own = checkpoints()
    state = build({keccak(b"somebody"): b"\xc0" * 40})
    raw = header(333, NOW - 9_000, state=state.root)
    own.headers[0] = raw
    parent.logs = {CHECKPOINT_SAVED: [saved(raw)]}
    with pytest.raises(Unanswered) as caught:
        gather(world.rollup, parent, own)
    assert not isinstance(caught.value, OutOfReach)
    assert caught.value.lied


def test_the_message_passers_proof_out_of_reach_says_what_it_needs() -> None:
    """Before the header held its storage root, finding a claim takes a proof at that block."""
    posted = Posted()
    raw = rlp.encode(rlp.decode(posted.world.raw)[:16])  # up to the base fee: a header of London
    own = Answers(headers=[raw, header(9_000, NOW)], numbers=[700, 9_000], oldest=701)
    state, _ = posted.world.parent.tries()
    place = place_of(posted.world.rollup.network, posted.world.parent.anchored(state))
    block = decode_header(raw, place.network.family, NOWHERE)
    with pytest.raises(OutOfReach, match="8,300 blocks"):
        run(passer_root(place, block, Hash32(bytes(32))), {10: own})  # type: ignore[dict-item]
