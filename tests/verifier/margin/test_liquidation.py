"""Plans and loops: conservation, order of steps, closed forms, fixed points."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.verifier.margin.build import line, policy, position, snapshot
from tests.verifier.margin.test_properties import POLICY, RULES, snapshots
from verifier.errors import BadInput
from verifier.margin import liquidation_amounts as amounts
from verifier.margin.fixed import SCALE, Price, Usd
from verifier.margin.liquidation import Plan, plan
from verifier.margin.liquidation_course import End
from verifier.margin.liquidation_goal import Goal
from verifier.margin.liquidation_loop import ROUNDS, Rung, Shock, Spiral, spiral, tipping_shock, uniform
from verifier.margin.liquidation_steps import Act, Charge, Closure, Trading, carry_out, execute
from verifier.margin.market import Depth
from verifier.margin.models.impact import Linear
from verifier.margin.models.selling import impacts_of
from verifier.margin.models.spiral import ladder_spiral
from verifier.margin.modes import Mode
from verifier.margin.rules import MarginRules, flat_market
from verifier.margin.snapshot import Order, Snapshot
from verifier.margin.trial import Scales, Setting, Trial
from verifier.policy import PPM, Factors, Haircut

MARKETS = {"ETH": flat_market(100_000, 50_000), "BTC": flat_market(50_000, 25_000)}
HALF = Goal(initial=False, ratio=PPM)
"""Equity covers maintenance, and no more: what the closed forms are about."""


def scales(mode: Mode = Mode.CROSS, **factors: Factors) -> Scales:
    return Scales(Setting(policy(**factors), MarginRules(markets=MARKETS), mode))


def by_part(found: Plan) -> dict[str, int]:
    """Base units closed of each part, in all."""
    closed: dict[str, int] = {}
    for step in found.steps:
        if step.closure.part:
            closed[step.closure.part] = closed.get(step.closure.part, 0) + step.closure.amount
    return closed


def perp_account(cash: str = "900") -> Trial:
    return Trial(snapshot(line("cash", "USDC", cash), position("e", "ETH", "10", "2000"), USDC="1", ETH="2000"))


def lent_account() -> Trial:
    return Trial(snapshot(line("eth", "ETH", "10"), line("loan", "USDC", "-17000"), USDC="1", ETH="2000"))


def test_a_perpetual_is_reduced_by_the_closed_form() -> None:
    """`q = (MM·T − E) / (P(r·T − fee))`, rounded up to the unit; one unit less is not enough."""
    weigher, trial, trading = scales(), perp_account(), Trading(other=Charge(fee=10_000))
    found = plan(weigher, trial, "", trading, HALF)
    exact = amounts.perp_reduction(100, 2_000, Fraction(5, 100), Fraction(1, 100))
    assert exact == Fraction(100, 80)
    (step,) = found.steps
    assert (step.closure.act, step.closure.part, step.closure.amount) == (Act.REDUCE, "e", int(exact * SCALE))
    assert found.end is End.RESTORED and found.lacking == 100 * SCALE and found.cost == 25 * SCALE
    _, less = execute(weigher, trial, "", [Closure(Act.REDUCE, "e", step.closure.amount - 1)], trading)
    assert HALF.lacking(step.after.low) <= 0 < HALF.lacking(less[0].after.low)


def test_collateral_is_sold_by_the_closed_form() -> None:
    """`r = (T·D − W)/(T − (1+b)·LT)`: what is repaid; the bonus comes out of the collateral."""
    weigher = scales(ETH=Factors(Haircut(200_000, 200_000)))
    found = plan(weigher, lent_account(), "", Trading(other=Charge(bonus=50_000)), HALF)
    (step,) = found.steps
    # A bonus of 5 % of what is sold leaves 95 % to repay: b = 1/0.95 − 1.
    exact = amounts.lending_repayment(16_000, 17_000, 1, Fraction(1, 19), Fraction(8, 10))
    assert exact is not None and step.repaid[0][0] == "loan"
    assert abs(Fraction(step.repaid[0][1], SCALE) - exact) < Fraction(
        10_000, SCALE
    )  # one unit of ETH is worth 2,000 of USDC
    assert step.closure.act is Act.SELL and found.end is End.RESTORED


def test_where_a_partial_liquidation_makes_things_worse_all_is_closed() -> None:
    """HF ≤ (1+b)·LT for lending, r ≤ fees for a perpetual: the closed forms say None, the plan closes."""
    assert amounts.lending_repayment(16_000, 17_000, 1, Fraction(3, 10), Fraction(8, 10)) is None
    assert amounts.perp_reduction(100, 2_000, Fraction(5, 100), Fraction(5, 100)) is None
    weigher = scales(ETH=Factors(Haircut(200_000, 200_000)))
    lent = plan(weigher, lent_account(), "", Trading(other=Charge(bonus=300_000)), HALF)
    assert lent.end is End.DEFICIT and lent.shortfall == 3_000 * SCALE
    perp = plan(weigher, perp_account(), "", Trading(other=Charge(fee=50_000)), HALF)
    assert perp.end is End.DEFICIT and [s.closure.act for s in perp.steps] == [Act.CLOSE_ALL, Act.SELL]


def test_a_healthy_account_needs_nothing_and_an_unknown_one_gets_no_plan() -> None:
    """And `force` plans the way down for one that does not fail."""
    weigher = scales()
    assert plan(weigher, perp_account("5000"), "", Trading()).end is End.HEALTHY
    assert plan(weigher, perp_account("1500"), "", Trading()).end is End.HEALTHY
    forced = plan(weigher, perp_account("1500"), "", Trading(), force=True)
    assert forced.end is End.RESTORED and forced.after.low.equity >= forced.after.low.initial
    unknown = Trial(snapshot(line("cash", "USDC", "1"), position("x", "DOGE", "1", "1"), USDC="1"))
    assert plan(weigher, unknown, "", Trading()).end is End.UNKNOWN


def test_the_way_is_cleared_first() -> None:
    """Resting orders go, then a holding pays a debt of its own asset on its own network; others do not."""
    taken = snapshot(
        line("here", "USDC", "500", network="a"), line("loan", "USDC", "-2000", network="a"),
        line("there", "USDC", "700", network="b"), position("e", "ETH", "10", "2000"), ETH="2000", USDC="1",
    )  # fmt: skip
    order = Order(id="bid", group="ETH", size=SCALE, decimals=18, limit=Price(1_900 * SCALE))
    found = plan(scales(), Trial(replace(taken, orders=(order,))), "", Trading())
    acts = [(s.closure.act, s.closure.part) for s in found.steps[:2]]
    assert acts == [(Act.CANCEL, "bid"), (Act.NET, "here>loan")]
    assert found.steps[1].repaid == (("loan", 500 * SCALE),)
    assert not any(s.closure.part == "there>loan" for s in found.steps)


def test_what_is_frozen_is_not_touched_and_what_is_slow_comes_last() -> None:
    """A halted network's position stays; another takes its place."""
    taken = snapshot(line("cash", "USDC", "1400"), position("b", "BTC", "0.3", "60000"),
                     position("e", "ETH", "10", "2000"), USDC="1", ETH="2000", BTC="60000")  # fmt: skip
    weigher, trading = scales(), Trading(other=Charge(fee=5_000))
    assert plan(weigher, Trial(taken), "", trading).steps[0].closure.part == "e"
    assert plan(weigher, Trial(taken), "", replace(trading, slow=frozenset({"e"}))).steps[0].closure.part == "b"
    frozen = plan(weigher, Trial(taken), "", replace(trading, frozen=frozenset({"e"})))
    assert "e" not in by_part(frozen)
    stuck = plan(weigher, Trial(taken), "", replace(trading, frozen=frozenset({"e", "b", "cash"})))
    assert stuck.end is End.BACKSTOP and stuck.steps == ()


