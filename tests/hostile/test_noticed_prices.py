"""Checks of price sources whose removal no test without a node would notice: storage made by hand, read as it is proven."""

from __future__ import annotations

import pytest

from tests.simulators.evm_world import Account, EvmWorld
from tests.simulators.guardians import ETH_USD, Feed, Guardians
from verifier.assets.figure import holder_slot
from verifier.assets.position import Needing
from verifier.assets.uniswap_v3 import INIT_CODE
from verifier.claims import PriceClaim
from verifier.codec.abi import array_slot, mapping_slot, pad_address, pad_uint
from verifier.crypto.keccak import keccak256
from verifier.errors import BadInput, BadPrice, CallFailed, TooOld, VerifierError, Where, WrongBinding
from verifier.positions import PositionKind, position
from verifier.prices.source import check_source, read_price
from verifier.primitives import Address, ChainId, slot_key

E18 = 10**18
PROXY, FEED, OTHER, UPTIME, UP = (Address(bytes([n]) * 20) for n in (0x11, 0x22, 0x33, 0x44, 0x55))
NOW = EvmWorld({}).time
CODE = b"\x01"


def read(kind, contract, storages, updates=(), code=CODE, **given):
    """What a source makes of some contracts' storage, and how many words it asked for."""
    world = EvmWorld({address: Account(code, words) for address, words in storages.items()})
    reader = Needing(world.section(), Where(network="net"))
    reader.updates = updates
    found = read_price(PriceClaim(ChainId(1), "A", "USD", contract, position(kind, **given)), reader)
    return found, reader.used


def at(slot):
    return int.from_bytes(slot, "big")


# --- Chainlink -------------------------------------------------------------------------------------------

LAYOUTS = {"flux": (7, 32, 9), "ocr1": (43, 176, 44), "ocr2": (11, 48, 12)}


def round_of(layout, answer, time, number=7, answered=None):
    """The words of an aggregator whose latest round has this answer."""
    hot, low, rounds = LAYOUTS[layout]
    place = at(mapping_slot(pad_uint(number), slot_key(rounds)))
    wide = answer % 2**256 if layout == "flux" else answer % 2**192
    if layout == "flux":
        stamp = time << 64 | (number if answered is None else answered) << 128
        return {hot: number << low, place: wide, place + 1: stamp}
    return {hot: number << low, place: wide | time << (192 if layout == "ocr1" else 224)}


def pointer(target):
    return {2: 3 | int.from_bytes(target, "big") << 16}


def chainlink(layout="ocr2", answer=5 * 10**8, time=NOW - 9, more=None, words=None, **given):
    found = {PROXY: pointer(FEED), FEED: round_of(layout, answer, time) if words is None else words} | (more or {})
    contract = FEED if given.get("proxy") == "no" else PROXY
    return read(PositionKind.CHAINLINK, contract, found, layout=layout, decimals=8, **given)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_latest_round_is_read_through_the_proxy_and_without(layout):
    """Answer and time of each layout; without a proxy the contract itself is the aggregator."""
    for given in ({}, {"proxy": "no"}, {"aggregator": FEED}, {"aggregator": OTHER, "more": {OTHER: {}}}):
        found, used = chainlink(layout, **given)
        assert (found.price, found.at) == (5 * E18, NOW - 9)
        assert ((PROXY, None) in used) is ("proxy" not in given)
        assert ((OTHER, None) in used) is ("more" in given)
    assert len(chainlink(layout)[1]) == (6 if layout == "flux" else 5)


def test_without_a_proxy_nothing_is_asked_where_one_would_point():
    """A hint belongs to a proxy; and the contract itself is no hint of where it points."""
    assert (OTHER, None) not in chainlink(proxy="no", aggregator=OTHER)[1]
    _, used = read(
        PositionKind.CHAINLINK, PROXY, {PROXY: pointer(FEED), FEED: round_of("ocr2", 5, NOW)},
        layout="ocr2", decimals=0, aggregator=PROXY,
    )  # fmt: skip
    assert (PROXY, slot_key(11)) not in used


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("answer", [0, -1, -(10**9)])
def test_no_answer_at_or_below_zero(layout, answer):
    """Signed numbers are read as such."""
    with pytest.raises(BadPrice, match="not above zero") as caught:
        chainlink(layout, answer)
    assert caught.value.got == answer


