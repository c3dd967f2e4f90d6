"""Judges of prices: what contracts' own functions say of digits, answers and bounds, beside the words that were read."""

from __future__ import annotations

import pytest

from tests.hostile.test_noticed_prices import (
    COINS,
    E18,
    FEED,
    LAYOUTS,
    NOW,
    OTHER,
    POOL,
    POOL_OF,
    PROXY,
    at,
    pointer,
    returning,
    round_of,
)
from tests.simulators.evm_world import Account, EvmWorld
from verifier.assets.figure import holder_slot
from verifier.assets.position import Needing
from verifier.claims import PriceClaim
from verifier.crypto.keccak import keccak256
from verifier.errors import BadPrice, CallFailed, CrossCheckFailed, Where
from verifier.positions import PositionKind, position
from verifier.prices.source import read_price
from verifier.primitives import ChainId

LATEST, DECIMALS = b"\xfe\xaf\x96\x8c", b"\x31\x3c\xe5\x67"
LOW, HIGH, LOW_FLUX, HIGH_FLUX = (
    keccak256(f"{name}()".encode())[:4]
    for name in ("minAnswer", "maxAnswer", "minSubmissionValue", "maxSubmissionValue")
)


def answering(answers):
    """Code that returns other words for each selector, and reverts for any other."""
    code, bodies = b"\x5f\x35\x60\xe0\x1c", b""
    start = len(code) + 11 * len(answers) + 3
    for selector, words in answers.items():
        code += b"\x80\x63" + selector + b"\x14\x61" + (start + len(bodies)).to_bytes(2, "big") + b"\x57"
        bodies += b"\x5b" + returning(*words)
    return code + b"\x5f\x5f\xfd" + bodies


def judged(
    layout="ocr2", answer=5 * 10**8, said=None, digits=8, time=NOW - 9, low=-1, high=10**12, decimals=8, silent=False
):
    """A feed whose proxy and aggregator say what they are told, held against the words of its storage."""
    told = (1, answer if said is None else said, 0, time, 1)
    names = (LOW_FLUX, HIGH_FLUX) if layout == "flux" else (LOW, HIGH)
    bounds = {names[0]: (low % 2**256,), names[1]: (high,)}
    codes = {PROXY: answering({LATEST: told, DECIMALS: (digits,)}), FEED: answering(bounds)}
    if silent:
        codes[PROXY] = answering({DECIMALS: (digits,)})
    words = {PROXY: pointer(FEED), FEED: round_of(layout, answer, NOW - 9)}
    world = EvmWorld({address: Account(codes[address], words[address]) for address in words})
    reader = Needing(world.section(), Where(network="net"))
    how = position(PositionKind.CHAINLINK, layout=layout, decimals=decimals, judge="call")
    return read_price(PriceClaim(ChainId(1), "A", "USD", PROXY, how), reader).price


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_feed_judges_its_own_answer(layout):
    """Digits, answer and time as its functions say them; each told otherwise, and there is no price."""
    assert judged(layout) == 5 * E18
    for wrong, due, got in (
        ({"digits": 7}, "8", "7"),
        ({"digits": 0, "decimals": 8}, "8", "0"),
        ({"said": 5 * 10**8 + 1}, "500000000", "500000001"),
        ({"time": NOW - 8}, str(NOW - 9), str(NOW - 8)),
    ):
        with pytest.raises(CrossCheckFailed) as caught:
            judged(layout, **wrong)
        assert due in str(caught.value) and got in str(caught.value)
    with pytest.raises(CallFailed, match="latestRoundData\\(\\) reverted"):
        judged(layout, silent=True)


@pytest.mark.covers("ORC-02")
@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_bounds_are_the_aggregators_own(layout):
    """Nobody needs to type them in: at either of them the answer is none."""
    for low, high, stands in ((9, 11, True), (10, 11, False), (9, 10, False)):
        if stands:
            assert judged(layout, answer=10, low=low, high=high) == 10**11
            continue
        with pytest.raises(BadPrice, match="at a bound of its aggregator"):
            judged(layout, answer=10, low=low, high=high)


def price(kind, contract, storages, codes, **given):
    """What a source makes of contracts with these words and this code."""
    world = EvmWorld({address: Account(codes.get(address, b"\1"), words) for address, words in storages.items()})
    reader = Needing(world.section(), Where(network="net"))
    return read_price(PriceClaim(ChainId(1), "A", "USD", contract, position(kind, **given)), reader).price


def test_a_vault_and_its_asset_judge_their_digits():
    """Each its own; without a judge nobody is asked, and with one who does not say is no judge."""
    storages = {FEED: {2: 10**6}, OTHER: {at(holder_slot(0, FEED)): 3 * 10**8}}
    codes = {FEED: answering({DECIMALS: (6,)}), OTHER: answering({DECIMALS: (8,)})}
    given = {"asset": OTHER, "asset_slot": 0, "share_decimals": 6, "asset_decimals": 8}
    worth = price(PositionKind.ERC4626, FEED, storages, {}, **given)
    assert price(PositionKind.ERC4626, FEED, storages, codes, **given, judge="call") == worth
    for wrong, at_fault in (({"share_decimals": 7}, FEED), ({"asset_decimals": 7}, OTHER)):
        told = given | wrong
        assert price(PositionKind.ERC4626, FEED, storages, codes, **told) != worth
        with pytest.raises(CrossCheckFailed) as caught:
            price(PositionKind.ERC4626, FEED, storages, codes, **told, judge="call")
        assert caught.value.where.address == at_fault
    with pytest.raises(CallFailed, match="decimals"):
        price(PositionKind.ERC4626, FEED, storages, {}, **given, judge="call")


def test_a_pools_coins_judge_their_digits():
    """Both of them, whichever is priced."""
    storages = {POOL: {0: 1 << 96 | 1 << 200, 4: 10**20, 8: (NOW - 900) % 2**32 | 1 << 248}} | {c: {} for c in COINS}
    codes = {coin: answering({DECIMALS: (18,)}) for coin in COINS}
    given = POOL_OF | {"leg": 0, "window": 600}
    assert price(PositionKind.UNISWAP_V3_AVERAGE, POOL, storages, codes, **given, judge="call") == E18
    for name, coin in zip(("decimals0", "decimals1"), COINS, strict=True):
        told = given | {name: 12}
        assert price(PositionKind.UNISWAP_V3_AVERAGE, POOL, storages, codes, **told) != E18
        with pytest.raises(CrossCheckFailed) as caught:
            price(PositionKind.UNISWAP_V3_AVERAGE, POOL, storages, codes, **told, judge="call")
        assert caught.value.where.address == coin
