"""How risks are grouped before they are added: one pool, or pockets that stand alone.

Source: margin reference, section 5.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from verifier.margin.declared import CROSS
from verifier.margin.snapshot import Line, Order, Position, Snapshot


class Mode(StrEnum):
    """Whose loss may fall on whom."""

    CROSS = "cross"
    """One pool: pocket names are labels only."""
    ISOLATED = "isolated"
    """Each named pocket has its own collateral; the rest is the cross pool. Neither supports the other."""
    PORTFOLIO = "portfolio"
    """One pool, whose positions are weighed together by scenarios."""
    MIXED = "mixed"
    """Pockets as in isolated mode; in each, positions that say so are weighed together by scenarios."""

    @property
    def is_pooled(self) -> bool:
        """Whether pocket names are labels only."""
        return self in (Mode.CROSS, Mode.PORTFOLIO)

    def nets(self, position: Position) -> bool:
        """Whether a position is weighed by scenarios together with the others of its pool."""
        return self is Mode.PORTFOLIO or (self is Mode.MIXED and position.portfolio)


@dataclass(frozen=True, slots=True)
class Pocket:
    """What stands or falls together."""

    name: str
    lines: tuple[Line, ...]
    positions: tuple[Position, ...]
    orders: tuple[Order, ...] = ()


def pockets(snapshot: Snapshot, mode: Mode) -> tuple[Pocket, ...]:
    """The pools of an account, the cross pool first, then pockets by name."""
    if mode.is_pooled:
        return (Pocket(CROSS, snapshot.lines, snapshot.positions, snapshot.orders),)
    lines: dict[str, list[Line]] = {CROSS: []}
    positions: dict[str, list[Position]] = {}
    for line in snapshot.lines:
        lines.setdefault(line.pocket, []).append(line)
    for position in snapshot.positions:
        positions.setdefault(position.pocket, []).append(position)
    orders: dict[str, list[Order]] = {}
    for order in snapshot.orders:
        orders.setdefault(order.pocket, []).append(order)
    names = sorted(lines.keys() | positions.keys() | orders.keys())
    return tuple(
        Pocket(name, tuple(lines.get(name, ())), tuple(positions.get(name, ())), tuple(orders.get(name, ())))
        for name in names
    )
