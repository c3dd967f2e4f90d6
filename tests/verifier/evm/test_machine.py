"""What a call may read, under which rules it runs, and how hostile code ends: in an answer, or in a refusal by name."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import traceback
from hashlib import sha256

import pytest

from chains import arbitrum_one, base, ethereum, optimism, sepolia
from tests.simulators.chain import HISTORY, SimChain
from tests.simulators.evm_world import OTHER, TO, Account, EvmWorld, call, returns_top
from tests.simulators.trie_builder import keccak
from verifier.calls import DEFAULT_CALL_LIMITS, Call, CallLimits, Work
from verifier.errors import BadInput, BrokenAncestry, CallTooLarge, MissingEvidence, MissingNode, Unsupported
from verifier.evm.call import BlockHashes, CodeTable, Reader, verify_call
from verifier.evm.environment import environment
from verifier.evm.machine import machine
from verifier.evm.precompiles import precompile_work
from verifier.forks import Fork
from verifier.headers.ancestry import verify_parent
from verifier.primitives import Hash32
from verifier.proven import Ended, mint


def run(code: bytes, *, data: bytes = b"", gas: int = 10_000_000, limits: CallLimits = DEFAULT_CALL_LIMITS, **more):
    """The call of one contract with this code."""
    others = more.pop("others", {})
    world = EvmWorld({TO: Account(code, **more.pop("account", {})), **others}, **more)
    state = world.section()
    return verify_call(world.header, call(data, gas), state, state.codes, limits=limits)


def top(code: str, **more) -> int:
    """The word that code leaves on the stack."""
    done = run(returns_top(bytes.fromhex(code)), **more)
    assert done.ended is Ended.RETURNED, done.halted
    return int.from_bytes(done.output, "big")


# --- reads -----------------------------------------------------------------------------------------------


def test_what_was_read_is_proven_and_told():
    """A call's trail names every account and word that it read, and the code that ran."""
    done = run(returns_top(bytes.fromhex("600754")), account={"storage": {7: 99}})
    assert int.from_bytes(done.output, "big") == 99
    assert [type(read).__name__ for read in done.reads] == ["ProvenAccount", "ProvenWord"]
    assert list(done.code_hashes) == [TO]


@pytest.mark.parametrize(
    ("code", "storage"),
    [("600754", {7: 1, 8: 2}), ("73" + OTHER.hex() + "31", {}), ("73" + OTHER.hex() + "3b", {})],
    ids=["word", "balance", "code size"],
)
def test_no_read_outside_the_evidence_is_zero(code, storage):
    """With any one node left out the call is refused, and the refusal names the account or the slot."""
    world = EvmWorld({TO: Account(returns_top(bytes.fromhex(code)), storage), OTHER: Account(b"\x00", {}, 5)})
    full = world.section()
    verify_call(world.header, call(), full, full.codes)
    for node in world.evidence():
        state = world.section(without=node)
        if Hash32(keccak(node)) in full.used:
            with pytest.raises(MissingNode) as refused:
                verify_call(world.header, call(), state, state.codes)
            assert refused.value.where.address in {TO, OTHER}


def test_code_enters_by_its_proven_hash_only():
    """Without the code, or with other code, there is no run."""
    world = EvmWorld({TO: Account(returns_top(b"\x60\x01"))})
    for codes in (CodeTable(), CodeTable([returns_top(b"\x60\x02")])):
        with pytest.raises(MissingEvidence, match="the code with hash"):
            verify_call(world.header, call(), world.section(), codes)


def test_an_absent_account_answers_with_nothing():
    """A call of an address that is proven absent returns no bytes, as on a node."""
    world = EvmWorld({OTHER: Account(b"\x00")})
    state = world.section()
    done = verify_call(world.header, call(), state, state.codes)
    assert (done.ended, done.output, done.code_hashes) == (Ended.RETURNED, b"", {})


# --- rules -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "before", "since"),
    [("5f", Fork.PARIS, Fork.SHANGHAI), ("60015c", Fork.SHANGHAI, Fork.CANCUN), ("60011e", Fork.PRAGUE, Fork.OSAKA)],
    ids=["PUSH0", "TLOAD", "CLZ"],
)
def test_opcodes_begin_with_their_fork(code, before, since):
    """The block's own fork decides, on both sides of its border."""
    assert run(returns_top(bytes.fromhex(code)), fork=before).halted == "InvalidOpcode"
    assert run(returns_top(bytes.fromhex(code)), fork=since).ended is Ended.RETURNED


