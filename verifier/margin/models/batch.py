"""Many accounts at once: scenario losses by blocked matrix products, a few megabytes whatever their number.

An account is a row of exposures by instrument; a scenario is a column of moves. A product in single precision finds
which scenarios can be an account's worst, within a bound on its own error; those, mostly one, are summed in double
precision in a fixed order. So no figure depends on the linear algebra of the machine, nor on its number of threads.

Source: margin reference, sections 7 and 8.1; performance paper, section 7.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from verifier.errors import BadInput

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
BLOCK: Final = 256
"""Accounts at a time: their products stay in the processor's cache."""
UNIT: Final = 1e-8
"""USD in one unit of a result."""
SLACK: Final = 1e-12
MOST: Final = 9e10
"""USD: what fits a signed 64-bit integer in units of 1e-8."""


@dataclass(frozen=True, slots=True)
class Worst:
    """For each account, in the order given: its worst loss in 1e-8 USD, at least 0, and which scenario it was."""

    losses: Ints
    scenarios: Ints

    def __len__(self) -> int:
        return len(self.losses)


def worst_losses(exposures: Floats, moves: Floats, prices: Floats | None = None, block: int = BLOCK) -> Worst:
    """
    The worst loss of every account.

    Args:
        exposures: Accounts × instruments: USD gained for a move of 1, or sizes where prices are given.
        moves: Instruments × scenarios.
        prices: By instrument, in USD.
        block: Accounts at a time.

    Raises:
        BadInput: The shapes do not fit, or something is not finite.
    """
    if exposures.ndim != 2 or moves.ndim != 2 or exposures.shape[1] != moves.shape[0] or moves.shape[1] == 0:
        raise BadInput("exposures and moves", "accounts × n and n × scenarios", (exposures.shape, moves.shape))
    if not all(np.isfinite(given).all() for given in (exposures, moves, 0.0 if prices is None else prices)):
        raise BadInput("exposures and moves", "finite numbers", "one that is not")
    if prices is not None:
        moves = moves * prices[:, None]
    reach = np.abs(exposures) @ np.abs(moves).max(axis=1)
    if reach.size and float(reach.max()) > 1e30:
        raise BadInput("an account's exposure", "at most 10^30 USD", float(reach.max()))
    worst, which = _found(exposures, np.ascontiguousarray(moves.T), moves.astype(np.float32), reach, block)
    # Against the account: the slack covers the error of the sum, then up to the unit.
    losses = np.maximum(0.0, -worst + SLACK * reach)
    if losses.size and float(losses.max()) > MOST:
        raise BadInput("a loss", f"at most {MOST:g} USD", float(losses.max()))
    return Worst(np.ceil(losses / UNIT).astype(np.int64), which)


def _found(
    exposures: Floats, scenarios: Floats, coarse: NDArray[np.float32], reach: Floats, block: int
) -> tuple[Floats, Ints]:
    """Each account's least profit and its scenario: the first of equals."""
    count = len(exposures)
    worst, which = np.empty(count), np.empty(count, np.int64)
    error = (len(coarse) + 4) * 2.0**-24 * reach
    room = np.empty((min(block, count), coarse.shape[1]), np.float32)
    for start in range(0, count, block):
        rows = exposures[start : start + block]
        profits = np.matmul(rows.astype(np.float32), coarse, out=room[: len(rows)])
        first = profits.argmin(axis=1)
        at = np.arange(len(rows))
        least = profits[at, first].astype(np.float64)
        near = least + 2.0 * error[start : start + len(rows)]
        worst[start : start + len(rows)] = (rows * scenarios[first]).sum(axis=1)
        which[start : start + len(rows)] = first
        profits[at, first] = np.inf
        for row in np.flatnonzero(profits.min(axis=1) <= near):
            rivals = np.flatnonzero(profits[row] <= near[row])
            chosen = np.sort(np.append(rivals, first[row]))
            exact = (exposures[start + row] * scenarios[chosen]).sum(axis=1)
            place = int(exact.argmin())
            worst[start + row], which[start + row] = exact[place], chosen[place]
    return worst, which


def exposure_matrix(accounts: Sequence[Sequence[tuple[int, float]]], instruments: int) -> Floats:
    """
    Accounts × instruments from lists of (instrument, exposure); several entries of one instrument add.

    Raises:
        BadInput: An instrument that is not there.
    """
    made = np.zeros((len(accounts), instruments))
    for row, positions in enumerate(accounts):
        for instrument, exposure in positions:
            if not 0 <= instrument < instruments:
                raise BadInput("instrument", f"0 to {instruments - 1}", instrument)
            made[row, instrument] += exposure
    return made