@pytest.mark.parametrize(("answer", "stands"), [(10, False), (11, True), (19, True), (20, False)])
def test_bounds_are_no_answers(answer, stands):
    """At either of them the market may be beyond."""
    if stands:
        assert chainlink(answer=answer, least=10, most=20)[0].price == answer * 10**10
        return
    with pytest.raises(BadPrice, match="at a bound"):
        chainlink(answer=answer, least=10, most=20)


def test_a_feed_without_a_round_and_one_answered_elsewhere():
    """Round zero is none; an answer carried over from an earlier round is not the latest."""
    with pytest.raises(BadPrice, match="no round yet"):
        chainlink(words={})
    assert chainlink("flux", words=round_of("flux", 5 * 10**8, NOW))[0].price == 5 * E18
    with pytest.raises(BadPrice, match="answered in another round"):
        chainlink("flux", words=round_of("flux", 5 * 10**8, NOW, answered=6))


def test_a_sequencer_is_asked_where_one_is_named():
    """Up for long enough, just back, down, and never told anything; without one nothing of it is read."""

    def uptime(since, down=0, number=3):
        return {UPTIME: pointer(UP), UP: {4: number | down << 80 | since << 88}}

    common = {"sequencer": UPTIME, "grace": 100}
    assert chainlink(more=uptime(NOW - 100), **common)[0].price == 5 * E18
    assert chainlink(more=uptime(NOW - 100), proxy="no", **common)[0].price == 5 * E18
    for more, said in (
        (uptime(NOW - 99), "up for less than 100 s"),
        (uptime(NOW - 100, down=1), "sequencer is down"),
        (uptime(NOW - 100, number=0), "no round yet"),
        ({UPTIME: pointer(UP), UP: {}}, "no round yet"),
    ):
        with pytest.raises(BadPrice, match=said):
            chainlink(more=more, **common)
    assert (UPTIME, None) not in chainlink(more=uptime(NOW))[1]


# --- guardians of the core contract ----------------------------------------------------------------------

CORE = Address(b"\xc0" * 20)


def core(guardians, current=None, expires=0, count=None):
    """The storage of a core contract that keeps one set."""
    base = mapping_slot(pad_uint(guardians.number), slot_key(2))
    keys = {at(array_slot(base, i)): int.from_bytes(a, "big") for i, a in enumerate(guardians.addresses)}
    size = guardians.size if count is None else count
    return {3: guardians.number if current is None else current, at(base): size, at(base) + 1: expires} | keys


def signed(guardians, **kept):
    update = guardians.update(Feed(10**8, time=NOW - 5))
    return read(PositionKind.PYTH, CORE, {CORE: core(guardians, **kept)}, (update,), id=ETH_USD)


def test_the_current_set_of_a_core_contract_counts_and_a_replaced_one_until_it_expires():
    """Expiry is of sets that were replaced; the second of its end still counts."""
    few = Guardians(number=3, size=4)
    found, used = signed(few)
    assert found.price == E18
    assert not any(slot == slot_key((at(mapping_slot(pad_uint(3), slot_key(2))) + 1) % 2**256) for _, slot in used)
    assert signed(few, current=4, expires=NOW)[0].price == E18
    for expires in (0, NOW - 1):
        with pytest.raises(TooOld, match="since set 3 of guardians expired"):
            signed(few, current=4, expires=expires)


def test_a_set_has_from_one_to_255_keys():
    """None is no set, and more than a message can name is none either."""
    assert signed(Guardians(number=3, size=255, who=tuple(range(171))))[0].price == E18
    few = Guardians(number=3, size=4)
    for count in (0, 256, 2**255):
        with pytest.raises(BadPrice, match="no set 3 of guardians"):
            signed(few, count=count)


# --- calls, rates and what is no source ------------------------------------------------------------------


def returning(*words):
    """Code that returns some words whatever it is asked."""
    made = b"".join(b"\x7f" + w.to_bytes(32, "big") + b"\x60" + bytes([32 * i]) + b"\x52" for i, w in enumerate(words))
    return made + b"\x60" + bytes([32 * len(words)]) + b"\x60\x00\xf3"


def called(*words, **given):
    common = {"function": "f()(uint256,uint256)", "decimals": 8}
    return read(PositionKind.CALL, FEED, {FEED: {}}, code=returning(*words), **(common | given))[0]


