"""A portfolio as the models see it: floats in USD, by underlying, every list in order of its ids.

Source: margin reference, section 7.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class LinearKind(StrEnum):
    """Why something moves one for one with a price."""

    PERP = "perp"
    FUTURE = "future"
    COLLATERAL = "collateral"


@dataclass(frozen=True, slots=True)
class Linear:
    """Something that gains `exposure` when the price doubles.

    Attributes:
        exposure: Signed, in USD.
        notional: What contingencies are charged on, in USD; at least zero.
        expiry: Unix seconds, of a future.
        haircut, haircut_added: Of collateral: at maintenance level, and what initial level adds.
        moves: Whether it takes part in scenarios; other collateral is haircut and stands still.
        confidence: Of its own price.
        latency: Seconds for which it cannot be closed.
        proven: False for what someone typed in: it may burden, and never relieve.
    """

    id: str
    kind: LinearKind
    exposure: float
    notional: float
    expiry: int | None = None
    haircut: float = 0.0
    haircut_added: float = 0.0
    moves: bool = True
    confidence: float = 1.0
    latency: float = 0.0
    proven: bool = True


@dataclass(frozen=True, slots=True)
class OptionLeg:
    """An option of an expiry: signed size, annual volatility."""

    id: str
    strike: float
    call: bool
    size: float
    volatility: float
    latency: float = 0.0
    proven: bool = True


@dataclass(frozen=True, slots=True)
class ExpiryBook:
    """All options of one underlying and expiry. The forward is `fixed + variable·(price multiplier)`."""

    expiry: int
    seconds: float
    variable: float
    fixed: float
    rate: float
    confidence: float
    options: tuple[OptionLeg, ...]
    doubled_basis: bool = False


@dataclass(frozen=True, slots=True)
class UnderlyingBook:
    """Everything on one underlying.

    Attributes:
        confidence: Of its spot price.
        volatility: Annual, for latency; 0 where none is known.
    """

    name: str
    spot: float
    linears: tuple[Linear, ...] = ()
    expiries: tuple[ExpiryBook, ...] = ()
    confidence: float = 1.0
    volatility: float = 0.0


@dataclass(frozen=True, slots=True)
class Book:
    """A whole portfolio, underlyings by name; `peg` is the price of the settlement coin."""

    underlyings: tuple[UnderlyingBook, ...]
    peg: float = 1.0
