"""Compound III: a signed principal times an index that grows to the block's time; collateral as it was posted.

    index at t = index + index * (rate * passed) / 1e18, with the rate of the utilisation at the last accrual

The rates' parameters are immutables in the contract's code, so they are a part of the question; the code that is proven
holds them. Present values round down on both sides, as the protocol's do, so a debt may read one unit low there too.
While the protocol has paused withdrawals, nothing that was supplied or posted counts.

Source: compound-finance/comet contracts/Comet.sol, CometCore.sol, CometStorage.sol.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from verifier.assets.figure import Figure, holder_slot, low
from verifier.assets.reader import Reader
from verifier.claims import Claim, ClaimKind
from verifier.codec.abi import field, mapping_slot, pad_address
from verifier.errors import NotUsable, UnlistedDebt
from verifier.positions import Given, PositionKind
from verifier.primitives import Address, slot_key
from verifier.proven import ProvenWord

SCALE: Final = 10**15
FACTOR: Final = 10**18
BASIC, COLLATERAL = 5, 6
"""Slots of users' principals, and of their collateral by asset."""
WITHDRAW_PAUSED: Final = (250, 1)
"""The third of the flags that end the second word of totals."""
CURVE: Final = ("kink", "base", "low", "high")


@dataclass(frozen=True, slots=True)
class Curve:
    """A rate per second by utilisation, in 1e-18."""

    kink: int
    base: int
    low: int
    high: int

    def at(self, use: int) -> int:
        """The rate at a utilisation."""
        if use <= self.kink:
            return self.base + self.low * use // FACTOR
        return self.base + self.low * self.kink // FACTOR + self.high * (use - self.kink) // FACTOR


@dataclass(frozen=True, slots=True)
class Parameters:
    """`collateral`: the asset posted, or none for the base coin, whose two curves are then given."""

    collateral: Address | None
    supply: Curve
    borrow: Curve


def parse(given: Given, contract: Address) -> Parameters:  # noqa: ARG001 - the kinds' common shape
    """`of = "base"` with `supply_kink`, `supply_base`, `supply_low`, `supply_high` and the same of borrow; or
    collateral. The question whether base coin is owed needs none of them.
    """
    nothing = Curve(0, 0, 0, 0)
    if given.kind is PositionKind.COMPOUND_V3_DEBTS:
        return Parameters(None, nothing, nothing)
    if given.word("of", ("base", "collateral"), "base") == "collateral":
        return Parameters(given.address("asset"), nothing, nothing)
    supply, borrow = (Curve(*(given.uint(f"{side}_{name}") for name in CURVE)) for side in ("supply", "borrow"))
    return Parameters(None, supply, borrow)


def read(of: Parameters, claim: Claim, contract: Address, reader: Reader) -> Figure:
    """What the holder has supplied, owes, or posted."""
    if of.collateral is not None:
        place = mapping_slot(pad_address(of.collateral), holder_slot(COLLATERAL, claim.holder))
        posted, second = reader.words((contract, [place, slot_key(1)]))
        _check_open(second)
        return Figure(low(posted), posted)
    basic, first, second = reader.words((contract, [holder_slot(BASIC, claim.holder), slot_key(0), slot_key(1)]))
    if claim.kind is ClaimKind.HOLDING:
        _check_open(second)
    principal = field(basic.word, 0, 104, signed=True)
    mine = -principal if claim.kind is ClaimKind.DEBT else principal
    if mine <= 0:
        return Figure(0, basic)
    supply_index, borrow_index = indices(of, first, second, reader.time)
    return Figure(mine * (borrow_index if claim.kind is ClaimKind.DEBT else supply_index) // SCALE, basic)


def _check_open(second: ProvenWord) -> None:
    """
    That what was supplied can be taken out.

    Raises:
        NotUsable: The protocol has paused that.
    """
    if field(second.word, *WITHDRAW_PAUSED):
        raise NotUsable(second.where, "the protocol has paused withdrawals: nothing can be taken out of it")


def read_debts(of: Parameters, claim: Claim, contract: Address, reader: Reader) -> Figure:  # noqa: ARG001 - as `read`
    """
    Zero, where the holder's principal is not below it.

    Raises:
        UnlistedDebt: The holder owes base coin, which no claim of the account speaks of.
    """
    (basic,) = reader.words((contract, [holder_slot(BASIC, claim.holder)]))
    if field(basic.word, 0, 104, signed=True) < 0:
        raise UnlistedDebt(basic.where, (contract,), 1)
    return Figure(0, basic)


def indices(of: Parameters, first: ProvenWord, second: ProvenWord, now: int) -> tuple[int, int]:
    """
    Both indices at a time.

    Raises:
        NotUsable: Interest was accrued after the block, so these are not the protocol's words.
    """
    supply, borrow = field(first.word, 0, 64), field(first.word, 64, 64)
    supplied, borrowed = field(second.word, 0, 104), field(second.word, 104, 104)
    passed = now - field(second.word, 208, 40)
    if passed < 0:
        raise NotUsable(second.where, f"interest was accrued {-passed} s after the block it is read at")
    total = supplied * supply // SCALE
    use = (borrowed * borrow // SCALE) * FACTOR // total if total else 0
    return (
        supply + supply * (of.supply.at(use) * passed) // FACTOR,
        borrow + borrow * (of.borrow.at(use) * passed) // FACTOR,
    )
