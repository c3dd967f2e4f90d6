"""How hostile code ends: in an answer, or in a refusal by name; bounds hold exactly, and the package stays as it is."""

from __future__ import annotations

import importlib
import subprocess
import sys
import traceback

import pytest

from tests.simulators.evm_world import OTHER, TO, Account, EvmWorld, call, returns_top
from tests.simulators.trie_builder import keccak
from tests.verifier.evm.running import run
from verifier.calls import Call, CallLimits, Work
from verifier.errors import BadInput, CallTooLarge, MissingNode, Unsupported
from verifier.evm.call import verify_call
from verifier.evm.machine import machine
from verifier.evm.precompiles import precompile_work
from verifier.forks import Fork
from verifier.proven import Ended

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


def test_code_is_hashed_once_however_often_its_hash_is_asked_for():
    """An opcode is one unit of work, and hashing the longest code takes as long as thirty of them."""
    code = bytes.fromhex(("73" + OTHER.hex() + "3f50") * 200 + "73" + OTHER.hex() + "3f")
    others = {OTHER: Account(b"\x00" * 24_575 + b"\x01")}
    run(b"\x00")  # whatever loads the package
    asked = importlib.import_module("verifier.evm._spec_osaka.vm.instructions.environment").keccak256.cache_info
    before = asked()
    assert run(returns_top(code), others=others).output == keccak(others[OTHER].code)
    assert (asked().misses - before.misses, asked().hits - before.hits) == (1, 200)


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
    """Where it is not installed the call is refused with the remedy; nothing else is."""
    from verifier.evm import machine as loading

    def missing(fork):
        raise ModuleNotFoundError("No module named 'ethereum'", name="ethereum")

    monkeypatch.setattr(loading, "_machine", missing)
    with pytest.raises(Unsupported, match=r"not installed.*pip install"):
        run(returns_top(b"\x60\x01"))


@pytest.mark.parametrize(
    ("python", "cure"),
    [((3, 11), "install 'ethereum-"), ((3, 12), "install 'ethereum-"), ((3, 13), "install --no-deps 'ethereum-"), ((3, 14), "use Python 3.11 to 3.13")],
)  # fmt: skip
def test_the_remedy_is_the_interpreters_own(python, cure):
    """What the package needs besides is at hand on 3.13, where its own list cannot be met; later there is no wheel."""
    from verifier.evm.machine import _cure

    assert cure in _cure(python)


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
