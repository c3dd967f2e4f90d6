"""Statistical risk of a pool: VaR and ES by full repricing under the past's moves, and by drawn ones; and its margin.

The past's moves are applied to today's account and the engine weighs it each time, so options, haircuts and what does
not count are all in it. Drawn moves are taken to first order, with the seed in the report.

Source: margin reference, sections 8.2 to 8.4.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from verifier.margin.fixed import Usd
from verifier.margin.joint_moves import equity_slopes
from verifier.margin.liquidation_price import exposed
from verifier.margin.models.portfolio_risk import (
    HistoricalRisk,
    SimulatedRisk,
    engine_risk,
    filtered_risk,
    floor_of,
    moves_over,
    simulated_risk,
    stressed_shortfall,
)
from verifier.margin.models.repricing import moved_price
from verifier.margin.pool_curve import PoolCurve
from verifier.margin.trial import Scales, Trial

LEVEL: Final = 990_000
SEED: Final = 1
NO_HORIZONS: Final[Mapping[str, int]] = MappingProxyType({})
MOST_MOMENTS: Final = 1_000
"""The newest moments are repriced, no more than these."""


@dataclass(frozen=True, slots=True)
class TailRisk:
    """The risk of one step of the returns' clock.

    Attributes:
        horizon: Seconds that a move stands for; a step where nothing else was asked for.
        horizons: The same of assets that have one of their own.
        filtered: Under the past's moves at the volatility of now, to first order.
        stressed: Shortfall over the worst stretch of all the past, to first order; None where that is too short.
        required: What a statistical margin would ask for: the largest of the shortfalls, and never less than a
            quarter of the stressed one.
        note: Why there is nothing, where there is not.
    """

    pool: str
    step: int
    historical: HistoricalRisk | None
    simulated: SimulatedRisk | None
    note: str = ""
    horizon: int = 0
    horizons: Mapping[str, int] = field(default_factory=lambda: NO_HORIZONS)
    filtered: HistoricalRisk | None = None
    stressed: Usd | None = None

    @property
    def floor(self) -> Usd:
        """The part of the stressed shortfall that quiet times leave standing."""
        return Usd(0) if self.stressed is None else floor_of(self.stressed)

    @property
    def required(self) -> Usd | None:
        """Never below zero: a book that cannot lose needs nothing."""
        if self.historical is None or self.simulated is None:
            return None
        filtered = 0 if self.filtered is None else self.filtered.shortfall
        return Usd(max(0, self.historical.shortfall, filtered, self.simulated.shortfall, self.floor))


def tail_risk(
    scales: Scales,
    trial: Trial,
    pool: str,
    *,
    level: int = LEVEL,
    seed: int = SEED,
    horizon: int | None = None,
    horizons: Mapping[str, int] = NO_HORIZONS,
) -> TailRisk:
    """
    VaR and ES of a pool's equity, where every asset in it has a past.

    Args:
        horizon: Seconds until the pool could be closed, notice included: moves are scaled by the square root of it.
        horizons: The same of single assets, by group, in its place.
    """
    snapshot = trial.snapshot
    groups = exposed(trial, pool, scales)
    unknown = [group for group in groups if len(snapshot.returns.get(group, ())) < 2]
    if not groups or unknown or not scales.low(trial, pool).known:
        note = f"no past returns of {', '.join(unknown)}" if unknown else "nothing at risk, or no low figure"
        return TailRisk(pool, snapshot.return_step, None, None, note)
    step = snapshot.return_step
    most = step if horizon is None else horizon
    own = {group: horizons[group] for group in groups if group in horizons}
    whole = [moves_over([snapshot.returns[group]], (own.get(group, most), step))[0] for group in groups]
    columns = [column[-MOST_MOMENTS:] for column in whole]
    found = equity_slopes(scales, trial, pool, groups)
    slopes = [found[group] for group in groups]
    losses = past_losses(scales, trial, pool, dict(zip(groups, columns, strict=True)))
    return TailRisk(
        pool,
        step,
        engine_risk(losses, level),
        simulated_risk(slopes, columns, level, seed=seed),
        horizon=most,
        horizons=MappingProxyType(own),
        filtered=filtered_risk(slopes, columns, level),
        stressed=stressed_shortfall(slopes, whole, level),
    )


def past_losses(scales: Scales, trial: Trial, pool: str, columns: dict[str, tuple[int, ...]]) -> list[int]:
    """What equity loses under each of the past's joint moves, by the engine; oldest first."""
    curve = PoolCurve(scales, trial, pool)
    now = curve.equity({})
    lost = []
    for moment in range(len(next(iter(columns.values())))):
        prices = {}
        for group, series in columns.items():
            price = trial.price(group)
            if price is not None:
                prices[group] = moved_price(price, series[moment])
        lost.append(now - curve.equity(prices))
    return lost
