"""The money risk of a book of signed values under past joint moves: in integers in, in integers out.

Columns of returns are in units of 1e-9. Assets that stand in several parts share one column; the order of parts and of
columns changes no figure, for every sum is exact (`fsum`) or taken once over sorted assets.

Source: margin reference, sections 8 and 14.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum, sqrt
from typing import Final

import numpy as np
import numpy.typing as npt

from verifier.margin.fixed import Usd
from verifier.margin.models.covariance import ledoit_wolf
from verifier.margin.models.money import gain_of, loss_of, usd_float
from verifier.margin.models.programme import least_shortfall
from verifier.margin.models.simulate import estimate, historical, stressed_floor, student_t, worst_window
from verifier.margin.models.tail import Backtest, backtest, empirical_tail, tail_weights
from verifier.policy import PPM

Floats = npt.NDArray[np.float64]
UNIT: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Shares:
    """A measure, each part's share of it, and each part's own.

    Shares sum to the total but for roundings of one unit each.
    """

    total: Usd
    shares: tuple[Usd, ...]
    alone: tuple[Usd, ...]


def sigma_shares(money: Sequence[int], columns: Sequence[Sequence[int]]) -> Shares:
    """Standard deviation of one step by a shrunk covariance over the distinct assets, and its Euler shares."""
    assets = sorted(set(map(tuple, columns)))
    index = {column: n for n, column in enumerate(assets)}
    covariance = ledoit_wolf(return_matrix(assets)).covariance
    place = [index[tuple(column)] for column in columns]
    held = [fsum(usd_float(m) for m, p in zip(money, place, strict=True) if p == n) for n in range(len(assets))]
    pulled = [fsum(float(covariance[n, k]) * held[k] for k in range(len(assets))) for n in range(len(assets))]
    sigma = sqrt(max(fsum(h * p for h, p in zip(held, pulled, strict=True)), 0.0))
    shares = [usd_float(m) * pulled[p] / sigma if sigma else 0.0 for m, p in zip(money, place, strict=True)]
    alone = [abs(usd_float(m)) * sqrt(float(covariance[p, p])) for m, p in zip(money, place, strict=True)]
    return _rounded(sigma, shares, alone)


def expected_shortfall_shares(money: Sequence[int], columns: Sequence[Sequence[int]], level: int) -> Shares:
    """Expected shortfall of one step under the past's joint moves; shares over the same tail, with the same weights."""
    losses = loss_matrix(money, columns)
    whole = _sums(losses)
    weights = tail_weights(whole, level / PPM)
    total = empirical_tail(whole, level / PPM).expected_shortfall
    shares = [fsum(float(w) * float(x) for w, x in zip(weights, column, strict=True) if w) for column in losses.T]
    alone = [empirical_tail(column, level / PPM).expected_shortfall for column in losses.T]
    return _rounded(total, shares, alone)


def loss_matrix(money: Sequence[int], columns: Sequence[Sequence[int]]) -> Floats:
    """Moments by parts: what each part loses, in USD, when the past's moves come again."""
    moves = np.expm1(return_matrix(columns))
    lost: Floats = -moves * np.array([usd_float(m) for m in money])
    return lost


def least_shortfall_mix(
    held: Sequence[int],
    columns: Sequence[Sequence[int]],
    losses: Sequence[int],
    level: int,
    turnover: int,
) -> tuple[Usd, ...] | None:
    """
    The values of least expected shortfall under the past's joint moves, with the same sum as those held.

    Args:
        held: What is held of each asset, at least zero; `columns` its past.
        losses: What the whole book loses in each moment as it is: what does not come from `held` stays.
        turnover: By how much each may change, in ppm of the sum.

    Returns:
        Rounded down each; None where the programme has no answer.
    """
    whole = fsum(map(usd_float, held))
    # In parts of the sum, so that the programme's figures lie near one.
    lost = -np.expm1(return_matrix(columns))
    parts = [usd_float(money) / whole for money in held]
    fixed = np.array([usd_float(loss) / whole for loss in losses]) - lost @ np.array(parts)
    low = [max(0.0, part - turnover / PPM) for part in parts]
    high = [min(1.0, part + turnover / PPM) for part in parts]
    sample = np.column_stack([lost, fixed])
    answer = least_shortfall(sample, level / PPM, [*low, 1.0], [*high, 1.0], ([1.0] * len(parts) + [0.0], 1.0))
    if answer is None:
        return None
    return tuple(gain_of(max(0.0, part) * whole) for part in answer.amounts[:-1])


def _sums(losses: Floats) -> Floats:
    """The whole book's loss in each moment, summed exactly: no order of parts changes it."""
    return np.array([fsum(row) for row in losses.tolist()])


def return_matrix(columns: Sequence[Sequence[int]]) -> Floats:
    """Moments by series, as floats, of series in units of 1e-9."""
    made: Floats = np.array(columns, dtype=np.float64).T * UNIT
    return made


