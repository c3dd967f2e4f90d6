"""What a call needs is found out in few rounds, each thing asked for once: by hints, by looking ahead, or one by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tests.simulators.chain import HISTORY
from tests.simulators.evm_world import OTHER, TO, Account, EvmWorld, call
from tests.verifier.evm.asked import ABSENT, PLAIN, THIRD, Endpoint, Twist, calls, code, proven, sload, world
from verifier.calls import DEFAULT_CALL_LIMITS, Call, CallLimits
from verifier.claims import AccountRead
from verifier.errors import CallTooLarge, LimitExceeded, MissingEvidence, MissingNode, Unsupported, WrongHash
from verifier.evm.gather import MAX_ROUNDS, GatheredState, Gathering, gather_state
from verifier.flow import Ask, AskCode, AskProof, HintMethod, Unanswered
from verifier.primitives import Address, slot_key
from verifier.state.asking import Proofs

# --- without hints ---------------------------------------------------------------------------------------


def test_an_account_comes_with_its_code_and_all_its_words_at_once():
    """One round for what is called, one for every word that it reads, whatever they say."""
    at = Endpoint(world(sload(1), sload(2), sload(3), storage={1: 10, 2: 20, 3: 30, 4: 40}))
    proven(at, at.gathered([call()], hints=False), call())
    assert at.rounds == [["code c0", "proof c0"], ["proof c0 1 2 3"]]


def test_a_contract_without_words_is_asked_for_none():
    """Its storage root says that all are zero."""
    at = Endpoint(world(sload(1)))
    proven(at, at.gathered([call()], hints=False), call())
    assert at.rounds == [["code c0", "proof c0"]]


def test_each_contract_on_the_way_costs_a_round():
    """What it reads is known once its code is."""
    other = {OTHER: Account(code(sload(5)), {5: 55})}
    at = Endpoint(world(sload(1), calls(OTHER), sload(2), storage={1: 1, 2: 2}, others=other))
    proven(at, at.gathered([call()], hints=False), call())
    assert at.rounds == [["code c0", "proof c0"], ["code d0", "proof c0 1", "proof d0"], ["proof c0 2", "proof d0 5"]]


@pytest.mark.parametrize("address", [PLAIN, ABSENT], ids=["no code", "no account"])
def test_what_has_no_code_is_called_without_asking_for_it_twice(address):
    """A look ahead goes through such a call, to what is read behind it."""
    at = Endpoint(world(calls(address), sload(1), calls(address), sload(2), storage={1: 1, 2: 2}))
    proven(at, at.gathered([call()], hints=False), call())
    name = address[:1].hex()
    assert at.rounds == [["code c0", "proof c0"], [f"code {name}", f"proof {name}"], ["proof c0 1 2"]]


def test_code_is_asked_for_once_by_its_hash():
    """A clone's code is at hand where the other's is; calls share what they have in common."""
    same = code(sload(5))
    at = Endpoint(world(calls(OTHER), others={OTHER: Account(same, {5: 1}), THIRD: Account(same, {5: 2})}))
    asked = [call(), call(b"\x01"), call(to=OTHER)]
    found = at.gathered(asked, hints=False)
    proven(at, found, *asked)
    assert at.rounds == [["code c0", "code d0", "proof c0", "proof d0"], ["proof d0 5"]]
    at = Endpoint(at.world)

    def both(state: Gathering) -> None:
        state.need([AccountRead(OTHER), AccountRead(THIRD)])
        state.call(call(to=OTHER))
        state.call(call(to=THIRD))

    at.driven(gather_state(Proofs(at.world.header), [both], hints=False))
    assert at.rounds == [["proof d0", "proof e0"], ["code d0"], ["proof d0 5"], ["proof e0 5"]]


def test_one_call_that_cannot_be_had_does_not_stop_the_others():
    """Each fails for its own reason, under its own number."""
    at = Endpoint(world(sload(1), storage={1: 1}, others={OTHER: Account(bytes.fromhex("5b5f56"))}))
    found = at.gathered([call(to=OTHER), call()], hints=False, limits=CallLimits(steps=5_000))
    assert type(found.failed[0]) is CallTooLarge and list(found.failed) == [0]
    proven(at, GatheredState(found.nodes, found.codes, {}), call())


# --- bounds ----------------------------------------------------------------------------------------------


def chain_of_words(length: int) -> EvmWorld:
    """Each word says which is read next, until one is zero."""
    return EvmWorld({TO: Account(bytes.fromhex("5f5b548060015700"), {n: n + 1 for n in range(length)})})


def test_rounds_are_bounded():
    """A call whose every word decides which one is next takes a round for each; at the bound it is given up."""
    at = Endpoint(chain_of_words(MAX_ROUNDS - 3))
    proven(at, at.gathered([call()], hints=False), call())
    assert len(at.rounds) == MAX_ROUNDS - 1
    at = Endpoint(chain_of_words(MAX_ROUNDS - 2))
    found = at.gathered([call()], hints=False)
    assert type(found.failed[0]) is LimitExceeded and len(at.rounds) == MAX_ROUNDS
    assert (found.nodes, found.codes) == (frozenset(), frozenset())


def test_what_a_round_asks_for_is_bounded():
    """A look ahead goes on for a while where a call would be too large already, and not for ever."""
    climbs = bytes.fromhex("5f5b805450600101600156")
    at = Endpoint(EvmWorld({TO: Account(climbs, dict.fromkeys(range(200), 1))}))
    found = at.gathered([call()], hints=False, limits=CallLimits(reads=10))
    assert type(found.failed[0]) is CallTooLarge
    assert found.failed[0].args[1:] == ("accounts and words", 10, 11)
    # Four times as many reads as a call may do; in a look ahead each word counts with its account.
    assert at.rounds == [["code c0", "proof c0"], [" ".join(["proof c0", *map(str, range(19))])]]


def rounds_of_a_loop(start: str) -> str:
    """Code that counts down from what `start` leaves on the stack, ten units of work for each; it stands first."""
    there = len(bytes.fromhex(start))
    return f"{start}5b801560{there + 13:02x}576001900360{there:02x}565b50"


def test_a_look_ahead_goes_only_so_far_beyond_the_true_run():
    """Zeros can lead round and round to the call's own bound; what stands behind is asked for when the word is known."""
    for turns, asked in ((900, [["proof c0 1 2"]]), (1_100, [["proof c0 1"], ["proof c0 2"]])):
        loop = rounds_of_a_loop(f"{sload(1)}1561{turns:04x}02")  # as many turns where the word is zero, else none
        at = Endpoint(world(loop, sload(2), storage={1: 1, 2: 2}))
        proven(at, at.gathered([call()], hints=False), call())
        assert at.rounds[1:] == asked


