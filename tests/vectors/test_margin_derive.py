"""Derive's portfolio and standard managers, by the engine's scenario rules, standard rules and book."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pytest

from tests.vectors.margin_vectors import cases, defaults, differences, ids, index, merged, moved
from verifier.margin.models.book import Book, ExpiryBook, Linear, LinearKind, OptionLeg, UnderlyingBook
from verifier.margin.models.requirement import price_book, requirement
from verifier.margin.models.standard import standard_margin
from verifier.margin.option_rules import OptionRules, StandardRules
from verifier.margin.scenario import (
    NONE,
    ONE,
    BasisRule,
    Charge,
    ContingencyRules,
    Discount,
    OffsetRules,
    Scenario,
    ScenarioRules,
    SkewRule,
    VolMove,
    VolRule,
)

pytestmark = pytest.mark.shared

Given = dict[str, Any]
PMRM2 = cases(("derive_pmrm2.json", ""))
PMRM1 = cases(("derive_pmrm1.json", ""))
SRM = cases(("derive_srm.json", ""))


def options(rows: Sequence[Sequence[Any]]) -> tuple[OptionLeg, ...]:
    """A strike may be listed twice: the legs are told apart by their place."""
    return tuple(
        OptionLeg(f"{i:03}", float(row[0]), bool(row[1]), float(row[2]), float(row[3])) for i, row in enumerate(rows)
    )


def scenarios(rows: Sequence[Sequence[Any]]) -> tuple[Scenario, ...]:
    return tuple(Scenario(Decimal(r[0]) - 1, VolMove(r[1]), Decimal(r[2]) if len(r) > 2 else ONE) for r in rows)


def pmrm2_rules(given: Given) -> ScenarioRules:
    p = merged(defaults("derive_pmrm2.json")["params"], given.get("params_override", {}))
    vol, margin, basis, other, skew = (p[k] for k in ("vol_shock", "margin", "basis", "other", "skew"))
    return ScenarioRules(
        scenarios=scenarios(given.get("scenarios_override", defaults("derive_pmrm2.json")["scenarios"])),
        vol=VolRule(*(Decimal(vol[k]) for k in ("range_up", "range_down", "short_power", "long_power")),
                    Decimal(vol["dte_floor_days"]), Decimal(vol["min_vol_up"])),
        skew=SkewRule(*(Decimal(skew[k]) for k in ("linear_cap", "linear_cbase", "abs_cap", "abs_cbase", "min_k_star",
                                                   "width_scale", "vol_static", "vol_scale"))),
        long_discount=Discount(*(Decimal(margin[f"{k}"]) for k in ("static_discount_long", "long_rate_mult", "long_rate_add"))),
        short_discount=Discount(*(Decimal(margin[k]) for k in ("static_discount_short", "short_rate_mult", "short_rate_add"))),
        basis=BasisRule(Decimal(basis["spot_up"]) - 1, Decimal(basis["spot_down"]) - 1, Decimal(basis["add"]), Decimal(basis["mult"])),
        contingencies=ContingencyRules(
            perp=Charge(Decimal(other["mm_perp"]), Decimal(other["im_perp"])),
            short_option=Charge(Decimal(other["mm_option"]), Decimal(other["im_option"])),
            confidence_threshold=Decimal(other["conf_threshold"]),
            confidence_factor=Decimal(other["conf_margin"]),
            peg_threshold=Decimal(other["peg_threshold"]),
            peg_factor=Decimal(other["peg_factor"]),
        ),
        initial_factor=Decimal(margin["im_factor"]),
        maintenance_factor=Decimal(margin["mm_factor"]),
    )  # fmt: skip


def pmrm2(given: Given) -> Given:
    perp, spot = given["perp"], float(given["spot"])
    size, price = float(perp["size"]), float(perp["price"])
    confidence, own = float(given["spot_conf"]), float(perp["conf"])
    linears = [Linear("perp", LinearKind.PERP, size * price, abs(size) * spot, confidence=own)] if size else []
    for c in given["collaterals"]:
        value = float(c["amount"]) * float(c["price"]) / float(given["stable_price"])
        linears.append(
            Linear(c["name"], LinearKind.COLLATERAL, value, value, None, float(c["mm_haircut"]), float(c["im_haircut"]),
                   moves=c["risk_cancelling"], confidence=float(c["conf"]))
        )  # fmt: skip
    expiries = tuple(
        ExpiryBook(
            expiry=i, seconds=float(e["seconds"]), variable=float(e["forward_variable"]),
            fixed=float(e["forward_fixed"]), rate=float(e["rate"]),
            confidence=min(float(e[k]) for k in ("forward_conf", "rate_conf", "vol_conf")), options=options(e["options"]),
        )
        for i, e in enumerate(given["expiries"])
    )  # fmt: skip
    book = Book((UnderlyingBook("U", spot, tuple(linears), expiries, confidence),), float(given["stable_price"]))
    found = requirement(price_book(book, pmrm2_rules(given)))
    (under,) = found.underlyings
    collateral = sum(leg.notional for leg in linears if leg.kind is LinearKind.COLLATERAL)
    equity = float(given["cash"]) + float(perp["unsettled_pnl"]) + under.option_value + collateral
    oracle = under.quality
    return {
        "im": equity - found.initial,
        "mm": equity - found.maintenance,
        "option_mtm": under.option_value,
        "collateral_mtm": collateral,
        "basis_contingency": under.basis,
        "oracle_contingency": -sum(i for i, _ in oracle.values()),
        "scenario_pnl": list(under.profits),
    }


def pmrm1(given: Given) -> Given:
    file = defaults("derive_pmrm1.json")
    p = merged(file["params"], given.get("params_override", {}))
    rules = ScenarioRules(
        scenarios=scenarios(file["scenarios"]),
        vol=VolRule(
            *(Decimal(p[k]) for k in ("vol_up", "vol_down", "short_power", "long_power", "dte_floor_days")), NONE
        ),
        discounted=False,
        long_discount=Discount(Decimal(p["static_discount"]), Decimal(p["rate_mult"]), Decimal(p["rate_add"])),
        short_discount=Discount(),
        basis=BasisRule(Decimal(p["up"]) - 1, Decimal(p["down"]) - 1, Decimal(p["add"]), Decimal(p["mult"])),
        contingencies=ContingencyRules(
            perp=Charge(Decimal(p["perp"])),
            short_option=Charge(Decimal(p["option"])),
            confidence_threshold=Decimal(p["conf_threshold"]),
            confidence_factor=Decimal(p["conf_margin"]),
            peg_threshold=Decimal(p["peg_threshold"]),
            peg_factor=Decimal(p["peg_factor"]),
        ),
        initial_factor=Decimal(p["im_factor"]),
        maintenance_factor=ONE,
        scaled=True,
    )
    spot, size, base = (float(given[k]) for k in ("spot", "perps", "base"))
    confidence = min(float(given["spot_conf"]), float(given["perp_conf"])) if size else float(given["spot_conf"])
    value = base * spot / float(given["stable_price"])
    linears = (
        Linear("base", LinearKind.COLLATERAL, value, base * spot, None, float(p["base"])),
        Linear("perp", LinearKind.PERP, size * float(given["perp_price"]), abs(size) * spot),
    )
    expiries = tuple(
        ExpiryBook(
            expiry=i, seconds=float(e["seconds"]), variable=float(e["forward_variable"]),
            fixed=float(e["forward_fixed"]), rate=float(e["rate"]),
            confidence=min(float(x) for x in (e["conf"], *(o[4] for o in e["options"]))), options=options(e["options"]),
        )
        for i, e in enumerate(given["expiries"])
    )  # fmt: skip
    book = Book((UnderlyingBook("U", spot, linears, expiries, confidence),), float(given["stable_price"]))
    found = requirement(price_book(book, rules))
    (under,) = found.underlyings
    mark = float(given["perp_pnl"]) + under.option_value + value
    equity = float(given["cash"]) + mark
    im, mm = equity - found.initial, equity - found.maintenance
    return {"im": im, "mm": mm, "mtm": equity, "basis_contingency": under.basis, "im_truncated": im, "mm_truncated": mm}


def srm(given: Given) -> Given:
    p = merged(defaults("derive_srm.json")["params"], given.get("params_override", {}))
    rules = StandardRules(
        options=OptionRules(*(Decimal(p[k]) for k in ("max_spot", "min_spot", "mm_call", "mm_put_spot", "mm_put_mtm",
                                                      "mm_offset", "unpaired_im", "unpaired_mm"))),
        perp_initial=Decimal(p["perp_im"]),
        perp_maintenance=Decimal(p["perp_mm"]),
        base_factor=Decimal(p["base_factor"]),
        base_initial_scale=Decimal(p["base_im_scale"]),
        confidence_threshold=Decimal(p["oracle_threshold"]),
        confidence_factor=Decimal(p["oracle_factor"]),
        peg_threshold=Decimal(p["depeg_threshold"]),
        peg_factor=Decimal(p["depeg_factor"]),
    )  # fmt: skip
    stable = float(given["stable_price"])
    markets = tuple(srm_market(m, stable) for m in given["markets"])
    found = standard_margin(Book(markets, stable), rules)
    cash = float(given["cash"]) + sum(float(m["perp_pnl"]) for m in given["markets"])
    im, mm = cash + found.initial, cash + found.maintenance
    return {"im": im, "mm": mm, "mtm": cash + found.mark, "im_truncated": im, "mm_truncated": mm}


def srm_market(m: Given, stable: float) -> UnderlyingBook:
    spot, size, base = float(m["spot"]), float(m["perp"]), float(m["base"])
    linears = (
        Linear("base", LinearKind.COLLATERAL, base * spot / stable, base * spot, confidence=float(m["spot_conf"])),
        Linear("perp", LinearKind.PERP, size * float(m["perp_price"]), abs(size) * spot,
               confidence=float(m["perp_conf"])),
    )  # fmt: skip
    expiries = tuple(
        ExpiryBook(
            expiry=i, seconds=float(e["seconds"]), variable=float(e["forward"]), fixed=0.0, rate=0.0,
            confidence=min(float(e["forward_conf"]), float(e["vol_conf"])), options=options(e["options"]),
        )
        for i, e in enumerate(m["expiries"])
    )  # fmt: skip
    return UnderlyingBook(m["underlying"], spot, linears, expiries, float(m["spot_conf"]))


RUNNERS = {"derive_pmrm2.json": pmrm2, "derive_pmrm1.json": pmrm1, "derive_srm.json": srm}
RUNS = {(name, ""): runner for name, runner in RUNNERS.items()}
ALL = PMRM1 + PMRM2 + SRM


def expected(name: str, case: dict[str, Any]) -> dict[str, Any]:
    """What the peer states, without the one field that the index itself names as not reproduced."""
    skipped = {(e["file"], e["id"], e["field"]) for e in index()["not_reproduced"] if "field" in e}
    return {k: v for k, v in case["expected"].items() if (name, case["id"], k) not in skipped}


@pytest.mark.parametrize(("name", "case"), ALL, ids=ids(ALL))
def test_a_managers_figures_come_out_of_our_engine(name: str, case: dict[str, Any]) -> None:
    """Net margin at both levels, every scenario's profit and every contingency the peer states."""
    wanted = expected(name, case)
    got = RUNNERS[name](case["inputs"])
    assert differences(name, case, got, wanted) == []
    assert len(differences(name, case, got, {k: moved(v) for k, v in wanted.items()})) >= len(wanted)


def test_every_parameter_override_is_one_the_rules_have() -> None:
    """No override of a case is silently left out: its keys are keys of the file's defaults."""
    for name, case in ALL:
        known = defaults(name)["params"]
        for key, value in case["inputs"].get("params_override", {}).items():
            assert set(value) <= set(known[key]) if isinstance(value, dict) else key in known
    assert MappingProxyType(RUNS)
    assert OffsetRules().credit == 0
