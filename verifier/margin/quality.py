"""What doubt about data costs: by cause, in money; and whether a shortfall is certain or only not disproved.

Source: margin reference, section 19.
"""

from __future__ import annotations

from dataclasses import dataclass

from verifier.margin.fixed import ZERO, Usd
from verifier.margin.haircut import DataHaircuts
from verifier.margin.lines import LineValue
from verifier.margin.report import PocketReport
from verifier.margin.rules import Ladder
from verifier.margin.status import FAILING, Status, classify
from verifier.policy import PPM


@dataclass(frozen=True, slots=True)
class Quality:
    """One pool. Amounts are what the low figure counts less than the high one, by cause; never below zero.

    Attributes:
        trust, age, price: Data haircuts, one after the other in this order.
        missing: What was last proven of holdings that are refused or missing, or whose price is too old.
        marked_up: Interest and price age on debts.
        positions: What the age of prices takes of positions.
        low, high: The rung of each figure alone; None without one.
        certain: Both figures fail.
        data_call: Only the low one fails, or there is none: fresh proofs are asked for.
    """

    pool: str
    trust: Usd
    age: Usd
    price: Usd
    missing: Usd
    marked_up: Usd
    positions: Usd
    low: Status | None
    high: Status | None
    certain: bool
    data_call: bool

    @property
    def total(self) -> Usd:
        """All causes."""
        return Usd(self.trust + self.age + self.price + self.missing + self.marked_up + self.positions)


def quality(pocket: PocketReport, ladder: Ladder) -> Quality:
    """The doubts of one pool, in money."""
    parts = [_of_line(value) for value in pocket.lines]
    low = None if pocket.low is None else classify(pocket.low, ladder)
    high = None if pocket.high is None else classify(pocket.high, ladder)
    certain = low in FAILING and high in FAILING
    return Quality(
        pool=pocket.name,
        trust=Usd(sum(p.trust for p in parts)),
        age=Usd(sum(p.age for p in parts)),
        price=Usd(sum(p.price for p in parts)),
        missing=Usd(sum(p.missing for p in parts)),
        marked_up=Usd(sum(p.marked_up for p in parts)),
        positions=Usd(sum(max(0, v.counted_high - v.counted_low) for v in pocket.positions)),
        low=low,
        high=high,
        certain=certain,
        data_call=pocket.status in (Status.DATA_CALL, Status.INDETERMINATE),
    )


@dataclass(frozen=True, slots=True)
class _Taken:
    trust: Usd = ZERO
    age: Usd = ZERO
    price: Usd = ZERO
    missing: Usd = ZERO
    marked_up: Usd = ZERO


def _of_line(value: LineValue) -> _Taken:
    taken = Usd(max(0, value.known_high - value.known_low))
    if value.line.liability:
        grown = 0 if value.gross is None else max(0, value.gross - value.known_low)
        return _Taken(marked_up=Usd(grown))
    if value.known_low == 0 and (value.line.amount is None or not value.price.values_holdings):
        return _Taken(missing=taken)
    return _split(value.known_high, taken, value.haircuts)


def _split(gross: Usd, taken: Usd, cuts: DataHaircuts) -> _Taken:
    """What each haircut takes of what the one before it left; the last takes the rounding."""
    trust = gross * cuts.trust.maintenance // PPM
    age = (gross - trust) * min(cuts.age, PPM) // PPM
    rest = max(0, taken - trust - age)
    if cuts.price:
        return _Taken(Usd(trust), Usd(age), Usd(rest))
    return _Taken(Usd(trust), Usd(age + rest)) if cuts.age else _Taken(Usd(trust + rest))