def test_a_look_ahead_comes_as_far_as_the_true_run():
    """However much was done before the first word: it looks ahead from there."""
    at = Endpoint(world(rounds_of_a_loop("610500"), sload(1), sload(2), storage={1: 1, 2: 2}))
    proven(at, at.gathered([call()], hints=False), call())
    assert at.rounds[1:] == [["proof c0 1 2"]]


# --- block hashes ----------------------------------------------------------------------------------------


def block_hash(number: int) -> str:
    return f"61{number:04x}40"


def test_the_history_contract_is_asked_for_what_a_call_asks_it():
    """With the other words of the round; the parent's hash needs nothing."""
    history = {HISTORY: Account(b"\x00", {900: 0xABC, 901: 0xABD})}
    at = Endpoint(world(block_hash(999), block_hash(900), sload(1), block_hash(901), storage={1: 1}, others=history))
    proven(at, at.gathered([call()], hints=False), call())
    assert at.rounds == [["code c0", "proof c0"], ["code 00", "proof 00"], ["proof 00 900 901", "proof c0 1"]]
    at = Endpoint(world(block_hash(999), sload(1), storage={1: 1}))
    proven(at, at.gathered([call()], hints=False), call())
    assert at.rounds == [["code c0", "proof c0"], ["proof c0 1"]]


def test_a_block_hash_that_nothing_tells_is_what_the_call_lacks():
    """No history on the network, or no such contract: the refusal names the block."""
    at = Endpoint(world(block_hash(900), history=False))
    assert "block 900" in str(at.gathered([call()], hints=False).failed[0])
    at = Endpoint(world(block_hash(900)))
    found = at.gathered([call()], hints=False)
    assert type(found.failed[0]) is MissingEvidence and "block 900" in str(found.failed[0])
    assert at.rounds == [["code c0", "proof c0"], ["code 00", "proof 00"]]


def test_what_is_missing_is_said_rather_than_what_a_look_ahead_met():
    """Behind the hash that nothing tells stands a loop; the refusal speaks of the hash."""
    at = Endpoint(EvmWorld({TO: Account(bytes.fromhex(block_hash(900) + "5b600456"))}, history=False))
    found = at.gathered([call()], hints=False, limits=CallLimits(steps=5_000))
    assert type(found.failed[0]) is MissingEvidence


# --- hints -----------------------------------------------------------------------------------------------


def touched(*reads: AccountRead) -> Callable[[Call], Sequence[AccountRead]]:
    return lambda call: reads


