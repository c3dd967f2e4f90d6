"""European options on a forward: value, greeks and implied volatility by Black's formula, in arrays.

    d1 = ln(F/K)/(σ√τ) + σ√τ/2,  d2 = d1 − σ√τ
    call = D·(F·N(d1) − K·N(d2)),  put = D·(K·N(−d2) − F·N(−d1)),  D = e^(−rτ)

Without volatility or time left, what is left is the discounted intrinsic value. All arguments broadcast; τ is in
years of 365 days, σ and r are annual, money is in USD.

Source: margin reference, section 7.1; Black (1976); Hull, Options, Futures, and Other Derivatives.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, isfinite, log, sqrt
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr

from verifier.errors import BadInput

Floats = NDArray[np.float64]
MOST_VOLATILITY: Final = 100.0
"""No implied volatility is looked for beyond ten thousand per cent."""
ROUNDING: Final = 1e-15
"""Of the larger of forward and strike: by how much the value of a whole in or out of the money may miss it."""


def value(
    forward: ArrayLike, strike: ArrayLike, volatility: ArrayLike, years: ArrayLike, call: ArrayLike, rate: ArrayLike = 0
) -> Floats:
    """What each option is worth for one unit, in USD: at least zero."""
    f, k = np.asarray(forward, float), np.asarray(strike, float)
    tau = np.maximum(np.asarray(years, float), 0.0)
    deviation = np.maximum(np.asarray(volatility, float), 0.0) * np.sqrt(tau)
    d1, d2 = _distances(f, k, deviation)
    sign = np.where(np.asarray(call, bool), 1.0, -1.0)
    live = sign * (f * ndtr(sign * d1) - k * ndtr(sign * d2))
    intrinsic = np.maximum(sign * (f - k), 0.0)
    worth = np.where((deviation > 0) & (f > 0), np.maximum(live, 0.0), intrinsic)
    return np.asarray(np.exp(-np.asarray(rate, float) * tau) * worth)


def _distances(f: Floats, k: Floats, deviation: Floats) -> tuple[Floats, Floats]:
    """d1 and d2, with a harmless stand-in where there is no deviation or no forward."""
    safe = np.where(deviation > 0, deviation, 1.0)
    d1 = np.log(np.where(f > 0, f, k) / k) / safe + safe / 2
    return d1, d1 - safe


@dataclass(frozen=True, slots=True)
class Greeks:
    """Sensitivities of one option on a forward. They are shown; margin never rests on them.

    Attributes:
        delta: Per USD of the forward.
        gamma: Per USD squared.
        vega: Per 1.00 of volatility.
        theta: Per year, as time passes with the forward unchanged.
        rho: Per 1.00 of the rate, with the forward unchanged.
    """

    delta: float
    gamma: float
    vega: float
    theta: float
    rho: float


def greeks(forward: float, strike: float, volatility: float, years: float, *, call: bool, rate: float = 0) -> Greeks:
    """The greeks of one option; of an expired one, those of its intrinsic value."""
    sign, discount = (1.0 if call else -1.0), exp(-rate * max(years, 0.0))
    worth = float(value(forward, strike, volatility, years, call, rate))
    if volatility <= 0 or years <= 0:
        inside = sign * (forward - strike) > 0
        return Greeks(sign * discount if inside else 0.0, 0.0, 0.0, rate * worth, -max(years, 0.0) * worth)
    deviation = volatility * sqrt(years)
    d1 = log(forward / strike) / deviation + deviation / 2
    density = exp(-d1 * d1 / 2) / sqrt(2 * np.pi)
    return Greeks(
        delta=float(sign * discount * ndtr(sign * d1)),
        gamma=discount * density / (forward * deviation),
        vega=discount * forward * density * sqrt(years),
        theta=rate * worth - discount * forward * density * volatility / (2 * sqrt(years)),
        rho=-years * worth,
    )


def spot_greeks(spot: float, strike: float, volatility: float, years: float, *, call: bool, rate: float) -> Greeks:
    """The greeks of one option on a spot price that grows at the rate: F = S·e^(rτ), which the rate and time move."""
    growth = exp(rate * years)
    on = greeks(spot * growth, strike, volatility, years, call=call, rate=rate)
    return Greeks(
        delta=on.delta * growth,
        gamma=on.gamma * growth * growth,
        vega=on.vega,
        theta=on.theta - rate * spot * growth * on.delta,
        rho=on.rho + years * spot * growth * on.delta,
    )


def implied_volatility(
    price: float, forward: float, strike: float, years: float, *, call: bool, rate: float = 0
) -> float:
    """
    The volatility at which an option is worth a price: Newton's steps, kept inside a bracket that always holds it.

    The price is met to a few units in the last place of the larger of forward and strike. Where volatility is worth
    less than that (deep in or far out of the money, near expiry), many volatilities give one price; it is one of them.

    Raises:
        BadInput: No volatility up to 100 gives this price: it is below intrinsic value, or above any, by more than
            what the value itself is rounded by.
    """
    low, high = 0.0, MOST_VOLATILITY
    least, most = (float(value(forward, strike, v, years, call, rate)) for v in (low, high))
    rounding = ROUNDING * max(forward, strike)
    if not (isfinite(price) and least - rounding <= price <= most + rounding):
        raise BadInput("option price", f"from {least} to {most} USD", price)
    price = min(max(price, least), most)
    guess = 0.5
    for _ in range(200):
        off = float(value(forward, strike, guess, years, call, rate)) - price
        low, high = (guess, high) if off < 0 else (low, guess)
        slope = greeks(forward, strike, guess, years, call=call, rate=rate).vega
        step = guess - off / slope if slope > 0 else low
        following = step if low < step < high else (low + high) / 2
        if abs(following - guess) <= 1e-15 * max(1.0, guess):
            return following
        guess = following
    return guess
