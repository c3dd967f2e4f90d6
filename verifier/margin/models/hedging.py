"""Which asset lowers a book's risk most: marginal effects, and correlations with everything that speaks for doubt.

Source: margin reference, section 16.3.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import fsum, sqrt
from typing import Final

from verifier.margin.fixed import Usd
from verifier.margin.models.covariance import correlation, ledoit_wolf, pair
from verifier.margin.models.money import gain_of, usd_float
from verifier.margin.models.portfolio_risk import UNIT, return_matrix
from verifier.policy import PPM

CLOSE: Final = 0.45
"""Assets nearer than this in `√((1 − ρ)/2)` are one cluster: ρ above about 0.6."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One asset, long or short, as a hedge or as collateral.

    Attributes:
        marginal: Change of the book's daily-step σ for a dollar more of it on this side, in ppm of that dollar.
        ratio: The value that lowers σ most, in 1e-18 USD, without sign; the side says which way.
        lowered: By how much σ falls then, in 1e-18 USD, on the full sample; rounded down.
        rho, low, high, rolling_low, rolling_high, stress: Correlation of the asset with the book, in ppm.
        cluster: Assets that move alike share a number; one of each is enough.
        recommended: The stress correlation still lowers the risk, and nothing speaks against relying on it.
    """

    group: str
    short: bool
    marginal: int
    ratio: Usd
    lowered: Usd
    rho: int
    low: int
    high: int
    rolling_low: int
    rolling_high: int
    stress: int
    observations: int
    warning: str
    cluster: int
    recommended: bool


def candidates(
    returns: Mapping[str, Sequence[int]], money: Mapping[str, int], window: int = 30
) -> tuple[Candidate, ...]:
    """
    Every asset with a past, on the side that lowers the book's risk, most first; then by name.

    Args:
        returns: In units of 1e-9, on one clock.
        money: The book's signed value by group; groups without a past are left out by the caller.
    """
    names = sorted(returns)
    held = [usd_float(money.get(name, 0)) for name in names]
    if len(names) == 0 or len(returns[names[0]]) < 3 or not any(held):
        return ()
    matrix = return_matrix([returns[name] for name in names])
    covariance = ledoit_wolf(matrix).covariance
    pulled = [fsum(float(covariance[n, k]) * held[k] for k in range(len(names))) for n in range(len(names))]
    sigma = sqrt(max(fsum(h * p for h, p in zip(held, pulled, strict=True)), 0.0))
    book = [fsum(float(x) * h for x, h in zip(row, held, strict=True)) for row in matrix.tolist()]
    clusters = _clusters(names, covariance)
    made = [
        _candidate(name, pulled[n], float(covariance[n, n]), sigma, (returns[name], book), clusters[n], window)
        for n, name in enumerate(names)
        if float(covariance[n, n]) > 0 and sigma > 0
    ]
    return tuple(sorted(made, key=lambda c: (c.marginal, c.group)))


def _candidate(
    name: str, pulled: float, variance: float, sigma: float, moves: tuple[Sequence[int], Sequence[float]],
    cluster: int, window: int,
) -> Candidate:  # fmt: skip
    own, book = [value * UNIT for value in moves[0]], moves[1]
    found = pair(own, book, book, window)
    short = pulled > 0
    left = sqrt(max(sigma * sigma - pulled * pulled / variance, 0.0))
    helps = found.stress > 0 if short else found.stress < 0
    return Candidate(
        group=name,
        short=short,
        marginal=-abs(round(pulled / sigma * PPM)),
        ratio=gain_of(abs(pulled) / variance),
        lowered=gain_of(max(sigma - left, 0.0)),
        rho=round(found.rho * PPM),
        low=round(found.low * PPM),
        high=round(found.high * PPM),
        rolling_low=round(found.rolling_low * PPM),
        rolling_high=round(found.rolling_high * PPM),
        stress=round(found.stress * PPM),
        observations=found.observations,
        warning=found.warning,
        cluster=cluster,
        recommended=helps and not found.warning,
    )


def _clusters(names: Sequence[str], covariance: object) -> list[int]:
    """Single linkage by distance: the number of a cluster is that of its first name."""
    import numpy as np

    rho = correlation(np.asarray(covariance))
    number = list(range(len(names)))
    for one in range(len(names)):
        for two in range(one):
            if sqrt(max((1 - float(rho[one, two])) / 2, 0.0)) < CLOSE:
                keep, drop = sorted((number[one], number[two]))
                number = [keep if n == drop else n for n in number]
    return number
