"""A pool's memory as its storage may hold it: a sound ring of observations, and what is none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.simulators.evm_world import Account, EvmWorld
from verifier.assets.uniswap_v3 import INIT_CODE
from verifier.claims import PriceClaim
from verifier.codec.abi import pad_address, pad_uint
from verifier.crypto.keccak import keccak256
from verifier.errors import BadPrice
from verifier.positions import PositionKind, position
from verifier.primitives import Address, ChainId
from verifier.proven import ProvenPrice
from verifier.verify import verify_bundle
from verifier.wire import encode_bundle

FACTORY, COINS = Address(b"\xfa" * 20), (Address(b"\x01" * 20), Address(b"\x02" * 20))
SALT = keccak256(pad_address(COINS[0]) + pad_address(COINS[1]) + pad_uint(500))
POOL = Address(keccak256(b"\xff" + FACTORY + SALT + INIT_CODE)[12:])
HOW = position(
    PositionKind.UNISWAP_V3_AVERAGE, factory=FACTORY, coin0=COINS[0], coin1=COINS[1], fee=500, leg=0,
    decimals0=18, decimals1=18, window=1_800,
)  # fmt: skip
NOW = EvmWorld({}).time
SET = 1 << 248


def price(index: int, size: int, *seen: tuple[int, int]):
    """The outcome of a pool with this ring: for each place, when it was written and whether it was."""
    words = {8 + place: (time % 2**32 | SET * is_set) for place, (time, is_set) in enumerate(seen)}
    storage = {0: index << 184 | size << 200 | 1 << 96, 4: 10**20} | words
    made = EvmWorld({POOL: Account(b"\x01", storage)})
    claim = PriceClaim(ChainId(1), "A", "B", POOL, HOW)
    bundle = replace(made.bundle([], codes=[]), prices=(claim,))
    (found,) = verify_bundle(encode_bundle(bundle), made.checker(POOL)).prices
    return found


def test_a_ring_that_reaches_back_gives_a_price():
    """Two observations around the window's start; a mean tick of zero is one for one."""
    found = price(1, 2, (NOW - 4_000, 1), (NOW - 10, 1))
    assert isinstance(found, ProvenPrice) and found.price == 10**18


@pytest.mark.parametrize(
    ("index", "size", "seen"),
    [
        (0, 0, ()),
        (0, 0, ((NOW - 10, 1),)),
        (1, 1, ((NOW - 4_000, 1), (NOW - 10, 1))),
        (0, 1, ((NOW - 10, 1),)),
    ],
    ids=["never begun", "no ring", "beyond the ring", "too short"],
)
def test_what_is_no_ring_has_no_price(index, size, seen):
    """A pool that nobody has begun would be worth one for one, since everything in it is zero."""
    found = price(index, size, *seen)
    assert isinstance(found.error, BadPrice)
