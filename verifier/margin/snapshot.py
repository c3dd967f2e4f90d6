"""The plain value that the arithmetic works on: lines, positions and quotes of one moment.

An account of proven parts becomes one (`account.snapshot`); so may anything a test or a what-if makes up. What was
made up gives a `HypotheticalReport`, which is another type than the report of an account and cannot stand in for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from verifier.errors import BadInput
from verifier.margin.declared import CROSS
from verifier.margin.fixed import MAX_DECIMALS, Price
from verifier.margin.instruments import LINEAR, Terms
from verifier.margin.market import Depth, ExpiryQuote, Route
from verifier.policy import PPM
from verifier.primitives import Address, BlockNumber, ChainId, Hash32, Timestamp
from verifier.proven import Moment
from verifier.trust import Trust

LATER: Final[Mapping[str, Any]] = MappingProxyType({"later": True})
"""Marks a field that digests leave out while it has its default, so that older figures keep their digest."""


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
    NO_FORWARD = "no-forward"
    NO_VOLATILITY = "no-volatility"
    NO_RATE = "no-rate"
    STALE_FORWARD = "stale-forward"


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
        network, protocol: Where it lives: the chain, and the protocol it is deposited in or owed to (empty: a wallet).
        bridge: What stands behind a wrapped asset, by name; empty for an original.
        encumbered: Base units of a holding that support the protocol's own debt first.
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
    network: str = field(default="", metadata=LATER)
    protocol: str = field(default="", metadata=LATER)
    bridge: str = field(default="", metadata=LATER)
    encumbered: int = field(default=0, metadata=LATER)

    def __post_init__(self) -> None:
        for amount in (self.amount, self.last_amount):
            if amount is not None and (amount > 0 if self.liability else amount < 0):
                raise BadInput(f"line {self.id}", "a holding of at least zero, or a debt of at most zero", amount)
        if not 0 <= self.decimals <= MAX_DECIMALS:
            raise BadInput(f"line {self.id}: decimals", f"0 to {MAX_DECIMALS}", self.decimals)
        if self.age < 0 or self.soft_age < 0:
            raise BadInput(f"line {self.id}: age", "at least 0 seconds", (self.age, self.soft_age))
        if not 0 <= self.encumbered <= max(0, self.amount or 0):
            raise BadInput(f"line {self.id}: encumbered", "a part of what is held", self.encumbered)


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """One derivative position. `counts_gain` stays False for a declared one: its gain is nobody's proof.

    Attributes:
        group: The underlying.
        size: Signed units of 10^-decimals: of the underlying, or of contracts for an inverse perpetual.
        entry: Average entry price; nothing is computed from an option's.
        portfolio: In mixed mode, whether it is weighed by scenarios together with the others that say so.
    """

    id: str
    group: str
    size: int
    decimals: int
    entry: Price
    pocket: str = CROSS
    counts_gain: bool = False
    source: str = ""
    terms: Terms = field(default=LINEAR, metadata=LATER)
    portfolio: bool = field(default=False, metadata=LATER)
    network: str = field(default="", metadata=LATER)
    protocol: str = field(default="", metadata=LATER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A resting order on the linear perpetual of a group; filled at its limit or worse, never better than the mark.

    Attributes:
        size: Signed units of 10^-decimals of the underlying: a bid above zero, an ask below.
    """

    id: str
    group: str
    size: int
    decimals: int
    limit: Price
    pocket: str = CROSS

    def __post_init__(self) -> None:
        if self.limit <= 0 or not 0 <= self.decimals <= MAX_DECIMALS:
            raise BadInput(f"order {self.id}", "a limit above zero and decimals from 0", (self.limit, self.decimals))


@dataclass(frozen=True, slots=True)
class Quote:
    """A price of an asset group at a time.

    Attributes:
        source: The oracle or feed, by name.
        stable: A slow average; initial values take the worse of both. None where there is none.
        confidence: How sure the source is, in ppm; below a threshold it costs initial margin.
        interval: How far off its source says it may be, in ppm of it: off what is held, and on what is owed.
    """

    price: Price
    at: Timestamp
    source: str = ""
    stable: Price | None = field(default=None, metadata=LATER)
    confidence: int = field(default=PPM, metadata=LATER)
    interval: int = field(default=0, metadata=LATER)


def _nothing() -> Mapping[str, Any]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Everything that is weighed, at one moment.

    Attributes:
        doubts: Doubts about the account as a whole; any of them makes every pocket indeterminate.
        orders: Resting orders.
        expiries: Forward, rate and volatilities by underlying and expiry.
        returns: Past log returns by group, in units of 1e-9, oldest first, all groups on one clock.
        return_step: Seconds between two of them.
        depths: Market depth by group, for impact.
        routes: Between networks, how money moves and how fast.
    """

    as_of: Timestamp
    lines: tuple[Line, ...] = ()
    positions: tuple[Position, ...] = ()
    quotes: Mapping[str, Quote]
    doubts: tuple[Reason, ...] = ()
    orders: tuple[Order, ...] = field(default=(), metadata=LATER)
    expiries: tuple[ExpiryQuote, ...] = field(default=(), metadata=LATER)
    returns: Mapping[str, tuple[int, ...]] = field(default_factory=_nothing, metadata=LATER)
    return_step: int = field(default=86_400, metadata=LATER)
    depths: Mapping[str, Depth] = field(default_factory=_nothing, metadata=LATER)
    routes: tuple[Route, ...] = field(default=(), metadata=LATER)

    def __post_init__(self) -> None:
        ids = [line.id for line in self.lines] + [position.id for position in self.positions]
        _distinct(ids + [order.id for order in self.orders], "every line and position")
        _distinct([(quoted.group, quoted.expiry) for quoted in self.expiries], "every expiry of an underlying")
        _distinct([(route.start, route.end) for route in self.routes], "every route")
        if len({len(series) for series in self.returns.values()}) > 1:
            got = {group: len(series) for group, series in self.returns.items()}
            raise BadInput("snapshot: returns", "series of one length", got)

    def requoted(self, quotes: Mapping[str, Quote], expiries: tuple[ExpiryQuote, ...]) -> Snapshot:
        """The same at other prices of the same groups and expiries: names were checked, and are not once more."""
        return self._with(quotes=quotes, expiries=expiries)

    def with_parts(self, lines: tuple[Line, ...], positions: tuple[Position, ...]) -> Snapshot:
        """The same with some of its lines and positions changed or left out: none of them under another name."""
        return self._with(lines=lines, positions=positions)

    def _with(self, **changed: object) -> Snapshot:
        made = object.__new__(Snapshot)
        for name in _FIELDS:
            object.__setattr__(made, name, changed[name] if name in changed else getattr(self, name))
        return made

    def expiry(self, group: str, expiry: Timestamp) -> ExpiryQuote | None:
        """What is quoted for one expiry of an underlying."""
        return next((q for q in self.expiries if q.group == group and q.expiry == expiry), None)


_FIELDS: Final = tuple(member.name for member in fields(Snapshot))


def _distinct(names: list[Any], what: str) -> None:
    seen: set[Any] = set()
    for name in names:
        if name in seen:
            raise BadInput("snapshot", f"{what} named once", name)
        seen.add(name)
