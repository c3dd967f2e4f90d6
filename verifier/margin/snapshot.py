"""The plain value that the arithmetic works on: lines, positions and quotes of one moment.

An account of proven parts becomes one (`account.snapshot`); so may anything a test or a what-if makes up. What was
made up gives a `HypotheticalReport`, which is another type than the report of an account and cannot stand in for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from verifier.errors import BadInput
from verifier.margin.declared import CROSS
from verifier.margin.fixed import MAX_DECIMALS, Price
from verifier.primitives import Address, BlockNumber, ChainId, Hash32, Timestamp
from verifier.proven import Moment
from verifier.trust import Trust


class Doubt(StrEnum):
    """Why a figure is an interval, or cannot be given at all."""

    HOLDING_REFUSED = "holding-refused"
    HOLDING_MISSING = "holding-missing"
    DEBT_REFUSED = "debt-refused"
    DEBT_MISSING = "debt-missing"
    NO_PRICE = "no-price"
    STALE_PRICE = "stale-price"
    OVERFLOW = "overflow"
    SKEW = "skew"


@dataclass(frozen=True, slots=True)
class Reason:
    """One doubt: what kind, about what, and a sentence for a person."""

    doubt: Doubt
    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a line's figure was read: for the report, and nothing is computed from it."""

    chain_id: ChainId
    network: str
    holder: Address
    contract: Address | None
    block: BlockNumber | None
    block_hash: Hash32 | None
    time: Timestamp | None
    moment: Moment | None
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One balance of one holder, or one debt.

    Attributes:
        amount: Signed base units: at least zero for a holding, at most zero for a debt; None where it is not known.
        trust: How the figure is believed; None for one that was typed in, which as a holding counts nothing.
        age: Seconds from the block to the as-of time; 0 for an exact snapshot.
        soft_age: Seconds of age that cost nothing.
        last_amount: What was last proven, where `amount` is None.
        doubt: Why `amount` is None.
    """

    id: str
    group: str
    amount: int | None
    decimals: int
    liability: bool = False
    symbol: str = ""
    pocket: str = CROSS
    trust: Trust | None = None
    age: int = 0
    soft_age: int = 0
    last_amount: int | None = None
    doubt: Reason | None = None
    declared: bool = False
    provenance: Provenance | None = None

    def __post_init__(self) -> None:
        for amount in (self.amount, self.last_amount):
            if amount is not None and (amount > 0 if self.liability else amount < 0):
                raise BadInput(f"line {self.id}", "a holding of at least zero, or a debt of at most zero", amount)
        if not 0 <= self.decimals <= MAX_DECIMALS:
            raise BadInput(f"line {self.id}: decimals", f"0 to {MAX_DECIMALS}", self.decimals)
        if self.age < 0 or self.soft_age < 0:
            raise BadInput(f"line {self.id}: age", "at least 0 seconds", (self.age, self.soft_age))


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """One linear perpetual. `counts_gain` stays False for a declared one: its gain is nobody's proof."""

    id: str
    group: str
    size: int
    decimals: int
    entry: Price
    pocket: str = CROSS
    counts_gain: bool = False
    source: str = ""


@dataclass(frozen=True, slots=True)
class Quote:
    """A price of an asset group at a time."""

    price: Price
    at: Timestamp
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Everything that is weighed, at one moment.

    Attributes:
        doubts: Doubts about the account as a whole; any of them makes every pocket indeterminate.
    """

    as_of: Timestamp
    lines: tuple[Line, ...] = ()
    positions: tuple[Position, ...] = ()
    quotes: Mapping[str, Quote]
    doubts: tuple[Reason, ...] = ()

    def __post_init__(self) -> None:
        ids = [line.id for line in self.lines] + [position.id for position in self.positions]
        if len(set(ids)) != len(ids):
            twice = next(name for name in ids if ids.count(name) > 1)
            raise BadInput("snapshot", "every line and position named once", twice)
