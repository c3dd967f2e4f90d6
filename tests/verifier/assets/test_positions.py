"""Every kind of position, proven word by word on a node where the protocol is used at random, equals the protocol's own view."""

from __future__ import annotations

import random
from contextlib import suppress

import pytest
from eth_abi import decode

from tests.nodes.process import NodeFailedError, RpcError
from tests.nodes.protocols import aave, morpho, stand_ins
from tests.nodes.protocols.contract import FAR, calldata
from tests.verifier.assets.reading import claim_of, now, raw
from verifier.codec.abi import mapping_slot, pad_address
from verifier.errors import BadInput, NotThere, NotUsable, UnlistedDebt, WrongBinding
from verifier.positions import PositionKind, position
from verifier.primitives import slot_key

E18 = 10**18
BALANCE = "balanceOf(address)(uint256)"
FEW, MANY = 5, 200
COUNTS = [FEW, pytest.param(MANY, marks=pytest.mark.soak)]


def amount(rng, top=10**24):
    return rng.choice([1, 7, rng.randrange(1, 10**6), rng.randrange(1, top), rng.randrange(1, top)])


def attempt(act, *arguments):
    """An act that the protocol may refuse, as it refuses many at random."""
    with suppress(NodeFailedError):
        act(*arguments)


def pause(protocols, rng):
    protocols.wait(rng.choice([1, 2, 3, 12, 3_600, 86_400, 30 * 86_400]))


# --- lending ---------------------------------------------------------------------------------------------


def aave_position(market, reserve):
    return position(
        PositionKind.AAVE_V3,
        pool=raw(market.pool.address),
        underlying=raw(reserve.asset.address),
        release=market.version,
    )


def use_aave(market, users, rng):
    user, reserve = rng.choice(users), rng.choice(market.reserves)
    act = rng.choice([market.supply, market.supply, market.borrow, market.borrow, market.repay, market.withdraw])
    attempt(act, user, reserve, amount(rng, 10**22))


def check_aave(protocols, market, users):
    seen = now(protocols.node)
    for reserve in market.reserves:
        for user in users:
            for token, debt in ((reserve.a_token, False), (reserve.debt, True)):
                claim = claim_of(protocols.node, token.address, user, debt=debt)
                found = seen.figure(claim, aave_position(market, reserve)).units
                assert found == token.view(BALANCE, user, block=seen.block), (market.version, user, debt)


@pytest.mark.covers("STO-11", "TOK-01", "TOK-02")
@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("release", ["aave", "old_aave"])
def test_aave(protocols, release, count):
    """Supplied and owed at every reserve, to the last unit, after each of many random acts and pauses."""
    market, rng = getattr(protocols, release), random.Random(f"{release}{count}")
    users = [protocols.user(3), protocols.user(4)]
    for user in users:
        market.supply(user, rng.choice(market.reserves), 10**22)
    for _ in range(count):
        use_aave(market, users, rng)
        pause(protocols, rng)
        check_aave(protocols, market, users)


@pytest.mark.parametrize("release", ["aave", "old_aave"])
def test_aave_takes_one_round(protocols, release):
    """Token and pool are asked for at once: nothing depends on an answer."""
    market = getattr(protocols, release)
    seen, reserve = now(protocols.node), market.reserves[0]
    seen.figure(claim_of(protocols.node, reserve.a_token.address, protocols.user(3)), aave_position(market, reserve))
    assert seen.rounds == 1


def test_aave_index_of_another_reserve_is_refused(protocols):
    """A token with the index of another reserve is refused: the pool keeps another token for that one."""
    market = protocols.aave
    one, two = market.reserves
    claim = claim_of(protocols.node, one.a_token.address, protocols.user(3))
    with pytest.raises(WrongBinding, match="the token that the pool keeps"):
        now(protocols.node).figure(claim, aave_position(market, two))


@pytest.mark.covers("TOK-03")
@pytest.mark.parametrize("release", ["aave", "old_aave"])
def test_a_paused_reserve_of_aave_gives_nothing_out(protocols, release):
    """While its owner has paused it, what is supplied does not count; opened again, it does."""
    market, user = getattr(protocols, release), protocols.user(3)
    reserve = market.reserves[0]
    market.supply(user, reserve, 10**18)
    claim, of = claim_of(protocols.node, reserve.a_token.address, user), aave_position(market, reserve)
    market.pause(reserve, paused=True)
    with pytest.raises(NotUsable, match="nothing can be taken out"):
        now(protocols.node).figure(claim, of)
    with pytest.raises(NodeFailedError):
        market.withdraw(user, reserve, 1)
    market.pause(reserve, paused=False)
    assert now(protocols.node).figure(claim, of).units >= 10**18


