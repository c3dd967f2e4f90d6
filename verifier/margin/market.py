"""What markets quote beside spot prices: forwards with volatilities, depth, and the routes money takes.

Source: margin reference, sections 3, 7.1, 12.4 and 17.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from verifier.errors import BadInput
from verifier.margin.fixed import MAX_PRICE, Price, Usd
from verifier.policy import PPM
from verifier.primitives import Timestamp

NOTHING_FIXED: Final = Price(0)


def _no_vols() -> Mapping[Price, int]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpiryQuote:
    """One underlying's forward at one expiry, and the volatilities on it.

    Attributes:
        at: When it was quoted.
        forward: The part of the forward that still moves with the spot price.
        fixed: The part that settlement averaging has fixed already.
        rate: Annual, continuous, in ppm; None where nobody quoted one.
        volatility: Annual, in ppm, for strikes without one of their own; None where there is none.
        vols: Annual volatility in ppm by strike.
        confidence: The lowest of the forward's, the rate's and the volatilities', in ppm.
    """

    group: str
    expiry: Timestamp
    at: Timestamp
    forward: Price
    fixed: Price = NOTHING_FIXED
    rate: int | None = None
    volatility: int | None = None
    vols: Mapping[Price, int] = field(default_factory=_no_vols)
    confidence: int = PPM

    def __post_init__(self) -> None:
        what = f"expiry {self.expiry} of {self.group}"
        if not 0 < self.forward + self.fixed <= MAX_PRICE or self.forward < 0 or self.fixed < 0:
            raise BadInput(f"{what}: forward", "more than zero and at most 10^12 USD", (self.forward, self.fixed))
        for vol in (*self.vols.values(), self.volatility or 0):
            if not 0 <= vol <= 100 * PPM:
                raise BadInput(f"{what}: volatility", "0 to 100,000,000 ppm", vol)
        if not 0 <= self.confidence <= PPM:
            raise BadInput(f"{what}: confidence", "0 to 1,000,000 ppm", self.confidence)

    def vol(self, strike: Price) -> int | None:
        """The volatility at a strike."""
        return self.vols.get(strike, self.volatility)


@dataclass(frozen=True, slots=True)
class Depth:
    """How much a market takes.

    Attributes:
        volume: What is traded in a day, in 1e-18 USD.
        volatility: A day's standard deviation, in ppm.
        coefficient: Y of the square-root law, in ppm.
    """

    volume: Usd
    volatility: int
    coefficient: int = PPM

    def __post_init__(self) -> None:
        if self.volume <= 0 or self.volatility < 0 or self.coefficient < 0:
            got = (self.volume, self.volatility, self.coefficient)
            raise BadInput("depth", "a volume above zero, volatility and coefficient of at least 0", got)


@dataclass(frozen=True, slots=True)
class Route:
    """How money gets from one network to another.

    Attributes:
        capacity: The most it takes, in 1e-18 USD.
        cost: Of what is sent, in ppm.
        latency: Seconds until what is sent counts at the other end.
        open: False while it is halted: then it carries nothing.
        bridge: Its name, for what fails with it.
    """

    start: str
    end: str
    capacity: Usd
    cost: int = 0
    latency: int = 0
    open: bool = True
    bridge: str = ""

    def __post_init__(self) -> None:
        if self.start == self.end:
            raise BadInput("route", "two networks", self.start)
        if self.capacity < 0 or not 0 <= self.cost <= PPM or self.latency < 0:
            got = (self.capacity, self.cost, self.latency)
            raise BadInput(f"route {self.start} to {self.end}", "a capacity, a cost up to the whole, a latency", got)
