"""What closing a whole pool costs at most: where equity covers that, no course of closures can end below zero.

A course closes each unit of a part once at most, so all that a group's trades are worth is bounded by the worth of the
group; and it trades a part once by its rank, then the group once as a share, once as a whole, and each holding once.
The marks stay between the two products of so many moves of that size, and what a part counts for is least at one end:
it rises with the mark, or falls with it. So nothing has to be carried out.

Source: margin reference, section 12.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from verifier.margin.fixed import Usd
from verifier.margin.group_curve import GroupCurve
from verifier.margin.ledger_book import Book
from verifier.margin.liquidation_steps import Trading
from verifier.margin.models.selling import farthest_marks, sale_cost
from verifier.margin.trial import Trial
from verifier.policy import PPM

BEYOND: Final = 2
"""Marks that might more than double have no bound here."""
ROUNDED: Final = 10**6
"""Each of a part's figures is rounded by a unit; a part has fewer than these, in 1e-18 USD."""


def leaves_nothing_unpaid(book: Book, trial: Trial, pool: str) -> bool:
    """Whether a pool's equity is above zero whatever is closed of it, in whatever order; False where it may not be."""
    left = trial.cash.get(pool, 0)
    for group, curve in book.curves.items():
        least = _least(group, curve, trial.price(group) or 0, book.trading)
        if least is None:
            return False
        left += least
    return left > 0


def _least(group: str, curve: GroupCurve, price: int, trading: Trading) -> int | None:
    """What a group counts for at least in the end, its trades paid; None where there is no bound."""
    if curve.dated:
        return None
    impact, charged = trading.impact(group), trading.charge(group)
    trades = 2 * len(curve.lines) + len(curve.perps) + 2
    marks = (price, price)
    if trading.moves_marks:
        marks = farthest_marks(impact, price, sum(_worths(curve, price * BEYOND)), trades)
    if marks[1] > min(price * BEYOND, curve.top):
        return None
    sold, traded = _worths(curve, marks[1])
    cost = sale_cost(impact, Usd(sold + traded)) + -(-(sold * charged.bonus + traded * charged.fee) // PPM)
    amounts = {line.id: line.amount for line in curve.lines}
    ends = [_counted(curve, mark, amounts) for mark in marks]
    worst: list[int] = [min(low, high) for low, high in zip(*ends, strict=True)]
    return sum(worst) - cost - ROUNDED * trades


def _worths(curve: GroupCurve, price: int) -> tuple[int, int]:
    """What its holdings and its positions trade for at most."""
    sold = sum(-(-line.amount * price // line.unit) for line in curve.lines if line.amount > 0)
    return sold, sum(perp.worth(abs(perp.size), price) for perp in curve.perps)


def _counted(curve: GroupCurve, price: int, amounts: Mapping[str, int]) -> list[int]:
    """What each part of it counts for in equity at a mark."""
    lines = [line.at(price, amounts[line.id])[0] for line in curve.lines]
    return lines + [perp.at(price, perp.size)[0] for perp in curve.perps]
