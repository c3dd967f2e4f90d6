"""The mix of collateral of least expected shortfall: what the programme proposes, the engine confirms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from tests.verifier.margin.build import line, policy, position, snapshot
from verifier.errors import BadInput
from verifier.margin.fixed import usd
from verifier.margin.liquidation_steps import Charge, Trading
from verifier.margin.rebalancing import Mix, least_risk_mix
from verifier.margin.rules import MarginRules, flat_market
from verifier.margin.tail_risk import tail_risk
from verifier.margin.trial import Scales, Setting, Trial
from verifier.policy import Factors, Haircut

RULES = MarginRules(markets={"ETH": flat_market(100_000, 50_000)})
SCALES = Scales(Setting(policy(BTC=Factors(Haircut(0, 0))), RULES))
PRICES = {"ETH": "3000", "BTC": "60000", "USDC": "1"}


def moves(seed: int, scale: float) -> tuple[int, ...]:
    random = Random(seed)
    return tuple(round(random.gauss(0, scale) * 10**9) for _ in range(200))


PAST = {"ETH": moves(1, 0.04), "BTC": moves(2, 0.03), "USDC": moves(3, 0.0001)}


def held(*parts: Any, past: Mapping[str, tuple[int, ...]] = PAST) -> Trial:
    return Trial(replace(snapshot(*parts, **PRICES), returns=past))


def of(found: Mix) -> dict[str, int]:
    return {h.group: h.then for h in found.holdings}


def test_what_moves_least_takes_all_and_the_engine_says_what_that_is_worth() -> None:
    """3,000 of ETH and 6,000 of BTC beside 100 of a stable coin: all into the coin, a shortfall near nothing."""
    trial = held(line("e", "ETH", "1"), line("b", "BTC", "0.1"), line("u", "USDC", "100"))
    found = least_risk_mix(SCALES, trial, "", Trading())
    assert usd("9090") < of(found)["USDC"] <= sum(of(found).values()) <= usd("9100")
    before = tail_risk(SCALES, trial, "").historical
    assert before is not None and before.shortfall == found.shortfall_before
    assert found.shortfall_after is not None and found.shortfall_after < before.shortfall // 100
    assert found.helps and found.after is not None and found.after.low.equity <= usd("9100")


def test_a_position_keeps_its_hedge() -> None:
    """Short one ETH: the ETH that is held stands against it, and the mix holds about as much."""
    short = position("s", "ETH", "-1", "3000", counts_gain=True)
    found = least_risk_mix(SCALES, held(line("e", "ETH", "0.5"), line("u", "USDC", "9000"), short), "", Trading())
    assert usd("2900") < of(found)["ETH"] < usd("3100")
    assert found.helps


def test_no_share_moves_by_more_than_the_turnover() -> None:
    """A tenth of 9,000 of it: from 3,000 of ETH to 2,100, and from 6,000 of the coin to 6,900."""
    trial = held(line("e", "ETH", "1"), line("u", "USDC", "6000"))
    found = least_risk_mix(SCALES, trial, "", Trading(), turnover=100_000)
    assert abs(of(found)["ETH"] - usd("2100")) < usd("0.01") and abs(of(found)["USDC"] - usd("6900")) < usd("0.01")
    for bad in (0, 1_000_001):
        with pytest.raises(BadInput, match="turnover"):
            least_risk_mix(SCALES, trial, "", Trading(), turnover=bad)


def test_a_mix_that_costs_more_than_it_saves_does_not_help() -> None:
    """The same change, with half of what is sold lost to a bonus."""
    trial = held(line("e", "ETH", "1"), line("u", "USDC", "6000"))
    dear = least_risk_mix(SCALES, trial, "", Trading(other=Charge(bonus=500_000)))
    assert dear.cost is not None and dear.cost >= usd("1499") and not dear.helps
    assert least_risk_mix(SCALES, trial, "", Trading()).helps


def test_without_a_past_or_a_second_asset_there_is_no_mix() -> None:
    """The note says which."""
    bare = least_risk_mix(SCALES, held(line("e", "ETH", "1"), line("u", "USDC", "1"), past={}), "", Trading())
    assert bare.note == "no past returns of ETH, USDC" and not bare.holdings
    single = least_risk_mix(SCALES, held(line("e", "ETH", "1")), "", Trading())
    assert single.note == "less than two assets that could be traded for one another"
    owed = held(line("e", "ETH", "1"), line("u", "USDC", "1"), line("d", "BTC", None, liability=True))
    assert least_risk_mix(SCALES, owed, "", Trading()).note == "no low figure"
