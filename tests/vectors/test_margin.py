"""The peers' margin vectors that rule-based margin can express, run through its parameters; the others by name and reason.

No case is special-cased: weights become factors, tiers become markets, and the figures come out of the one engine.
"""

from __future__ import annotations

import json
from decimal import Decimal, localcontext
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import shared_folder
from tests.simulators.minting import AS_OF
from tests.verifier.margin.build import PINNED, policy
from verifier.margin.fixed import SCALE, Price, Usd, charge, credit, part_of, scaled
from verifier.margin.modes import Mode
from verifier.margin.report import HypotheticalReport, PocketReport
from verifier.margin.requirements import market_requirement
from verifier.margin.risk import Ratio, Risk
from verifier.margin.rules import Ladder, MarginRules, Market, Tier, flat_market
from verifier.margin.snapshot import Line, Position, Quote, Snapshot
from verifier.margin.status import FAILING, Status, classify
from verifier.policy import PPM, Factors, Haircut

pytestmark = pytest.mark.shared

FILES = {
    "derive_pmrm1.json": "scenario matrix: portfolio margin is a later issue's",
    "derive_pmrm2.json": "scenario matrix: portfolio margin is a later issue's",
    "derive_srm.json": "options: a later issue's",
    "derive_partial_liquidation.json": "liquidation amounts: a later issue's",
    "gmx_price_impact.json": "price impact: a later issue's",
    "span.json": "risk arrays: portfolio margin is a later issue's",
    "correlated_buckets.json": "correlation aggregation: portfolio margin is a later issue's",
    "reference_math.json": "statistical models: a later issue's",
}
"""Files of which no case is in scope."""

KINDS = {
    "liquidation_price.json": {
        "*": "closed forms of liquidation prices by other rules (fees, maintenance at entry): a later issue's",
    },
    "mango_v4.json": {
        "*": "resting orders, gains at a weight, settlement in a weighted token, venue-wide deposit scaling: a later issue's"
    },
    "dydx_v4.json": {
        "bankruptcy_price": "liquidation: a later issue's",
        "fillable_price": "liquidation: a later issue's",
        "insurance_fund_delta": "liquidation: a later issue's",
        "adjusted_initial_ppm": "rates that grow with a venue's open interest: a later issue's",
    },
    "drift_v2.json": {
        "*": "liquidation amounts, and weights that depend on size or on a venue's deposits: a later issue's"
    },
    "compound_v3.json": {"quote_collateral": "sale of seized collateral: a later issue's"},
    "aave_v3.json": {
        "max_liquidatable_debt": "close factor: a later issue's",
        "leftover_allowed": "dust rule of liquidation: a later issue's",
        "bps_half_up": "rounds half up; ours rounds against the account",
    },
    "morpho.json": {"incentive_factor": "liquidation bonus: a later issue's", "rounding": "seizure: a later issue's"},
}
"""Kinds that are out of scope, by file; `*` stands for every kind without a runner."""

CASES = {
    ("drift_v2.json", "mixed_isolated_cross_buffer_10pct"): "a buffer on negative profit besides the one on rates",
    ("dydx_v4.json", "initial_margin_08"): "rates that grow with a venue's open interest: a later issue's",
}


def load() -> list[tuple[str, dict[str, Any]]]:
    folder = shared_folder() / "data" / "margin"
    if not folder.is_dir():
        return []
    names = json.loads((folder / "index.json").read_text())["files"]
    found = []
    for name in sorted(names):
        cases = json.loads((folder / name).read_text(), parse_float=Decimal)["cases"]
        assert len(cases) == names[name]["cases"]
        found += [(name, case) for case in cases]
    return found


def kind_of(case: dict[str, Any]) -> str:
    kind = case["inputs"].get("kind", "")
    return kind if isinstance(kind, str) else ""


def out_of_scope(name: str, case: dict[str, Any]) -> str | None:
    if name in FILES:
        return FILES[name]
    if (name, case["id"]) in CASES:
        return CASES[name, case["id"]]
    if (name, kind_of(case)) in RUNNERS:
        return None
    kinds = KINDS.get(name, {})
    return kinds.get(kind_of(case), kinds.get("*"))


def num(value: object) -> Fraction:
    return Fraction(str(value))


def text(value: object) -> str:
    if isinstance(value, Fraction):
        with localcontext() as context:
            context.prec = 60
            return format(Decimal(value.numerator) / Decimal(value.denominator), "f")
    return format(Decimal(str(value)), "f")


def rate(value: object) -> int:
    found = num(value) * PPM
    assert found.denominator == 1
    return int(found)