def _rounded(total: float, shares: Sequence[float], alone: Sequence[float]) -> Shares:
    """Rounded up each: risk is charged. The sum of the shares then exceeds the total by rounding alone."""
    return Shares(loss_of(total), tuple(map(loss_of, shares)), tuple(map(loss_of, alone)))


@dataclass(frozen=True, slots=True)
class HistoricalRisk:
    """The book's own risk under the past's moves.

    Attributes:
        value_at_risk, shortfall: One step, in 1e-18 USD, rounded up.
        observations: How many moves they rest on.
        coverage: Each move tested against the margin of the moves before it; None where there are too few.
    """

    level: int
    value_at_risk: Usd
    shortfall: Usd
    observations: int
    coverage: Backtest | None


def _risk_of(whole: Floats, level: int, window: int) -> HistoricalRisk:
    tail = empirical_tail(whole, level / PPM)
    tested = None
    if len(whole) > window:
        held = [empirical_tail(whole[n - window : n], level / PPM).value_at_risk for n in range(window, len(whole))]
        tested = backtest(whole[window:].tolist(), held, level / PPM)
    return HistoricalRisk(level, loss_of(tail.value_at_risk), loss_of(tail.expected_shortfall), len(whole), tested)


def engine_risk(losses: Sequence[int], level: int, window: int = 250) -> HistoricalRisk:
    """The same of losses that the engine gave, by repricing the whole account: 1e-18 USD each."""
    lost = np.array([usd_float(loss) for loss in losses])
    return _risk_of(lost, level, window)


@dataclass(frozen=True, slots=True)
class SimulatedRisk:
    """The book's risk under drawn moves, to first order.

    Attributes:
        error: Standard error of the shortfall, in 1e-18 USD, rounded up.
    """

    level: int
    value_at_risk: Usd
    shortfall: Usd
    error: Usd
    paths: int
    seed: int
    method: str


def simulated_risk(
    slopes: Sequence[int], columns: Sequence[Sequence[int]], level: int, *, seed: int, paths: int = 20_000,
    degrees: int = 5,
) -> SimulatedRisk:  # fmt: skip
    """VaR and ES of one step under multivariate Student-t moves with the past's shrunk covariance."""
    covariance = ledoit_wolf(return_matrix(columns)).covariance
    moves = student_t(covariance, degrees=degrees, paths=paths, seed=seed)
    lost = -(np.expm1(moves.returns) @ np.array([usd_float(s) for s in slopes]))
    found = estimate(lost, level / PPM, moves.independent)
    tail = found.tail
    var, shortfall, error = (loss_of(v) for v in (tail.value_at_risk, tail.expected_shortfall, found.standard_error))
    return SimulatedRisk(level, var, shortfall, error, paths, seed, moves.method)


STRESS_WINDOW: Final = 60
"""Moves in the stretch that is called stressed."""


def moves_over(columns: Sequence[Sequence[int]], steps: tuple[int, int]) -> list[tuple[int, ...]]:
    """Each move as one of a longer or shorter time, by the square root of it: `steps` is the time over a step."""
    if steps[0] == steps[1]:
        return [tuple(column) for column in columns]
    return _columns(historical(return_matrix(columns), horizon=steps[0] / steps[1]).returns)


def filtered_risk(slopes: Sequence[int], columns: Sequence[Sequence[int]], level: int) -> HistoricalRisk:
    """The book's risk to first order under the past's moves, each at the volatility of now: `r·σ_now/σ_then`."""
    lost = _first_order(slopes, historical(return_matrix(columns), filtered=True).returns)
    return _risk_of(lost, level, window=len(lost))


def stressed_shortfall(
    slopes: Sequence[int], columns: Sequence[Sequence[int]], level: int, window: int = STRESS_WINDOW
) -> Usd | None:
    """
    Expected shortfall over the worst stretch of all the past, to first order; None where it is no longer than one.

    Args:
        columns: All there is, also what is too old to be repriced: it never drops out.
    """
    returns = return_matrix(columns)
    if len(returns) <= window:
        return None
    start, end = worst_window(returns, np.array([usd_float(slope) for slope in slopes]), window)
    lost = _first_order(slopes, returns[start:end])
    return Usd(max(0, loss_of(empirical_tail(lost, level / PPM).expected_shortfall)))


def floor_of(stressed: Usd) -> Usd:
    """What quiet times do not lower a margin under: a part of the stressed figure, rounded up."""
    return loss_of(stressed_floor(0.0, usd_float(stressed)))


def _first_order(slopes: Sequence[int], returns: Floats) -> Floats:
    lost: Floats = -(np.expm1(returns) @ np.array([usd_float(slope) for slope in slopes]))
    return lost


def _columns(returns: Floats) -> list[tuple[int, ...]]:
    return [tuple(round(float(move) / UNIT) for move in column) for column in returns.T]
