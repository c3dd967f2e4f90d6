"""A portfolio worked by hand: the page, a plain recomputation by fractions, and the engine say the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from tests.simulators.minting import AS_OF
from tests.verifier.margin.build import line, policy, position, snapshot
from verifier.margin.fixed import SCALE, price
from verifier.margin.instruments import Option
from verifier.margin.modes import Mode
from verifier.margin.report import HypotheticalReport, PocketReport
from verifier.margin.rules import MarginRules, flat_market
from verifier.margin.scenario import (
    BasisRule,
    Charge,
    ContingencyRules,
    Discount,
    OffsetRules,
    Scenario,
    ScenarioRules,
    VolMove,
    VolRule,
)
from verifier.policy import Factors, Haircut

GOLDEN = Path(__file__).resolve().parents[3] / "fixtures" / "golden"
MOVES = (("0.2", "1"), ("0.1", "1"), ("0", "1"), ("-0.1", "1"), ("-0.2", "1"), ("-0.5", "0.4"))
RULES = MarginRules(
    markets={"ETH": flat_market(200_000, 100_000), "BTC": flat_market(100_000, 50_000)},
    scenarios=ScenarioRules(
        scenarios=tuple(Scenario(Decimal(move), VolMove.SAME, Decimal(part)) for move, part in MOVES),
        ranges={"BTC": Decimal("0.5")},
        vol=VolRule(least_up=Decimal(0)),
        discounted=False,
        long_discount=Discount(),
        short_discount=Discount(),
        basis=BasisRule(add=Decimal(0), mult=Decimal(0)),
        contingencies=ContingencyRules(
            perp=Charge(Decimal("0.015"), Decimal("0.005")), short_option=Charge(Decimal("0.01"), Decimal("0.005"))
        ),
        offsets=OffsetRules(credit=Decimal("0.5"), from_correlation=False),
        maintenance_factor=Decimal("0.8"),
    ),
)
POLICY = policy(ETH=Factors(Haircut(200_000, 150_000)))


def golden_pool(mode: Mode = Mode.PORTFOLIO) -> PocketReport:
    call = position("calls", "ETH", "-2", "1", counts_gain=True)
    taken = snapshot(
        line("eth", "ETH", "10"),
        line("usdc", "USDC", "20000"),
        position("short", "ETH", "-8", "3100", counts_gain=True),
        replace(call, terms=Option(price("2900"), AS_OF, call=True)),
        position("long", "BTC", "0.5", "59000", counts_gain=True),
        ETH="3000", USDC="1", BTC="60000",
    )  # fmt: skip
    (made,) = HypotheticalReport(taken, POLICY, RULES, mode).figures.pockets
    return made


@pytest.fixture(scope="module")
def golden() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((GOLDEN / "portfolio.json").read_text(encoding="utf-8"))
    return loaded


def by_hand() -> dict[str, Any]:
    """Every figure of the page from its inputs, by fractions; nothing of the engine is used."""
    f: Callable[[str], Fraction] = Fraction
    eth, btc = f("3000"), f("60000")
    option = -2 * max(eth - 2900, Fraction(0))
    equity = 10 * eth + 20_000 + -8 * (eth - 3100) + option + f("0.5") * (btc - 59_000)
    hedged = min(10 * eth, 8 * eth + 2 * eth)
    rows = []
    for move, part in ((f(m), f(p)) for m, p in MOVES):
        now = eth * (1 + move)
        perp, coins = -8 * eth * move, hedged * move
        calls = -2 * max(now - 2900, Fraction(0)) - option
        on_eth = (perp + coins + calls) * part
        on_btc = f("0.5") * btc * move / 2 * part
        rows.append([perp * part, coins * part, calls * part, on_eth, on_btc])
    eth_worst = max(-row[3] for row in rows)
    btc_worst = max(-row[4] for row in rows)
    joint = [(eth_worst + btc_worst) / 2 + (-row[3] - row[4]) / 2 for row in rows]
    loss = max(joint)
    perps = 8 * eth + f("0.5") * btc
    charges = {
        "perp": [perps * f("0.02"), perps * f("0.015")],
        "short-option": [2 * eth * f("0.015"), 2 * eth * f("0.01")],
    }
    initial = loss + sum(c[0] for c in charges.values())
    maintenance = loss * f("0.8") + sum(c[1] for c in charges.values())
    relief = [hedged * f("0.2"), hedged * f("0.15")]
    return {
        "equity": equity, "hedged": hedged, "scenarios": rows, "eth_worst": eth_worst, "btc_worst": btc_worst,
        "joint": joint, "loss": loss, "charges": charges, "by_scenarios": [initial, maintenance], "relief": relief,
        "required": [initial - relief[0], maintenance - relief[1]],
        "account": [10 * eth * f("0.2") + initial - relief[0], 10 * eth * f("0.15") + maintenance - relief[1]],
    }  # fmt: skip


def plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return str(Decimal(value.numerator) / Decimal(value.denominator))


def test_the_page_is_what_the_fractions_say(golden: dict[str, Any]) -> None:
    """Every figure of the file, and each stands on the page."""
    assert golden["by_hand"] == plain(by_hand())
    page = (GOLDEN / "portfolio.md").read_text(encoding="utf-8")
    for number in (*by_hand()["required"], *by_hand()["account"], by_hand()["loss"], by_hand()["equity"]):
        assert f"{Decimal(number.numerator) / Decimal(number.denominator):,f}" in page


def close(money: int, exact: Fraction) -> bool:
    """The models' slack, against the account: a billionth of a cent at these sizes."""
    return abs(Fraction(money, SCALE) - exact) <= Fraction(1, 10**7)


def test_the_engine_says_the_same() -> None:
    """Scenarios, offsets, contingencies, relief, and the account's requirements."""
    made, hand = golden_pool(), by_hand()
    found = made.portfolio
    assert found is not None
    assert close(found.hedging["ETH"], hand["hedged"])
    assert all(close(s.loss, exact) for s, exact in zip(found.scenarios, hand["joint"], strict=True))
    assert close(found.loss, hand["loss"])
    assert found.credits == (("portfolio", 500_000),)
    assert found.contingencies.keys() == hand["charges"].keys()
    for name, (initial, maintenance) in found.contingencies.items():
        assert close(initial, hand["charges"][name][0])
        assert close(maintenance, hand["charges"][name][1])
    assert close(found.initial, hand["by_scenarios"][0])
    assert close(found.maintenance, hand["by_scenarios"][1])
    assert close(made.known_low.equity, hand["equity"])
    assert close(made.known_low.initial, hand["account"][0])
    assert close(made.known_low.maintenance, hand["account"][1])
    assert not found.by_rules


def test_requirements_are_rounded_against_the_account() -> None:
    """The engine's are never below the exact figures."""
    made, hand = golden_pool(), by_hand()
    assert Fraction(made.known_low.initial, SCALE) >= hand["account"][0]
    assert Fraction(made.known_low.maintenance, SCALE) >= hand["account"][1]


def test_by_rules_the_same_account_needs_more() -> None:
    """Cross mode: haircuts on all collateral, tiers on each perpetual, the standard method for the calls."""
    assert golden_pool(Mode.CROSS).known_low.initial > golden_pool().known_low.initial