def line(id: str, group: str, amount: object, decimals: int = 18, pocket: str = "") -> Line:
    units = scaled(text(amount), decimals, "amount")
    return Line(id=id, group=group, amount=units, decimals=decimals, liability=units < 0, trust=PINNED, pocket=pocket)


def position(id: str, group: str, size: object, entry: object, pocket: str = "") -> Position:
    made = Price(scaled(text(entry), 18, "price"))
    return Position(
        id=id,
        group=group,
        size=scaled(text(size), 18, "size"),
        decimals=18,
        entry=made,
        pocket=pocket,
        counts_gain=True,
    )


def weigh(parts: list[Line | Position], prices: dict[str, object], factors: dict[str, Factors], rules: MarginRules | None = None,
          mode: Mode = Mode.CROSS) -> tuple[PocketReport, ...]:  # fmt: skip
    taken = Snapshot(
        as_of=AS_OF,
        lines=tuple(p for p in parts if isinstance(p, Line)),
        positions=tuple(p for p in parts if isinstance(p, Position)),
        quotes={group: Quote(Price(scaled(text(price), 18, "price")), AS_OF) for group, price in prices.items()},
    )
    return HypotheticalReport(taken, policy(**factors), rules or MarginRules(), mode).figures.pockets


def same(risk: Risk | None) -> Risk:
    assert risk is not None
    return risk


def ladder_status(given: dict[str, Any], expected: dict[str, Any]) -> None:
    ladder = Ladder(rate(given["free_above"]), rate(given["warn_above"]), rate(given["reduce_only_above"]))
    risk = Risk(equity=Usd(scaled(text(given["ratio"]), 18, "E")), initial=Usd(SCALE), maintenance=Usd(SCALE))
    rungs = {
        "free": Status.HEALTHY,
        "warn": Status.WARNING,
        "reduce_only": Status.MARGIN_CALL,
        "liquidate": Status.FINAL_CALL,
    }
    # The peer calls its last rung before liquidation "liquidate"; ours is the final call.
    assert classify(risk, ladder) is rungs[expected["status"]]


def ladder_equity(given: dict[str, Any], expected: dict[str, Any]) -> None:
    cut = PPM - rate(given["collateral_rate"])
    (made,) = weigh([line("a", "X", given["net_amount"])], {"X": given["price"]}, {"X": Factors(Haircut(cut, cut))})
    assert Fraction(same(made.low).weighted, SCALE) == num(expected["equity"])


def dydx_initial(given: dict[str, Any], expected: dict[str, Any]) -> None:
    assert given["open_interest"] <= given["oi_upper_cap"] or not given["oi_upper_cap"]
    market = flat_market(given["initial_ppm"], given["initial_ppm"])
    assert market_requirement(market, Usd(given["notional"]))[0] == expected["initial_margin"]


def dydx_maintenance(given: dict[str, Any], expected: dict[str, Any]) -> None:
    """The rate itself is the venue's parameter, which it rounds down; requirements under it round up."""
    found = credit(*part_of(given["initial_ppm"], given["maintenance_fraction_ppm"]))
    assert found == expected["maintenance_ppm"]
    assert flat_market(given["initial_ppm"], found).tiers[0].maintenance == found


def dydx_status(given: dict[str, Any], expected: dict[str, Any]) -> None:
    equity, initial = Usd(given["net_collateral"]), Usd(given["initial_requirement"])
    risk = Risk(equity=equity, initial=initial, maintenance=Usd(given["maintenance_requirement"]))
    failing = classify(risk, Ladder()) in FAILING
    found = {"initial_ok": risk.equity >= risk.initial, "maintenance_ok": not failing, "liquidatable": failing}
    assert found == expected


def drift_mixed(given: dict[str, Any], expected: dict[str, Any]) -> None:
    apart, weight = given["isolated"], rate(given["sol_initial_liability_weight"])
    entry = num(-apart["quote"]) / num(apart["base"])
    parts: list[Line | Position] = [
        line("usdc", "USDC", given["usdc_deposit"]),
        line("sol", "SOL", -given["sol_borrow"]),
        line("deposit", "USDC", apart["deposit"], pocket="isolated"),
        position("perp", "SOL", apart["base"], entry, pocket="isolated"),
    ]
    ratio = rate(apart["initial_ratio"])
    rules = MarginRules(markets={"SOL": flat_market(ratio, ratio)})
    prices: dict[str, object] = {"USDC": 1, "SOL": given["sol_price"]}
    cross, isolated = weigh(parts, prices, {"SOL": Factors(Haircut(0, 0), weight, weight)}, rules, Mode.ISOLATED)
    scale = SCALE // 10**6
    assert same(cross.low).weighted == expected["cross_collateral"] * scale
    assert same(cross.low).owed == expected["cross_requirement"] * scale
    assert same(isolated.low).equity == expected["isolated_collateral"] * scale
    assert same(isolated.low).initial == expected["isolated_requirement"] * scale
    assert [same(p.low).equity >= same(p.low).initial for p in (cross, isolated)] == [
        expected["cross_ok"],
        expected["isolated_ok"],
    ]