@pytest.mark.parametrize(
    ("network", "number", "time", "fork"),
    [
        (ethereum.NETWORK, 15_537_393, 1_663_224_162, Fork.LONDON),
        (ethereum.NETWORK, 15_537_394, 1_663_224_179, Fork.PARIS),
        (ethereum.NETWORK, 22_431_083, 1_746_612_310, Fork.CANCUN),
        (ethereum.NETWORK, 22_431_084, 1_746_612_311, Fork.PRAGUE),
        (ethereum.NETWORK, 23_935_694, 1_764_798_551, Fork.OSAKA),
        (ethereum.NETWORK, 24_100_000, 1_767_747_671, Fork.BPO2),
        (optimism.NETWORK, 140_000_000, 1_746_806_401, Fork.PRAGUE),
        (optimism.NETWORK, 150_000_000, 1_783_526_401, Fork.OSAKA),
    ],
)
def test_the_fork_is_the_networks_own(network, number, time, fork):
    """At each border of a schedule, by number and by time."""
    assert environment(header_of(network, number, time)).fork is fork


@pytest.mark.parametrize(
    ("network", "number", "time", "word"),
    [
        (ethereum.NETWORK, 12_964_999, 1_628_166_800, "before London"),
        (sepolia.NETWORK, 9_000_000, 1_791_294_816, "amsterdam"),
        (base.NETWORK, 40_000_000, 1_782_410_400, "beryl"),
    ],
)
def test_a_fork_that_cannot_be_run_is_named(network, number, time, word):
    """A block before the first or after the last fork that is covered is refused, not run under a neighbour's rules."""
    with pytest.raises(Unsupported, match=word):
        environment(header_of(network, number, time))


def test_appended_header_fields_are_a_later_fork():
    """A header with the fields of Amsterdam runs under rules that are not here, whatever the schedule says."""
    world = EvmWorld({TO: Account(b"\x00")}, extra=(b"\x11" * 32, b"\x01"))
    with pytest.raises(Unsupported, match="appended header fields"):
        environment(world.header)


def test_a_family_without_a_modelled_machine_is_refused():
    """Nothing is guessed for networks whose rules nobody reviewed."""
    world = EvmWorld({TO: Account(b"\x00")}, rules=None)
    with pytest.raises(Unsupported, match="not modelled"):
        environment(world.header)


def header_of(network, number: int, time: int):
    """A header of a network, minted by hand: its number and time are what decides."""
    made = EvmWorld({TO: Account(b"\x00")}).header
    values = {f.name: getattr(made, f.name) for f in dataclasses.fields(made)}
    return mint(type(made), **{**values, "network": network, "number": number, "timestamp": time})


# --- families --------------------------------------------------------------------------------------------


def arbitrum(code: str, **more):
    mix = (
        (5).to_bytes(8, "big") + (21_000_123).to_bytes(8, "big") + more.pop("version", 40).to_bytes(8, "big") + bytes(8)
    )
    rules, forks = arbitrum_one.NETWORK.family.evm, arbitrum_one.NETWORK.forks
    return run(returns_top(bytes.fromhex(code)), rules=rules, forks=forks, mix_hash=mix, **more)


def test_on_arbitrum_number_is_the_l1_block_of_the_header():
    """And the ArbOS version in the header decides the fork."""
    assert int.from_bytes(arbitrum("43").output, "big") == 21_000_123
    assert arbitrum("60011e", version=40).halted == "InvalidOpcode"
    assert arbitrum("60011e", version=50).ended is Ended.RETURNED
    with pytest.raises(Unsupported, match="ArbOS after 60"):
        arbitrum("43", version=61)


@pytest.mark.parametrize(
    ("code", "word"),
    [("61ffff40", "BLOCKHASH"), ("44", "PREVRANDAO"), ("4a", "BLOBBASEFEE"), ("600049", "BLOBHASH")],
)
def test_on_arbitrum_opcodes_that_mean_something_else_are_refused_by_name(code, word):
    """BLOCKHASH speaks of L1 blocks there; blobs do not exist."""
    with pytest.raises(Unsupported, match=word):
        arbitrum(code)


@pytest.mark.parametrize("address", [0x64, 0x6C, 0xFF, 0x100, 0x0B])
def test_on_arbitrum_its_own_precompiles_are_refused_by_name(address):
    """ArbSys and the others answer from state of ArbOS; a call of them is no call of an empty account."""
    with pytest.raises(Unsupported, match="precompile"):
        arbitrum(f"5f5f5f5f61{address:04x}5afa")