def read(address: Address, *slots: int) -> AccountRead:
    return AccountRead(address, tuple(slot_key(slot) for slot in slots))


def test_a_true_hint_leaves_one_round_of_proofs():
    """Everything at once, each account with its code; hints are asked for unless told otherwise."""
    other = {OTHER: Account(code(sload(5)), {5: 55})}
    made = world(sload(1), calls(OTHER), storage={1: 1}, others=other)
    at = Endpoint(made, {HintMethod.ACCESS_LIST: touched(read(OTHER, 5), read(TO, 1))})
    proven(at, at.gathered([call()]), call())
    assert at.rounds == [["hint access-list"], ["code c0", "code d0", "proof c0 1", "proof d0 5"]]
    at = Endpoint(made, at.hints)
    proven(at, at.driven(gather_state(Proofs(made.header), [lambda state: state.call(call())])), call())
    assert len(at.rounds) == 2


def test_an_endpoint_without_hints_still_works():
    """Each way is tried once for all calls; then there are more rounds."""
    at = Endpoint(world(sload(1), storage={1: 1}))
    proven(at, at.gathered([call(), call(b"\x01")]), call(), call(b"\x01"))
    assert at.rounds == [["hint access-list"] * 2, ["hint prestate"] * 2, ["code c0", "proof c0"], ["proof c0 1"]]


def test_the_second_way_is_tried_for_those_that_the_first_left_open():
    """And only for those."""

    def only_empty(asked: Call) -> Sequence[AccountRead]:
        if asked.data:
            raise LookupError
        return [read(TO, 1)]

    hints = {HintMethod.ACCESS_LIST: only_empty, HintMethod.PRESTATE: touched(read(TO, 1, 2))}
    at = Endpoint(world(sload(1), storage={1: 1, 2: 2}), hints)
    proven(at, at.gathered([call(), call(b"\x01")]), call(), call(b"\x01"))
    assert at.rounds == [["hint access-list"] * 2, ["hint prestate"], ["code c0", "proof c0 1 2"]]


def test_a_hint_asks_for_nothing_that_is_proven():
    """Neither accounts, nor words, nor code; an account that has no code is asked for none."""
    hints = {HintMethod.ACCESS_LIST: touched(read(TO, 1, 2), read(PLAIN), read(OTHER, 5))}
    other = {OTHER: Account(code(sload(5)), {5: 55})}
    at = Endpoint(world(sload(1), sload(2), storage={1: 1, 2: 2}, others=other), hints)

    def task(state: Gathering) -> None:
        state.need([read(TO, 1), read(PLAIN), read(OTHER, 5)])
        state.call(call())

    assert at.driven(gather_state(Proofs(at.world.header), [task])).failed == {}
    assert at.rounds == [
        ["proof c0 1", "proof d0 5", "proof ee"],
        ["hint access-list"],
        ["code c0", "code d0", "proof c0 2"],
    ]


def test_a_false_hint_costs_rounds_and_changes_nothing():
    """What it names is asked for; what it hides is found; the evidence is the same to the node."""
    other = {OTHER: Account(code(sload(5)), {5: 55})}
    made = world(sload(1), calls(OTHER), storage={1: 1}, others=other)
    hints = {HintMethod.ACCESS_LIST: touched(read(ABSENT, 7), read(TO, 200), read(PLAIN))}
    at = Endpoint(made, hints)
    proven(at, at.gathered([call()]), call())
    assert at.rounds[1] == ["code ab", "code c0", "code ee", "proof ab 7", "proof c0 200", "proof ee"]
    assert at.rounds[2:] == [["code d0", "proof c0 1", "proof d0"], ["proof d0 5"]]


# --- endpoints that lie or are silent --------------------------------------------------------------------


def answering(kind: type[Ask[Any]], address: Address, make: Callable[[Any, Any], Any]) -> Twist:
    """What one kind of question about one account gets instead."""

    def twist(question: Ask[Any], said: Any) -> Any:
        return make(question, said) if isinstance(question, kind) and question.address == address else said

    return twist


def silent(question: Any, said: Any) -> Any:
    raise LookupError


def test_an_account_that_nobody_proves_fails_its_calls():
    """Asked for once; a lie is told from silence, and the calls that do not need it are answered."""
    made = world(calls(OTHER), others={OTHER: Account(b"\x00")})
    for make, lied in ((silent, False), (lambda question, said: said[:-1], True)):
        at = Endpoint(made, twist=answering(AskProof, OTHER, make))
        found = at.gathered([call(), call(to=PLAIN)], hints=False)
        assert list(found.failed) == [0]
        assert isinstance(found.failed[0], Unanswered) and found.failed[0].lied is lied
        assert sum("proof d0" in asked for asked in at.rounds) == 1
        if lied:
            assert isinstance(found.failed[0].refusals[0][1], MissingNode)


