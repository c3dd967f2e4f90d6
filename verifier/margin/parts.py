"""Sums of risk by pool: what a group adds to each, and where the floor stands.

Source: margin reference, sections 4 and 5.
"""

from __future__ import annotations

from dataclasses import dataclass

from verifier.margin.fixed import Usd
from verifier.margin.modes import Mode
from verifier.margin.report import PocketReport
from verifier.margin.risk import NO_RISK, Risk
from verifier.margin.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Part:
    """A pool's part in a sum."""

    name: str
    low: Risk = NO_RISK
    high: Risk = NO_RISK
    low_known: bool = True
    high_known: bool = True


def part_of(report: PocketReport) -> Part:
    """What a weighed pool is to a sum."""
    return Part(report.name, report.known_low, report.known_high, report.low_known, report.high_known)


def sum_of(name: str, parts: list[Part], *, sure: bool = True) -> Part:
    """All parts of one pool together."""
    return Part(
        name,
        total_of([part.low for part in parts]),
        total_of([part.high for part in parts]),
        sure and all(part.low_known for part in parts),
        sure and all(part.high_known for part in parts),
    )


def total_of(risks: list[Risk]) -> Risk:
    """The same as `risk.total`, a figure at a time: what-ifs add up thousands of risks."""
    return Risk(
        Usd(sum([r.equity for r in risks])),
        Usd(sum([r.initial for r in risks])),
        Usd(sum([r.maintenance for r in risks])),
        Usd(sum([r.initial_haircut for r in risks])),
        Usd(sum([r.data_contingency for r in risks])),
        Usd(sum([r.maintenance_haircut for r in risks])),
        Usd(sum([r.weighted for r in risks])),
        Usd(sum([r.owed for r in risks])),
    )


def burdened(snapshot: Snapshot, mode: Mode) -> frozenset[str]:
    """Pools with a debt or a position, on which the floor stands."""
    names = [line.pocket for line in snapshot.lines if line.liability]
    names += [position.pocket for position in snapshot.positions]
    names += [order.pocket for order in snapshot.orders]
    return frozenset("" for _ in names) if mode.is_pooled else frozenset(names)
