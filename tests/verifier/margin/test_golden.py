"""One account worked by hand: the engine, the page and a plain recomputation say the same."""

from __future__ import annotations

import json
from fractions import Fraction
from math import ceil, isqrt
from pathlib import Path
from typing import Any

import pytest

from tests.simulators.minting import AS_OF, BOB, BUNDLE, coin, holding, proven, refused, token
from tests.verifier.margin.build import declared_debt, declared_position, declared_price
from verifier.claims import Claim
from verifier.margin.account import MarginAccount, build_account
from verifier.margin.as_json import to_json
from verifier.margin.fixed import show_scaled, usd
from verifier.margin.modes import Mode
from verifier.margin.report import MarginReport, report
from verifier.margin.rules import MarginRules, Market, Tier, flat_market
from verifier.policy import Factors, Haircut, Policy
from verifier.trust import Anchor

GOLDEN = Path(__file__).resolve().parents[3] / "fixtures" / "golden"
POLICY = Policy(
    name="golden",
    anchors=frozenset({Anchor.PINNED, Anchor.QUORUM}),
    factors={
        "ETH": Factors(Haircut(200_000, 150_000)),
        "USDC": Factors(Haircut(20_000, 10_000), 1_050_000, 1_020_000),
    },
)
RULES = MarginRules(
    markets={
        "BTC": Market((Tier(usd("0"), 50_000, 25_000), Tier(usd("100000"), 100_000, 50_000))),
        "ETH": flat_market(40_000, 20_000),
    },
    volatility={"BTC": 500_000},
)
NAMES = "ABCG"


def golden_account(mode: Mode = Mode.ISOLATED) -> MarginAccount:
    c = Claim(coin(42161), BOB)
    return build_account(
        "golden",
        (
            proven(holding(coin(1)), 10 * 10**18),
            proven(holding(token(10)), 5_000 * 10**6, anchor=Anchor.QUORUM, lag=2_700),
            refused(c),
            proven(holding(token(1), BOB), 100 * 10**6),
        ),
        as_of=AS_OF,
        bundle_id=BUNDLE,
        policy=POLICY,
        rules=RULES,
        mode=mode,
        prices=(declared_price("ETH", "3000"), declared_price("USDC", "0.9998"), declared_price("BTC", "61000", 600)),
        debts=(declared_debt("12000", name="D"),),
        positions=(
            declared_position("-3", "60000", "BTC", name="E"),
            declared_position("1", "2500", "ETH", name="F", pocket="carry"),
        ),
        pockets={3: "carry"},
        last_proven={c.identity: proven(c, 15 * 10**17)},
    )


@pytest.fixture(scope="module")
def made() -> MarginReport:
    return report(golden_account())


@pytest.fixture(scope="module")
def golden() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((GOLDEN / "margin_account.json").read_text(encoding="utf-8"))
    return loaded


def test_the_engine_gives_every_figure_of_the_page(made: MarginReport, golden: dict[str, Any]) -> None:
    """Lines, positions, both figures of both pools, ratios and statuses."""
    figures = made.figures
    by_name = dict(zip([label for label in "ABC"] + ["D", "G"], figures.lines, strict=True))
    for name, expected in golden["lines"].items():
        found = by_name[name]
        assert found.gross is not None and found.low is not None and found.high is not None
        shown = {"gross": found.gross, "low": found.low, "low_initial": found.known_low_initial, "high": found.high}
        assert {key: show_scaled(money) for key, money in shown.items()} | (
            {"age_haircut": found.haircuts.age} if "age_haircut" in expected else {}
        ) == expected
    pools = to_json(made)["pockets"]
    assert isinstance(pools, list)
    assert {pool["name"]: {key: pool[key] for key in golden["pockets"][pool["name"]]} for pool in pools} == golden[
        "pockets"
    ]
    for value in figures.positions:
        expected = golden["positions"][value.position.id.removeprefix("declared-position:")]
        assert value.notional is not None and value.profit is not None
        assert {
            "notional": show_scaled(value.notional),
            "profit": show_scaled(value.profit),
            "counted_low": show_scaled(value.counted_low),
            "counted_high": show_scaled(value.counted_high),
            "initial": show_scaled(value.low.initial),
            "maintenance": show_scaled(value.low.maintenance),
            "price_haircut": value.price.haircut,
        } == expected
    assert made.status.value == golden["status"]


