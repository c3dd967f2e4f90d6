"""What a position is: its terms. Size, pocket and entry stand in `snapshot.Position`, which holds one of these.

Spot debt has no terms of its own: it is a line below zero. Every time is in unix seconds, every price in 1e-18 USD.

Source: margin reference, sections 3, 6.1, 6.2 and 7.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from verifier.errors import BadInput
from verifier.margin.fixed import MAX_PRICE, Price
from verifier.primitives import Timestamp


@dataclass(frozen=True, slots=True)
class LinearPerp:
    """A perpetual settled in money: size in units of the underlying, profit `q·(P − entry)`."""


@dataclass(frozen=True, slots=True)
class InversePerp:
    """A coin-margined perpetual: size counts contracts, profit is in coin, `n·m·(1/entry − 1/P)` for a long.

    Attributes:
        multiplier: m, what one contract is worth in 1e-18 USD.
    """

    multiplier: Price

    def __post_init__(self) -> None:
        if not 0 < self.multiplier <= MAX_PRICE:
            raise BadInput("inverse perpetual: multiplier", "more than zero and at most 10^12 USD", self.multiplier)


@dataclass(frozen=True, slots=True)
class Future:
    """A dated linear future: profit `q·(F − entry)`, with F the forward of its expiry."""

    expiry: Timestamp


@dataclass(frozen=True, slots=True)
class Option:
    """A European option on the forward of its expiry. Its premium was paid: its whole value counts, entry does not."""

    strike: Price
    expiry: Timestamp
    call: bool

    def __post_init__(self) -> None:
        if not 0 < self.strike <= MAX_PRICE:
            raise BadInput("option: strike", "more than zero and at most 10^12 USD", self.strike)


Terms = LinearPerp | InversePerp | Future | Option

LINEAR: Final = LinearPerp()
