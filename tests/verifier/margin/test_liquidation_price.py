"""Liquidation prices of whole accounts: where the status flips, and how that agrees with the closed forms."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings

from tests.verifier.margin.build import line, policy, position, snapshot
from tests.verifier.margin.test_properties import POLICY, RULES, snapshots
from verifier.errors import BadInput
from verifier.margin import liquidation_forms as forms
from verifier.margin.fixed import SCALE, Price, usd
from verifier.margin.liquidation_price import REACH, liquidation_price, liquidation_prices
from verifier.margin.modes import Mode
from verifier.margin.rules import MarginRules, Market, Tier, flat_market
from verifier.margin.snapshot import Snapshot
from verifier.margin.trial import Scales, Setting, Trial
from verifier.policy import Factors, Haircut

TIERED = Market((Tier(usd("0"), 40_000, 20_000), Tier(usd("20000"), 100_000, 50_000)))


def scales(markets: dict[str, Market] | None = None, mode: Mode = Mode.CROSS, **factors: Factors) -> Scales:
    return Scales(Setting(policy(**factors), MarginRules(markets=markets or {}), mode))


@settings(max_examples=25)
@given(snapshots(known=True))
def test_the_status_flips_at_the_reported_price(taken: Snapshot) -> None:
    """At it the account fails, one unit nearer it does not; and nothing in between was passed over. (Property 5.)"""
    for mode in (Mode.CROSS, Mode.ISOLATED):
        weigher = Scales(Setting(POLICY, RULES, mode))
        trial = Trial(taken)
        for found in liquidation_prices(weigher, trial):
            for price, nearer in ((found.lower, 1), (found.upper, -1)):
                if price is not None:
                    flipped, kept = (
                        weigher.pool(trial.at({found.group: Price(p)}), found.pool).fails
                        for p in (price, price + nearer)
                    )
                    assert (flipped, kept) == (not found.already, found.already)


def test_the_prices_of_a_linear_account_are_those_of_the_closed_form() -> None:
    """With tiers, another position at its mark, and collateral of the same asset."""
    taken = snapshot(
        line("cash", "USDC", "20000"), line("eth", "ETH", "2"), position("e", "ETH", "20", "1900", counts_gain=True),
        position("b", "BTC", "-0.2", "61000", counts_gain=True), USDC="1", ETH="2000", BTC="60000",
    )  # fmt: skip
    weigher = scales({"ETH": TIERED, "BTC": flat_market(40_000, 20_000)}, ETH=Factors(Haircut(200_000, 150_000)))
    found = liquidation_price(weigher, Trial(taken), "", "ETH")
    tiers = [
        forms.Bracket(0, Fraction(2, 100)),
        forms.Bracket(20_000, Fraction(5, 100), 20_000 * Fraction(3, 100)),
    ]
    other = forms.Leg(Fraction(-2, 10), 61_000, 60_000, Fraction(2, 100))
    exact = forms.linear_cross(20_000, 20, 1_900, tiers, [other], held=2 * Fraction(85, 100), near=2_000)
    assert exact is not None and found.lower is not None and found.upper is None
    assert abs(Fraction(found.lower, SCALE) - exact) < Fraction(100, SCALE)
    assert not found.already and found.fall is not None and found.fall == int((1 - exact / 2000) * 10**6)


def test_leaving_another_position_out_would_move_the_price() -> None:
    """The whole account is solved: a second position's maintenance and loss bring the price nearer."""
    cash, one = line("cash", "USDC", "3000"), position("e", "ETH", "5", "2000")
    two = position("b", "BTC", "1", "61000")
    markets = {"ETH": flat_market(40_000, 20_000), "BTC": flat_market(40_000, 20_000)}
    prices = {"USDC": "1", "ETH": "2000", "BTC": "60500"}
    alone = liquidation_price(scales(markets), Trial(snapshot(cash, one, **prices)), "", "ETH")
    whole = liquidation_price(scales(markets), Trial(snapshot(cash, one, two, **prices)), "", "ETH")
    assert alone.lower is not None and whole.lower is not None
    assert whole.lower > alone.lower


def test_a_hedged_book_has_two_prices_or_none() -> None:
    """Long collateral against a short position: only a far rise fails it, or nothing does."""
    held, short = line("eth", "ETH", "10"), position("s", "ETH", "-10", "2000")
    weigher = scales({"ETH": flat_market(40_000, 20_000)}, ETH=Factors(Haircut(0, 0)))
    found = liquidation_price(weigher, Trial(snapshot(held, short, ETH="2000")), "", "ETH")
    assert found.lower is None
    # A declared short's gain counts nothing, its loss in full: E = 20,000 above entry and 10·P below; MM = 0.2·P.
    assert found.upper is not None and abs(found.upper - 100_000 * SCALE) <= 1
    lone = liquidation_price(weigher, Trial(snapshot(held, ETH="2000")), "", "ETH")
    assert (lone.lower, lone.upper) == (None, None)


def test_an_account_that_fails_already_says_so_and_where_it_would_stand_again() -> None:
    """Its flips are recoveries."""
    taken = snapshot(line("eth", "ETH", "1"), line("debt", "USDC", "-2500"), ETH="2000", USDC="1")
    found = liquidation_price(scales(ETH=Factors(Haircut(200_000, 200_000))), Trial(taken), "", "ETH")
    assert found.already and found.lower is None
    assert found.upper == 3125 * SCALE


def test_a_root_beyond_the_reach_is_none() -> None:
    """A hundredfold is where one stops looking."""
    near = snapshot(position("s", "ETH", "-1", "10"), line("cash", "USDC", "900"), ETH="10", USDC="1")
    far = snapshot(position("s", "ETH", "-1", "10"), line("cash", "USDC", "1100"), ETH="10", USDC="1")
    weigher = scales({"ETH": flat_market(0, 0)})
    assert liquidation_price(weigher, Trial(near), "", "ETH").upper == 910 * SCALE + 1
    assert liquidation_price(weigher, Trial(far), "", "ETH").upper is None
    assert REACH == 100


def test_closed_forms_know_when_there_is_no_price() -> None:
    """A short without leverage, a rate that eats the whole side, a side that is none."""
    assert forms.inverse(-1, 100, 1, 0) is None
    assert forms.inverse(-1, 100, 2, Fraction(1, 100)) == Fraction(200, 1) / (1 + Fraction(2, 100))
    assert forms.inverse(1, 100, 2, Fraction(1, 100)) == Fraction(200, 1) / (3 - Fraction(2, 100))
    assert forms.isolated_with_fee(1, 100, 2, 1, Fraction(1), Fraction(1, 10)) is None
    assert forms.linear_cross(10**6, 1, 100, [forms.Bracket(0, Fraction(1, 100))]) is None
    for wrong in (0, 2):
        with pytest.raises(BadInput, match="side"):
            forms.inverse(wrong, 100, 2, 0)
    with pytest.raises(BadInput, match="leverage"):
        forms.inverse(1, 100, 0, 0)
