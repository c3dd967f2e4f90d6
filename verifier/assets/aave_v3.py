"""Aave v3: scaled balances times an index that grows to the block's time, as the protocol itself advances it.

What is supplied grows linearly between updates, what is owed by the protocol's own approximation of compounding, which
changed between releases: the first takes three terms of a binomial, the later ones a nested form. So did rounding: half
up at first, since 3.5 supplies down and debts up. A release is therefore a part of the question.

The pool's record of the reserve must name the very token that is claimed, so token and index belong together; and it
says which digits the reserve counts in, and whether anything can be taken out of it at all.

Source: @aave/core-v3 1.19.3 and @aave-dao/aave-v3-origin 3.6.0: ReserveLogic, MathUtils, WadRayMath, TokenMath; storage
layouts compiled from both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from verifier.assets.figure import Figure, check_address, high, holder_slot, low, number
from verifier.assets.reader import Reader
from verifier.claims import Claim, ClaimKind
from verifier.codec.abi import field, mapping_slot, offset_slot, pad_address, pad_uint
from verifier.errors import NotUsable, UnlistedDebt, WrongBinding
from verifier.positions import Given, PositionKind
from verifier.primitives import Address, SlotKey, Timestamp, slot_key
from verifier.proven import ProvenWord

RAY: Final = 10**27
YEAR: Final = 365 * 86_400
RESERVES, USERS, LIST, COUNT = 52, 53, 54, 59
"""Slots of the pool: reserves by asset, users' bits, assets by number, and (at byte 8) how many there are."""
SUPPLIED_STATE, OWED_STATE = 52, 56
"""Slots of the tokens' balances: aToken, and the debt tokens of both rates."""
STABLE: Final = 5
"""Where a reserve's record names its token of debts at a stable rate, which the first release has."""
DIGITS, ACTIVE, PAUSED = (48, 8), (56, 1), (60, 1)
"""Bits of a reserve's terms."""
MOST_RESERVES: Final = 128
RELEASES: Final = ("3.0", "3.6")


@dataclass(frozen=True, slots=True)
class Parameters:
    """`pool` and `underlying` say which reserve, `release` whose arithmetic, `listed` whose debts are claimed."""

    pool: Address
    underlying: Address
    newest: bool
    listed: frozenset[Address]


def parse(given: Given, contract: Address) -> Parameters:
    """A reserve; for the question whether there are other debts, the pool is the claim's own contract."""
    if given.kind is PositionKind.AAVE_V3_DEBTS:
        newest = given.word("release", RELEASES, RELEASES[-1]) == "3.6"
        return Parameters(contract, contract, newest, given.addresses("asset"))
    newest = given.word("release", RELEASES) == "3.6"
    return Parameters(given.address("pool"), given.address("underlying"), newest, frozenset())


def read(of: Parameters, claim: Claim, contract: Address, reader: Reader) -> Figure:
    """What the holder has supplied, or owes, with interest up to the block."""
    owed = claim.kind is ClaimKind.DEBT
    reserve = mapping_slot(pad_address(of.underlying), slot_key(RESERVES))
    state, terms, income, debt, times, token = reader.words(
        (contract, [holder_slot(OWED_STATE if owed else SUPPLIED_STATE, claim.holder)]),
        (of.pool, [offset_slot(reserve, at) for at in (0, 1, 2, 3, 6 if owed else 4)]),
    )
    check_address(token, contract, "the token that the pool keeps for this reserve")
    _check_terms(terms, claim, owed=owed)
    scaled = field(state.word, 0, 120 if of.newest else 128)
    index = grown(debt if owed else income, times, reader.time, owed=owed, newest=of.newest)
    return Figure(_times(scaled, index, owed=owed, newest=of.newest), state)


def _check_terms(terms: ProvenWord, claim: Claim, *, owed: bool) -> None:
    """
    That a reserve counts in the digits that the claim takes it to, and gives out what was supplied.

    Raises:
        WrongBinding: It has other digits.
        NotUsable: It is paused, or active no more.
    """
    if field(terms.word, *DIGITS) != claim.asset.decimals:
        raise WrongBinding(terms.where, "the reserve's decimals", claim.asset.decimals, field(terms.word, *DIGITS))
    if not owed and (field(terms.word, *PAUSED) or not field(terms.word, *ACTIVE)):
        raise NotUsable(terms.where, "the pool has paused this reserve: nothing can be taken out of it")