def test_plain_fractions_give_the_same(golden: dict[str, Any]) -> None:
    """The page's arithmetic once more, with nothing of the engine."""
    f = Fraction
    age = f(ceil(f(900 * 10**6, 84_600)), 10**6)
    old_squared = f(233, 100) ** 2 * f(1, 4) * f(600, 31_536_000) * 10**12
    old = f(isqrt(int(old_squared)) + 1, 10**6)
    b_m, b_i = (f(4_999) * f(kept, 100) * (1 - age) for kept in (95, 90))
    owed_m, owed_i = f("11997.6") - b_m, f("11997.6") - b_i
    mark = 61_000 * (1 + old)
    loss, notional = 3 * (mark - 60_000), 3 * mark
    equity = 30_000 - owed_m - loss
    initial = 6_000 + owed_i / 20 + (owed_i - owed_m) + notional / 10 - 5_000
    maintenance = 4_500 + owed_m / 50 + notional / 20 - 2_500
    low = golden["pockets"]["cross"]["low"]
    assert [equity, initial, maintenance] == [f(low[key]) for key in ("equity", "initial", "maintenance")]
    assert f(low["weighted_debt"]) == owed_m * f(102, 100)
    cross = golden["pockets"]["cross"]
    exact = {
        "ratio": (equity - 4_500) / (maintenance - 4_500),
        "initial_ratio": (equity - 6_000 - (owed_i - owed_m)) / (initial - 6_000 - (owed_i - owed_m)),
        "health_factor": 25_500 / (owed_m * f(102, 100)),
    }
    for key, ratio in exact.items():
        assert f(cross[key]) == f(int(ratio * 10**4), 10**4)
    assert f(cross["usage"]) == f(ceil(maintenance / equity * 10**4), 10**4)
    high = cross["high"]
    assert f(high["equity"]) == 34_500 - f("6998.6") - 3_000
    assert f(high["maintenance"]) == f(34_500) * f(15, 100) + f("6998.6") / 50 + f(183_000) / 20 - 2_500


def test_the_page_holds_every_figure_of_the_file(golden: dict[str, Any]) -> None:
    """The readable form and the machine's are one account."""
    page = (GOLDEN / "margin_account.md").read_text(encoding="utf-8").replace(",", "")
    low = golden["pockets"]["cross"]["low"]
    named = [
        low["equity"],
        low["initial"],
        low["maintenance"],
        low["weighted_debt"],
        golden["pockets"]["cross"]["buffer"],
    ]
    named += [golden["lines"]["B"][key] for key in ("low", "low_initial")]
    named += [golden["positions"]["E"][key] for key in ("notional", "initial", "maintenance")]
    assert [figure for figure in named if figure not in page] == []


def test_one_more_dollar_of_debt_is_another_account(golden: dict[str, Any]) -> None:
    """The comparison notices: nothing of the golden cross pool survives a changed input."""
    account = golden_account()
    changed = build_account(
        "golden", account.outcomes, as_of=AS_OF, bundle_id=BUNDLE, policy=POLICY, rules=RULES, mode=Mode.ISOLATED,
        prices=account.prices, debts=(declared_debt("12001", name="D"),), positions=account.positions,
        pockets=account.pockets, last_proven=account.last_proven,
    )  # fmt: skip
    pools = to_json(report(changed))["pockets"]
    assert isinstance(pools, list)
    assert pools[0]["low"]["equity"] != golden["pockets"]["cross"]["low"]["equity"]
    assert pools[1]["low"] == golden["pockets"]["carry"]["low"]


def test_pooling_conserves_equity(golden: dict[str, Any]) -> None:
    """In cross mode the two pools are one, with the sum of their equities."""
    low = report(golden_account(Mode.CROSS)).figures.pockets[0].low
    assert low is not None
    parts = [Fraction(pool["low"]["equity"]) for pool in golden["pockets"].values()]
    assert Fraction(show_scaled(low.equity)) == sum(parts)
