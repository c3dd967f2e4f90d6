"""Random programs over random proven state: our run against the node's own eth_call, gas and all."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Any

import pytest

from tests.nodes.ethereumjs import start_ethereumjs
from tests.nodes.genesis import MONEY, genesis
from tests.nodes.geth import start_geth
from tests.simulators.programs import BASE_FEE, PRICE, program
from tests.verifier.evm.corners import SENDER, Accounts, corners, makers, recursing
from tests.verifier.evm.talk import gathered, node_answers, our_answer
from verifier.calls import Call
from verifier.claims import AccountRead
from verifier.primitives import Address

ENDS = {"returned", "reverted", "halted"}


def made(
    seed: int, count: int, *, newest: str = "osaka", without: AbstractSet[int] = frozenset(), tree: bool = False
) -> tuple[Accounts, list[Call]]:
    """
    Programs that know each other, with balances and storage, and a call of each.

    Args:
        tree: Each knows earlier ones only, so that none comes back to the one that was called, and no precompiles.
    """
    rng = random.Random(seed)
    addresses = [b"\xc0" + rng.randbytes(19) for _ in range(count)]
    accounts: dict[str, dict[str, Any]] = {f"0x{SENDER.hex()}": {"balance": MONEY}}
    for i, address in enumerate(addresses):
        others = rng.sample(addresses, min(6, count)) if not tree else (addresses[max(0, i - 6) : i] or [b"\xc1" * 20])
        length = rng.choice((5, 15, 40))
        code = program(rng, others, newest=newest, length=length, without=without, precompiles=not tree)
        accounts[f"0x{address.hex()}"] = {
            "balance": hex(rng.choice((0, 1_000))),
            "nonce": "0x1",
            "code": f"0x{code.hex()}",
            "storage": {f"0x{slot:064x}": f"0x{rng.getrandbits(256) | 1:064x}" for slot in range(3)},
        }
    gas = (60_000, 300_000, 1_000_000)
    return accounts, [
        Call(Address(a), rng.randbytes(rng.choice((0, 4, 68))), SENDER, rng.choice(gas)) for a in addresses
    ]


def put(node, accounts: Accounts) -> None:
    """Put accounts on an anvil."""
    for address, account in accounts.items():
        node.rpc("anvil_setBalance", address, account["balance"])
        if "code" in account:
            node.rpc("anvil_setCode", address, account["code"])
            node.rpc("anvil_setNonce", address, account["nonce"])
        for slot, word in account.get("storage", {}).items():
            node.rpc("anvil_setStorageAt", address, slot, word)
    node.mine(3)


def compare(
    node, calls: list[Call], *, priced: bool = False, hints: bool = True, known: Sequence[AccountRead] = ()
) -> Counter[str]:
    """Every call ends alike, with the same bytes; how many ended how."""
    talk = gathered(node, calls, hints=hints, known=known)
    assert {i: str(error) for i, error in talk.state.failed.items()} == {}
    state, ends = talk.section(), Counter[str]()
    price = talk.header.block.base_fee if priced else None
    answers = node_answers(node, calls, talk.header.number, price=price)
    for i, (call, theirs) in enumerate(zip(calls, answers, strict=True)):
        ours = our_answer(state.call(call))
        assert ours == theirs, (i, call)
        ends[ours[0]] += 1
    return ends


def on_anvil(anvil_factory, seed: int, count: int) -> None:
    accounts, calls = made(seed, count)
    node = anvil_factory(chain_id=31_340)
    try:
        put(node, accounts)
        assert set(compare(node, calls)) == ENDS
    finally:
        node.stop()


def on_geth(seed: int, count: int) -> None:
    """Two sets on one chain: called without a price, and at the block's base fee.

    Without hints: geth runs a call again until its access list stays the same, which that of some programs never does.
    """
    free, free_calls = made(seed, count, without=BASE_FEE)
    paid, paid_calls = made(seed + 1, count, without=PRICE)
    node = start_geth(genesis({**free, **paid}, chain_id=31_340, timestamp=int(time.time())))
    try:
        node.mine(5)
        assert set(compare(node, free_calls, hints=False)) == ENDS
        assert set(compare(node, paid_calls, hints=False, priced=True)) == ENDS
    finally:
        node.stop()


def on_ethereumjs(seed: int, count: int) -> None:
    """In a tree: this client's eth_call prices the called account and the precompiles as if nothing had touched them."""
    accounts, calls = made(seed, count, newest="prague", tree=True)
    node = start_ethereumjs(genesis=genesis(accounts, chain_id=31_340, timestamp=int(time.time()), osaka=False))
    try:
        node.mine(5)
        assert set(compare(node, calls)) == ENDS
    finally:
        node.stop()


def test_random_programs_end_as_on_anvil(anvil_factory):
    """A seeded sample: what they return, what they revert with, and where they run out of gas."""
    on_anvil(anvil_factory, 7, 120)


@pytest.mark.node("geth")
def test_random_programs_end_as_on_geth():
    """On a client of another make, with a base fee and a blob base fee that are not the least, and a beneficiary."""
    on_geth(21, 120)


@pytest.mark.node("ethereumjs")
def test_random_programs_end_as_on_ethereumjs():
    """On a third client, under Prague."""
    on_ethereumjs(11, 60)


def test_corners_end_as_on_anvil(anvil_factory):
    """Delegated accounts, precompiles, what is destroyed, made, and returned at the edge: to the unit of gas."""
    accounts, calls = corners()
    node = anvil_factory(chain_id=31_340)
    put(node, accounts)
    assert set(compare(node, calls, hints=False)) == ENDS
    node.stop()


@pytest.mark.node("geth")
def test_corners_end_as_on_geth():
    """The same on another make."""
    accounts, calls = corners()
    node = start_geth(genesis(accounts, chain_id=31_340, timestamp=int(time.time())))
    node.mine(2)
    assert set(compare(node, calls, hints=False)) == ENDS
    node.stop()


def test_calls_of_oneself_go_as_deep_as_on_nodes(anvil_factory):
    """Hundreds of frames inside each other, to the very frame where the gas ends."""
    accounts, calls = recursing()
    node = anvil_factory(chain_id=31_340)
    put(node, accounts)
    assert compare(node, calls, known=makers(1_024)) == {"returned": len(calls) - 1, "reverted": 1}
    node.stop()


@pytest.mark.node("geth")
def test_calls_of_oneself_go_as_deep_as_on_geth():
    """The same on another make."""
    accounts, calls = recursing()
    node = start_geth(genesis(accounts, chain_id=31_340, timestamp=int(time.time())))
    node.mine(2)
    assert compare(node, calls, hints=False, known=makers(1_024)) == {"returned": len(calls) - 1, "reverted": 1}
    node.stop()


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 109))
def test_two_thousand_random_programs(anvil_factory, seed):
    """Nine times 240 programs, each set on a chain of its own."""
    on_anvil(anvil_factory, seed, 240)


@pytest.mark.soak
@pytest.mark.node("geth")
@pytest.mark.parametrize("seed", range(200, 208, 2))
def test_two_thousand_random_programs_on_geth(seed):
    """Four times two sets of 250."""
    on_geth(seed, 250)


@pytest.mark.soak
@pytest.mark.node("ethereumjs")
def test_random_programs_end_as_on_ethereumjs_in_number():
    """A larger set under Prague."""
    on_ethereumjs(300, 240)
