"""Words of real protocols on real chains, proven from recorded blocks, read by the same layouts as everywhere: feeds, pools, pairs."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from tests.vectors.chain_files import data, nodes_of, record_header, table_of
from verifier.assets.figure import high, low
from verifier.assets.uniswap_v3 import INIT_CODE, Parameters, pool_address
from verifier.codec.abi import field
from verifier.codec.ticks import sqrt_price_at
from verifier.errors import MissingNode
from verifier.primitives import Address, Hash32, slot_key
from verifier.proven import ProvenAccount, ProvenWord, mint
from verifier.state.ethereum import verify_account, verify_word
from verifier.state.tree import state_root

FACTORY = Address(bytes.fromhex("1f98431c8ad98523631ae4a59f267346ea31f984"))
WETH, USDT = "c02aaa39b223fe8d0a0e5c4f27ead9083c756cc2", "dac17f958d2ee523a2206206994597c13d831ec7"
DAI = "6b175474e89094c44da98b954eedeac495271d0f"
WBTC = "2260fac5e5542a773aa44fbcfedf7c193bc2c599"
BEFORE, AFTER = "ethereum-18884863", "ethereum-18884864"
POOLS = {
    "0x4e68ccd3e89f51c3074ca5072bbac773960dfa36": (WETH, USDT, 3_000, 0x1B),
    "0x4585fe77225b41b697c938b018e2ac67ac5a20c0": (WBTC, WETH, 500, 0x57),
    "0x60594a405d53811d3bc4766596efd80fd545a270": (DAI, WETH, 500, 0x84),
}
"""Pools whose newest two observations were recorded in two blocks that follow one another: coins, fee, place in the ring."""


@dataclass
class Recorded:
    """One contract of a recorded block, its words proven as they are asked for."""

    account: ProvenAccount
    table: object

    def word(self, slot: int) -> ProvenWord:
        return verify_word(self.account, slot_key(slot), self.table, set())


def recorded(shared_data, name, address) -> Recorded:
    record = json.loads((shared_data / "chains" / "state" / f"{name}.json").read_text())
    entry = next(e["proof"] for e in record["proofs"] if e["proof"]["address"].lower() == address)
    nodes = entry["accountProof"] + [node for slot in entry["storageProof"] for node in slot["proof"]]
    table = table_of(nodes_of(nodes))
    root = state_root(record_header(record))
    return Recorded(verify_account(root, Address(data(address)), table, set()), table)


def test_a_real_feed_points_to_its_aggregator(shared_data):
    """ETH/USD at block 15,049,999: the proxy's word is phase 5 and the aggregator's address."""
    word = recorded(shared_data, "ethereum-15049999", "0x5f4ec3df9cbd43714fe2740f5e3616155c5b8419").word(2)
    assert field(word.word, 0, 16) == 5
    assert field(word.word, 16, 160) == 0x37BC7498F4FF12C19678EE8FE19D713B87F6A9E6


@pytest.mark.parametrize("pool", POOLS)
def test_a_real_pool_has_the_address_of_its_coins(shared_data, pool):
    """Factory, coins and fee make the address of the pool that stands there, with Uniswap's own creation code."""
    first, second, fee, _ = POOLS[pool]
    account = recorded(shared_data, BEFORE, pool).account
    one = mint(ProvenWord, rests_on=account, slot=slot_key(0), word=bytes.fromhex(first).rjust(32, b"\0"))
    packed = ((fee << 160) | int(second, 16)).to_bytes(32, "big")
    two = mint(ProvenWord, rests_on=account, slot=slot_key(1), word=packed)
    of = Parameters(1, 0, Address(bytes.fromhex(first)), FACTORY, Hash32(INIT_CODE))
    assert f"0x{pool_address(of, one, two).hex()}" == pool
    assert f"0x{pool_address(of, two, one).hex()}" != pool


@pytest.mark.parametrize("pool", POOLS)
def test_a_real_average_is_the_tick_that_held(shared_data, pool):
    """Between two observations that follow one another the mean tick is the one that the pool had in the block before."""
    place = POOLS[pool][3]
    before, after = recorded(shared_data, BEFORE, pool), recorded(shared_data, AFTER, pool)
    head, following = before.word(0), after.word(0)
    assert field(head.word, 184, 16) == place and field(following.word, 184, 16) == place + 1
    older, newer = after.word(8 + place), after.word(8 + place + 1)
    span = field(newer.word, 0, 32) - field(older.word, 0, 32)
    mean = (field(newer.word, 32, 56, signed=True) - field(older.word, 32, 56, signed=True)) // span
    assert 0 < span < 3_600
    assert mean == field(head.word, 160, 24, signed=True)
    assert field(newer.word, 248, 8) == 1


@pytest.mark.parametrize("name", [BEFORE, AFTER])
@pytest.mark.parametrize("pool", POOLS)
def test_a_real_price_lies_at_its_tick(shared_data, pool, name):
    """The pool's square-root price is at or above that of its tick, and below that of the next one."""
    head = recorded(shared_data, name, pool).word(0)
    price, tick = field(head.word, 0, 160), field(head.word, 160, 24, signed=True)
    assert sqrt_price_at(tick) <= price < sqrt_price_at(tick + 1)
    assert low(recorded(shared_data, name, pool).word(4)) > 0 == high(recorded(shared_data, name, pool).word(4))


def test_a_real_pair_names_its_coins_and_reserves(shared_data):
    """WETH/USDT of Uniswap v2 at block 18,884,863: coins, reserves of about 2,320 USDT for one WETH, and their time."""
    pair = recorded(shared_data, BEFORE, "0x0d4a11d5eeaac28ec3f61d100daf4d40471f1852")
    assert field(pair.word(6).word, 0, 160) == int(WETH, 16)
    assert field(pair.word(7).word, 0, 160) == int(USDT, 16)
    reserves = pair.word(8).word
    weth, usdt, at = field(reserves, 0, 112), field(reserves, 112, 112), field(reserves, 224, 32)
    assert (weth, usdt, at) == (0x5B766C43114D4444A8E, 0x39FD0E12AFE8, 0x658D8D9F)
    assert 2_200 < usdt * 10**12 // weth < 2_400


def test_words_of_another_pool_prove_nothing(shared_data):
    """The nodes of one pool's proof do not lead to another pool's word."""
    one, two = (recorded(shared_data, BEFORE, pool) for pool in list(POOLS)[:2])
    with pytest.raises(MissingNode):
        verify_word(one.account, slot_key(0), two.table, set())