def test_a_stylus_program_is_no_evm_code():
    """Code that begins with 0xeff0 runs in another machine."""
    others = {OTHER: Account(bytes.fromhex("eff00000") + b"\x01" * 20)}
    with pytest.raises(Unsupported, match="no EVM code"):
        arbitrum("5f5f5f5f73" + OTHER.hex() + "5afa", others=others)


def test_on_the_op_stack_p256_is_refused_by_name():
    """Its price there is not Ethereum's."""
    rules = optimism.NETWORK.family.evm
    with pytest.raises(Unsupported, match="P256VERIFY"):
        run(returns_top(bytes.fromhex("5f5f5f5f6101005afa")), rules=rules, fork=Fork.PRAGUE)
    assert run(returns_top(bytes.fromhex("43")), rules=rules, fork=Fork.PRAGUE).ended is Ended.RETURNED


# --- the block -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "value"),
    [("42", 1_700_000_000), ("43", 1_000), ("45", 30_000_000), ("46", 1), ("48", 7), ("41", int.from_bytes(b"\xfe" * 20, "big")),
     ("44", int.from_bytes(bytes(range(32)), "big")), ("4a", 1), ("3a", 0), ("32", 0), ("33", 0), ("34", 0)],
)  # fmt: skip
def test_the_environment_is_the_headers(code, value):
    """Time, number, gas limit, chain id, base fee, beneficiary, random value: all out of the proven header."""
    assert top(code) == value


def test_the_parents_hash_needs_no_more_evidence():
    """It stands in the proven header; a block that is not older is zero, as in the protocol."""
    assert top("6103e740", number=1_000) == int.from_bytes(b"\x11" * 32, "big")
    assert top("6103e840", number=1_000) == 0
    assert top("61020040", number=1_000) == 0


def test_older_hashes_come_out_of_the_history_contract():
    """EIP-2935: the slot is proven like any word; where it is empty or there is no contract, the call is refused."""
    history = {HISTORY: Account(b"\x00", {900: 0xABC})}
    assert top("61038440", number=1_000, others=history) == 0xABC
    with pytest.raises(MissingEvidence, match="the hash of block 901"):
        top("61038540", number=1_000, others=history)
    with pytest.raises(MissingEvidence, match="the hash of block 900"):
        top("61038440", number=1_000, others=history, history=False)


def test_older_hashes_come_from_proven_ancestors():
    """A chain of parents that was proven from the header; one of another history is refused."""
    chain = SimChain([12, 12, 12], ring=None)
    header = chain.header()
    parent = verify_parent(header, chain.blocks[-2].rlp)
    oldest = verify_parent(parent, chain.blocks[-3].rlp)
    reader = Reader(EvmWorld({TO: Account()}).section(), CodeTable(), DEFAULT_CALL_LIMITS, header.where)
    hashes = BlockHashes(header, reader, [parent, oldest])
    assert [hashes.hash_of(block.number) for block in chain.blocks[:3]] == [block.hash for block in chain.blocks[:3]]
    with pytest.raises(BrokenAncestry):
        BlockHashes(header, reader, [SimChain([5, 6], ring=None).header()])


# --- the machine -----------------------------------------------------------------------------------------


def test_a_delegated_account_runs_its_delegates_code():
    """EIP-7702: on the account's own storage, from Prague on; before, the marker is no code that runs."""
    account = {TO: Account(b"\xef\x01\x00" + OTHER, {1: 42}), OTHER: Account(returns_top(bytes.fromhex("600154")))}
    for fork, value in ((Fork.PRAGUE, 42), (Fork.CANCUN, None)):
        world = EvmWorld(account, fork=fork)
        state = world.section()
        done = verify_call(world.header, call(), state, state.codes)
        if value is None:
            assert done.ended is Ended.HALTED
        else:
            assert int.from_bytes(done.output, "big") == value
            assert set(done.code_hashes) == {TO, OTHER}


def test_transient_words_live_as_long_as_the_call():
    """Set and read, and gone where the frame that set them reverted."""
    assert top("602a60015d60015c") == 42
    reverting = {OTHER: Account(bytes.fromhex("600960015d5f5ffd"))}
    assert top("5f5f5f5f5f73" + OTHER.hex() + "5af160015c01", others=reverting) == 0


def test_written_words_are_seen_and_undone():
    """SSTORE is visible within the call, undone by a revert below it, and nothing of it outlives the call."""
    assert top("602a600755600754", account={"storage": {7: 1}}) == 42
    inner = "5f35600755"  # writes what it is told, in the caller's storage
    others = {OTHER: Account(bytes.fromhex(inner + "5f5ffd"))}
    assert (
        top(
            "60635f5260205f60205f73" + OTHER.hex() + "5af450600754".replace("5af450", "5af450"),
            account={"storage": {7: 1}},
            others=others,
        )
        == 1
    )


