"""Liquidation, contagion, allocation and optimisation as JSON: money and amounts as decimal text, rates in ppm.

Within a schema version keys are only added.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from verifier.margin.allocation import Allocation, summary
from verifier.margin.contagion import ContagionMap, Edge, Outcome
from verifier.margin.efficiency import Apart, Efficiency
from verifier.margin.fixed import show_scaled
from verifier.margin.joint_moves import JointMoves
from verifier.margin.leverage import Leverage, Limit
from verifier.margin.liquidation import Plan
from verifier.margin.liquidation_loop import Spiral
from verifier.margin.liquidation_price import LiquidationPrice
from verifier.margin.liquidation_steps import Step
from verifier.margin.models.hedging import Candidate
from verifier.margin.models.tail import Verdict
from verifier.margin.risk import Ratio
from verifier.margin.selection import Cure, Proposal
from verifier.margin.snapshot import Line, Position, Snapshot
from verifier.margin.tail_risk import TailRisk
from verifier.margin.trial import Pool
from verifier.policy import PPM

Json = dict[str, object]


def money(value: int | None) -> str | None:
    """1e-18 USD as decimal text."""
    return None if value is None else show_scaled(value)


def sums(values: Mapping[str, int | None]) -> Json:
    """Money by name."""
    return {name or "cross": money(value) for name, value in values.items()}


def price_json(found: LiquidationPrice) -> Json:
    """One asset's liquidation prices."""
    return {
        "pool": found.pool or "cross",
        "asset": found.group,
        "price": money(found.price),
        "lower": money(found.lower),
        "upper": money(found.upper),
        "fall": found.fall,
        "rise": found.rise,
        "already": found.already,
    }


def joint_json(found: JointMoves | None) -> Json | None:
    """Distance to default, uniform moves, and one factor's."""
    if found is None:
        return None
    return {
        "excess": money(found.excess),
        "slopes": sums(found.slopes),
        "distance": None if found.distance.deviations is None else show_scaled(found.distance.deviations, 6),
        "distance_basis": found.distance.basis,
        "likely_breach": dict(found.distance.moves),
        "uniform_fall": found.fall,
        "uniform_rise": found.rise,
        "factor": found.factor or None,
        "factor_fall": found.factor_fall,
        "factor_rise": found.factor_rise,
    }


def plan_json(found: Plan) -> Json:
    """A plan's steps and where they lead."""
    return {
        "pool": found.pool or "cross",
        "end": found.end.value,
        "lacking": money(found.lacking),
        "cost": money(found.cost),
        "shortfall": money(found.shortfall),
        "before": pool_json(found.before),
        "after": pool_json(found.after),
        "steps": steps_json(found.steps, found.start.snapshot),
    }


def steps_json(steps: Sequence[Step], snapshot: Snapshot) -> list[Json]:
    """Steps with amounts in whole units."""
    decimals = decimals_of(snapshot)
    return [
        {
            "act": step.closure.act.value,
            "part": step.closure.part,
            "asset": step.group or None,
            "amount": _amount(step, decimals),
            "value": money(step.value),
            "cost": money(step.cost),
            "repaid": {name: show_scaled(units, decimals[name]) for name, units in step.repaid},
            "marks": {group: money(price) for group, price in step.marks},
            "after": pool_json(step.after),
        }
        for step in steps
    ]


def decimals_of(snapshot: Snapshot) -> dict[str, int]:
    """Of every line and position by id."""
    parts: tuple[Line | Position, ...] = (*snapshot.lines, *snapshot.positions)
    return {part.id: part.decimals for part in parts}


def _amount(step: Step, decimals: Mapping[str, int]) -> str | None:
    """Whole units; a share of the book for steps on all of it; nothing for a cancelled order."""
    part = step.closure.part.partition(">")[0]
    if part in decimals:
        return show_scaled(step.closure.amount, decimals[part])
    return show_scaled(step.closure.amount, 6) if step.closure.amount else None


def pool_json(pool: Pool) -> Json:
    """A pool's figures."""
    risk = pool.low
    return {
        "equity": money(risk.equity),
        "initial": money(risk.initial),
        "maintenance": money(risk.maintenance),
        "ratio": risk.worst_ratio.shown(),
        "fails": pool.fails,
    }


