"""Positions over storage made by hand: a few contracts with a few words each, read as they are proven."""

from __future__ import annotations

from tests.simulators.evm_world import Account, EvmWorld
from verifier.assets.figure import holder_slot
from verifier.assets.position import Needing, read_position
from verifier.claims import Asset, Claim, ClaimKind
from verifier.errors import Where
from verifier.positions import position
from verifier.primitives import Address, ChainId

ALICE, HERE, POOL, COIN, OTHER = (Address(bytes([n]) * 20) for n in (0xA1, 0x11, 0x22, 0x33, 0x44))
NOW = EvmWorld({}).time
RAY, WAD, YEAR = 10**27, 10**18, 365 * 86_400
CODE = b"\x01"


def world(storages, code=CODE):
    return EvmWorld({address: Account(code, words) for address, words in storages.items()})


def claim_at(contract, *, debt=False, reading=None):
    kind = ClaimKind.DEBT if debt else ClaimKind.HOLDING
    return Claim(Asset(ChainId(1), "X", 18, "X", contract), ALICE, kind, reading=reading)


def read(kind, storages, contract=HERE, *, debt=False, **given):
    """What a kind makes of some contracts' storage."""
    reader = Needing(world(storages).section(), Where(network="net"))
    return read_position(claim_at(contract, debt=debt), position(kind, **given), reader).units


def at(slot, more=0):
    return (int.from_bytes(slot, "big") + more) % 2**256


def mine(base):
    return at(holder_slot(base, ALICE))
