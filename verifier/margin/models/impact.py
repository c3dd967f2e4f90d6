"""What selling does to a price: one interface, several models, all monotone.

`Impact.move(q, p)` is the relative fall of the mark after selling `q` units at a price of `p`, in [0, 1), never falling
in `q`. The average price of the sale lies between the old mark and the new one.

Source: margin reference, section 12.4; Almgren et al. 2005 and Tóth et al. 2011 (square root); Almgren and Chriss 2000.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import acosh, log, sinh, sqrt
from typing import Final, Protocol

from verifier.errors import BadInput

TWO_THIRDS: Final = 2 / 3
MOST: Final = 0.999_999
"""A price never falls to zero by selling: the models end here."""


class Impact(Protocol):
    """How a price gives way."""

    def move(self, quantity: float, price: float) -> float:
        """The relative fall of the mark after a sale of `quantity` units at `price`."""
        ...

    def average(self, quantity: float, price: float) -> float:
        """The relative loss of the sale's own average price against the mark before it."""
        ...


@dataclass(frozen=True, slots=True)
class NoImpact:
    """A market that takes anything at its mark."""

    def move(self, quantity: float, price: float) -> float:  # noqa: ARG002 - the interface
        """Nothing."""
        return 0.0

    def average(self, quantity: float, price: float) -> float:  # noqa: ARG002 - the interface
        """Nothing."""
        return 0.0


@dataclass(frozen=True, slots=True)
class SquareRoot:
    """`I = Y·σ_d·√(q/ADV)`; the average cost is two thirds of it.

    Attributes:
        daily_volatility: Relative, of one day.
        daily_volume: Units traded in a day.
    """

    daily_volatility: float
    daily_volume: float
    y: float = 1.0

    def __post_init__(self) -> None:
        _positive("daily_volume", self.daily_volume)
        _at_least_zero("daily_volatility", self.daily_volatility)
        _at_least_zero("y", self.y)

    def move(self, quantity: float, price: float) -> float:  # noqa: ARG002 - the interface
        """Relative to volume, whatever the price."""
        if quantity <= 0:
            return 0.0
        moved = self.y * self.daily_volatility * sqrt(quantity / self.daily_volume)
        return min(MOST, moved)

    def average(self, quantity: float, price: float) -> float:
        """The mean of a square root over the sale."""
        return TWO_THIRDS * self.move(quantity, price)


@dataclass(frozen=True, slots=True)
class Linear:
    """Permanent `λ·q`, and temporary `η·q` on the sale's own price (`η` already divided by its time)."""

    permanent: float
    temporary: float = 0.0

    def __post_init__(self) -> None:
        _at_least_zero("permanent", self.permanent)
        _at_least_zero("temporary", self.temporary)

    def move(self, quantity: float, price: float) -> float:  # noqa: ARG002 - the interface
        """The permanent part."""
        return min(self.permanent * max(quantity, 0.0), MOST)

    def average(self, quantity: float, price: float) -> float:
        """Half of the permanent part, and the temporary one."""
        return min(self.move(quantity, price) / 2 + self.temporary * max(quantity, 0.0), MOST)


@dataclass(frozen=True, slots=True)
class ConstantProduct:
    """A pool of `x·y = k`: `P' = P·(x/(x+Δ))²`, sold for `P·x/(x+Δ)` on average.

    Attributes:
        reserve: Units of the sold asset in the pool.
        fee: Part of what is sold that the pool keeps.
    """

    reserve: float
    fee: float = 0.0

    def __post_init__(self) -> None:
        _positive("reserve", self.reserve)
        if not 0 <= self.fee < 1:
            raise BadInput("fee", "from 0 to less than 1", self.fee)

    def move(self, quantity: float, price: float) -> float:  # noqa: ARG002 - the interface
        """The pool's marginal price after the sale."""
        kept = self.reserve / (self.reserve + max(quantity, 0.0) * (1 - self.fee))
        return min(1 - kept * kept, MOST)

    def average(self, quantity: float, price: float) -> float:  # noqa: ARG002 - the interface
        """What the seller gets, fee included."""
        kept = self.reserve / (self.reserve + max(quantity, 0.0) * (1 - self.fee))
        return 1 - kept * (1 - self.fee)