def test_a_price_by_a_call_is_above_zero_and_of_a_time():
    """Of the block where no time is returned; a time of zero or beyond any clock is none."""
    assert (called(7 * 10**8, 5).price, called(7 * 10**8, 5).at) == (7 * E18, NOW)
    assert called(7 * 10**8, NOW - 9, time=1).at == NOW - 9
    assert called(1, 2**64 - 1, time=1).at == 2**64 - 1
    for time in (0, 2**64):
        with pytest.raises(BadPrice, match="no time"):
            called(1, time, time=1)
    with pytest.raises(BadPrice, match="no price above zero"):
        called(0, 5)
    with pytest.raises(CallFailed):
        read(PositionKind.CALL, FEED, {FEED: {}}, code=b"\xfe", function="f()(uint256)", decimals=8)


def test_a_call_has_as_many_words_as_its_function_takes():
    """Fewer or more would be read as other arguments."""
    takes = {"function": "f(uint256)(uint256,uint256)"}
    assert called(10**8, 5, arguments=bytes(32), **takes).price == E18
    for arguments in (b"", bytes(31), bytes(64)):
        with pytest.raises(BadInput, match="a word of 32 bytes for each"):
            called(10**8, 5, arguments=arguments, **takes)


def test_a_vaults_share_is_worth_what_it_converts_to():
    """By the digits that are given of both; a vault that holds nothing is worth nothing."""
    vault, coin = FEED, OTHER
    held = at(holder_slot(0, vault))
    given = {"asset": coin, "asset_slot": 0, "share_decimals": 6, "asset_decimals": 8}
    storages = {vault: {2: 10**6}, coin: {held: 3 * 10**8}}
    found, _ = read(PositionKind.ERC4626, vault, storages, **given)
    assert found.price == 10**6 * (3 * 10**8 + 1) // (10**6 + 1) * 10**10
    with pytest.raises(BadPrice, match="worth nothing"):
        read(PositionKind.ERC4626, vault, {vault: {2: 10**30}, coin: {}}, **given)


def test_staked_ether_by_the_store_that_its_contract_asks():
    """Rocket Pool's numbers at their keys, or in a mapping of the store; without a supply one for one."""
    from verifier.assets.rocket import ETHER, SUPPLY

    common = {"store": OTHER}
    plain = {FEED: {}, OTHER: {at(ETHER): 3 * E18, at(SUPPLY): 2 * E18}}
    assert read(PositionKind.RETH, FEED, plain, **common)[0].price == 3 * E18 // 2
    mapped = {at(mapping_slot(key, slot_key(5))): n for key, n in ((ETHER, 5 * E18), (SUPPLY, 2 * E18))}
    assert read(PositionKind.RETH, FEED, {FEED: {}, OTHER: mapped}, mapping=5, **common)[0].price == 5 * E18 // 2
    assert read(PositionKind.RETH, FEED, {FEED: {}, OTHER: {}}, **common)[0].price == E18
    with pytest.raises(BadPrice, match="worth nothing"):
        read(PositionKind.RETH, FEED, {FEED: {}, OTHER: {at(SUPPLY): 5}}, **common)


def test_the_two_versions_of_lidos_storage_are_two_questions():
    """Each reads its own words: what the one keeps says nothing in the other."""
    from verifier.assets import steth

    third = {at(steth.TOTALS): 100, at(steth.BUFFER): 150, at(steth.BEACON): 50}
    second = dict(zip(map(at, steth.SECOND), (100, 250, 50, 1, 1), strict=True))
    for version, worth in (("3", 2), ("2", 3)):
        found, used = read(PositionKind.STETH, FEED, {FEED: third | second}, version=version)
        assert found.price == worth * E18
        assert len(used) == 1 + (3 if version == "3" else 5)


def test_what_is_no_source_has_no_price():
    """A position's kind is none, and says which kinds are."""
    of = position(PositionKind.UNISWAP_V2, leg=0)
    with pytest.raises(BadInput, match="price source"):
        check_source(of, FEED)
    with pytest.raises(VerifierError, match="chainlink"):
        read(PositionKind.UNISWAP_V2, FEED, {FEED: {}}, leg=0)


# --- a pool's average ------------------------------------------------------------------------------------