def test_precompiles_answer():
    """SHA-256 of nothing, by the specification's own precompile, once the precompile's account is proven absent."""
    code = "60205f5f5f60025afa505f51"
    assert top(code) == int.from_bytes(sha256(b"").digest(), "big")


def test_gas_is_counted_as_a_node_counts_it():
    """What a transaction costs before its first step comes off; GAS itself costs two."""
    assert top("5a", gas=100_000) == 100_000 - 21_000 - 2
    assert top("5a", gas=100_000, data=b"\x00\x01") == 100_000 - 21_000 - 4 - 16 - 2


# --- hostile code ----------------------------------------------------------------------------------------

SELF = "5f5f5f5f5f305af1"  # calls itself with all it has
LOOP = "5b5f56"
CLIMB = "5b" + "6001" * 3 + "505050" + "5f56"


@pytest.mark.parametrize(
    ("code", "gas", "what"),
    [
        (LOOP, 50_000_000, "steps"),
        (CLIMB, 50_000_000, "steps"),
        (SELF, 50_000_000, None),
        (SELF + SELF, 50_000_000, "call frames"),
        ("5b" + "5f5f5f5f73" + OTHER.hex() + "5afa50" + "5f56", 50_000_000, "call frames"),
        ("620fffff60005260" + "20" + "6000f3", 50_000_000, None),
        ("62200000" + "6000f3", 50_000_000, "bytes of output"),
        ("6310000000" + "5ff3", 50_000_000, None),
        ("62180000" + "5ff3", 50_000_000, "bytes of output"),
        ("5b" + "5f5fa0" + "5f56", 50_000_000, "steps"),
        ("63ffffffff60e01b5f526040" + "5f60d55f" + "60095afa00", 50_000_000, None),
        ("630200000060e01b5f525f5f60d55f60095afa00", 50_000_000, "steps"),
        ("5f5f61180060005f60085afa00".replace("61180060005f", "6118005f"), 50_000_000, "steps"),
    ],
    ids=["empty loop", "busy loop", "recursion", "branching recursion", "many frames", "wide answer", "wide output", "memory bomb", "giant output",
         "log storm", "blake2 without gas", "blake2", "pairings"],
)  # fmt: skip
def test_hostile_code_ends_in_an_answer_or_a_typed_refusal(code, gas, what):
    """Endless loops, memory bombs, deep recursion, giant output, slow precompiles: no fault of ours, and no waiting."""
    others = {OTHER: Account(b"\x00")}
    if what is None:
        assert run(bytes.fromhex(code), gas=gas, others=others).ended in set(Ended)
        return
    with pytest.raises(CallTooLarge, match=what) as refused:
        run(bytes.fromhex(code), gas=gas, others=others, limits=CallLimits(steps=150_000, frames=1_000))
    assert refused.value.where.address == TO
    assert refused.value.remedy


def test_no_global_of_the_package_is_changed():
    """Whoever uses the specification beside us finds it as it was: its own trace hook, state and interpreter."""
    import ethereum.forks.osaka.vm.interpreter as theirs
    import ethereum.trace

    run(returns_top(b"\x60\x01"))
    assert ethereum.trace._evm_trace is ethereum.trace.discard_evm_trace
    assert theirs.evm_trace is ethereum.trace.evm_trace
    assert theirs.get_account.__module__ == "ethereum.forks.osaka.state"
    assert theirs.get_valid_jump_destinations.__module__ == "ethereum.forks.osaka.vm.runtime"


