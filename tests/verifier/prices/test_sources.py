"""Every price source, proven word by word on a node, says what the contracts themselves say; what is no price is refused."""

from __future__ import annotations

import random

import pytest

from tests.nodes.protocols import chainlink, uniswap
from tests.simulators import minting
from tests.verifier.assets.reading import now, raw
from verifier.claims import PriceClaim
from verifier.errors import BadInput, BadPrice, NotThere, WrongBinding
from verifier.positions import PositionKind, position
from verifier.prices.average import quote
from verifier.prices.sequencer import Sequencer, check_up
from verifier.primitives import Address, ChainId, Word, slot_key
from verifier.proven import ProvenWord, mint
from verifier.trust import Anchor, Trust

E18 = 10**18
COUNTS = [4, pytest.param(200, marks=pytest.mark.soak)]


def claim(node, contract, kind, **given):
    return PriceClaim(ChainId(node.chain_id), "X", "USD", raw(contract.address), position(kind, **given))


def feed_claim(feed, **given):
    return claim(feed.proxy.node, feed.proxy, PositionKind.CHAINLINK, layout=feed.kind, decimals=8, **given)


@pytest.mark.covers("ORC-06")
@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("kind", ["flux", "ocr1", "ocr2"])
def test_feeds(protocols, kind, count):
    """Answer and time are those of the proxy's own latest round, after each of many answers."""
    feed, rng = chainlink.deploy_feed(protocols.node, kind), random.Random(kind)
    for _ in range(count):
        feed.answer(rng.choice([1, 10**8, rng.randrange(1, 10**12), 10**19]))
        protocols.wait(rng.choice([1, 60, 4_000]))
        found = now(protocols.node).price(feed_claim(feed))
        _, answer, _, updated, _ = feed.latest()
        assert (found.price, found.at) == (answer * 10**10, updated)


def test_a_feed_takes_three_rounds_and_two_where_the_proxy_points_as_expected(protocols):
    """Proxy, aggregator, round; the aggregator is asked with the proxy where it was guessed, and followed where not."""
    feed = chainlink.deploy_feed(protocols.node, "ocr2")
    feed.answer(5 * 10**8)
    seen = now(protocols.node)
    seen.price(feed_claim(feed))
    assert seen.rounds == 3
    seen = now(protocols.node)
    seen.price(feed_claim(feed, aggregator=raw(feed.aggregator.address)))
    assert seen.rounds == 2
    seen, other = now(protocols.node), chainlink.deploy_feed(protocols.node, "ocr2")
    seen = now(protocols.node)
    assert seen.price(feed_claim(feed, aggregator=raw(other.aggregator.address))).price == 5 * E18
    assert seen.rounds == 3


def test_a_feed_is_followed_to_its_next_aggregator(protocols):
    """After the proxy was pointed elsewhere, the old aggregator's answer counts no more."""
    feed = chainlink.deploy_feed(protocols.node, "ocr1")
    feed.answer(7)
    following = feed.replace("ocr2")
    following.answer(9 * 10**8)
    assert now(protocols.node).price(feed_claim(following)).price == 9 * E18


@pytest.mark.covers("ORC-03")
@pytest.mark.parametrize("kind", ["flux", "ocr1", "ocr2"])
@pytest.mark.parametrize("answer", [0, -1, -(10**10)])
def test_an_answer_that_is_not_above_zero_is_refused(protocols, kind, answer):
    """A signed answer is read as one, and nothing at or below zero is a price."""
    feed = chainlink.deploy_feed(protocols.node, kind)
    feed.answer(answer)
    with pytest.raises(BadPrice, match="not above zero"):
        now(protocols.node).price(feed_claim(feed))


@pytest.mark.covers("ORC-02")
@pytest.mark.parametrize("answer", [10**6, 10**15])
def test_an_answer_at_a_bound_is_refused(protocols, answer):
    """At the aggregator's floor or ceiling the market may be anywhere beyond it."""
    feed = chainlink.deploy_feed(protocols.node, "ocr2")
    bounded = feed_claim(feed, least=10**6, most=10**15)
    feed.answer(10**6 + 1)
    now(protocols.node).price(bounded)
    feed.answer(answer)
    with pytest.raises(BadPrice, match="at a bound"):
        now(protocols.node).price(bounded)


@pytest.mark.covers("ORC-01")
def test_a_feed_without_a_round_is_refused(protocols):
    """No round is no answer, rather than zero."""
    feed = chainlink.deploy_feed(protocols.node, "ocr1")
    with pytest.raises(BadPrice, match="no round yet"):
        now(protocols.node).price(feed_claim(feed))


def test_a_feed_read_by_another_layout_is_no_price(protocols):
    """The layout is part of the question; another one finds no round there."""
    feed = chainlink.deploy_feed(protocols.node, "ocr1")
    feed.answer(5)
    wrong = claim(protocols.node, feed.proxy, PositionKind.CHAINLINK, layout="flux", decimals=8)
    with pytest.raises(BadPrice):
        now(protocols.node).price(wrong)


