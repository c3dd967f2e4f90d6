"""The further views of an account as JSON: portfolio requirement, modes, cures, quality, calls, venues."""

from __future__ import annotations

from verifier.margin.by_mode import ByMode, Comparison, ModeTotal, Needs
from verifier.margin.calls import Call
from verifier.margin.composition import Levels, composition, contingencies
from verifier.margin.cures import Cures
from verifier.margin.fixed import show_scaled
from verifier.margin.pool import PoolView, VenueView
from verifier.margin.portfolio import PortfolioValue
from verifier.margin.quality import Quality
from verifier.margin.report import PocketReport

Json = dict[str, object]


def portfolio_json(pocket: PocketReport, value: PortfolioValue) -> Json:
    """Every scenario, every contingency by name, which rule stands, and what the pool's requirement is made of."""
    parts = composition(pocket)
    return {
        "worst": value.worst,
        "loss": show_scaled(value.loss),
        "basis": show_scaled(value.basis),
        "scenarios": [{"name": s.name, "loss": show_scaled(s.loss)} for s in value.scenarios],
        "contingencies": {name: _levels(both) for name, both in contingencies(pocket, parts).items()},
        "by_scenarios": {"initial": show_scaled(value.initial), "maintenance": show_scaled(value.maintenance)},
        "by_rules": {
            "initial": show_scaled(value.alone_initial),
            "maintenance": show_scaled(value.alone_maintenance),
        },
        "required": {"initial": show_scaled(value.low.initial), "maintenance": show_scaled(value.low.maintenance)},
        "rules_stand": value.by_rules,
        "hedging": {name: show_scaled(amount) for name, amount in sorted(value.hedging.items())},
        "credits": dict(value.credits),
        "proven_only": value.proven_only,
        "beside": {
            "debts": _levels(parts.debts),
            "by_rules": _levels(parts.by_rules),
            "orders": _levels(parts.orders),
            "floor": _levels(parts.floor),
        },
        "total": _levels(parts.total),
    }


def _levels(both: Levels) -> Json:
    return {"initial": show_scaled(both[0]), "maintenance": show_scaled(both[1])}


def comparison_json(found: Comparison) -> Json:
    """Every mode for the account and for each position."""
    return {"account": [_total(t) for t in found.totals], "positions": [_by_mode(p) for p in found.positions]}


def _total(total: ModeTotal) -> Json:
    return {
        "mode": total.mode.value,
        "status": total.status,
        "equity": show_scaled(total.equity),
        "initial": show_scaled(total.initial),
        "maintenance": show_scaled(total.maintenance),
    }


def _by_mode(row: ByMode) -> Json:
    return {
        "id": row.id,
        "isolated": _needs(row.isolated),
        "cross": _needs(row.cross),
        "portfolio": _needs(row.portfolio),
        "portfolio_alone": _needs(row.alone),
    }


def _needs(needs: Needs | None) -> Json | None:
    if needs is None:
        return None
    return {"initial": show_scaled(needs.initial), "maintenance": show_scaled(needs.maintenance)}


def cures_json(found: Cures) -> Json:
    """What is called, and what would do."""
    return {
        "pool": found.pool or "cross",
        "target": found.target,
        "cash": show_scaled(found.cash),
        "deposits": [
            {"group": d.group, "amount": show_scaled(d.amount), "value": show_scaled(d.value)} for d in found.deposits
        ],
        "reductions": [
            {
                "position": r.position,
                "amount": None if r.amount is None else str(r.amount),
                "released": show_scaled(r.released),
            }
            for r in found.reductions
        ],
    }


def quality_json(found: Quality) -> Json:
    """What doubt costs, by cause."""
    causes = ("trust", "age", "price", "missing", "marked_up", "positions", "total")
    return {
        "pool": found.pool or "cross",
        **{name: show_scaled(getattr(found, name)) for name in causes},
        "low": None if found.low is None else found.low.value,
        "high": None if found.high is None else found.high.value,
        "certain": found.certain,
        "data_call": found.data_call,
    }


def call_json(pocket: str, call: Call) -> Json:
    """An open call."""
    return {
        "pool": pocket or "cross",
        "kind": call.kind.value,
        "rung": call.rung.value,
        "opened": call.opened,
        "since": call.since,
        "deadline": call.deadline,
        "clear_since": call.above,
    }


def pool_json(found: PoolView) -> Json:
    """The unified account, its venues, and what it rests on."""
    return {
        "unified": found.unified.value,
        "safe": found.safe,
        "offset": show_scaled(found.offset),
        "offset_counted": show_scaled(found.offset_counted),
        "venues": [_venue(view) for view in found.venues],
        "transfers": [
            {
                "start": t.start,
                "end": t.end,
                "sent": show_scaled(t.sent),
                "counted": show_scaled(t.counted),
                "latency": t.latency,
            }
            for t in found.plan.transfers
        ],
        "unmet": {network: show_scaled(amount) for network, amount in sorted(found.plan.unmet.items())},
    }


def _venue(view: VenueView) -> Json:
    network, protocol = view.place
    return {
        "network": network,
        "protocol": protocol,
        "status": view.status.value,
        "equity": show_scaled(view.risk.equity),
        "initial": show_scaled(view.risk.initial),
        "maintenance": show_scaled(view.risk.maintenance),
        "lacking": show_scaled(view.lacking),
        "free": show_scaled(view.free),
    }
