"""The portfolio requirement: the worst of the scenarios and of basis, with contingencies, over all underlyings.

    IM = max(floor, minimum, f_I·|worst| + contingencies_I),  MM likewise with f_M

What someone typed in may burden and never relieve: the requirement is the larger of that of everything and that of
what is proven.

Source: margin reference, sections 7.5 and 7.6.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import fsum, sqrt
from typing import Final

from verifier.margin.models.book import Book, Linear, OptionLeg
from verifier.margin.models.matrix import Keep, UnderlyingFigures, figures
from verifier.margin.models.offsets import Leg, Pairs, combine
from verifier.margin.models.shocks import PricedUnderlying, price_underlying
from verifier.margin.scenario import Contingency, ContingencyRules, OffsetMethod, ScenarioRules

BASIS: Final = -1
"""In the place of a scenario's index: the basis loss was the worst."""


@dataclass(frozen=True, slots=True)
class Priced:
    """A book under all scenarios of its rules: what every subset is weighed from; `full` is each underlying whole."""

    book: Book
    rules: ScenarioRules
    underlyings: tuple[PricedUnderlying, ...]
    pairs: Pairs
    full: tuple[UnderlyingFigures, ...]


@dataclass(frozen=True, slots=True)
class PortfolioFigures:
    """Figures in USD, not rounded.

    Attributes:
        loss: The worst, at least zero; `scenario` is its index, or `BASIS`.
        losses: By scenario, after offsets.
        contingencies: Initial and maintenance, those that are not zero.
        declared: True where leaving out what nobody proved gave the larger requirement.
    """

    initial: float
    maintenance: float
    loss: float
    scenario: int
    losses: tuple[float, ...]
    basis: float
    contingencies: dict[Contingency, tuple[float, float]]
    credits: tuple[tuple[str, float], ...]
    underlyings: tuple[UnderlyingFigures, ...]
    proven_only: bool = False


def price_book(book: Book, rules: ScenarioRules, pairs: Pairs | None = None) -> Priced:
    """Reprice a book once."""
    priced = tuple(price_underlying(u, rules) for u in book.underlyings)
    return Priced(book, rules, priced, pairs or {}, tuple(figures(u, rules, everything) for u in priced))


def everything(_: Linear | OptionLeg) -> bool:
    """Keeps all."""
    return True


def requirement(priced: Priced, keep: Keep = everything) -> PortfolioFigures:
    """What the kept part asks for."""
    whole = _requirement(priced, keep)
    legs = [leg for u in priced.book.underlyings for leg in _legs(u.linears, u.expiries)]
    if not any(leg.proven and keep(leg) for leg in legs) or all(leg.proven for leg in legs):
        return whole
    proven = _requirement(priced, lambda leg: leg.proven and keep(leg))
    if proven.initial <= whole.initial and proven.maintenance <= whole.maintenance:
        return whole
    larger = proven if proven.initial > whole.initial else whole
    return replace(
        larger,
        initial=max(whole.initial, proven.initial),
        maintenance=max(whole.maintenance, proven.maintenance),
        proven_only=True,
    )


def _legs(linears: Sequence[Linear], expiries: Sequence[object]) -> list[Linear | OptionLeg]:
    options = [leg for expiry in expiries for leg in getattr(expiry, "options", ())]
    return [*linears, *options]


def _requirement(priced: Priced, keep: Keep) -> PortfolioFigures:
    rules = priced.rules
    found = [_figures(u, whole, rules, keep) for u, whole in zip(priced.underlyings, priced.full, strict=True)]
    legs = [Leg(f.name, tuple(-p for p in f.profits), f.delta_notional) for f in found]
    combined = combine(legs, rules.offsets, priced.pairs)
    basis = -fsum(f.basis for f in found)
    scenario, loss = _worst(combined.losses, basis, rules.offsets.method)
    charges = _contingencies(found, rules, loss, priced.book.peg)
    initial = fsum([float(rules.initial_factor) * loss, *(charge[0] for charge in charges.values())])
    maintenance = fsum([float(rules.maintenance_factor) * loss, *(charge[1] for charge in charges.values())])
    least = _minimum(fsum(f.minimum for f in found), initial, rules.contingencies)
    least_initial = max(least, float(rules.floor_initial) if legs else 0.0)
    least_maintenance = max(least, float(rules.floor_maintenance) if legs else 0.0)
    charges[Contingency.MINIMUM] = (max(0.0, least_initial - initial), max(0.0, least_maintenance - maintenance))
    return PortfolioFigures(
        initial=max(initial, least_initial),
        maintenance=max(maintenance, least_maintenance),
        loss=loss,
        scenario=scenario,
        losses=combined.losses,
        basis=basis,
        contingencies={name: charge for name, charge in charges.items() if charge != (0.0, 0.0)},
        credits=combined.credits,
        underlyings=tuple(found),
    )


