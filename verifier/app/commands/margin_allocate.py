"""`xmargin margin --allocate`: whose requirement and whose risk; what pooling saves, and what latency takes back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from verifier.app.report.tables import span
from verifier.app.risk_sections import MOST_ROWS, RiskOptions, labels_of, part_name, pool_name, scales_of, section, usd
from verifier.app.what_if import Grid, Section, WhatIf
from verifier.margin.allocation import Allocation, Measure, allocate, summary
from verifier.margin.as_json_risk import allocation_json, efficiency_json, tail_json
from verifier.margin.efficiency import Efficiency, efficiency
from verifier.margin.models.portfolio_risk import HistoricalRisk
from verifier.margin.tail_risk import TailRisk, tail_risk
from verifier.margin.trial import Scales, Setting, Trial


def allocation(made: WhatIf, options: RiskOptions) -> Section:
    """Euler contributions by part, asset, network and protocol; tail risk; capital efficiency."""
    scales, trial = scales_of(made)
    setting = Setting(made.policy, made.rules, made.mode)
    found = [one for measure in Measure for one in allocate(setting, trial, measure)]
    tails = [tail_of(scales, trial, pool.name, options) for pool in scales.weigh(trial)]
    saved = efficiency(setting, trial)
    data = {
        "measures": [allocation_json(one) for one in found],
        "tail": [tail_json(one) for one in tails],
        "efficiency": efficiency_json(saved),
    }
    grids = [_contributions(one, labels_of(made.snapshot)) for one in found if one.contributions]
    grids += [_places(one) for one in found if one.measure is Measure.INITIAL]
    grids += [tail_grid(tails), _efficiency(saved)]
    notes = tuple(f"{one.measure.value} of {pool_name(one.pool)}: {one.note}" for one in found if one.note)
    return section("allocation", data, grids, notes)


def tail_of(scales: Scales, trial: Trial, pool: str, options: RiskOptions) -> TailRisk:
    """A pool's tail risk over the times that were asked for."""
    return tail_risk(scales, trial, pool, seed=options.seed, horizon=options.horizon, horizons=options.horizons)


def _contributions(found: Allocation, labels: Mapping[str, str]) -> Grid:
    rows = tuple(
        (part_name(labels, c.part), c.group, c.network or "-", usd(c.share), usd(c.alone), "hedge" if c.hedges else "")
        for c in found.contributions[:MOST_ROWS]
        if c.share or c.alone
    )
    title = f"{found.measure.value} of {pool_name(found.pool)}: {usd(found.total)}"
    title += f", diversification {usd(found.diversification)}" if found.diversification is not None else ""
    return Grid(title, ("part", "asset", "network", "share>", "alone>", ""), rows)


def _places(found: Allocation) -> Grid:
    rows = tuple(
        (kind, name or "-", usd(share))
        for kind, sums in summary(found).items()
        for name, share in sums.items()
        if share
    )
    return Grid(f"{found.measure.value} of {pool_name(found.pool)} by place", ("by", "name", "share>"), rows)


def tail_grid(found: Sequence[TailRisk]) -> Grid:
    """VaR and ES of every pool, by the past and drawn."""
    rows = []
    for one in found:
        past, drawn = one.historical, one.simulated
        if past is None or drawn is None:
            rows.append((pool_name(one.pool), one.note, "-", "-", "-"))
            continue
        moves, seed = f"{past.observations} past moves", f"{drawn.paths} drawn, seed {drawn.seed}"
        rows.append((pool_name(one.pool), moves, usd(past.value_at_risk), usd(past.shortfall), _verdict(past)))
        rows.append(("", seed, usd(drawn.value_at_risk), usd(drawn.shortfall), f"± {usd(drawn.error)}"))
        if one.filtered is not None:
            filtered = one.filtered
            rows.append(("", "at today's volatility", usd(filtered.value_at_risk), usd(filtered.shortfall), ""))
        if one.stressed is not None:
            rows.append(("", "worst stretch of the past", "", usd(one.stressed), f"floor {usd(one.floor)}"))
        rows.append(("", "a margin of it", "", usd(one.required), ""))
    times = {span(one.horizon) for one in found if one.horizon}
    over = f"of {times.pop()}" if len(times) == 1 else "of one step"
    own = {group: time for one in found for group, time in one.horizons.items()}
    over += "".join(f", {group} of {span(time)}" for group, time in sorted(own.items()))
    return Grid(f"Tail risk {over} at 99 %", ("pool", "moves", "VaR>", "ES>", "backtest"), tuple(rows))


def _verdict(past: HistoricalRisk) -> str:
    tested = past.coverage
    if tested is None:
        return "too few to test"
    return f"{tested.exceptions} of {tested.periods} exceeded, {'passes' if tested.passes else 'fails'}"


def _efficiency(found: Efficiency | None) -> Grid:
    if found is None:
        return Grid("Capital efficiency", ("", ">"), ())
    ratio = "-" if found.ratio is None else str(found.ratio.shown())
    rows = [
        ("required apart, position by position", usd(found.alone)),
        ("required together", usd(found.together)),
        ("apart over together", ratio),
        ("saved by scenarios over adding up", usd(found.offsets)),
        ("idle equity", usd(found.idle)),
        ("lacking if each network stood alone", usd(found.lacking_apart)),
        ("lacking in one pool", usd(found.lacking_pooled)),
        (f"taken back: cannot arrive in {found.horizon} s, or costs", usd(found.taken_back)),
    ]
    rows += [
        (f"network {place.name or '-'}: equity / initial", f"{usd(place.equity)} / {usd(place.initial)}")
        for place in found.networks
    ]
    return Grid("Capital efficiency", ("", "USD>"), tuple(rows))
