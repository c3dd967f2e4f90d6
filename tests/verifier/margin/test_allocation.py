"""Allocation sums to the whole, efficiency says what pooling saves and what latency takes back."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.verifier.margin.build import line, policy, position, snapshot
from tests.verifier.margin.test_liquidation import MARKETS
from tests.verifier.margin.test_properties import POLICY, RULES, snapshots
from verifier.errors import BadInput
from verifier.margin.allocation import Measure, allocate, shared, summary
from verifier.margin.efficiency import by_name, efficiency
from verifier.margin.fixed import SCALE, Usd
from verifier.margin.market import Route
from verifier.margin.modes import Mode
from verifier.margin.rules import MarginRules, flat_market
from verifier.margin.snapshot import Snapshot
from verifier.margin.transfers import lock_haircut, plan_transfers
from verifier.margin.trial import Setting, Trial
from verifier.policy import PPM, Factors, Haircut

SETTING = Setting(policy(ETH=Factors(Haircut(200_000, 150_000))), MarginRules(markets=MARKETS))


def past(count: int = 120) -> dict[str, tuple[int, ...]]:
    random = Random(7)
    market = [random.gauss(0, 0.02) for _ in range(count)]
    series = {"ETH": 1.2, "BTC": 1.0, "USDC": 0.0}
    return {g: tuple(int((b * m + random.gauss(0, 0.01)) * 10**9) for m in market) for g, b in series.items()}


def book() -> Snapshot:
    taken = snapshot(
        line("eth-a", "ETH", "5", network="a"), line("eth-b", "ETH", "-1", network="b", protocol="pool"),
        line("usd", "USDC", "20000", network="b"), position("long", "BTC", "0.5", "60000", network="a"),
        position("short", "ETH", "-3", "2000", network="b"), ETH="2000", USDC="1", BTC="60000",
    )  # fmt: skip
    return replace(taken, returns=past())


@settings(max_examples=25, deadline=None)
@given(snapshots(known=True))
def test_contributions_sum_to_the_requirement(taken: Snapshot) -> None:
    """Exactly, at both levels, in every pool. (Property 8.)"""
    for mode in (Mode.CROSS, Mode.ISOLATED):
        for measure in (Measure.INITIAL, Measure.MAINTENANCE):
            for made in allocate(Setting(POLICY, RULES, mode), Trial(taken), measure):
                assert made.residual == 0
                for sums in summary(made).values():
                    assert sum(sums.values()) == made.total


def test_a_debt_that_nets_a_holding_is_a_hedge() -> None:
    """4 ETH are left of 5 and −1: 20 % of 8,000 is shared as 2,000 and −400."""
    (made,) = allocate(SETTING, Trial(book()), Measure.INITIAL)
    shares = {c.part: c.share // SCALE for c in made.contributions}
    assert (shares["eth-a"], shares["eth-b"], shares["usd"]) == (2_000, -400, 0)
    assert shares["long"] == 1_500 and shares["short"] == 600
    assert [c.part for c in made.contributions if c.hedges] == ["eth-b"]
    assert made.total == 3_700 * SCALE
    assert {k: v // SCALE for k, v in summary(made)["network"].items()} == {"a": 3_500, "b": 200}
    assert {k: v // SCALE for k, v in summary(made)["protocol"].items()} == {"": 4_100, "pool": -400}
    assert made.diversification == 2_000 * SCALE + 1_500 * SCALE + 600 * SCALE - made.total


@pytest.mark.parametrize("measure", [Measure.SIGMA, Measure.SHORTFALL])
def test_statistical_contributions_sum_and_do_not_depend_on_the_order(measure: Measure) -> None:
    """Within 1e-9 of the whole; a shuffled book has the same figures; the hedge is below zero. (Property 8.)"""
    taken = book()
    (made,) = allocate(SETTING, Trial(taken), measure, 950_000)
    assert made.total > 0 and abs(made.residual) <= made.total // 10**9
    shares = {c.part: c.share for c in made.contributions}
    assert shares["eth-a"] > 0 > shares["short"]
    other = replace(taken, lines=taken.lines[::-1], positions=taken.positions[::-1])
    (again,) = allocate(SETTING, Trial(other), measure, 950_000)
    assert again.total == made.total
    assert {c.part: (c.share, c.alone) for c in again.contributions} == {
        c.part: (c.share, c.alone) for c in made.contributions
    }


def test_without_a_past_there_is_no_statistic_and_a_reason() -> None:
    """Not a zero that looks like a figure."""
    taken = replace(book(), returns={"ETH": (1, 2, 3)})
    (made,) = allocate(SETTING, Trial(taken), Measure.SIGMA)
    assert made.contributions == () and made.note == "no past returns of BTC, USDC"
    (short,) = allocate(SETTING, Trial(replace(book(), returns=past(1))), Measure.SHORTFALL)
    assert short.note == "fewer than two past returns"


@given(st.integers(0, 10**30), st.lists(st.integers(-(10**24), 10**24), min_size=1, max_size=6))
def test_sharing_is_exact(total: int, weights: list[int]) -> None:
    """Whatever the weights."""
    assert sum(shared(total, weights)) == total


def test_efficiency_by_hand() -> None:
    """ETH of two networks nets in one pool only; each network by itself holds or lacks its own."""
    taken = snapshot(
        line("eth-a", "ETH", "5", network="a"), line("usd-a", "USDC", "-7500", network="a"),
        line("usd-b", "USDC", "4000", network="b"), line("eth-b", "ETH", "-1", network="b"), ETH="2000", USDC="1",
    )  # fmt: skip
    made = efficiency(SETTING, Trial(taken))
    assert made is not None
    # Alone: 20 % of 10,000; a debt of full weight requires nothing. Together: 20 % of 8,000; USDC nets to −3,500.
    assert (made.alone, made.together) == (2_000 * SCALE, 1_600 * SCALE)
    assert made.ratio is not None and made.ratio.shown() == "1.25"
    places = by_name(made.networks)
    assert [(n, places[n].equity // SCALE, places[n].initial // SCALE) for n in ("a", "b")] == [
        ("a", 2_500, 2_000), ("b", 2_000, 0),
    ]  # fmt: skip
    assert made.saved_by_networks == 0 and made.idle == (4_500 - 1_600) * SCALE


def poor() -> Snapshot:
    return snapshot(
        line("eth-a", "ETH", "5", network="a"), line("usd-a", "USDC", "-9000", network="a"),
        line("usd-b", "USDC", "4000", network="b"), ETH="2000", USDC="1",
    )  # fmt: skip


def test_latency_takes_back_what_cannot_be_moved_in_time() -> None:
    """Network a lacks 1,000 of its IM, b has 4,000: without a route nothing of that counts."""
    alone = efficiency(SETTING, Trial(poor()))
    assert alone is not None
    assert (alone.lacking_apart, alone.lacking_pooled) == (1_000 * SCALE, 0)
    assert alone.taken_back == 1_000 * SCALE == alone.transfers.unmet["a"]
    route = Route("b", "a", Usd(10_000 * SCALE), cost=1_000, latency=600, bridge="span")
    open_ = efficiency(SETTING, Trial(replace(poor(), routes=(route,))))
    assert open_ is not None and open_.transfers.feasible
    (sent,) = open_.transfers.transfers
    assert 1_000 * SCALE <= sent.counted <= 1_001 * SCALE and open_.taken_back == open_.transfers.cost
    for late in (replace(route, latency=3_601), replace(route, open=False), replace(route, start="c")):
        shut = efficiency(SETTING, Trial(replace(poor(), routes=(late,))))
        assert shut is not None and shut.taken_back == 1_000 * SCALE
    narrow = efficiency(SETTING, Trial(replace(poor(), routes=(replace(route, capacity=Usd(500 * SCALE)),))))
    assert narrow is not None and 500 * SCALE <= narrow.transfers.unmet["a"] <= 502 * SCALE


def test_a_lock_haircut_compounds_cost_and_move() -> None:
    """`1 − (1 − cost)(1 − z·σ·√L)`, rounded up."""
    route = Route("b", "a", Usd(1), cost=10_000, latency=31_536_000)
    assert lock_haircut(route, 100_000, PPM) == PPM - 990_000 * 900_000 // PPM
    assert lock_haircut(replace(route, open=False), 0, 0) == PPM
    assert plan_transfers({}, {"a": 5}, (), volatility=0, z=0, horizon=1).feasible


@settings(max_examples=20, deadline=None)
@given(snapshots(known=True))
def test_pooling_never_needs_more_than_standing_alone(taken: Snapshot) -> None:
    """CE is at least 1, and a ratio without a denominator is None."""
    made = efficiency(Setting(POLICY, RULES), Trial(taken))
    if made is not None:
        assert made.alone >= made.together
        assert (made.ratio is None) == (made.together == 0)


def test_routes_join_two_networks() -> None:
    """A route to itself is refused where it is made."""
    with pytest.raises(BadInput, match="two networks"):
        Route("a", "a", Usd(1))


def test_scenarios_are_allocated_by_what_each_position_adds_to_the_worst_one() -> None:
    """A short against a larger long is a hedge: it lowers what the pool needs, and the sum is exact."""
    taken = snapshot(
        line("usd", "USDC", "50000"), position("long", "ETH", "10", "2000", counts_gain=True),
        position("short", "ETH", "-4", "2000", counts_gain=True), position("btc", "BTC", "0.5", "60000", counts_gain=True),
        ETH="2000", USDC="1", BTC="60000",
    )  # fmt: skip
    dear = flat_market(800_000, 600_000)  # so that the scenarios, not the rules, are what is required
    setting = Setting(policy(), MarginRules(markets={"ETH": dear, "BTC": dear}), Mode.PORTFOLIO)
    for measure in (Measure.INITIAL, Measure.MAINTENANCE):
        (made,) = allocate(setting, Trial(taken), measure)
        shares = {c.part: c.share for c in made.contributions}
        assert made.residual == 0 and made.total > 0
        assert shares["long"] > 0 > shares["short"] and shares["btc"] > 0
        assert [c.part for c in made.contributions if c.hedges] == ["short"]
        assert (made.diversification or 0) > 0
