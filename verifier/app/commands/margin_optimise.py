"""`xmargin margin --optimise`: what more an account could carry, the cheapest way down, what would lower its risk."""

from __future__ import annotations

from collections.abc import Mapping

from verifier.app.risk_sections import (
    MOST_ROWS,
    RiskOptions,
    labels_of,
    part_name,
    pool_name,
    scales_of,
    section,
    still_of,
    trading_of,
    usd,
)
from verifier.app.what_if import Grid, Section, WhatIf
from verifier.margin.as_json_models import mix_json
from verifier.margin.as_json_risk import (
    candidate_json,
    cure_json,
    decimals_of,
    leverage_json,
    percent,
    proposal_json,
)
from verifier.margin.fixed import show_scaled
from verifier.margin.leverage import Leverage, Limit, leverage
from verifier.margin.models.hedging import Candidate
from verifier.margin.rebalancing import Mix, least_risk_mix
from verifier.margin.selection import Cure, Proposal, cheapest_way, cures, hedges


def optimisation(made: WhatIf, options: RiskOptions) -> Section:
    """For every pool: limits, cures, the cheapest way to the goal, hedges."""
    scales, trial = scales_of(made)
    trading, still = trading_of(made, options), still_of(made.snapshot)
    decimals, labels = decimals_of(made.snapshot), labels_of(made.snapshot)
    data, grids = [], []
    for pool in scales.weigh(trial):
        limits = leverage(scales, trial, pool.name, still=still)
        single = cures(scales, trial, pool.name, trading)
        way = cheapest_way(scales, trial, pool.name, trading)
        found = hedges(scales, trial, pool.name)
        mix = least_risk_mix(scales, trial, pool.name, trading, options.turnover)
        data.append({
            "pool": pool_name(pool.name),
            "leverage": leverage_json(limits),
            "cures": [cure_json(cure) for cure in single],
            "cheapest": proposal_json(way, made.snapshot),
            "hedges": [candidate_json(one) for one in found],
            "mix": mix_json(mix),
        })  # fmt: skip
        grids += [
            _limits(pool.name, limits, labels),
            _cures(pool.name, single, labels),
            _way(pool.name, way, decimals, labels),
            _hedges(pool.name, found),
            _mix(mix),
        ]
    return section("optimisation", data, grids)


def _limits(pool: str, found: Leverage | None, labels: Mapping[str, str]) -> Grid:
    if found is None:
        return Grid(f"Limits of {pool_name(pool)}", ("", ">"), (("no low figure", "-"),))
    rows = [
        ("gross exposure", usd(found.gross)),
        ("leverage", "-" if found.leverage is None else str(found.leverage.shown())),
        ("all positions, at most times", "-" if found.scale is None else show_scaled(found.scale, 6)),
        ("to five daily deviations, times", "-" if found.target_scale is None else show_scaled(found.target_scale, 6)),
    ]
    rows += [(limit.name, _limit(limit)) for limit in found.trades[:MOST_ROWS]]
    rows += [(f"withdraw {part_name(labels, limit.name)}", _limit(limit)) for limit in found.withdrawals[:MOST_ROWS]]
    return Grid(f"Limits of {pool_name(pool)} that keep E at IM", ("", "at most>"), tuple(rows))


def _limit(limit: Limit) -> str:
    return "-" if limit.amount is None else show_scaled(limit.amount, limit.decimals)


def _cures(pool: str, found: tuple[Cure, ...], labels: Mapping[str, str]) -> Grid:
    rows = tuple(
        (
            cure.act,
            part_name(labels, cure.part),
            show_scaled(cure.amount, cure.decimals),
            usd(cure.value),
            usd(cure.cost),
        )
        for cure in found[:MOST_ROWS]
    )
    return Grid(f"Any one of these cures {pool_name(pool)}", ("act", "part", "amount>", "value>", "cost>"), rows)


def _way(pool: str, found: Proposal | None, decimals: dict[str, int], labels: Mapping[str, str]) -> Grid:
    steps = () if found is None else found.steps[:MOST_ROWS]
    rows = tuple(
        (
            step.closure.act.value,
            part_name(labels, step.closure.part),
            show_scaled(step.closure.amount, decimals.get(step.closure.part.partition(">")[0], 6)),
            usd(step.cost),
            usd(step.after.low.equity),
        )
        for step in steps
    )
    title = f"Cheapest way down for {pool_name(pool)}"
    title += "" if found is None else f" ({found.by}, {usd(found.cost)}{'' if found.reached else ', not reached'})"
    return Grid(title, ("act", "part", "amount>", "cost>", "equity after>"), rows)


def _hedges(pool: str, found: tuple[Candidate, ...]) -> Grid:
    rows = tuple(
        (
            c.group, "short" if c.short else "long", percent(c.marginal), usd(c.ratio), usd(c.lowered), percent(c.rho),
            f"{percent(c.low)} to {percent(c.high)}", percent(c.stress),
            c.warning or ("recommended" if c.recommended else ""), str(c.cluster),
        )
        for c in found[:MOST_ROWS]
    )  # fmt: skip
    heads = (
        "asset",
        "side",
        "risk per dollar>",
        "best size>",
        "lowers by>",
        "correlation>",
        "interval",
        "in stress>",
        "",
        "cluster>",
    )
    return Grid(f"What would lower the risk of {pool_name(pool)}", heads, rows)


def _mix(found: Mix) -> Grid:
    title = f"Collateral of least expected shortfall for {pool_name(found.pool)}"
    if found.before is None or found.after is None:
        return Grid(f"{title}: none", ("",), ((found.note,),))
    rows = [(h.group, usd(h.now), usd(h.then)) for h in found.holdings]
    rows += [
        ("expected shortfall, by the engine", usd(found.shortfall_before), usd(found.shortfall_after)),
        ("equity", usd(found.before.low.equity), usd(found.after.low.equity)),
        ("initial", usd(found.before.low.initial), usd(found.after.low.initial)),
        ("trading costs", "", usd(found.cost)),
    ]
    title += "" if found.helps else ": no better than what it costs"
    return Grid(title, ("", "now>", "then>"), tuple(rows))
