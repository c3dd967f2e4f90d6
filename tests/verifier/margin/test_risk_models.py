"""Properties of the numerical models, and what they refuse."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.verifier.margin.test_properties import POLICY, RULES, snapshots
from verifier.errors import BadInput
from verifier.margin.fixed import SCALE
from verifier.margin.models import clearing, covariance, impact, programme, simulate, spiral, tail
from verifier.margin.models.money import gain_of, loss_of, usd_float
from verifier.margin.models.portfolio_risk import expected_shortfall_shares, sigma_shares, simulated_risk
from verifier.margin.modes import Mode
from verifier.margin.report import weigh_pools
from verifier.margin.snapshot import Snapshot
from verifier.margin.trial import Scales, Setting, Trial

reals = st.floats(-1e6, 1e6, allow_nan=False)


@given(st.floats(-1e14, 1e14, allow_nan=False))
def test_money_leaves_the_models_against_the_account(usd: float) -> None:
    """A loss never below what it was, a gain never above, and both within the slack."""
    exact = Fraction(usd) * SCALE
    assert loss_of(usd) >= exact >= gain_of(usd)
    assert loss_of(usd) - gain_of(usd) <= 2 + abs(exact) * 2 // 10**12 + 1


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), -float("inf"), 1e16])
def test_what_is_no_number_is_no_money(wrong: float) -> None:
    """Nothing that is not finite, or beyond any amount, passes."""
    for border in (loss_of, gain_of):
        with pytest.raises(BadInput, match="model"):
            border(wrong)
    assert usd_float(SCALE) == 1.0


@given(st.lists(reals, min_size=1, max_size=40), st.sampled_from([0.5, 0.8, 0.85, 0.9, 0.975, 0.99]))
def test_a_shortfall_is_never_below_its_quantile(losses: list[float], level: float) -> None:
    """ES ≥ VaR; weights of the tail sum to one and give ES back. (Property 8.)"""
    found = tail.empirical_tail(losses, level)
    assert found.expected_shortfall >= found.value_at_risk
    weights = tail.tail_weights(losses, level)
    assert abs(float(weights.sum()) - 1) < 1e-9
    assert abs(float(weights @ np.array(losses)) - found.expected_shortfall) <= 1e-6 * max(
        1, abs(found.expected_shortfall)
    )
    shuffled = losses[::-1]
    assert tail.empirical_tail(shuffled, level) == found


@given(st.lists(st.tuples(reals, reals), min_size=1, max_size=30))
def test_a_shortfall_is_subadditive(pairs: list[tuple[float, float]]) -> None:
    """Together never worse than apart: coherent."""
    one, two = zip(*pairs, strict=True)
    both = [a + b for a, b in pairs]
    parts = [tail.empirical_tail(x, 0.9).expected_shortfall for x in (one, two, both)]
    assert parts[2] <= parts[0] + parts[1] + 1e-6 * (1 + abs(parts[0]) + abs(parts[1]))


def test_kupiec_knows_a_good_margin_from_a_bad_one() -> None:
    """2 of 250 at 99 % is well, 9 is not, and none of 1,000 is too much margin; runs are noticed."""
    assert tail.kupiec(250, 2, 0.99).passes
    assert not tail.kupiec(250, 9, 0.99).passes
    assert not tail.kupiec(1_000, 0, 0.99).passes
    held = [1.0] * 100
    spread = [2.0 if n % 20 == 0 else 0.0 for n in range(100)]
    clustered = [2.0 if n < 5 else 0.0 for n in range(100)]
    assert tail.backtest(spread, held, 0.95).passes
    assert not tail.backtest(clustered, held, 0.95).passes
    for wrong in ((10, 11), (0, 0)):
        with pytest.raises(BadInput, match="exceptions"):
            tail.kupiec(*wrong, 0.99)
    with pytest.raises(BadInput, match="level"):
        tail.empirical_tail([1.0], 1.0)
    with pytest.raises(BadInput, match="margins"):
        tail.backtest([1.0], [1.0, 2.0], 0.9)


def test_a_broken_covariance_is_repaired_and_a_good_one_left() -> None:
    """No eigenvalue below zero, the diagonal as it was."""
    broken = np.array([[1.0, 0.9, -0.9], [0.9, 1.0, 0.9], [-0.9, 0.9, 1.0]])
    fixed = covariance.repaired(broken)
    assert np.linalg.eigvalsh(fixed).min() > -1e-12 and np.allclose(np.diag(fixed), 1)
    good = np.diag([1.0, 2.0])
    assert (covariance.repaired(good) == good).all()
    with pytest.raises(BadInput, match="finite"):
        covariance.matrix([[1.0, float("nan")], [0.0, 1.0]])
    with pytest.raises(BadInput, match="one length"):
        covariance.matrix([[1.0], [1.0, 2.0]])
    with pytest.raises(BadInput, match="above zero"):
        covariance.log_returns([[1.0], [0.0]])


def test_ewma_forgets_and_log_returns_add_up() -> None:
    """The newest move weighs 6 %."""
    moves = covariance.log_returns([[1.0], [2.0], [4.0]])
    assert np.allclose(moves, np.log(2))
    quiet = [[0.0]] * 100 + [[1.0]]
    assert abs(float(covariance.ewma(quiet)[0, 0]) - 0.06) < 1e-12


@given(st.floats(0, 1e9), st.floats(0, 1e9))
def test_every_impact_is_monotone_and_below_one(small: float, more: float) -> None:
    """More sold never leaves a higher mark, and the average lies between the marks."""
    models: list[impact.Impact] = [
        impact.NoImpact(), impact.SquareRoot(0.03, 1e7), impact.Linear(1e-8, 1e-9), impact.ConstantProduct(1e6, 0.003),
        impact.Book(((1.0, 10.0), (0.9, 100.0), (0.5, 1e4))), impact.Imbalance(2, 1e-8),
    ]  # fmt: skip
    for model in models:
        assert 0 <= model.move(small, 1.0) <= model.move(small + more, 1.0) < 1
        assert 0 <= model.average(small, 1.0) <= 1


def test_impacts_refuse_what_they_cannot_be() -> None:
    """Volumes of nothing, books that rise, charges that shrink."""
    for make in (
        lambda: impact.SquareRoot(0.1, 0.0),
        lambda: impact.Linear(-1.0),
        lambda: impact.ConstantProduct(1.0, 1.0),
        lambda: impact.Book(((1.0, 1.0), (2.0, 1.0))),
        lambda: impact.Imbalance(0.5, 1.0),
    ):
        with pytest.raises(BadInput):
            make()
    capped = impact.Imbalance(2, 1.0, cap=10.0)
    assert capped.change(0, 100) == -10 and capped.change(100, 0) == 10_000


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 6), st.integers(0, 10**6))
def test_clearing_conserves_money(count: int, seed: int) -> None:
    """Nobody pays more than it has or owes, and who pays less than it owes keeps nothing."""
    random = Random(seed)
    owed = [[0.0 if i == j else float(random.randint(0, 20)) for j in range(count)] for i in range(count)]
    cash = [float(random.randint(0, 15)) for _ in range(count)]
    found = clearing.clear(owed, cash)
    totals = [sum(row) for row in owed]
    for n in range(count):
        received = sum(found.payments[i] * owed[i][n] / totals[i] for i in range(count) if totals[i])
        has = cash[n] + received
        assert -1e-9 <= found.payments[n] <= min(totals[n], has) + 1e-6
        if n in found.fallen:
            assert abs(found.payments[n] - has) < 1e-6
        else:
            assert abs(found.payments[n] - totals[n]) < 1e-6


def test_clearing_refuses_claims_on_oneself() -> None:
    """And what is no square, or below zero."""
    for owed, cash in (([[1.0]], [1.0]), ([[0.0, 1.0]], [1.0]), ([[0.0, -1.0], [0.0, 0.0]], [1.0, 1.0])):
        with pytest.raises(BadInput, match="liabilities"):
            clearing.clear(owed, cash)


@given(st.lists(st.tuples(st.floats(1, 100), st.floats(0, 50)), max_size=6), st.floats(0, 0.5), st.floats(0, 0.005))
def test_a_ladder_ends_where_no_rung_is_left_to_sell(
    ladder: list[tuple[float, float]], shock: float, per: float
) -> None:
    """A fixed point, in at most a round for each rung, whatever their order. (Property 7.)"""
    found = spiral.ladder_spiral(100.0, shock, per, ladder)
    left = [rung for n, rung in enumerate(ladder) if n not in found.triggered]
    assert not any(found.final_price < threshold for threshold, _ in left)
    assert found.rounds <= len(ladder)
    again = spiral.ladder_spiral(100.0, shock, per, ladder[::-1])
    assert abs(again.final_price - found.final_price) < 1e-9
    assert spiral.ladder_spiral(100.0, min(shock + 0.1, 1.0), per, ladder).final_price <= found.final_price + 1e-9


def test_a_runaway_is_a_result() -> None:
    """A loop with a gain above one does not settle; below one it does, at 1/(1 − gain)."""
    assert not spiral.least_fixed_point(lambda q: [1 + 1.1 * q[0]], 1, rounds=50).settled
    found = spiral.least_fixed_point(lambda q: [1 + 0.5 * q[0]], 1)
    assert found.settled and abs(found.sold[0] - 2) < 1e-6
    assert spiral.spectral_radius([[0.5, 0.2], [0.1, 0.4]]) == pytest.approx(0.6)


def test_draws_come_from_the_seed_alone() -> None:
    """The same seed, the same bytes; antithetic pairs cancel; the covariance is met."""
    wanted = np.array([[4e-4, 1e-4], [1e-4, 9e-4]])
    one = simulate.student_t(wanted, degrees=6, paths=40_000, seed=5)
    again = simulate.student_t(wanted, degrees=6, paths=40_000, seed=5)
    other = simulate.student_t(wanted, degrees=6, paths=40_000, seed=6)
    assert one.returns.tobytes() == again.returns.tobytes() != other.returns.tobytes()
    assert abs(float(one.returns.sum())) < 1e-9
    assert np.allclose(np.cov(one.returns.T), wanted, rtol=0.1, atol=2e-5)
    for degrees, paths in ((2, 10), (5, 3), (5, 0)):
        with pytest.raises(BadInput, match="degrees"):
            simulate.student_t(wanted, degrees=degrees, paths=paths, seed=1)


def test_filtered_moves_have_the_volatility_of_now() -> None:
    """A quiet past before a loud present is scaled up."""
    random = Random(2)
    past = [[random.gauss(0, 0.01)] for _ in range(200)] + [[random.gauss(0, 0.05)] for _ in range(100)]
    plain, filtered = simulate.historical(np.array(past)), simulate.historical(np.array(past), filtered=True)
    assert float(filtered.returns[:150].std()) > 2 * float(plain.returns[:150].std())
    assert simulate.worst_window(np.array(past), np.array([1.0]), 50)[0] >= 150
    assert simulate.stressed_floor(1.0, 8.0) == 2.0
    longer = simulate.historical(np.array(past), horizon=4.0)
    assert np.allclose(longer.returns, 2 * plain.returns)


def test_programmes_say_when_nothing_is_feasible() -> None:
    """The cheaper action first, and None where all of them are too little."""
    found = programme.cheapest([1.0, 3.0], [[1.0, 1.0]], [1.5], [1.0, 1.0])
    assert found is not None and found.amounts == pytest.approx((1.0, 0.5)) and found.cost == pytest.approx(2.5)
    assert programme.cheapest([1.0], [[1.0]], [2.0], [1.0]) is None
    assert programme.transfers([1.0, 0.0], [0.0, 5.0], []) is None
    moved = programme.transfers([1.0, 0.0], [0.0, 5.0], [(1, 0, 10.0, 0.5)])
    assert moved is not None and moved.amounts == pytest.approx((2.0,))
    hedge = programme.least_shortfall([[1.0, -1.0], [-1.0, 1.0], [2.0, -2.0]], 0.9, [1.0, 0.0], [1.0, 5.0])
    assert hedge is not None and hedge.amounts == pytest.approx((1.0, 1.0))


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 5), st.integers(0, 10**6))
def test_euler_shares_sum_to_the_whole(count: int, seed: int) -> None:
    """σ and ES, within 1e-9; doubling the book doubles them. (Properties 8 and 10.)"""
    random = Random(seed)
    columns = [[int(random.gauss(0, 0.03) * 10**9) for _ in range(60)] for _ in range(count)]
    money = [random.randint(-(10**6), 10**6) * SCALE for _ in range(count)]
    for made, twice in (
        (sigma_shares(money, columns), sigma_shares([2 * m for m in money], columns)),
        (
            expected_shortfall_shares(money, columns, 950_000),
            expected_shortfall_shares([2 * m for m in money], columns, 950_000),
        ),
    ):
        slack = sum(abs(m) for m in money) // 10**9 + count + 1
        assert abs(sum(made.shares) - made.total) <= slack
        assert abs(twice.total - 2 * made.total) <= slack
        assert sum(made.alone) + slack >= made.total


def test_simulated_risk_says_its_seed_and_its_error() -> None:
    """And agrees with the normal tail within a few errors, fat tails aside."""
    random = Random(4)
    column = [int(random.gauss(0, 0.02) * 10**9) for _ in range(500)]
    found = simulated_risk([1_000 * SCALE], [column], 990_000, seed=9)
    assert found.seed == 9 and 0 < found.error < found.shortfall // 10
    assert 40 * SCALE < found.value_at_risk < found.shortfall < 120 * SCALE


@settings(max_examples=60, deadline=None)
@given(snapshots(), st.sampled_from(list(Mode)))
def test_trials_weigh_as_reports_do(taken: Snapshot, mode: Mode) -> None:
    """Part by part or as a whole, the same figures as the account's own report; twice from one scales as well."""
    scales = Scales(Setting(POLICY, RULES, mode))
    for trial in (Trial(taken), Trial(replace(taken, lines=taken.lines[::-1])), Trial(taken)):
        made = {p.name: p for p in weigh_pools(trial.snapshot, POLICY, RULES, mode)}
        for pool in scales.weigh(trial):
            report = made[pool.name]
            assert (pool.low, pool.high) == (report.known_low, report.known_high)
            assert (pool.low_known, pool.high_known) == (report.low_known, report.high_known)
            assert pool.status(RULES.ladder) is report.status
