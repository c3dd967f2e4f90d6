"""What every position would require in each mode, so that one sees what switching does.

Isolated: alone, by rules. Cross: what it adds to its pool by rules. Portfolio: what it adds by scenarios to all the
others (below zero for a hedge), and what it would need by scenarios alone.

Source: margin reference, section 5.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from verifier.errors import BadInput
from verifier.margin.fixed import Usd
from verifier.margin.haircut import PriceView, view_price
from verifier.margin.instruments import Option
from verifier.margin.models.from_snapshot import Setting
from verifier.margin.models.options import weigh_options
from verifier.margin.modes import Mode
from verifier.margin.portfolio import PricedPool, price_pool
from verifier.margin.positions import PositionValue
from verifier.margin.report import Figures, weigh_pools
from verifier.margin.rules import MarginRules
from verifier.margin.snapshot import Position, Snapshot
from verifier.margin.status import worst
from verifier.policy import Policy
from verifier.primitives import Timestamp


@dataclass(frozen=True, slots=True)
class Needs:
    """Initial and maintenance, in 1e-18 USD."""

    initial: Usd
    maintenance: Usd


@dataclass(frozen=True, slots=True)
class ByMode:
    """One position under each mode; None where it cannot be marked.

    Attributes:
        portfolio: What the whole portfolio would need less without it.
        alone: What it would need by scenarios with nothing beside it.
    """

    id: str
    isolated: Needs | None
    cross: Needs | None
    portfolio: Needs | None
    alone: Needs | None


@dataclass(frozen=True, slots=True)
class ModeTotal:
    """The whole account under one mode: sums over its pools, and the worst status."""

    mode: Mode
    equity: Usd
    initial: Usd
    maintenance: Usd
    status: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """Every mode, for the account and for each position."""

    totals: tuple[ModeTotal, ...]
    positions: tuple[ByMode, ...]


def compare_modes(figures: Figures, policy: Policy, rules: MarginRules) -> Comparison:
    """The account under each mode; without positions the modes differ in their pools alone."""
    taken = figures.snapshot
    totals = tuple(_total(taken, policy, rules, mode) for mode in Mode)
    if not taken.positions:
        return Comparison(totals, ())
    values = {value.position.id: value for value in figures.positions}
    names = sorted({part.group for part in taken.lines} | {position.group for position in taken.positions})
    views = {name: view_price(name, taken.quotes.get(name), taken.as_of, rules) for name in names}
    setting = Setting(taken, views, rules)
    try:
        pool = price_pool(taken.positions, values, (), setting)
        whole = pool.required(lambda _: True)
    except BadInput:  # beyond any figure that can be true: the account is indeterminate, and says why
        return Comparison(totals, tuple(ByMode(p.id, None, None, None, None) for p in taken.positions))
    savings = _savings(taken, views, rules)
    return Comparison(totals, tuple(_position(value, pool, whole, savings) for value in figures.positions))


def _total(taken: Snapshot, policy: Policy, rules: MarginRules, mode: Mode) -> ModeTotal:
    pools = weigh_pools(taken, policy, rules, mode)
    return ModeTotal(
        mode,
        Usd(sum(pool.known_low.equity for pool in pools)),
        Usd(sum(pool.known_low.initial for pool in pools)),
        Usd(sum(pool.known_low.maintenance for pool in pools)),
        worst(tuple(pool.status for pool in pools)).value,
    )


def _savings(taken: Snapshot, views: Mapping[str, PriceView], rules: MarginRules) -> dict[str, tuple[int, int]]:
    """What an expiry's bounded loss saves, by option: with all of them, less without it."""
    sets: dict[tuple[str, Timestamp], list[Position]] = {}
    for held in taken.positions:
        if isinstance(held.terms, Option):
            sets.setdefault((held.group, held.terms.expiry), []).append(held)
    saved: dict[str, tuple[int, int]] = {}
    for legs in sets.values():
        whole = _relief(legs, taken, views, rules)
        for leg in legs:
            rest = _relief([other for other in legs if other.id != leg.id], taken, views, rules)
            saved[leg.id] = (whole[0] - rest[0], whole[1] - rest[1])
    return saved


def _relief(
    legs: Sequence[Position], taken: Snapshot, views: Mapping[str, PriceView], rules: MarginRules
) -> tuple[int, int]:
    reliefs = weigh_options(legs, taken, views, rules)[1]
    return sum(r.low.initial for r in reliefs), sum(r.low.maintenance for r in reliefs)


def _position(
    value: PositionValue, pool: PricedPool, whole: tuple[Usd, Usd], savings: dict[str, tuple[int, int]]
) -> ByMode:
    name = value.position.id
    if value.notional is None:
        return ByMode(name, None, None, None, None)
    alone = Needs(value.low.initial, value.low.maintenance)
    off = savings.get(name, (0, 0))
    cross = Needs(Usd(alone.initial + off[0]), Usd(alone.maintenance + off[1]))
    rest = pool.required(lambda other: other != name)
    added = Needs(Usd(whole[0] - rest[0]), Usd(whole[1] - rest[1]))
    return ByMode(name, alone, cross, added, Needs(*pool.required(lambda other: other == name)))