@pytest.mark.covers("TOK-04")
def test_aave_debts_nobody_listed_are_found(protocols):
    """The pool's own bits show a debt that no claim speaks of; with that reserve listed, there is none else."""
    market, user, lender = protocols.aave, protocols.user(8), protocols.user(9)
    one, two = market.reserves
    market.supply(lender, two, 10**22)
    market.supply(user, one, 10**21)
    claim = claim_of(protocols.node, market.pool.address, user, debt=True)
    assert now(protocols.node).figure(claim, position(PositionKind.AAVE_V3_DEBTS)).units == 0
    market.borrow(user, two, 10**20)
    with pytest.raises(UnlistedDebt) as caught:
        now(protocols.node).figure(claim, position(PositionKind.AAVE_V3_DEBTS))
    assert caught.value.assets == (bytes(raw(two.asset.address)),)
    assert caught.value.examined == 2
    assert (
        now(protocols.node).figure(claim, position(PositionKind.AAVE_V3_DEBTS, asset00=raw(two.asset.address))).units
        == 0
    )


@pytest.mark.covers("TOK-04")
def test_aave_debts_at_a_stable_rate_are_found(protocols):
    """In the first release the bit of a listed reserve may stand for a debt that no line reads; at the variable rate alone it
    does not."""
    market = aave.deploy_old(protocols.node)  # its own: what others lent and owe bounds a loan at a stable rate
    user, lender = protocols.user(8), protocols.user(9)
    one, two = market.reserves
    market.supply(lender, two, 10**22)
    market.supply(user, one, 10**21)
    market.borrow(user, two, 10**19)
    claim = claim_of(protocols.node, market.pool.address, user, debt=True)
    of = position(PositionKind.AAVE_V3_DEBTS, asset00=raw(two.asset.address), release="3.0")
    assert now(protocols.node).figure(claim, of).units == 0
    market.borrow_stable(user, two, 10**20)
    assert market.stable_debt(two).view(BALANCE, user) >= 10**20
    with pytest.raises(UnlistedDebt) as caught:
        now(protocols.node).figure(claim, of)
    assert caught.value.assets == (bytes(raw(two.asset.address)),)
    # Whoever reads the first release as the newest, which has no such debts, looks for none.
    newest = position(PositionKind.AAVE_V3_DEBTS, asset00=raw(two.asset.address))
    assert now(protocols.node).figure(claim, newest).units == 0


COMET_RATES = {
    f"{side}_{short}": f"{side}{name}()(uint256)"
    for side in ("supply", "borrow")
    for short, name in (
        ("kink", "Kink"),
        ("base", "PerSecondInterestRateBase"),
        ("low", "PerSecondInterestRateSlopeLow"),
        ("high", "PerSecondInterestRateSlopeHigh"),
    )
}


