"""Random programs over our state of proven values, and over the specification's own: the same end, output and gas."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest

from tests.simulators.chain import HISTORY
from tests.simulators.evm_world import Account, EvmWorld
from tests.simulators.programs import program
from verifier.calls import DEFAULT_CALL_LIMITS, Call
from verifier.evm.call import BlockHashes, Reader
from verifier.evm.environment import environment
from verifier.evm.machine import intrinsic_gas, machine
from verifier.evm.state import State
from verifier.primitives import Address

SENDER = Address(b"\x5e" * 20)
PARENT = b"\x11" * 32
"""The parent hash of a simulated header."""


def made(seed: int, count: int) -> tuple[EvmWorld, list[Call]]:
    """Programs that know each other, empty accounts, one with nothing but a balance, and the history of a block."""
    rng = random.Random(seed)
    addresses = [Address(b"\xc0" + rng.randbytes(19)) for _ in range(count)]
    rich, absent = Address(b"\xee" * 20), Address(b"\xab" * 20)
    accounts = {
        SENDER: Account(b"", {}, 10**18, nonce=3),
        rich: Account(b"", {}, 5, nonce=0),
        HISTORY: Account(b"\x00", {1_000 - back: 0xABC0000 + back for back in (2, 3, 9, 256)}),
    }
    for address in addresses:
        known = [*rng.sample(addresses, min(5, count)), rich, absent, SENDER]
        code = program(rng, known, length=rng.choice((10, 30, 60)))
        storage = {slot: rng.getrandbits(256) for slot in range(3)} if rng.random() < 0.8 else {}
        accounts[address] = Account(code, storage, rng.choice((0, 1_000)), rng.choice((0, 1)))
    gas = (60_000, 300_000, 1_000_000)
    return EvmWorld(accounts), [Call(a, rng.randbytes(36), SENDER, rng.choice(gas)) for a in addresses]


def ours(world: EvmWorld, call: Call) -> tuple[str, str, int]:
    """How it ends here."""
    header, section = world.header, world.section()
    where, env = header.where.at(address=call.to), environment(header)
    engine = machine(env.fork)
    reader = Reader(section, section.codes, DEFAULT_CALL_LIMITS, where)
    hashes = BlockHashes(header, reader, ())
    state = State(reader, engine.numbers, call.sender)
    done = engine.run(call, env, state, hashes, DEFAULT_CALL_LIMITS, where)
    return "Revert" if done.reverted else done.halted or "", done.output.hex(), done.gas_left


def theirs(world: EvmWorld, call: Call) -> tuple[str, str, int]:
    """How it ends in the specification, over its own state."""
    from ethereum.forks.osaka.vm.interpreter import process_message_call

    done = process_message_call(message(world, call))
    name = "" if done.error is None else type(done.error).__name__
    return name, bytes(done.return_data).hex(), int(done.gas_left)


def message(world: EvmWorld, call: Call) -> Any:
    from ethereum.forks.osaka import state as specified
    from ethereum.forks.osaka import vm
    from ethereum.forks.osaka.fork_types import Account as Kept
    from ethereum.forks.osaka.fork_types import Address as Place
    from ethereum.forks.osaka.vm.interpreter import PRE_COMPILED_CONTRACTS
    from ethereum_types.bytes import Bytes32
    from ethereum_types.numeric import U64, U256, Uint

    state, env = specified.State(), environment(world.header)
    for address, account in world.accounts.items():
        nonce = account.nonce + (address == call.sender)  # as in a transaction of the sender's
        specified.set_account(state, Place(address), Kept(Uint(nonce), U256(account.balance), account.code))
        for slot, word in account.storage.items():
            specified.set_storage(state, Place(address), Bytes32(slot.to_bytes(32, "big")), U256(word))
    ring = world.accounts[HISTORY].storage
    hashes = [Bytes32(ring.get(n, 0).to_bytes(32, "big")) for n in range(env.height - 256, env.height - 1)]
    block = vm.BlockEnvironment(
        U64(env.chain_id), state, Uint(env.gas_limit), [*hashes, Bytes32(PARENT)], Place(env.beneficiary),
        Uint(env.number), Uint(env.base_fee), U256(env.time), Bytes32(env.mix_hash), U64(env.excess_blob_gas),
        Bytes32(bytes(32)),
    )  # fmt: skip
    gas, sender, target = Uint(call.gas - intrinsic_gas(call.data)), Place(call.sender), Place(call.to)
    tx = vm.TransactionEnvironment(
        sender, Uint(0), gas, set(), set(), specified.TransientStorage(), (), (), None, None
    )  # fmt: skip
    warm = {sender, target, Place(env.beneficiary), *PRE_COMPILED_CONTRACTS}
    code = world.accounts[call.to].code
    return vm.Message(
        block, tx, sender, target, target, gas, U256(0), call.data, target, code, Uint(0), True, False, warm, set(),
        False, None,
    )  # fmt: skip


def compare(seed: int, count: int) -> None:
    world, calls = made(seed, count)
    ends = Counter[str]()
    for call in calls:
        end = ours(world, call)
        assert end == theirs(world, call), (seed, call)
        ends[end[0]] += 1
    assert {"", "Revert", "OutOfGasError"} <= set(ends), ends


@pytest.mark.parametrize("seed", range(4))
def test_our_state_has_the_meaning_of_the_specifications(seed):
    """Storage, transient storage, balances, creation and destruction, undone or kept; to the last unit of gas."""
    compare(seed, 60)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(10, 30))
def test_our_state_has_the_meaning_of_the_specifications_in_number(seed):
    """The same for 4,000 programs."""
    compare(seed, 200)
