"""Uniswap v2: a holder's liquidity tokens as a part of the pair's reserves, one coin for each claim.

    amount = tokens * reserve // supply

Where the protocol fee is on, taking liquidity out mints tokens to its recipient first, which thins every holder's part;
that is counted. Coins sent to a pair beyond its reserves count for nobody: anyone may take them.

Source: @uniswap/v2-core 1.0.1 contracts/UniswapV2Pair.sol, UniswapV2ERC20.sol, UniswapV2Factory.sol.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import isqrt
from typing import Final

from verifier.assets.figure import Figure, check_address, divide, holder_slot, number
from verifier.assets.reader import Reader
from verifier.claims import Claim
from verifier.codec.abi import field
from verifier.positions import Given
from verifier.primitives import Address, slot_key
from verifier.proven import ProvenWord

SUPPLY, BALANCES, FACTORY, COINS, RESERVES, LAST_PRODUCT = 0, 1, 5, (6, 7), 8, 11
"""Slots of a pair. A factory keeps the recipient of the protocol fee in its slot 0."""
FEE_TO: Final = 0


@dataclass(frozen=True, slots=True)
class Parameters:
    """`leg`: which of the pair's coins, 0 or 1; `coin`: its address, which the pair must name; `factory`: likewise."""

    leg: int
    coin: Address
    factory: Address


def parse(given: Given, contract: Address) -> Parameters:  # noqa: ARG001 - the kinds' common shape
    """One leg of a pair."""
    return Parameters(given.uint("leg", most=1), given.address("coin"), given.address("factory"))


def read(of: Parameters, claim: Claim, contract: Address, reader: Reader) -> Figure:
    """The holder's part of one coin's reserve."""
    slots = [slot_key(slot) for slot in (SUPPLY, FACTORY, COINS[of.leg], RESERVES, LAST_PRODUCT)]
    tokens, supply, factory, coin, reserves, last, fee_to = reader.words(
        (contract, [holder_slot(BALANCES, claim.holder), *slots]), (of.factory, [slot_key(FEE_TO)])
    )
    check_address(coin, of.coin, f"the pair's coin {of.leg}")
    check_address(factory, of.factory, "the pair's factory")
    both = (field(reserves.word, 0, 112), field(reserves.word, 112, 112))
    total = number(supply) + _fee_tokens(both, number(supply), last, fee_to)
    return Figure(divide(number(tokens) * both[of.leg], total, supply, "the supply of liquidity tokens"), tokens)


def price_in(words: Iterable[ProvenWord], contract: Address | None) -> tuple[int, int]:
    """One unit of the first coin in units of the second, as a fraction, by the pair's reserves among some words."""
    (reserves,) = (w for w in words if w.rests_on.address == contract and w.slot == slot_key(RESERVES))
    return field(reserves.word, 112, 112), field(reserves.word, 0, 112)


def _fee_tokens(reserves: tuple[int, int], supply: int, last: ProvenWord, fee_to: ProvenWord) -> int:
    """Tokens that would be minted to the fee's recipient before anything is taken out."""
    if not number(fee_to) or not number(last):
        return 0
    root, before = isqrt(reserves[0] * reserves[1]), isqrt(number(last))
    return supply * (root - before) // (root * 5 + before) if root > before else 0
