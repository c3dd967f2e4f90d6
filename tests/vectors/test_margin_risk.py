"""The peers' vectors of liquidation and of statistics, run through the engine's own closed forms and models."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from tests.vectors.margin_vectors import kind_of, load, moved
from verifier.margin import liquidation_amounts as amounts
from verifier.margin import liquidation_forms as forms
from verifier.margin.models import clearing, covariance, impact, spiral, tail

pytestmark = pytest.mark.shared

Given = dict[str, Any]


def num(value: object) -> Fraction:
    return Fraction(str(value))


def real(value: Any) -> float:
    return float(value)


def reals(values: Any) -> Any:
    return [reals(v) for v in values] if isinstance(values, list) else float(values)


def floor(value: Fraction | None) -> object:
    return "unbounded" if value is None else value.__floor__()


# liquidation_price.json


def leg(given: Given) -> forms.Leg:
    return forms.Leg(*(num(given.get(k, 0)) for k in ("size", "entry", "mark", "mm_rate", "mm_amount")))


def linear_cross(given: Given) -> Given:
    own, others = leg(given["position"]), [leg(p) for p in given["others"]]
    tier = forms.Bracket(0, own.rate, own.amount)
    return {"price": forms.linear_cross(num(given["wallet"]), own.size, own.entry, [tier], others)}


def with_fee(given: Given) -> Given:
    numbers = [num(given[k]) for k in ("entry", "leverage", "size", "mm_rate", "taker_fee")]
    return {"price": forms.isolated_with_fee(given["side"], *numbers)}


def at_entry(given: Given) -> Given:
    numbers = [num(given[k]) for k in ("entry", "leverage", "mm_rate")]
    return {"price": forms.isolated_maintenance_at_entry(given["side"], *numbers)}


def hyperliquid(given: Given) -> Given:
    numbers = [num(given[k]) for k in ("entry", "size", "margin", "max_leverage")]
    return {"price": forms.isolated_from_margin(given["side"], *numbers)}


# derive_partial_liquidation.json


def auction(given: Given) -> Given:
    numbers = [num(given[k]) for k in ("mtm", "mm", "reserved_cash", "buffer_ratio")]
    discount = amounts.auction_discount(given["seconds_since_start"])
    sale = amounts.Auction(*numbers, discount)
    share = min(num(given["fraction_wanted"]), sale.most)
    left = sale.after(share)
    return {
        "buffer_margin": sale.lacking,
        "max_fraction": sale.most,
        "bid_price": sale.price(share),
        "post_mtm": left.value,
        "post_mm": left.excess,
        "post_buffer_margin": left.lacking,
        "discount": discount,
    }


# gmx_price_impact.json


def impact_cost(given: Given) -> Given:
    return {"cost": impact.Imbalance(real(given["exponent"]), real(given["factor"])).cost(real(given["usd"]))}


def imbalance(given: Given) -> Given:
    model = impact.Imbalance(real(given["exponent"]), real(given["factor"]))
    return {"price_impact": model.change(real(given["initial_diff"]), real(given["next_diff"]))}


# drift_v2.json: a venue's floors are taken at the end; the closed forms are exact


def base_to_cover(given: Given) -> Given:
    price = Fraction(given["oracle_price_e6"], 10**6) * Fraction(given["quote_price_e6"], 10**6)
    fees = Fraction(given["liquidation_fee_e6"] + given["insurance_fee_e6"], 10**6)
    lacking = Fraction(given["margin_shortage"], 10**6)
    found = amounts.perp_reduction(lacking, price, Fraction(given["margin_ratio_e4"], 10**4), fees)
    return {"result": floor(None if found is None else found * 10**9)}


def liability_to_cover(given: Given) -> Given:
    found = amounts.two_weight_transfer(
        Fraction(given["margin_shortage"], 10**6),
        Fraction(given["liability_price_e6"], 10**6),
        asset_weight=Fraction(given["asset_weight_e4"], 10**4),
        liability_weight=Fraction(given["liability_weight_e4"], 10**4),
        asset_multiplier=Fraction(given["asset_multiplier_e6"], 10**6),
        liability_multiplier=Fraction(given["liability_multiplier_e6"], 10**6),
        fee=Fraction(given["insurance_fee_e6"], 10**6),
        step=Fraction(1, 10**5),
    )
    return {"result": floor(None if found is None else found * 10 ** given["liability_decimals"])}


def liability_implied(given: Given) -> Given:
    found = amounts.exchanged(
        Fraction(given["asset_amount"], 10 ** given["asset_decimals"]),
        given["asset_price_e6"],
        Fraction(given["asset_multiplier_e6"]),
        given["liability_price_e6"],
        Fraction(given["liability_multiplier_e6"]),
    )
    # What is taken over of a debt rounds up, what is paid for it down: both against the liquidator.
    return {"result": -floor(-found * 10 ** given["liability_decimals"])}


def asset_for(given: Given) -> Given:
    found = amounts.exchanged(
        Fraction(given["liability_amount"], 10 ** given["liability_decimals"]),
        given["liability_price_e6"],
        Fraction(given["liability_multiplier_e6"]),
        given["asset_price_e6"],
        Fraction(given["asset_multiplier_e6"]),
    )
    # No more than there is.
    return {"result": min(floor(found * 10 ** given["asset_decimals"]), given["asset_amount"])}


def insurance_fee(given: Given) -> Given:
    notional = (
        Fraction(given["base_size_e9"], 10**9)
        * Fraction(given["oracle_price_e6"], 10**6)
        * Fraction(given["quote_price_e6"], 10**6)
    )
    found = amounts.insurance_rate(
        Fraction(given["margin_shortage"], 10**6),
        notional,
        Fraction(given["margin_ratio_e4"], 10**4),
        Fraction(given["liquidator_fee_e6"], 10**6),
        Fraction(given["max_fee_e6"], 10**6),
    )
    return {"result": floor(found * 10**6)}


def fee_ramp(given: Given) -> Given:
    names = ("base_fee_e6", "max_fee_e6", "slots_elapsed", "grace_slots", "increase_per_slot_e6")
    return {"result": floor(amounts.waiting_fee(*(given[k] for k in names)))}


# aave_v3.json, compound_v3.json, morpho.json, dydx_v4.json


def max_debt(given: Given) -> Given:
    close_rules = amounts.CloseRules(
        num(given["close_factor"]), num(given["close_factor_hf_threshold"]), num(given["full_close_threshold"])
    )
    numbers = [num(given[k]) for k in ("reserve_debt_value", "total_debt_value", "collateral_value", "health_factor")]
    return {"max_liquidatable": close_rules.most(*numbers)}


def leftover(given: Given) -> Given:
    close_rules = amounts.CloseRules(least_left=num(given["min_leftover"]))
    return {"allowed": close_rules.leaves_no_dust(num(given["position_value"]), num(given["liquidated_value"]))}


def half_up(given: Given) -> Given:
    ratio = (given["bps"], 10_000) if given["op"] == "mul" else (10_000, given["bps"])
    return {"result": str(amounts.half_up(int(given["value"]), *ratio))}


def quote_collateral(given: Given) -> Given:
    price = amounts.discounted_price(
        num(given["collateral_price"]), num(given["store_front_factor"]), num(given["liquidation_factor"])
    )
    return {"result": str(floor(num(given["base_amount"]) / price * 10**18))}


def incentive(given: Given) -> Given:
    numbers = [int(given[k]) for k in ("lltv_e18", "cursor_e18", "max_e18")]
    return {"factor_e18": str(amounts.incentive_factor(*numbers))}


def share_rounding(given: Given) -> Given:
    names = ("total_borrow_assets", "total_borrow_shares", "virtual_assets", "virtual_shares")
    pool = amounts.Shares(*(int(given[k]) for k in names))
    lltv = int(num(given["lltv"]) * 10**18)
    factor = amounts.incentive_factor(lltv, 3 * 10**17, 115 * 10**16)
    seized = amounts.seized(pool.down(given["repaid_shares"]), factor, int(given["price_e36"]))
    return {"seized": seized, "repaid": pool.up(given["repaid_shares"])}


def dydx_totals(given: Given) -> tuple[int, int, list[int], list[int]]:
    """Net collateral and maintenance of the subaccount; each position's notional and maintenance, as the venue rounds."""
    notionals, required = [], []
    for p in given["positions"]:
        worth = Fraction(p["size"]) * Fraction(10) ** p["base_exponent"] * num(p["price"]) * 10**6
        notionals.append(int(worth))
        required.append(maintenance(p, abs(worth)))
    return given["quote_balance"] + sum(notionals), sum(required), notionals, required


