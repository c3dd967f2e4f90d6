"""Returns, shrunk covariances, correlations with their doubts, and Euler shares of a standard deviation.

Rows of a return matrix are moments on one clock, columns are assets in the order of `names`.

Source: margin reference, sections 8.1, 14 and 16.3; Ledoit and Wolf 2004; Tasche 1999.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import atanh, sqrt, tanh
from typing import Final

import numpy as np
import numpy.typing as npt

from verifier.errors import BadInput

Floats = npt.NDArray[np.float64]

EWMA_DAILY: Final = 0.94
CONFIDENCE_95: Final = 1.96
FEW: Final = 60
"""Fewer observations than this say little about the sign of a correlation."""


def matrix(rows: Sequence[Sequence[float]] | Floats, what: str = "returns") -> Floats:
    """A finite matrix of at least two rows and one column.

    Raises:
        BadInput: Ragged, empty, or not finite.
    """
    lengths = {len(row) for row in rows}
    if len(rows) < 2 or len(lengths) != 1 or lengths == {0}:
        raise BadInput(what, "at least two rows of one length", sorted(lengths))
    found = np.asarray(rows, dtype=np.float64)
    if not np.isfinite(found).all():
        raise BadInput(what, "finite numbers", "a NaN or an infinity")
    return found


def log_returns(prices: Sequence[Sequence[float]] | Floats) -> Floats:
    """Log returns between the rows of a price matrix; all prices above zero."""
    levels = matrix(prices, "prices")
    if (levels <= 0).any():
        raise BadInput("prices", "above zero", float(levels.min()))
    moves: Floats = np.diff(np.log(levels), axis=0)
    return moves


@dataclass(frozen=True, slots=True)
class Shrunk:
    """A covariance and how far it was drawn towards the mean variance (0 not at all, 1 wholly)."""

    covariance: Floats
    shrinkage: float


def ledoit_wolf(returns: Sequence[Sequence[float]] | Floats) -> Shrunk:
    """The covariance (divisor n, means removed) shrunk towards `μI`, `μ = tr(S)/p`, by the optimal intensity."""
    x = matrix(returns)
    n, p = x.shape
    x = x - x.mean(axis=0)
    sample = x.T @ x / n
    mean = float(np.trace(sample)) / p
    apart = sample - mean * np.eye(p)
    distance = float((apart**2).sum()) / p
    squares = x**2
    noise = float((squares.T @ squares / n - sample**2).sum()) / (n * p)
    intensity = 0.0 if distance == 0 else min(max(noise, 0.0), distance) / distance
    shrunk: Floats = (1 - intensity) * sample + intensity * mean * np.eye(p)
    return Shrunk(shrunk, intensity)


def ewma(returns: Sequence[Sequence[float]] | Floats, decay: float = EWMA_DAILY) -> Floats:
    """`Σ_t = λΣ_{t−1} + (1−λ)rr'`, begun at the first row's own product."""
    x = matrix(returns)
    if not 0 < decay < 1:
        raise BadInput("decay", "between 0 and 1", decay)
    covariance: Floats = np.outer(x[0], x[0])
    for row in x[1:]:
        covariance = decay * covariance + (1 - decay) * np.outer(row, row)
    return covariance


def repaired(covariance: Floats) -> Floats:
    """The nearest use of a matrix with negative eigenvalues: clipped at zero, its diagonal scaled back."""
    symmetric = (covariance + covariance.T) / 2
    values, vectors = np.linalg.eigh(symmetric)
    if (values >= 0).all():
        return symmetric
    clipped = (vectors * np.maximum(values, 0)) @ vectors.T
    had, has = np.maximum(np.diag(symmetric), 0), np.diag(clipped)
    scale = np.sqrt(np.divide(had, has, out=np.zeros_like(had), where=has > 0))
    fixed: Floats = clipped * np.outer(scale, scale)
    return (fixed + fixed.T) / 2


def correlation(covariance: Floats) -> Floats:
    """Correlations of a covariance; zero beside an asset that never moves."""
    sigma = np.sqrt(np.diag(covariance))
    scale = np.outer(sigma, sigma)
    found = np.divide(covariance, scale, out=np.zeros_like(covariance), where=scale > 0)
    np.fill_diagonal(found, 1.0)
    clipped: Floats = np.clip(found, -1, 1)
    return clipped


def euler_sigma(weights: Sequence[float] | Floats, covariance: Sequence[Sequence[float]] | Floats) -> Floats:
    """Contributions `w_i(Σw)_i/σ` to the standard deviation: they sum to it, and hedges are below zero."""
    w = np.asarray(weights, dtype=np.float64)
    pulled = np.asarray(covariance, dtype=np.float64) @ w
    variance = float(w @ pulled)
    if variance <= 0:
        return np.zeros_like(w)
    shares: Floats = w * pulled / sqrt(variance)
    return shares


@dataclass(frozen=True, slots=True)
class Pair:
    """A correlation, with everything that speaks for doubting it.

    Attributes:
        low, high: The 95 % interval by Fisher's z.
        rolling_low, rolling_high: The least and greatest over windows.
        stress: On the worst tenth of market days; what is recommended on.
        observations: How many moments it rests on.
        warning: Why it should not be relied on; empty where nothing speaks against it.
    """

    rho: float
    low: float
    high: float
    rolling_low: float
    rolling_high: float
    stress: float
    observations: int
    warning: str


def pair(one: Sequence[float], two: Sequence[float], market: Sequence[float], window: int = 30) -> Pair:
    """The correlation of two assets; `market` is the return that picks the days of stress."""
    x = matrix(np.column_stack([one, two]))
    moves = np.asarray(market, dtype=np.float64)
    if len(moves) != len(x):
        raise BadInput("market", f"one return for each of {len(x)} moments", len(moves))
    n = len(x)
    rho = _rho(x)
    spread = CONFIDENCE_95 / sqrt(n - 3) if n > 3 else float("inf")
    centre = atanh(max(min(rho, 1 - 1e-15), -1 + 1e-15))
    rolling = [_rho(x[k : k + window]) for k in range(0, max(n - window, 0) + 1, max(1, window // 2))]
    worst = np.argsort(moves, kind="stable")[: max(3, n // 10)]
    warning = ""
    if rho < 0 and n < FEW:
        warning = f"a negative correlation on {n} observations"
    elif min(rolling) < 0 < max(rolling):
        warning = "changes sign between windows"
    low, high = tanh(centre - spread), tanh(centre + spread)
    return Pair(rho, low, high, min(rolling), max(rolling), _rho(x[np.sort(worst)]), n, warning)


def _rho(x: Floats) -> float:
    apart = x - x.mean(axis=0)
    scale = sqrt(float((apart[:, 0] ** 2).sum()) * float((apart[:, 1] ** 2).sum()))
    return max(-1.0, min(1.0, float((apart[:, 0] * apart[:, 1]).sum()) / scale)) if scale > 0 else 0.0
