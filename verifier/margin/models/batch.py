"""Many accounts at once: scenario losses by blocked matrix products, a few megabytes whatever their number.

An account is a row of exposures by instrument; a scenario is a column of moves. The product of a block of rows with all
moves gives each account's profit under each scenario, of which the worst is kept. Floats are rounded against the
account on the way out, in units of 1e-8 USD.

A product's last digits may depend on the machine's linear algebra; each figure is charged a slack that is far beyond
that, then rounded up to the unit, so that figures are never in the account's favour.

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


@dataclass(frozen=True, slots=True)
class Worst:
    """For each account, in the order given: its worst loss in 1e-8 USD, at least 0, and which scenario it was."""

    losses: Ints
    scenarios: Ints

    def __len__(self) -> int:
        return len(self.losses)


def worst_losses(exposures: Floats, moves: Floats, block: int = BLOCK) -> Worst:
    """
    The worst loss of every account.

    Args:
        exposures: Accounts × instruments, USD gained for a move of 1.
        moves: Instruments × scenarios.
        block: Accounts at a time.

    Raises:
        BadInput: The shapes do not fit, or something is not finite.
    """
    if exposures.ndim != 2 or moves.ndim != 2 or exposures.shape[1] != moves.shape[0] or moves.shape[1] == 0:
        raise BadInput("exposures and moves", "accounts × n and n × scenarios", (exposures.shape, moves.shape))
    if not (np.isfinite(exposures).all() and np.isfinite(moves).all()):
        raise BadInput("exposures and moves", "finite numbers", "one that is not")
    count, scenarios = exposures.shape[0], moves.shape[1]
    worst = np.empty(count)
    which = np.empty(count, np.int64)
    room = np.empty((min(block, count) if count else 0, scenarios))
    for start in range(0, count, block):
        rows = exposures[start : start + block]
        profits = np.matmul(rows, moves, out=room[: len(rows)])
        found = profits.argmin(axis=1)
        which[start : start + len(rows)] = found
        worst[start : start + len(rows)] = profits[np.arange(len(rows)), found]
    # Against the account: the slack covers the error of any order of summation, then up to the unit.
    error = SLACK * (np.abs(exposures) @ np.abs(moves).max(axis=1))
    losses = np.maximum(0.0, -worst + error)
    if losses.size and float(losses.max()) > 9e10:
        raise BadInput("a loss", "at most 9·10^10 USD", float(losses.max()))
    return Worst(np.ceil(losses / UNIT).astype(np.int64), which)


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
