"""How long the risk reports of one account of 50 positions take; measured in processor time, beside one plain weighing."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest

from tests.simulators.minting import AS_OF
from tests.verifier.margin.build import line, policy, position, snapshot
from tests.verifier.margin.plain import PlainScales
from tests.verifier.margin.test_properties import MARKET
from verifier.margin.allocation import Measure, allocate
from verifier.margin.contagion import contagion
from verifier.margin.efficiency import efficiency
from verifier.margin.fixed import SCALE, Usd, price
from verifier.margin.instruments import Future, Option
from verifier.margin.joint_moves import joint_moves
from verifier.margin.leverage import leverage
from verifier.margin.liquidation import plan
from verifier.margin.liquidation_loop import spiral, tipping_shock, uniform
from verifier.margin.liquidation_price import liquidation_prices
from verifier.margin.liquidation_steps import Charge, Trading
from verifier.margin.market import Depth, ExpiryQuote
from verifier.margin.models.selling import impacts_of
from verifier.margin.report import weigh_pools
from verifier.margin.rules import MarginRules
from verifier.margin.selection import cheapest_way, cures, hedges
from verifier.margin.snapshot import Order, Position, Snapshot
from verifier.margin.tail_risk import tail_risk
from verifier.margin.trial import Scales, Setting, Trial
from verifier.policy import Factors, Haircut
from verifier.primitives import Timestamp

GROUPS = [f"G{n}" for n in range(12)]
STILL = frozenset({"USDC"})
SETTING = Setting(
    policy(**dict.fromkeys(GROUPS, Factors(Haircut(200_000, 150_000)))),
    MarginRules(markets=dict.fromkeys(GROUPS, MARKET), volatility=dict.fromkeys([*GROUPS, "USDC"], 600_000)),
)
TRADING = Trading(
    impacts=impacts_of(dict.fromkeys(GROUPS, Depth(Usd(10**7 * SCALE), 40_000))), other=Charge(fee=1_000, bonus=30_000)
)


def fifty_positions(loan: str) -> Snapshot:
    random = Random(1)
    lines = [
        line(f"l{n}", GROUPS[n % 12], str(random.randint(1, 20)), network=f"n{n % 4}", protocol=f"x{n % 3}")
        for n in range(20)
    ]
    positions = [
        position(f"p{n}", GROUPS[n % 12], str(random.randint(-5, 8) or 1), "100", network=f"n{n % 4}")
        for n in range(50)
    ]
    prices = dict.fromkeys(GROUPS, "100") | {"USDC": "1"}
    taken = snapshot(*lines, line("loan", "USDC", loan), *positions, **prices)
    past = {g: tuple(int(random.gauss(0, 0.03) * 10**9) for _ in range(250)) for g in prices}
    return replace(taken, returns=past)


def with_dated_parts(taken: Snapshot) -> Snapshot:
    """A fifth of its positions are futures, a fifth options, and orders rest on half of its markets."""
    times = [Timestamp(AS_OF + days * 86_400) for days in (7, 30, 90)]

    def dated(n: int, held: Position) -> Position:
        if n % 5 == 1:
            return replace(held, terms=Future(times[n % 3]))
        if n % 5 == 2:
            return replace(held, terms=Option(price(str(80 + n)), times[n % 3], call=n % 2 == 0), counts_gain=True)
        return held

    return replace(
        taken,
        positions=tuple(dated(n, held) for n, held in enumerate(taken.positions)),
        expiries=tuple(
            ExpiryQuote(group=g, expiry=t, at=AS_OF, forward=price("101"), rate=40_000, volatility=650_000)
            for g in GROUPS
            for t in times
        ),
        orders=tuple(
            Order(id=f"o{n}", group=GROUPS[n], size=(n or -1) * SCALE, decimals=18, limit=price("99")) for n in range(6)
        ),
    )


def reports(trial: Trial) -> dict[str, Callable[[Scales], object]]:
    return {
        "liquidation prices": lambda s: liquidation_prices(s, trial),
        "joint moves": lambda s: joint_moves(s, trial, "", still=STILL),
        "plan": lambda s: plan(s, trial, "", TRADING),
        "loop, 10 %": lambda s: spiral(s, trial, uniform(trial.snapshot, 100_000, STILL), TRADING),
        "tipping shock": lambda s: tipping_shock(s, trial, uniform(trial.snapshot, 500_000, STILL), TRADING),
        "contagion": lambda s: contagion(s, trial, TRADING),
        "allocation": lambda s: [allocate(s.setting, trial, measure) for measure in Measure],
        "efficiency": lambda s: efficiency(s.setting, trial),
        "leverage": lambda s: leverage(s, trial, "", still=STILL),
        "cures": lambda s: cures(s, trial, "", TRADING),
        "cheapest way": lambda s: cheapest_way(s, trial, "", TRADING),
        "hedges": lambda s: hedges(s, trial, ""),
        "tail risk": lambda s: tail_risk(s, trial, ""),
    }


@pytest.mark.benchmark(group="risk")
@pytest.mark.parametrize(
    ("loan", "what", "most"),
    [
        ("-5000", "well above its margin", 200),
        ("-17000", "just above failing", 400),
        ("-15000", "with futures, options and orders", 1_000),
    ],
)
def test_reports_of_one_account_with_fifty_positions(benchmark: object, loan: str, what: str, most: int) -> None:
    """Each report by itself, on fresh scales, the fastest of three; then all of them from one memory, as one asks."""
    del benchmark
    taken = fifty_positions(loan)
    trial = Trial(with_dated_parts(taken) if "futures" in what else taken)
    asked = reports(trial)
    for made in asked.values():  # what is loaded on first use is not the report's
        made(Scales(SETTING))
    gc.collect()
    gc.freeze()  # what the test runner has loaded is not the report's either
    try:
        plain = min(
            _spent(lambda: weigh_pools(trial.snapshot, SETTING.policy, SETTING.rules, SETTING.mode)) for _ in range(5)
        )
        print(f"\n{what}: one weighing {plain:.2f} ms")
        for name, made in asked.items():
            print(f"  {name:20} {min(_spent(lambda m=made: m(Scales(SETTING))) for _ in range(3)):9.1f} ms")
        whole = min(_spent(lambda: _all(asked, Scales(SETTING))) for _ in range(5))
        some = {name: made for name, made in asked.items() if name in PLAIN}
        ratio = _spent(lambda: _all(some, PlainScales(SETTING))) / _spent(lambda: _all(some, Scales(SETTING)))
    finally:
        gc.unfreeze()
    print(f"  all from one memory  {whole:9.1f} ms; {', '.join(PLAIN)}: {ratio:.0f} times the plain path")
    assert whole < most
    assert ratio > 5


PLAIN = ("liquidation prices", "joint moves", "tail risk")
"""What the plain path, which weighs the whole account for each question, can do in a few seconds."""


def _all(asked: dict[str, Callable[[Scales], object]], scales: Scales) -> None:
    for made in asked.values():
        made(scales)


def _spent(call: Callable[[], object]) -> float:
    """Milliseconds that one waits for; the process's own time has in it how linear algebra's second thread stands idle."""
    start = time.perf_counter()
    call()
    return (time.perf_counter() - start) * 1_000
