"""
Protocols whose code is in no package to be had, by stand-ins of ours with their published storage layout, arithmetic and rounding.

What a stand-in shows is that layout and arithmetic are read as published; not that what is published is what is deployed.
"""

from __future__ import annotations

from dataclasses import dataclass

from eth_utils import keccak

from tests.nodes.anvil import Anvil
from tests.nodes.protocols.build import own
from tests.nodes.protocols.contract import FAR, Contract, create


@dataclass(frozen=True)
class Comet:
    """Compound III with one base coin and one collateral coin."""

    comet: Contract
    base: Contract
    collateral: Contract

    def supply(self, user: str, amount: int) -> None:
        """Supply base coin (or repay with it)."""
        self._fund(self.base, user, amount)
        self.comet.send("supply(uint256)", amount, sender=user)

    def withdraw(self, user: str, amount: int) -> None:
        """Take base coin out, into debt where there is not enough."""
        self.comet.send("withdraw(uint256)", amount, sender=user)

    def pledge(self, user: str, amount: int) -> None:
        """Post collateral."""
        self._fund(self.collateral, user, amount)
        self.comet.send("supplyCollateral(address,uint128)", self.collateral.address, amount, sender=user)

    def _fund(self, coin: Contract, user: str, amount: int) -> None:
        coin.send("mint(address,uint256)", user, amount)
        coin.send("approve(address,uint256)", self.comet.address, FAR, sender=user)


@dataclass(frozen=True)
class Lido:
    """stETH and wstETH."""

    steth: Contract
    wsteth: Contract

    def stake(self, user: str, wei: int) -> None:
        """Give ether for shares."""
        self.steth.send("submit()", sender=user, value=wei)


@dataclass(frozen=True)
class Rocket:
    """rETH and the store that its rate stands in."""

    reth: Contract
    store: Contract

    def report(self, total: int, supply: int) -> None:
        """Set what all rETH is worth together."""
        self.store.send("set(bytes32,uint256)", keccak(b"network.balance.total"), total)
        self.store.send("set(bytes32,uint256)", keccak(b"network.balance.reth.supply"), supply)


def deploy_comet(node: Anvil) -> Comet:
    """Compound III's stand-in."""
    coins = [create(node, own()["Coin"].bytecode, "(string,uint8)", name, 6) for name in ("CB", "CC")]
    return Comet(create(node, own()["CometStandIn"].bytecode, "(address)", coins[0].address), *coins)


def deploy_lido(node: Anvil) -> Lido:
    """Lido's stand-in."""
    steth = create(node, own()["StakedEther"].bytecode)
    return Lido(steth, create(node, own()["WrappedStakedEther"].bytecode, "(address)", steth.address))


def deploy_rocket(node: Anvil) -> Rocket:
    """Rocket Pool's stand-in."""
    store = create(node, own()["RocketStore"].bytecode)
    return Rocket(create(node, own()["RocketEther"].bytecode, "(address)", store.address), store)