def guarded(feed, uptime, **given):
    at = raw(uptime.proxy.address)
    return feed_claim(feed, sequencer=at, sequencer_layout=uptime.layout, grace=1_800, **given)


@pytest.mark.covers("ORC-07")
@pytest.mark.parametrize("layout", ["base", "arbitrum"])
def test_a_feed_counts_only_while_its_network_is_up_and_has_been(protocols, layout):
    """Down, just back, and back for long enough, as Chainlink's own feed of it says; in no more round trips."""
    node = protocols.node
    feed, uptime = chainlink.deploy_feed(node, "ocr2"), chainlink.deploy_uptime(node, layout)
    feed.answer(5 * 10**8)
    with pytest.raises(BadPrice, match="up for less than 1800 s"):
        now(node).price(guarded(feed, uptime))
    protocols.wait(1_800)
    seen = now(node)
    assert seen.price(guarded(feed, uptime)).price == 5 * E18
    assert seen.rounds == 3
    seen = now(node)
    assert seen.price(guarded(feed, uptime, aggregator=raw(feed.aggregator.address))).price == 5 * E18
    assert seen.rounds == 2
    uptime.say(down=True, at=int(node.block()["timestamp"], 16))
    protocols.wait(7_200)
    assert uptime.proxy.view("latestAnswer()(int256)") == 1
    with pytest.raises(BadPrice, match="sequencer is down"):
        now(node).price(guarded(feed, uptime))
    back = int(node.block()["timestamp"], 16)
    uptime.say(down=False, at=back)
    with pytest.raises(BadPrice, match="up for less than 1800 s"):
        now(node).price(guarded(feed, uptime))
    protocols.wait(1_800)
    assert now(node).price(guarded(feed, uptime)).price == 5 * E18
    assert uptime.proxy.view("latestRoundData()(uint80,int256,uint256,uint256,uint80)")[1:3] == (0, back)


@pytest.mark.covers("ORC-07")
def test_what_is_no_feed_of_a_sequencer_is_refused(protocols):
    """A feed that was never told anything, and a sequencer without its layout."""
    feed, other = chainlink.deploy_feed(protocols.node, "ocr2"), chainlink.deploy_feed(protocols.node, "ocr1")
    feed.answer(5 * 10**8)
    with pytest.raises(BadPrice, match="sequencer's feed has no round yet"):
        now(protocols.node).price(guarded(feed, chainlink.Uptime("base", other.proxy, other.aggregator)))
    with pytest.raises(BadInput, match="sequencer_layout"):
        now(protocols.node).price(feed_claim(feed, sequencer=raw(other.proxy.address), sequencer_layout="other"))


@pytest.mark.covers("ORC-07")
@pytest.mark.parametrize("layout", ["base", "arbitrum"])
def test_the_layout_of_an_uptime_feed_need_not_be_said(protocols, layout):
    """What stands there makes sense in one layout only; told the wrong one, it is no sequencer's state."""
    node = protocols.node
    feed, uptime = chainlink.deploy_feed(node, "ocr2"), chainlink.deploy_uptime(node, layout)
    feed.answer(5 * 10**8)
    protocols.wait(1_800)
    for other, stands in (("either", True), (layout, True), (({"base", "arbitrum"} - {layout}).pop(), False)):
        claim = feed_claim(feed, sequencer=raw(uptime.proxy.address), sequencer_layout=other, grace=1_800)
        if stands:
            assert now(node).price(claim).price == 5 * E18
        else:
            with pytest.raises(BadPrice, match="no sequencer's state"):
                now(node).price(claim)
    uptime.say(down=True, at=int(node.block()["timestamp"], 16))
    with pytest.raises(BadPrice, match="sequencer is down"):
        now(node).price(feed_claim(feed, sequencer=raw(uptime.proxy.address)))


@pytest.mark.covers("ORC-07")
@pytest.mark.parametrize(
    ("down", "since", "said"),
    [
        (0, 1_700_000_000, None),
        (0, 1_599_999_999, "no sequencer's state"),
        (0, 1_600_000_000, None),
        (2, 1_700_000_000, "no sequencer's state"),
        (1, 1_700_000_000, "is down"),
        (0, 1_800_000_000, "up for less than 1 s"),
        (0, 1_800_000_001, "no sequencer's state"),
    ],
)
@pytest.mark.parametrize("layout", ["base", "arbitrum"])
def test_a_state_is_one_that_such_a_feed_can_have(layout, down, since, said):
    """Up or down, since some time from the first such feed on until the block; in either place of the fields."""
    word = (5 | since << 80 | since << 144 | down << 208) if layout == "base" else (5 | down << 80 | since << 88)
    above = minting.header(minting.network(), 1_800_000_000, Trust(Anchor.PINNED))
    amount = minting.proven(minting.holding(minting.token()), 1)
    state = mint(ProvenWord, rests_on=amount.rests_on, slot=slot_key(4), word=Word(word.to_bytes(32, "big")))
    for asked in ("either", layout):
        of = Sequencer(Address(bytes(20)), asked, 1)
        if said is None:
            check_up(of, state, above.timestamp)
        else:
            with pytest.raises(BadPrice, match=said):
                check_up(of, state, above.timestamp)


