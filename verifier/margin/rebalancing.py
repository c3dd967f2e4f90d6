"""Another mix of the same collateral: the holdings of least expected shortfall beside positions and debts that stand.

A linear programme over the past's joint moves proposes; the engine then weighs the account with those holdings in it,
and the figures shown are the engine's. What trading from one mix to the other costs is shown beside it.

Source: margin reference, section 16.2; Rockafellar and Uryasev 2000.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from verifier.errors import BadInput
from verifier.margin.fixed import Usd, credit
from verifier.margin.liquidation_price import exposed
from verifier.margin.liquidation_steps import Trading
from verifier.margin.models.portfolio_risk import engine_risk, least_shortfall_mix
from verifier.margin.models.selling import sale_cost
from verifier.margin.report import PocketReport, weigh_pools
from verifier.margin.snapshot import Line
from verifier.margin.tail_risk import LEVEL, MOST_MOMENTS, past_losses
from verifier.margin.trial import Pool, Scales, Trial
from verifier.policy import PPM


@dataclass(frozen=True, slots=True)
class Holding:
    """One asset of the collateral, at its mark, now and in the other mix."""

    group: str
    now: Usd
    then: Usd


@dataclass(frozen=True, slots=True)
class Mix:
    """
    The other mix, as the engine confirms it.

    Attributes:
        before, after: The pool with either.
        shortfall_before, shortfall_after: Expected shortfall of one step at 99 %, by full repricing.
        cost: Bonuses and impact of trading from one to the other.
        helps: The engine's shortfall falls by more than trading costs.
        note: Why there is no mix, where there is none.
    """

    pool: str
    holdings: tuple[Holding, ...] = ()
    before: Pool | None = None
    after: Pool | None = None
    shortfall_before: Usd | None = None
    shortfall_after: Usd | None = None
    cost: Usd | None = None
    helps: bool = False
    note: str = ""


def least_risk_mix(scales: Scales, trial: Trial, pool: str, trading: Trading, turnover: int = PPM) -> Mix:
    """
    The collateral of least expected shortfall in a pool, of the same value as now.

    Args:
        turnover: By how much the share of an asset may change, in ppm of all collateral that can be traded.

    Raises:
        BadInput: A turnover that is no share.
    """
    if not 0 < turnover <= PPM:
        raise BadInput("turnover", "above 0, up to 1,000,000 ppm", turnover)
    setting = scales.setting
    made = weigh_pools(trial.snapshot, setting.policy, setting.rules, setting.mode)
    report = next((p for p in made if p.name == pool and p.low is not None), None)
    if report is None:
        return Mix(pool, note="no low figure")
    returns = trial.snapshot.returns
    unknown = [group for group in exposed(trial, pool, scales) if len(returns.get(group, ())) < 2]
    if unknown:
        return Mix(pool, note=f"no past returns of {', '.join(unknown)}")
    held = _tradable(trial, report)
    if len(held) < 2:
        return Mix(pool, note="less than two assets that could be traded for one another")
    return _confirmed(scales, trial, report, held, turnover, trading)


def _tradable(trial: Trial, report: PocketReport) -> dict[str, list[Line]]:
    """Proven holdings that nothing encumbers, by asset."""
    found: dict[str, list[Line]] = {}
    for value in report.lines:
        line = value.line
        free = not line.liability and not line.declared and not line.encumbered
        if free and line.amount and value.known_low > 0 and trial.price(line.group) is not None:
            found.setdefault(line.group, []).append(line)
    return dict(sorted(found.items()))


def _confirmed(
    scales: Scales, trial: Trial, report: PocketReport, held: Mapping[str, Sequence[Line]], turnover: int,
    trading: Trading,
) -> Mix:  # fmt: skip
    pool = report.name
    columns = {g: trial.snapshot.returns[g][-MOST_MOMENTS:] for g in exposed(trial, pool, scales)}
    gross = {value.line.id: value.gross or 0 for value in report.lines}
    now = [sum(gross[line.id] for line in lines) for lines in held.values()]
    losses = past_losses(scales, trial, pool, columns)
    then = least_shortfall_mix(now, [columns[group] for group in held], losses, LEVEL, turnover)
    if then is None:
        return Mix(pool, note="no mix within the turnover")
    holdings = tuple(Holding(g, Usd(one), two) for g, one, two in zip(held, now, then, strict=True))
    changed = _with_holdings(trial, held, holdings)
    before = engine_risk(losses, LEVEL).shortfall
    after = engine_risk(past_losses(scales, changed, pool, columns), LEVEL).shortfall
    cost = Usd(sum(_cost(trading, holding) for holding in holdings))
    state = (scales.pool(trial, pool), scales.pool(changed, pool))
    return Mix(pool, holdings, *state, before, after, cost, helps=before - after > cost)


def _cost(trading: Trading, holding: Holding) -> int:
    """Impact on either side; what is sold pays the bonus as well."""
    moved = Usd(abs(holding.then - holding.now))
    bonus = -(-moved * trading.charge(holding.group).bonus // PPM) if holding.then < holding.now else 0
    return sale_cost(trading.impact(holding.group), moved) + bonus


def _with_holdings(trial: Trial, held: Mapping[str, Sequence[Line]], holdings: Sequence[Holding]) -> Trial:
    """Each line of an asset grows or shrinks by the same share, rounded down: trust, age and place stay as they are."""
    shares = {h.group: (h.then, h.now) for h in holdings}
    ids = {line.id for lines in held.values() for line in lines}

    def line(kept: Line) -> Line:
        if kept.id not in ids:
            return kept
        then, now = shares[kept.group]
        return replace(kept, amount=credit((kept.amount or 0) * then, now))

    lines = tuple(line(kept) for kept in trial.snapshot.lines)
    return replace(trial, snapshot=replace(trial.snapshot, lines=lines))
