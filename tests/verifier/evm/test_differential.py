"""Random programs over random proven state: our run against the node's own eth_call, gas and all."""

from __future__ import annotations

import random

import pytest

from tests.simulators.programs import program
from tests.verifier.evm.talk import gathered, node_answer, our_answer
from verifier.calls import Call
from verifier.primitives import Address


def populated(node, seed: int, count: int) -> list[Call]:
    """Programs that know each other, with balances and storage, and a call of each."""
    rng = random.Random(seed)
    addresses = [b"\xc0" + rng.randbytes(19) for _ in range(count)]
    for address in addresses:
        at = f"0x{address.hex()}"
        code = program(rng, rng.sample(addresses, min(6, count)), length=rng.choice((5, 15, 40)))
        node.rpc("anvil_setCode", at, f"0x{code.hex()}")
        if rng.random() < 0.5:
            node.rpc("anvil_setBalance", at, hex(1_000))
        for slot in range(3):
            node.rpc("anvil_setStorageAt", at, f"0x{slot:064x}", f"0x{rng.getrandbits(256) | 1:064x}")
    node.mine(3)
    gas = (60_000, 300_000, 1_000_000)
    return [Call(Address(a), rng.randbytes(rng.choice((0, 4, 68))), gas=rng.choice(gas)) for a in addresses]


def compare(node, calls: list[Call]) -> dict[str, int]:
    """Every call ends alike, with the same bytes; how many ended how."""
    talk = gathered(node, calls)
    assert {i: str(error) for i, error in talk.state.failed.items()} == {}
    state, ends = talk.section(), dict[str, int]()
    for i, call in enumerate(calls):
        ours = our_answer(state.call(call))
        assert ours == node_answer(node, call, talk.header.number), (i, call)
        ends[ours[0]] = ends.get(ours[0], 0) + 1
    return ends


def test_random_programs_end_as_on_anvil(anvil_factory):
    """A seeded sample: what they return, what they revert with, and where they run out of gas."""
    node = anvil_factory(chain_id=31_340)
    ends = compare(node, populated(node, seed=7, count=120))
    node.stop()
    assert min(ends.get(end, 0) for end in ("returned", "reverted", "halted")) > 0


def test_random_programs_end_as_on_ethereumjs(ethereumjs):
    """The same kind of programs, deployed by transactions, on a client of another make and under Prague.

    (Geth's development chain prices opcodes by rules that are not out yet, while its headers are Osaka's.)
    """
    rng = random.Random(11)
    targets: list[bytes] = [bytes(19) + b"\x04"]
    for _ in range(24):
        code = program(rng, targets[-6:], newest="prague", length=rng.choice((5, 15, 30)))
        init = b"\x61" + len(code).to_bytes(2, "big") + b"\x80\x60\x0a\x5f\x39\x5f\xf3"
        address = ethereumjs.send(None, f"0x{(init + code).hex()}")["contractAddress"]
        targets.append(bytes.fromhex(address[2:]))
    ends = compare(ethereumjs, [Call(Address(a), rng.randbytes(4), gas=400_000) for a in targets[1:]])
    assert sum(ends.values()) == 24


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 109))
def test_two_thousand_random_programs(anvil_factory, seed):
    """Nine times 240 programs, each set on a chain of its own."""
    node = anvil_factory(chain_id=31_341)
    try:
        compare(node, populated(node, seed=seed, count=240))
    finally:
        node.stop()