def pool_claim(pool, **given):
    coins = {f"coin{i}": raw(coin.address) for i, coin in enumerate(pool.coins)}
    factory = raw(pool.pool.view("factory()(address)"))
    common = {"fee": pool.fee, "decimals0": 18, "decimals1": 18, "leg": 0} | coins | {"factory": factory}
    return claim(pool.pool.node, pool.pool, PositionKind.UNISWAP_V3_AVERAGE, **(common | given))


@pytest.mark.covers("ORC-06")
@pytest.mark.parametrize("count", COUNTS)
def test_averages(protocols, count):
    """The mean tick is the one that the pool's own `observe` gives, for windows within, at and between observations."""
    pool, rng = uniswap.deploy_v3(protocols.node), random.Random(count)
    user = protocols.user(5)
    pool.open(user, -60_000, 60_000, (10**22, 10**22))
    protocols.wait(90)
    for _ in range(count):
        pool.swap(user, rng.random() < 0.5, rng.randrange(1, 10**21))
        protocols.wait(rng.choice([1, 12, 60, 600, 4_000]))
        seen = now(protocols.node)
        window = rng.choice([60, 61, 300, 1_800, 3_600])
        try:
            sums, _ = pool.pool.view("observe(uint32[])(int56[],uint160[])", [window, 0], block=seen.block)
        except Exception:
            with pytest.raises(BadPrice, match="the pool remembers"):
                seen.price(pool_claim(pool, window=window))
            continue
        for leg in (0, 1):
            found = seen.price(pool_claim(pool, window=window, leg=leg))
            assert found.price == quote((sums[1] - sums[0]) // window, leg, (18, 18))
        assert seen.rounds <= 6


def test_an_average_ignores_what_a_pool_says_at_one_moment(protocols):
    """A large swap right before the block moves the pool's price, and hardly the average."""
    pool, user = uniswap.deploy_v3(protocols.node), protocols.user(5)
    pool.open(user, -60_000, 60_000, (10**22, 10**22))
    protocols.wait(3_600)
    before = now(protocols.node).price(pool_claim(pool, window=1_800)).price
    pool.swap(user, True, 10**23)
    after = now(protocols.node).price(pool_claim(pool, window=1_800)).price
    tick = pool.pool.view("slot0()(uint160,int24,uint16,uint16,uint16,uint8,bool)")[1]
    assert quote(tick, 0, (18, 18)) < before // 2
    assert abs(after - before) < before // 50


@pytest.mark.covers("ORC-04")
def test_another_pool_or_other_coins_are_refused(protocols):
    """Which coins a pool trades follows from its address: a pair told wrongly is another address."""
    one, two = protocols.pool, uniswap.deploy_v3(protocols.node)
    with pytest.raises(WrongBinding, match="the pool of this factory"):
        now(protocols.node).price(pool_claim(one, coin0=raw(two.coins[0].address)))
    with pytest.raises(WrongBinding, match="the pool of this factory"):
        now(protocols.node).price(pool_claim(one, fee=500))


def test_a_thin_pool_is_refused(protocols):
    """Where a least liquidity is asked for, a pool below it has no price."""
    with pytest.raises(BadPrice, match="liquidity of at least"):
        now(protocols.node).price(pool_claim(protocols.pool, least_liquidity=2**120))


def test_rates(protocols):
    """One share of each kind is worth what its contract converts it to."""
    vault, lido, rocket, user = protocols.offset_vault, protocols.lido, protocols.rocket, protocols.user(6)
    vault.deposit(user, 10**20)
    vault.earn(10**19)
    lido.stake(user, 10**19)
    lido.steth.send("report(uint128,uint128)", 10**18, 0)
    rocket.report(11 * 10**20, 10**21)
    seen = now(protocols.node)
    given = {"asset": raw(vault.coin.address), "asset_slot": 0, "offset": 6, "share_decimals": 24, "asset_decimals": 18}
    found = seen.price(claim(protocols.node, vault.vault, PositionKind.ERC4626, **given))
    assert found.price == vault.vault.view("convertToAssets(uint256)(uint256)", 10**24)
    found = seen.price(claim(protocols.node, lido.wsteth, PositionKind.WSTETH, steth=raw(lido.steth.address)))
    assert found.price == lido.wsteth.view("getStETHByWstETH(uint256)(uint256)", E18)
    found = seen.price(claim(protocols.node, rocket.reth, PositionKind.RETH, store=raw(rocket.store.address)))
    assert found.price == rocket.reth.view("getEthValue(uint256)(uint256)", E18) == 11 * 10**17


def test_what_is_no_source_is_refused(protocols):
    """A kind of position has no price; a place without code has none either."""
    with pytest.raises(BadInput, match="price source"):
        now(protocols.node).price(claim(protocols.node, protocols.pool.pool, PositionKind.UNISWAP_V2))
    feed = chainlink.Feed("ocr1", type(protocols.pool.pool)(protocols.node, protocols.user(3)), protocols.pool.pool)
    with pytest.raises(NotThere, match="the contract's code"):
        now(protocols.node).price(feed_claim(feed))