def spiral_json(found: Spiral, tipping: int | None) -> Json:
    """The loop to its end."""
    return {
        "shock": dict(found.shock.falls),
        "settled": found.settled,
        "rounds": [
            {"marks": sums(turn.marks), "sold": sums(turn.sold), "fallen": [name or "cross" for name in turn.fallen]}
            for turn in found.rounds
        ],
        "marks": sums(found.marks),
        "amplification": {
            group: Ratio(ratio.numerator, ratio.denominator).shown()
            for group in found.shock.falls
            if (ratio := found.amplification(group)) is not None
        },
        "gain": found.gain,
        "fallen": [name or "cross" for name in found.fallen],
        "closed": {part: str(amount) for part, amount in sorted(found.closed.items())},
        "ends": {made.pool or "cross": made.end.value for made in found.plans},
        "shortfall": money(found.shortfall),
        "tipping_shock": tipping,
    }


def contagion_json(found: ContagionMap, least: int) -> Json:
    """The map: each failure, the single points, and edges above a threshold."""
    return {
        "nodes": [_outcome(outcome, found) for outcome in found.outcomes],
        "single_points": [str(node) for node in found.single_points],
        "edges": [_edge(edge) for edge in found.above(least)],
        "edges_from": money(least),
        "sales": found.sales,
    }


def _outcome(outcome: Outcome, found: ContagionMap) -> Json:
    return {
        "kind": outcome.node.kind.value,
        "name": outcome.node.name,
        "drop": sums(outcome.drop),
        "after_sales": sums(outcome.after_sales),
        "by_asset": sums(found.by_asset[outcome.node]),
        "fallen": [name or "cross" for name in outcome.fallen],
        "pulled": [name or "cross" for name in outcome.pulled],
        "single_point": outcome.single_point,
        "hit": list(outcome.hit),
        "shortfall": money(outcome.shortfall),
    }


def _edge(edge: Edge) -> Json:
    return {
        "source": str(edge.source),
        "target": str(edge.target),
        "money": money(edge.money),
        "reason": edge.reason,
    }


def allocation_json(found: Allocation) -> Json:
    """Contributions, their sums, and what diversification saves."""
    return {
        "measure": found.measure.value,
        "pool": found.pool or "cross",
        "total": money(found.total),
        "residual": money(found.residual),
        "diversification": money(found.diversification),
        "note": found.note or None,
        "contributions": [
            {
                "part": c.part,
                "asset": c.group,
                "network": c.network,
                "protocol": c.protocol,
                "share": money(c.share),
                "alone": money(c.alone),
                "hedge": c.hedges,
            }
            for c in found.contributions
        ],
        "by": {key: sums_plain(values) for key, values in summary(found).items()},
    }


def sums_plain(values: Mapping[str, int]) -> Json:
    """Money by name, where an empty name says that nobody named it."""
    return {name or "-": money(value) for name, value in values.items()}


def efficiency_json(found: Efficiency | None) -> Json | None:
    """What pooling saves, and what latency takes back."""
    if found is None:
        return None
    return {
        "alone": money(found.alone),
        "together": money(found.together),
        "ratio": None if found.ratio is None else found.ratio.shown(),
        "saving": None if found.saving is None else found.saving.shown(),
        "offsets": money(found.offsets),
        "idle": money(found.idle),
        "network_ratio": None if found.network_ratio is None else found.network_ratio.shown(),
        "networks": [_apart(place) for place in found.networks],
        "protocols": [_apart(place) for place in found.protocols],
        "lacking_apart": money(found.lacking_apart),
        "lacking_pooled": money(found.lacking_pooled),
        "saved_by_networks": money(found.saved_by_networks),
        "taken_back": money(found.taken_back),
        "horizon": found.horizon,
        "transfers": [
            {"from": t.start, "to": t.end, "sent": money(t.sent), "counted": money(t.counted), "latency": t.latency}
            for t in found.transfers.transfers
        ],
        "unmet": sums_plain(found.transfers.unmet),
    }


