"""`xmargin margin --contagion`: fail each thing the account hangs on, and see who falls."""

from __future__ import annotations

from collections.abc import Mapping

from verifier.app.commands.margin_peers import spread_among, spread_grids
from verifier.app.risk_sections import MOST_ROWS, RiskOptions, labels_of, pool_name, scales_of, section, trading_of, usd
from verifier.app.what_if import Grid, Section, WhatIf
from verifier.margin.as_json_models import spread_json
from verifier.margin.as_json_risk import contagion_json
from verifier.margin.contagion import ContagionMap, Outcome, contagion
from verifier.margin.contagion_nodes import Node
from verifier.margin.fixed import SCALE

LEAST_EDGE = 100 * SCALE
"""Edges of less than a hundred dollars are left out."""


def contagion_map(made: WhatIf, options: RiskOptions) -> Section:
    """The map, its single points of failure, and its heaviest edges."""
    scales, trial = scales_of(made)
    found = contagion(scales, trial, trading_of(made, options))
    notes = () if found.sales else ("forced sales after failures are not run for positions weighed by scenarios",)
    labels = labels_of(made.snapshot)
    data, grids = contagion_json(found, LEAST_EDGE), [_outcomes(found, labels), _edges(found, labels)]
    if options.peers is not None:
        passed = spread_among(made, options.peers)
        data["among"] = spread_json(passed)
        grids += spread_grids(passed)
    return section("contagion", data, grids, notes)


def _outcomes(found: ContagionMap, labels: Mapping[str, str]) -> Grid:
    rows = tuple((_named(o.node, labels), usd(o.total), _later(o), _falls(o), usd(o.shortfall)) for o in found.outcomes)
    heads = ("fails", "excess lost>", "after forced sales>", "who falls", "unpaid>")
    return Grid(f"Failures: {len(found.single_points)} single points", heads, rows)


def _named(node: Node, labels: Mapping[str, str]) -> str:
    """A position by its own name; anything else by its kind and name."""
    return labels[node.name] if node.name in labels else f"{node.kind.value} {pool_name(node.name)}"


def _later(outcome: Outcome) -> str:
    drops = list(outcome.after_sales.values())
    return usd(None if any(d is None for d in drops) else sum(d for d in drops if d is not None))


def _falls(outcome: Outcome) -> str:
    words = [pool_name(name) for name in outcome.fallen]
    words += [f"{pool_name(name)} (by sales)" for name in outcome.pulled]
    return ", ".join(words) or "-"


def _edges(found: ContagionMap, labels: Mapping[str, str]) -> Grid:
    heavy = found.above(LEAST_EDGE)[:MOST_ROWS]
    rows = tuple((_named(e.source, labels), _named(e.target, labels), usd(e.money), e.reason) for e in heavy)
    return Grid("What hangs on what", ("source", "target", "money>", "reason"), rows)
