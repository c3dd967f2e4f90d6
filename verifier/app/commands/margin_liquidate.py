"""`xmargin margin --liquidate`: prices, distances, the plan, and the loop of forced sales."""

from __future__ import annotations

from verifier.app.commands.margin_schedules import paced, schedule_grids
from verifier.app.risk_sections import (
    MOST_ROWS,
    SHOWN_FALL,
    RiskOptions,
    labels_of,
    part_name,
    pool_name,
    price,
    scales_of,
    section,
    still_of,
    trading_of,
    usd,
)
from verifier.app.what_if import Grid, Section, WhatIf
from verifier.margin.as_json_models import schedule_json
from verifier.margin.as_json_risk import decimals_of, joint_json, percent, plan_json, price_json, spiral_json
from verifier.margin.fixed import show_scaled
from verifier.margin.joint_moves import JointMoves, joint_moves
from verifier.margin.liquidation import Plan, plan
from verifier.margin.liquidation_loop import Shock, Spiral, spiral, tipping_shock, uniform
from verifier.margin.liquidation_price import LiquidationPrice, liquidation_prices
from verifier.margin.liquidation_steps import Act, Step
from verifier.margin.risk import Risk
from verifier.policy import PPM


def liquidation(made: WhatIf, options: RiskOptions) -> Section:
    """Where the account fails, what would then be closed, and what that does to prices."""
    scales, trial = scales_of(made)
    trading, still = trading_of(made, options), still_of(made.snapshot)
    pools = scales.weigh(trial)
    prices = liquidation_prices(scales, trial)
    joints = {pool.name: joint_moves(scales, trial, pool.name, still=still) for pool in pools}
    plans = [plan(scales, trial, pool.name, trading) for pool in pools]
    shock = Shock({}) if made.shocks else uniform(made.snapshot, SHOWN_FALL, still)
    loop = spiral(scales, trial, shock, trading)
    tipping = tipping_shock(scales, trial, uniform(made.snapshot, PPM - 1, still), trading)
    timed = paced(scales, plans, options)
    data = {
        "fee": options.fee,
        "bonus": options.bonus,
        "prices": [price_json(found) for found in prices],
        "joint": {pool_name(name): joint_json(found) for name, found in joints.items()},
        "plans": [plan_json(found) for found in plans],
        "schedules": [schedule_json(found) for found in timed],
        "loop": spiral_json(loop, tipping),
    }
    grids = [_prices(prices), _joint(joints), *(_plan(found) for found in plans), *schedule_grids(timed)]
    grids.append(_loop(loop, tipping))
    return section("liquidation", data, grids)


def _prices(found: tuple[LiquidationPrice, ...]) -> Grid:
    rows = tuple(
        (
            pool_name(f.pool), f.group, price(f.price), price(f.lower), percent(f.fall), price(f.upper),
            percent(f.rise), "fails now" if f.already else "",
        )
        for f in found
    )  # fmt: skip
    heads = ("pool", "asset", "price>", "lower>", "fall>", "upper>", "rise>", "")
    return Grid("Liquidation prices, everything else as it is", heads, rows)


def _joint(found: dict[str, JointMoves | None]) -> Grid:
    rows = []
    for name, moves in found.items():
        if moves is None:
            rows.append((pool_name(name), "-", "-", "-", "-", "-", "indeterminate"))
            continue
        far = moves.distance.deviations
        rows.append((
            pool_name(name), usd(moves.excess), "-" if far is None else show_scaled(far // 10**4, 2),
            percent(moves.fall), percent(moves.rise),
            f"{moves.factor} {percent(moves.factor_fall)}" if moves.factor else "-", moves.distance.basis,
        ))  # fmt: skip
    heads = ("pool", "excess>", "daily deviations>", "uniform fall>", "uniform rise>", "along betas>", "rests on")
    return Grid("Joint moves to liquidation", heads, tuple(rows))


def _plan(found: Plan) -> Grid:
    decimals, labels = decimals_of(found.start.snapshot), labels_of(found.start.snapshot)
    rows = [("", "now", "", "", "", *_after(found.before.low))]
    for number, step in enumerate(found.steps[:MOST_ROWS], 1):
        rows.append((
            str(number), step.closure.act.value, part_name(labels, step.closure.part), _amount(step, decimals),
            usd(step.cost), *_after(step.after.low),
        ))  # fmt: skip
    if len(found.steps) > MOST_ROWS:
        rows.append(("…", f"{len(found.steps) - MOST_ROWS} more, with --json", "", "", "", "", "", ""))
    heads = ("step>", "act", "part", "amount>", "cost>", "equity>", "initial>", "maintenance>")
    title = f"Plan for {pool_name(found.pool)}: {found.end.value}"
    title += f", insurance bears {usd(found.shortfall)}" if found.shortfall else ""
    return Grid(title, heads, tuple(rows) if found.steps else ())


def _after(risk: Risk) -> tuple[str, str, str]:
    return usd(risk.equity), usd(risk.initial), usd(risk.maintenance)


def _amount(step: Step, decimals: dict[str, int]) -> str:
    if step.closure.act is Act.CANCEL:
        return "-"
    part = step.closure.part.partition(">")[0]
    return show_scaled(step.closure.amount, decimals[part]) if part in decimals else percent(step.closure.amount)


def _loop(found: Spiral, tipping: int | None) -> Grid:
    rows = [
        (str(n), ", ".join(pool_name(p) for p in turn.fallen) or "-", usd(sum(abs(v) for v in turn.sold.values())))
        for n, turn in enumerate(found.rounds, 1)
    ]
    rows.append(("end", ", ".join(f"{pool_name(p.pool)}: {p.end.value}" for p in found.plans) or "nobody sells", ""))
    rows.append(("", "insurance bears", usd(found.shortfall)))
    rows.append(("", "local gain", found.gain if found.settled else "runaway"))
    rows.append(("", "uniform fall that tips it", percent(tipping)))
    falls = sorted(set(found.shock.falls.values()))
    title = f"Forced sales after a fall of {percent(falls[0])}" if len(falls) == 1 else "Forced sales at these prices"
    return Grid(title, ("round>", "fails", "sold>"), tuple(rows))
