"""OpenZeppelin's ERC-4626 vault, plain and behind a proxy (in an ERC-7201 namespace), with a virtual offset of 0 and of 6 digits."""

from __future__ import annotations

from dataclasses import dataclass

from eth_abi import encode

from tests.nodes.anvil import Anvil
from tests.nodes.artifacts import solidity
from tests.nodes.protocols.build import own
from tests.nodes.protocols.contract import FAR, Contract, calldata, create


@dataclass(frozen=True)
class Vault:
    """A vault over a coin."""

    vault: Contract
    coin: Contract
    offset: int

    def deposit(self, user: str, amount: int) -> None:
        """Put coins in for shares."""
        self.coin.send("mint(address,uint256)", user, amount)
        self.coin.send("approve(address,uint256)", self.vault.address, FAR, sender=user)
        self.vault.send("deposit(uint256,address)", amount, user, sender=user)

    def redeem(self, user: str, shares: int) -> None:
        """Give shares back for coins."""
        self.vault.send("redeem(uint256,address,address)", shares, user, user, sender=user)

    def earn(self, amount: int) -> None:
        """Coins that come in without shares: every share is worth more."""
        self.coin.send("mint(address,uint256)", self.vault.address, amount)

    def worth(self, user: str, block: str = "latest") -> int:
        """What a holder's shares convert to, as the vault says."""
        shares = self.vault.view("balanceOf(address)(uint256)", user, block=block)
        return int(self.vault.view("convertToAssets(uint256)(uint256)", shares, block=block))


def deploy_vault(node: Anvil, offset: int = 0) -> Vault:
    """A plain vault."""
    coin = create(node, own("Coin")["Coin"].bytecode, "(string,uint8)", "VC", 18)
    return Vault(create(node, own()["PlainVault"].bytecode, "(address,uint8)", coin.address, offset), coin, offset)


def deploy_upgradeable_vault(node: Anvil) -> Vault:
    """A vault behind an EIP-1967 proxy."""
    coin = create(node, own("Coin")["Coin"].bytecode, "(string,uint8)", "VU", 6)
    body = create(node, own()["UpgradeableVault"].bytecode)
    start = bytes.fromhex(calldata("initialize(address)", coin.address)[2:])
    address = node.deploy(solidity()["Proxy1967"].bytecode, encode(("address", "bytes"), (body.address, start)).hex())
    return Vault(Contract(node, address), coin, 0)
