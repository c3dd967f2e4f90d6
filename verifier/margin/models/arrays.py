"""Integers of a stated scale to floats, and shares back to parts per million."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from verifier.margin.fixed import SCALE
from verifier.policy import PPM


def floats(series: Sequence[int], scale: int) -> NDArray[np.float64]:
    """Each integer over its scale."""
    return np.array(series, dtype=np.float64) / scale


def peg_of(price: int | None) -> float:
    """The settlement coin's price in USD; par where nobody quotes one."""
    return 1.0 if price is None else price / SCALE


def share_ppm(share: float) -> int:
    """A share in ppm, rounded down."""
    return int(share * PPM)
