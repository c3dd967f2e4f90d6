"""Schedules, accounts beside one another, and mixes of collateral as JSON: money as decimal text, rates in ppm.

Within a schema version keys are only added.
"""

from __future__ import annotations

from verifier.margin.as_json_risk import Json, money
from verifier.margin.execution import Schedule
from verifier.margin.models.execution import Cost
from verifier.margin.peers import Hit, Spread
from verifier.margin.rebalancing import Mix
from verifier.margin.trial import Pool


def schedule_json(found: Schedule) -> Json:
    """A sale over time; `pace` is null where the asset has no depth."""
    pace = found.pace
    return {
        "pool": found.pool or "cross",
        "asset": found.group,
        "value": money(found.value),
        "everything": found.whole,
        "pace": None
        if pace is None
        else {
            "seconds": pace.seconds,
            "left": [money(left) for left in pace.left],
            "half_life": pace.half_life,
            **_cost(pace.cost),
            "even": _cost(pace.even),
        },
    }


def _cost(cost: Cost) -> Json:
    return {"expected_cost": money(cost.expected), "deviation": money(cost.deviation)}


def spread_json(found: Spread) -> Json:
    """Every account, and every asset."""
    return {
        "accounts": [_hit(hit) for hit in found.accounts],
        "assets": [{"asset": a.group, "move": a.move, "sold": money(a.sold), "effect": a.effect} for a in found.assets],
    }


def _hit(hit: Hit) -> Json:
    names = ("assets", "direct", "second", "owes", "pays", "due", "received")
    return {"name": hit.name, **{name: money(getattr(hit, name)) for name in names}, "fallen": hit.fallen or None}


def mix_json(found: Mix) -> Json:
    """The mix, and the pool with either; null where there is none, and the note says why."""
    return {
        "note": found.note or None,
        "holdings": [{"asset": h.group, "now": money(h.now), "then": money(h.then)} for h in found.holdings],
        "shortfall_before": money(found.shortfall_before),
        "shortfall_after": money(found.shortfall_after),
        "cost": money(found.cost),
        "helps": found.helps,
        "before": _pool(found.before),
        "after": _pool(found.after),
    }


def _pool(pool: Pool | None) -> Json | None:
    if pool is None:
        return None
    low = pool.low
    return {"equity": money(low.equity), "initial": money(low.initial), "maintenance": money(low.maintenance)}