def _figures(priced: PricedUnderlying, whole: UnderlyingFigures, rules: ScenarioRules, keep: Keep) -> UnderlyingFigures:
    """An underlying that is kept whole, or not at all, needs no second look."""
    kept = [keep(leg) for leg in _legs(priced.book.linears, priced.book.expiries)]
    if all(kept):
        return whole
    if not any(kept):
        return UnderlyingFigures(whole.name, (0.0,) * len(whole.profits), 0.0)
    return figures(priced, rules, keep)


def _worst(losses: Sequence[float], basis: float, method: OffsetMethod) -> tuple[int, float]:
    """The first scenario of the largest loss, in the order of the rules; basis only where it is larger."""
    index = max(range(len(losses)), key=lambda i: (losses[i], -i))
    if basis > losses[index]:
        return BASIS, max(0.0, basis)
    return (BASIS if method is OffsetMethod.CORRELATION else index), max(0.0, losses[index])


def _depeg(peg: float, rules: ContingencyRules) -> float:
    return max(0.0, float(rules.peg_threshold) - peg) * float(rules.peg_factor)


def _contingencies(
    found: Sequence[UnderlyingFigures], rules: ScenarioRules, loss: float, peg: float
) -> dict[Contingency, tuple[float, float]]:
    """Every contingency of every underlying; concentration grows an underlying's own worst loss."""
    initial, maintenance = float(rules.initial_factor), float(rules.maintenance_factor)
    charges: dict[Contingency, tuple[float, float]] = {}
    for name in Contingency:
        parts = [f.structural.get(name, (0.0, 0.0)) for f in found]
        charges[name] = (fsum(p[0] for p in parts), fsum(p[1] for p in parts))
        if rules.scaled:
            charges[name] = (initial * charges[name][1], maintenance * charges[name][1])
    extra = fsum(_concentrated(f, rules.contingencies) * -f.worst for f in found)
    charges[Contingency.CONCENTRATION] = (extra * initial, extra * maintenance)
    charges[Contingency.ORACLE] = (fsum(f.quality.get(Contingency.ORACLE, (0.0, 0.0))[0] for f in found), 0.0)
    structural = fsum(c[1] for c in charges.values()) / maintenance if rules.scaled and maintenance else 0.0
    charges[Contingency.DEPEG] = (_depeg(peg, rules.contingencies) * (loss + structural), 0.0)
    return charges


def _concentrated(found: UnderlyingFigures, rules: ContingencyRules) -> float:
    """`√(|exposure| / threshold) − 1`, where the exposure is beyond the threshold."""
    threshold = rules.concentration.get(found.name)
    if threshold is None or threshold <= 0:
        return 0.0
    return max(0.0, sqrt(abs(found.delta_notional) / float(threshold)) - 1.0)


def _minimum(shorts: float, raw: float, rules: ContingencyRules) -> float:
    """The larger of so much per short option and the tiers of the raw charge."""
    return max(shorts, tiered_charge(raw, [(float(a), float(b), float(c)) for a, b, c in rules.minimum_tiers]))


def tiered_charge(raw: float, tiers: Sequence[tuple[float, float, float]]) -> float:
    """The charge of the tier that a raw amount reaches: `charge + (raw − from)·slope`; 0 without tiers."""
    reached = [tier for tier in tiers if raw >= tier[0]]
    return reached[-1][1] + (raw - reached[-1][0]) * reached[-1][2] if reached else 0.0
