"""What-ifs by curves, ledgers and bounds give the bytes that weighing the whole account each time gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.verifier.margin.accounts import Account, account
from tests.verifier.margin.plain import PlainScales
from verifier.errors import BadInput
from verifier.margin.allocation import Measure, allocate
from verifier.margin.as_json_risk import cure_json, joint_json, plan_json, price_json, spiral_json, tail_json
from verifier.margin.cells import OptionCell, OrderCell
from verifier.margin.contagion import contagion
from verifier.margin.efficiency import efficiency
from verifier.margin.joint_moves import joint_moves
from verifier.margin.ledger_book import book_of
from verifier.margin.leverage import leverage
from verifier.margin.liquidation import plan
from verifier.margin.liquidation_goal import Goal
from verifier.margin.liquidation_loop import spiral, tipping_shock, uniform
from verifier.margin.liquidation_price import liquidation_prices
from verifier.margin.selection import cheapest_way, cures, hedges
from verifier.margin.tail_risk import tail_risk
from verifier.margin.trial import Scales, Trial

STILL = frozenset({"USDC"})
BARE = Goal(initial=False, buffer=20_000, ratio=1_000_000)
Report = Callable[[Scales, Trial], object]


def reports(made: Account) -> dict[str, Report]:
    """Every report, of every pool."""
    trading, ladder = made.trading, made.ladder
    fall = uniform(made.trial.snapshot, 100_000, STILL)
    half = uniform(made.trial.snapshot, 500_000, STILL)

    def of_pools(one: Callable[[Scales, Trial, str], object]) -> Report:
        return lambda scales, trial: [one(scales, trial, pool.name) for pool in scales.weigh(trial)]

    return {
        "prices": liquidation_prices,
        "joint moves": of_pools(lambda s, t, pool: joint_moves(s, t, pool, still=STILL)),
        "plan": of_pools(lambda s, t, pool: plan(s, t, pool, trading)),
        "forced plan": of_pools(lambda s, t, pool: plan(s, t, pool, trading, BARE, force=True)),
        "loop": lambda s, t: spiral(s, t, fall, trading, None, ladder),
        "deep loop": lambda s, t: spiral(s, t, half, trading, BARE, ladder),
        "tipping shock": lambda s, t: tipping_shock(s, t, half, trading, ladder),
        "contagion": lambda s, t: contagion(s, t, trading, None, None, ladder),
        "allocation": lambda s, t: [allocate(s.setting, t, measure) for measure in Measure],
        "efficiency": lambda s, t: efficiency(s.setting, t),
        "leverage": of_pools(lambda s, t, pool: leverage(s, t, pool, still=STILL)),
        "cures": of_pools(lambda s, t, pool: cures(s, t, pool, trading)),
        "cheapest way": of_pools(lambda s, t, pool: cheapest_way(s, t, pool, trading)),
        "cheapest in scenarios": of_pools(lambda s, t, pool: cheapest_way(s, t, pool, trading, BARE, [fall])),
        "hedges": of_pools(hedges),
        "tail risk": of_pools(tail_risk),
    }


def text_of(report: Report, scales: Scales, trial: Trial) -> str:
    """All of a report, or why there is none."""
    try:
        return repr(report(scales, trial))
    except BadInput as refused:
        return f"refused: {refused}"


SEEDS = (1, 2, 3, 4, 6, 7, 12, 13, 15, 16, 17, 21, 42, 78, 93)
"""Accounts of every mode, with and without curves for all parts, that the plain path too weighs within a second."""


@pytest.mark.parametrize("seed", SEEDS)
def test_every_report_is_that_of_the_plain_path(seed: int) -> None:
    """One memory for all reports on one side, none on the other."""
    made = account(seed)
    shared = Scales(made.setting)
    for name, report in reports(made).items():
        if made.by_scenarios and name in ("contagion", "deep loop", "forced plan", "cheapest in scenarios"):
            continue  # by scenarios both sides weigh the whole book each time
        expected = text_of(report, PlainScales(made.setting), made.trial)
        assert expected == text_of(report, shared, made.trial), name
        assert expected == text_of(report, Scales(made.setting), made.trial), f"{name}, alone"


def test_the_seeds_cover_both_ways() -> None:
    """Ledgers and none, cells in them, pools that fail and that stand, one pool and pockets."""
    found, cells = set(), set()
    for seed in SEEDS:
        made = account(seed)
        scales = Scales(made.setting)
        for name, pool in scales.lows(made.trial).items():
            book = book_of(scales, made.trial, name, made.trading)
            found.add((book is not None, pool.known and pool.fails, scales.one_pool))
            cells |= set() if book is None else {(type(cell), pool.fails) for cell in book.cells.values()}
    assert {(True, True, True), (True, True, False), (True, False, True), (False, True, True)} <= found
    assert {(OptionCell, True), (OrderCell, True)} <= cells


def turned(trial: Trial) -> Trial:
    """The same account, written down backwards."""
    taken = trial.snapshot
    quotes = dict(reversed(taken.quotes.items()))
    made = replace(
        taken, lines=taken.lines[::-1], positions=taken.positions[::-1], orders=taken.orders[::-1], quotes=quotes
    )
    return replace(trial, snapshot=made)


@pytest.mark.parametrize("seed", [1, 3, 7, 13, 15, 16, 17])
def test_no_figure_depends_on_the_order_of_parts(seed: int) -> None:
    """The published form of every what-if, of the account as written and backwards: the same bytes."""
    made = account(seed)
    assert published(made, made.trial) == published(made, turned(made.trial))


def published(made: Account, trial: Trial) -> list[str]:
    trading = made.trading
    fall = uniform(trial.snapshot, 100_000, STILL)

    def limits(scales: Scales, pool: str) -> object:
        found = leverage(scales, trial, pool, still=STILL)
        return None if found is None else (found.scale, sorted(map(repr, (*found.trades, *found.withdrawals))))

    def drops(scales: Scales) -> object:
        chart = contagion(scales, trial, trading, None, None, made.ladder)
        return [(str(o.node), o.drop, o.after_sales, o.fallen, o.pulled, o.shortfall, o.rounds) for o in chart.outcomes]

    def of_pools(one: Callable[[Scales, str], object]) -> Report:
        return lambda scales, _: [one(scales, pool) for pool in scales.lows(trial)]

    asked: list[Report] = [
        lambda scales, _: [price_json(price) for price in liquidation_prices(scales, trial)],
        lambda scales, _: spiral_json(
            spiral(scales, trial, fall, trading, None, made.ladder),
            tipping_shock(scales, trial, fall, trading, made.ladder),
        ),
        lambda scales, _: drops(scales),
        of_pools(lambda scales, pool: plan_json(plan(scales, trial, pool, trading))),
        of_pools(lambda scales, pool: tail_json(tail_risk(scales, trial, pool))),
        of_pools(lambda scales, pool: joint_json(joint_moves(scales, trial, pool, still=STILL))),
        of_pools(lambda scales, pool: [cure_json(cure) for cure in cures(scales, trial, pool, trading)]),
        of_pools(limits),
    ]
    scales = Scales(made.setting)
    return [text_of(report, scales, trial) for report in asked]
