"""Checks of proven calls whose removal nothing else would notice: borders, absent header fields, what a refusal is called."""

from __future__ import annotations

import dataclasses
import sys
from dataclasses import replace

import pytest

from chains import arbitrum_one, ethereum
from tests.simulators.chain import HISTORY
from tests.simulators.evm_world import OTHER, TO, Account, EvmWorld, call, returns_top
from tests.verifier.evm.running import run, top
from verifier.calls import MAX_CALLDATA, MAX_GAS, Call, CallLimits
from verifier.errors import BadInput, CallTooLarge, FromTheFuture, MissingEvidence, MissingNode, Unsupported
from verifier.evm import recursion
from verifier.evm import state as spec
from verifier.evm.call import CodeTable, Reader, verify_call
from verifier.evm.environment import environment
from verifier.evm.machine import _load, intrinsic_gas, machine
from verifier.evm.precompiles import precompile_work
from verifier.evm.state import State
from verifier.forks import Fork
from verifier.primitives import Address, ChainId, Timestamp
from verifier.proven import Ended, ProvenCall, ProvenHeader, mint
from verifier.verify import Refusal
from verifier.verify_calls import call_claim, verify_calls
from verifier.wire import encode_bundle

PLAIN = Address(b"\xee" * 20)
"""Has money and no code."""


# --- the block -------------------------------------------------------------------------------------------


def header_with(network=ethereum.NETWORK, **fields) -> ProvenHeader:
    """A header of a network with other fields than it came with."""
    made = EvmWorld({TO: Account(b"\x00")}).header
    values = {f.name: getattr(made, f.name) for f in dataclasses.fields(made)}
    values |= {"network": network, "number": 24_000_000, "timestamp": Timestamp(1_765_000_000)}
    return mint(ProvenHeader, **values | {"block": replace(made.block, **fields)})


@pytest.mark.parametrize("field", ["beneficiary", "gas_limit", "difficulty", "mix_hash", "base_fee"])
def test_a_header_that_lacks_what_the_machine_reads_is_refused(field):
    """Any one of them; none is made up."""
    assert environment(header_with()).gas_limit == 30_000_000
    with pytest.raises(Unsupported, match="lacks fields"):
        environment(header_with(**{field: None}))


def test_without_its_mix_hash_an_arbitrum_header_has_no_version():
    """Then no fork is reached, and nothing is read out of what is not there."""
    with pytest.raises(Unsupported):
        environment(header_with(arbitrum_one.NETWORK, mix_hash=None))


def test_the_excess_of_blob_gas_is_the_headers():
    """And none before there were blobs."""
    assert environment(header_with(excess_blob_gas=40_000_000)).excess_blob_gas == 40_000_000
    assert environment(header_with(excess_blob_gas=None)).excess_blob_gas == 0


def test_a_network_without_a_schedule_is_told_what_it_lacks():
    """Its machine is modelled; whose rules it runs is for its owner to say."""
    with pytest.raises(Unsupported, match=r"whose rules.*fork = \"osaka\""):
        environment(EvmWorld({TO: Account(b"\x00")}, forks=()).header)


# --- borders ---------------------------------------------------------------------------------------------


def test_bounds_of_a_call_are_themselves_allowed():
    """The least and the most gas, and the longest call data; one beyond is refused."""
    assert Call(TO, bytes(MAX_CALLDATA), gas=MAX_GAS).gas == MAX_GAS
    assert Call(TO, b"", gas=21_000).gas == 21_000
    with pytest.raises(BadInput, match="call data"):
        Call(TO, bytes(MAX_CALLDATA + 1))
    for gas in (20_999, MAX_GAS + 1):
        with pytest.raises(BadInput, match="gas of a call"):
            Call(TO, b"", gas=gas)


def test_gas_that_just_pays_for_the_call_data_runs_nothing():
    """No opcode is left to run on; with one unit less there is no such call."""
    data = b"\x01\x00"
    assert run(b"\x00", data=data, gas=intrinsic_gas(data)).ended is Ended.RETURNED
    assert run(b"\x5f", data=data, gas=intrinsic_gas(data)).halted == "OutOfGasError"
    with pytest.raises(CallTooLarge, match="gas, after what the call data costs"):
        run(b"\x00", data=data, gas=intrinsic_gas(data) - 1)


def test_counts_hold_to_the_last_one():
    """Bytes of code and of output, frames, and the work of a frame without an opcode."""
    code = returns_top(b"\x60\x01")
    calls_two = bytes.fromhex(2 * ("5f5f5f5f73" + OTHER.hex() + "5afa50"))
    others = {OTHER: Account(b"\x00")}
    for name, given, needed in (
        ("code_bytes", {"code": code}, len(code)),
        ("output_bytes", {"code": code}, 32),
        ("frames", {"code": calls_two, "others": others}, 3),
        ("steps", {"code": b""}, run(b"").steps),
    ):
        assert run(**given, limits=CallLimits(**{name: needed})).ended is Ended.RETURNED
        with pytest.raises(CallTooLarge) as refused:
            run(**given, limits=CallLimits(**{name: needed - 1}))
        assert refused.value.args[2:] == (needed - 1, needed)