def grown(rates: ProvenWord, times: ProvenWord, now: Timestamp, *, owed: bool, newest: bool) -> int:
    """
    An index at a block's time: `rates` holds the index at its last update and the yearly rate, `times` when that was.

    Raises:
        NotUsable: It was updated after the block, so these are not the pool's words.
    """
    index, rate, last = low(rates), high(rates), field(times.word, 128, 40)
    passed = now - last
    if passed < 0:
        raise NotUsable(times.where, f"the reserve was updated {-passed} s after the block it is read at")
    if passed == 0:
        return index
    if not owed:
        return ray_mul(RAY + rate * passed // YEAR, index)
    return ray_mul(_compounded(rate, passed) if newest else _binomial(rate, passed), index)


def ray_mul(a: int, b: int) -> int:
    """A product of rays, rounded half up."""
    return (a * b + RAY // 2) // RAY


def _compounded(rate: int, passed: int) -> int:
    x = rate * passed // YEAR
    return RAY + x + ray_mul(x, x // 2 + ray_mul(x, x // 6))


def _binomial(rate: int, passed: int) -> int:
    less, lesser = passed - 1, max(passed - 2, 0)
    second = ray_mul(rate, rate) // (YEAR * YEAR)
    third = ray_mul(second, rate) // YEAR
    return RAY + rate * passed // YEAR + passed * less * second // 2 + passed * less * lesser * third // 6


def _times(scaled: int, index: int, *, owed: bool, newest: bool) -> int:
    if not newest:
        return ray_mul(scaled, index)
    return -(-scaled * index // RAY) if owed else scaled * index // RAY


def read_debts(of: Parameters, claim: Claim, contract: Address, reader: Reader) -> Figure:
    """
    Zero, where the pool's own bits for the holder show no debt at any reserve but the listed ones.

    A listed debt is the one at the variable rate. In the first release the same bit may stand for one at a stable rate,
    which no claim reads: there is to be none.

    Raises:
        UnlistedDebt: The holder borrows from a reserve that no claim of the account speaks of, or at a stable rate.
    """
    bits, counted = reader.words((contract, [holder_slot(USERS, claim.holder), slot_key(COUNT)]))
    count = field(counted.word, 64, 16)
    if count > MOST_RESERVES:
        raise NotUsable(counted.where, f"the pool lists {count} reserves, and can have {MOST_RESERVES}")
    borrowed = [i for i in range(MOST_RESERVES) if number(bits) >> (2 * i) & 1]
    names = reader.words((contract, [list_slot(i) for i in borrowed]))
    assets = [Address(field(word.word, 0, 160).to_bytes(20, "big")) for word in names]
    unlisted = tuple(asset for asset in assets if asset not in of.listed)
    if not unlisted and not of.newest:
        unlisted = _at_stable_rates(assets, claim, contract, reader)
    if unlisted:
        raise UnlistedDebt(bits.where, unlisted, count)
    return Figure(0, bits)


def _at_stable_rates(assets: list[Address], claim: Claim, pool: Address, reader: Reader) -> tuple[Address, ...]:
    """Which of some reserves the holder owes to at a stable rate."""
    records = [offset_slot(mapping_slot(pad_address(asset), slot_key(RESERVES)), STABLE) for asset in assets]
    tokens = [Address(field(word.word, 0, 160).to_bytes(20, "big")) for word in reader.words((pool, records))]
    kept = {asset: token for asset, token in zip(assets, tokens, strict=True) if any(token)}
    owed = reader.words(*((token, [holder_slot(OWED_STATE, claim.holder)]) for token in kept.values()))
    return tuple(asset for asset, word in zip(kept, owed, strict=True) if low(word))


def list_slot(number_: int) -> SlotKey:
    """Where the pool keeps the asset of one reserve by its number."""
    return mapping_slot(pad_uint(number_), slot_key(LIST))
