"""Uniswap v3: one coin of a position that the position manager holds for its owner, uncollected fees included.

The manager proves who owns the token, which pool it is in and between which ticks; the pool's address follows from its
factory, its coins and its fee, so no other contract can stand in for it. What liquidity gives at the pool's own price
is rounded down as the pool does. That price can be moved inside a block: a position is worth what it holds, but how
its two coins share that worth is no price, and never used as one.

Source: @uniswap/v3-periphery 1.4.4 NonfungiblePositionManager.sol, PoolAddress.sol; @uniswap/v3-core 1.0.1
UniswapV3Pool.sol, Tick.sol, Position.sol. Slots were seen on the compiled contracts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from verifier.assets.figure import Figure, check_address, high, low, number
from verifier.assets.reader import Reader
from verifier.claims import Claim
from verifier.codec.abi import array_slot, field, mapping_slot, offset_slot, pad_address, pad_uint
from verifier.codec.ticks import Q128, amounts_of, growth_inside
from verifier.crypto.keccak import keccak256
from verifier.errors import NotThere
from verifier.positions import Given
from verifier.primitives import MAX_UINT256, Address, Hash32, SlotKey, slot_key
from verifier.proven import ProvenWord

OWNERS, OWNER_PLACES, POOL_KEYS, POSITIONS = 2, 3, 11, 12
"""Slots of the manager: its list of tokens with owners, each token's place in it, pools by number, positions."""
PRICE, GROWTH, TICKS = 0, (1, 2), 5
"""Slots of a pool: price and tick, fee growth of both coins, what is known at each tick."""
INIT_CODE: Final = bytes.fromhex("e34f199b19b2b4f47f68442619d555527d244f78a3297ea89325f843f87b8b54")
"""Hash of the creation code of Uniswap's own pools; forks have another."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """`token`: the position's id; `leg`: which coin, 0 or 1; `coin`: its address; `factory`, `init_code`: of the
    pools.
    """

    token: int
    leg: int
    coin: Address
    factory: Address
    init_code: Hash32


def parse(given: Given, contract: Address) -> Parameters:  # noqa: ARG001 - the kinds' common shape
    """One leg of a position."""
    return Parameters(
        given.uint("token"),
        given.uint("leg", most=1),
        given.address("coin"),
        given.address("factory"),
        given.hash("init_code", INIT_CODE),
    )


def read(of: Parameters, claim: Claim, contract: Address, reader: Reader) -> Figure:
    """What the position would give in one coin if all of it were taken out."""
    base = mapping_slot(pad_uint(of.token), slot_key(POSITIONS))
    place, terms, grown, owed = reader.words(
        (contract, [mapping_slot(pad_uint(of.token), slot_key(OWNER_PLACES))]),
        (contract, [offset_slot(base, 1), offset_slot(base, 2 + of.leg), offset_slot(base, 4)]),
    )
    if not number(place):
        raise NotThere(place.where, f"position {of.token}")
    owner = offset_slot(array_slot(slot_key(OWNERS), number(place) - 1, 2), 1)
    key = mapping_slot(pad_uint(field(terms.word, 0, 80)), slot_key(POOL_KEYS))
    holder, first, second = reader.words((contract, [owner, key, offset_slot(key, 1)]))
    check_address(holder, claim.holder, f"the owner of position {of.token}")
    check_address((first, second)[of.leg], of.coin, f"coin {of.leg} of the position's pool")
    taken, fees = _in_pool(of, terms, grown, pool_address(of, first, second), reader)
    due = (low, high)[of.leg](owed)
    return Figure(taken + fees + due, terms)


def pool_address(of: Parameters, first: ProvenWord, second: ProvenWord) -> Address:
    """The one contract that the factory makes for two coins and a fee."""
    one, two = (field(word.word, 0, 160).to_bytes(20, "big") for word in (first, second))
    salt = keccak256(pad_address(one) + pad_address(two) + pad_uint(field(second.word, 160, 24)))
    return Address(keccak256(b"\xff" + of.factory + salt + of.init_code)[12:])


def _in_pool(of: Parameters, terms: ProvenWord, grown: ProvenWord, pool: Address, reader: Reader) -> tuple[int, int]:
    """What the liquidity gives, and the fees that it earned since the manager last looked."""
    lower, upper = field(terms.word, 80, 24, signed=True), field(terms.word, 104, 24, signed=True)
    liquidity = field(terms.word, 128, 128)
    outside = [offset_slot(_tick(tick), 1 + of.leg) for tick in (lower, upper)]
    price, everywhere, below, above = reader.words((pool, [slot_key(PRICE), slot_key(GROWTH[of.leg]), *outside]))
    tick = field(price.word, 160, 24, signed=True)
    inside = growth_inside(tick, lower, upper, number(everywhere), number(below), number(above))
    fees = ((inside - number(grown)) & MAX_UINT256) * liquidity // Q128 if liquidity else 0
    return amounts_of(liquidity, field(price.word, 0, 160), lower, upper)[of.leg], fees


def price_in(words: Iterable[ProvenWord], contract: Address | None) -> tuple[int, int]:
    """One unit of the first coin in units of the second, as a fraction, by the pool's price among some words."""
    (price,) = (w for w in words if w.rests_on.address != contract and w.slot == slot_key(PRICE))
    return field(price.word, 0, 160) ** 2, 1 << 192


def _tick(tick: int) -> SlotKey:
    return mapping_slot(pad_uint(tick & MAX_UINT256), slot_key(TICKS))
