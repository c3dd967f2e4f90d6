"""A plan carried out over time: by hand, against an even pace, and where it cannot be."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.verifier.margin.build import line, policy, position, snapshot
from verifier.errors import BadInput
from verifier.margin.execution import schedules
from verifier.margin.fixed import usd
from verifier.margin.liquidation import End, plan
from verifier.margin.liquidation_steps import Trading
from verifier.margin.market import Depth
from verifier.margin.models.execution import AVERSION, pace
from verifier.margin.rules import MarginRules, flat_market
from verifier.margin.snapshot import Snapshot
from verifier.margin.trial import Scales, Setting, Trial

DEPTH = Depth(usd("10000000"), 20_000)
SCALES = Scales(Setting(policy(), MarginRules(markets={"ETH": flat_market(100_000, 50_000)})))


def test_an_even_pace_by_hand() -> None:
    """A million in a day, in twelve parts, of ten million a day at 2 %: γX²/2 = 100, and (η − γτ/2)·X² = 1,991.67."""
    found = pace(usd("1000000"), DEPTH, 86_400, aversion=0)
    assert found.left[0] == usd("1000000") and found.left[-1] == 0
    assert abs(found.left[1] - usd("1000000") * 11 // 12) < 10**12
    assert usd("2091.66") < found.cost.expected < usd("2091.67")
    assert usd("10822") < found.cost.deviation < usd("10823")
    assert found.cost == found.even and found.half_life is None


@given(st.integers(0, 10**10), st.integers(0, 10**10), st.integers(60, 30 * 86_400))
def test_more_aversion_sells_sooner_at_a_higher_cost_and_less_risk(one: int, two: int, seconds: int) -> None:
    """Never more left at any time, up to the models' rounding; an even pace is the cheapest of all."""
    calm, wary = (pace(usd("1000000"), DEPTH, seconds, aversion=a) for a in sorted((one, two)))
    slack = usd("0.01")
    assert all(a + slack >= b for a, b in zip(calm.left, wary.left, strict=True))
    assert calm.even.expected <= calm.cost.expected + slack <= wary.cost.expected + 2 * slack
    assert wary.cost.deviation <= calm.cost.deviation + slack
    assert all(a >= b >= 0 for a, b in pairwise(wary.left))


@pytest.mark.parametrize(
    ("seconds", "aversion", "words"), [(0, 0, "a time of at least a second"), (60, -1, "aversion"), (10**8, 0, "eta")]
)
def test_no_time_no_aversion_below_zero_and_no_year(seconds: int, aversion: int, words: str) -> None:
    """Each is refused by what it is; steps so long that permanent impact outweighs them as well."""
    with pytest.raises(BadInput, match=words):
        pace(usd("1"), DEPTH, seconds, aversion=aversion)


def account(size: str, cash: str) -> Snapshot:
    long = position("long", "ETH", size, "3000", counts_gain=True)
    taken = snapshot(line("cash", "USDC", cash), long, ETH="2900", USDC="1")
    return replace(taken, depths={"ETH": DEPTH})


def test_a_plan_is_paced_by_what_it_trades_and_a_healthy_account_by_all_that_is_open() -> None:
    """Ten ETH, 1,000 lost of 2,400, under a requirement of 1,450: a part is sold. With 50,000, nothing is."""
    for cash, end, whole in (("2400", End.RESTORED, False), ("50000", End.HEALTHY, True)):
        trial = Trial(account("10", cash))
        made = plan(SCALES, trial, "", Trading())
        (found,) = schedules(SCALES, made, 3_600)
        assert (made.end, found.group, found.whole) == (end, "ETH", whole)
        traded = sum(step.value for step in made.steps)
        assert found.value == (traded or usd("29000"))
        assert found.pace == pace(found.value, DEPTH, 3_600, aversion=AVERSION)


def test_an_asset_without_a_depth_has_no_pace() -> None:
    """What is to be traded is said, and no more."""
    trial = Trial(replace(account("10", "50000"), depths={}))
    (found,) = schedules(SCALES, plan(SCALES, trial, "", Trading()), 3_600)
    assert (found.value, found.pace) == (usd("29000"), None)
