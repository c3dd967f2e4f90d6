"""Curves and ledgers by themselves: what the engine weighs, at any price and size, and no curve where it has no figure."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.simulators.minting import AS_OF
from tests.verifier.margin.build import line, position
from tests.verifier.margin.test_properties import POLICY, RULES, lines, positions
from verifier.errors import BadInput
from verifier.margin.curves import (
    EMPTY,
    NO_NEEDS,
    Low,
    brackets,
    line_curve,
    low_of,
    perp_curve,
    plus,
    swapped,
    weigh_net,
    with_needs,
)
from verifier.margin.fixed import MAX_PRICE, MAX_USD, SCALE, Price, Usd
from verifier.margin.group_curve import Parts, group_curve
from verifier.margin.haircut import PriceView, view_price
from verifier.margin.instruments import InversePerp, Option
from verifier.margin.ledger_desk import Entry, Ranking
from verifier.margin.lines import value_line
from verifier.margin.liquidation_desk import Candidate, Rank
from verifier.margin.liquidation_goal import Goal
from verifier.margin.liquidation_steps import Act
from verifier.margin.positions import weigh_position
from verifier.margin.requirements import market_requirement
from verifier.margin.requirements import weigh_net as engine_net
from verifier.margin.rules import PriceRules
from verifier.margin.snapshot import Line, Position, Quote
from verifier.policy import Factors, Haircut
from verifier.primitives import MAX_UINT256, Timestamp

prices = st.integers(1, 10**6 * SCALE)
ages = st.sampled_from([0, 60, 5_000, 20_000, 200_000])
sizes = st.integers(-(10**21), 10**21)
DOUBTING = replace(RULES, prices=PriceRules(confidence_threshold=600_000))


def viewed(group: str, price: int, age: int, stable: int | None = None, confidence: int = 1_000_000) -> PriceView:
    quote = Quote(Price(price), Timestamp(AS_OF - age), "", None if stable is None else Price(stable), confidence)
    return view_price(group, quote, AS_OF, DOUBTING)


@given(positions("p"), prices, prices, sizes, ages, st.sampled_from([1_000_000, 600_000, 300_000]), st.booleans())
def test_a_perpetual_needs_what_the_engine_asks(
    held: Position, first: int, price: int, size: int, age: int, confidence: int, coin: bool
) -> None:
    """At any price up to the top, and at any size up to its own; where there is no low figure there is no curve."""
    if coin:
        held = replace(held, terms=InversePerp(Price(100 * SCALE)), entry=Price(max(1, held.entry)))
    tiers = brackets(DOUBTING.market(held.group))
    curve = perp_curve(held, viewed(held.group, first, age, None, confidence), DOUBTING, tiers)
    view = viewed(held.group, price, age, None, confidence)
    engine = weigh_position(held, view, DOUBTING)
    if curve is None or price > curve.top:
        assert not engine.low_known or price * abs(held.size) > MAX_USD
        return
    assert engine.low_known
    assert curve.at(price, held.size) == (engine.low.equity, engine.low.initial, engine.low.maintenance)
    part = size if abs(size) <= abs(held.size) else held.size // 3
    less = weigh_position(replace(held, size=part), view, DOUBTING).low
    assert curve.at(price, part) == (less.equity, less.initial, less.maintenance)


@given(lines(), prices, st.none() | prices, ages)
def test_a_line_counts_what_the_engine_counts(held: Line, price: int, stable: int | None, age: int) -> None:
    """Holdings and debts, known and not, with a slow average beside the price."""
    view = viewed(held.group, price, age, stable)
    engine, curve = value_line(held, view, POLICY, RULES), line_curve(held, view, POLICY, RULES)
    if curve is None or price > curve.top:
        assert not engine.low_known or engine.reasons
        return
    assert engine.low_known
    assert curve.at(price, held.amount or 0) == (engine.known_low, engine.known_low_initial)


@given(st.integers(-(10**40), 10**40), st.integers(-(10**40), 10**40))
def test_a_net_balance_weighs_what_the_engine_weighs(net: int, initial: int) -> None:
    factors = Factors(Haircut(200_001, 150_001), 1_200_001, 1_100_001)
    assert weigh_net(net, initial, factors) == low_of(engine_net(net, initial, factors))


@given(st.integers(0, 10**24))
def test_brackets_ask_what_tiers_ask(notional: int) -> None:
    """On either side of a tier's bound, and on it."""
    market = RULES.market("ETH")
    for amount in (notional, market.tiers[1].above - 1, market.tiers[1].above, market.tiers[1].above + 1):
        found = next(tier for tier in brackets(market) if amount > tier.above)
        initial = -((found.initial_allowance - amount * found.initial) // 1_000_000)
        maintenance = -((found.maintenance_allowance - amount * found.maintenance) // 1_000_000)
        assert (initial, maintenance) == market_requirement(market, Usd(amount))


FRESH = viewed("ETH", 2_000 * SCALE, 0)
TIERS = brackets(RULES.market("ETH"))


def perp(**changes: object) -> Position:
    return replace(position("p", "ETH", "10", "2000"), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("held", "view"),
    [
        (perp(terms=Option(Price(SCALE), AS_OF, call=True)), FRESH),
        (perp(), PriceView(None)),
        (perp(), viewed("SOL", SCALE, 20_000)),
        (perp(size=MAX_UINT256 + 1, decimals=77), FRESH),
        (perp(entry=Price(-1)), FRESH),
        (perp(entry=Price(MAX_USD + 1), size=10**18), FRESH),
        (perp(terms=InversePerp(Price(SCALE)), size=10**34), FRESH),
    ],
    ids=["option", "no-price", "stale", "size", "entry", "profit-beyond", "notional-beyond"],
)
def test_what_has_no_low_figure_or_is_an_option_has_no_curve(held: Position, view: PriceView) -> None:
    """One change to a perpetual that has one."""
    assert perp_curve(perp(), FRESH, RULES, TIERS) is not None
    assert perp_curve(held, view, RULES, TIERS) is None


def test_a_curve_ends_where_a_value_could_no_longer_be_true() -> None:
    """At the top the engine still weighs; one unit above it does not."""
    held = perp(size=7 * 10**20)
    curve = perp_curve(held, FRESH, RULES, TIERS)
    assert curve is not None
    top = MAX_USD * 10**18 // held.size
    assert curve.top == top
    assert weigh_position(held, viewed("ETH", top, 0), RULES).low_known
    assert not weigh_position(held, viewed("ETH", top + 1, 0), RULES).low_known
    assert (
        curve.reaches(top, held.size)
        and not curve.reaches(top, held.size + 1)
        and not curve.reaches(top + 1, held.size)
    )
    assert perp_curve(perp(size=0), PriceView(None), RULES, TIERS).top == MAX_PRICE  # type: ignore[union-attr]


def test_a_debt_without_a_bound_has_no_curve_and_a_holding_without_a_price_counts_nothing() -> None:
    owed = line("d", "ETH", "-5")
    assert line_curve(owed, FRESH, POLICY, RULES) is not None
    assert line_curve(owed, PriceView(None), POLICY, RULES) is None
    assert line_curve(replace(owed, amount=None), FRESH, POLICY, RULES) is None
    assert line_curve(replace(owed, amount=-(MAX_UINT256 + 1), decimals=77), FRESH, POLICY, RULES) is None
    assert line_curve(owed, viewed("ETH", SCALE, 0, MAX_USD), POLICY, RULES) is None
    nothing = line_curve(line("h", "ETH", "5"), PriceView(None), POLICY, RULES)
    assert nothing is not None and nothing.at(10**30, 5 * SCALE) == (0, 0) and not nothing.debt


@pytest.mark.parametrize(
    ("held", "price"),
    [
        (perp(size=MAX_UINT256, decimals=77), 2_000 * SCALE),
        (perp(entry=Price(0)), 2_000 * SCALE),
        (perp(terms=InversePerp(Price(SCALE)), size=MAX_USD, entry=Price(SCALE)), SCALE),
        (perp(size=10**18, entry=Price(MAX_USD)), MAX_USD),
    ],
    ids=["size", "entry", "notional", "profit"],
)
def test_the_last_that_has_a_figure_has_a_curve(held: Position, price: int) -> None:
    """On each bound, which the engine still weighs."""
    view = viewed("ETH", price, 0)
    curve, engine = perp_curve(held, view, RULES, TIERS), weigh_position(held, view, RULES)
    assert curve is not None and engine.low_known and curve.top >= price
    assert curve.at(price, held.size) == (engine.low.equity, engine.low.initial, engine.low.maintenance)


def test_a_line_on_its_bounds_has_a_curve() -> None:
    """The largest amount; a slow average as high as the debt can be weighed at; no debt at all, without a price."""
    largest = replace(line("d", "ETH", "-5"), amount=-MAX_UINT256, decimals=77)
    assert line_curve(largest, FRESH, POLICY, RULES) is not None
    owed = line("d", "ETH", "-5")
    plain = line_curve(owed, FRESH, POLICY, RULES)
    assert plain is not None and plain.top == MAX_USD * 10**18 * 10**12 // (5 * SCALE * 10**12)
    assert line_curve(owed, viewed("ETH", SCALE, 0, plain.top), POLICY, RULES) is not None
    assert line_curve(owed, viewed("ETH", SCALE, 0, plain.top + 1), POLICY, RULES) is None
    nothing = line_curve(replace(owed, amount=0), PriceView(None), POLICY, RULES)
    assert nothing is not None and nothing.top == MAX_PRICE
    assert line_curve(replace(line("h", "ETH", "5"), amount=0), FRESH, POLICY, RULES).top == MAX_PRICE  # type: ignore[union-attr]


def test_an_old_price_marks_a_debt_up_and_leaves_a_holding_nothing() -> None:
    """Young enough to mark burdens, too old to value holdings; beyond that a debt has no curve either."""
    old, gone = viewed("ETH", 2_000 * SCALE, 20_000), viewed("ETH", 2_000 * SCALE, 200_000)
    holding, debt = line("h", "ETH", "5"), line("d", "ETH", "-5")
    kept, owed = line_curve(holding, old, POLICY, RULES), line_curve(debt, old, POLICY, RULES)
    assert kept is not None and kept.at(2_000 * SCALE, 5 * SCALE) == (0, 0)
    assert owed is not None and owed.at(2_000 * SCALE, -5 * SCALE)[0] < -10_000 * SCALE
    assert line_curve(debt, gone, POLICY, RULES) is None
    assert line_curve(replace(holding, amount=None), old, POLICY, RULES) is not None
    assert perp_curve(perp(), old, RULES, TIERS) is not None and perp_curve(perp(), gone, RULES, TIERS) is None


def test_one_part_without_a_curve_leaves_its_group_without_one() -> None:
    parts = Parts("ETH", [line("h", "ETH", "5")], [perp()], (), AS_OF, FRESH)
    made = group_curve(parts, POLICY, RULES, TIERS)
    assert made is not None and made.top == min(made.lines[0].top, made.perps[0].top)
    unknown = replace(parts, lines=[replace(parts.lines[0], amount=None, liability=True)], positions=())
    assert group_curve(unknown, POLICY, RULES, TIERS) is None
    option = replace(parts, positions=[perp(terms=Option(Price(SCALE), AS_OF, call=True))])
    assert group_curve(option, POLICY, RULES, TIERS) is not None
    assert group_curve(replace(option, lines=(), view=PriceView(None)), POLICY, RULES, TIERS) is None


lows = st.tuples(*[st.integers(-(10**30), 10**30)] * 7)
needs = st.tuples(*[st.integers(-(10**30), 10**30)] * 3)


@given(lows, lows, lows, needs, needs)
def test_sums_are_taken_figure_by_figure(total: Low, one: Low, two: Low, had: tuple, asks: tuple) -> None:
    assert plus(one, two) == tuple(a + b for a, b in zip(one, two, strict=True))
    assert swapped(total, one, two) == tuple(t - a + b for t, a, b in zip(total, one, two, strict=True))
    assert with_needs(total, asks, had) == tuple(
        t + a - h for t, a, h in zip(total, (*asks, 0, 0, 0, 0), (*had, 0, 0, 0, 0), strict=True)
    )
    assert with_needs(EMPTY, NO_NEEDS) == EMPTY


slices = st.tuples(st.integers(-50, 50), *[st.integers(-400, 400)] * 6)
states = st.tuples(*[st.integers(-2_000, 2_000)] * 7)
entries = st.lists(st.tuples(slices, st.integers(0, 5), st.booleans()), max_size=9)
goals = st.builds(Goal, st.booleans(), st.integers(0, 300_000), st.integers(1_000_000, 1_300_000))


@settings(max_examples=400)
@given(entries, states, goals, st.data())
def test_ranking_by_bounds_chooses_what_asking_all_chooses(
    found: list, now: Low, goal: Goal, data: st.DataObject
) -> None:
    """Also where forms change places, debts end, ranks are equal, and candidates come and go."""
    ranking, kept = Ranking(goal), {}
    for index, (change, cost, in_time) in enumerate(found):
        kept[index] = Entry(Candidate(Act.REDUCE, f"p{index}", 1, 1), change, cost, in_time)
        ranking.put(index, kept[index])
    assert ranking.best(now) == asked_of_all(kept, now, goal)
    if kept:
        gone = data.draw(st.sampled_from(sorted(kept)))
        ranking.drop(gone)
        del kept[gone]
    if kept:
        anew, (change, cost, in_time) = data.draw(st.sampled_from(sorted(kept))), data.draw(entries.filter(len))[0]
        kept[anew] = kept[anew]._replace(change=change, cost=cost, in_time=in_time)
        ranking.put(anew, kept[anew])
    later = data.draw(states)
    assert ranking.best(later) == asked_of_all(kept, later, goal)


@pytest.mark.parametrize("changed", [{"buffer": -1}, {"ratio": 999_999}], ids=["buffer", "ratio"])
def test_a_goal_below_what_began_a_plan_is_refused(changed: dict[str, int]) -> None:
    """A buffer of nothing and a ratio of one are the least."""
    assert Goal(buffer=0, ratio=1_000_000).lacks(EMPTY) == 0
    with pytest.raises(BadInput, match="goal"):
        Goal(**changed)  # type: ignore[arg-type]


def test_what_ends_a_form_is_asked_though_the_form_does_not_fall() -> None:
    """Along the health factor it looks worse; once the last debt is paid there is no health factor."""
    goal, now = Goal(initial=False, ratio=1_000_000), (0, 0, 0, 0, 0, 0, 1)
    entry = Entry(Candidate(Act.SELL, "x", 1, 1), (0, 0, 0, 0, 0, -3, -1), 0, in_time=True)
    ranking = Ranking(goal)
    ranking.put(0, entry)
    assert ranking.best(now) == entry.candidate == asked_of_all({0: entry}, now, goal)
    ranking.put(1, entry._replace(change=(0, 0, 0, 0, 0, -4, -1), candidate=Candidate(Act.SELL, "y", 1, 1)))
    assert ranking.best((0, 0, 0, 0, 0, -5, 2)) is None  # a debt is left: the form stays


def asked_of_all(kept: dict[int, Entry], now: Low, goal: Goal) -> Candidate | None:
    best, rank = None, None
    for _, entry in sorted(kept.items()):
        better = goal.lacks(now) - goal.lacks(plus(now, entry.change))
        if better <= 0 or entry.change[2] > 0:
            continue
        found = Rank(entry.in_time, better + entry.cost, entry.cost)
        if rank is None or found.beats(rank):
            best, rank = entry.candidate, found
    return best