@pytest.mark.parametrize("count", COUNTS)
def test_compound(protocols, count):
    """Base coin supplied and owed with interest to the block, and collateral, after random acts (on the stand-in)."""
    comet, rng = protocols.comet, random.Random(count)
    users = [protocols.user(3), protocols.user(4)]
    rates = {name: comet.comet.view(signature) for name, signature in COMET_RATES.items()}
    base = position(PositionKind.COMPOUND_V3, **rates)
    posted = position(PositionKind.COMPOUND_V3, of="collateral", asset=raw(comet.collateral.address))
    comet.supply(users[0], 10**15)
    for _ in range(count):
        attempt(
            rng.choice([comet.supply, comet.withdraw, comet.withdraw, comet.pledge]),
            rng.choice(users),
            amount(rng, 10**13),
        )
        pause(protocols, rng)
        seen = now(protocols.node)
        for user in users:
            for debt, view in ((False, BALANCE), (True, "borrowBalanceOf(address)(uint256)")):
                claim = claim_of(protocols.node, comet.comet.address, user, debt=debt)
                assert seen.figure(claim, base).units == comet.comet.view(view, user, block=seen.block)
            claim = claim_of(protocols.node, comet.comet.address, user)
            said = comet.comet.view(
                "collateralBalanceOf(address,address)(uint128)", user, comet.collateral.address, block=seen.block
            )
            assert seen.figure(claim, posted).units == said


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("name", ["morpho", "adaptive_morpho"])
def test_morpho(protocols, name, count):
    """Lent, owed and posted in a market, as the protocol's own library says, after random acts."""
    market, rng = getattr(protocols, name), random.Random(count)
    users = [protocols.user(3), protocols.user(4)]
    common = {"market": market.market, "model": market.model, "irm": raw(market.params[3])}
    loan = position(PositionKind.MORPHO_BLUE, coin=raw(market.loan.address), **common)
    posted = position(
        PositionKind.MORPHO_BLUE, of="collateral", market=market.market, coin=raw(market.collateral.address)
    )
    market.supply(users[0], 10**22)
    market.pledge(users[1], 10**22)
    for _ in range(count):
        act = rng.choice([market.supply, market.pledge, market.borrow, market.borrow, market.repay])
        attempt(act, rng.choice(users), amount(rng, 10**21))
        pause(protocols, rng)
        seen = now(protocols.node)
        for user in users:
            lent = claim_of(protocols.node, market.morpho.address, user)
            owed = claim_of(protocols.node, market.morpho.address, user, debt=True)
            assert seen.figure(lent, loan).units == market.supplied(user, seen.block)
            assert seen.figure(owed, loan).units == market.owed(user, seen.block)
            said = market.morpho.view(
                "position(bytes32,address)(uint256,uint128,uint128)", market.market, user, block=seen.block
            )
            assert seen.figure(lent, posted).units == said[2]


@pytest.mark.covers("TOK-04")
def test_debts_at_compound_and_morpho_that_nobody_listed_are_found(protocols):
    """The protocols' own words for the holder say whether anything is owed: before borrowing nothing, then a debt."""
    comet, market = stand_ins.deploy_comet(protocols.node), morpho.deploy_morpho(protocols.node)
    user = protocols.user(8)
    comet.supply(protocols.user(9), 10**12)
    comet.pledge(user, 10**12)
    asked = claim_of(protocols.node, comet.comet.address, user, debt=True)
    of = position(PositionKind.COMPOUND_V3_DEBTS)
    assert now(protocols.node).figure(asked, of).units == 0
    comet.withdraw(user, 10**6)
    with pytest.raises(UnlistedDebt) as caught:
        now(protocols.node).figure(asked, of)
    assert caught.value.assets == (bytes(raw(comet.comet.address)),)
    market.supply(protocols.user(9), 10**22)
    market.pledge(user, 10**22)
    asked = claim_of(protocols.node, market.morpho.address, user, debt=True)
    of = position(PositionKind.MORPHO_BLUE_DEBTS, market=market.market)
    assert now(protocols.node).figure(asked, of).units == 0
    market.borrow(user, 10**20)
    with pytest.raises(UnlistedDebt) as caught:
        now(protocols.node).figure(asked, of)
    assert caught.value.assets == (bytes(market.market),)


def test_morpho_market_of_another_coin_is_refused(protocols):
    """The market's own parameters must name the coin that the claim counts."""
    market = protocols.morpho
    wrong = position(
        PositionKind.MORPHO_BLUE,
        market=market.market,
        coin=raw(market.collateral.address),
        model="linear",
        irm=raw(market.params[3]),
    )
    with pytest.raises(WrongBinding, match="the market's coin"):
        now(protocols.node).figure(claim_of(protocols.node, market.morpho.address, protocols.user(3)), wrong)


# --- shares ----------------------------------------------------------------------------------------------


def vault_position(vault, *, namespaced=False):
    layout = "namespaced" if namespaced else "plain"
    return position(
        PositionKind.ERC4626, asset=raw(vault.coin.address), asset_slot=0, offset=vault.offset, layout=layout
    )


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("name", ["vault", "offset_vault", "upgradeable_vault"])
def test_vaults(protocols, name, count):
    """Shares of vaults with and without an offset, plain and in a namespace, convert as the vault itself converts them."""
    vault, rng = getattr(protocols, name), random.Random(f"{name}{count}")
    users = [protocols.user(3), protocols.user(4)]
    of = vault_position(vault, namespaced=name == "upgradeable_vault")
    for _ in range(count):
        act = rng.choice([vault.deposit, vault.deposit, vault.redeem])
        attempt(act, rng.choice(users), amount(rng)) if rng.random() < 0.7 else vault.earn(amount(rng))
        seen = now(protocols.node)
        for user in users:
            claim = claim_of(protocols.node, vault.vault.address, user)
            assert seen.figure(claim, of).units == vault.worth(user, seen.block)


