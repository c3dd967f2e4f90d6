"""One liquidation worked by hand: the engine, the page and a plain recomputation say the same."""

from __future__ import annotations

import json
from fractions import Fraction
from math import ceil
from pathlib import Path
from typing import Any

import pytest

from tests.verifier.margin.build import line, policy, position, snapshot
from verifier.margin.fixed import SCALE, Price, Usd, show_scaled
from verifier.margin.liquidation import Plan, plan
from verifier.margin.liquidation_loop import Rung, Shock, Spiral, spiral, tipping_shock
from verifier.margin.liquidation_price import liquidation_price
from verifier.margin.liquidation_steps import Charge, Trading
from verifier.margin.models.impact import Linear
from verifier.margin.rules import MarginRules, flat_market
from verifier.margin.trial import Scales, Setting, Trial
from verifier.policy import Factors, Haircut

GOLDEN = Path(__file__).resolve().parents[3] / "fixtures" / "golden"
SCALES = Scales(
    Setting(policy(ETH=Factors(Haircut(200_000, 150_000))), MarginRules(markets={"ETH": flat_market(100_000, 50_000)}))
)
COSTS = Trading(other=Charge(fee=2_000, bonus=50_000))
CROWDED = {"ETH": (Rung(Price(1_590 * SCALE), Usd(50_000 * SCALE)),)}


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((GOLDEN / "liquidation_path.json").read_text())
    return found


def account(price: str) -> Trial:
    return Trial(
        snapshot(
            line("eth", "ETH", "10"), line("usdc", "USDC", "1000"), line("loan", "USDC", "-12000"),
            position("perp", "ETH", "5", "2000"), ETH=price, USDC="1",
        )
    )  # fmt: skip


def made() -> Plan:
    return plan(SCALES, account("1560"), "", COSTS)


def looped(*, crowded: bool) -> Spiral:
    taken = snapshot(line("cash", "USDC", "2500"), position("perp", "ETH", "10", "2000"), ETH="2000", USDC="1")
    trading = Trading(impacts={"ETH": Linear(1e-6)})
    return spiral(SCALES, Trial(taken), Shock({"ETH": 200_000}), trading, ladder=CROWDED if crowded else None)


def test_the_engine_says_what_the_page_says(told: dict[str, Any]) -> None:
    """Prices, plan and steps, to the unit."""
    found = liquidation_price(SCALES, account("2000"), "", "ETH")
    assert found.lower is not None and found.upper is None and found.fall == told["fall"]
    assert abs(Fraction(found.lower, SCALE) - Fraction(told["lower"])) < Fraction(1, 10**14)
    dollar = liquidation_price(SCALES, account("2000"), "", "USDC")
    assert dollar.upper == 15 * SCALE // 10 + 1 and told["usdc_upper"] == "1.5"
    way = made()
    assert (way.end.value, show_scaled(way.lacking), show_scaled(way.cost)) == (
        told["end"], told["lacking"], told["cost"],
    )  # fmt: skip
    assert [
        {
            "act": step.closure.act.value,
            "part": step.closure.part,
            "amount": show_scaled(step.closure.amount),
            "cost": show_scaled(step.cost),
            "equity": show_scaled(step.after.low.equity),
            "initial": show_scaled(step.after.low.initial),
            "maintenance": show_scaled(step.after.low.maintenance),
            "repaid": show_scaled(sum(units for _, units in step.repaid)),
        }
        for step in way.steps
    ] == told["steps"]


def test_the_loop_is_what_the_page_says(told: dict[str, Any]) -> None:
    """Each round's price, to a millionth of a millionth; amplification with and without the others."""
    crowd, alone = looped(crowded=True), looped(crowded=False)
    marks = [Fraction(turn.marks["ETH"], SCALE) for turn in crowd.rounds]
    assert len(marks) == 3 and crowd.settled
    assert all(abs(m - Fraction(t)) < Fraction(1, 10**12) for m, t in zip(marks, told["loop"]["marks"], strict=True))
    for found, name in ((crowd, "amplification"), (alone, "alone")):
        ratio = found.amplification("ETH")
        assert ratio is not None and abs(ratio - Fraction(told["loop"][name])) < Fraction(1, 10**12)
    taken = snapshot(line("cash", "USDC", "2500"), position("perp", "ETH", "10", "2000"), ETH="2000", USDC="1")
    assert tipping_shock(SCALES, Trial(taken), Shock({"ETH": 999_999}), Trading()) is not None
    share = tipping_shock(SCALES, Trial(taken), Shock({"ETH": 500_000}), Trading())
    assert share is not None and -(-share * 500_000 // 10**6) == told["loop"]["tipping_shock"]


def test_plain_fractions_say_the_same(told: dict[str, Any]) -> None:
    """Without the engine: every figure of the page again."""
    one = Fraction(1)
    assert abs(Fraction(21_000) / Fraction("13.25") - Fraction(told["lower"])) < Fraction(1, 10**14)
    owed = 11_000 + 5 * (2_000 - 1_560) + one * 7_800 * 2 / 1_000
    weighted = Fraction(85, 100) * 15_600
    equity = 15_600 - owed
    assert equity == Fraction(told["steps"][1]["equity"])
    for_initial = (Fraction(20, 100) * 15_600 - equity) / Fraction(15, 100)
    for_health = (Fraction("1.07") * owed - weighted) / (Fraction("1.07") * Fraction(95, 100) - Fraction(85, 100))
    value = max(for_initial, for_health)
    assert for_initial == 4_904 and for_health > for_initial
    units = ceil(value / 1_560 * SCALE)
    sold = Fraction(units, SCALE) * 1_560
    last = told["steps"][2]
    assert Fraction(units, SCALE) == Fraction(last["amount"])
    for found, name in (
        (sold * 5 / 100, "cost"), (equity - sold * 5 / 100, "equity"),
        ((15_600 - sold) / 5, "initial"), (sold * 95 / 100, "repaid"),
    ):  # fmt: skip
        assert abs(found - Fraction(last[name])) < Fraction(2, SCALE)
    assert abs(Fraction("15.6") + sold / 20 - Fraction(told["cost"])) < Fraction(2, SCALE)
    assert Fraction(told["loop"]["amplification"]) == (1 - Fraction(1_600) * Fraction("0.93") / 2_000) / Fraction("0.2")
    assert told["loop"]["tipping_shock"] == ceil((1 - Fraction("17500") / Fraction("9.5") / 2_000) * 10**6)


def test_the_page_names_every_figure(told: dict[str, Any]) -> None:
    """What stands in the file stands on the page."""
    page = (GOLDEN / "liquidation_path.md").read_text(encoding="utf-8")
    for text in (
        "1,584.905660377",
        "2,384.4",
        "5,289.441441",
        "3.390667590667",
        "280.072072",
        "1.28",
        "7.8948",
        "1,488",
    ):
        assert text in page
    assert told["end"] in page