def test_more_than_there_is_cannot_be_closed() -> None:
    """Nor nothing, nor a part that is not there."""
    for closure in (Closure(Act.REDUCE, "e", 10 * SCALE + 1), Closure(Act.REDUCE, "e", 0), Closure(Act.SELL, "x", 1)):
        with pytest.raises(BadInput, match=closure.part):
            carry_out(scales(), perp_account(), "", closure, Trading())


TRADING = Trading(
    impacts=impacts_of({"ETH": Depth(Usd(10**7 * SCALE), 40_000), "BTC": Depth(Usd(10**9 * SCALE), 30_000)}),
    other=Charge(fee=2_000, bonus=30_000),
)


def failing_plan(taken: Snapshot, mode: Mode = Mode.CROSS) -> tuple[Scales, list[Plan]]:
    weigher = Scales(Setting(POLICY, RULES, mode))
    trial = Trial(taken)
    return weigher, [plan(weigher, trial, pool.name, TRADING) for pool in weigher.weigh(trial)]


@settings(max_examples=25, deadline=None)
@given(snapshots(known=True))
def test_a_plan_reaches_its_goal_or_closes_all(taken: Snapshot) -> None:
    """No step raises MM but by its marks, none takes more than there is, and they can be carried out again. (Property 6.)"""
    weigher, plans = failing_plan(taken, Mode.ISOLATED)
    for found in plans:
        again, steps = execute(weigher, Trial(taken), found.pool, found.closures, TRADING)
        assert steps == found.steps and again == found.trial
        sizes = {p.id: abs(p.size) for p in taken.positions} | {x.id: abs(x.amount or 0) for x in taken.lines}
        assert all(closed <= sizes[part] for part, closed in by_part(found).items() if ">" not in part)
        if found.end is End.RESTORED:
            assert found.goal.lacking(found.after.low) <= 0
        elif found.end in (End.CLOSED, End.BACKSTOP, End.DEFICIT):
            sizes = [p.size for p in found.trial.snapshot.positions if p.pocket == found.pool]
            assert not any(sizes)
        maintenance = [found.before.low.maintenance, *(s.after.low.maintenance for s in found.steps)]
        for was, now, step in zip(maintenance, maintenance[1:], found.steps, strict=False):
            assert now <= was + 10**4 or any(price > taken.quotes[g].price for g, price in step.marks)


