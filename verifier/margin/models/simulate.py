"""Joint moves to reprice a portfolio under: the past's own, or drawn with a seed.

Every draw comes from `PCG64(seed)`; the seed stands in the report, so the same inputs give the same figures.

Source: margin reference, sections 8.2 and 8.3; McNeil, Frey and Embrechts.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
import numpy.typing as npt

from verifier.errors import BadInput
from verifier.margin.models.covariance import EWMA_DAILY, matrix, repaired
from verifier.margin.models.tail import TailRisk, empirical_tail, tail_weights

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Moves:
    """Joint log returns, moments by assets, and how they came about.

    Attributes:
        independent: How many draws are independent: for the standard error, antithetic pairs count once.
        seed: Of the generator; None for the past's own moves.
    """

    returns: Floats
    method: str
    independent: int
    seed: int | None = None


def historical(returns: Floats, *, horizon: float = 1.0, filtered: bool = False, decay: float = EWMA_DAILY) -> Moves:
    """
    The past's joint moves, scaled by √horizon; filtered ones also by the volatility of now over that of then.

    Args:
        horizon: In steps of the returns.
    """
    x = matrix(returns)
    _check_horizon(horizon)
    if filtered:
        x = _filtered(x, decay)
    return Moves(x * sqrt(horizon), "historical, filtered" if filtered else "historical", len(x))


def _filtered(x: Floats, decay: float) -> Floats:
    """`r·σ_now/σ_then` by an exponentially weighted variance known before each move."""
    square = x**2
    variance = np.array(
        [_variances(own, start, decay) for own, start in zip(square.T, square.mean(axis=0), strict=True)]
    )
    then = np.sqrt(variance.T[:-1])
    scaled: Floats = x * np.divide(np.sqrt(variance.T[-1]), then, out=np.ones_like(then), where=then > 0)
    return scaled


def _variances(squares: Floats, start: float, decay: float) -> list[float]:
    """The variance before each move, and after the last."""
    found = [float(start)]
    for square in squares.tolist():
        found.append(decay * found[-1] + (1 - decay) * square)
    return found


def student_t(covariance: Floats, *, degrees: float, paths: int, seed: int, horizon: float = 1.0) -> Moves:
    """
    Multivariate Student-t moves with this covariance, in antithetic pairs.

    Args:
        degrees: Of freedom, above 2, so that the covariance exists.
        paths: In all; even, since each draw comes with its mirror image.
    """
    if not degrees > 2 or paths < 2 or paths % 2:
        raise BadInput("degrees and paths", "more than 2 degrees, an even number of paths", (degrees, paths))
    _check_horizon(horizon)
    values, vectors = np.linalg.eigh(repaired(np.asarray(covariance, dtype=np.float64)))
    root = vectors * np.sqrt(np.maximum(values, 0))
    generator = np.random.Generator(np.random.PCG64(seed))
    drawn = generator.standard_normal((paths // 2, len(root)))
    chi = generator.chisquare(degrees, paths // 2)
    half = (drawn @ root.T) * np.sqrt((degrees - 2) / chi)[:, None] * sqrt(horizon)
    moves = np.concatenate([half, -half])
    return Moves(moves, f"Student t, {degrees:g} degrees", paths // 2, seed)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A tail and the standard error of its expected shortfall."""

    tail: TailRisk
    standard_error: float


def estimate(losses: Floats, level: float, independent: int) -> Estimate:
    """VaR and ES of losses, the error of ES from the spread of the losses beyond VaR and of their number."""
    tail = empirical_tail(losses, level)
    # Antithetic losses stand in the second half: a pair is one observation.
    excess = np.maximum(np.asarray(losses, dtype=np.float64) - tail.value_at_risk, 0)
    pairs = excess.reshape(-1, independent).mean(axis=0) if len(excess) % independent == 0 else excess
    spread = float(pairs.std(ddof=1)) if len(pairs) > 1 else 0.0
    return Estimate(tail, spread / (sqrt(len(pairs)) * (1 - level)))


def stressed_floor(figure: float, stressed: float, part: float = 0.25) -> float:
    """At least this part of a stressed window's figure, which never drops out: margin does not fall asleep."""
    return max(figure, part * stressed)


def worst_window(returns: Floats, weights: Floats, window: int) -> tuple[int, int]:
    """The stretch of `window` moments in which these weights lost most on their own expected shortfall at 97.5 %."""
    x = matrix(returns)
    if not 2 <= window <= len(x):
        raise BadInput("window", f"2 to {len(x)} moments", window)
    losses = -(x @ np.asarray(weights, dtype=np.float64))
    # Every stretch has as many moments, so its tail has the same weights: those of the ranks.
    ranked = np.sort(np.lib.stride_tricks.sliding_window_view(losses, window), axis=1)
    found = int(np.argmax(ranked @ tail_weights(np.arange(window, dtype=np.float64), 0.975)))
    return found, found + window


def _check_horizon(horizon: float) -> None:
    if not horizon > 0:
        raise BadInput("horizon", "above 0", horizon)
