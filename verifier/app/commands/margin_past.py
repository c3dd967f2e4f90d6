"""`xmargin margin --history` and `--past FILE`: past prices, what can be made of them, and the risk that they show."""

from __future__ import annotations

from verifier.app.commands.margin_allocate import tail_grid, tail_of
from verifier.app.past_prices import PastPrices, Series
from verifier.app.quantities import rfc3339
from verifier.app.risk_sections import RiskOptions, scales_of, section
from verifier.app.what_if import Grid, Section, WhatIf
from verifier.margin.as_json_risk import tail_json
from verifier.margin.models.past import LEAST


def past_section(made: WhatIf, found: PastPrices, options: RiskOptions) -> Section:
    """How many prices there are of what, and the tail risk under their joint moves, where they are enough."""
    scales, trial = scales_of(made)
    pools = scales.weigh(trial) if found.past.enough else ()
    tails = [tail_of(scales, trial, pool.name, options) for pool in pools]
    data = {
        "origin": found.origin,
        "step": found.past.step,
        "moves": found.past.moves,
        "needed": LEAST,
        "used": found.past.enough,
        "assets": [_asset(one) for one in found.series],
        "tail": [tail_json(one) for one in tails],
    }
    grids = [Grid("Past prices", ("asset", "prices>", "", "first", "last"), tuple(map(_row, found.series)))]
    return section("past", data, [*grids, tail_grid(tails)], (f"past prices: {found.verdict}",))


def _asset(one: Series) -> dict[str, object]:
    first, last = one.prices[0][0], one.prices[-1][0]
    times = {"first": {"unix": first, "utc": rfc3339(first)}, "last": {"unix": last, "utc": rfc3339(last)}}
    return {"asset": one.group, "prices": len(one.prices), "proven": one.proven, **times}


def _row(one: Series) -> tuple[str, ...]:
    said = "by proof" if one.proven else "typed in"
    return (one.group, str(len(one.prices)), said, rfc3339(one.prices[0][0]), rfc3339(one.prices[-1][0]))
