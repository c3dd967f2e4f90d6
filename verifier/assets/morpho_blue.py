"""Morpho Blue: shares of one market's assets, with interest up to the block's time as the protocol's own library adds
it.

    interest = borrowed * taylor(rate, passed), the first three terms of e^(rate * passed) - 1
    lent     = shares * (assets + 1) // (shares of all + 1e6), owed the same rounded up

The rate comes from the market's interest model. Models that this reads: `none` (the market has no model), `linear` (the
utilisation over a year: the one that Morpho ships for tests) and `adaptive-curve` (the one that its markets use).

Source: @morpho-org/morpho-blue 1.0.0: Morpho.sol, MorphoBalancesLib.sol, MathLib.sol, SharesMathLib.sol.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from verifier.assets.adaptive_curve import average_rate
from verifier.assets.figure import Figure, check_address, high, low, number
from verifier.assets.reader import Reader
from verifier.claims import Claim, ClaimKind
from verifier.codec.abi import mapping_slot, offset_slot, pad_address
from verifier.errors import NotUsable, UnlistedDebt
from verifier.positions import Given, PositionKind
from verifier.primitives import Address, Hash32, slot_key
from verifier.proven import ProvenWord

WAD: Final = 10**18
POSITIONS, MARKETS, PARAMS = 2, 3, 8
"""Slots: positions by market and user, markets by id, and the parameters that an id is the hash of."""
YEAR: Final = 365 * 86_400
VIRTUAL_SHARES: Final = 10**6
MODELS: Final = ("none", "linear", "adaptive-curve")
NO_MODEL: Final = Address(bytes(20))


@dataclass(frozen=True, slots=True)
class Parameters:
    """`market`: its id. `of`: the loan (lent or owed, as the claim's kind says) or the collateral. `coin`: which coin
    that is.
    """

    market: Hash32
    collateral: bool
    coin: Address
    model: str
    irm: Address


def parse(given: Given, contract: Address) -> Parameters:
    """A market, what of it, and its interest model with the model's address; whether anything is owed needs no more
    than the market.
    """
    if given.kind is PositionKind.MORPHO_BLUE_DEBTS:
        return Parameters(given.hash("market"), collateral=False, coin=contract, model="none", irm=NO_MODEL)
    collateral = given.word("of", ("loan", "collateral"), "loan") == "collateral"
    model = "none" if collateral else given.word("model", MODELS)
    irm = NO_MODEL if model == "none" else given.address("irm")
    return Parameters(given.hash("market"), collateral, given.address("coin"), model, irm)


def read(of: Parameters, claim: Claim, contract: Address, reader: Reader) -> Figure:
    """What the holder has lent, owes, or posted in the market."""
    mine = mapping_slot(pad_address(claim.holder), mapping_slot(of.market, slot_key(POSITIONS)))
    market = mapping_slot(of.market, slot_key(MARKETS))
    terms = mapping_slot(of.market, slot_key(PARAMS))
    slots = [*(offset_slot(mine, i) for i in range(2)), *(offset_slot(market, i) for i in range(3))]
    slots += [offset_slot(terms, i) for i in (0, 1, 3)]
    lent, taken, supply, borrow, dates, loan, posted, irm = reader.words((contract, slots))
    check_address(posted if of.collateral else loan, of.coin, "the market's coin")
    if of.collateral:
        return Figure(high(taken), taken)
    check_address(irm, of.irm, "the market's interest model")
    totals = accrued(of, supply, borrow, dates, reader)
    if claim.kind is ClaimKind.DEBT:
        # Rounded up, against the borrower, as the protocol does when it is repaid.
        return Figure(-(-low(taken) * (totals[2] + 1) // (totals[3] + VIRTUAL_SHARES)), taken)
    return Figure(number(lent) * (totals[0] + 1) // (totals[1] + VIRTUAL_SHARES), lent)


def read_debts(of: Parameters, claim: Claim, contract: Address, reader: Reader) -> Figure:
    """
    Zero, where the holder has no shares of what the market lent out.

    Raises:
        UnlistedDebt: The holder owes in this market, and no claim of the account speaks of it.
    """
    mine = mapping_slot(pad_address(claim.holder), mapping_slot(of.market, slot_key(POSITIONS)))
    (taken,) = reader.words((contract, [offset_slot(mine, 1)]))
    if low(taken):
        raise UnlistedDebt(taken.where, (of.market,), 1)
    return Figure(0, taken)


def accrued(
    of: Parameters, supply: ProvenWord, borrow: ProvenWord, dates: ProvenWord, reader: Reader
) -> tuple[int, int, int, int]:
    """
    Assets and shares supplied, assets and shares borrowed, with interest up to the block.

    Raises:
        NotUsable: Interest was added after the block, so these are not the protocol's words.
    """
    assets, shares, borrowed, borrowed_shares = low(supply), high(supply), low(borrow), high(borrow)
    passed = reader.time - low(dates)
    if passed < 0:
        raise NotUsable(dates.where, f"interest was added {-passed} s after the block it is read at")
    if not passed or not borrowed or of.model == "none":
        return assets, shares, borrowed, borrowed_shares
    use = borrowed * WAD // assets if assets else 0
    rate = use // YEAR if of.model == "linear" else average_rate(use, passed, reader, of.irm, of.market)
    interest = borrowed * taylor(rate, passed) // WAD
    assets, borrowed = assets + interest, borrowed + interest
    fee = interest * high(dates) // WAD
    if fee:
        shares += fee * (shares + VIRTUAL_SHARES) // (assets - fee + 1)
    return assets, shares, borrowed, borrowed_shares


def taylor(rate: int, passed: int) -> int:
    """The first three terms of e^(rate * passed) - 1, each rounded down."""
    first = rate * passed
    second = first * first // (2 * WAD)
    return first + second + second * first // (3 * WAD)