@dataclass(frozen=True, slots=True)
class Book:
    """An order book's bids, best first: walked until the sale is filled; beyond its depth the last price gives way.

    Attributes:
        bids: `(price, units)` with falling prices, all above zero.
    """

    bids: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        falls = all(a[0] > b[0] for a, b in zip(self.bids, self.bids[1:], strict=False))
        if not self.bids or not falls or any(p <= 0 or q <= 0 for p, q in self.bids):
            raise BadInput("book", "bids of falling prices, with prices and units above zero", self.bids[:3])

    def move(self, quantity: float, price: float) -> float:
        """Where the best bid that is left stands."""
        left = max(quantity, 0.0)
        if left == 0.0:
            return 0.0
        for bid, units in self.bids:
            if left < units:
                return min(max(1 - bid / price, 0.0), MOST)
            left -= units
        return MOST

    def average(self, quantity: float, price: float) -> float:
        """What the filled part got; what the book cannot take is sold for almost nothing."""
        left, got = max(quantity, 0.0), 0.0
        if left == 0.0:
            return 0.0
        for bid, units in self.bids:
            taken = min(left, units)
            got, left = got + taken * min(bid, price), left - taken
        return min(1 - (got + left * price * (1 - MOST)) / (quantity * price), MOST)


@dataclass(frozen=True, slots=True)
class Imbalance:
    """A venue's charge for imbalance: `(d0^e − d1^e)·f`, in USD of open interest.

    Negative is paid by the trader, positive is received. `cap` bounds the negative impact that a liquidation test
    counts, so that a burst of closures does not feed itself.
    """

    exponent: float
    factor: float
    cap: float | None = None

    def __post_init__(self) -> None:
        if self.exponent < 1:
            raise BadInput("exponent", "at least 1", self.exponent)
        _at_least_zero("factor", self.factor)

    def cost(self, usd: float) -> float:
        """What one side of this size costs: `usd^e·f`."""
        return float(max(usd, 0.0) ** self.exponent) * self.factor

    def change(self, before: float, after: float) -> float:
        """What moving the imbalance from `before` to `after` gives (above zero) or costs."""
        paid = self.cost(abs(before)) - self.cost(abs(after))
        return paid if self.cap is None or paid >= 0 else max(paid, -self.cap)

    def move(self, quantity: float, price: float) -> float:
        """The charge on a sale from balance, relative to its value."""
        usd = max(quantity, 0.0) * price
        return 0.0 if usd == 0.0 else min(-self.change(0.0, usd) / usd, MOST)

    def average(self, quantity: float, price: float) -> float:
        """The same: the charge falls on the sale as a whole."""
        return self.move(quantity, price)


@dataclass(frozen=True, slots=True)
class Schedule:
    """A sale spread over time: what is left after each step, and the urgency it follows from."""

    kappa: float
    holdings: tuple[float, ...]


def almgren_chriss(
    units: float, *, horizon: float, steps: int, sigma: float, gamma: float, eta: float, risk_aversion: float
) -> Schedule:
    """The sale that weighs cost against risk: holdings `X·sinh(κ(T−t))/sinh(κT)`.

    Args:
        sigma: Volatility of the price in USD for one unit and one unit of time.
        gamma: Permanent impact, USD for one unit sold.
        eta: Temporary impact, USD for one unit sold in one unit of time.
    """
    if steps < 1 or horizon <= 0:
        raise BadInput("steps and horizon", "at least 1 step, a time above 0", (steps, horizon))
    tau = horizon / steps
    adjusted = eta - gamma * tau / 2
    if adjusted <= 0 or risk_aversion < 0 or sigma < 0:
        raise BadInput("eta", "above gamma·τ/2, with risk aversion and sigma at least 0", eta)
    kappa_squared = risk_aversion * sigma * sigma / adjusted
    if kappa_squared == 0:
        return Schedule(0.0, tuple(units * (1 - j / steps) for j in range(steps + 1)))
    kappa = acosh(kappa_squared * tau * tau / 2 + 1) / tau
    whole = sinh(kappa * horizon)
    return Schedule(kappa, tuple(units * sinh(kappa * (horizon - j * tau)) / whole for j in range(steps + 1)))


def curve(impact: Impact, price: float, sizes: Sequence[float]) -> tuple[tuple[float, float], ...]:
    """Size and average cost, for a table."""
    return tuple((size, impact.average(size, price)) for size in sizes)


def half_life(kappa: float) -> float | None:
    """Time in which half of a schedule's holdings are gone, roughly; None for an even pace."""
    return log(2) / kappa if kappa > 0 else None


def _positive(what: str, value: float) -> None:
    if not value > 0:
        raise BadInput(what, "above 0", value)


def _at_least_zero(what: str, value: float) -> None:
    if not value >= 0:
        raise BadInput(what, "at least 0", value)
