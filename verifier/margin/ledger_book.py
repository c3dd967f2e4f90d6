"""What of a pool does not change while closures are tried on it: its curves, its cells, and what they trade into.

Source: margin reference, section 12.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from verifier.margin.cells import Cell
from verifier.margin.curves import LineCurve, PerpCurve
from verifier.margin.group_curve import GroupCurve
from verifier.margin.liquidation_steps import Trading
from verifier.margin.models.impact import Impact
from verifier.margin.parts import burdened
from verifier.margin.rules import Floor
from verifier.margin.snapshot import Line
from verifier.margin.trial import Scales, Trial
from verifier.policy import PPM


class Market(NamedTuple):
    """What a part is traded into.

    Attributes:
        rate: Charged on what is traded, in ppm: a fee on positions, a bonus on holdings.
    """

    group: str
    rate: int
    impact: Impact


CellKey = tuple[str, int]
"""A cell's group, and its place there."""


@dataclass(frozen=True, slots=True)
class OptionPart:
    """An option as it is traded: what it needs is its cell's."""

    id: str
    size: int
    unit: int

    def worth(self, units: int, price: int) -> int:
        """What units of it trade for: their underlying, in 1e-18 USD, rounded up."""
        return -(-units * price // self.unit)


@dataclass(frozen=True, slots=True)
class Book:
    """What does not change while closures are tried.

    Attributes:
        curves: By asset group.
        markets: Of each line and position, by id.
        sized: Every position, in the snapshot's order; `perps` those that stand by themselves.
        cells: What is weighed together; `tied` the cells that hang on a position's size.
        orders: Cells of resting orders, by id.
        held: Its lines, in order of ids.
        debts: Curves of debts, the heaviest weight first, then by id: the order in which proceeds repay them.
        floor: None where nothing of the pool burdens it.
    """

    curves: Mapping[str, GroupCurve]
    markets: Mapping[str, Market]
    sized: Mapping[str, PerpCurve | OptionPart]
    perps: Mapping[str, PerpCurve]
    cells: Mapping[CellKey, Cell]
    tied: Mapping[str, tuple[CellKey, ...]]
    orders: Mapping[str, CellKey]
    lines: Mapping[str, LineCurve]
    debts: tuple[LineCurve, ...]
    held: Mapping[str, Line]
    trading: Trading
    floor: Floor | None


def book_of(scales: Scales, trial: Trial, pool: str, trading: Trading) -> Book | None:
    """What of a pool closures are tried on; None where a part of it has no curve."""
    snapshot = trial.snapshot
    if not scales.adds_up(snapshot) or snapshot.doubts or (scales.floored and snapshot.orders):
        # A floor that stands for resting orders alone falls with them.
        return None
    curves: dict[str, GroupCurve] = {}
    for group, bucket in scales.buckets(snapshot).items():
        if not scales.one_pool and pool not in bucket.pockets:
            continue
        curve = scales.curve(snapshot, bucket, pool)
        if curve is None:
            return None
        curves[group] = curve
    lines = {line.id: line for curve in curves.values() for line in curve.lines}
    sized: dict[str, PerpCurve | OptionPart] = {}
    factors = scales.setting.policy.factors
    markets: dict[str, Market] = {}
    for group, curve in curves.items():
        charged, impact = trading.charge(group), trading.impact(group)
        parts = {perp.id: perp for perp in curve.perps} | _options(curve)
        markets |= dict.fromkeys([line.id for line in curve.lines], Market(group, charged.bonus, impact))
        markets |= dict.fromkeys(parts, Market(group, charged.fee, impact))
        sized |= parts
    cells = {(group, n): cell for group, curve in curves.items() for n, cell in enumerate(curve.cells)}

    def weight(debt: LineCurve) -> int:
        group = markets[debt.id].group
        return factors[group].debt_weight_maintenance if group in factors else PPM

    debts = sorted((line for line in lines.values() if line.debt), key=lambda debt: (-weight(debt), debt.id))
    under = scales.floored and pool in burdened(snapshot, scales.setting.mode)
    in_order = {p.id: sized[p.id] for p in snapshot.positions if p.id in sized}
    return Book(
        curves=curves,
        markets=markets,
        sized=in_order,
        perps={part: perp for part, perp in in_order.items() if isinstance(perp, PerpCurve)},
        cells=cells,
        tied=_tied(cells),
        orders={order: key for key, cell in cells.items() for order in cell.orders},
        lines=lines,
        debts=tuple(debts),
        held={x.id: x for x in sorted(snapshot.lines, key=lambda line: line.id) if x.id in lines},
        trading=trading,
        floor=scales.setting.rules.floor if under else None,
    )


def _options(curve: GroupCurve) -> dict[str, PerpCurve | OptionPart]:
    return {name: OptionPart(name, p.size, 10**p.decimals) for name, p in (curve.options or {}).items()}


def _tied(cells: Mapping[CellKey, Cell]) -> dict[str, tuple[CellKey, ...]]:
    found: dict[str, tuple[CellKey, ...]] = {}
    for key, cell in cells.items():
        for part in cell.parts:
            found[part] = (*found.get(part, ()), key)
    return found
