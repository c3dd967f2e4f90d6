"""Checks of the gathering half whose removal no other test would notice: what is asked, how often, and of what it is sure."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import rlp

from tests.simulators.chain import SimChain, header_fields, network, pinned
from tests.simulators.trie_builder import keccak
from tests.simulators.world import World, checker, holder
from tests.verifier.verify.gathering import gather
from verifier.claims import Claim
from verifier.errors import Unsupported, WrongBinding, WrongMoment
from verifier.flow import Ask, AskHeader, AskHeight, AskProof, Unanswered, ask
from verifier.gather_moment import (
    MAX_PARENTS,
    MAX_SEARCH,
    NEAR,
    _guess,
    _numbered,
    _parents,
    _reach,
    _Reached,
    _search,
    _search_proven,
)
from verifier.primitives import BlockNumber, ChainId, Timestamp

START = 1_700_000_000


def drive(flow, answer: Callable[[Ask[object]], object]) -> tuple[object, list[Ask[object]]]:
    """Run a flow by hand, each answer judged; what it returned, and every question in order."""
    asked: list[Ask[object]] = []
    try:
        batch = next(flow)
        while True:
            asked += batch
            answers = []
            for question in batch:
                told = answer(question)
                if not isinstance(told, Unanswered):
                    question.judge(told)
                answers.append(told)
            batch = flow.send(answers)
    except StopIteration as done:
        return done.value, asked


def nobody(question: Ask[object]) -> Unanswered:
    return Unanswered(question, (), (("endpoint", "not found"),))


# --- asking ----------------------------------------------------------------------------------------------


def test_a_question_without_an_answer_is_raised_where_it_was_asked() -> None:
    """`ask` never hands `Unanswered` on as if it were an answer."""
    question = AskHeight(chain_id=ChainId(1))
    with pytest.raises(Unanswered) as caught:
        drive(ask(question), nobody)
    assert caught.value.question is question
    assert drive(ask(question), lambda _: 7) == (7, [question])


def test_a_lie_about_one_slot_is_not_asked_for_twice() -> None:
    """Only where a question held several slots are they asked for one by one."""
    world = World(1, {}, {holder(1): 5, holder(2): 6})
    believed = checker(world)
    for owners, again in (((1,), 0), ((1, 2), 2)):
        asked: list[int] = []

        def lie(question: Ask[object], answer: object, asked: list[int] = asked) -> object:
            if not isinstance(question, AskProof):
                return answer
            asked.append(len(question.slots))
            return answer[:-1]  # type: ignore[index]

        claims = [Claim(world.token, holder(n)) for n in owners]
        _, parts = gather(claims, (world,), believed, believed.now, lie)
        assert set(parts[0].failed) == set(range(len(owners)))
        assert asked == [len(owners), *[1] * again]


# --- searching -------------------------------------------------------------------------------------------


def timed(times: Callable[[int], int | None], top: int):
    """An anchor at `top`, and an endpoint whose header of each number has the time that a function says."""
    net = network()
    raw = {top: rlp.encode(header_fields(top, times(top)))}

    def answer(question: Ask[object]) -> object:
        assert isinstance(question, AskHeader)
        number = int(question.block)  # type: ignore[arg-type]
        time = times(number)
        return nobody(question) if time is None else rlp.encode(header_fields(number, time))

    return pinned(raw[top], net), answer


REGULAR = lambda n: START + 12 * n  # noqa: E731 - a table's entry
BURSTS = lambda n: START + (12 * n if n < 40_000 else 480_000 + (n - 40_000) // 9)  # noqa: E731


@pytest.mark.parametrize("at", [0, 1, 5, 39_998, 40_000, 70_001, 99_997])
@pytest.mark.parametrize("offset", [0, 1, 11], ids=["at its second", "a second later", "just before the next"])
def test_the_last_block_not_after_a_time_is_found(at: int, offset: int) -> None:
    """A chain of even blocks: the very number, in few rounds."""
    anchor, answer = timed(REGULAR, 100_000)
    found, asked = drive(_search(anchor, Timestamp(START + 12 * at + offset)), answer)
    assert found == at
    assert len(asked) <= 8
    assert len({q.block for q in asked}) == len(asked)  # type: ignore[attr-defined]


def test_a_chain_that_changed_its_pace_is_searched_in_bounded_rounds() -> None:
    """Where interpolation alone would crawl, every third round halves what is left."""
    anchor, answer = timed(BURSTS, 400_000)
    found, asked = drive(_search(anchor, Timestamp(START + 480_000 - 1)), answer)
    assert found == 39_999
    assert len(asked) <= 60


def test_blocks_that_nobody_keeps_are_passed_over() -> None:
    """Below a number no endpoint has headers: the search goes on above it."""
    anchor, answer = timed(lambda n: None if n < 90_000 else REGULAR(n), 100_000)
    found, _ = drive(_search(anchor, Timestamp(START + 12 * 95_000)), answer)
    assert found == 95_000


def test_a_search_that_leads_nowhere_ends() -> None:
    """An endpoint whose every header is just after the time: refused after a number of rounds, not believed."""
    top = 2**62
    late = START + 10**9
    anchor, answer = timed(lambda n: late, top)
    with pytest.raises(WrongMoment, match="lead nowhere"):
        drive(_search(anchor, Timestamp(late - 1)), answer)
    count = 0

    def counting(question: Ask[object]) -> object:
        nonlocal count
        count += 1
        return answer(question)

    with pytest.raises(WrongMoment):
        drive(_search(anchor, Timestamp(late - 1)), counting)
    assert count == MAX_SEARCH


@pytest.mark.parametrize(
    ("low", "low_time", "high", "high_time", "wanted", "behind", "halve", "guess"),
    [
        (0, -1, 100, 1_000, 500, 7, False, 93),  # nothing known below: back by the usual pace
        (0, -1, 100, 1_000, 500, 7, True, 50),
        (0, 0, 100, 1_000, 500, 7, False, 50),  # genesis at time zero is something known
        (0, 0, 100, 1_000, 300, 7, False, 30),
        (0, 0, 100, 1_000, 300, 7, True, 50),
        (0, 0, 100, 0, 0, 7, False, 50),
        (40, 900, 100, 900, 900, 7, False, 70),  # equal times: no slope to go by, so the middle
        (40, 900, 100, 899, 900, 7, False, 70),
        (40, 500, 100, 900, 100, 7, False, 41),
        (40, 500, 100, 900, 5_000, 7, False, 99),
        (0, -1, 100, 1_000, 500, 700, False, 1),
    ],
)
def test_guesses_lie_strictly_between(low, low_time, high, high_time, wanted, behind, halve, guess) -> None:
    """By the usual pace where nothing is known below, by interpolation where there is a slope, else in the middle."""
    assert _guess(low, low_time, high, high_time, wanted, behind, halve=halve) == guess
    assert low < guess < high


def test_a_header_of_another_number_is_no_answer() -> None:
    """The judge of a question by number holds the header's own number against it."""
    anchor, _ = timed(REGULAR, 100)
    judge = _numbered(anchor, BlockNumber(50))
    judge(rlp.encode(header_fields(50, START)))
    with pytest.raises(WrongBinding, match="number of the header"):
        judge(rlp.encode(header_fields(51, START)))


