"""How far an account is from failing when everything moves together: in standard deviations, and along one factor.

Integers in, integers out: money in 1e-18 USD, relative moves and betas in ppm, returns in units of 1e-9.

Source: margin reference, section 10 (joint moves) and 16.1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, fsum, sqrt
from typing import Final

from verifier.errors import BadInput
from verifier.margin.models.covariance import Floats, ledoit_wolf
from verifier.margin.models.money import usd_float
from verifier.margin.models.portfolio_risk import UNIT, return_matrix
from verifier.policy import PPM

DAY: Final = 86_400
YEAR: Final = 31_536_000


@dataclass(frozen=True, slots=True)
class Distance:
    """The distance to default and the most likely way there, to first order.

    Attributes:
        deviations: Daily standard deviations between here and E = MM, in ppm; below zero for one that fails already;
            None where nothing moves it.
        moves: The most likely breach: relative move of each group's price, in ppm.
        basis: What the covariance rests on, in words.
    """

    deviations: int | None
    moves: Mapping[str, int]
    basis: str


def distance(
    excess: int,
    slopes: Mapping[str, int],
    returns: Mapping[str, Sequence[int]],
    volatility: Mapping[str, int],
    *,
    step: int,
) -> Distance:
    """
    `DD = g/√(∇g'Σ∇g)` and `x* = −(g/(∇g'Σ∇g))·Σ∇g`.

    Without past returns of every group, volatilities are taken with the correlations that hurt most: every group moves
    against the account at once. That bounds the distance from below.

    Args:
        slopes: Change of E − MM for a log move of one, by group.
        step: Seconds between the returns.
    """
    names = [name for name in sorted(slopes) if slopes[name]]
    if not names:
        return Distance(None, {}, "nothing moves it")
    gradient = [usd_float(slopes[name]) for name in names]
    if all(len(returns.get(name, ())) > 1 for name in names):
        covariance: Floats | list[list[float]] = ledoit_wolf(
            return_matrix([returns[name] for name in names])
        ).covariance * (DAY / step)
        basis = f"{len(returns[names[0]])} past returns, shrunk"
    elif all(volatility.get(name) for name in names):
        covariance = _against(gradient, [volatility[name] / PPM * sqrt(DAY / YEAR) for name in names])
        basis = "volatilities, all groups moving against the account"
    else:
        lacking = [name for name in names if not volatility.get(name) and len(returns.get(name, ())) < 2]
        return Distance(None, {}, f"no past returns and no volatility of {', '.join(lacking)}")
    return _first_order(usd_float(excess), names, gradient, covariance, basis)


def _against(gradient: Sequence[float], sigma: Sequence[float]) -> list[list[float]]:
    signed = [s if g > 0 else -s for g, s in zip(gradient, sigma, strict=True)]
    return [[a * b for b in signed] for a in signed]


def _first_order(
    excess: float, names: Sequence[str], gradient: Sequence[float], covariance: Floats | list[list[float]], basis: str
) -> Distance:
    pulled = [fsum(float(c) * g for c, g in zip(row, gradient, strict=True)) for row in covariance]
    variance = fsum(g * p for g, p in zip(gradient, pulled, strict=True))
    if not variance > 0:
        return Distance(None, {}, "nothing moves it")
    share = excess / variance
    moves = {name: round((exp(max(-share * p, -50.0)) - 1) * PPM) if -share * p < 20 else 10**9
             for name, p in zip(names, pulled, strict=True)}  # fmt: skip
    return Distance(int(excess / sqrt(variance) * PPM // 1), moves, basis)


def betas(returns: Mapping[str, Sequence[int]], factor: str) -> dict[str, int]:
    """Each group's move for a move of one of the factor, in ppm.

    Raises:
        BadInput: No past of the factor, or one in which it never moved.
    """
    if len(returns.get(factor, ())) < 2:
        raise BadInput("factor", "a group with past returns", factor)
    names = sorted(returns)
    moves = return_matrix([returns[name] for name in names])
    apart = moves - moves.mean(axis=0)
    own = apart[:, names.index(factor)]
    variance = fsum(own * own)
    if variance == 0:
        raise BadInput("factor", "a group that moved", factor)
    return {name: round(fsum(apart[:, n] * own) / variance * PPM) for n, name in enumerate(names)}


def half_kelly(mean: Sequence[int], *, floor: int = 0) -> int | None:
    """Half of `μ/σ²` of a series of returns, in ppm of equity: information, never a limit. None without a variance."""
    values = [value * UNIT for value in mean]
    if len(values) < 2:
        return None
    average = fsum(values) / len(values)
    variance = fsum((value - average) ** 2 for value in values) / len(values)
    return None if variance == 0 else max(floor, int(average / variance / 2 * PPM))
