"""A pool's price moved inside a block: what its shares then seem to be worth does not count."""

from __future__ import annotations

from dataclasses import replace
from math import isqrt

import pytest

from tests.simulators.minting import ALICE, AS_OF, BOB, proven, refused
from tests.verifier.margin.build import account, policy
from verifier.claims import Asset, Claim, ClaimKind
from verifier.margin.declared import DeclaredPrice
from verifier.margin.fixed import usd
from verifier.margin.report import MarginReport, report
from verifier.margin.snapshot import Doubt
from verifier.policy import Factors, Haircut
from verifier.positions import PositionKind, position
from verifier.primitives import Address, ChainId, Hash32, SlotKey, Timestamp, Word, slot_key
from verifier.proven import ProvenAccount, ProvenAmount, ProvenWord, mint

PAIR, MANAGER, POOL = (Address(bytes([n]) * 20) for n in (0x61, 0x62, 0x63))
GROUPS, DIGITS = ("ETH", "USDC"), (18, 6)
PRICES = (usd("3000"), usd("1"))
DEEP = (10**21, 3_000 * 10**9)
"""Reserves at 3000: a thousand of the first coin."""


def word(at: Address, slot: int, value: int) -> ProvenWord:
    above = proven(Claim(Asset(ChainId(1), "X", 18, "X"), ALICE), 1).rests_on.rests_on
    contract = mint(
        ProvenAccount, rests_on=above, address=at, exists=True, nonce=1, balance=None, storage_root=Hash32(bytes(32)),
        code_hash=Hash32(bytes(32)),
    )  # fmt: skip
    return mint(ProvenWord, rests_on=contract, slot=SlotKey(slot_key(slot)), word=Word(value.to_bytes(32, "big")))


def leg_of(kind: PositionKind, leg: int, units: int, *words: ProvenWord, who: Address = ALICE) -> ProvenAmount:
    """One coin of a share, with the words that it was read from."""
    contract = PAIR if kind is PositionKind.UNISWAP_V2 else MANAGER
    given = {"leg": leg} if kind is PositionKind.UNISWAP_V2 else {"leg": leg, "token": 7}
    asset = Asset(ChainId(1), f"LP{leg}", DIGITS[leg], GROUPS[leg], contract)
    amount = proven(Claim(asset, who, reading=position(kind, **given)), units)
    parts = {name: getattr(amount, name) for name in ("claim", "amount", "as_of", "moment", "header", "trust")}
    return mint(ProvenAmount, **parts, rests_on=word(contract, 2**200 + leg, 1), bound_by=words)


