"""A sale spread over time: what is left after each part of it, what it is expected to cost, and how unsure that is.

Quantities are values in USD at the mark. Trading a day's volume within a day moves the price by a day's standard
deviation while it lasts (temporary impact), and a tenth of that for good (permanent impact): the proportion of the
example in Almgren and Chriss 2000, section 3.4, from which the default aversion to risk is as well.

Source: margin reference, section 12.4; Almgren and Chriss 2000.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, fsum, sqrt
from typing import Final

from verifier.errors import BadInput
from verifier.margin.fixed import Usd
from verifier.margin.market import Depth
from verifier.margin.models.impact import almgren_chriss, half_life
from verifier.margin.models.money import loss_of, usd_float
from verifier.policy import DAY, PPM

AVERSION: Final = 10**6
"""1e-6 for each dollar, in units of 1e-12."""
PERMANENT: Final = 0.1
"""Permanent impact over temporary impact, for each day."""
STEPS: Final = 12


@dataclass(frozen=True, slots=True)
class Cost:
    """What a schedule costs: the expected loss against the mark, and its standard deviation; rounded up."""

    expected: Usd
    deviation: Usd


@dataclass(frozen=True, slots=True)
class Pace:
    """
    How a value is sold.

    Attributes:
        left: What is left at the start and after each step of equal time, in 1e-18 USD, rounded up; ends at 0.
        cost: Of this pace; `even` of selling the same amount in each step.
        half_life: Seconds in which half of what is left is sold; None for an even pace.
    """

    seconds: int
    left: tuple[Usd, ...]
    cost: Cost
    even: Cost
    half_life: int | None


def pace(value: Usd, depth: Depth, seconds: int, *, aversion: int = AVERSION, steps: int = STEPS) -> Pace:
    """
    The sale of a value within a time that weighs its cost against its risk.

    Args:
        aversion: Dollars of expected cost that a squared dollar of deviation is worth, in 1e-12.

    Raises:
        BadInput: No time or no steps, an aversion below zero, or so few steps that permanent impact outweighs them.
    """
    if value < 0 or seconds < 1 or aversion < 0:
        raise BadInput("sale", "a value, a time of at least a second, an aversion of at least 0", (value, seconds))
    days, sigma, whole = seconds / DAY, depth.volatility / PPM, usd_float(value)
    eta = max(sigma, 1e-12) / usd_float(depth.volume)
    gamma, tau = PERMANENT * eta, days / steps
    found = almgren_chriss(
        whole, horizon=days, steps=steps, sigma=sigma, gamma=gamma, eta=eta, risk_aversion=aversion * 1e-12
    )
    even = [whole * (1 - j / steps) for j in range(steps + 1)]
    fade = half_life(found.kappa)
    return Pace(
        seconds,
        (*(Usd(min(value, loss_of(left))) for left in found.holdings[:-1]), Usd(0)),
        _cost(found.holdings, sigma, eta, gamma, tau),
        _cost(even, sigma, eta, gamma, tau),
        None if fade is None else ceil(fade * DAY),
    )


def _cost(holdings: Sequence[float], sigma: float, eta: float, gamma: float, tau: float) -> Cost:
    """`½γX² + (η − γτ/2)/τ·Σn²` and `σ·√(τ·Σx²)`."""
    sold = fsum((before - after) ** 2 for before, after in pairwise(holdings))
    expected = gamma * holdings[0] ** 2 / 2 + (eta - gamma * tau / 2) / tau * sold
    deviation = sigma * sqrt(tau * fsum(left * left for left in holdings[1:]))
    return Cost(loss_of(expected), loss_of(deviation))
