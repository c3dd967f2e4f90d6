"""`xmargin margin --liquidate --over TIME`: the plan's trades spread over a time."""

from __future__ import annotations

from collections.abc import Sequence

from verifier.app.risk_sections import RiskOptions, pool_name, usd
from verifier.app.what_if import Grid
from verifier.margin.execution import Schedule, schedules
from verifier.margin.liquidation import Plan
from verifier.margin.trial import Scales


def paced(scales: Scales, plans: Sequence[Plan], options: RiskOptions) -> list[Schedule]:
    """Every pool's schedules, where a time was given."""
    if options.over is None:
        return []
    return [one for found in plans for one in schedules(scales, found, options.over, options.aversion)]


def schedule_grids(found: Sequence[Schedule]) -> list[Grid]:
    """What each asset's trade costs at its pace and at an even one; then what is left after each part of the time."""
    heads = ("pool", "asset", "trade>", "", "half gone in>", "expected cost>", "± >", "even pace>", "± >")
    return [Grid("Carried out over time", heads, tuple(map(_row, found))), *_left(found)]


def _row(one: Schedule) -> tuple[str, ...]:
    what = "everything open" if one.whole else "of the plan"
    first = (pool_name(one.pool), one.group, usd(one.value), what)
    pace = one.pace
    if pace is None:
        return (*first, "no depth", "-", "-", "-", "-")
    fade = "-" if pace.half_life is None or pace.half_life > pace.seconds else _clock(pace.half_life)
    return (
        *first, fade, usd(pace.cost.expected), usd(pace.cost.deviation), usd(pace.even.expected),
        usd(pace.even.deviation),
    )  # fmt: skip


def _left(found: Sequence[Schedule]) -> list[Grid]:
    known = [(one, one.pace) for one in found if one.pace is not None]
    if not known:
        return []
    heads = ("after>", *(f"{pool_name(one.pool)} {one.group}>" for one, _ in known))
    count = len(known[0][1].left)
    rows = tuple(
        (_clock(known[0][1].seconds * n // (count - 1)), *(usd(pace.left[n]) for _, pace in known))
        for n in range(count)
    )
    return [Grid("What is left to trade", heads, rows)]


def _clock(seconds: int) -> str:
    """Hours, minutes and seconds."""
    return f"{seconds // 3_600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