@pytest.mark.parametrize("count", COUNTS)
def test_staked_ether(protocols, count):
    """stETH, wstETH and rETH in ether, through deposits, reports and external shares (on the stand-ins)."""
    lido, rocket, rng, user = protocols.lido, protocols.rocket, random.Random(count), protocols.user(3)
    lido.stake(user, 10**20)
    for _ in range(count):
        acts = [
            lambda: lido.stake(user, amount(rng, 10**20)),
            lambda: lido.steth.send("deposit(uint128)", 1),
            lambda: lido.steth.send("report(uint128,uint128)", amount(rng, 10**21), 0),
            lambda: lido.steth.send("mintExternal(address,uint128)", protocols.user(4), amount(rng, 10**20)),
            lambda: lido.wsteth.send("mint(address,uint256)", user, amount(rng, 10**20)),
            lambda: rocket.report(amount(rng, 10**24), rng.choice([0, amount(rng, 10**24)])),
            lambda: rocket.reth.send("mint(address,uint256)", user, amount(rng, 10**21)),
        ]
        attempt(rng.choice(acts))
        seen = now(protocols.node)
        found = seen.figure(claim_of(protocols.node, lido.steth.address, user), position(PositionKind.STETH)).units
        assert found == lido.steth.view(BALANCE, user, block=seen.block)
        wrapped = position(PositionKind.WSTETH, steth=raw(lido.steth.address))
        held = lido.wsteth.view(BALANCE, user, block=seen.block)
        worth = lido.wsteth.view("getStETHByWstETH(uint256)(uint256)", held, block=seen.block)
        assert seen.figure(claim_of(protocols.node, lido.wsteth.address, user), wrapped).units == worth
        of = position(PositionKind.RETH, store=raw(rocket.store.address))
        held = rocket.reth.view(BALANCE, user, block=seen.block)
        worth = rocket.reth.view("getEthValue(uint256)(uint256)", held, block=seen.block)
        assert seen.figure(claim_of(protocols.node, rocket.reth.address, user), of).units == worth


# --- liquidity -------------------------------------------------------------------------------------------


def burnt(protocols, pair, user, held):
    """What the pair gives when all of a holder's tokens are burnt, by a call that finds them already handed back."""

    def key(holder):
        return f"0x{mapping_slot(pad_address(raw(holder)), slot_key(1)).hex()}"

    moved = {key(pair.pair.address): f"0x{held:064x}", key(user): f"0x{0:064x}"}
    call = {"from": user, "to": pair.pair.address, "data": f"0x89afcb44{user[2:].rjust(64, '0')}"}
    try:
        answer = protocols.node.rpc("eth_call", call, "latest", {pair.pair.address: {"stateDiff": moved}})
    except RpcError:
        return 0, 0  # the pair burns nothing that gives nothing
    return int(answer[2:66], 16), int(answer[66:], 16)


