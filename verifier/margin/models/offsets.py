"""Losses of different underlyings become one loss: by credits, or by correlations.

Losses are positive here, as in the arrays of SPAN.

Source: margin reference, section 7.6; CME Group, scanning-based spread credits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import fsum, sqrt

import numpy as np

from verifier.margin.models.black76 import Floats
from verifier.margin.scenario import OffsetMethod, OffsetRules


def offset_loss(losses: Sequence[float], credit: float) -> float:
    """One scenario's loss: `(1 − c)·Σ max(L, 0) + c·ΣL`."""
    gross = fsum(max(0.0, loss) for loss in losses)
    return (1.0 - credit) * gross + credit * fsum(losses)


def spread_saving(margins: Sequence[float], credit: float) -> tuple[float, float]:
    """A spread whose legs are margined alone: their sum, and what a credit on all of it saves."""
    gross = fsum(margins)
    return gross, gross * credit


@dataclass(frozen=True, slots=True)
class Correlation:
    """How two underlyings have moved together: whole sample, and quantiles of the rolling figure."""

    low: float
    base: float
    high: float


@dataclass(frozen=True, slots=True)
class Windows:
    """A series of returns as deviations from its mean: over the whole of it, and over every window."""

    whole: Floats
    rolling: Floats

    @classmethod
    def of(cls, series: Floats, window: int) -> Windows | None:
        """None where there are not two windows' worth of returns."""
        if len(series) < 2 * window:
            return None
        # A copy, so that each window's sum is taken in the order in which it would be taken alone.
        rows = np.ascontiguousarray(np.lib.stride_tricks.sliding_window_view(series, window))
        return cls(series - series.mean(), rows - rows.mean(axis=1, keepdims=True))


def rolling_correlation(one: Windows, two: Windows, quantile: float) -> Correlation:
    """Quantiles of the rolling correlation."""
    low, high = np.quantile(_correlation(one.rolling, two.rolling), [quantile, 1.0 - quantile])
    return Correlation(float(low), float(_correlation(one.whole, two.whole)), float(high))


def _correlation(one: Floats, two: Floats) -> Floats:
    """Of deviations, along the last axis; 0 where one of them never moves."""
    scale = np.sqrt((one * one).sum(axis=-1) * (two * two).sum(axis=-1))
    product = (one * two).sum(axis=-1)
    found: Floats = np.divide(product, scale, out=np.zeros_like(scale), where=scale > 0)
    return found


Pairs = Mapping[frozenset[str], Correlation]


def correlations(returns: Mapping[str, Floats], rules: OffsetRules) -> dict[frozenset[str], Correlation]:
    """Rolling correlations of every pair of underlyings that have enough returns; none where no figure hangs on one."""
    bounds_credit = rules.from_correlation and any((rules.credit, *rules.group_credits.values()))
    if not bounds_credit and rules.method is not OffsetMethod.CORRELATION:
        return {}
    made = {name: Windows.of(returns[name], rules.window) for name in sorted(returns)}
    known = [(name, windows) for name, windows in made.items() if windows is not None]
    return {
        frozenset((one, two)): rolling_correlation(first, second, float(rules.quantile))
        for i, (one, first) in enumerate(known)
        for two, second in known[i + 1 :]
    }


def credit_of(pair: Correlation | None, *, same_side: bool, rules: OffsetRules) -> float:
    """What evidence allows a pair: `max(0, ρ_low)²`; nothing where ρ is unseen, or near 1 on one side."""
    if pair is None or (same_side and pair.high > 1.0 - float(rules.floor_same_side)):
        return 0.0
    return max(0.0, pair.low) ** 2


@dataclass(frozen=True, slots=True)
class Leg:
    """An underlying, or a product group: a loss for every scenario, and which way it stands."""

    name: str
    losses: tuple[float, ...]
    exposure: float

    @property
    def worst(self) -> float:
        """The largest loss, at least zero."""
        return max(0.0, *self.losses)


@dataclass(frozen=True, slots=True)
class Combined:
    """One loss for every scenario, and the credits that made it."""

    losses: tuple[float, ...]
    credits: tuple[tuple[str, float], ...]


def combine(legs: Sequence[Leg], rules: OffsetRules, pairs: Pairs) -> Combined:
    """All underlyings as one: inside their product groups first, then the groups; credits fall at each step."""
    if rules.method is OffsetMethod.CORRELATION:
        return Combined((correlated(legs, pairs, rules),), ())
    groups: dict[str, list[Leg]] = {}
    for leg in sorted(legs, key=lambda leg: leg.name):
        groups.setdefault(rules.groups.get(leg.name, leg.name), []).append(leg)
    taken, made = [], []
    for name, members in sorted(groups.items()):
        credit = _credit(members, float(rules.group_credits.get(name, rules.credit)), rules, pairs)
        if len(members) > 1:
            taken.append((name, credit))
        made.append(Leg(name, _joined(members, credit, rules.method), fsum(m.exposure for m in members)))
    outer = _credit(legs, float(rules.credit), rules, pairs)
    inner = min((credit for _, credit in taken), default=1.0)
    outer = min(outer, inner)
    if len(made) > 1:
        taken.append(("portfolio", outer))
    return Combined(_joined(made, outer, rules.method), tuple(taken))


def _joined(legs: Sequence[Leg], credit: float, method: OffsetMethod) -> tuple[float, ...]:
    if not legs:
        return (0.0,)
    if len(legs) == 1:
        return legs[0].losses
    rows = list(zip(*(leg.losses for leg in legs), strict=True))
    if method is OffsetMethod.PER_SCENARIO:
        return tuple(offset_loss(row, credit) for row in rows)
    apart = fsum(leg.worst for leg in legs)
    return tuple((1.0 - credit) * apart + credit * fsum(row) for row in rows)


def _credit(legs: Sequence[Leg], given: float, rules: OffsetRules, pairs: Pairs) -> float:
    """The given credit, and where correlations must bear it out the least that any pair of the legs allows."""
    if not rules.from_correlation or len(legs) < 2:
        return given
    allowed = [
        credit_of(pairs.get(frozenset((a.name, b.name))), same_side=a.exposure * b.exposure >= 0, rules=rules)
        for i, a in enumerate(legs)
        for b in legs[i + 1 :]
    ]
    return min(given, *allowed)


def correlated(legs: Sequence[Leg], pairs: Pairs, rules: OffsetRules) -> float:
    """`√ΣΣ ρ·W·W` of signed stand-alone losses, the worst of three correlation sets; unseen pairs do not offset."""
    weighted = [leg.worst if leg.exposure >= 0 else -leg.worst for leg in legs]
    found = []
    for choose in (-1, 0, 1):
        square = [w * w for w in weighted]
        for i, a in enumerate(legs):
            for j in range(i):
                rho = _chosen(pairs.get(frozenset((a.name, legs[j].name))), choose, rules, weighted[i] * weighted[j])
                square.append(2.0 * rho * weighted[i] * weighted[j])
        found.append(sqrt(max(0.0, fsum(square))))
    return max(found)


def _chosen(pair: Correlation | None, choose: int, rules: OffsetRules, product: float) -> float:
    if pair is None:
        return 1.0 if product >= 0 else 0.0
    spread = float(rules.spread)
    if choose < 0:
        return max(-1.0, min(pair.low, pair.base - spread))
    return pair.base if choose == 0 else min(1.0, max(pair.high, pair.base + spread))
