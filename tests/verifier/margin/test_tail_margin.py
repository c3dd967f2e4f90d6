"""A margin from tail risk: over a horizon, at the volatility of now, and never under what stress has shown."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.verifier.margin.build import line, policy, snapshot
from verifier.errors import BadInput
from verifier.margin.fixed import usd
from verifier.margin.models.portfolio_risk import filtered_risk, floor_of, moves_over, stressed_shortfall
from verifier.margin.tail_risk import MOST_MOMENTS, TailRisk, tail_risk
from verifier.margin.trial import Scales, Setting, Trial

SCALES = Scales(Setting(policy()))
DAY = 86_400


def draws(count: int, spread: float, seed: int = 1) -> list[int]:
    random = Random(seed)
    return [round(random.gauss(0, spread) * 10**9) for _ in range(count)]


def risk(moves: list[int], horizon: int | None = None) -> TailRisk:
    """Of ten ETH at 3,000."""
    taken = replace(snapshot(line("e", "ETH", "10"), ETH="3000"), returns={"ETH": tuple(moves)})
    return tail_risk(SCALES, Trial(taken), "", horizon=horizon)


def shortfalls(found: TailRisk) -> tuple[int, int, int]:
    assert found.historical is not None and found.filtered is not None and found.simulated is not None
    return found.historical.shortfall, found.filtered.shortfall, found.simulated.shortfall


def test_four_steps_are_twice_a_step() -> None:
    """By the square root: exact in the moves, and nearly so in a loss; a step of its own changes no move."""
    moves = draws(300, 0.01)
    assert moves_over([moves], (4 * DAY, DAY)) == [tuple(2 * move for move in moves)]
    assert moves_over([moves], (DAY, DAY)) == [tuple(moves)]
    one, four = risk(moves), risk(moves, 4 * DAY)
    assert (one.horizon, four.horizon) == (DAY, 4 * DAY)
    for less, more in zip(shortfalls(one), shortfalls(four), strict=True):
        assert 1.9 * less < more < 2 * less
    with pytest.raises(BadInput, match="horizon"):
        risk(moves, 0)


def test_moves_of_a_wild_past_count_less_in_a_calm_present_and_more_the_other_way_round() -> None:
    """Two hundred moves of 4 % and two hundred of 1 %, in either order."""
    wild, calm = draws(200, 0.04), draws(200, 0.01, seed=2)
    past, filtered, _ = shortfalls(risk(wild + calm))
    assert filtered < past / 2
    past, filtered, _ = shortfalls(risk(calm + wild))
    assert filtered > past
    assert filtered_risk([usd("1")], [calm], 990_000).observations == 200


def test_what_stress_has_shown_never_drops_out() -> None:
    """A crash older than what is repriced: a quarter of it stands; without it, what is recent does."""
    crash, calm = draws(60, 0.2), draws(MOST_MOMENTS, 0.001, seed=2)
    after, never = risk(crash + calm), risk(calm)
    assert max(shortfalls(after)) < after.floor == after.required
    assert after.stressed is not None and after.floor == floor_of(after.stressed)
    assert after.stressed / 4 <= after.floor <= after.stressed / 4 * 1.000001
    assert never.required == max(shortfalls(never)) > never.floor
    assert risk(crash[:60]).stressed is None and risk(crash[:60]).floor == 0


def test_a_book_that_gains_in_stress_has_no_stressed_loss() -> None:
    """Every move of the worst stretch is a gain."""
    assert stressed_shortfall([usd("1")], [[10**7] * 100], 990_000) == 0


@given(st.lists(st.integers(-(10**8), 10**8), min_size=2, max_size=120), st.integers(1, 30 * DAY))
@settings(max_examples=25, deadline=None)
def test_a_margin_is_at_least_every_shortfall_it_rests_on(moves: list[int], horizon: int) -> None:
    """And at least nothing."""
    found = risk(moves, horizon)
    assert found.required is not None
    assert found.required >= max(0, *shortfalls(found), found.floor)


def test_an_asset_that_takes_longer_to_close_has_its_own_time() -> None:
    """Its moves alone are scaled: of all that is at risk it is the same as one time for all, of none it changes nothing."""
    taken = replace(snapshot(line("e", "ETH", "10"), ETH="3000"), returns={"ETH": tuple(draws(100, 0.02))})
    trial = Trial(taken)
    one, all_of_it = tail_risk(SCALES, trial, ""), tail_risk(SCALES, trial, "", horizon=4 * DAY)
    own = tail_risk(SCALES, trial, "", horizons={"ETH": 4 * DAY})
    assert (
        (own.historical, own.simulated)
        == (all_of_it.historical, all_of_it.simulated)
        != (one.historical, one.simulated)
    )
    assert (own.horizon, dict(own.horizons)) == (DAY, {"ETH": 4 * DAY})
    other = tail_risk(SCALES, trial, "", horizons={"BTC": 4 * DAY})
    assert (other.historical, dict(other.horizons)) == (one.historical, {})
