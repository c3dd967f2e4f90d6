"""A ledger by itself: after any closure it is what the engine weighs, whatever the account is made of."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.simulators.minting import AS_OF
from tests.verifier.margin.accounts import account
from tests.verifier.margin.build import line, position, snapshot
from tests.verifier.margin.plain import PlainScales
from tests.verifier.margin.test_properties import POLICY, RULES
from verifier.margin.curves import BeyondCurves, low_of
from verifier.margin.fixed import MAX_USD, SCALE, Price
from verifier.margin.instruments import Future, Option
from verifier.margin.ledger import ledger_of
from verifier.margin.liquidation_steps import Act, Closure, Trading, carry_out
from verifier.margin.market import ExpiryQuote
from verifier.margin.models.impact import Linear, SquareRoot
from verifier.margin.pool_curve import PoolCurve
from verifier.margin.rules import DEFAULT_RULES, Floor
from verifier.margin.snapshot import Line, Order, Position
from verifier.margin.trial import Scales, Setting, Trial
from verifier.primitives import Timestamp

SOON, LATER = Timestamp(AS_OF + 7 * 86_400), Timestamp(AS_OF + 90 * 86_400)
SETTING = Setting(POLICY, replace(RULES, floor=Floor()))
SOFT = Trading(impacts={"ETH": SquareRoot(0.04, 1e6)})


@pytest.mark.parametrize("seed", [1, 3, 15, 16, 17, 40, 41, 42, 47])
def test_a_ledger_is_the_engine_after_every_closure(seed: int) -> None:
    """Random closures, one after the other: sizes, cash and every figure of the pool stay those of `carry_out`."""
    made, random = account(seed), Random(seed)
    scales = PlainScales(made.setting)
    for pool in scales.weigh(made.trial):
        trial = made.trial
        ledger = ledger_of(Scales(made.setting), trial, pool.name, made.trading)
        if ledger is None or not pool.low_known:
            continue
        assert ledger.low == low_of(pool.low)
        for _ in range(6):
            closure = drawn(trial, pool.name, scales, random)
            if closure is None:
                break
            change = ledger.after(closure)
            trial, step = carry_out(scales, trial, pool.name, closure, made.trading)
            ledger.commit(change)
            assert ledger.low == low_of(step.after.low) == ledger.weighed(change.total, change.cash)
            assert change.cost == step.cost and ledger.cash == trial.cash.get(pool.name, 0)


def drawn(trial: Trial, pool: str, scales: Scales, random: Random) -> Closure | None:
    taken = trial.snapshot
    inside = [p for p in (*taken.lines, *taken.positions) if scales.one_pool or p.pocket == pool]
    open_ = [p for p in inside if isinstance(p, Position) and p.size and trial.price(p.group)]
    held = [x for x in inside if isinstance(x, Line) and (x.amount or 0) > x.encumbered and trial.price(x.group)]
    found = [Closure(Act.REDUCE, p.id, random.randint(1, abs(p.size))) for p in open_]
    found += [Closure(Act.SELL, x.id, random.randint(1, (x.amount or 0) - x.encumbered)) for x in held]
    found += [Closure(Act.CANCEL, o.id, 0) for o in taken.orders if scales.one_pool or o.pocket == pool]
    if open_:
        found.append(Closure(Act.REDUCE_ALL, "", random.randint(1, 1_000_000)))
    return random.choice(found) if found else None


def test_a_mark_beyond_the_curves_is_the_engines() -> None:
    """Buying back a short drives its mark to where its notional is beyond any value."""
    held = replace(position("s", "ETH", "-1", "1"), size=-(MAX_USD * 9 // 10), decimals=18)
    taken = replace(snapshot(line("c", "USDC", "1000"), USDC="1", ETH="1"), positions=(held,))
    trading = Trading(impacts={"ETH": Linear(1e-3)})
    ledger = ledger_of(Scales(Setting(POLICY, DEFAULT_RULES)), Trial(taken), "", trading)
    assert ledger is not None
    with pytest.raises(BeyondCurves):
        ledger.after(Closure(Act.REDUCE, "s", 10**21))


def quoted(expiry: Timestamp, **changed: object) -> ExpiryQuote:
    made = ExpiryQuote(
        group="ETH", expiry=expiry, at=AS_OF, forward=Price(2_020 * SCALE), rate=40_000, volatility=650_000
    )
    return replace(made, **changed)  # type: ignore[arg-type]


def option(name: str, size: str, strike: int, expiry: Timestamp = SOON, *, call: bool = True) -> Position:
    return replace(
        position(name, "ETH", size, "1", counts_gain=True), terms=Option(Price(strike * SCALE), expiry, call)
    )


sizes = st.integers(-40, 40).map(str)
terms = st.one_of(
    st.just(None),
    st.sampled_from([SOON, LATER, Timestamp(AS_OF - 5)]).map(Future),
    st.builds(
        Option, st.sampled_from([1_500, 2_000, 2_600]).map(lambda k: Price(k * SCALE)),
        st.sampled_from([SOON, LATER, AS_OF]), st.booleans(),
    ),
)  # fmt: skip
books = st.lists(st.tuples(sizes, terms, st.booleans()), min_size=1, max_size=6)
quotes = st.sampled_from(
    [
        (quoted(SOON), quoted(LATER)),
        (quoted(SOON, rate=None), quoted(LATER, volatility=None)),
        (quoted(SOON, at=Timestamp(AS_OF - 20_000), fixed=Price(20 * SCALE)),),
        (),
    ]
)
resting = st.lists(st.tuples(st.sampled_from([-30, -1, 2, 50]), st.sampled_from([1_900, 2_000, 2_100])), max_size=3)


@settings(max_examples=60, deadline=None)
@given(books, quotes, resting, st.integers(0, 2**32))
def test_dated_parts_and_resting_orders_are_the_engine_after_every_closure(
    book: list, expiries: tuple[ExpiryQuote, ...], orders: list, seed: int
) -> None:
    """Futures, options and orders of one asset, closed and cancelled in any order while marks and forwards move."""
    parts = [
        replace(position(f"p{n}", "ETH", size, "2000", counts_gain=proven), **({} if kind is None else {"terms": kind}))
        for n, (size, kind, proven) in enumerate(book)
    ]
    rests = tuple(
        Order(id=f"o{n}", group="ETH", size=size * SCALE, decimals=18, limit=Price(limit * SCALE))
        for n, (size, limit) in enumerate(orders)
    )
    taken = snapshot(line("c", "USDC", "9000"), line("e", "ETH", "3"), *parts, ETH="2000", USDC="1")
    trial, random = Trial(replace(taken, expiries=expiries, orders=rests)), Random(seed)
    plain, ledger = PlainScales(SETTING), ledger_of(Scales(SETTING), trial, "", SOFT)
    assert ledger is not None
    assert ledger.low == plain.lows(trial)[""].low
    for _ in range(4):
        closure = drawn(trial, "", plain, random)
        if closure is None:
            return
        change = ledger.after(closure)
        trial, step = carry_out(plain, trial, "", closure, SOFT)
        ledger.commit(change)
        assert ledger.low == low_of(step.after.low) and change.cost == step.cost
        assert ledger.cash == trial.cash.get("", 0)


@settings(max_examples=60, deadline=None)
@given(books, quotes, st.integers(1, 6_000))
def test_a_pool_with_dated_parts_is_the_engine_at_any_price(
    book: list, expiries: tuple[ExpiryQuote, ...], price: int
) -> None:
    """All of its low figure, and its equity by itself."""
    parts = [
        replace(position(f"p{n}", "ETH", size, "2000", counts_gain=proven), **({} if kind is None else {"terms": kind}))
        for n, (size, kind, proven) in enumerate(book)
    ]
    taken = snapshot(line("c", "USDC", "9000"), *parts, ETH="2000", USDC="1")
    trial, at = Trial(replace(taken, expiries=expiries)), {"ETH": Price(price * SCALE)}
    curve, engine = PoolCurve(Scales(SETTING), trial, ""), PlainScales(SETTING).lows(trial.at(at))[""]
    assert curve.at(at) == engine
    assert curve.equity(at) == engine.low[0]


def test_an_option_that_could_have_no_figure_is_the_engines() -> None:
    """A size worth nearly any that can be true: the ledger says nothing of it; a smaller one it weighs."""
    taken = snapshot(line("c", "USDC", "9000"), option("o", "-2", 2_000), ETH="2000", USDC="1")
    trial = Trial(replace(taken, expiries=(quoted(SOON),)))
    assert ledger_of(Scales(SETTING), trial, "", SOFT) is not None
    huge = replace(taken.positions[0], size=-(MAX_USD // 2_000))
    assert (
        ledger_of(Scales(SETTING), replace(trial, snapshot=replace(trial.snapshot, positions=(huge,))), "", SOFT)
        is None
    )


def test_a_floor_that_stands_for_orders_alone_is_the_engines() -> None:
    """It falls with the last order; without a floor, or without an order, there is a ledger."""
    order = Order(id="o", group="ETH", size=SCALE, decimals=18, limit=Price(2_000 * SCALE))
    taken = replace(snapshot(line("c", "USDC", "9000"), ETH="2000", USDC="1"), orders=(order,))
    floored = Setting(POLICY, replace(RULES, floor=Floor(SCALE, SCALE)))  # type: ignore[arg-type]
    assert ledger_of(Scales(SETTING), Trial(taken), "", SOFT) is not None
    assert ledger_of(Scales(floored), Trial(taken), "", SOFT) is None
    assert ledger_of(Scales(floored), Trial(replace(taken, orders=())), "", SOFT) is not None
