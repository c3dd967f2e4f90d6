"""Gathering for a root: what judging misses is asked for place by place, a few times; of several roots the best is taken."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from tests.simulators.rollup import NOW, Parent, header
from tests.simulators.world import run
from tests.verifier.settlement.games import GameWorld
from tests.verifier.settlement.test_asking import Answers
from verifier.errors import MissingNode, NotSettled, NotThere, VerifierError, Where
from verifier.flow import AskProof, AskReach, Flow, Unanswered
from verifier.policy import STRICT, Policy
from verifier.primitives import Hash32
from verifier.proven import ProvenHeader
from verifier.settlement.collect import MAX_ROUNDS, Candidate, Settled, collect, first_that_stands
from verifier.settlement.reach import OutOfReach
from verifier.settlement.scheme import Case
from verifier.trust import Settlement

PLACE = b"\x71" * 20
WORLD = GameWorld()
NETWORK = WORLD.rollup.network
Judge = Callable[[Case, bytes, Sequence[bytes]], ProvenHeader]


def parent() -> tuple[ProvenHeader, Answers]:
    made = Parent()
    made.proxy(PLACE[0])
    state, _ = made.tries()
    return made.anchored(state), Answers(made)


def missing(**where: object) -> MissingNode:
    at = {"network": "parent", "address": PLACE, "slot": None} | where
    return MissingNode(Where(**at), Hash32(b"\x01" * 32), ())  # type: ignore[arg-type]


def collected(error: MissingNode) -> tuple[BaseException, list[AskProof]]:
    """What comes of judging that misses one place, whatever it is given; and what was asked for."""
    at, answers = parent()

    def judge(_: Case, __: bytes, ___: Sequence[bytes]) -> ProvenHeader:
        raise error

    with pytest.raises(MissingNode) as caught:
        run(collect(NETWORK, at, STRICT, Candidate(WORLD.raw, (), ()), judge), {1: answers})  # type: ignore[dict-item]
    return caught.value, [question for question in answers.asked if isinstance(question, AskProof)]


def test_a_place_that_is_missed_is_asked_for_and_rounds_are_bounded() -> None:
    """An account, or an account with a slot; judging that never has enough is given up."""
    for slot, slots in ((None, ()), (b"\x05" * 32, (b"\x05" * 32,))):
        error, asked = collected(missing(slot=slot))
        assert f"after {MAX_ROUNDS} rounds of questions" in str(error)
        assert {(one.address, one.slots) for one in asked} == {(PLACE, slots)}
        assert len(asked) == MAX_ROUNDS - 1


def test_a_place_of_another_network_or_of_none_is_not_asked_for() -> None:
    """What is missed there cannot be had here: the error is told as it came."""
    for error in (missing(network="rollup"), missing(address=None), missing(network="rollup", address=None)):
        told, asked = collected(error)
        assert told is error
        assert asked == []


def test_a_proof_that_nobody_gives_ends_the_gathering() -> None:
    """It is not asked for again and again."""
    at, answers = parent()
    answers.oldest = 10_000

    def judge(_: Case, __: bytes, ___: Sequence[bytes]) -> ProvenHeader:
        raise missing()

    with pytest.raises(Unanswered):
        run(collect(NETWORK, at, STRICT, Candidate(WORLD.raw, (), ()), judge), {1: answers})  # type: ignore[dict-item]
    assert len([question for question in answers.asked if isinstance(question, AskProof)]) == 1


# --- of several ------------------------------------------------------------------------------------------


def first(
    told: Sequence[tuple[int, ProvenHeader | VerifierError]],
    policy: Policy = STRICT,
    *,
    oldest: int = 0,
    tried: list[int] | None = None,
) -> ProvenHeader:
    """Of candidates (block number, what judging says), the one that is taken; blocks that were tried go to `tried`."""
    at, answers = parent()
    raws = [header(number, NOW - 9_000 + i) for i, (number, _) in enumerate(told)]
    verdicts = dict(zip(raws, (verdict for _, verdict in told), strict=True))
    own = Answers(headers=[*raws, header(9_999, NOW)], numbers=[*(number for number, _ in told), 9_999], oldest=oldest)

    def judge(_: Case, rlp: bytes, __: Sequence[bytes]) -> ProvenHeader:
        verdict = verdicts[rlp]
        if isinstance(verdict, VerifierError):
            raise verdict
        return verdict

    def made(rlp: bytes) -> Flow[Candidate]:
        yield from ()
        return Candidate(rlp, (), ())

    flow = first_that_stands(NETWORK, at, policy, map(made, raws), judge, lambda _: True)
    try:
        found, _ = run(flow, {1: answers, int(NETWORK.chain_id): own})  # type: ignore[dict-item]
    finally:
        if tried is not None:
            tried += [question.number for question in own.asked if isinstance(question, AskReach)]
    assert isinstance(found, Settled)
    return found.header


def judged(**changes: object) -> ProvenHeader:
    world = GameWorld(**changes)  # type: ignore[arg-type]
    return world.rollup.verify(world.parent, world.raw, world.preimages)


SETTLED, OLDER, OPEN = judged(), judged(number=600), judged(status=0, resolved=0)


def test_the_first_that_the_policy_takes_is_taken() -> None:
    assert first([(700, OPEN), (699, SETTLED), (698, OLDER)]) is SETTLED


def test_where_the_policy_takes_none_the_first_settled_one_says_why() -> None:
    """A settled root before a proposed one, and of settled ones the first: the newest that was told of."""
    nothing = replace(STRICT, anchors=frozenset())
    assert first([(700, SETTLED), (699, OLDER)], nothing) is SETTLED
    assert first([(700, OPEN), (699, SETTLED), (698, OLDER)], nothing) is SETTLED
    assert first([(700, SETTLED), (699, OPEN)], nothing) is SETTLED
    assert first([(700, OPEN)], nothing).trust.settlement is Settlement.PROPOSED


def test_of_the_reasons_the_first_of_the_most_telling_kind_is_told() -> None:
    """What a true root lacks, before that some hint was of no root at all."""
    where = Where(network="parent")
    none, other = NotThere(where, "one"), NotThere(where, "another")
    lacks, more = NotSettled(where, "a rule", 1, 2), NotSettled(where, "another rule", 1, 2)
    for told, reason in (
        ([none, other], none),
        ([none, lacks, more], lacks),
        ([lacks, none], lacks),
    ):
        with pytest.raises(VerifierError) as caught:
            first([(700 - i, error) for i, error in enumerate(told)])
        assert caught.value is reason


def test_a_block_out_of_reach_is_tried_once_however_often_it_is_told_of() -> None:
    """Nor is an older one; a newer one is."""
    tried: list[int] = []
    with pytest.raises(OutOfReach, match="of block 700"):
        first([(700, SETTLED), (700, OLDER), (650, OLDER)], oldest=701, tried=tried)
    assert tried == [700]
    tried.clear()
    assert first([(5, OLDER), (700, SETTLED)], oldest=6, tried=tried) is SETTLED
    assert tried == [5, 700]
