"""Venues that margin by rules: weights become factors, tiers become markets, and the one engine gives their figures."""

from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

import pytest

from tests.simulators.minting import AS_OF
from tests.vectors.margin_vectors import cases, differences, ids, kind_of, moved
from tests.verifier.margin.build import PINNED, policy
from verifier.margin.fixed import SCALE, Price, Usd, charge, credit, part_of, scaled
from verifier.margin.modes import Mode
from verifier.margin.report import HypotheticalReport, PocketReport
from verifier.margin.risk import Ratio, Risk
from verifier.margin.rules import Ladder, MarginRules, flat_market
from verifier.margin.snapshot import Line, Position, Quote, Snapshot
from verifier.margin.status import FAILING, Status, classify
from verifier.margin.weighted import (
    SpotOrder,
    WeightedPerp,
    WeightedToken,
    health,
    open_interest_rate,
    scaled_down,
    size_discounted,
    size_raised,
)
from verifier.policy import PPM, Factors, Haircut

pytestmark = pytest.mark.shared

Given = dict[str, Any]


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
    buffer = rate(given.get("margin_buffer", 0))
    apart, weight = given["isolated"], rate(given["sol_initial_liability_weight"]) + buffer
    entry = num(-apart["quote"]) / num(apart["base"])
    parts: list[Line | Position] = [
        line("usdc", "USDC", given["usdc_deposit"]),
        line("sol", "SOL", -given["sol_borrow"]),
        line("deposit", "USDC", apart["deposit"], pocket="isolated"),
        position("perp", "SOL", apart["base"], entry, pocket="isolated"),
    ]
    ratio = rate(apart["initial_ratio"]) + buffer
    rules = MarginRules(markets={"SOL": flat_market(ratio, ratio)})
    prices: dict[str, object] = {"USDC": 1, "SOL": given["sol_price"]}
    cross, isolated = weigh(parts, prices, {"SOL": Factors(Haircut(0, 0), weight, weight)}, rules, Mode.ISOLATED)
    scale = SCALE // 10**6
    assert same(cross.low).weighted == expected["cross_collateral"] * scale
    assert same(cross.low).owed == expected["cross_requirement"] * scale
    shortfall = max(0, -isolated.positions[0].counted_low) * buffer // PPM
    assert same(isolated.low).equity - shortfall == expected["isolated_collateral"] * scale
    assert same(isolated.low).initial == expected["isolated_requirement"] * scale
    found = [same(p.low).equity >= same(p.low).initial for p in (cross, isolated)]
    assert found == [expected.get("cross_ok", found[0]), expected.get("isolated_ok", found[1])]


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


def dydx_adjusted(given: Given) -> Given:
    caps = (given["oi_lower_cap"], given["oi_upper_cap"])
    return {"adjusted_ppm": open_interest_rate(given["initial_ppm"], given["open_interest"], *caps, PPM)}


def dydx_initial(given: Given) -> Given:
    """The rate that the venue's open interest makes, exactly, on the notional: one rounding."""
    initial, interest = given["initial_ppm"], given["open_interest"]
    lower, upper = given["oi_lower_cap"], given["oi_upper_cap"]
    fine = 10**18
    rate = open_interest_rate(initial * fine, interest, lower, upper, PPM * fine)
    return {"initial_margin": charge(given["notional"] * rate, PPM * fine)}


def mango(given: Given) -> Given:
    tokens = [
        WeightedToken(
            balance=num(t["balance"]),
            price=num(t["price"]),
            asset_weight=num(t["asset_weight"]),
            debt_weight=num(t["liab_weight"]),
            deposits=num(t.get("deposits", 0)),
            deposit_limit=num(t["deposit_scale_start"]) if "deposit_scale_start" in t else None,
            borrows=num(t.get("borrows", 0)),
            borrow_limit=num(t["borrow_scale_start"]) if "borrow_scale_start" in t else None,
            potential=num(t.get("potential", 0)),
        )
        for t in given["tokens"]
    ]
    orders = [
        SpotOrder(
            base=o["base"],
            quote=o["quote"],
            base_amount=num(o["base_amount"]),
            quote_amount=num(o["quote_amount"]),
            ask=num(o["ask"]) if "ask" in o else None,
            bid=1 / num(o["bid_inv"]) if "bid_inv" in o else None,
        )
        for o in given["orders"]
    ]
    return {"init_health": health(tokens, orders, [mango_perp(given["perp"])] if "perp" in given else [])}


