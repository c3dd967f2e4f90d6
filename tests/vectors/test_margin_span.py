"""Risk arrays, credits between legs, contingencies of futures, correlation aggregation and option pricing."""

from __future__ import annotations

from decimal import Decimal
from math import exp, fsum
from typing import Any

import pytest

from tests.vectors.margin_vectors import cases, differences, ids, kind_of, moved
from verifier.margin.models.black76 import spot_greeks, value
from verifier.margin.models.book import ExpiryBook, Linear, LinearKind, OptionLeg, UnderlyingBook
from verifier.margin.models.buckets import Bucket, Exposure, aggregate
from verifier.margin.models.matrix import calendar_offset, figures
from verifier.margin.models.offsets import Leg, combine, offset_loss, spread_saving
from verifier.margin.models.requirement import everything
from verifier.margin.models.shocks import price_underlying
from verifier.margin.scenario import (
    Charge,
    Contingency,
    ContingencyRules,
    OffsetMethod,
    OffsetRules,
    Scenario,
    ScenarioRules,
)

pytestmark = pytest.mark.shared

Given = dict[str, Any]


def scan_risk(given: Given) -> Given:
    """An array per contract, times how many: the worst of their sum."""
    arrays, held = given["risk_arrays"], given["positions"]
    names = sorted(held)
    profits = [fsum(float(arrays[n][s]) * held[n] for n in names) for s in range(len(arrays[names[0]]))]
    leg = Leg("scan", tuple(-p for p in profits), 1.0)
    return {"scenario_pnl": profits, "scanning_risk": leg.worst}


def offset_scenario(given: Given) -> Given:
    losses, credit = [float(x) for x in given["leg_losses"]], float(given["offset"])
    rules = OffsetRules(OffsetMethod.PER_SCENARIO, Decimal(given["offset"]), from_correlation=False)
    legs = [Leg(str(i), (loss,), 1.0) for i, loss in enumerate(losses)]
    (combined,) = combine(legs, rules, {}).losses
    assert combined == offset_loss(losses, credit)
    return {"loss": combined}


def inter_commodity(given: Given) -> Given:
    margins = [float(leg["contracts"]) * float(leg["margin"]) for leg in given["legs"]]
    gross, saving = spread_saving(margins, float(given["credit"]))
    return {"gross": gross, "saving": saving, "requirement": gross - saving}


def futures_scan(given: Given) -> Given:
    forward = float(given["index"]) * exp(float(given["basis"]) * given["days"] / 365)
    future = Linear("f", LinearKind.FUTURE, given["size"] * forward, given["size"] * forward, expiry=1)
    rules = ScenarioRules(scenarios=tuple(Scenario(Decimal(shock)) for shock in given["shocks"]))
    book = UnderlyingBook("U", float(given["index"]), (future,))
    found = figures(price_underlying(book, rules), rules, everything)
    return {"forward_1dp": forward, "pnl_rounded": [round(p) for p in found.profits]}


def contingency(given: Given) -> Given:
    notional = given["size"] * float(given["index"])
    rules = ScenarioRules(contingencies=ContingencyRules(future=Charge(Decimal(given["factor"]))))
    book = UnderlyingBook("U", float(given["index"]), (Linear("f", LinearKind.FUTURE, notional, notional, expiry=1),))
    found = figures(price_underlying(book, rules), rules, everything)
    return {"contingency_1dp": found.structural[Contingency.FUTURE][1]}


def net_short(given: Given) -> Given:
    legs = (OptionLeg("c", 1.0, True, given["call"], 0.5), OptionLeg("p", 1.0, False, given["put"], 0.5))
    expiry = ExpiryBook(1, 86_400.0, 1.0, 0.0, 0.0, 1.0, legs)
    rules = ScenarioRules(contingencies=ContingencyRules(short_option=Charge(Decimal(given["per_option"]))))
    found = figures(price_underlying(UnderlyingBook("U", 1.0, (), (expiry,)), rules), rules, everything)
    return {"contingency": found.structural[Contingency.SHORT_OPTION][1]}


def offsetting_futures(given: Given) -> Given:
    legs = [
        Linear(str(i), LinearKind.FUTURE, float(size), abs(float(size)), expiry=i)
        for i, size in enumerate((given["long"], given["short"]))
    ]
    return {"contingency": calendar_offset(legs) * float(given["rate"])}


def buckets(given: Given) -> Given:
    rules = {
        (group, name): Bucket(
            float(b["risk_weight"]), float(b["intra_correlation"]), float(b["concentration_threshold"])
        )
        for name, b in given["buckets"].items()
        for group in {e["group"] for e in given["exposures"]}
    }
    exposures = [Exposure(e["group"], e["factor"], str(e["bucket"]), float(e["amount"])) for e in given["exposures"]]
    groups = {e.group for e in exposures}
    between = {(g, str(a), str(b)): float(c) for a, b, c in given["inter_correlations"] for g in groups}
    return {"requirement": round(aggregate(exposures, rules, between))}


def black_76(given: Given) -> Given:
    forward, strike, vol, years, rate = (float(given[k]) for k in ("forward", "strike", "vol", "years", "rate"))
    put, call = (float(value(forward, strike, vol, years, side, rate)) for side in (False, True))
    return {"put": put, "put_2dp": put, "call": call}


def greeks_call(given: Given) -> Given:
    spot, strike, vol, years, rate = (float(given[k]) for k in ("spot", "strike", "vol", "years", "rate"))
    found = spot_greeks(spot, strike, vol, years, call=True, rate=rate)
    return {
        "delta": found.delta, "delta_3dp": found.delta, "gamma": found.gamma, "gamma_3dp": found.gamma,
        "theta": found.theta, "theta_per_year_2dp": found.theta, "vega": found.vega, "vega_1dp": found.vega,
        "rho": found.rho, "rho_2dp": found.rho,
    }  # fmt: skip


RUNS = {
    ("span.json", "scan_risk"): scan_risk,
    ("span.json", "offset_scenario"): offset_scenario,
    ("span.json", "inter_commodity"): inter_commodity,
    ("span.json", "futures_scan"): futures_scan,
    ("span.json", "contingency"): contingency,
    ("span.json", "net_short_per_strike"): net_short,
    ("span.json", "offsetting_futures"): offsetting_futures,
    ("correlated_buckets.json", ""): buckets,
    ("reference_math.json", "black_76"): black_76,
    ("reference_math.json", "greeks_call"): greeks_call,
}
ALL = cases(*RUNS)


@pytest.mark.parametrize(("name", "case"), ALL, ids=ids(ALL))
def test_published_figures_come_out_of_our_models(name: str, case: dict[str, Any]) -> None:
    """Every figure a source prints, at its own tolerance; another figure would be noticed."""
    got = RUNS[name, kind_of(case)](case["inputs"])
    assert differences(name, case, got) == []
    assert len(differences(name, case, got, {k: moved(v) for k, v in case["expected"].items()})) >= len(got) - 5


def test_the_published_spread_has_the_published_requirement() -> None:
    """Two 30-year against three 10-year notes at 70 % credit: 2,840, against 11,000 gross."""
    found = [c for c in ALL if kind_of(c[1]) == "offset_scenario"]
    assert max(offset_scenario(case["inputs"])["loss"] for _, case in found) == pytest.approx(2840)
