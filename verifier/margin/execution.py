"""A plan carried out over time, where the deadline permits: by asset, what is sold when, and what that is worth.

Source: margin reference, section 12.4.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from verifier.margin.fixed import Usd, charge, value
from verifier.margin.liquidation import Plan
from verifier.margin.liquidation_price import of_pool
from verifier.margin.liquidation_steps import Act
from verifier.margin.models.execution import AVERSION, Pace, pace
from verifier.margin.positions import notional
from verifier.margin.snapshot import Position, Snapshot
from verifier.margin.trial import Scales


@dataclass(frozen=True, slots=True)
class Schedule:
    """What of one asset is traded.

    Attributes:
        whole: True where the plan has nothing to do, and everything open in the asset is taken instead.
        pace: How; None where the asset has no depth.
    """

    pool: str
    group: str
    value: Usd
    whole: bool
    pace: Pace | None


def schedules(scales: Scales, made: Plan, seconds: int, aversion: int = AVERSION) -> tuple[Schedule, ...]:
    """
    The trades of a plan, or of closing every position where it has none, each spread over a time.

    Args:
        aversion: To risk, in 1e-12 for each dollar (`models.execution.AVERSION`).

    Raises:
        BadInput: As `models.execution.pace` says.
    """
    taken = made.start.snapshot
    traded = _traded(made)
    whole = not traded
    if whole:
        traded = _worth(of_pool(taken, made.pool, scales).positions, taken)
    return tuple(
        Schedule(made.pool, group, Usd(worth), whole, _pace(taken, group, worth, seconds, aversion))
        for group, worth in sorted(traded.items())
        if worth > 0
    )


def _pace(taken: Snapshot, group: str, worth: int, seconds: int, aversion: int) -> Pace | None:
    depth = taken.depths.get(group)
    return None if depth is None else pace(Usd(worth), depth, seconds, aversion=aversion)


def _traded(made: Plan) -> dict[str, int]:
    """By asset, what the plan closes of positions and sells of holdings, at the marks before it."""
    left = {position.id: position.size for position in made.trial.snapshot.positions}
    closed = [replace(p, size=p.size - left.get(p.id, 0)) for p in made.start.snapshot.positions]
    found = _worth(closed, made.start.snapshot)
    held = {line.id: line for line in made.start.snapshot.lines}
    for step in made.steps:
        if step.closure.act is Act.SELL:
            line = held[step.closure.part]
            price = _price(made.start.snapshot, line.group)
            sold = charge(*value(step.closure.amount, price, line.decimals))
            found[line.group] = found.get(line.group, 0) + sold
    return {group: worth for group, worth in found.items() if worth}


def _worth(positions: Iterable[Position], taken: Snapshot) -> dict[str, int]:
    found: dict[str, int] = {}
    for position in positions:
        gross = notional(position, _price(taken, position.group))
        found[position.group] = found.get(position.group, 0) + gross
    return found


def _price(taken: Snapshot, group: str) -> int:
    quote = taken.quotes.get(group)
    return 0 if quote is None else max(0, quote.price)