def test_the_package_loads_when_a_call_is_verified_and_not_before():
    """Its import takes most of a second; verifying balances never needs it."""
    code = (
        "import sys, verifier, chains, verifier.verify, verifier.gather, verifier.wire, verifier.verify_calls;"
        "print(sorted(n for n in sys.modules if n.split('.')[0] in {'ethereum', 'ethereum_types', 'eth_abi', 'py_ecc'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_without_the_package_a_call_cannot_be_verified_here(monkeypatch):
    """Where it is not installed (it has no wheel for Python 3.13) the call is refused with the remedy; nothing else is."""
    from verifier.evm import machine as loading

    def missing(fork):
        raise ModuleNotFoundError("No module named 'ethereum'", name="ethereum")

    monkeypatch.setattr(loading, "_machine", missing)
    with pytest.raises(Unsupported, match=r"not installed.*pip install"):
        run(returns_top(b"\x60\x01"))


def test_pythons_recursion_limit_stays_what_it_was():
    """The package raises it when it is loaded; in a process with a hundred times the limit, nested JSON ends in a crash."""
    code = (
        "import sys; before = sys.getrecursionlimit();"
        "from verifier.evm.machine import machine; from verifier.forks import Fork;"
        "machine(Fork.OSAKA); assert 'py_ecc' in sys.modules; print(before, sys.getrecursionlimit())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    before, after = done.stdout.split()
    assert before == after


def test_limits_are_counts_that_hold_exactly():
    """One step less than a call takes refuses it; the same number lets it through, every time."""
    took = run(returns_top(bytes.fromhex("600754"))).steps
    assert run(returns_top(bytes.fromhex("600754")), limits=CallLimits(steps=took)).steps == took
    with pytest.raises(CallTooLarge):
        run(returns_top(bytes.fromhex("600754")), limits=CallLimits(steps=took - 1))
    with pytest.raises(CallTooLarge, match="accounts and words"):
        run(returns_top(bytes.fromhex("600754")), limits=CallLimits(reads=1))
    with pytest.raises(CallTooLarge, match="bytes of code"):
        run(returns_top(bytes.fromhex("600754")), limits=CallLimits(code_bytes=4))


@pytest.mark.parametrize("gas", [20_999, 50_000_001, True])
def test_a_calls_gas_is_bounded(gas):
    """Below what any call costs, or above what nodes allow, there is no such call."""
    with pytest.raises(BadInput, match="gas of a call"):
        Call(TO, b"", gas=gas)


def test_precompiles_that_cannot_be_paid_cost_nothing_here():
    """What the protocol refuses for lack of gas is not computed, so it needs no bound of ours."""
    assert precompile_work(0x09, b"\xff" * 4, 1_000) == 100
    assert precompile_work(0x08, bytes(192 * 100), 1_000) == 100
    assert precompile_work(0x09, (1_000).to_bytes(4, "big"), 10_000) > 1_000


def test_jump_destinations_are_those_of_the_specification():
    """Our search over whole code finds what the specification's loop finds."""
    import random

    from ethereum.forks.osaka.vm.runtime import get_valid_jump_destinations

    from verifier.evm.machine import JumpDestinations

    rng = random.Random(3)
    for length in (0, 1, 33, 500):
        code = bytes(rng.choice((0x5B, 0x60, 0x7F, 0x61, rng.randrange(256))) for _ in range(length))
        ours, theirs = JumpDestinations(code), get_valid_jump_destinations(code)
        assert {i for i in range(length + 2) if i in ours} == {int(i) for i in theirs}
    assert machine(Fork.OSAKA) is machine(Fork.OSAKA)


# --- work that calls share -------------------------------------------------------------------------------


def test_a_call_that_fails_has_used_up_what_it_did():
    """Work ends up in the shared bound however a call ends: else each of many failing calls could spend all of it."""
    code = bytes.fromhex("62000400" + "5b6001900380600457" + "73" + OTHER.hex() + "31")  # 1,024 rounds, then a balance
    world = EvmWorld({TO: Account(code), OTHER: Account(b"", {}, 5)})
    full, work = world.section(), Work(1_000_000)
    steps = verify_call(world.header, call(), full, full.codes, work=work).steps
    assert steps > 5_000 and work.left == 1_000_000 - steps
    leaf = next(n for n in world.evidence() if keccak(n) not in used_without(world, OTHER))
    short, work = world.section(without=leaf), Work(1_000_000)
    with pytest.raises(MissingNode):
        verify_call(world.header, call(), short, short.codes, work=work)
    assert work.left == 1_000_000 - steps
    with pytest.raises(CallTooLarge) as refused:
        verify_call(world.header, call(), full, full.codes, work=Work(steps - 1))
    assert f"{steps - 1:,}" in str(refused.value) or str(steps - 1) in str(refused.value)


def used_without(world: EvmWorld, address) -> set[bytes]:
    """Hashes of the nodes that prove every other account."""
    state = world.section()
    for other in world.accounts:
        if other != address:
            state.account(other)
    return {bytes(used) for used in state.used}


def test_the_same_failing_call_is_run_once():
    """Claims may differ in what they take out of one call; its failure is found once, and keeps no machine alive."""
    world = EvmWorld({TO: Account(bytes.fromhex("5b600056"))})
    state = world.section(steps=50_000)
    with pytest.raises(CallTooLarge) as first:
        state.call(call())
    with pytest.raises(CallTooLarge) as second:
        state.call(call())
    assert first.value is second.value
    assert not any("interpreter" in frame.filename for frame in traceback.extract_tb(second.value.__traceback__))