@settings(max_examples=25, deadline=None)
@given(snapshots(known=True))
def test_money_is_conserved(taken: Snapshot) -> None:
    """With marks that stay, equity falls by the costs and by nothing else. (Conservation.)"""
    weigher = Scales(Setting(POLICY, RULES))
    found = plan(weigher, Trial(taken), "", replace(TRADING, moves_marks=False))
    spent = found.before.low.equity - found.after.low.equity
    netted = any(step.closure.act is Act.NET for step in found.steps)
    assert netted or abs(spent - found.cost) <= 1_000


@settings(max_examples=15, deadline=None)
@given(snapshots(known=True), st.randoms(use_true_random=False))
def test_a_plan_does_not_depend_on_the_order_of_parts(taken: Snapshot, random: object) -> None:
    """The same steps, whatever order lines and positions come in. (Permutation invariance.)"""
    shuffled, opened = list(taken.lines), list(taken.positions)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    random.shuffle(opened)  # type: ignore[attr-defined]
    other = replace(taken, lines=tuple(shuffled), positions=tuple(opened))
    assert [p.steps for p in failing_plan(taken)[1]] == [p.steps for p in failing_plan(other)[1]]


def long_account(cash: int) -> Trial:
    taken = snapshot(line("eth", "ETH", "5"), line("loan", "USDC", str(-8_000 + cash)),
                     position("e", "ETH", "4", "2000", counts_gain=True), ETH="2000", USDC="1")  # fmt: skip
    return Trial(taken)


LONG = scales(ETH=Factors(Haircut(150_000, 100_000)))


def run(cash: int, fall: int, per_usd: float) -> Spiral:
    trading = Trading(impacts={"ETH": Linear(per_usd)}, other=Charge(fee=1_000, bonus=10_000))
    return spiral(LONG, long_account(cash), Shock({"ETH": fall}), trading)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1_000), st.integers(0, 300_000), st.integers(0, 20), st.integers(0, 100_000), st.integers(0, 20))