def test_many_logs_cost_more_each():
    """The specification copies them all for each: a unit for 128 of those before it."""
    logs = {n: run(bytes.fromhex("5f5fa0" * n)).steps - 3 * n - 3 * n // 128 for n in (100, 200)}
    assert logs[200] - logs[100] == 200 - 128


@pytest.mark.parametrize(
    ("number", "data", "gas", "work"),
    [
        (0x08, bytes(192), 34_000, 400_000),
        (0x0F, bytes(384), 32_600, 400_000),
        (0x0C, bytes(160), 6_000, 200_000),
        (0x0E, bytes(288), 11_000, 200_000),
        (0x09, (50).to_bytes(4, "big"), 50, 1_100),
        (0x05, b"".join(n.to_bytes(32, "big") for n in (64, 33, 64)), 170, 133),
    ],
)
def test_a_slow_precompile_that_can_just_be_paid_costs_its_work(number, data, gas, work):
    """With one unit of gas less the protocol computes nothing, and it costs next to nothing."""
    assert precompile_work(number, data, gas) == work
    assert precompile_work(number, data, gas - 1) == 100


# --- the machine -----------------------------------------------------------------------------------------


def test_accounts_without_code_are_called_without_any():
    """One that exists and one that does not: no code is looked for, and nothing comes back."""
    others = {PLAIN: Account(b"", {}, 5)}
    for address in (PLAIN, Address(b"\xab" * 20)):
        assert top("5f5f5f5f73" + address.hex() + "5afa", others=others) == 1
    world = EvmWorld({TO: Account(b"\x00"), **others})
    state = world.section(codes=False)
    done = verify_call(world.header, call(to=PLAIN), state, CodeTable())
    assert (done.ended, done.output, done.code_hashes) == (Ended.RETURNED, b"", {})


def test_a_precompile_answers_to_a_call_of_itself_and_not_to_a_delegate():
    """EIP-7702: an account that delegates to a precompile runs no code at all."""
    identity = Address(bytes(19) + b"\x04")
    world = EvmWorld({TO: Account(b"\xef\x01\x00" + identity)})
    state = world.section()
    assert verify_call(world.header, call(b"\x07", to=identity), state, state.codes).output == b"\x07"
    assert verify_call(world.header, call(b"\x07"), state, state.codes).output == b""


def test_the_beneficiary_is_warm_since_shanghai():
    """EIP-3651: its balance costs 100 instead of 2,600."""
    code = "5a4131505a90" + "03"
    assert [top(code, fork=fork) for fork in (Fork.PARIS, Fork.SHANGHAI)] == [2_606, 106]


def test_work_is_counted_once_however_often_a_fork_is_loaded():
    """A second loading, after one that failed half way, joins nothing again."""
    steps = run(returns_top(b"\x60\x01"), fork=Fork.CANCUN).steps
    _load(Fork.CANCUN)
    assert run(returns_top(b"\x60\x01"), fork=Fork.CANCUN).steps == steps


def test_where_python_has_less_room_a_deep_call_is_refused(monkeypatch):
    """Typed, as any other bound."""
    monkeypatch.setattr(recursion, "_ROOM", 0)
    before = sys.getrecursionlimit()  # packages raise it: py_ecc to 100,000
    try:
        sys.setrecursionlimit(1_000)
        with pytest.raises(CallTooLarge, match="inside each other"):
            run(bytes.fromhex("5f5f5f5f5f305af1"), gas=MAX_GAS)
    finally:
        sys.setrecursionlimit(before)


def test_what_the_specification_trips_over_is_no_answer():
    """A fault below it ends in a refusal that names the fault and holds on to no frames."""

    class Faulty:
        def account(self, address):
            raise ValueError("not a block")

        word = code = account

    world = EvmWorld({TO: Account(b"\x00")})
    engine, env = machine(Fork.OSAKA), environment(world.header)
    state = State(Faulty(), engine.numbers)
    state.accounts[TO] = None
    world_call = call(to=TO)
    with pytest.raises(Unsupported, match="stopped with ValueError") as refused:
        state.accounts[TO] = _Coded(bytes.fromhex("73" + OTHER.hex() + "31"))
        engine.run(world_call, env, state, None, CallLimits(), world.header.where)
    assert refused.value.__cause__.__traceback__ is None


class _Coded:
    """An account that is only its code."""

    def __init__(self, code: bytes) -> None:
        self.code, self.has_code = code, True


# --- the state -------------------------------------------------------------------------------------------

EMPTY, CODED, NONCED, KEPT, ABSENT = (Address(bytes([n]) * 20) for n in (0xA1, 0xA2, 0xA3, 0xA4, 0xA5))


def a_state() -> State:
    """An account of each kind: with nothing, with code alone, with a nonce alone, with a balance, with words; and none."""
    accounts = {
        EMPTY: Account(nonce=0),
        CODED: Account(b"\x00", nonce=0),
        NONCED: Account(nonce=1),
        PLAIN: Account(balance=5, nonce=0),
        KEPT: Account(b"\x00", {1: 10, 2: 20}),
        TO: Account(b"\x00", {1: 30}),
    }
    world = EvmWorld(accounts)
    section, header = world.section(), world.header
    reader = Reader(section, section.codes, CallLimits(), header.where)
    return State(reader, machine(Fork.OSAKA).numbers)


def told(function) -> list[bool]:
    return [bool(function(a_state(), address)) for address in (EMPTY, CODED, NONCED, PLAIN, KEPT, ABSENT)]


def test_what_an_account_is_follows_from_all_that_it_has():
    """Code alone makes it alive and takes its place, as a nonce does; a balance makes it alive; words take its place."""
    assert told(spec.account_exists) == [True, True, True, True, True, False]
    assert told(spec.is_account_alive) == [False, True, True, True, True, False]
    assert told(spec.account_exists_and_is_empty) == [True, False, False, False, False, False]
    assert told(spec.account_has_code_or_nonce) == [False, True, True, False, True, False]
    assert told(spec.account_has_storage) == [False, False, False, False, True, False]
    assert told(lambda state, at: spec.get_account(state, at) == state.numbers.empty) == [True, *[False] * 4, True]


def test_code_that_was_set_is_what_an_account_has():
    """Whatever was proven of it; and an account that lost its code has none."""
    state = a_state()
    spec.set_code(state, PLAIN, b"\x01")
    assert spec.get_account(state, PLAIN).code == b"\x01" and spec.account_has_code_or_nonce(state, PLAIN)
    spec.set_code(state, CODED, b"")
    assert spec.account_exists(state, CODED) is False and not spec.account_has_code_or_nonce(state, CODED)
    assert spec.get_account(state, ABSENT).code == b""


def test_an_account_keeps_its_code_when_something_else_of_it_changes():
    """A contract that creates another, or is paid, is still called with its own code."""
    state = a_state()
    spec.increment_nonce(state, KEPT)
    spec.set_account_balance(state, KEPT, state.numbers.u256(9))
    changed = spec.get_account(state, KEPT)
    assert (int(changed.nonce), int(changed.balance), changed.code) == (2, 9, b"\x00")
    assert changed.has_code


def test_an_account_is_like_itself_and_like_no_other():
    """The package compares with its empty account alone; two of the same balance are two."""
    state = a_state()
    one = spec.get_account(state, PLAIN)
    assert one == one
    assert one != one.replaced() and one != spec.get_account(state, KEPT)


def word(n: int) -> bytes:
    return n.to_bytes(32, "big")


def words(state: State, address: Address) -> list[int]:
    return [int(spec.get_storage(state, address, word(n))) for n in (1, 2, 3)]


def test_destroyed_storage_is_that_accounts_alone_and_comes_back_when_undone():
    """Proven words and written ones; destroyed twice and undone once, it stays destroyed."""
    state = a_state()
    u256 = state.numbers.u256
    spec.set_storage(state, KEPT, word(3), u256(33))
    spec.set_storage(state, TO, word(3), u256(44))
    spec.begin_transaction(state)
    spec.destroy_storage(state, KEPT)
    assert words(state, KEPT) == [0, 0, 0] and words(state, TO) == [30, 0, 44]
    assert not spec.account_has_storage(state, KEPT) and spec.account_has_storage(state, TO)
    spec.begin_transaction(state)
    spec.destroy_storage(state, KEPT)
    spec.set_storage(state, KEPT, word(1), u256(7))
    assert spec.account_has_storage(state, KEPT)
    spec.rollback_transaction(state)
    assert words(state, KEPT) == [0, 0, 0]
    spec.rollback_transaction(state)
    assert words(state, KEPT) == [10, 20, 33] and spec.account_has_storage(state, KEPT)
    assert (state.log != [], state.marks) == (True, [])


def test_written_words_make_storage_where_none_was_proven():
    """Those that are not zero, and of that account."""
    state = a_state()
    spec.set_storage(state, PLAIN, word(1), state.numbers.u256(0))
    assert not spec.account_has_storage(state, PLAIN)
    spec.set_storage(state, PLAIN, word(1), state.numbers.u256(1))
    assert spec.account_has_storage(state, PLAIN) and not spec.account_has_storage(state, NONCED)


def test_what_a_word_was_before_the_call_is_what_was_proven():
    """Whatever was written since; zero in an account that the call made."""
    state = a_state()
    spec.set_storage(state, KEPT, word(1), state.numbers.u256(99))
    assert int(spec.get_storage_original(state, KEPT, word(1))) == 10
    spec.mark_account_created(state, KEPT)
    assert int(spec.get_storage_original(state, KEPT, word(1))) == 0


def test_a_touch_makes_an_account_where_there_is_none():
    """And leaves another as it is."""
    state = a_state()
    before = spec.get_account(state, PLAIN)
    spec.touch_account(state, PLAIN)
    spec.touch_account(state, ABSENT)
    assert spec.get_account(state, PLAIN) is before
    assert spec.account_exists_and_is_empty(state, ABSENT)


def test_transient_words_are_undone_to_the_mark_and_no_further():
    """A frame that keeps what it wrote, within one that is undone."""
    state, zero = a_state(), machine(Fork.OSAKA).numbers.u256(0)
    kept, one, two = spec.TransientStorage(zero), state.numbers.u256(1), state.numbers.u256(2)
    spec.set_transient_storage(kept, TO, word(1), one)
    spec.begin_transaction(state, kept)
    spec.begin_transaction(state, kept)
    spec.set_transient_storage(kept, TO, word(1), two)
    spec.set_transient_storage(kept, TO, word(2), two)
    spec.commit_transaction(state, kept)
    spec.rollback_transaction(state, kept)
    assert [int(spec.get_transient_storage(kept, TO, word(n))) for n in (1, 2)] == [1, 0]
    assert (state.marks, kept.marks) == ([], [])


def test_a_family_without_a_native_balance_in_its_leaf_is_refused():
    """There is no figure to begin with."""
    state = a_state()
    found = state.view.account(PLAIN)
    values = {f.name: getattr(found, f.name) for f in dataclasses.fields(found)}
    state.view.accounts[PLAIN] = mint(type(found), **values | {"balance": None})
    with pytest.raises(Unsupported, match="native balance"):
        state.account(PLAIN)


# --- calls out of a bundle -------------------------------------------------------------------------------


def claims_of(*calls: Call):
    return [call_claim(ChainId(1), one) for one in calls]


def outcomes(world: EvmWorld, bundle, **checker):
    made = replace(world.checker(), **checker)
    return verify_calls(encode_bundle(bundle), made).outcomes


def test_what_a_refusal_is_called_says_who_could_help():
    """Missing is what the gatherer left out, for want of an endpoint; a refusal of evidence is none of that."""
    world = EvmWorld({TO: Account(returns_top(b"\x60\x07"))})
    claims = claims_of(call(), call(b"\x01"))
    late, also_late = outcomes(world, replace(world.bundle(claims), as_of=Timestamp(world.time + 10_000)))
    assert type(late.error) is type(also_late.error) is FromTheFuture and not late.missing
    left, there = outcomes(world, replace(world.bundle(claims), omitted=(0,)))
    assert isinstance(left, Refusal) and left.missing and type(left.error) is MissingEvidence
    assert isinstance(there, ProvenCall)
    other = EvmWorld({TO: Account(returns_top(b"\x60\x08"))})
    (unrooted,) = outcomes(other, world.bundle(claims_of(call())))
    assert isinstance(unrooted, Refusal) and not unrooted.missing
    (codeless,) = outcomes(world, world.bundle(claims_of(call()), codes=[]))
    assert isinstance(codeless, Refusal) and not codeless.missing and type(codeless.error) is MissingEvidence
    (extra,) = outcomes(world, world.bundle(claims_of(call()), codes=[returns_top(b"\x60\x07"), b"\x01"]))
    assert isinstance(extra, Refusal) and not extra.missing


def test_a_refused_call_does_not_take_the_others_along():
    """What it would have used is no surplus."""
    world = EvmWorld(
        {TO: Account(returns_top(b"\x60\x07")), OTHER: Account(b"\x5f\x54", {0: 1}), HISTORY: Account(b"\x00")}
    )
    bundle = world.bundle(claims_of(call(), call(to=OTHER)), codes=[returns_top(b"\x60\x07"), b"\x5f\x54", b"\x00"])
    leaf = next(node for node in bundle.nodes if node in world.accounts[OTHER].trie.nodes.values())
    nodes = tuple(node for node in bundle.nodes if node != leaf)
    section = replace(bundle.sections[0], nodes=tuple(range(len(nodes))))
    good, bad = outcomes(world, replace(bundle, nodes=nodes, sections=(section,)))
    assert isinstance(good, ProvenCall)
    assert isinstance(bad, Refusal) and type(bad.error) is MissingNode
