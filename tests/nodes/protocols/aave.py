"""
Aave v3 as its packages ship it: the first release (`@aave/core-v3`, compiled by its authors) and the newest (`@aave-dao/aave-v3-origin`, compiled here).

They differ where a verifier can trip: the first rounds amounts half up and packs 128 bits of scaled balance; the newest rounds supplies
down and debts up, and keeps 120 bits. Both run with the interest strategy that they ship.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from eth_abi import encode

from tests.nodes.anvil import Anvil
from tests.nodes.install import MODULES
from tests.nodes.packages import package
from tests.nodes.protocols.build import Code, compiled, own, published
from tests.nodes.protocols.contract import FAR, Contract, create

NOBODY = "0x" + "00" * 20
ORIGIN = "@aave-dao/aave-v3-origin"
WANTED = (
    "instances/PoolInstance",
    "instances/PoolConfiguratorInstance",
    "instances/ATokenInstance",
    "instances/VariableDebtTokenInstance",
    "misc/DefaultReserveInterestRateStrategyV2",
    "protocol/configuration/PoolAddressesProvider",
    "protocol/configuration/ACLManager",
    "mocks/oracle/PriceOracle",
)
LOGIC = ("BorrowLogic", "ConfiguratorLogic", "FlashLoanLogic", "LiquidationLogic", "PoolLogic", "SupplyLogic")
OLD_LOGIC = (*LOGIC, "BridgeLogic", "EModeLogic")
RAY = 10**27


@dataclass(frozen=True)
class Reserve:
    """One listed asset: the underlying coin, and the tokens that stand for what is supplied and owed."""

    asset: Contract
    a_token: Contract
    debt: Contract


@dataclass(frozen=True)
class Aave:
    """A market with its reserves, prices of 1 (8 decimals) each, and its acts."""

    version: str
    pool: Contract
    reserves: Sequence[Reserve]

    def supply(self, user: str, reserve: Reserve, amount: int) -> None:
        """Mint the underlying to a user and supply it."""
        reserve.asset.send("mint(address,uint256)", user, amount)
        reserve.asset.send("approve(address,uint256)", self.pool.address, FAR, sender=user)
        self.pool.send("supply(address,uint256,address,uint16)", reserve.asset.address, amount, user, 0, sender=user)

    def borrow(self, user: str, reserve: Reserve, amount: int) -> None:
        """Borrow at the variable rate."""
        sent = (reserve.asset.address, amount, 2, 0, user)
        self.pool.send("borrow(address,uint256,uint256,uint16,address)", *sent, sender=user)

    def borrow_stable(self, user: str, reserve: Reserve, amount: int) -> None:
        """Borrow at a stable rate, which the first release allows where it is switched on."""
        self._settings().send("setReserveStableRateBorrowing(address,bool)", reserve.asset.address, True)
        sent = (reserve.asset.address, amount, 1, 0, user)
        self.pool.send("borrow(address,uint256,uint256,uint16,address)", *sent, sender=user)

    def pause(self, reserve: Reserve, *, paused: bool) -> None:
        """Pause a reserve, or open it again."""
        self._settings().send("setReservePause(address,bool)", reserve.asset.address, paused)

    def _settings(self) -> Contract:
        market = Contract(self.pool.node, self.pool.view("ADDRESSES_PROVIDER()(address)"))
        return Contract(self.pool.node, market.view("getPoolConfigurator()(address)"))

    def stable_debt(self, reserve: Reserve) -> Contract:
        """The token of what is owed at a stable rate."""
        words = self.pool.node.call(self.pool.address, f"0x35ea6a75{reserve.asset.address[2:].rjust(64, '0')}")[2:]
        return Contract(self.pool.node, f"0x{words[64 * 9 + 24 : 64 * 10]}")

    def repay(self, user: str, reserve: Reserve, amount: int) -> None:
        """Repay a part of the variable debt out of freshly minted coins."""
        reserve.asset.send("mint(address,uint256)", user, amount)
        reserve.asset.send("approve(address,uint256)", self.pool.address, FAR, sender=user)
        self.pool.send("repay(address,uint256,uint256,address)", reserve.asset.address, amount, 2, user, sender=user)

    def withdraw(self, user: str, reserve: Reserve, amount: int) -> None:
        """Take supplied coins out."""
        self.pool.send("withdraw(address,uint256,address)", reserve.asset.address, amount, user, sender=user)


def deploy_old(node: Anvil, reserves: int = 2) -> Aave:
    """The first release, from the code that its authors compiled."""
    market, pool, configurator = _market(node, _old, OLD_LOGIC, ())
    tokens = [create(node, _old(name).bytecode, "(address)", pool.address) for name in ("AToken", "VariableDebtToken")]
    stable = create(node, _old("StableDebtToken").bytecode, "(address)", pool.address)
    rates = create(
        node,
        _old("DefaultReserveInterestRateStrategy").bytecode,
        "(address,uint256,uint256,uint256,uint256,uint256,uint256,uint256,uint256,uint256)",
        market.address,
        *(8 * RAY // 10, RAY // 100, 4 * RAY // 100, 75 * RAY // 100, 0, 0, 0, 0, 2 * RAY // 10),
    )
    coins = _coins(node, reserves)
    inputs = [
        (
            *(
                tokens[0].address,
                stable.address,
                tokens[1].address,
                18,
                rates.address,
                coin.address,
                _treasury(),
                NOBODY,
            ),
            *(f"Supplied {i}", f"a{i}", f"Owed {i}", f"d{i}", f"Stable {i}", f"s{i}", b""),
        )
        for i, coin in enumerate(coins)
    ]
    configurator.send(
        "initReserves((address,address,address,uint8,address,address,address,address,string,string,string,string,string,string,bytes)[])",
        inputs,
    )
    return _opened("3.0", node, pool, configurator, coins)


def deploy_new(node: Anvil, reserves: int = 2) -> Aave:
    """The newest release, compiled from its sources."""
    market, pool, configurator = _market(node, lambda name: newest_code()[name], LOGIC, ("strategy",))
    arguments = {
        "ATokenInstance": (pool.address, NOBODY, _treasury()),
        "VariableDebtTokenInstance": (pool.address, NOBODY),
    }
    tokens = [
        create(node, newest_code()[name].bytecode, f"({','.join(['address'] * len(values))})", *values)
        for name, values in arguments.items()
    ]
    coins = _coins(node, reserves)
    rates = encode(["(uint16,uint32,uint32,uint32)"], [(8000, 100, 400, 7500)])
    inputs = [
        (tokens[0].address, tokens[1].address, coin.address, f"Supplied {i}", f"a{i}", f"Owed {i}", f"d{i}", b"", rates)
        for i, coin in enumerate(coins)
    ]
    configurator.send("initReserves((address,address,address,string,string,string,string,bytes,bytes)[])", inputs)
    return _opened("3.6", node, pool, configurator, coins)


def _market(node: Anvil, code: Any, logic: Sequence[str], extras: Sequence[str]) -> tuple[Contract, Contract, Contract]:
    owner = node.accounts[0]
    market = create(
        node, code("PoolAddressesProvider").bytecode, "(string,address)", f"market {secrets.token_hex(4)}", owner
    )
    market.send("setACLAdmin(address)", owner)
    access = create(node, code("ACLManager").bytecode, "(address)", market.address)
    market.send("setACLManager(address)", access.address)
    access.send("addPoolAdmin(address)", owner)
    libraries: dict[str, str] = {}
    for name in sorted(logic, key=lambda name: len(code(name).libraries)):
        libraries[name] = create(node, code(name).linked(libraries)).address
    prices = create(node, code("PriceOracle").bytecode)
    market.send("setPriceOracle(address)", prices.address)
    given = [market.address]
    if extras:
        given.append(
            create(node, code("DefaultReserveInterestRateStrategyV2").bytecode, "(address)", market.address).address
        )
    main, settings = ("PoolInstance", "PoolConfiguratorInstance") if extras else ("Pool", "PoolConfigurator")
    body = create(node, code(main).linked(libraries), f"({','.join(['address'] * len(given))})", *given)
    market.send("setPoolImpl(address)", body.address)
    configurator = create(node, code(settings).linked(libraries))
    market.send("setPoolConfiguratorImpl(address)", configurator.address)
    pool = Contract(node, market.view("getPool()(address)"))
    return market, pool, Contract(node, market.view("getPoolConfigurator()(address)"))


def _coins(node: Anvil, count: int) -> list[Contract]:
    code = own("Coin")["Coin"].bytecode
    return [create(node, code, "(string,uint8)", f"C{i}", 18) for i in range(count)]


def _opened(version: str, node: Anvil, pool: Contract, configurator: Contract, coins: Sequence[Contract]) -> Aave:
    market = Contract(node, pool.view("ADDRESSES_PROVIDER()(address)"))
    prices = Contract(node, market.view("getPriceOracle()(address)"))
    reserves = []
    for coin in coins:
        prices.send("setAssetPrice(address,uint256)", coin.address, 10**8)
        configurator.send(
            "configureReserveAsCollateral(address,uint256,uint256,uint256)", coin.address, 7500, 8000, 10500
        )
        configurator.send("setReserveBorrowing(address,bool)", coin.address, True)
        configurator.send("setReserveFactor(address,uint256)", coin.address, 1000)
        words = node.call(pool.address, f"0x35ea6a75{coin.address[2:].rjust(64, '0')}")[2:]
        # `getReserveData` in its old form, which the newest release still answers in: words 8 and 10 are the tokens.
        a_token, debt = (f"0x{words[64 * at + 24 : 64 * at + 64]}" for at in (8, 10))
        reserves.append(Reserve(coin, Contract(node, a_token), Contract(node, debt)))
    return Aave(version, pool, tuple(reserves))


def _treasury() -> str:
    return "0x7ea5000000000000000000000000000000000001"


@cache
def _old(name: str) -> Code:
    folder = package("@aave/core-v3", "artifacts", "contracts")
    (found,) = [path for path in folder.rglob(f"{name}.json") if "interfaces" not in path.parts]
    return published("@aave/core-v3", *found.relative_to(package("@aave/core-v3")).parts)


@cache
def newest_code() -> dict[str, Code]:
    """The newest release, compiled; the first time takes long."""
    wanted = [*WANTED, *(f"protocol/libraries/logic/{name}" for name in LOGIC)]
    sources = {"All.sol": "".join(f'import "aave/{name}.sol";\n' for name in wanted)}
    output = {
        f"aave/{name}.sol": {"*": ["evm.bytecode.object", "evm.bytecode.linkReferences", "storageLayout"]}
        for name in wanted
    }
    folders = [
        ("aave/", package(ORIGIN, "src", "contracts")),
        ("openzeppelin-contracts/contracts/", MODULES / "@openzeppelin" / "contracts"),
        ("openzeppelin-contracts-upgradeable/contracts/", MODULES / "@openzeppelin" / "contracts-upgradeable"),
        ("solidity-utils/contracts/", package("@bgd-labs/solidity-utils", "src", "contracts")),
    ]
    return compiled("aave", sources, folders=folders, evmVersion="shanghai", outputSelection=output)
