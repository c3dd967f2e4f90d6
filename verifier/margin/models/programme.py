"""Linear programmes: the cheapest cure, the cheapest transfers, and the weights of least expected shortfall.

Each answer is a proposal. Whoever asked rounds it against the account and weighs it with the engine.

Source: margin reference, sections 16.2 and 17; Rockafellar and Uryasev 2000.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from verifier.errors import BadInput
from verifier.margin.models.money import usd_float
from verifier.policy import PPM

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Answer:
    """The variables in the order of the question, and what they cost."""

    amounts: tuple[float, ...]
    cost: float


def cheapest(
    cost: Sequence[float], released: Sequence[Sequence[float]], wanted: Sequence[float], most: Sequence[float]
) -> Answer | None:
    """
    The least-cost amounts in `[0, most]` that release what is wanted in every scenario; None where nothing does.

    Args:
        released: `[scenario][action]`, excess margin gained by a unit of each action.
        wanted: What each scenario lacks.
    """
    rows = np.asarray(released, dtype=np.float64).reshape(len(wanted), len(cost))
    return _solve(np.asarray(cost, dtype=np.float64), -rows, -np.asarray(wanted, dtype=np.float64), most)


def cheapest_shares(cost: Sequence[int], released: Sequence[Sequence[int]], wanted: Sequence[int]) -> list[int] | None:
    """
    What part of each of some wholes to take, in ppm, at least cost; None where all of them are not enough.

    Args:
        cost: Of each whole, in 1e-18 USD; `released` by it in each scenario; `wanted` in each scenario.
    """
    rows = [[usd_float(money) for money in row] for row in released]
    found = cheapest([usd_float(c) for c in cost], rows, [usd_float(w) for w in wanted], [1.0] * len(cost))
    return None if found is None else [round(amount * PPM) for amount in found.amounts]


def transfers(
    lacking: Sequence[float], free: Sequence[float], routes: Sequence[tuple[int, int, float, float]]
) -> Answer | None:
    """
    The flows of least cost that give every place what it lacks; None where no plan is feasible.

    Args:
        routes: `(from, to, capacity, cost)`: of what is sent, `1 − cost` arrives.
    """
    if len(lacking) != len(free):
        raise BadInput("free", f"one for each of {len(lacking)} places", len(free))
    count = len(routes)
    rows, bounds = [], []
    for place, (need, has) in enumerate(zip(lacking, free, strict=True)):
        row = np.zeros(count)
        for n, (start, end, _, cost) in enumerate(routes):
            row[n] += (1.0 if start == place else 0.0) - (1 - cost if end == place else 0.0)
        rows.append(row)
        bounds.append(has - need)
    fees = np.array([cost for *_, cost in routes])
    matrix = np.array(rows).reshape(len(lacking), count)
    if count == 0:
        return Answer((), 0.0) if all(b >= 0 for b in bounds) else None
    return _solve(fees, matrix, np.array(bounds), [capacity for _, _, capacity, _ in routes])


def least_shortfall(
    losses: Sequence[Sequence[float]] | Floats,
    level: float,
    low: Sequence[float],
    high: Sequence[float],
    budget: tuple[Sequence[float], float] | None = None,
) -> Answer | None:
    """
    Weights within bounds of least expected shortfall over scenarios.

    Args:
        losses: `[scenario][asset]`, the loss of one unit of each.
        budget: What a unit of each counts towards a sum, and that sum, which the weights keep.
    """
    sample = np.asarray(losses, dtype=np.float64)
    if sample.ndim != 2 or sample.shape[1] != len(low) or len(low) != len(high) or not 0 < level < 1:
        raise BadInput("losses", f"scenarios by {len(low)} assets, a level of 0 to 1", sample.shape)
    n, assets = sample.shape
    # Variables: weights, VaR, and by how much each scenario exceeds it.
    cost = np.concatenate([np.zeros(assets), [1.0], np.full(n, 1 / (n * (1 - level)))])
    rows = np.hstack([sample, -np.ones((n, 1)), -np.eye(n)])
    bounds = [*zip(low, high, strict=True), (None, None), *([(0.0, None)] * n)]
    kept = None
    if budget is not None:
        kept = (np.concatenate([np.asarray(budget[0], dtype=np.float64), np.zeros(n + 1)]), budget[1])
    found = _linprog(cost, rows, np.zeros(n), bounds, kept)
    return None if found is None else Answer(tuple(found[0][:assets]), found[1])


def _solve(cost: Floats, rows: Floats, limits: Floats, most: Sequence[float]) -> Answer | None:
    found = _linprog(cost, rows, limits, [(0.0, bound) for bound in most])
    return None if found is None else Answer(tuple(found[0]), found[1])


def _linprog(
    cost: Floats,
    rows: Floats,
    limits: Floats,
    bounds: Sequence[tuple[float | None, float | None]],
    kept: tuple[Floats, float] | None = None,
) -> tuple[list[float], float] | None:
    from scipy.optimize import linprog  # half a second to load: only where a programme is solved

    sums, whole = (None, None) if kept is None else (kept[0].reshape(1, -1), np.array([kept[1]]))
    found = linprog(cost, A_ub=rows, b_ub=limits, A_eq=sums, b_eq=whole, bounds=list(bounds), method="highs")
    if not found.success or found.x is None or found.fun is None:
        return None
    return [float(x) for x in found.x], float(found.fun)
