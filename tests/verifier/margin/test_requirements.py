"""Spot and perpetual requirements, ratios and statuses."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.verifier.margin.build import line, position, snapshot, weigh
from verifier.errors import BadInput
from verifier.margin.fixed import SCALE, Usd, usd
from verifier.margin.requirements import market_requirement, weigh_net
from verifier.margin.risk import Ratio, Risk, worse
from verifier.margin.rules import Floor, Ladder, MarginRules, Market, Tier, flat_market
from verifier.margin.status import Status, classify, decide
from verifier.policy import PPM, Factors, Haircut

TIERED = Market(
    (Tier(usd("0"), 50_000, 25_000), Tier(usd("100000"), 100_000, 50_000), Tier(usd("500000"), 200_000, 100_000))
)
ratios = st.builds(Ratio, st.integers(-(10**20), 10**20), st.integers(1, 10**20))
factors = st.builds(
    lambda h, w: Factors(Haircut(max(h), min(h)), PPM + max(w), PPM + min(w)),
    st.tuples(st.integers(0, PPM), st.integers(0, PPM)),
    st.tuples(st.integers(0, PPM), st.integers(0, PPM)),
)


def test_tiers_charge_each_part_of_the_notional_at_its_own_rate() -> None:
    """Continuous by construction: the maintenance amount is what the lower tiers spare."""
    assert market_requirement(TIERED, usd("183000")) == (usd("13300"), usd("6650"))
    assert market_requirement(TIERED, usd("600000")) == (usd("65000"), usd("32500"))


@given(st.integers(0, 10**6 * SCALE))
def test_a_tiered_requirement_never_jumps_or_falls(notional: int) -> None:
    """One more unit of notional costs at most the top rate more, rounded up."""
    here, next_ = market_requirement(TIERED, Usd(notional)), market_requirement(TIERED, Usd(notional + 1))
    assert all(0 <= b - a <= 1 for a, b in zip(here, next_, strict=True))
    assert here[1] <= here[0]


@pytest.mark.parametrize(
    "tiers",
    [
        (),
        (Tier(usd("1"), 10, 5),),
        (Tier(usd("0"), 5, 10),),
        (Tier(usd("0"), 10, 5), Tier(usd("0"), 20, 10)),
        (Tier(usd("0"), 10, 5), Tier(usd("9"), 9, 5)),
        (Tier(usd("0"), PPM + 1, 5),),
    ],
)
def test_tiers_that_are_no_schedule_are_refused(tiers: tuple[Tier, ...]) -> None:
    """They begin at zero, rise, and never get milder with size."""
    with pytest.raises(BadInput):
        Market(tiers)


@given(st.integers(-(10**30), 10**30), st.integers(0, 10**30), factors)
def test_excess_is_the_lending_markets_own_inequality(net: int, less: int, given_: Factors) -> None:
    """E − MM is net·(1 − h) for what is held and −net·w for what is owed, to one unit against the account."""
    risk = weigh_net(net, net - less, given_)
    kept = (
        Fraction(PPM - given_.haircut.maintenance, PPM) if net >= 0 else Fraction(given_.debt_weight_maintenance, PPM)
    )
    assert net * kept - 1 < risk.buffer <= net * kept
    initial = net - less
    kept = Fraction(PPM - given_.haircut.initial, PPM) if initial >= 0 else Fraction(given_.debt_weight_initial, PPM)
    assert initial * kept - 1 < risk.equity - risk.initial <= initial * kept
    assert 0 <= risk.maintenance <= risk.initial + 1


def test_health_factor_is_one_exactly_where_equity_is_the_requirement() -> None:
    """Section 6.3's identity."""
    given_ = Factors(Haircut(200_000, 150_000), 1_200_000, 1_100_000)
    held, owed = weigh_net(110 * SCALE, 110 * SCALE, given_), weigh_net(-85 * SCALE, -85 * SCALE, given_)
    risk = held + owed
    assert risk.health_factor == Ratio(Usd(110 * SCALE * 85 // 100), Usd(85 * SCALE * 11 // 10))
    assert risk.buffer == 0
    assert risk.worst_ratio.at_most(PPM)
    assert not (risk + Risk(equity=Usd(1), weighted=Usd(1))).worst_ratio.at_most(PPM)


def test_holdings_and_debts_of_one_asset_net_before_any_haircut() -> None:
    """A collateral rate never shrinks a liability; what nets out costs nothing."""
    half = Factors(Haircut(500_000, 500_000), 1_500_000, 1_500_000)
    report = weigh(snapshot(line("a", "ETH", "10"), line("b", "ETH", "-10"), ETH="3000"), ETH=half)
    low = report.figures.pockets[0].low
    assert low is not None and (low.equity, low.maintenance, low.owed) == (0, 0, 0)


def test_a_group_that_the_policy_does_not_list_counts_nothing_as_collateral() -> None:
    """Its value is equity and requirement at once; its debt counts in full."""
    report = weigh(snapshot(line("a", "DOGE", "10"), line("b", "USDC", "-1"), DOGE="1", USDC="1"))
    low = report.figures.pockets[0].low
    assert low is not None and (low.weighted, low.buffer) == (0, -SCALE)
    listed = weigh(snapshot(line("a", "ETH", "10"), line("b", "USDC", "-1"), ETH="1", USDC="1"))
    assert listed.figures.pockets[0].buffer == 9 * SCALE


def test_a_declared_gain_counts_nothing_and_a_loss_in_full() -> None:
    """A declared position only lowers."""
    rules = MarginRules(markets={"ETH": flat_market(100_000, 50_000)})
    base = snapshot(line("a", "USDC", "1000"), ETH="3000", USDC="1")
    gain = weigh(snapshot(*base.lines, position("p", "ETH", "1", "2900"), ETH="3000", USDC="1"), rules)
    loss = weigh(snapshot(*base.lines, position("p", "ETH", "-1", "2900"), ETH="3000", USDC="1"), rules)
    proven = weigh(
        snapshot(*base.lines, position("p", "ETH", "1", "2900", counts_gain=True), ETH="3000", USDC="1"), rules
    )
    equities = [r.figures.pockets[0].known_low.equity // SCALE for r in (gain, loss, proven)]
    assert equities == [1000, 900, 1100]


def test_a_market_without_rates_requires_the_whole_notional() -> None:
    """Nobody said what is enough."""
    report = weigh(snapshot(position("p", "ETH", "-2", "3000"), ETH="3000"))
    assert report.figures.pockets[0].known_low.maintenance == 6000 * SCALE


def test_a_floor_is_asked_of_whoever_owes_and_of_no_one_else() -> None:
    """It stands beside the haircuts of collateral."""
    rules = MarginRules(floor=Floor(usd("20"), usd("10")))
    free = weigh(snapshot(line("a", "USDC", "100"), USDC="1"), rules).figures.pockets[0].known_low
    owing = weigh(snapshot(line("a", "USDC", "100"), line("b", "ETH", "-1"), USDC="1", ETH="1"), rules)
    assert (free.initial, free.maintenance) == (0, 0)
    low = owing.figures.pockets[0].known_low
    assert (low.initial, low.maintenance) == (20 * SCALE, 10 * SCALE)


def test_an_old_price_is_charged_against_the_position_on_both_sides() -> None:
    """A long is marked down, a short up, and the notional up for both."""
    rules = MarginRules(markets={"ETH": flat_market(PPM, PPM)}, volatility={"ETH": 1_000_000})
    for size in ("1", "-1"):
        fresh = snapshot(position("p", "ETH", size, "3000"), ETH="3000")
        old = type(fresh)(as_of=type(fresh.as_of)(fresh.as_of + 3_600), positions=fresh.positions, quotes=fresh.quotes)
        now, later = weigh(fresh, rules).figures.pockets[0], weigh(old, rules).figures.pockets[0]
        assert later.known_low.equity < now.known_low.equity == 0
        assert later.known_low.maintenance > now.known_low.maintenance
        assert later.known_high == now.known_high


@given(ratios, st.integers(0, 3 * PPM))
def test_ratios_compare_as_fractions_do(ratio: Ratio, bound: int) -> None:
    """Cross-multiplied, without rounding."""
    assert ratio.at_most(bound) == (Fraction(ratio.numerator, ratio.denominator) <= Fraction(bound, PPM))


@given(ratios, ratios)
def test_the_worse_of_two_ratios_is_the_smaller(one: Ratio, two: Ratio) -> None:
    """In either order."""
    exact = min(Fraction(one.numerator, one.denominator), Fraction(two.numerator, two.denominator))
    for found in (worse(one, two), worse(two, one)):
        assert Fraction(found.numerator, found.denominator) == exact


def test_without_a_requirement_the_sign_decides() -> None:
    """Nothing required and nothing short is without bound; short of nothing is below any bound."""
    fine, short, half = Ratio(1, 0), Ratio(-1, 0), Ratio(1, 2)
    assert fine.unbounded and not fine.at_most(10**12) and fine.shown() is None
    assert not short.unbounded and short.at_most(0)
    assert worse(fine, half) == worse(half, fine) == half
    assert worse(short, half) == worse(half, short) == short


@given(ratios)
def test_a_shown_ratio_is_never_above_the_true_one(ratio: Ratio) -> None:
    """Rounded down, and on a bound only if the ratio is not above it."""
    bounds = Ladder().bounds
    text = ratio.shown(bounds)
    assert text is not None
    exact, floor = Fraction(ratio.numerator, ratio.denominator), Fraction(text.rstrip("+"))
    assert floor <= exact
    assert all(floor != Fraction(b, PPM) or exact == floor or text.endswith("+") for b in bounds)


def test_no_shown_ratio_contradicts_the_status_beside_it() -> None:
    """Just under 1 is not shown as 1, just over 1.5 not as 1.5."""
    assert Ratio(10**20 - 1, 10**20).shown(Ladder().bounds) == "0.9999"
    assert Ratio(15 * 10**5 + 1, 10**6).shown(Ladder().bounds) == "1.500001"
    assert Ratio(3, 2).shown(Ladder().bounds) == "1.5"


def _risk(equity: int, maintenance: int, initial: int | None = None) -> Risk:
    return Risk(Usd(equity), Usd(maintenance if initial is None else initial), Usd(maintenance))


@pytest.mark.parametrize(
    ("equity", "status"),
    [
        (1501, Status.HEALTHY), (1500, Status.WARNING), (1201, Status.WARNING), (1200, Status.MARGIN_CALL), (1051, Status.MARGIN_CALL),
        (1050, Status.FINAL_CALL), (1000, Status.FINAL_CALL), (999, Status.LIQUIDATION), (667, Status.LIQUIDATION),
        (666, Status.BACKSTOP), (0, Status.BACKSTOP), (-1, Status.DEFICIT),
    ],
)  # fmt: skip
def test_every_bound_belongs_to_the_worse_status(equity: int, status: Status) -> None:
    """1.5, 1.2, 1.05; E < MM strictly; two thirds strictly; E < 0."""
    assert classify(_risk(equity, 1000), Ladder()) is status


def test_equity_under_the_initial_requirement_is_a_warning() -> None:
    """However high the ratio."""
    assert classify(_risk(2999, 1000, 3000), Ladder()) is Status.WARNING
    assert classify(_risk(3000, 1000, 3000), Ladder()) is Status.HEALTHY


def test_nothing_required_is_healthy_and_a_debt_without_cover_a_deficit() -> None:
    """An account that owes nothing needs nothing, even if it holds nothing."""
    assert classify(_risk(0, 0), Ladder()) is Status.HEALTHY
    assert classify(_risk(-1, 0), Ladder()) is Status.DEFICIT


@pytest.mark.parametrize(
    ("low", "high", "status"),
    [
        (999, 1000, Status.DATA_CALL), (-1, 5000, Status.DATA_CALL), (999, None, Status.DATA_CALL), (-1, 999, Status.LIQUIDATION),
        (500, 600, Status.BACKSTOP), (-2, -1, Status.DEFICIT), (1200, None, Status.MARGIN_CALL), (1600, None, Status.HEALTHY),
        (None, 5000, Status.INDETERMINATE), (None, -1, Status.INDETERMINATE),
    ],
)  # fmt: skip
def test_nothing_is_liquidated_that_the_high_figure_would_spare(
    low: int | None, high: int | None, status: Status
) -> None:
    """A shortfall in the low figure alone is a data call; without a low figure nothing is decided."""
    risks = [None if e is None else _risk(e, 1000) for e in (low, high)]
    assert decide(risks[0], risks[1], Ladder()) is status


@pytest.mark.parametrize("bad", [(1_400_000, 1_500_000, 1_050_000), (1_500_000, 1_200_000, 999_999)])
def test_a_ladder_out_of_order_is_refused(bad: tuple[int, int, int]) -> None:
    """No rung of it may lie below liquidation or above a milder one."""
    with pytest.raises(BadInput):
        Ladder(*bad)