def _apart(place: Apart) -> Json:
    return {
        "name": place.name or "-",
        "equity": money(place.equity),
        "initial": money(place.initial),
        "lacking": money(place.lacking),
        "free": money(place.free),
    }


def tail_json(found: TailRisk) -> Json:
    """VaR and ES, by the past and drawn; with the test of the one and the seed of the other."""
    past, drawn = found.historical, found.simulated
    tested = None if past is None else past.coverage
    return {
        "pool": found.pool or "cross",
        "step": found.step,
        "note": found.note or None,
        "required": money(found.required),
        "horizon": found.horizon or None,
        "horizons": dict(found.horizons),
        "filtered": None if found.filtered is None else {
            "value_at_risk": money(found.filtered.value_at_risk),
            "expected_shortfall": money(found.filtered.shortfall),
        },
        "stressed": money(found.stressed),
        "floor": money(found.floor) if found.stressed is not None else None,
        "historical": None if past is None else {
            "level": past.level,
            "value_at_risk": money(past.value_at_risk),
            "expected_shortfall": money(past.shortfall),
            "observations": past.observations,
            "backtest": None if tested is None else {
                "periods": tested.periods,
                "exceptions": tested.exceptions,
                "expected": f"{tested.expected:.4f}",
                "coverage": _verdict(tested.coverage),
                "independence": None if tested.independence is None else _verdict(tested.independence),
                "passes": tested.passes,
            },
        },
        "simulated": None if drawn is None else {
            "level": drawn.level,
            "value_at_risk": money(drawn.value_at_risk),
            "expected_shortfall": money(drawn.shortfall),
            "standard_error": money(drawn.error),
            "paths": drawn.paths,
            "seed": drawn.seed,
            "method": drawn.method,
        },
    }  # fmt: skip


def _verdict(found: Verdict) -> Json:
    return {"statistic": f"{found.statistic:.6f}", "p_value": f"{found.p_value:.6f}", "passes": found.passes}


def leverage_json(found: Leverage | None) -> Json | None:
    """How leveraged, and what more could be done."""
    if found is None:
        return None
    return {
        "gross": money(found.gross),
        "leverage": None if found.leverage is None else found.leverage.shown(),
        "effective": {group: ratio.shown() for group, ratio in found.effective.items()},
        "buffer": found.buffer,
        "scale": found.scale,
        "target_scale": found.target_scale,
        "trades": [_limit(limit) for limit in found.trades],
        "withdrawals": [_limit(limit) for limit in found.withdrawals],
        "half_kelly": dict(found.half_kelly),
    }


def _limit(limit: Limit) -> Json:
    return {"name": limit.name, "amount": None if limit.amount is None else show_scaled(limit.amount, limit.decimals)}


def cure_json(cure: Cure) -> Json:
    """One cure."""
    return {
        "act": cure.act,
        "part": cure.part,
        "amount": show_scaled(cure.amount, cure.decimals),
        "value": money(cure.value),
        "cost": money(cure.cost),
    }


def proposal_json(found: Proposal | None, snapshot: Snapshot) -> Json | None:
    """The cheapest way down."""
    if found is None:
        return None
    return {
        "by": found.by,
        "cost": money(found.cost),
        "reached": found.reached,
        "scenarios": found.scenarios,
        "after": pool_json(found.after),
        "steps": steps_json(found.steps, snapshot),
    }


def candidate_json(found: Candidate) -> Json:
    """One hedge."""
    return {
        "asset": found.group,
        "side": "short" if found.short else "long",
        "marginal": found.marginal,
        "ratio": money(found.ratio),
        "lowered": money(found.lowered),
        "correlation": found.rho,
        "interval": [found.low, found.high],
        "rolling": [found.rolling_low, found.rolling_high],
        "stress": found.stress,
        "observations": found.observations,
        "warning": found.warning or None,
        "cluster": found.cluster,
        "recommended": found.recommended,
    }


def percent(rate: int | None) -> str:
    """A rate in ppm as per cent, for tables; a dash where there is none."""
    return "-" if rate is None else f"{show_scaled(rate * 100 * 100 // PPM, 2)}%"
