"""Losses that pass between holders: clearing of mutual claims, and fire sales of common assets.

Source: margin reference, section 13; Eisenberg and Noe 2001; Greenwood, Landier and Thesmar 2015.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from verifier.errors import BadInput

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Clearing:
    """What each node pays, and who pays less than it owes, in the round in which that was found.

    Attributes:
        payments: In the order of the nodes; at most what is owed.
        fallen: Defaulting nodes, first round first: the order in which failure spreads.
    """

    payments: tuple[float, ...]
    fallen: tuple[int, ...]


def clear(liabilities: Sequence[Sequence[float]], cash: Sequence[float]) -> Clearing:
    """
    The greatest clearing vector: every node pays what it owes or all that it has, pro rata.

    Fictitious default: all are assumed to pay, whoever cannot is in default, what the defaulters pay is solved for
    exactly, and so on until nobody new defaults: at most one round a node.

    Args:
        liabilities: `[i][j]` is what i owes j; none below zero, none to itself.
        cash: What each node has from outside; at least zero.
    """
    owed, own = _claims(liabilities, cash)
    total = owed.sum(axis=1)
    shares = np.divide(owed, total[:, None], out=np.zeros_like(owed), where=total[:, None] > 0)
    payments, fallen = total.copy(), np.zeros(len(total), dtype=bool)
    order: list[int] = []
    for _ in range(len(total) + 1):
        short = (own + shares.T @ payments < total * (1 - 1e-15)) & ~fallen
        if not short.any():
            break
        order += np.flatnonzero(short).tolist()
        fallen |= short
        payments = _solved(own, shares, total, fallen)
    return Clearing(tuple(float(p) for p in payments), tuple(order))


def _solved(own: Floats, shares: Floats, total: Floats, fallen: npt.NDArray[np.bool_]) -> Floats:
    """Payments where the fallen pay all they have and the others all they owe."""
    inside = shares[np.ix_(fallen, fallen)]
    outside = own[fallen] + shares[:, fallen].T @ np.where(fallen, 0.0, total)
    payments: Floats = total.copy()
    payments[fallen] = np.clip(np.linalg.lstsq(np.eye(len(inside)) - inside.T, outside, rcond=None)[0], 0, None)
    return np.minimum(payments, total)


def _claims(liabilities: Sequence[Sequence[float]], cash: Sequence[float]) -> tuple[Floats, Floats]:
    owed, own = np.asarray(liabilities, dtype=np.float64), np.asarray(cash, dtype=np.float64)
    if owed.ndim != 2 or owed.shape != (len(own), len(own)) or len(own) == 0:
        raise BadInput("liabilities", f"a square matrix for {len(own)} nodes", owed.shape)
    if not (np.isfinite(owed).all() and np.isfinite(own).all() and (owed >= 0).all() and (own >= 0).all()):
        raise BadInput("liabilities and cash", "finite and at least 0", "something else")
    if np.diag(owed).any():
        raise BadInput("liabilities", "none to itself", float(np.diag(owed).max()))
    return owed, own


@dataclass(frozen=True, slots=True)
class FireSale:
    """One round of selling after a shock.

    Attributes:
        direct: Return of each holder from the shock alone.
        trades: Net sales of each asset, in money; below zero is sold.
        effect: What that does to each asset's price.
        second: Return of each holder from the others' sales and its own.
    """

    direct: tuple[float, ...]
    trades: tuple[float, ...]
    effect: tuple[float, ...]
    second: tuple[float, ...]


def fire_sale(
    weights: Sequence[Sequence[float]],
    assets: Sequence[float],
    leverage: Sequence[float],
    impact: Sequence[float],
    shock: Sequence[float],
) -> FireSale:
    """
    First and second round of a shock to holders who sell back to their leverage.

    Args:
        weights: `[holder][asset]`, the part of its assets that it holds in each.
        leverage: Debt over equity.
        impact: Price effect of a unit of money sold, by asset.
    """
    held, worth = np.asarray(weights, dtype=np.float64), np.asarray(assets, dtype=np.float64)
    if held.ndim != 2 or held.shape != (len(worth), len(shock)) or len(leverage) != len(worth):
        raise BadInput("weights", f"{len(worth)} holders by {len(shock)} assets", held.shape)
    if len(impact) != len(shock):
        raise BadInput("impact", f"one for each of {len(shock)} assets", len(impact))
    direct = held @ np.asarray(shock, dtype=np.float64)
    trades = held.T @ (worth * np.asarray(leverage, dtype=np.float64) * direct)
    effect = np.asarray(impact, dtype=np.float64) * trades
    return FireSale(*(tuple(float(v) for v in found) for found in (direct, trades, effect, held @ effect)))
