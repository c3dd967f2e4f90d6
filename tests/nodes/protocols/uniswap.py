"""Uniswap v2 and v3 from the code that their packages ship: factories, pools, the position manager and the router."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tests.nodes.anvil import Anvil
from tests.nodes.artifacts import weth9
from tests.nodes.protocols.build import own, published
from tests.nodes.protocols.contract import FAR, Contract, create

Q96 = 2**96


@dataclass(frozen=True)
class PairV2:
    """A pair of two coins, sorted by address."""

    pair: Contract
    coins: Sequence[Contract]

    def add(self, user: str, amounts: Sequence[int]) -> None:
        """Put both coins in and give the liquidity tokens to a user."""
        for coin, amount in zip(self.coins, amounts, strict=True):
            coin.send("mint(address,uint256)", self.pair.address, amount)
        self.pair.send("mint(address)", user)

    def remove(self, user: str, shares: int) -> None:
        """Burn a user's liquidity tokens for both coins."""
        self.pair.send("transfer(address,uint256)", self.pair.address, shares, sender=user)
        self.pair.send("burn(address)", user)

    def swap(self, user: str, zero_for_one: bool, amount: int) -> None:
        """Sell an amount of one coin for what the pair's formula gives, less its fee."""
        reserves = self.pair.view("getReserves()(uint112,uint112,uint32)")[:2]
        bought, sold = (reserves[1], reserves[0]) if zero_for_one else reserves
        out = amount * 997 * bought // (sold * 1000 + amount * 997)
        self.coins[0 if zero_for_one else 1].send("mint(address,uint256)", self.pair.address, amount)
        self.pair.send("swap(uint256,uint256,address,bytes)", *((0, out) if zero_for_one else (out, 0)), user, b"")


@dataclass(frozen=True)
class PoolV3:
    """A pool of two coins, with the manager that holds positions as tokens, and a router."""

    pool: Contract
    manager: Contract
    router: Contract
    coins: Sequence[Contract]
    fee: int

    def open(self, user: str, lower: int, upper: int, amounts: Sequence[int]) -> int:
        """Open a position through the manager; returns its token id."""
        for coin, amount in zip(self.coins, amounts, strict=True):
            coin.send("mint(address,uint256)", user, amount)
            coin.send("approve(address,uint256)", self.manager.address, FAR, sender=user)
        wanted = (*(coin.address for coin in self.coins), self.fee, lower, upper, *amounts, 0, 0, user, FAR)
        kind = "(address,address,uint24,int24,int24,uint256,uint256,uint256,uint256,address,uint256)"
        self.manager.send(f"mint({kind})", wanted, sender=user)
        return int(self.manager.view("tokenByIndex(uint256)(uint256)", self.manager.view("totalSupply()(uint256)") - 1))

    def shrink(self, user: str, token: int, liquidity: int) -> None:
        """Take liquidity out of a position; what it gives stays owed until it is collected."""
        self.manager.send(
            "decreaseLiquidity((uint256,uint128,uint256,uint256,uint256))", (token, liquidity, 0, 0, FAR), sender=user
        )

    def swap(self, user: str, zero_for_one: bool, amount: int) -> None:
        """Sell an amount of one coin through the router."""
        sold, bought = self.coins if zero_for_one else reversed(self.coins)
        sold.send("mint(address,uint256)", user, amount)
        sold.send("approve(address,uint256)", self.router.address, FAR, sender=user)
        wanted = (sold.address, bought.address, self.fee, user, FAR, amount, 0, 0)
        self.router.send(
            "exactInputSingle((address,address,uint24,address,uint256,uint256,uint256,uint160))", wanted, sender=user
        )


@dataclass(frozen=True)
class Lenses:
    """The periphery's readers: what aggregates calls, what tries out swaps, and what lists ticks."""

    multicall: Contract
    quoter: Contract
    ticks: Contract


def coins(node: Anvil, places: Sequence[int] = (18, 18)) -> list[Contract]:
    """Two coins in the order of their addresses."""
    code = own("Coin")["Coin"].bytecode
    made = [create(node, code, "(string,uint8)", f"U{i}", place) for i, place in enumerate(places)]
    return sorted(made, key=lambda coin: coin.address)


def deploy_v2(node: Anvil) -> PairV2:
    """A factory and one empty pair."""
    code = published("@uniswap/v2-core", "build", "UniswapV2Factory.json")
    factory = create(node, code.bytecode, "(address)", node.accounts[0])
    pair = coins(node)
    factory.send("createPair(address,address)", pair[0].address, pair[1].address)
    address = factory.view("getPair(address,address)(address)", pair[0].address, pair[1].address)
    return PairV2(Contract(node, address), pair)


def deploy_v3(node: Anvil, fee: int = 3000) -> PoolV3:
    """A factory, a pool at price 1 that keeps 64 observations, the position manager and the router."""
    core, periphery = "@uniswap/v3-core", "@uniswap/v3-periphery"
    folder = ("artifacts", "contracts")
    factory = create(node, published(core, *folder, "UniswapV3Factory.sol", "UniswapV3Factory.json").bytecode)
    weth = create(node, weth9().bytecode)
    places = (factory.address, weth.address)
    manager = published(periphery, *folder, "NonfungiblePositionManager.sol", "NonfungiblePositionManager.json")
    router = published(periphery, *folder, "SwapRouter.sol", "SwapRouter.json")
    held = create(node, manager.bytecode, "(address,address,address)", *places, "0x" + "00" * 20)
    pair = coins(node)
    factory.send("createPool(address,address,uint24)", pair[0].address, pair[1].address, fee)
    address = factory.view("getPool(address,address,uint24)(address)", pair[0].address, pair[1].address, fee)
    pool = Contract(node, address)
    pool.send("initialize(uint160)", Q96)
    pool.send("increaseObservationCardinalityNext(uint16)", 64)
    return PoolV3(pool, held, create(node, router.bytecode, "(address,address)", *places), pair, fee)


def deploy_lenses(node: Anvil, pool: PoolV3) -> Lenses:
    """The readers of a pool's factory, as published."""
    places = [pool.manager.view(f"{name}()(address)") for name in ("factory", "WETH9")]

    def lens(name: str, types: str = "()", *values: object) -> Contract:
        code = published("@uniswap/v3-periphery", "artifacts", "contracts", "lens", f"{name}.sol", f"{name}.json")
        return create(node, code.bytecode, types, *values)

    quoter = lens("QuoterV2", "(address,address)", *places)
    return Lenses(lens("UniswapInterfaceMulticall"), quoter, lens("TickLens"))
