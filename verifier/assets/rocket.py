"""Rocket Pool's rETH: the holder's balance times ether over supply, both of which stand in the protocol's store.

    ether of rETH = amount * ether // supply, and the amount itself where nothing was reported yet

The store keeps a figure right at the slot that its key names; where an older one keeps it in a mapping, `mapping` says
which.

Source: rocket-pool/rocketpool contracts/contract/token/RocketTokenRETH.sol, RocketStorage.sol.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from verifier.assets.figure import Figure, holder_slot, number
from verifier.assets.reader import Reader
from verifier.claims import Claim
from verifier.codec.abi import mapping_slot
from verifier.crypto.keccak import keccak256
from verifier.positions import Given
from verifier.primitives import Address, SlotKey, slot_key

ETHER: Final = keccak256(b"network.balance.total")
SUPPLY: Final = keccak256(b"network.balance.reth.supply")
DIRECT: Final = (1 << 256) - 1


@dataclass(frozen=True, slots=True)
class Parameters:
    """`store`: RocketStorage. `slot`: of the balances. `mapping`: the store's mapping of numbers, or none."""

    store: Address
    slot: int
    mapping: int | None


def parse(given: Given, contract: Address) -> Parameters:  # noqa: ARG001 - the kinds' common shape
    """The store's address."""
    mapping = given.uint("mapping", DIRECT)
    return Parameters(given.address("store"), given.uint("slot", 1), None if mapping == DIRECT else mapping)


def read(of: Parameters, claim: Claim, contract: Address, reader: Reader) -> Figure:
    """What the holder's rETH is worth in ether."""
    places = [
        SlotKey(key) if of.mapping is None else mapping_slot(key, slot_key(of.mapping)) for key in (ETHER, SUPPLY)
    ]
    balance, ether, supply = reader.words((contract, [holder_slot(of.slot, claim.holder)]), (of.store, places))
    if number(supply) == 0:
        return Figure(number(balance), balance)
    return Figure(number(balance) * number(ether) // number(supply), balance)