def test_without_a_history_contract_contradicting_headers_end_the_search() -> None:
    """Nothing can be proven of older blocks there; with the contract the search asks it."""
    bare = SimChain([12] * 3, ring=None)
    with pytest.raises(Unsupported, match="contradict each other"):
        drive(_search_proven(_Reached(bare.header(), (), frozenset()), Timestamp(START)), nobody)
    with pytest.raises(Unanswered):
        drive(_search_proven(_Reached(SimChain([12] * 3).header(), (), frozenset()), Timestamp(START)), nobody)


# --- reaching --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("distance", "hops"), [(NEAR, 0), (NEAR + 1, 1)])
def test_a_near_block_is_reached_over_parents_alone(distance: int, hops: int) -> None:
    """Up to the bound no proof is asked for, one block further there is one hop; hints that fit are used as they are."""
    world = World(1, blocks=NEAR + 3)
    start = _Reached(pinned(world.headers[-1], world.network), (), frozenset())
    target = world.first_number + world.blocks - 1 - distance
    reached, asked = drive(_reach(start, BlockNumber(target)), world.answer)
    assert reached.header.number == target
    assert sum(isinstance(q, AskProof) for q in asked) == hops
    by_hash = [q for q in asked if isinstance(q, AskHeader) and isinstance(q.block, bytes)]
    assert len(by_hash) == hops  # the header that the contract names; parents come by number, in one batch


def test_parent_links_are_bounded() -> None:
    """As many as a bundle may hold are walked; one more is refused, and nothing is asked for it."""
    headers, parent = {}, b"\x11" * 32
    for number in range(1_000, 1_000 + MAX_PARENTS + 2):
        headers[number] = rlp.encode(header_fields(number, START + number, parent))
        parent = keccak(headers[number])
    start = _Reached(pinned(headers[1_000 + MAX_PARENTS + 1], network(ring=None)), (), frozenset())
    reached, asked = drive(_parents(start, BlockNumber(1_001)), lambda q: headers[int(q.block)])  # type: ignore[attr-defined]
    assert (reached.header.number, len(reached.steps), len(asked)) == (1_001, MAX_PARENTS, MAX_PARENTS)
    with pytest.raises(Unsupported, match="parent links away"):
        drive(_parents(start, BlockNumber(1_000)), nobody)
