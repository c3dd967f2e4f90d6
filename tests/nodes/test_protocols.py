"""The deployed protocols do what they are for: what is supplied earns, what is owed grows, prices move, and feeds answer."""

from __future__ import annotations

import pytest

from tests.nodes.process import NodeFailedError
from tests.nodes.protocols import chainlink, ocr, uniswap

E18 = 10**18
BALANCE = "balanceOf(address)(uint256)"


@pytest.mark.parametrize("release", ["aave", "old_aave"])
def test_aave_lends_and_accrues(protocols, release):
    """Debts and supplies of both releases grow over moved time, debts faster."""
    market = getattr(protocols, release)
    lender, borrower = protocols.user(1), protocols.user(2)
    one, two = market.reserves
    market.supply(borrower, one, 1_000 * E18)
    market.supply(lender, two, 1_000 * E18)
    market.borrow(borrower, two, 500 * E18)
    protocols.wait(86_400 * 30)
    owed, earned = two.debt.view(BALANCE, borrower), two.a_token.view(BALANCE, lender)
    assert owed > 500 * E18 and 1_000 * E18 < earned < 1_000 * E18 + (owed - 500 * E18)
    market.repay(borrower, two, 100 * E18)
    market.withdraw(lender, two, 10 * E18)
    assert two.debt.view(BALANCE, borrower) < owed - 99 * E18


def test_morpho_lends_and_accrues(protocols):
    """A market's debts grow over time, and lenders get them less the fee."""
    market = protocols.morpho
    lender, borrower = protocols.user(1), protocols.user(2)
    market.supply(lender, 1_000 * E18)
    market.pledge(borrower, 1_000 * E18)
    market.borrow(borrower, 500 * E18)
    protocols.wait(86_400 * 30)
    grown = market.owed(borrower) - 500 * E18
    assert grown > E18
    assert 0 < market.supplied(lender) - 1_000 * E18 < grown
    market.repay(borrower, E18)


def test_uniswap_v2_trades(protocols):
    """Swaps leave the pair's product no smaller."""
    pair, user = protocols.pair, protocols.user(1)
    pair.add(user, (1_000 * E18, 4_000 * E18))
    before = pair.pair.view("getReserves()(uint112,uint112,uint32)")
    pair.swap(user, True, 7 * E18)
    after = pair.pair.view("getReserves()(uint112,uint112,uint32)")
    assert after[0] == before[0] + 7 * E18
    assert after[0] * after[1] >= before[0] * before[1]
    pair.remove(user, E18)


def test_uniswap_v3_trades(protocols):
    """A position takes part in swaps, the tick moves, and the pool remembers where it was."""
    pool, user = protocols.pool, protocols.user(1)
    token = pool.open(user, -6_000, 6_000, (1_000 * E18, 1_000 * E18))
    pool.swap(user, True, 20 * E18)
    protocols.wait(600)
    pool.swap(user, True, E18)
    assert pool.pool.view("slot0()(uint160,int24,uint16,uint16,uint16,uint8,bool)")[1] < 0
    ticks, _ = pool.pool.view("observe(uint32[])(int56[],uint160[])", [300, 0])
    assert ticks[1] - ticks[0] < 0
    pool.shrink(user, token, 1)


@pytest.mark.parametrize("name", ["vault", "offset_vault", "upgradeable_vault"])
def test_vaults_grow(protocols, name):
    """What a vault earns is worth more to its holders."""
    vault, user = getattr(protocols, name), protocols.user(1)
    vault.deposit(user, 1_000 * E18)
    before = vault.worth(user)
    vault.earn(77 * E18)
    assert vault.worth(user) > before
    vault.redeem(user, 1_000)


@pytest.mark.parametrize("kind", ["flux", "ocr1", "ocr2"])
def test_feeds_answer(protocols, kind):
    """A feed says its newest answer with its time, through the proxy, and after the proxy was pointed at another aggregator."""
    feed = chainlink.deploy_feed(protocols.node, kind)
    feed.answer(2_000 * 10**8)
    feed.answer(-5)
    round_, answer, _, updated, _ = feed.latest()
    assert (round_, answer) == ((1 << 64) + 2, -5)
    assert updated == int(protocols.node.block()["timestamp"], 16)
    following = feed.replace("ocr2")
    following.answer(7)
    assert following.latest()[:2] == ((2 << 64) + 1, 7)


@pytest.mark.parametrize("kind", ["ocr1", "ocr2"])
def test_the_authors_own_aggregators_check_what_they_are_told(protocols, kind):
    """A round is what enough oracles signed; fewer make none."""
    if not ocr.have_libocr():
        pytest.skip("no Go here to fetch libocr with")
    feed = chainlink.deploy_feed(protocols.node, kind)
    assert feed.aggregator.view("typeAndVersion()(string)").startswith("AccessControlled")
    feed.answer(5)
    with pytest.raises(NodeFailedError):
        ocr.report(kind, feed.aggregator, 6, signed_by=ocr.FAULTY)
    assert feed.latest()[:2] == ((1 << 64) + 1, 5)


def test_stand_ins(protocols):
    """The stand-ins earn, lend and rebase as what they stand for."""
    comet, lender, borrower = protocols.comet, protocols.user(1), protocols.user(2)
    comet.supply(lender, 10**12)
    comet.pledge(borrower, 10**12)
    comet.withdraw(borrower, 10**11)
    protocols.wait(86_400 * 30)
    assert comet.comet.view("borrowBalanceOf(address)(uint256)", borrower) > 10**11
    assert comet.comet.view(BALANCE, lender) > 10**12
    lido = protocols.lido
    lido.stake(lender, 100 * E18)
    lido.steth.send("deposit(uint128)", 2)
    lido.steth.send("report(uint128,uint128)", 33 * E18, 1)
    assert lido.steth.view(BALANCE, lender) == 101 * E18
    assert lido.wsteth.view("getStETHByWstETH(uint256)(uint256)", 10 * E18) == 101 * E18 // 10
    rocket = protocols.rocket
    rocket.report(110 * E18, 100 * E18)
    assert rocket.reth.view("getEthValue(uint256)(uint256)", E18) == 11 * E18 // 10


def test_pools_have_sorted_coins(protocols):
    """Coins come in the order of their addresses, as the pools keep them."""
    one, two = uniswap.coins(protocols.node)
    assert int(one.address, 16) < int(two.address, 16)
