"""Euler allocation: whose requirement, whose risk; by part, and summed by asset, network and protocol.

A measure that is homogeneous of degree one is the sum of `w·∂R/∂w` over its parts. Rule-based requirements are
allocated exactly: a position carries its own, and the haircut or weight of an asset group is shared by its lines in
proportion to their signed values, so that a debt which nets a holding away has a contribution below zero: a hedge,
shown as one. Positions that are weighed together by scenarios are allocated by what a sliver less of each would free.
What integer division, a floor or curvature leaves is spread over the positions, so sums are exact.

Source: margin reference, section 14; Tasche 1999 and 2008.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from verifier.margin.contagion_nodes import network_of
from verifier.margin.fixed import ZERO, Usd, credit
from verifier.margin.instruments import InversePerp
from verifier.margin.models.portfolio_risk import Shares, expected_shortfall_shares, sigma_shares
from verifier.margin.report import PocketReport, weigh_pools
from verifier.margin.risk import Risk
from verifier.margin.snapshot import Line, Position, Snapshot
from verifier.margin.trial import Setting, Trial

SLIVER: Final = 1_024
"""A position's marginal requirement is measured by this part of it less."""


class Measure(StrEnum):
    """What is allocated."""

    INITIAL = "initial"
    MAINTENANCE = "maintenance"
    SIGMA = "sigma"
    """Standard deviation of the money value over the horizon, from past returns."""
    SHORTFALL = "expected-shortfall"
    """Expected shortfall of the money value under past joint moves."""


@dataclass(frozen=True, slots=True)
class Contribution:
    """One part's share of a measure.

    Attributes:
        alone: The measure of the part by itself; None where it has none.
    """

    part: str
    group: str
    network: str
    protocol: str
    share: Usd
    alone: Usd | None = None

    @property
    def hedges(self) -> bool:
        """It lowers the measure."""
        return self.share < 0


@dataclass(frozen=True, slots=True)
class Allocation:
    """Contributions that sum to the measure.

    Attributes:
        residual: Total less the sum of the contributions; 0 for requirements.
        note: Why there is nothing to allocate, where there is not.
    """

    measure: Measure
    pool: str
    total: Usd
    contributions: tuple[Contribution, ...]
    note: str = ""

    @property
    def residual(self) -> Usd:
        """What the contributions leave over."""
        return Usd(self.total - sum(c.share for c in self.contributions))

    @property
    def diversification(self) -> Usd | None:
        """Σ of the parts alone, less the whole; None where a part has no figure of its own."""
        alone = [c.alone for c in self.contributions]
        known = [a for a in alone if a is not None]
        return Usd(sum(known) - self.total) if len(known) == len(alone) else None

    def by(self, key: Callable[[Contribution], str]) -> dict[str, Usd]:
        """Summed by asset, network or protocol, in order of names."""
        sums: dict[str, Usd] = {}
        for contribution in self.contributions:
            name = key(contribution)
            sums[name] = Usd(sums.get(name, 0) + contribution.share)
        return dict(sorted(sums.items()))


def allocate(setting: Setting, trial: Trial, measure: Measure, level: int = 990_000) -> tuple[Allocation, ...]:
    """
    Allocate a measure within every pool that has a low figure.

    Args:
        level: Of the expected shortfall, in ppm.
    """
    made = weigh_pools(trial.snapshot, setting.policy, setting.rules, setting.mode)
    known = [pool for pool in made if pool.low is not None]
    if measure in (Measure.INITIAL, Measure.MAINTENANCE):
        return tuple(_of_requirement(setting, trial.snapshot, pool, measure) for pool in known)
    return tuple(_of_statistic(trial, pool, measure, level) for pool in known)


def _of_requirement(setting: Setting, snapshot: Snapshot, pool: PocketReport, measure: Measure) -> Allocation:
    def taken(risk: Risk) -> int:
        return risk.initial if measure is Measure.INITIAL else risk.maintenance

    total = Usd(taken(pool.known_low))
    parts: list[tuple[Line | Position, int, int]] = []
    for group in pool.groups:
        lines = [value for value in pool.lines if value.line.group == group.group]
        weights = [value.known_low for value in lines]
        shares = shared(taken(group.low), weights)
        alone = [_alone(setting, snapshot, value.line, measure) for value in lines]
        parts += [(v.line, share, own) for v, share, own in zip(lines, shares, alone, strict=True)]
    for value in pool.positions:
        alone_too = taken(value.low)
        nets = setting.mode.nets(value.position)
        share = _marginal(setting, snapshot, pool, value.position, measure) if nets else alone_too
        parts.append((value.position, share, alone_too))
    found = [_contribution(part, Usd(share), Usd(own)) for part, share, own in parts]
    rest = total - sum(c.share for c in found)
    # The floor, the relief of bounded losses and netted scenarios belong to the positions together.
    return Allocation(measure, pool.name, total, tuple(_with_rest(found, rest, pool)))


