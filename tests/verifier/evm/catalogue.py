"""Calls of real contracts: tokens of every kind, lending, pools, vaults, feeds, dispute games, quotes, aggregation."""

from __future__ import annotations

from collections.abc import Iterator

from tests.nodes.contracts import HOLDERS, DeployedChain, word
from tests.nodes.protocols.chain import Protocols
from tests.nodes.protocols.contract import Contract, calldata
from tests.nodes.protocols.optimism import Games
from tests.nodes.protocols.uniswap import Lenses, PoolV3
from tests.verifier.evm.stage import Stage
from tests.verifier.evm.talk import call_of
from verifier.calls import Call

E18 = 10**18
AMOUNTS = [0, 1, 7, 10**6, 123_456_789, E18, 3 * E18 + 1, 10**24]


def of(contract: Contract, signature: str, *values: object, gas: int = 10_000_000) -> Call:
    """A call of a deployed contract."""
    return call_of(contract.address, calldata(signature, *values), gas=gas)


def every_call(stage: Stage) -> dict[str, list[Call]]:
    """All of them, each once, by what they are calls of."""
    single = {
        "tokens": token_calls(stage.tokens),
        "protocols": protocol_calls(stage.protocols),
        "games": game_calls(stage.games, stage.proposed),
    }
    aggregated = [call for kind in single.values() for call in kind]
    lenses = lens_calls(stage.lenses, stage.protocols.pool, aggregated)
    return {kind: list(dict.fromkeys(calls)) for kind, calls in {**single, "lenses": lenses}.items()}


def token_calls(chain: DeployedChain) -> list[Call]:
    """Every view function of ERC-20 on every token, for every holder."""
    found: list[Call] = []
    for token in chain.tokens.values():
        found += [
            call_of(token.address, f"0x{selector}") for selector in ("18160ddd", "06fdde03", "95d89b41", "313ce567")
        ]
        found += [call_of(token.address, f"0x70a08231{word(holder)}") for holder in HOLDERS.values()]
        found += [
            call_of(token.address, f"0xdd62ed3e{word(owner)}{word(spender)}")
            for owner in HOLDERS.values()
            for spender in HOLDERS.values()
        ]
    return found


def protocol_calls(protocols: Protocols) -> list[Call]:
    """What each protocol says of itself and of its users."""
    users = [protocols.user(n) for n in range(1, 10)]
    return [
        *_lending(protocols, users),
        *_pools(protocols, users),
        *_vaults(protocols, users),
        *_feeds(protocols),
    ]


def _lending(protocols: Protocols, users: list[str]) -> Iterator[Call]:
    for market in (protocols.aave, protocols.old_aave):
        account = "getUserAccountData(address)(uint256,uint256,uint256,uint256,uint256,uint256)"
        yield from (of(market.pool, account, user) for user in users)
        yield of(market.pool, "getReservesList()(address[])")
        for reserve in market.reserves:
            yield of(market.pool, "getReserveNormalizedIncome(address)(uint256)", reserve.asset.address)
            yield of(market.pool, "getReserveNormalizedVariableDebt(address)(uint256)", reserve.asset.address)
            for token in (reserve.a_token, reserve.debt):
                yield from (of(token, "balanceOf(address)(uint256)", user) for user in users)
                yield from (of(token, "scaledBalanceOf(address)(uint256)", user) for user in users)
                yield of(token, "totalSupply()(uint256)")
    morpho = protocols.morpho
    for user in users:
        yield of(morpho.morpho, "position(bytes32,address)(uint256,uint128,uint128)", morpho.market, user)
    yield of(morpho.morpho, "market(bytes32)(uint128,uint128,uint128,uint128,uint128,uint128)", morpho.market)


