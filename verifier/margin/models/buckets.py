"""Correlation aggregation of weighted exposures: within buckets, then across them, with a concentration factor.

    CR = max(1, √(|s| / threshold)),  WS = w·s·CR
    K_b² = ΣΣ ρ·min(CR)/max(CR)·WS·WS,  S_b = clamp(ΣWS, −K_b, K_b)
    R² = Σ K_b² + ΣΣ γ·S_b·S_c

Source: margin reference, section 7.6; the shape of FRTB and ISDA SIMM. No calibration of theirs is in here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import fsum, sqrt


@dataclass(frozen=True, slots=True)
class Exposure:
    """A sensitivity to one factor, in one bucket of one group of risks."""

    group: str
    factor: str
    bucket: str
    amount: float


@dataclass(frozen=True, slots=True)
class Bucket:
    """How one bucket weighs: `alone` buckets stand beside the square root, not under it (a residual bucket)."""

    weight: float
    correlation: float
    threshold: float
    alone: bool = False


@dataclass(frozen=True, slots=True)
class _Part:
    square: float
    total: float

    @property
    def clamped(self) -> float:
        root = sqrt(self.square)
        return max(-root, min(root, self.total))


def aggregate(
    exposures: Sequence[Exposure],
    buckets: Mapping[tuple[str, str], Bucket],
    between: Mapping[tuple[str, str, str], float],
) -> float:
    """
    The whole requirement: groups of risks add.

    Args:
        buckets: By group and bucket.
        between: γ by group and two buckets; either order; what is not listed is 0.
    """
    groups = sorted({exposure.group for exposure in exposures})
    return fsum(_group(group, [e for e in exposures if e.group == group], buckets, between) for group in groups)


def _group(
    group: str,
    exposures: Sequence[Exposure],
    buckets: Mapping[tuple[str, str], Bucket],
    between: Mapping[tuple[str, str, str], float],
) -> float:
    parts: dict[str, _Part] = {}
    for name in sorted({exposure.bucket for exposure in exposures}):
        parts[name] = _bucket([e for e in exposures if e.bucket == name], buckets[group, name])
    joined = {name: part for name, part in parts.items() if not buckets[group, name].alone}
    square = [part.square for part in joined.values()]
    names = list(joined)
    for i, one in enumerate(names):
        for two in names[:i]:
            gamma = between.get((group, one, two), between.get((group, two, one), 0.0))
            square.append(2.0 * gamma * joined[one].clamped * joined[two].clamped)
    apart = [sqrt(part.square) for name, part in parts.items() if name not in joined]
    return sqrt(max(0.0, fsum(square))) + fsum(apart)


def _bucket(exposures: Sequence[Exposure], rule: Bucket) -> _Part:
    by_factor: dict[str, list[float]] = {}
    for exposure in exposures:
        by_factor.setdefault(exposure.factor, []).append(exposure.amount)
    nets = [fsum(amounts) for _, amounts in sorted(by_factor.items())]
    factors = [max(1.0, sqrt(abs(net) / rule.threshold)) for net in nets]
    weighted = [rule.weight * net * factor for net, factor in zip(nets, factors, strict=True)]
    square = [w * w for w in weighted]
    for i, one in enumerate(weighted):
        for j in range(i):
            concordance = min(factors[i], factors[j]) / max(factors[i], factors[j])
            square.append(2.0 * rule.correlation * concordance * one * weighted[j])
    return _Part(max(0.0, fsum(square)), fsum(weighted))