def _marginal(setting: Setting, snapshot: Snapshot, pool: PocketReport, position: Position, measure: Measure) -> int:
    """`w·∂R/∂w` of a position weighed by scenarios, from a sliver less of it: its loss in the worst one, and its part
    in contingencies; below zero for what it hedges.
    """
    sliver = max(1, abs(position.size) // SLIVER)
    less = replace(position, size=position.size - (sliver if position.size > 0 else -sliver))
    changed = tuple(less if p.id == position.id else p for p in snapshot.positions)
    made = weigh_pools(replace(snapshot, positions=changed), setting.policy, setting.rules, setting.mode)
    after = next(found.known_low for found in made if found.name == pool.name)
    name = "initial" if measure is Measure.INITIAL else "maintenance"
    return credit((getattr(pool.known_low, name) - getattr(after, name)) * abs(position.size), sliver)


def _alone(setting: Setting, snapshot: Snapshot, line: Line, measure: Measure) -> int:
    only = replace(snapshot, lines=(line,), positions=(), orders=(), doubts=())
    rules = replace(setting.rules, floor=type(setting.rules.floor)())
    risk = weigh_pools(only, setting.policy, rules, setting.mode)
    chosen = next((pool.known_low for pool in risk if pool.lines), Risk())
    return chosen.initial if measure is Measure.INITIAL else chosen.maintenance


def _with_rest(found: list[Contribution], rest: int, pool: PocketReport) -> list[Contribution]:
    """Spread what only the whole requires, or is relieved of, over the positions by their own requirement."""
    if rest == 0:
        return found
    positions = {value.position.id for value in pool.positions}
    chosen = [n for n, c in enumerate(found) if c.part in positions] or list(range(len(found)))
    weights = [found[n].share for n in chosen]
    for n, more in zip(chosen, shared(rest, weights), strict=True):
        found[n] = replace(found[n], share=Usd(found[n].share + more))
    return found


def shared(total: int, weights: Sequence[int]) -> list[int]:
    """A total in proportion to signed weights, exactly: the rest of the divisions goes to the heaviest, then the first.

    Weights that cancel out share by their sizes, and weights of nothing share alike.
    """
    whole = sum(weights)
    if whole == 0:
        weights = [abs(weight) for weight in weights] if any(weights) else [1] * len(weights)
        whole = sum(weights)
    if not weights:
        return []
    parts = [credit(total * weight, whole) for weight in weights]
    heaviest = max(range(len(weights)), key=lambda n: (abs(weights[n]), -n))
    parts[heaviest] += total - sum(parts)
    return parts


def exposures(trial: Trial, pool: PocketReport) -> list[tuple[Line | Position, Usd]]:
    """Signed value of each part at its mark: what a relative move of its asset is multiplied with."""
    found: list[tuple[Line | Position, Usd]] = [(v.line, ZERO if v.gross is None else v.gross) for v in pool.lines]
    for worth in pool.positions:
        position, price = worth.position, trial.price(worth.position.group) or 0
        found.append((position, _exposure(position, price)))
    return [(part, usd) for part, usd in found if usd]


def _exposure(position: Position, price: int) -> Usd:
    """Signed: of an inverse perpetual `n·m·P/entry`, what its profit in money gains when the price doubles."""
    per_unit, parts = price, 10**position.decimals
    if isinstance(position.terms, InversePerp):
        per_unit, parts = position.terms.multiplier * price, parts * max(1, position.entry)
    return Usd(credit(position.size * per_unit, parts))


def _of_statistic(trial: Trial, pool: PocketReport, measure: Measure, level: int) -> Allocation:
    parts = exposures(trial, pool)
    returns = trial.snapshot.returns
    unknown = sorted({part.group for part, _ in parts} - returns.keys())
    empty = Allocation(measure, pool.name, ZERO, ())
    if not parts or unknown:
        return replace(empty, note=f"no past returns of {', '.join(unknown)}" if unknown else "nothing at risk")
    if len(next(iter(returns.values()))) < 2:
        return replace(empty, note="fewer than two past returns")
    columns = [returns[part.group] for part, _ in parts]
    money = [usd for _, usd in parts]
    found: Shares = (
        sigma_shares(money, columns) if measure is Measure.SIGMA else expected_shortfall_shares(money, columns, level)
    )
    made = [
        _contribution(part, share, alone)
        for (part, _), share, alone in zip(parts, found.shares, found.alone, strict=True)
    ]
    return Allocation(measure, pool.name, found.total, tuple(made))


def _contribution(part: Line | Position, share: Usd, alone: Usd) -> Contribution:
    return Contribution(part.id, part.group, network_of(part), part.protocol, share, alone)


def summary(made: Allocation) -> Mapping[str, Mapping[str, Usd]]:
    """By asset, network and protocol."""
    return MappingProxyType(
        {
            "asset": made.by(lambda c: c.group),
            "network": made.by(lambda c: c.network),
            "protocol": made.by(lambda c: c.protocol),
        }
    )
