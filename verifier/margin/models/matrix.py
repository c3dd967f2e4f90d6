"""One underlying's scenario losses, basis loss and contingencies, for any subset of its positions.

Sums run through `math.fsum`, which rounds once: no figure depends on the order of what it sums.

Source: margin reference, sections 7.1 and 7.5.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import fsum, sqrt

from verifier.margin.models.book import ExpiryBook, Linear, LinearKind, OptionLeg
from verifier.margin.models.shocks import YEAR, PricedExpiry, PricedUnderlying
from verifier.margin.scenario import Charge, Contingency, ContingencyRules, ScenarioRules

Keep = Callable[[Linear | OptionLeg], bool]
Amounts = Mapping[Contingency, tuple[float, float]]
"""Initial and maintenance charges by name, in USD."""


@dataclass(frozen=True, slots=True)
class UnderlyingFigures:
    """What one underlying asks for.

    Attributes:
        profits: Of every scenario, dampened; `basis` is the sum of the expiries' basis losses, at most zero.
        structural: Contingencies that a venue may put under its loss factor; `quality` those of doubtful data.
        minimum: The least that its short options ask for, before tiers.
    """

    name: str
    profits: tuple[float, ...]
    basis: float
    structural: Amounts = field(default_factory=dict)
    quality: Amounts = field(default_factory=dict)
    minimum: float = 0.0
    option_value: float = 0.0
    delta_notional: float = 0.0

    @property
    def worst(self) -> float:
        """The worst of scenarios and basis: at most zero."""
        return min(0.0, self.basis, *self.profits)


def figures(priced: PricedUnderlying, rules: ScenarioRules, keep: Keep) -> UnderlyingFigures:
    """What the kept part of an underlying asks for."""
    book = priced.book
    kept = [i for i, leg in enumerate(book.linears) if keep(leg)]
    linears = [book.linears[i] for i in kept]
    columns = [(e, [i for i, leg in enumerate(e.book.options) if keep(leg)]) for e in priced.expiries]
    columns = [(expiry, chosen) for expiry, chosen in columns if chosen]
    profits = [
        fsum(
            [fsum(priced.linears[s, i] for i in kept) * dampening]
            + [_profit(e, chosen, s, dampening, skew=bool(priced.skew[s])) for e, chosen in columns]
        )
        for s, dampening in enumerate(priced.dampening.tolist())
    ]
    basis = fsum([_basis(e, chosen) for e, chosen in columns] + _future_basis(priced, kept, rules))
    options = [(e.book, [e.book.options[i] for i in chosen]) for e, chosen in columns]
    return UnderlyingFigures(
        name=book.name,
        profits=tuple(profits),
        basis=min(0.0, basis),
        structural=_structural(priced, linears, options, rules.contingencies),
        quality={Contingency.ORACLE: (_oracle(priced, linears, options, rules.contingencies), 0.0)},
        minimum=float(rules.contingencies.minimum_per_short) * fsum(_shorts(legs) for _, legs in options),
        option_value=fsum(float(e.now[i]) for e, chosen in columns for i in chosen),
        delta_notional=fsum(_exposures(linears, options)),
    )


def _profit(expiry: PricedExpiry, chosen: list[int], s: int, dampening: float, *, skew: bool) -> float:
    shocked = fsum(float(expiry.shocked[s, i]) for i in chosen)
    now = fsum(float(expiry.now[i]) for i in chosen)
    factor = expiry.long_factor if shocked >= 0 else expiry.short_factor
    profit = (shocked * factor - now) * dampening
    return -abs(profit) if skew else profit


def _basis(expiry: PricedExpiry, chosen: list[int]) -> float:
    now = fsum(float(expiry.now[i]) for i in chosen)
    up = fsum(float(expiry.up[i]) for i in chosen) - now
    down = fsum(float(expiry.down[i]) for i in chosen) - now
    return min(up, down, 0.0) * expiry.basis_factor


def _future_basis(priced: PricedUnderlying, kept: list[int], rules: ScenarioRules) -> list[float]:
    """Futures of one expiry net with each other, and with nothing else."""
    by_expiry: dict[int, list[int]] = {}
    for i in kept:
        leg = priced.book.linears[i]
        if leg.kind is LinearKind.FUTURE and leg.expiry is not None:
            by_expiry.setdefault(leg.expiry, []).append(i)
    seconds = {e.expiry: e.seconds for e in priced.book.expiries}
    found = []
    for expiry, legs in sorted(by_expiry.items()):
        tau = max(seconds.get(expiry, 0.0), 0.0) / YEAR
        up, down = fsum(priced.futures_up[i] for i in legs), fsum(priced.futures_down[i] for i in legs)
        found.append(min(float(up), float(down), 0.0) * (float(rules.basis.add) + float(rules.basis.mult) * tau))
    return found


Options = list[tuple[ExpiryBook, list[OptionLeg]]]


def _structural(
    priced: PricedUnderlying, linears: list[Linear], options: Options, rules: ContingencyRules
) -> dict[Contingency, tuple[float, float]]:
    book = priced.book
    perps = fsum(leg.notional for leg in linears if leg.kind is LinearKind.PERP)
    futures = fsum(leg.notional for leg in linears if leg.kind is LinearKind.FUTURE)
    naked = fsum(_naked(legs) for _, legs in options) * book.spot
    held = [leg for leg in linears if leg.kind is LinearKind.COLLATERAL]
    haircut = fsum(leg.notional * leg.haircut for leg in held)
    added = fsum(leg.notional * leg.haircut_added for leg in held)
    delivery = float(rules.delivery_rate) * fsum(_delivered(e, legs, rules) * book.spot for e, legs in options)
    late = _latency(priced, linears, options, rules)
    return {
        Contingency.PERP: _charged(rules.perp, perps),
        Contingency.FUTURE: _charged(rules.future, futures),
        Contingency.SHORT_OPTION: _charged(rules.short_option, naked),
        Contingency.CALENDAR: _charged(rules.calendar, calendar_offset(linears)),
        Contingency.COLLATERAL: (haircut + added, haircut),
        Contingency.DELIVERY: (delivery, 0.0),
        Contingency.CONCENTRATION: (0.0, 0.0),
        Contingency.LATENCY: (late, late),
    }


def _charged(charge: Charge, notional: float) -> tuple[float, float]:
    maintenance = float(charge.maintenance) * notional
    return maintenance + float(charge.added_initial) * notional, maintenance


def calendar_offset(linears: list[Linear]) -> float:
    """What offsets across expiries of one underlying: perpetuals are one expiry, each future another; in USD."""
    by_expiry: dict[int, list[float]] = {}
    for leg in linears:
        if leg.kind is not LinearKind.COLLATERAL:
            by_expiry.setdefault(leg.expiry or 0, []).append(leg.notional if leg.exposure >= 0 else -leg.notional)
    nets = [fsum(legs) for _, legs in sorted(by_expiry.items())]
    return min(fsum(n for n in nets if n > 0), -fsum(n for n in nets if n < 0))


def _naked(legs: list[OptionLeg]) -> float:
    """Contracts that are short per strike after calls and puts net."""
    by_strike: dict[float, list[float]] = {}
    for leg in legs:
        by_strike.setdefault(leg.strike, []).append(leg.size)
    return fsum(max(0.0, -fsum(sizes)) for _, sizes in sorted(by_strike.items()))


def _shorts(legs: list[OptionLeg]) -> float:
    return fsum(max(0.0, -leg.size) for leg in legs)


def _delivered(expiry: ExpiryBook, legs: list[OptionLeg], rules: ContingencyRules) -> float:
    """Contracts, times how far the last days have come: 0 before them, 1 at expiry."""
    window = float(rules.delivery_days) * 86_400.0
    if window <= 0 or expiry.seconds >= window:
        return 0.0
    return fsum(abs(leg.size) for leg in legs) * (1.0 - max(expiry.seconds, 0.0) / window)


def _latency(priced: PricedUnderlying, linears: list[Linear], options: Options, rules: ContingencyRules) -> float:
    """One more move of `z·σ·√Δt` on what cannot be closed for Δt; legs of one latency net, others do not."""
    book = priced.book
    by_time: dict[float, list[float]] = {}
    for leg in linears:
        if leg.latency > 0 and leg.moves:
            by_time.setdefault(leg.latency, []).append(leg.exposure)
    for _, legs in options:
        for option in legs:
            if option.latency > 0:
                by_time.setdefault(option.latency, []).append(option.size * book.spot * (1 if option.call else -1))
    move = float(rules.latency_z) * book.volatility
    return fsum(move * sqrt(seconds / YEAR) * abs(fsum(sizes)) for seconds, sizes in sorted(by_time.items()))


def _oracle(priced: PricedUnderlying, linears: list[Linear], options: Options, rules: ContingencyRules) -> float:
    """`(1 − confidence)·factor·notional` below the threshold; a perpetual's doubt is its options' doubt too."""
    book, threshold = priced.book, float(rules.confidence_threshold)

    def doubt(confidence: float, notional: float) -> float:
        return (1.0 - confidence) * float(rules.confidence_factor) * notional if confidence < threshold else 0.0

    parts = [doubt(min(book.confidence, leg.confidence), leg.notional) for leg in linears]
    perps = [leg.confidence for leg in linears if leg.kind is LinearKind.PERP and leg.notional > 0]
    shared = min(book.confidence, *perps) if perps else book.confidence
    for expiry, legs in options:
        notional = fsum(abs(leg.size) for leg in legs) * book.spot
        parts.append(doubt(min(shared, expiry.confidence), notional))
    return fsum(parts)


def _exposures(linears: list[Linear], options: Options) -> list[float]:
    """Signed notionals, for direction and concentration: an option counts by its side."""
    found = [leg.exposure for leg in linears if leg.moves]
    for expiry, legs in options:
        forward = expiry.fixed + expiry.variable
        found += [leg.size * forward * (1.0 if leg.call else -1.0) for leg in legs]
    return found
