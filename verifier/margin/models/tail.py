"""Value at risk and expected shortfall, and the tests that show whether they hold.

Losses are positive. The expected shortfall is the coherent one: where the level falls inside an observation, that
observation counts with the part that lies beyond it, so ES is never below VaR and Euler contributions add up.

Source: margin reference, sections 8.2 to 8.4; Acerbi and Tasche 2002; Kupiec 1995; Christoffersen 1998.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import exp, fsum, log, pi, sqrt

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc, ndtri

from verifier.errors import BadInput

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TailRisk:
    """VaR and ES of one level, in the unit of the losses."""

    level: float
    value_at_risk: float
    expected_shortfall: float


def normal_tail(level: float, sigma: float) -> TailRisk:
    """VaR and ES of a normal loss of mean zero: `z·σ` and `σ·φ(z)/(1−a)`."""
    _check_level(level)
    if sigma < 0:
        raise BadInput("sigma", "at least 0", sigma)
    z = float(ndtri(level))
    density = exp(-z * z / 2) / sqrt(2 * pi)
    return TailRisk(level, z * sigma, sigma * density / (1 - level))


def empirical_tail(losses: Sequence[float] | Floats, level: float) -> TailRisk:
    """VaR (the ⌈n·a⌉-th smallest loss) and ES of a sample."""
    ordered, rank, shares = _tail(losses, level)
    beyond = fsum(float(x) * share for x, share in zip(ordered[rank - 1 :], shares, strict=True))
    return TailRisk(level, float(ordered[rank - 1]), max(beyond, float(ordered[rank - 1])))


def tail_weights(losses: Sequence[float] | Floats, level: float) -> Floats:
    """For each loss, in the given order, its weight in the expected shortfall; they sum to one.

    Losses equal to VaR share the fraction that lies beyond the level alike, so the weights do not depend on the order.
    """
    values = _finite(losses)
    ordered, rank, shares = _tail(values, level)
    edge = float(ordered[rank - 1])
    at_edge = values == edge
    held = fsum(share for x, share in zip(ordered[rank - 1 :], shares, strict=True) if x == edge)
    weights = np.where(values > edge, shares[-1] if float(ordered[-1]) > edge else 0.0, 0.0)
    weights[at_edge] = held / int(at_edge.sum())
    return weights


def _tail(losses: Sequence[float] | Floats, level: float) -> tuple[Floats, int, list[float]]:
    """The sorted losses, the rank of VaR, and the weights from that rank on."""
    _check_level(level)
    ordered = np.sort(_finite(losses))
    n = len(ordered)
    # The level is what its shortest decimal says: 0.85 of 20 is 17, though the float of 0.85 lies beside it.
    exact = Fraction(repr(float(level))) * n
    rank = -(-exact.numerator // exact.denominator)
    beyond = n - exact
    first = (rank - exact) / beyond
    return ordered, rank, [float(first)] + [float(1 / beyond)] * (n - rank)


def _finite(values: Sequence[float] | Floats) -> Floats:
    found = np.asarray(values, dtype=np.float64)
    if found.ndim != 1 or found.size == 0 or not np.isfinite(found).all():
        raise BadInput("losses", "at least one finite number", len(found))
    return found


def _check_level(level: float) -> None:
    if not 0 < level < 1:
        raise BadInput("level", "between 0 and 1", level)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A statistic, the chance of one at least as large if the margin is right, and whether that is too small."""

    statistic: float
    p_value: float
    passes: bool


@dataclass(frozen=True, slots=True)
class Backtest:
    """How often one period's margin was exceeded.

    Attributes:
        coverage: Kupiec's test of the count.
        independence: Christoffersen's test that exceptions do not follow one another; None without an exception.
    """

    periods: int
    exceptions: int
    expected: float
    coverage: Verdict
    independence: Verdict | None

    @property
    def passes(self) -> bool:
        """Neither test speaks against the margin."""
        return self.coverage.passes and (self.independence is None or self.independence.passes)


def backtest(losses: Sequence[float], margins: Sequence[float], level: float, significance: float = 0.05) -> Backtest:
    """Count the periods whose loss exceeded the margin that was held for it, and test count and runs."""
    if len(losses) != len(margins):
        raise BadInput("margins", f"one for each of {len(losses)} losses", len(margins))
    hit = _finite(losses) > _finite(margins)
    n, x = len(hit), int(hit.sum())
    return Backtest(n, x, n * (1 - level), kupiec(n, x, level, significance), runs(hit.tolist(), significance))


def kupiec(periods: int, exceptions: int, level: float, significance: float = 0.05) -> Verdict:
    """Kupiec's likelihood ratio of the observed rate of exceptions against `1 − level`; χ² of one degree."""
    _check_level(level)
    if not 0 <= exceptions <= periods or periods < 1:
        raise BadInput("exceptions", f"0 to {periods}", exceptions)
    p, n, x = 1 - level, periods, exceptions
    ratio = 2 * (_likelihood(n - x, x, x / n) - _likelihood(n - x, x, p))
    return _verdict(ratio, significance)


def runs(hits: Sequence[bool], significance: float = 0.05) -> Verdict | None:
    """Christoffersen's test that an exception is as likely after an exception as after none."""
    pairs = list(pairwise(hits))
    counts = {key: pairs.count(key) for key in ((False, False), (False, True), (True, False), (True, True))}
    quiet, after = counts[False, False] + counts[False, True], counts[True, False] + counts[True, True]
    if not any(hits) or not quiet or not after:
        return None
    pooled = (counts[False, True] + counts[True, True]) / (quiet + after)
    apart = _likelihood(counts[False, False], counts[False, True], counts[False, True] / quiet)
    apart += _likelihood(counts[True, False], counts[True, True], counts[True, True] / after)
    together = _likelihood(counts[False, False] + counts[True, False], counts[False, True] + counts[True, True], pooled)
    return _verdict(2 * (apart - together), significance)


def _likelihood(misses: int, hits: int, rate: float) -> float:
    """The logarithm of `(1−r)^misses · r^hits`, where 0·ln 0 is 0."""
    left = misses * log(1 - rate) if misses else 0.0
    return left + (hits * log(rate) if hits else 0.0)


def _verdict(ratio: float, significance: float) -> Verdict:
    ratio = max(ratio, 0.0)
    p_value = float(chdtrc(1, ratio))
    return Verdict(ratio, p_value, p_value >= significance)
