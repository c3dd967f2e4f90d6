"""Every option of a book under every scenario: full repricing, never an extrapolation by greeks.

Arrays are scenarios × options. Subsets of a book (one position alone, all but one) are columns of the same arrays, so
that each is priced once.

Source: margin reference, sections 7.1 to 7.5.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log, sqrt
from typing import Final

import numpy as np

from verifier.margin.models.black76 import Floats, value
from verifier.margin.models.book import ExpiryBook, Linear, UnderlyingBook
from verifier.margin.scenario import Discount, Scenario, ScenarioRules, SkewRule, VolMove, VolRule

YEAR: Final = 31_536_000.0
MONTH: Final = 30 * 86_400.0


@dataclass(frozen=True, slots=True)
class PricedExpiry:
    """One expiry's options: values of the whole size, now and shocked.

    Attributes:
        now: Per option, undiscounted by any rule but the market's own rate.
        shocked: Scenarios × options.
        up, down: Under the basis moves, volatility unchanged.
        long_factor, short_factor: What a positive and a negative shocked sum is multiplied by.
        basis_factor: On the worse of the two basis moves.
    """

    book: ExpiryBook
    now: Floats
    shocked: Floats
    up: Floats
    down: Floats
    long_factor: float
    short_factor: float
    basis_factor: float


@dataclass(frozen=True, slots=True)
class PricedUnderlying:
    """One underlying under all scenarios.

    Attributes:
        moves: The price multiplier of each scenario, less one.
        linears: Scenarios × linear legs: undampened profit of those that move.
    """

    book: UnderlyingBook
    moves: Floats
    dampening: Floats
    skew: Floats
    linears: Floats
    futures_up: Floats
    futures_down: Floats
    expiries: tuple[PricedExpiry, ...]


def price_underlying(book: UnderlyingBook, rules: ScenarioRules) -> PricedUnderlying:
    """Reprice everything on one underlying under every scenario."""
    scale = float(rules.ranges.get(book.name, 1))
    moves = np.array([max(-1.0, float(s.move) * scale) for s in rules.scenarios])
    moving = np.array([_moving(leg) for leg in book.linears], float)
    up, down = float(rules.basis.up), float(rules.basis.down)
    return PricedUnderlying(
        book=book,
        moves=moves,
        dampening=np.array([float(s.dampening) for s in rules.scenarios]),
        skew=np.array([s.vol.is_skew for s in rules.scenarios]),
        linears=moves[:, None] * moving[None, :],
        futures_up=up * moving,
        futures_down=down * moving,
        expiries=tuple(_price_expiry(e, moves, rules) for e in book.expiries),
    )


def _moving(leg: Linear) -> float:
    return leg.exposure if leg.moves else 0.0


def _price_expiry(book: ExpiryBook, moves: Floats, rules: ScenarioRules) -> PricedExpiry:
    tau = max(book.seconds, 0.0) / YEAR
    rate = book.rate if rules.discounted else 0.0
    strikes = np.array([leg.strike for leg in book.options], float)
    calls = np.array([leg.call for leg in book.options], bool)
    sizes = np.array([leg.size for leg in book.options], float)
    vols = np.array([leg.volatility for leg in book.options], float)

    def worth(forwards: Floats, shocked: Floats) -> Floats:
        return sizes * value(forwards, strikes, shocked, tau, calls, rate)

    forward = book.fixed + book.variable
    forwards = book.fixed + book.variable * (1.0 + moves)
    surfaces = np.array([_vols(s, vols, strikes, forward, book.seconds, rules) for s in rules.scenarios])
    doubled = 2.0 if book.doubled_basis else 1.0
    cap = exp(rate * tau)
    return PricedExpiry(
        book=book,
        now=worth(np.array(forward), vols),
        shocked=worth(forwards[:, None], surfaces.reshape(len(moves), len(vols))),
        up=worth(np.array(book.fixed + book.variable * (1 + float(rules.basis.up))), vols),
        down=worth(np.array(book.fixed + book.variable * (1 + float(rules.basis.down))), vols),
        long_factor=_discount(rules.long_discount, book.rate, tau, -1.0),
        short_factor=min(cap, _discount(rules.short_discount, book.rate, tau, 1.0)),
        basis_factor=doubled * (float(rules.basis.add) + float(rules.basis.mult) * tau),
    )


def _discount(rule: Discount, rate: float, tau: float, sign: float) -> float:
    return float(rule.base) * exp(sign * tau * (rate * float(rule.rate_factor) + float(rule.added)))


def _vols(
    scenario: Scenario, vols: Floats, strikes: Floats, forward: float, seconds: float, rules: ScenarioRules
) -> Floats:
    if scenario.vol is VolMove.SAME:
        return vols
    if scenario.vol.is_skew:
        return skewed(scenario.vol, vols, strikes, forward, seconds, rules.skew)
    return moved(scenario.vol, vols, seconds, rules.vol)


def moved(move: VolMove, vols: Floats, seconds: float, rule: VolRule) -> Floats:
    """Volatilities up or down: `σ(1 + v·(30/max(days, floor))^p)`, up no lower than the floor, down no lower than 0."""
    power = float(rule.short_power if seconds <= MONTH else rule.long_power)
    factor = (MONTH / max(seconds, float(rule.floor_days) * 86_400.0)) ** power
    if move is VolMove.UP:
        return np.asarray(np.maximum(float(rule.least_up), vols * (1.0 + float(rule.up) * factor)))
    return np.asarray(vols * max(0.0, 1.0 - float(rule.down) * factor))


def skewed(move: VolMove, vols: Floats, strikes: Floats, forward: float, seconds: float, rule: SkewRule) -> Floats:
    """The smile tilted, or its wings bent, by log-moneyness up to a width."""
    if forward <= 0:
        return vols
    root = sqrt(max(seconds, 0.0) / YEAR)
    linear = move is VolMove.TILT
    cap = (
        float(rule.linear_cap) + float(rule.linear_base) * root
        if linear
        else float(rule.wings_cap) + float(rule.wings_base) * root
    )
    width = max(
        float(rule.least_width), root * float(rule.width) * (float(rule.vol_static) + float(rule.vol_scale) * root)
    )
    k = np.log(strikes) - log(forward)
    k = k if linear else np.abs(k)
    tilt = np.where(k >= 0, np.minimum(cap, k * cap / width), np.maximum(-cap, k * cap / width))
    return np.asarray(vols * np.maximum(0.0, 1.0 + tilt))
