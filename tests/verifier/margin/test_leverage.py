"""Joint moves, limits of exposure, the cheapest way down, and hedges."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings

from tests.verifier.margin.build import line, policy, position, snapshot
from tests.verifier.margin.test_allocation import past
from tests.verifier.margin.test_liquidation import MARKETS
from tests.verifier.margin.test_properties import POLICY, RULES, snapshots
from verifier.errors import BadInput
from verifier.margin.fixed import SCALE, Price
from verifier.margin.joint_moves import joint_moves
from verifier.margin.leverage import largest_trade, leverage, scaled
from verifier.margin.liquidation_goal import Goal
from verifier.margin.liquidation_loop import Shock
from verifier.margin.liquidation_steps import Charge, Trading
from verifier.margin.models.hedging import candidates
from verifier.margin.models.joint import betas, distance
from verifier.margin.modes import Mode
from verifier.margin.rules import MarginRules
from verifier.margin.selection import cheapest_way, cures, hedges
from verifier.margin.snapshot import Snapshot
from verifier.margin.trial import Scales, Setting, Trial
from verifier.policy import PPM, Factors, Haircut

SCALES = Scales(Setting(policy(ETH=Factors(Haircut(200_000, 150_000))), MarginRules(markets=MARKETS)))


def account(loan: str = "-4000") -> Trial:
    return Trial(snapshot(line("eth", "ETH", "5"), line("loan", "USDC", loan),
                          position("p", "ETH", "3", "2000", counts_gain=True), ETH="2000", USDC="1"))  # fmt: skip


def test_a_uniform_fall_is_the_single_assets_fall_where_there_is_one_asset() -> None:
    """E − MM = 7.1·P − 150·P/1000 − 4,000 … solved by hand, rounded to the ppm at which it fails."""
    found = joint_moves(SCALES, account(), "", still=frozenset({"USDC"}))
    assert found is not None
    # 5·0.85·P + 3(P − 2000) − 0.05·3·P − 4000 = 7.1·P − 10,000 = 0 at P = 1,408.45…
    assert found.fall == PPM - int(10_000 / 7.1 / 2_000 * PPM) and found.rise is None
    assert found.slopes["ETH"] == 14_200 * SCALE and found.excess == 4_200 * SCALE


def test_the_distance_to_default_is_excess_over_its_deviation() -> None:
    """One asset of 65 % a year: 4,200 of 14,200·σ; without past and volatility there is none, and a reason."""
    rules = MarginRules(markets=MARKETS, volatility={"ETH": 650_000, "USDC": 10_000})
    found = joint_moves(Scales(replace(SCALES.setting, rules=rules)), account(), "")
    assert found is not None and found.distance.deviations is not None
    sigma = (14_200 * 0.65 + 4_000 * 0.01) / 365**0.5
    assert abs(found.distance.deviations / PPM - 4_200 / sigma) < 1e-4
    assert found.distance.moves["ETH"] < 0
    none = joint_moves(SCALES, account(), "")
    assert none is not None and none.distance.deviations is None
    assert none.distance.basis == "no past returns and no volatility of ETH, USDC"


def test_with_a_past_the_distance_knows_the_hedge() -> None:
    """A short of an asset that moves alike puts the account further from failing than its volatilities admit."""
    taken = snapshot(line("btc", "BTC", "1"), position("s", "ETH", "-25", "2000", counts_gain=True),
                     line("c", "USDC", "3000"), BTC="60000", ETH="2000", USDC="1")  # fmt: skip
    rules = MarginRules(markets=MARKETS, volatility={"ETH": 700_000, "BTC": 600_000, "USDC": 1})
    scales = Scales(Setting(policy(BTC=Factors(Haircut(0, 0))), rules))
    seen = joint_moves(scales, Trial(replace(taken, returns=past())), "")
    blind = joint_moves(scales, Trial(taken), "")
    assert seen is not None and blind is not None
    assert (seen.distance.deviations or 0) > (blind.distance.deviations or 0) > 0
    assert seen.factor == "BTC" and seen.factor_fall is None and blind.factor == ""


def test_betas_need_a_factor_that_moved() -> None:
    """Of itself it is one."""
    found = betas(past(), "ETH")
    assert found["ETH"] == PPM and 0 < found["BTC"] < PPM
    for wrong in ({"ETH": (1, 1, 1)}, {}):
        with pytest.raises(BadInput, match="factor"):
            betas(wrong, "ETH")
    assert distance(1, {}, {}, {}, step=1).deviations is None


def test_limits_are_the_largest_that_keep_the_buffer() -> None:
    """One unit more, and E < IM: scale, trade and withdrawal."""
    found = leverage(SCALES, account(), "")
    assert found is not None
    # IM = 20 % of 10,000 and 10 % of the position; E = 6,000.
    assert found.scale == 4_000 * PPM // 600
    grown = scaled(SCALES, account(), "", found.scale)
    assert SCALES.pool(grown, "").low.free >= 0
    assert SCALES.pool(grown, "").low.equity == 6_000 * SCALE
    buy = next(x for x in found.trades if x.name == "buy ETH")
    assert buy.amount == 3_400 * 10**9 // 200
    # Each withdrawn ETH takes 2,000 and frees 400: 3,400 / 1,600.
    assert found.withdrawals[0].amount == 3_400 * SCALE // 1_600
    assert found.leverage is not None and found.leverage.shown() == "1.6666"


def test_an_account_below_its_buffer_can_do_nothing_more() -> None:
    """No scale, no trade, no withdrawal: None, not zero."""
    found = leverage(SCALES, account("-9000"), "")
    assert found is not None and found.scale is None
    assert {x.amount for x in (*found.trades, *found.withdrawals)} == {None}
    assert largest_trade(SCALES, account(), "", "DOGE", 1).amount is None


@settings(max_examples=10, deadline=None)
@given(snapshots(known=True))
def test_no_limit_is_beyond_the_buffer(taken: Snapshot) -> None:
    """Whatever the account: at the reported withdrawal it has its buffer still."""
    scales, trial = Scales(Setting(POLICY, RULES, Mode.CROSS)), Trial(taken)
    found = leverage(scales, trial, "")
    assert found is not None
    for limit in found.withdrawals:
        if limit.amount:
            lines = tuple(
                replace(x, amount=(x.amount or 0) - limit.amount) if x.id == limit.name else x for x in taken.lines
            )
            state = scales.pool(replace(trial, snapshot=replace(taken, lines=lines)), "")
            assert state.low.equity >= state.low.initial


TRADING = Trading(charges={"BTC": Charge(fee=10_000)}, other=Charge(fee=1_000, bonus=20_000))


def strained() -> Trial:
    return Trial(snapshot(line("eth", "ETH", "5"), line("loan", "USDC", "-6900"), position("p", "ETH", "3", "2000"),
                          position("b", "BTC", "0.1", "60000"), ETH="2000", USDC="1", BTC="60000"))  # fmt: skip


def test_every_single_cure_is_just_enough() -> None:
    """A unit less would not do; the least costly comes first."""
    goal = Goal(ratio=PPM)
    found = cures(SCALES, strained(), "", TRADING, goal)
    kinds = [(c.act, c.part) for c in found]
    # E = 3,100 against IM = 2,000 + 600 + 300: nothing lacks. At a loan of 7,300 it lacks 200 + …
    assert kinds == []
    poor = Trial(replace(strained().snapshot, lines=(strained().snapshot.lines[0], line("loan", "USDC", "-7300"))))
    found = cures(SCALES, poor, "", TRADING, goal)
    amounts = {(c.act, c.part): c.amount for c in found}
    assert found[0].act == "deposit" and found[0].cost == 0
    assert amounts["deposit", "USDC"] == 200 * 10**9
    assert amounts["deposit", "ETH"] == 200 * 10**9 // 1_600
    # Closing 1 ETH of the perpetual frees 200 and costs 2; selling one frees 400 and costs 40.
    assert amounts["reduce", "p"] == -(-200 * SCALE // 198)
    assert abs(amounts["sell", "eth"] - 200 * SCALE // 360) < 10**4


def test_the_cheapest_way_is_confirmed_by_the_engine_and_no_dearer_than_the_plan() -> None:
    """In the present and in a scenario; the dearer market is left alone."""
    poor = Trial(replace(strained().snapshot, lines=(strained().snapshot.lines[0], line("loan", "USDC", "-7300"))))
    found = cheapest_way(SCALES, poor, "", TRADING, Goal(ratio=PPM))
    assert found is not None and found.reached
    assert found.after.low.equity >= found.after.low.initial
    assert {s.closure.part for s in found.steps} == {"p"}
    harder = cheapest_way(SCALES, poor, "", TRADING, Goal(ratio=PPM), [Shock({"ETH": 20_000})])
    assert harder is not None and harder.reached and harder.scenarios == 2
    assert harder.cost > found.cost
    assert cheapest_way(SCALES, account(), "", TRADING) is None


def test_hedges_are_ranked_by_what_they_take_off_and_doubted_aloud() -> None:
    """The asset that moves like the book is sold first; a short past warns."""
    taken = replace(account().snapshot, returns=past())
    found = hedges(SCALES, Trial(taken), "")
    assert (found[0].group, found[0].short) == ("ETH", True) and found[0].marginal < 0
    assert found[0].rho > 900_000 and found[0].recommended and found[0].low <= found[0].rho <= found[0].high
    assert found[0].cluster == next(c for c in found if c.group == "BTC").cluster
    quiet = next(c for c in found if c.group == "USDC")
    assert quiet.marginal > found[0].marginal
    assert hedges(SCALES, account(), "") == ()


def test_a_negative_correlation_on_few_observations_is_not_recommended() -> None:
    """Below 60 it is a warning, and so is one that changes its sign."""
    random = Random(1)
    market = [random.gauss(0, 0.02) for _ in range(40)]
    series = {
        "A": tuple(int(m * 10**9) for m in market),
        "B": tuple(int((random.gauss(0, 0.01) - m) * 10**9) for m in market),
    }
    found = {c.group: c for c in candidates(series, {"A": 1_000 * SCALE})}
    assert not found["B"].short and found["B"].warning == "a negative correlation on 40 observations"
    assert not found["B"].recommended and found["A"].recommended


def test_prices_reach_their_least_unit() -> None:
    """A fall of almost everything is still a price."""
    tiny = Trial(snapshot(line("e", "ETH", "1"), ETH="0.000000000000000001"))
    assert tiny.at({"ETH": Price(1)}).price("ETH") == 1
    assert joint_moves(SCALES, tiny, "") is not None