@pytest.mark.parametrize("count", COUNTS)
def test_uniswap_v2(protocols, count):
    """A holder's part of each reserve is what burning all of their tokens would give, after random trades."""
    pair, rng, user = protocols.pair, random.Random(count), protocols.user(5)
    pair.add(protocols.user(6), (10**21, 10**21))
    factory = raw(pair.pair.view("factory()(address)"))
    for _ in range(count):
        acts = [
            lambda: pair.add(user, (amount(rng, 10**20), amount(rng, 10**20))),
            lambda: pair.swap(user, rng.random() < 0.5, amount(rng, 10**20)),
            lambda: pair.remove(user, pair.pair.view(BALANCE, user) // rng.randint(2, 9)),
        ]
        attempt(rng.choice(acts))
        pair.pair.send("sync()")  # an act that was refused may have left coins behind, which would be anyone's
        seen, held = now(protocols.node), pair.pair.view(BALANCE, user)
        given = burnt(protocols, pair, user, held)
        for leg, coin in enumerate(pair.coins):
            of = position(PositionKind.UNISWAP_V2, leg=leg, coin=raw(coin.address), factory=factory)
            found = seen.figure(claim_of(protocols.node, pair.pair.address, user), of).units
            assert found == given[leg]


def v3_position(pool, token, leg):
    return position(
        PositionKind.UNISWAP_V3,
        token=token,
        leg=leg,
        coin=raw(pool.coins[leg].address),
        factory=raw(pool.pool.view("factory()(address)")),
    )


def taken_out(protocols, pool, token, owner):
    """What the manager itself gives for all of a position, fees included, without doing it."""
    terms = "(uint96,address,address,address,uint24,int24,int24,uint128,uint256,uint256,uint128,uint128)"
    liquidity, most = pool.manager.view(f"positions(uint256){terms}", token)[7], 2**128 - 1
    shrink = calldata("decreaseLiquidity((uint256,uint128,uint256,uint256,uint256))", (token, liquidity, 0, 0, FAR))
    collect = calldata("collect((uint256,address,uint128,uint128))", (token, owner, most, most))
    acts = [bytes.fromhex(act[2:]) for act in ([shrink] if liquidity else []) + [collect]]
    call = {"from": owner, "to": pool.manager.address, "data": calldata("multicall(bytes[])", acts)}
    (results,) = decode(["bytes[]"], bytes.fromhex(protocols.node.rpc("eth_call", call, "latest")[2:]))
    return decode(["uint256", "uint256"], results[-1])


@pytest.mark.parametrize("count", COUNTS)
def test_uniswap_v3(protocols, count):
    """Both coins of positions in, above and below the price, with fees, are what the manager gives for all of each."""
    pool, rng, owner = protocols.pool, random.Random(count), protocols.user(7)
    pool.open(protocols.user(6), -887_220, 887_220, (10**22, 10**22))
    tokens = [
        pool.open(owner, low, high, (10**20, 10**20)) for low, high in ((-600, 600), (1_200, 6_000), (-6_000, -1_200))
    ]
    for step in range(count):
        attempt(pool.swap, protocols.user(6), rng.random() < 0.5, amount(rng, 10**21))
        if rng.random() < 0.2:
            attempt(pool.shrink, owner, rng.choice(tokens), amount(rng, 10**18))
        token = tokens[step % 3]
        seen, given = now(protocols.node), taken_out(protocols, pool, token, owner)
        for leg in (0, 1):
            found = seen.figure(
                claim_of(protocols.node, pool.manager.address, owner), v3_position(pool, token, leg)
            ).units
            assert found == given[leg]


@pytest.mark.covers("MRG-05")
def test_a_position_of_another_owner_is_refused(protocols):
    """The manager's own record says who owns a position."""
    pool = protocols.pool
    token = pool.open(protocols.user(6), -600, 600, (10**18, 10**18))
    claim = claim_of(protocols.node, pool.manager.address, protocols.user(7))
    with pytest.raises(WrongBinding, match=f"the owner of position {token}"):
        now(protocols.node).figure(claim, v3_position(pool, token, 0))
    with pytest.raises(NotThere, match=f"position {token + 999}"):
        now(protocols.node).figure(claim, v3_position(pool, token + 999, 0))


def test_a_pool_of_another_factory_is_refused(protocols):
    """With another factory the pool is another address, where there is nothing."""
    pool = protocols.pool
    token = pool.open(protocols.user(6), -600, 600, (10**18, 10**18))
    of = position(
        PositionKind.UNISWAP_V3, token=token, leg=0, coin=raw(pool.coins[0].address), factory=raw(protocols.user(1))
    )
    with pytest.raises(NotThere, match="the contract's code"):
        now(protocols.node).figure(claim_of(protocols.node, pool.manager.address, protocols.user(6)), of)


@pytest.mark.parametrize(
    "name",
    [
        kind.value
        for kind in PositionKind
        if kind not in (PositionKind.STETH, PositionKind.AAVE_V3_DEBTS, PositionKind.COMPOUND_V3_DEBTS)
    ],
)
def test_a_position_without_its_parameters_is_refused(protocols, name):
    """A kind says which parameter it lacks."""
    claim = claim_of(protocols.node, protocols.vault.vault.address, protocols.user(3))
    with pytest.raises(BadInput, match=r"the parameter|expected"):
        now(protocols.node).figure(claim, position(PositionKind(name)))


def test_a_parameter_that_means_nothing_is_refused(protocols):
    """A parameter that the kind does not have is no note to be passed over."""
    of = position(PositionKind.STETH, steth=raw(protocols.user(1)))
    with pytest.raises(BadInput, match="no other parameters"):
        now(protocols.node).figure(claim_of(protocols.node, protocols.lido.steth.address, protocols.user(3)), of)
