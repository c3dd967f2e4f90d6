"""What must hold for any account: the margin reference's properties, as far as rule-based requirements reach."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.simulators.minting import AS_OF
from verifier.margin.fixed import SCALE, Price, usd
from verifier.margin.modes import Mode
from verifier.margin.report import HypotheticalReport, PocketReport
from verifier.margin.risk import Ratio, Risk
from verifier.margin.rules import Floor, MarginRules, Market, PriceRules, Tier
from verifier.margin.snapshot import Doubt, Line, Position, Quote, Reason, Snapshot
from verifier.margin.status import FAILING, SEVERITY, Status, classify
from verifier.policy import PPM, Factors, Haircut, Policy
from verifier.primitives import Timestamp
from verifier.trust import Anchor, Settlement, Trust

GROUPS = ("ETH", "BTC", "USDC", "UNLISTED")
POCKETS = ("", "a", "b")
MARKET = Market((Tier(usd("0"), 50_000, 25_000), Tier(usd("50000"), 100_000, 60_000)))
RULES = MarginRules(
    markets={"ETH": MARKET, "BTC": MARKET},
    volatility={"ETH": 700_000, "BTC": 500_000},
    debt_rates={"USDC": 80_000},
    floor=Floor(usd("5"), usd("2")),
)
POLICY = Policy(
    anchors=frozenset(Anchor) - {Anchor.RPC},
    settlements=frozenset(Settlement),
    settlement_haircuts={Settlement.SETTLED: Haircut(0, 0), Settlement.PROPOSED: Haircut(250_000, 100_000)},
    factors={
        "ETH": Factors(Haircut(200_000, 150_000), 1_200_000, 1_100_000),
        "BTC": Factors(Haircut(150_000, 100_000), 1_100_000, 1_050_000),
        "USDC": Factors(Haircut(20_000, 10_000)),
    },
)
trusts = st.builds(Trust, st.sampled_from(Anchor), st.none() | st.sampled_from(Settlement))
amounts = st.integers(0, 10**24)
prices = st.integers(1, 10**5 * SCALE)


@st.composite
def lines(draw: st.DrawFn, name: str = "l", *, liability: bool | None = None, known: bool = False) -> Line:
    owed = draw(st.booleans()) if liability is None else liability
    sign = -1 if owed else 1
    missing = not known and draw(st.integers(0, 9)) == 0
    return Line(
        id=name,
        group=draw(st.sampled_from(GROUPS)),
        amount=None if missing else sign * draw(amounts),
        last_amount=sign * draw(amounts) if missing and draw(st.booleans()) else None,
        decimals=18,
        liability=owed,
        pocket=draw(st.sampled_from(POCKETS)),
        trust=draw(trusts),
        age=draw(st.integers(0, 100_000)),
        soft_age=1_800,
        doubt=Reason(Doubt.HOLDING_MISSING, name, "gone") if missing else None,
    )


@st.composite
def positions(draw: st.DrawFn, name: str) -> Position:
    return Position(
        id=name,
        group=draw(st.sampled_from(GROUPS)),
        size=draw(st.integers(-(10**21), 10**21)),
        decimals=18,
        entry=Price(draw(prices)),
        pocket=draw(st.sampled_from(POCKETS)),
        counts_gain=draw(st.booleans()),
    )


@st.composite
def snapshots(draw: st.DrawFn, *, known: bool = False) -> Snapshot:
    held = [draw(lines(f"l{n}", known=known)) for n in range(draw(st.integers(0, 6)))]
    open_ = [draw(positions(f"p{n}")) for n in range(draw(st.integers(0, 3)))]
    quotes = {
        group: Quote(Price(draw(prices)), Timestamp(AS_OF - (0 if known else draw(st.integers(0, 100_000)))))
        for group in GROUPS
        if known or draw(st.integers(0, 9))
    }
    return Snapshot(as_of=AS_OF, lines=tuple(held), positions=tuple(open_), quotes=quotes)


def weigh(
    taken: Snapshot, policy: Policy = POLICY, rules: MarginRules = RULES, mode: Mode = Mode.CROSS
) -> PocketReport:
    return HypotheticalReport(taken, policy, rules, mode).figures.pockets[0]


def no_worse(before: Ratio | None, after: Ratio | None, slack: int = 0) -> bool:
    """Whether a ratio did not fall by more than rounding units of its operands."""
    if before is None or after is None:
        return after is None
    if after.denominator == 0:
        return after.numerator + slack >= 0 or before.at_most(0)
    if before.denominator == 0:
        return before.numerator < 0 or after.numerator + slack >= 0
    if after.numerator < 0:  # a deficit, whatever is required: only its depth says which is worse
        return before.numerator <= after.numerator + slack
    room = Fraction(slack * (abs(before.numerator) + before.denominator), before.denominator)
    return (after.numerator + room) * before.denominator >= before.numerator * after.denominator


def assert_no_lower(before: Risk, after: Risk, slack: int = 0) -> None:
    assert after.equity + slack >= before.equity
    assert after.buffer + slack >= before.buffer
    assert after.equity - after.initial + slack >= before.equity - before.initial


@given(snapshots(), lines("new", liability=False, known=True))
def test_adding_proven_collateral_never_lowers_anything(taken: Snapshot, more: Line) -> None:
    """Not equity, ratio, health factor, excess or status, in either figure. (Property 1.)"""
    before, after = weigh(taken), weigh(replace(taken, lines=(*taken.lines, more)))
    for one, two in ((before.known_low, after.known_low), (before.known_high, after.known_high)):
        assert_no_lower(one, two)
        assert no_worse(one.ratio, two.ratio, 1)
        assert no_worse(one.initial_ratio, two.initial_ratio, 2)
        assert no_worse(one.health_factor, two.health_factor, 1)
    if before.high is not None and more.group in taken.quotes:
        assert SEVERITY.index(after.status) <= SEVERITY.index(before.status)


@given(snapshots(), st.integers(0, PPM), st.integers(0, PPM))
def test_a_deeper_market_haircut_never_helps(taken: Snapshot, one: int, two: int) -> None:
    """Neither of ratio, excess or status. (Property 1.)"""
    mild, deep = sorted((one, two))
    before, after = (
        weigh(taken, replace(POLICY, factors={**POLICY.factors, "ETH": Factors(Haircut(cut, cut))}))
        for cut in (mild, deep)
    )
    assert_no_lower(after.known_low, before.known_low)
    assert no_worse(after.known_low.ratio, before.known_low.ratio)
    assert SEVERITY.index(before.status) <= SEVERITY.index(after.status)


@given(snapshots(), st.integers(0, 100_000), st.integers(0, 100_000))
def test_a_greater_age_or_debt_never_helps(taken: Snapshot, older: int, owed: int) -> None:
    """Every line older, or every debt larger, by any amount. (Property 1.)"""
    aged = replace(taken, lines=tuple(replace(line, age=line.age + older) for line in taken.lines))
    more = replace(
        taken,
        lines=tuple(
            replace(line, amount=line.amount - owed) if line.liability and line.amount is not None else line
            for line in taken.lines
        ),
    )
    before = weigh(taken)
    for changed in (aged, more):
        after = weigh(changed)
        assert_no_lower(after.known_low, before.known_low)
        assert_no_lower(after.known_high, before.known_high)
        assert no_worse(after.known_low.ratio, before.known_low.ratio)


@given(snapshots(), st.integers(0, 50_000))
def test_a_price_that_grows_older_never_helps(taken: Snapshot, older: int) -> None:
    """It is discounted, then missing. (Property 1.)"""
    quotes = {group: replace(quote, at=Timestamp(quote.at - older)) for group, quote in taken.quotes.items()}
    before, after = weigh(taken), weigh(replace(taken, quotes=quotes))
    assert_no_lower(after.known_low, before.known_low)
    if before.low is None:
        assert after.low is None


@given(snapshots(), st.randoms(use_true_random=False))
def test_order_changes_nothing(taken: Snapshot, random: object) -> None:
    """Lines and positions in any order give the same figures. (Property 2.)"""
    shuffled_lines, shuffled_positions = list(taken.lines), list(taken.positions)
    random.shuffle(shuffled_lines)  # type: ignore[attr-defined]
    random.shuffle(shuffled_positions)  # type: ignore[attr-defined]
    before = weigh(taken)
    after = weigh(replace(taken, lines=tuple(shuffled_lines), positions=tuple(shuffled_positions)))
    assert (before.known_low, before.known_high, before.status) == (after.known_low, after.known_high, after.status)


@given(snapshots(known=True), lines("x", known=True), st.integers(0, PPM))
def test_splitting_a_line_never_favours_the_account_and_costs_at_most_a_unit(
    taken: Snapshot, line: Line, share: int
) -> None:
    """Each part is rounded against the account. (Property 2.)"""
    units = line.amount or 0
    part = units * share // PPM
    whole = weigh(replace(taken, lines=(*taken.lines, line)))
    parts = (replace(line, id="x1", amount=part), replace(line, id="x2", amount=units - part))
    split = weigh(replace(taken, lines=(*taken.lines, *parts)))
    for one, two in ((whole.known_low, split.known_low), (whole.known_high, split.known_high)):
        assert one.equity - 1 <= two.equity <= one.equity
        assert one.buffer - 2 <= two.buffer <= one.buffer
        assert one.equity - one.initial - 2 <= two.equity - two.initial <= one.equity - one.initial


@given(snapshots())
def test_maintenance_is_at_most_initial(taken: Snapshot) -> None:
    """And neither is negative. (Property 3.)"""
    made = weigh(taken)
    for risk in (made.known_low, made.known_high):
        assert 0 <= risk.maintenance <= risk.initial + len(GROUPS)
        assert risk.maintenance_haircut <= risk.maintenance and risk.initial_haircut <= risk.initial


@given(snapshots(), lines("new"))
def test_pockets_do_not_affect_one_another(taken: Snapshot, more: Line) -> None:
    """Whatever happens in one leaves the reports of the others as they were. (Property 4.)"""
    before = HypotheticalReport(taken, POLICY, RULES, Mode.ISOLATED).figures.pockets
    after = HypotheticalReport(replace(taken, lines=(*taken.lines, more)), POLICY, RULES, Mode.ISOLATED).figures.pockets
    kept = {pocket.name: pocket for pocket in after if pocket.name != more.pocket}
    assert all(kept[pocket.name] == pocket for pocket in before if pocket.name != more.pocket)


@given(snapshots())
def test_isolating_never_lowers_the_sum_of_requirements(taken: Snapshot) -> None:
    """Pools net at least as well as their parts, and conserve equity. (Section 5.)"""
    rules = replace(RULES, floor=Floor())
    pooled = HypotheticalReport(taken, POLICY, rules, Mode.CROSS).figures.pockets[0].known_low
    apart = HypotheticalReport(taken, POLICY, rules, Mode.ISOLATED).figures.pockets
    assert sum(pocket.known_low.equity for pocket in apart) == pooled.equity
    assert sum(pocket.known_low.buffer for pocket in apart) <= pooled.buffer + len(POCKETS) * len(GROUPS)


@given(snapshots())
def test_the_low_figure_is_never_above_the_high_one(taken: Snapshot) -> None:
    """Equity, excess and ratio; and certain failure implies failure in the low figure. (Property 9.)"""
    made = weigh(taken)
    assert_no_lower(made.known_low, made.known_high)
    assert no_worse(made.known_low.ratio, made.known_high.ratio, 2)
    low, high = classify(made.known_low, RULES.ladder), classify(made.known_high, RULES.ladder)
    assert SEVERITY.index(high) <= SEVERITY.index(low)
    if made.status in FAILING:
        assert made.low is not None and made.high is not None
        assert low in FAILING and high in FAILING
    if made.status is Status.DATA_CALL:
        assert low in FAILING and (made.high is None or high not in FAILING)


@given(snapshots(), st.integers(2, 1_000))
def test_scaling_all_prices_scales_all_money_and_leaves_ratios(taken: Snapshot, by: int) -> None:
    """Up to rounding, which has less weight in the larger figures. (Property 10.)"""
    tiers = tuple(replace(tier, above=usd(str(int(tier.above) * by // SCALE))) for tier in MARKET.tiers)
    scaled = replace(
        RULES, markets={"ETH": Market(tiers), "BTC": Market(tiers)}, floor=Floor(usd(str(5 * by)), usd(str(2 * by)))
    )
    quotes = {group: replace(quote, price=Price(quote.price * by)) for group, quote in taken.quotes.items()}
    entered = tuple(replace(position, entry=Price(position.entry * by)) for position in taken.positions)
    before = weigh(taken)
    after = weigh(replace(taken, quotes=quotes, positions=entered), POLICY, scaled)
    # One unit for each rounding; a price marked for its age is rounded before it meets a size of up to 10^3 units.
    slack = 10**4 * by
    for name in ("equity", "initial", "maintenance", "weighted", "owed"):
        assert abs(getattr(after.known_low, name) - by * getattr(before.known_low, name)) <= slack


@pytest.mark.soak
@settings(max_examples=20_000, deadline=None)
@given(snapshots())
def test_no_snapshot_is_shown_better_than_it_is(taken: Snapshot) -> None:
    """A shown ratio at or above one never stands beside a failing low figure."""
    made = weigh(taken)
    shown = made.shown(None if made.low is None else made.low.ratio)
    if shown is not None and made.low is not None and made.low.ratio.at_most(PPM - 1):
        assert Fraction(shown.rstrip("+")) < 1


def test_property_rules_cover_old_prices() -> None:
    """The strategies draw ages beyond both limits of a price."""
    assert PriceRules().hard_age < 100_000
