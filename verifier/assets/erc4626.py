"""ERC-4626 shares as OpenZeppelin converts them, with its virtual shares and its one virtual asset, rounded down.

    assets of shares = shares * (assets + 1) // (supply + 10^offset)

What a vault has is what its asset says it has: `asset.balanceOf(vault)`. Vaults with accounts of their own (a
strategy, a savings rate) compute otherwise: those are read by a proven call of `convertToAssets`.

Source: OpenZeppelin Contracts 5, token/ERC20/extensions/ERC4626.sol; ERC-7201 for its upgradeable form.
"""

from __future__ import annotations

from dataclasses import dataclass

from verifier.assets.figure import Figure, holder_slot, number
from verifier.assets.reader import Reader
from verifier.claims import Claim
from verifier.codec.abi import erc7201_slot
from verifier.positions import Given
from verifier.primitives import Address


@dataclass(frozen=True, slots=True)
class Parameters:
    """
    `asset`: the coin that the vault holds; `asset_slot`, `asset_order`, `asset_bits`: its balances. `slot`: of the
    vault's own balances, with the supply two words on. `offset`: digits of its virtual shares.
    """

    asset: Address
    asset_slot: int
    asset_vyper: bool
    asset_bits: int
    slot: int
    offset: int


def parse(given: Given, contract: Address) -> Parameters:  # noqa: ARG001 - the kinds' common shape
    """A vault's own balances stand in slot 0, or in OpenZeppelin's namespace where it is upgradeable."""
    namespaced = given.word("layout", ("plain", "namespaced"), "plain") == "namespaced"
    root = int.from_bytes(erc7201_slot("openzeppelin.storage.ERC20"), "big") if namespaced else 0
    return Parameters(
        given.address("asset"),
        given.uint("asset_slot"),
        given.word("asset_order", ("solidity", "vyper"), "solidity") == "vyper",
        given.uint("asset_bits", 256, most=256),
        given.uint("slot", root),
        given.uint("offset", 0, most=36),
    )


def read(of: Parameters, claim: Claim, contract: Address, reader: Reader) -> Figure:
    """What the holder's shares convert to."""
    held = holder_slot(of.asset_slot, contract, vyper=of.asset_vyper)
    shares, supply, assets = reader.words(
        (contract, [holder_slot(of.slot, claim.holder), of.slot + 2]), (of.asset, [held])
    )
    total = number(assets) & ((1 << of.asset_bits) - 1)
    return Figure(number(shares) * (total + 1) // (number(supply) + 10**of.offset), shares)