def test_a_word_that_nobody_proves_does_not_take_its_neighbours_along():
    """Where a proof of several words is refused they are asked for one by one, and one word alone not again."""
    by_argument = bytes.fromhex("5f355460005260206000f3")
    made = EvmWorld({TO: Account(by_argument, {n: n for n in range(1, 40)})})
    one, two, three = (call(n.to_bytes(32, "big")) for n in (1, 2, 3))

    def spoiled(question: AskProof, said: tuple[bytes, ...]) -> tuple[bytes, ...]:
        return said[:-1] if question.slots and question.slots[-1] == slot_key(2) else said

    at = Endpoint(made, twist=answering(AskProof, TO, spoiled))
    found = at.gathered([one, three, two], hints=False)
    assert list(found.failed) == [2] and isinstance(found.failed[2], Unanswered)
    assert at.rounds == [["code c0", "proof c0"], ["proof c0 1 3 2"], ["proof c0 1", "proof c0 2", "proof c0 3"]]
    at = Endpoint(made, twist=answering(AskProof, TO, spoiled))
    assert list(at.gathered([two], hints=False).failed) == [0]
    assert at.rounds == [["code c0", "proof c0"], ["proof c0 2"]]


def test_code_that_nobody_tells_fails_its_calls():
    """Silence is final; a false code is asked for once more, when its hash is known, and then judged."""
    made = world(calls(OTHER), others={OTHER: Account(b"\x00")})
    at = Endpoint(made, twist=answering(AskCode, OTHER, silent))
    failure = at.gathered([call()], hints=False).failed[0]
    assert isinstance(failure, Unanswered) and not failure.lied
    at = Endpoint(made, twist=answering(AskCode, OTHER, lambda question, said: b"\x01"))
    failure = at.gathered([call()], hints=False).failed[0]
    assert isinstance(failure, Unanswered) and type(failure.refusals[0][1]) is WrongHash
    assert at.rounds == [["code c0", "proof c0"], ["code d0", "proof d0"], ["code d0"]]


def test_code_that_was_told_falsely_once_is_had_the_second_time():
    """Nothing was believed of it meanwhile."""
    said: list[bytes] = []

    def first_false(question: AskCode, true: bytes) -> bytes:
        said.append(true)
        return b"\x01" if len(said) == 1 else true

    at = Endpoint(world(sload(1), storage={1: 1}), twist=answering(AskCode, TO, first_false))
    proven(at, at.gathered([call()], hints=False), call())
    assert len(said) == 2


# --- what else tasks need --------------------------------------------------------------------------------


def test_a_need_is_asked_for_in_one_round_and_only_as_far_as_it_is_open():
    """Accounts without words and absent ones are done once they are proven; of others the missing words."""
    at = Endpoint(world(sload(1), storage={1: 1, 2: 2}))
    seen: list[int] = []

    def task(state: Gathering) -> None:
        state.need([read(TO, 1)])
        state.need([read(TO, 1, 2), read(PLAIN, 9), read(ABSENT, 9), read(OTHER)])
        state.need([read(TO, 2), read(PLAIN, 9, 8), read(ABSENT, 8), read(OTHER, 1)])
        seen.append(int.from_bytes(state.word(state.account(TO), slot_key(2)).word, "big"))

    assert at.driven(gather_state(Proofs(at.world.header), [task])).failed == {}
    assert at.rounds == [["proof c0 1"], ["proof ab 9", "proof c0 2", "proof d0", "proof ee 9"]]
    assert seen == [2]


def test_a_need_that_nobody_proves_fails_the_task_alone():
    """The refusal is the endpoint's, and it is asked once."""
    at = Endpoint(world(sload(1), storage={1: 1}), twist=answering(AskProof, PLAIN, silent))
    tasks = [lambda state: state.need([read(TO, 1), read(PLAIN, 9)]), lambda state: state.need([read(TO, 1)])]
    found = at.driven(gather_state(Proofs(at.world.header), tasks))
    assert list(found.failed) == [0] and isinstance(found.failed[0], Unanswered)
    assert at.rounds == [["proof c0 1", "proof ee 9"]]


def test_a_call_that_cannot_run_here_says_why_at_once():
    """No rounds are spent on a block of rules that are not covered."""
    at = Endpoint(world(sload(1), rules=None))
    found = at.gathered([call()], hints=False)
    assert type(found.failed[0]) is Unsupported and at.rounds == []
    assert DEFAULT_CALL_LIMITS.reads > 10