def compound(given: dict[str, Any], expected: dict[str, Any]) -> None:
    borrow = given["kind"] == "is_borrow_collateralized"
    factor = Fraction(int(given["borrow_factor_e18" if borrow else "liquidate_factor_e18"]), 10**18)
    cut = charge((1 - factor).numerator * PPM, (1 - factor).denominator)
    parts: list[Line | Position] = [
        line("base", "BASE", Fraction(given["base_principal"], 10 ** given["base_decimals"]), given["base_decimals"]),
        line("collateral", "COLL", Fraction(int(given["collateral"]), 10 ** given["collateral_decimals"])),
    ]
    prices: dict[str, object] = {
        "BASE": Decimal(given["base_price_e8"]) / 10**8,
        "COLL": Decimal(given["collateral_price_e8"]) / 10**8,
    }
    whole = Factors(Haircut(0, 0))
    (made,) = weigh(parts, prices, {"BASE": whole, "COLL": Factors(Haircut(cut, cut if not borrow else 0))})
    low = same(made.low)
    found = low.equity >= low.initial if borrow else made.status in FAILING
    assert found == expected["result"]


def aave_health(given: dict[str, Any], expected: dict[str, Any]) -> None:
    cut = PPM - rate(given["liquidation_threshold"])
    parts: list[Line | Position] = [
        line("c", "COLL", given["collateral_value"]),
        line("d", "DEBT", -given["debt_value"]),
    ]
    (made,) = weigh(parts, {"COLL": 1, "DEBT": 1}, {"COLL": Factors(Haircut(cut, cut))})
    health = same(made.low).health_factor
    assert health is not None
    # The source rounds to three places; ours shows the same ratio rounded down.
    exact = Fraction(health.numerator, health.denominator)
    assert round(exact, 3) == num(expected["health_factor_3dp"])
    assert made.shown(health) == "0.6666"
    assert (made.status in FAILING) == expected["liquidatable"]


def morpho_max_debt(given: dict[str, Any], expected: dict[str, Any]) -> None:
    parts: list[Line | Position] = []
    prices: dict[str, object] = {"LOAN": 1}
    factors = {"LOAN": Factors()}
    for n, collateral in enumerate(given["collaterals"]):
        cut = PPM - rate(collateral["lltv"])
        parts.append(line(f"c{n}", f"C{n}", collateral["amount"]))
        prices[f"C{n}"], factors[f"C{n}"] = collateral["price"], Factors(Haircut(cut, cut))
    (most,) = weigh([*parts, line("d", "LOAN", -num(expected["max_debt"]))], prices, factors)
    (over,) = weigh([*parts, line("d", "LOAN", -num(expected["max_debt"]) - Fraction(1, 10**18))], prices, factors)
    assert Fraction(same(most.low).weighted, SCALE) == num(expected["max_debt"])
    assert most.status is Status.FINAL_CALL
    assert over.status is Status.LIQUIDATION


def synthetix(given: dict[str, Any], expected: dict[str, Any]) -> None:
    """Rates that grow with size are handed in as the market's rates for this size."""
    parts: list[Line | Position] = [line("collateral", "USD", given["collateral"])]
    markets, prices = {}, {"USD": 1}
    for p in given["positions"]:
        initial = abs(num(p["size"])) / num(p["skew_scale"]) * num(p["im_fraction"]) + num(p["min_im_ratio"])
        maintenance = initial * num(p["mm_scalar"])
        ppm = [charge(r.numerator * PPM, r.denominator) for r in (initial, maintenance)]
        markets[p["market"]] = flat_market(*ppm)
        parts.append(position(p["market"], p["market"], p["size"], p["entry"]))
        prices[p["market"]] = p["price"]
    (made,) = weigh(parts, dict(prices), {"USD": Factors(Haircut(0, 0))}, MarginRules(markets=markets))
    assert [Fraction(v.counted_low, SCALE) for v in made.positions] == [num(v) for v in expected["pnl"]]
    assert Fraction(same(made.low).equity, SCALE) == num(expected["available_margin"])
    if "liquidatable" in expected:
        assert (made.status in FAILING) == expected["liquidatable"]


