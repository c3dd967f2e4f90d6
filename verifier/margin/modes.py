"""How risks are grouped before they are added: one pool, or pockets that stand alone.

Source: margin reference, section 5.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from verifier.margin.declared import CROSS
from verifier.margin.snapshot import Line, Position, Snapshot


class Mode(StrEnum):
    """Whose loss may fall on whom."""

    CROSS = "cross"
    """One pool: pocket names are labels only."""
    ISOLATED = "isolated"
    """Each named pocket has its own collateral; the rest is the cross pool. Neither supports the other."""


@dataclass(frozen=True, slots=True)
class Pocket:
    """What stands or falls together."""

    name: str
    lines: tuple[Line, ...]
    positions: tuple[Position, ...]


def pockets(snapshot: Snapshot, mode: Mode) -> tuple[Pocket, ...]:
    """The pools of an account, the cross pool first, then pockets by name."""
    if mode is Mode.CROSS:
        return (Pocket(CROSS, snapshot.lines, snapshot.positions),)
    lines: dict[str, list[Line]] = {CROSS: []}
    positions: dict[str, list[Position]] = {}
    for line in snapshot.lines:
        lines.setdefault(line.pocket, []).append(line)
    for position in snapshot.positions:
        positions.setdefault(position.pocket, []).append(position)
    names = sorted(lines.keys() | positions.keys())
    return tuple(Pocket(name, tuple(lines.get(name, ())), tuple(positions.get(name, ()))) for name in names)