FACTORY, COINS = Address(b"\xfa" * 20), (Address(b"\x01" * 20), Address(b"\x02" * 20))
SALT = keccak256(pad_address(COINS[0]) + pad_address(COINS[1]) + pad_uint(500))
POOL = Address(keccak256(b"\xff" + FACTORY + SALT + INIT_CODE)[12:])
POOL_OF = {"factory": FACTORY, "coin0": COINS[0], "coin1": COINS[1], "fee": 500, "decimals0": 18, "decimals1": 18}


def average(tick, index, ring, liquidity=10**20, contract=POOL, **given):
    """The average of a pool with this tick and ring: for each place the age and the sum of an observation, or nothing."""
    head = 1 << 96 | (tick % 2**24) << 160 | index << 184 | len(ring) << 200
    seen = {8 + i: (NOW - o[0]) % 2**32 | (o[1] % 2**56) << 32 | 1 << 248 for i, o in enumerate(ring) if o}
    common = POOL_OF | {"leg": 0, "window": 600}
    found, _ = read(
        PositionKind.UNISWAP_V3_AVERAGE, contract, {contract: {0: head, 4: liquidity} | seen}, **(common | given)
    )
    return found.price


def of_tick(tick, leg=0):
    """What one coin is worth at a tick, to some twelve digits: 1.0001 to the tick."""
    return pytest.approx(1.0001 ** (tick if leg == 0 else -tick) * E18, rel=1e-9)


@pytest.mark.parametrize("tick", [-4_000, 0, 4_000])
@pytest.mark.parametrize("leg", [0, 1])
def test_a_tick_that_held_all_along_is_the_average(tick, leg):
    """Ticks are signed; each coin is priced in the other."""
    for age in (5_000, 600):
        assert average(tick, 0, [(age, 123)], leg=leg) == of_tick(tick, leg)


def test_the_mean_over_a_window_between_observations():
    """Sums of 10 a second until 500 s ago, of -30 since: (100 s of 10, 500 s of -30) over 600 s, rounded down."""
    ring = [(1_000, 7), (500, 7 + 5_000), (100, 7 + 5_000 - 400 * 30)]
    assert average(-30, 2, ring) == of_tick((100 * 10 - 500 * 30) // 600)
    for turned, index in (([ring[2], ring[0], ring[1]], 0), ([ring[1], ring[2], ring[0]], 1)):
        assert average(-30, index, turned) == of_tick((100 * 10 - 500 * 30) // 600)
    grown = [*ring, None, None]
    assert average(-30, 2, grown) == of_tick((100 * 10 - 500 * 30) // 600)


@pytest.mark.parametrize("window", [1_000, 500, 100, 60, 999])
def test_a_window_may_begin_at_an_observation(window):
    """At the oldest, at one between, at the newest, after it, and a second into the memory."""
    ring = [(1_000, 7), (500, 7 + 5_000), (100, 7 + 5_000 - 400 * 30)]
    spent = -30 * min(window, 500) + 10 * max(0, window - 500)
    assert average(-30, 2, ring, window=window) == of_tick(spent // window)


def test_what_a_pool_does_not_remember_has_no_average():
    """A second before its oldest observation; and a window too short to trust."""
    ring = [(1_000, 7), (100, 7 + 9_000)]
    assert average(10, 1, ring, window=1_000) == of_tick(10)
    with pytest.raises(BadPrice, match="the pool remembers 1000 s"):
        average(10, 1, ring, window=1_001)
    assert average(10, 1, ring, window=60) == of_tick(10)
    with pytest.raises(BadPrice, match="a window of at least 60 s"):
        average(10, 1, ring, window=59)


def test_another_pool_a_thin_one_and_a_price_of_nothing_are_refused():
    """The address follows from factory, coins and fee; liquidity is held against what is asked for."""
    with pytest.raises(WrongBinding, match="the pool of this factory"):
        average(10, 0, [(5_000, 1)], contract=OTHER)
    assert average(10, 0, [(5_000, 1)], liquidity=50, least_liquidity=50) == of_tick(10)
    with pytest.raises(BadPrice, match="liquidity of at least 51"):
        average(10, 0, [(5_000, 1)], liquidity=50, least_liquidity=51)
    with pytest.raises(BadPrice, match="below the last digit"):
        average(-800_000, 0, [(5_000, 1)], decimals0=0)
