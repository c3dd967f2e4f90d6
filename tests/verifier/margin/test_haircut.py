"""Data haircuts."""

from __future__ import annotations

from math import ceil, sqrt

import pytest

from tests.simulators.minting import AS_OF
from tests.verifier.margin.build import line
from verifier.errors import BadInput
from verifier.margin.fixed import YEAR, Price, price
from verifier.margin.haircut import age_haircut, data_haircuts, price_age_haircut, view_price
from verifier.margin.rules import MarginRules, PriceRules
from verifier.margin.snapshot import Quote
from verifier.policy import EVERYTHING_OFF, NOTHING_OFF, PPM, PRACTICAL, STRICT, Haircut, Policy
from verifier.primitives import Timestamp
from verifier.trust import Anchor, Settlement, Trust

RULES = MarginRules(volatility={"ETH": 650_000})


@pytest.mark.parametrize(
    ("age", "expected"),
    [(0, 0), (1_800, 0), (1_801, 12), (44_100, 500_000), (86_399, 999_989), (86_400, PPM), (10**9, PPM)],
)
def test_age_costs_nothing_then_in_a_straight_line_everything(age: int, expected: int) -> None:
    """From twice finality to the policy's hard age, rounded up."""
    assert age_haircut(age, 1_800, 86_400) == expected


def test_a_hard_age_before_the_soft_one_is_a_cliff() -> None:
    """Nothing is divided by zero, and nothing old is spared."""
    assert age_haircut(99, 200, 100) == 0
    assert age_haircut(100, 200, 100) == PPM
    assert age_haircut(0, 0, 0) == 0


def test_price_age_follows_the_root_of_time() -> None:
    """z·σ·√a, as floats would have it, rounded up."""
    for age in (1, 60, 3_600, 86_400):
        exact = 2.33 * 0.65 * sqrt(age / YEAR) * PPM
        assert price_age_haircut(age, 650_000, 2_330_000) == ceil(exact)


@pytest.mark.parametrize(
    ("trust", "policy", "expected"),
    [
        (Trust(Anchor.PINNED), STRICT, NOTHING_OFF),
        (Trust(Anchor.FINALIZED, Settlement.SETTLED), STRICT, NOTHING_OFF),
        (Trust(Anchor.QUORUM), PRACTICAL, Haircut(100_000, 50_000)),
        (Trust(Anchor.QUORUM), STRICT, EVERYTHING_OFF),
        (Trust(Anchor.RPC), PRACTICAL, EVERYTHING_OFF),
        (Trust(Anchor.FINALIZED, Settlement.PROPOSED), PRACTICAL, EVERYTHING_OFF),
    ],
)
def test_trust_that_the_policy_does_not_take_leaves_nothing(trust: Trust, policy: Policy, expected: Haircut) -> None:
    """The table of section 19."""
    assert policy.trust_haircut(trust) == expected


def test_anchor_and_settlement_haircuts_compound() -> None:
    """25 % off what 5 % off leaves, and so on at maintenance level; what is left is rounded down."""
    open_roots = Policy(
        anchors=frozenset({Anchor.ATTESTED}),
        settlements=frozenset({Settlement.PROPOSED}),
        settlement_haircuts={Settlement.PROPOSED: Haircut(250_000, 100_000)},
    )
    assert open_roots.trust_haircut(Trust(Anchor.ATTESTED, Settlement.PROPOSED)) == Haircut(287_500, 118_000)
    assert Haircut(1, 1).compounded(Haircut(1, 1)) == Haircut(2, 2)


def test_a_haircut_that_is_milder_at_initial_level_is_refused() -> None:
    """Initial is the stricter level, everywhere."""
    with pytest.raises(BadInput):
        Haircut(1, 2)


def test_a_debt_is_never_reduced_by_doubt() -> None:
    """Its age is interest and its price's age a mark-up; trust takes nothing off."""
    owed = line("d", "ETH", "-1", trust=Trust(Anchor.RPC), age=YEAR)
    rules = MarginRules(debt_rates={"ETH": 30_000}, volatility=RULES.volatility)
    view = view_price("ETH", Quote(price("3000"), Timestamp(AS_OF - 60)), AS_OF, rules)
    cuts = data_haircuts(owed, view, STRICT, rules)
    assert (cuts.trust, cuts.age, cuts.accrual) == (NOTHING_OFF, 0, 30_000)
    assert cuts.grown[0] > cuts.grown[1]


def test_a_holding_that_was_typed_in_counts_nothing() -> None:
    """Without trust there is no proof."""
    view = view_price("ETH", Quote(price("3000"), AS_OF), AS_OF, RULES)
    assert data_haircuts(line("h", "ETH", "1", trust=None), view, PRACTICAL, RULES).trust == EVERYTHING_OFF
    assert data_haircuts(line("h", "ETH", "1"), view, PRACTICAL, RULES).trust == NOTHING_OFF


@pytest.mark.parametrize(
    ("age", "values_holdings", "marks_burdens"),
    [(10_800, True, True), (10_801, False, True), (86_400, False, True), (86_401, False, False)],
)
def test_a_price_serves_holdings_and_burdens_up_to_its_limits(
    age: int, values_holdings: bool, marks_burdens: bool
) -> None:
    """A price ahead of the as-of time is as far from it as one behind."""
    for at in (AS_OF - age, AS_OF + age):
        view = view_price("ETH", Quote(price("1"), Timestamp(at)), AS_OF, RULES)
        assert (view.values_holdings, view.marks_burdens) == (values_holdings, marks_burdens)


def test_without_a_volatility_there_is_no_grace() -> None:
    """An old price cannot be marked up for its age if nobody said how it moves."""
    view = view_price("ETH", Quote(price("1"), Timestamp(AS_OF - 10_801)), AS_OF, MarginRules())
    assert not view.marks_burdens


@pytest.mark.parametrize("quote", [None, Quote(Price(0), AS_OF), Quote(Price(-1), AS_OF)])
def test_zero_and_negative_quotes_are_missing(quote: Quote | None) -> None:
    """They are no price of zero."""
    assert view_price("ETH", quote, AS_OF, RULES).price is None


def test_limits_that_cross_are_refused() -> None:
    """A price does not outlive its hard limit."""
    with pytest.raises(BadInput):
        PriceRules(max_age=2, hard_age=1)
