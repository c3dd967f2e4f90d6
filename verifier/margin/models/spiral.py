"""Forced sales that move prices that force sales: the least fixed point of the loop.

What must be sold never falls as prices fall, and prices never rise as more is sold; so iterating from nothing sold
climbs to the least fixed point, and never beyond it (Knaster and Tarski). With finitely many rungs it is reached in
finitely many rounds.

Source: margin reference, section 12.5; Brunnermeier and Pedersen 2009.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from verifier.errors import BadInput

ROUNDS: Final = 1_000
CLOSE: Final = 1e-9


@dataclass(frozen=True, slots=True)
class LadderSpiral:
    """How a venue's ladder of liquidations answers a shock.

    Attributes:
        sold: Units, in all.
        rounds: Rounds in which something was sold.
        amplification: The whole move over the shock; None without a shock.
        triggered: Indices of the rungs, in the order they were sold.
    """

    final_price: float
    sold: float
    rounds: int
    amplification: float | None
    triggered: tuple[int, ...]


def ladder_spiral(price: float, shock: float, per_unit: float, ladder: Sequence[tuple[float, float]]) -> LadderSpiral:
    """
    `P_{k+1} = P_0·(1 − shock − λ·sold_k)`; a rung is sold in full once the price is below its threshold.

    Args:
        per_unit: λ, the relative fall for each unit sold.
        ladder: `(threshold, units)`, in any order.
    """
    if price <= 0 or not 0 <= shock <= 1 or per_unit < 0 or any(units < 0 for _, units in ladder):
        raise BadInput("spiral", "a price above 0, a shock of 0 to 1, impact and units of at least 0", (price, shock))
    sold, rounds, triggered = 0.0, 0, []
    left = dict(enumerate(ladder))
    while True:
        now = max(price * (1 - shock - per_unit * sold), 0.0)
        hit = sorted(rung for rung, (threshold, _) in left.items() if now < threshold)
        if not hit:
            break
        rounds += 1
        triggered += hit
        # In the order of the rungs, so that the sum does not depend on the order of rounds.
        sold = float(sum(ladder[rung][1] for rung in sorted(triggered)))
        left = {rung: left[rung] for rung in left if rung not in hit}
    amplification = (1 - now / price) / shock if shock > 0 else None
    return LadderSpiral(now, sold, rounds, amplification, tuple(triggered))


@dataclass(frozen=True, slots=True)
class FixedPoint:
    """Where the loop ends.

    Attributes:
        sold: What must be sold of each asset in the end.
        settled: False where it did not come to rest in the rounds allowed: a runaway, which is a result.
    """

    sold: tuple[float, ...]
    rounds: int
    settled: bool


def least_fixed_point(
    sales: Callable[[Sequence[float]], Sequence[float]], count: int, rounds: int = ROUNDS, close: float = CLOSE
) -> FixedPoint:
    """Iterate `sold = sales(sold)` from nothing; what was sold is never bought back."""
    sold = [0.0] * count
    for n in range(rounds):
        asked = [max(was, wanted) for was, wanted in zip(sold, sales(sold), strict=True)]
        if all(new - old <= close * max(1.0, new) for old, new in zip(sold, asked, strict=True)):
            return FixedPoint(tuple(asked), n, settled=True)
        sold = asked
    return FixedPoint(tuple(sold), rounds, settled=False)


def spectral_radius(gains: Sequence[Sequence[float]] | npt.NDArray[np.float64]) -> float:
    """The greatest modulus of the loop's local gain; at 1 or more a small sale feeds itself without end."""
    matrix = np.asarray(gains, dtype=np.float64)
    return float(np.abs(np.linalg.eigvals(matrix)).max()) if matrix.size else 0.0