def _pools(protocols: Protocols, users: list[str]) -> Iterator[Call]:
    pair, pool = protocols.pair, protocols.pool
    yield of(pair.pair, "getReserves()(uint112,uint112,uint32)")
    for user in users:
        yield of(pair.pair, "balanceOf(address)(uint256)", user)
        yield of(pool.manager, "balanceOf(address)(uint256)", user)
    for name in ("slot0()", "liquidity()", "feeGrowthGlobal0X128()", "tickSpacing()", "fee()", "token0()"):
        yield of(pool.pool, name)
    for token in (1, 2, 3):
        yield of(pool.manager, "positions(uint256)", token)
        yield of(pool.manager, "ownerOf(uint256)(address)", token)
        yield of(pool.manager, "tokenURI(uint256)(string)", token)
    for tick in range(-60_000, 60_001, 6_000):
        yield of(pool.pool, "ticks(int24)", tick)
    for ago in range(12):
        yield of(pool.pool, "observe(uint32[])(int56[],uint160[])", [ago, 0])
    asked = [bytes.fromhex(calldata("positions(uint256)", token)[2:]) for token in (1, 2, 3)]
    yield of(pool.manager, "multicall(bytes[])(bytes[])", asked)


def lens_calls(lenses: Lenses, pool: PoolV3, others: list[Call]) -> list[Call]:
    """Swaps that are tried out and undone, ticks, and other calls by the score in one."""
    one, two = (coin.address for coin in pool.coins)
    found: list[Call] = []
    for give, take in ((one, two), (two, one)):
        for amount in (1, 100 * E18):
            for name in ("quoteExactInputSingle", "quoteExactOutputSingle"):
                wanted = (give, take, amount, pool.fee, 0)
                found.append(of(lenses.quoter, f"{name}((address,address,uint256,uint24,uint160))", wanted))
    found += [of(lenses.ticks, "getPopulatedTicksInWord(address,int16)", pool.pool.address, n) for n in range(-5, 5)]
    for first in range(16):
        asked = [(f"0x{call.to.hex()}", 400_000, call.data) for call in others[first::160]]
        found.append(of(lenses.multicall, "multicall((address,uint256,bytes)[])", asked, gas=30_000_000))
    return found


def _vaults(protocols: Protocols, users: list[str]) -> Iterator[Call]:
    for vault in (protocols.vault, protocols.offset_vault, protocols.upgradeable_vault):
        yield of(vault.vault, "totalAssets()(uint256)")
        for name in (
            "convertToAssets",
            "convertToShares",
            "previewRedeem",
            "previewDeposit",
            "previewMint",
            "previewWithdraw",
        ):
            yield from (of(vault.vault, f"{name}(uint256)(uint256)", amount) for amount in AMOUNTS)
        for name in ("balanceOf", "maxWithdraw", "maxRedeem", "maxDeposit"):
            yield from (of(vault.vault, f"{name}(address)(uint256)", user) for user in users)
    lido = protocols.lido
    for user in users:
        yield of(lido.steth, "balanceOf(address)(uint256)", user)
    yield from (of(lido.steth, "getPooledEthByShares(uint256)(uint256)", amount) for amount in AMOUNTS)


def _feeds(protocols: Protocols) -> Iterator[Call]:
    for feed in (protocols.feed, protocols.ocr1_feed, protocols.ocr2_feed):
        for name in ("latestRoundData()", "decimals()", "description()", "latestAnswer()"):
            yield of(feed.proxy, name)


def game_calls(games: Games, found: list[Contract]) -> list[Call]:
    """The factory, the portal and each game."""
    calls = [
        of(games.factory, "gameCount()(uint256)"),
        of(games.portal, "paused()(bool)"),
        of(games.portal, "respectedGameType()(uint32)"),
    ]
    for index, game in enumerate(found):
        calls.append(of(games.factory, "gameAtIndex(uint256)(uint32,uint64,address)", index))
        calls.append(of(games.portal, "disputeGameBlacklist(address)(bool)", game.address))
        for name in (
            "status()",
            "rootClaim()",
            "l2BlockNumber()",
            "createdAt()",
            "resolvedAt()",
            "gameData()",
            "claimDataLen()",
            "extraData()",
        ):
            calls.append(of(game, name))
        calls.append(of(game, "getChallengerDuration(uint256)(uint64)", 0))
        calls.append(of(game, "claimData(uint256)", 0))
    return calls
