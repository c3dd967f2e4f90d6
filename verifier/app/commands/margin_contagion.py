"""`xmargin margin --contagion`: fail each thing the account hangs on, and see who falls."""

from __future__ import annotations

from verifier.app.commands.margin_peers import spread_among, spread_grids
from verifier.app.risk_sections import MOST_ROWS, RiskOptions, pool_name, scales_of, section, trading_of, usd
from verifier.app.what_if import Grid, Section, WhatIf
from verifier.margin.as_json_models import spread_json
from verifier.margin.as_json_risk import contagion_json
from verifier.margin.contagion import ContagionMap, Outcome, contagion
from verifier.margin.fixed import SCALE

LEAST_EDGE = 100 * SCALE
"""Edges of less than a hundred dollars are left out."""


def contagion_map(made: WhatIf, options: RiskOptions) -> Section:
    """The map, its single points of failure, and its heaviest edges."""
    scales, trial = scales_of(made)
    found = contagion(scales, trial, trading_of(made, options))
    notes = () if found.sales else ("forced sales after failures are not run for positions weighed by scenarios",)
    data, grids = contagion_json(found, LEAST_EDGE), [_outcomes(found), _edges(found)]
    if options.peers is not None:
        passed = spread_among(made, options.peers)
        data["among"] = spread_json(passed)
        grids += spread_grids(passed)
    return section("contagion", data, grids, notes)


def _outcomes(found: ContagionMap) -> Grid:
    rows = tuple((str(o.node), usd(o.total), _later(o), _falls(o), usd(o.shortfall)) for o in found.outcomes)
    heads = ("fails", "excess lost>", "after forced sales>", "who falls", "unpaid>")
    return Grid(f"Failures: {len(found.single_points)} single points", heads, rows)


def _later(outcome: Outcome) -> str:
    drops = list(outcome.after_sales.values())
    return usd(None if any(d is None for d in drops) else sum(d for d in drops if d is not None))


def _falls(outcome: Outcome) -> str:
    words = [pool_name(name) for name in outcome.fallen]
    words += [f"{pool_name(name)} (by sales)" for name in outcome.pulled]
    return ", ".join(words) or "-"


def _edges(found: ContagionMap) -> Grid:
    heavy = found.above(LEAST_EDGE)[:MOST_ROWS]
    rows = tuple((str(e.source), str(e.target), usd(e.money), e.reason) for e in heavy)
    return Grid("What hangs on what", ("source", "target", "money>", "reason"), rows)