def maintenance(position: Given, notional: Fraction) -> int:
    initial = (-(-notional * position["initial_ppm"] // 10**6)).__floor__()
    return -(-initial * position["maintenance_fraction_ppm"] // 10**6)


def dydx_bankruptcy(given: Given) -> int:
    collateral, requirement, notionals, required = dydx_totals(given)
    index, delta = given["close_index"], given["delta"]
    p = given["positions"][index]
    left = {**p, "size": p["size"] + delta}
    worth = Fraction(left["size"]) * Fraction(10) ** p["base_exponent"] * num(p["price"]) * 10**6
    change = maintenance(p, abs(worth)) - required[index]
    return amounts.bankruptcy_cost(int(worth) - notionals[index], collateral, change, requirement)


def bankruptcy(given: Given) -> Given:
    return {"bankruptcy_price": dydx_bankruptcy(given)}


def fillable(given: Given) -> Given:
    collateral, requirement, notionals, required = dydx_totals(given)
    index = given["close_index"]
    found = amounts.fillable_price(
        notionals[index],
        collateral,
        requirement,
        required[index],
        given["positions"][index]["size"],
        Fraction(given["bankruptcy_adjustment_ppm"], 10**6),
        Fraction(given["spread_to_mm_ppm"], 10**6),
    )
    return {"fillable_price": f"{found.numerator}/{found.denominator}"}


def insurance_delta(given: Given) -> Given:
    signed = given["fill_quote_quantums"] * (1 if given["delta"] < 0 else -1)
    found = amounts.insurance_change(signed, dydx_bankruptcy(given), given["max_fee_ppm"])
    return {"insurance_fund_delta": found}


# reference_math.json


def normal(given: Given) -> Given:
    found = tail.normal_tail(real(given["level"]), real(given["sigma"]))
    return {"var": found.value_at_risk, "es": found.expected_shortfall}


def historical(given: Given) -> Given:
    found = tail.empirical_tail(reals(given["losses"]), real(given["level"]))
    return {"var": found.value_at_risk, "es": found.expected_shortfall}


def euler(given: Given) -> Given:
    shares = covariance.euler_sigma(reals(given["weights"]), reals(given["covariance"]))
    return {"sigma": sum(shares), "contributions": list(shares)}


def shrunk(given: Given) -> Given:
    found = covariance.ledoit_wolf(reals(given["returns"]))
    return {"shrinkage": found.shrinkage, "covariance": found.covariance.tolist()}


def execution(given: Given) -> Given:
    found = impact.almgren_chriss(
        real(given["shares"]),
        horizon=real(given["days"]),
        **{
            k: real(given[k]) if k != "steps" else given[k] for k in ("steps", "sigma", "gamma", "eta", "risk_aversion")
        },
    )
    return {"kappa": found.kappa, "kappa_2dp": round(found.kappa, 2), "holdings": list(found.holdings)}


def restore(given: Given) -> Given:
    names = ("weighted_collateral", "debt", "target", "bonus", "liquidation_threshold")
    found = amounts.lending_repayment(*(num(given[k]) for k in names))
    assert found is not None
    return {"repay": found, "seized": found * (1 + num(given["bonus"]))}


def fire(given: Given) -> Given:
    names = ("weights", "assets", "leverage", "impact", "shock")
    found = clearing.fire_sale(*(reals(given[k]) for k in names))
    return {
        "direct_return": list(found.direct),
        "net_trades": list(found.trades),
        "price_effect": list(found.effect),
        "second_round_return": list(found.second),
    }


def clearing_vector(given: Given) -> Given:
    return {"payments": list(clearing.clear(reals(given["liabilities"]), reals(given["cash"])).payments)}


def liquidation_spiral(given: Given) -> Given:
    found = spiral.ladder_spiral(
        real(given["price"]),
        real(given["shock"]),
        real(given["linear_impact_per_unit"]),
        [(real(p), real(q)) for p, q in given["ladder"]],
    )
    return {
        "final_price": found.final_price,
        "sold": found.sold,
        "rounds": found.rounds,
        "amplification": found.amplification,
    }


RUNNERS: dict[tuple[str, str], Callable[[Given], Given]] = {
    ("liquidation_price.json", "linear_cross"): linear_cross,
    ("liquidation_price.json", "linear_isolated_with_fee"): with_fee,
    ("liquidation_price.json", "linear_isolated_entry_mm"): at_entry,
    ("liquidation_price.json", "hyperliquid"): hyperliquid,
    ("derive_partial_liquidation.json", ""): auction,
    ("gmx_price_impact.json", "impact_cost"): impact_cost,
    ("gmx_price_impact.json", "imbalance_change"): imbalance,
    ("drift_v2.json", "base_to_cover_shortage"): base_to_cover,
    ("drift_v2.json", "liability_to_cover_shortage"): liability_to_cover,
    ("drift_v2.json", "liability_implied_by_asset"): liability_implied,
    ("drift_v2.json", "asset_for_liability"): asset_for,
    ("drift_v2.json", "perp_insurance_fee"): insurance_fee,
    ("drift_v2.json", "liquidation_fee_ramp"): fee_ramp,
    ("aave_v3.json", "max_liquidatable_debt"): max_debt,
    ("aave_v3.json", "leftover_allowed"): leftover,
    ("aave_v3.json", "bps_half_up"): half_up,
    ("compound_v3.json", "quote_collateral"): quote_collateral,
    ("morpho.json", "incentive_factor"): incentive,
    ("morpho.json", "rounding"): share_rounding,
    ("dydx_v4.json", "bankruptcy_price"): bankruptcy,
    ("dydx_v4.json", "fillable_price"): fillable,
    ("dydx_v4.json", "insurance_fund_delta"): insurance_delta,
    ("reference_math.json", "normal_var_es"): normal,
    ("reference_math.json", "historical_var_es"): historical,
    ("reference_math.json", "euler_sigma"): euler,
    ("reference_math.json", "ledoit_wolf"): shrunk,
    ("reference_math.json", "almgren_chriss"): execution,
    ("reference_math.json", "restore_target_health"): restore,
    ("reference_math.json", "fire_sale_round"): fire,
    ("reference_math.json", "clearing_vector"): clearing_vector,
    ("reference_math.json", "liquidation_spiral"): liquidation_spiral,
}
CASES = [(name, case) for name, case in load() if (name, kind_of(case)) in RUNNERS]
NAMES = [f"{name[:-5]}-{case['id']}" for name, case in CASES]


def compare(found: Any, expected: Any, tolerance: dict[str, Any]) -> None:
    """Within `max(abs, rel·|expected|)`; text, booleans and what has no tolerance exactly."""
    if isinstance(expected, list):
        assert len(found) == len(expected)
        for one, two in zip(found, expected, strict=True):
            compare(one, two, tolerance)
    elif isinstance(expected, str | bool):
        assert found == expected
    else:
        allowed = max(num(tolerance["abs"]), num(tolerance["rel"]) * abs(num(expected)))
        exact = found if isinstance(found, Fraction | int) else Fraction(float(found))
        assert abs(exact - num(expected)) <= allowed


def tolerances() -> dict[str, dict[str, Any]]:
    import json

    from tests.conftest import shared_folder

    folder = shared_folder() / "data" / "margin"
    names = {name for name, _ in CASES}
    return {name: json.loads((folder / name).read_text(), parse_float=Decimal)["tolerance"] for name in names}


OF_FILE = tolerances()


@pytest.mark.parametrize(("name", "case"), CASES, ids=NAMES)
def test_a_peers_figure_comes_out_of_our_forms(name: str, case: Given) -> None:
    """Every expected field, within the vector's own tolerance."""
    found = RUNNERS[name, kind_of(case)](case["inputs"])
    tolerance = case.get("tolerance", OF_FILE[name])
    assert found.keys() == case["expected"].keys()
    for field, expected in case["expected"].items():
        compare(found[field], expected, tolerance)


@pytest.mark.parametrize(("name", "case"), CASES, ids=NAMES)
def test_a_moved_expectation_is_noticed(name: str, case: Given) -> None:
    """Every comparison can fail."""
    found = RUNNERS[name, kind_of(case)](case["inputs"])
    tolerance = case.get("tolerance", OF_FILE[name])
    for field, expected in case["expected"].items():
        with pytest.raises(AssertionError):
            compare(found[field], moved(expected), tolerance)


def test_every_kind_has_its_cases() -> None:
    """No runner stands idle."""
    assert {(name, kind_of(case)) for name, case in CASES} == set(RUNNERS)