def pair(reserves: tuple[int, int], part: int = 10, who: Address = ALICE) -> list[ProvenAmount]:
    """A share of so many hundredths of a pair, both coins of it."""
    kept = (word(PAIR, 8, reserves[0] | reserves[1] << 112), word(PAIR, 0, 5))
    return [leg_of(PositionKind.UNISWAP_V2, leg, reserves[leg] * part // 100, *kept, who=who) for leg in (0, 1)]


def ranged(root: int, amounts: tuple[int, int]) -> list[ProvenAmount]:
    """A position of a pool at the square root of a price; the manager's own words lie at its slots too."""
    kept = (word(MANAGER, 0, 1), word(POOL, 0, root | 12 << 160), word(POOL, 1, 5))
    return [leg_of(PositionKind.UNISWAP_V3, leg, amounts[leg], *kept) for leg in (0, 1)]


def moved(factor: int) -> tuple[int, int]:
    """The reserves after a trade that multiplied the price by a square's factor."""
    return DEEP[0] // factor, DEEP[1] * factor


def weighed(*amounts: ProvenAmount, prices: tuple[str, ...] = GROUPS) -> MarginReport:
    factors = {group: Factors(Haircut(0, 0)) for group in GROUPS}
    quoted = [
        DeclaredPrice(group, price, Timestamp(AS_OF), "test")
        for group, price in zip(GROUPS, PRICES, strict=True)
        if group in prices
    ]
    return report(account(*amounts, policy=replace(policy(), factors=factors), prices=quoted))


def lows(made: MarginReport) -> list[int | None]:
    return [line.low for line in made.figures.lines]


def test_a_share_counts_while_its_pool_agrees_with_the_market() -> None:
    """A tenth of a thousand coins and of what they are worth, in whole digits of different counts."""
    made = weighed(*pair(DEEP))
    assert lows(made) == [usd("300000"), usd("300000")]
    assert made.figures.pockets[0].known_low.equity == usd("600000")


@pytest.mark.parametrize("factor", [2, 10, 1_000])
def test_a_pool_moved_inside_a_block_raises_nothing(factor: int) -> None:
    """Its reserves at the market's prices are worth a multiple of the share: none of it is in the low figure."""
    reserves = moved(factor)
    worth = reserves[0] * PRICES[0] // 10**18 + reserves[1] * PRICES[1] // 10**6
    assert worth > 6 * usd("6000000") // 5
    made = weighed(*pair(reserves))
    assert lows(made) == [0, 0]
    assert {reason.doubt for reason in made.figures.reasons} == {Doubt.HOLDING_REFUSED}
    assert all("more than 5 % from the market's" in reason.text for reason in made.figures.reasons)
    assert sum(line.high or 0 for line in made.figures.lines) == worth // 10
    assert made.figures.pockets[0].known_low.equity == 0
    # The other way round the first coin is what there is too much of.
    assert lows(weighed(*pair((DEEP[0] * factor, DEEP[1] // factor)))) == [0, 0]


@pytest.mark.parametrize(("second", "counts"), [(95, True), (94, False), (105, True), (106, False)])
def test_the_tolerance_is_five_hundredths_of_the_greater(second: int, counts: bool) -> None:
    """On either side; at the bound it counts."""
    made = weighed(*pair((DEEP[0], DEEP[1] * second // 100)))
    assert (lows(made)[0] == usd("300000")) is counts


def test_a_coin_alone_tells_nothing() -> None:
    """The other coin not listed, without a price, or refused: then the pool's price is held against nothing."""
    first, second = pair(DEEP)
    for made in (
        weighed(first),
        weighed(second),
        weighed(first, refused(second.claim)),
        weighed(first, second, prices=("ETH",)),
        weighed(first, second, prices=("USDC",)),
    ):
        assert lows(made)[0] in (0, None)
        assert any("both of its coins are listed and have a price" in r.text for r in made.figures.reasons)


def test_an_empty_share_is_no_doubt() -> None:
    """Nothing of a pool is nothing at any price."""
    made = weighed(*pair(moved(10), part=0))
    assert (lows(made), made.figures.reasons) == ([0, 0], ())


def test_what_is_owed_of_a_pool_stays_owed() -> None:
    """A moved price only adds to it, and no doubt takes a debt away."""
    owed = [replaced(leg, ClaimKind.DEBT) for leg in pair(moved(10))]
    made = weighed(*owed)
    assert all(line.line.amount for line in made.figures.lines)
    assert made.figures.reasons == ()


def replaced(leg: ProvenAmount, kind: ClaimKind) -> ProvenAmount:
    """The same coin of a share as a debt."""
    names = ("as_of", "moment", "header", "trust", "rests_on", "bound_by")
    parts = {name: getattr(leg, name) for name in names}
    return mint(ProvenAmount, **parts, claim=replace(leg.claim, kind=kind), amount=-leg.amount)


def test_one_share_does_not_speak_for_another() -> None:
    """Another holder's coins of the same pair are no coins of this share."""
    (mine, _), (_, theirs) = pair(DEEP), pair(DEEP, who=BOB)
    assert lows(weighed(mine, theirs)) == [0, 0]
    assert lows(weighed(*pair(DEEP), *pair(DEEP, who=BOB))) == [usd("300000")] * 4


def test_a_position_of_a_range_is_held_against_its_pools_price() -> None:
    """The pool's own first word says it, not the manager's; four times the price is refused."""
    root = isqrt((3_000 * 10**6 << 192) // 10**18)
    for factor, counts in ((1, True), (2, False)):
        made = weighed(*ranged(root * factor, (10**20, 10**11)))
        assert lows(made) == ([usd("300000"), usd("100000")] if counts else [0, 0])