def test_the_loop_ends_in_a_fixed_point_that_grows_with_shock_and_impact(
    cash: int, fall: int, impact: int, more: int, deeper: int
) -> None:
    """At the final marks nothing further must be sold; a larger shock or impact ends no higher. (Property 7.)"""
    made = run(cash, fall, impact * 1e-6)
    assert made.settled and len(made.rounds) <= ROUNDS
    turned = run(cash, fall + more, (impact + deeper) * 1e-6)
    assert turned.marks["ETH"] <= made.marks["ETH"]
    assert not any(abs(v) > made.start["ETH"] // 10**6 for v in made.rounds[-1].sold.values())


def test_the_loop_on_a_ladder_is_the_vector_rule() -> None:
    """Rungs sold once the price is below them: the same end as the plain rule, in units of value."""
    ladder = {"ETH": tuple(Rung(Price(p * SCALE), Usd(q * 2_000 * SCALE)) for p, q in ((1_900, 100), (1_865, 300)))}
    trading = Trading(impacts={"ETH": Linear(1e-4 / 2_000)})
    found = spiral(
        scales(),
        Trial(snapshot(line("c", "USDC", "1"), USDC="1", ETH="2000")),
        Shock({"ETH": 60_000}),
        trading,
        ladder=ladder,
    )
    plain = ladder_spiral(2_000, 0.06, 1e-4, [(1_900, 100), (1_865, 300)])
    # The plain rule adds the falls, ours compounds them: (1 − s)(1 − I) against 1 − s − I.
    assert plain.sold == 400 and abs(found.marks["ETH"] - 1_804_800_000_000_000_000_000) < 10**6
    amplified = found.amplification("ETH")
    assert amplified is not None and round(float(amplified), 4) == round((1 - 0.94 * 0.96) / 0.06, 4)


def test_a_spiral_that_feeds_itself_has_a_gain_and_a_lower_tipping_shock() -> None:
    """A ladder below the market brings the account down at a smaller shock than alone."""
    ladder = {"ETH": (Rung(Price(1_990 * SCALE), Usd(100_000 * SCALE)),)}
    trading = Trading(impacts={"ETH": Linear(1e-6)}, other=Charge(fee=1_000, bonus=10_000))
    trial = long_account(0)
    alone = tipping_shock(LONG, trial, Shock({"ETH": 500_000}), trading)
    crowded = tipping_shock(LONG, trial, Shock({"ETH": 500_000}), trading, ladder)
    assert alone is not None and crowded is not None and crowded < alone
    at = Shock({"ETH": 500_000})
    assert not spiral(LONG, trial, at.scaled(alone - 1), trading).fallen
    fallen = spiral(LONG, trial, at.scaled(alone), trading)
    assert fallen.fallen == ("",) and float(fallen.gain) > 0
    assert tipping_shock(LONG, trial, Shock({"ETH": 1_000}), trading) is None


def test_a_uniform_shock_leaves_the_money_alone() -> None:
    """What the account counts in does not fall against itself, where it says so."""
    taken = long_account(0).snapshot
    assert uniform(taken, 1_000, frozenset({"USDC"})).falls == {"ETH": 1_000}
    with pytest.raises(BadInput, match=r"shock\.ETH"):
        Shock({"ETH": PPM})


def test_by_scenarios_a_hedge_is_not_closed_by_itself() -> None:
    """Of a long and a smaller short only the long is reduced: closing the short would raise what is required."""
    taken = snapshot(
        line("cash", "USDC", "2500"), position("long", "ETH", "10", "2150", counts_gain=True),
        position("short", "ETH", "-4", "2000", counts_gain=True), ETH="2000", USDC="1",
    )  # fmt: skip
    dear = flat_market(800_000, 600_000)  # so that the scenarios, not the rules, are what is required
    weigher = Scales(Setting(policy(), MarginRules(markets={"ETH": dear}), Mode.PORTFOLIO))
    found = plan(weigher, Trial(taken), "", Trading(other=Charge(fee=1_000)))
    assert found.end is End.RESTORED
    assert {step.closure.part for step in found.steps} == {"long"}
    figures = [found.before.low.maintenance, *(step.after.low.maintenance for step in found.steps)]
    assert figures == sorted(figures, reverse=True)
    short_first, _ = carry_out(weigher, Trial(taken), "", Closure(Act.REDUCE, "short", 4 * SCALE), Trading())
    assert weigher.pool(short_first, "").low.maintenance > found.before.low.maintenance


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 20), st.integers(1, 20), st.integers(0, 40_000), st.integers(1, 3_000), st.integers(2, 50))
def test_scaling_prices_and_money_scales_the_plan(held: int, size: int, owed: int, price: int, by: int) -> None:
    """The same end, and costs that scale, up to the rounding of small units. (Property 10.)"""

    def made(scale: int) -> Plan:
        taken = snapshot(
            line("eth", "ETH", str(held)), line("loan", "USDC", str(-owed)), position("e", "ETH", str(size), str(2_000 * scale)),
            ETH=str(price * scale), USDC=str(scale),
        )  # fmt: skip
        trading = Trading(other=Charge(fee=2_000, bonus=30_000))
        return plan(scales(ETH=Factors(Haircut(200_000, 150_000))), Trial(taken), "", trading)

    one, scaled = made(1), made(by)
    assert one.end is scaled.end
    assert [step.closure.part for step in one.steps] == [step.closure.part for step in scaled.steps]
    assert abs(scaled.cost - by * one.cost) <= 10**5 * by * (len(one.steps) + 1)
    assert abs(scaled.lacking - by * one.lacking) <= 10 * by


@settings(max_examples=8, deadline=None)
@given(snapshots(known=True), st.integers(1, 400_000), st.randoms(use_true_random=False))
def test_the_loop_does_not_depend_on_the_order_of_parts(taken: Snapshot, fall: int, random: object) -> None:
    """The same rounds, marks and closures. (Permutation invariance.)"""
    shuffled, opened = list(taken.lines), list(taken.positions)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    random.shuffle(opened)  # type: ignore[attr-defined]
    other = replace(taken, lines=tuple(shuffled), positions=tuple(opened))
    scales_ = Scales(Setting(POLICY, RULES, Mode.ISOLATED))
    one, two = (spiral(scales_, Trial(t), uniform(t, fall), TRADING) for t in (taken, other))
    assert (one.rounds, dict(one.marks), dict(one.closed), one.gain) == (
        two.rounds,
        dict(two.marks),
        dict(two.closed),
        two.gain,
    )
