"""What a pool's requirement is made of, by name: parts that add up to it, and every contingency, also where it is zero.

Two contingencies are no part of what scenarios ask for, since they are charged on balances and not on positions:
`collateral`, the market haircuts of what is held, and `data`, by how much initial values take data for worse than
maintenance values do. Here they stand in one list with the others.

Source: margin reference, sections 4 and 7.5.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from verifier.margin.fixed import ZERO, Usd
from verifier.margin.report import PocketReport
from verifier.margin.risk import Risk
from verifier.margin.scenario import Contingency

Levels = tuple[Usd, Usd]
"""At initial and at maintenance level, in 1e-18 USD."""


@dataclass(frozen=True, slots=True)
class Composition:
    """The low figure of one pool; `collateral` to `floor` add up to `total`, at both levels.

    Attributes:
        collateral: Market haircuts on net holdings, those that hedge included.
        data: What initial values count less for trust and for a slow price average.
        debts: What weights add to net debts.
        together: What positions need that are weighed by scenarios, less the haircuts of what hedges them.
        by_rules: What the other positions need, less what bounded losses of their expiries save.
        orders: What resting orders may add.
        floor: What is missing to the least that an account must hold.
    """

    pool: str
    collateral: Levels
    data: Levels
    debts: Levels
    together: Levels
    by_rules: Levels
    orders: Levels
    floor: Levels
    total: Levels


def composition(pocket: PocketReport) -> Composition:
    """Take a pool's requirement apart."""
    held = [group.low for group in pocket.groups]
    haircuts = (
        Usd(sum(r.initial_haircut - r.data_contingency for r in held)),
        Usd(sum(r.maintenance_haircut for r in held)),
    )
    data = (Usd(sum(r.data_contingency for r in held)), ZERO)
    debts = (
        Usd(sum(r.initial - r.initial_haircut for r in held)),
        Usd(sum(r.maintenance - r.maintenance_haircut for r in held)),
    )
    together = _levels([] if pocket.portfolio is None else [pocket.portfolio.low])
    netted = frozenset(() if pocket.portfolio is None else pocket.portfolio.parts)
    alone = [v.low for v in pocket.positions if v.position.id not in netted]
    by_rules = _levels([*alone, *(relief.low for relief in pocket.reliefs)])
    orders = _levels([order.risk for order in pocket.orders])
    total = (pocket.known_low.initial, pocket.known_low.maintenance)
    named = (haircuts, data, debts, together, by_rules, orders)
    floor = (Usd(total[0] - sum(p[0] for p in named)), Usd(total[1] - sum(p[1] for p in named)))
    return Composition(pocket.name, *named, floor, total)


def _levels(risks: Iterable[Risk]) -> Levels:
    found = list(risks)
    return Usd(sum(r.initial for r in found)), Usd(sum(r.maintenance for r in found))


def contingencies(pocket: PocketReport, parts: Composition) -> Mapping[str, Levels]:
    """Every contingency of the margin reference by name, zero where it is not charged, in the reference's order."""
    charged = {} if pocket.portfolio is None else pocket.portfolio.contingencies
    found = {name.value: charged.get(name.value, (ZERO, ZERO)) for name in Contingency}
    found[Contingency.COLLATERAL.value] = parts.collateral
    found[Contingency.DATA.value] = parts.data
    return MappingProxyType(found)