def linear_cross(given: dict[str, Any], expected: dict[str, Any]) -> None:
    """At the peer's liquidation price, a tick to each side, the account's status flips."""
    own = given["position"]
    tick = Fraction(1, 100)
    up = num(own["size"]) < 0
    found = []
    for side in (-1, 1):
        price = num(expected["price"]) + side * tick
        parts: list[Line | Position] = [
            line("wallet", "USD", str(Decimal(str(given["wallet"])).quantize(Decimal("1e-12"))))
        ]
        markets, prices = {}, {"USD": Decimal(1)}
        for n, p in enumerate([own, *given["others"]]):
            group = f"M{n}"
            markets[group] = tiered(num(p["mm_rate"]), num(p["mm_amount"]))
            parts.append(position(group, group, p["size"], p["entry"]))
            at = price if n == 0 else num(p["mark"])
            prices[group] = Decimal(at.numerator) / Decimal(at.denominator)
        (made,) = weigh(parts, {k: v.quantize(Decimal("1e-12")) for k, v in prices.items()},
                        {"USD": Factors(Haircut(0, 0))}, MarginRules(markets=markets))  # fmt: skip
        found.append(made.status in FAILING)
    assert found == ([False, True] if up else [True, False])


def tiered(top: Fraction, amount: Fraction) -> Market:
    """A market whose upper tier has this rate and maintenance amount: below it nothing is charged."""
    floor = amount / top if top else Fraction(0)
    above = Usd(charge(floor.numerator * SCALE, floor.denominator))
    free, upper = Tier(Usd(0), 0, 0), Tier(above, rate(top), rate(top))
    return Market((free, upper)) if above else Market((Tier(Usd(0), rate(top), rate(top)),))


RUNNERS = {
    ("margin_ladder.json", "status"): ladder_status,
    ("margin_ladder.json", "haircut_equity"): ladder_equity,
    ("dydx_v4.json", "initial_margin"): dydx_initial,
    ("dydx_v4.json", "maintenance_ppm"): dydx_maintenance,
    ("dydx_v4.json", "account_status"): dydx_status,
    ("drift_v2.json", "mixed_isolated_cross"): drift_mixed,
    ("compound_v3.json", "is_liquidatable"): compound,
    ("compound_v3.json", "is_borrow_collateralized"): compound,
    ("aave_v3.json", "health_factor"): aave_health,
    ("morpho.json", "max_debt"): morpho_max_debt,
    ("synthetix_v3.json", ""): synthetix,
    ("liquidation_price.json", "linear_cross"): linear_cross,
}
ALL = load()
IN_SCOPE = [(name, case) for name, case in ALL if out_of_scope(name, case) is None]


@pytest.mark.parametrize(("name", "case"), IN_SCOPE, ids=[f"{name[:-5]}-{case['id']}" for name, case in IN_SCOPE])
def test_a_peers_vector_comes_out_of_our_engine(name: str, case: dict[str, Any]) -> None:
    """With the peer's weights, tiers and bounds as parameters, the engine gives the peer's figures."""
    RUNNERS[name, kind_of(case)](case["inputs"], case["expected"])


@pytest.mark.parametrize(("name", "case"), IN_SCOPE, ids=[f"{name[:-5]}-{case['id']}" for name, case in IN_SCOPE])
def test_a_runner_notices_another_expectation(name: str, case: dict[str, Any]) -> None:
    """Every runner compares: with each expected figure moved, it fails."""
    with pytest.raises(AssertionError):
        RUNNERS[name, kind_of(case)](case["inputs"], {key: moved(value) for key, value in case["expected"].items()})


def moved(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, list):
        return [moved(item) for item in value]
    if isinstance(value, str):
        return {"free": "warn", "warn": "free", "reduce_only": "free", "liquidate": "free"}.get(value, value + "1")
    return value * 2 + 1


def test_every_vector_is_run_or_out_of_scope_by_a_named_reason(shared_data: Path) -> None:
    """None is silently skipped: the index's total is what is run plus what is named."""
    total = json.loads((shared_data / "margin" / "index.json").read_text())["total"]
    assert len(ALL) == total
    reasons = [out_of_scope(name, case) for name, case in ALL]
    assert all(reason is None or reason for reason in reasons)
    assert len(IN_SCOPE) == sum(reason is None for reason in reasons) >= 35
    unknown = [(n, c["id"]) for n, c in ALL if out_of_scope(n, c) is None and (n, kind_of(c)) not in RUNNERS]
    assert unknown == []
    used = {(name, kind) for name, kind in RUNNERS if any(n == name and kind_of(c) == kind for n, c in IN_SCOPE)}
    assert used == set(RUNNERS)


def test_ratios_of_vectors_are_exact(shared_data: Path) -> None:
    """Bounds belong to the worse status, which only an exact comparison shows."""
    assert Ratio(15, 10).at_most(1_500_000)
    assert not Ratio(15 * 10**17 + 1, 10**18).at_most(1_500_000)