def mango_perp(p: Given) -> WeightedPerp:
    lot = p["lot_size"]
    return WeightedPerp(
        base=num(p["base_lots"]) * lot,
        quote=num(p["quote"]),
        bids=num(p["bids"]) * lot,
        asks=num(p["asks"]) * lot,
        price=num(p["price"]),
        asset_weight=num(p["asset_weight"]),
        debt_weight=num(p["liab_weight"]),
        overall_weight=num(p["overall_asset_weight"]),
        settle=p["settle"],
    )


def floor_e4(weight: Fraction) -> Given:
    """The venue keeps weights in units of 1e-4 and rounds them down; ours stay exact."""
    return {"result": (weight * 10**4).__floor__()}


def sized(given: Given) -> tuple[Fraction, Fraction, Fraction]:
    return num(given["weight_e4"]) / 10**4, num(given["size_e9"]) / 10**9, num(given["imf_factor_e6"]) / 10**6


def drift_asset_weight(given: Given) -> Given:
    return floor_e4(size_discounted(*sized(given)))


def drift_debt_weight(given: Given) -> Given:
    return floor_e4(size_raised(*sized(given)))


def drift_scaled_weight(given: Given) -> Given:
    weight, value = num(given["weight_e4"]) / 10**4, num(given["total_deposits"]) * num(given["price"])
    return floor_e4(scaled_down(weight, value, num(given["scale_start_quote"])))


CHECKS = {
    ("margin_ladder.json", "status"): ladder_status,
    ("margin_ladder.json", "haircut_equity"): ladder_equity,
    ("dydx_v4.json", "maintenance_ppm"): dydx_maintenance,
    ("dydx_v4.json", "account_status"): dydx_status,
    ("drift_v2.json", "mixed_isolated_cross"): drift_mixed,
    ("compound_v3.json", "is_liquidatable"): compound,
    ("compound_v3.json", "is_borrow_collateralized"): compound,
    ("aave_v3.json", "health_factor"): aave_health,
    ("morpho.json", "max_debt"): morpho_max_debt,
    ("synthetix_v3.json", ""): synthetix,
}
"""Whole accounts through the margin engine: each compares what it finds itself."""
FORMS = {
    ("dydx_v4.json", "initial_margin"): dydx_initial,
    ("dydx_v4.json", "adjusted_initial_ppm"): dydx_adjusted,
    ("mango_v4.json", ""): mango,
    ("drift_v2.json", "size_discounted_asset_weight"): drift_asset_weight,
    ("drift_v2.json", "size_premium_liability_weight"): drift_debt_weight,
    ("drift_v2.json", "deposit_scaled_asset_weight"): drift_scaled_weight,
}
"""Single rules that give a figure."""
RUNS = CHECKS | FORMS
CHECKED, FORMED = cases(*CHECKS), cases(*FORMS)


@pytest.mark.parametrize(("name", "case"), CHECKED, ids=ids(CHECKED))
def test_a_venues_account_comes_out_of_our_engine(name: str, case: dict[str, Any]) -> None:
    """With the venue's weights, tiers and bounds as parameters, the engine gives the venue's figures."""
    CHECKS[name, kind_of(case)](case["inputs"], case["expected"])


@pytest.mark.parametrize(("name", "case"), CHECKED, ids=ids(CHECKED))
def test_a_check_notices_another_expectation(name: str, case: dict[str, Any]) -> None:
    """Every check compares: with each expected figure moved, it fails."""
    with pytest.raises(AssertionError):
        CHECKS[name, kind_of(case)](case["inputs"], {key: moved(value) for key, value in case["expected"].items()})


@pytest.mark.parametrize(("name", "case"), FORMED, ids=ids(FORMED))
def test_a_venues_rule_gives_its_figure(name: str, case: dict[str, Any]) -> None:
    """Health, weights and rates, at the file's tolerance; another figure would be noticed."""
    got = FORMS[name, kind_of(case)](case["inputs"])
    assert differences(name, case, got) == []
    assert len(differences(name, case, got, {k: moved(v) for k, v in case["expected"].items()})) == len(got)


def test_ratios_of_vectors_are_exact() -> None:
    """Bounds belong to the worse status, which only an exact comparison shows."""
    assert Ratio(15, 10).at_most(1_500_000)
    assert not Ratio(15 * 10**17 + 1, 10**18).at_most(1_500_000)
