"""The portfolio requirement on whole accounts: what nets, what does not, and the properties that must always hold."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.simulators.minting import AS_OF
from tests.verifier.margin.build import line, policy, position, snapshot
from verifier.errors import BadInput
from verifier.margin.as_json import to_json
from verifier.margin.by_mode import compare_modes
from verifier.margin.digest import canonical_bytes
from verifier.margin.fixed import price, scaled, usd
from verifier.margin.instruments import Future, InversePerp, Option
from verifier.margin.market import ExpiryQuote
from verifier.margin.modes import Mode
from verifier.margin.report import HypotheticalReport, PocketReport
from verifier.margin.rules import MarginRules, flat_market
from verifier.margin.scenario import (
    Charge,
    Contingency,
    ContingencyRules,
    OffsetMethod,
    OffsetRules,
    Scenario,
    VolMove,
)
from verifier.margin.snapshot import Doubt, Line, Order, Position, Quote, Snapshot
from verifier.margin.status import Status
from verifier.policy import Factors, Haircut
from verifier.primitives import Timestamp

MONTH = Timestamp(AS_OF + 30 * 86_400)
HALF = Timestamp(AS_OF + 180 * 86_400)
MARKET = flat_market(100_000, 50_000)
RULES = MarginRules(
    markets={"ETH": MARKET, "BTC": MARKET, "SOL": MARKET}, volatility={"ETH": 650_000, "BTC": 500_000, "SOL": 900_000}
)
POLICY = policy(ETH=Factors(Haircut(200_000, 150_000)), BTC=Factors(Haircut(200_000, 150_000)))
PRICES = {"ETH": "3000", "BTC": "60000", "SOL": "150", "USDC": "1"}
QUOTES = tuple(
    ExpiryQuote(group=g, expiry=e, at=AS_OF, forward=price(f), rate=40_000, volatility=650_000)
    for g, f in (("ETH", "3020"), ("BTC", "60500"), ("SOL", "151"))
    for e in (MONTH, HALF)
)


def perp(id: str, group: str, size: str, **kwargs: Any) -> Position:
    return position(id, group, size, PRICES[group], **({"counts_gain": True} | kwargs))


def option(
    id: str, size: str, strike: str, *, call: bool, group: str = "ETH", expiry: Timestamp = MONTH, **kw: Any
) -> Position:
    return perp(id, group, size, terms=Option(price(strike), expiry, call), **kw)


def account(*parts: Line | Position, **changes: Any) -> Snapshot:
    return replace(snapshot(line("usdc", "USDC", "100000"), *parts, **PRICES), **({"expiries": QUOTES} | changes))


def pool(taken: Snapshot, mode: Mode = Mode.PORTFOLIO, rules: MarginRules = RULES) -> PocketReport:
    (made,) = HypotheticalReport(taken, POLICY, rules, mode).figures.pockets
    return made


def needed(taken: Snapshot, rules: MarginRules = RULES) -> int:
    made = pool(taken, rules=rules).portfolio
    assert made is not None
    return made.initial


def with_scenarios(**changes: Any) -> MarginRules:
    return replace(RULES, scenarios=replace(RULES.scenarios, **changes))


# --- what nets, and what does not ---------------------------------------------------------------------------


def test_a_hedge_inside_one_underlying_nets_and_one_without_it_does_not() -> None:
    """Long and short of one asset need contingencies only; the long alone needs its loss."""
    hedged = pool(account(perp("a", "ETH", "10"), perp("b", "ETH", "-10"))).portfolio
    bare = pool(account(perp("a", "ETH", "10"))).portfolio
    assert hedged is not None
    assert bare is not None
    assert hedged.loss == 0
    assert hedged.contingencies.keys() == {"perp"}
    assert bare.loss >= usd("5400")


def test_underlyings_do_not_offset_without_evidence() -> None:
    """A long ETH and a short BTC of one size: no returns, no credit; high correlation shown, credit."""
    pair = account(perp("a", "ETH", "20"), perp("b", "BTC", "-1"))
    alone = needed(account(perp("a", "ETH", "20"))) + needed(account(perp("b", "BTC", "-1")))
    assert abs(needed(pair) - alone) <= 10**9
    moves = tuple((-1) ** i * (10**7 + i * 10**5) for i in range(200))
    credited = with_scenarios(offsets=OffsetRules(credit=Decimal("0.8")))
    together = replace(pair, returns={"ETH": moves, "BTC": moves})
    apart = replace(pair, returns={"ETH": moves, "BTC": tuple(reversed(moves[1:])) + moves[:1]})
    assert needed(together, credited) < needed(pair, credited)
    assert needed(apart, credited) == needed(pair, credited)


def test_full_netting_needs_no_more_than_partial_and_partial_no_more_than_none() -> None:
    """By credit, under each way of offsetting."""
    pair = account(perp("a", "ETH", "20"), perp("b", "BTC", "-1"), perp("c", "SOL", "100"))
    for method in (OffsetMethod.STANDALONE, OffsetMethod.PER_SCENARIO):
        found = [
            needed(pair, with_scenarios(offsets=OffsetRules(method, Decimal(c), from_correlation=False)))
            for c in ("0", "0.3", "0.7", "1")
        ]
        assert found == sorted(found, reverse=True)
        assert found[0] > found[-1]


def test_product_groups_offset_more_inside_than_between() -> None:
    """A credit inside the group of both legs, none outside."""
    pair = account(perp("a", "ETH", "20"), perp("b", "BTC", "-1"))
    grouped = OffsetRules(groups={"ETH": "x", "BTC": "x"}, group_credits={"x": Decimal("0.9")}, from_correlation=False)
    made = pool(pair, rules=with_scenarios(offsets=grouped)).portfolio
    assert made is not None
    assert made.credits == (("x", 900_000),)
    assert made.initial < needed(pair)


def test_correlation_aggregation_takes_the_worst_of_three_sets() -> None:
    """Never above the sum of stand-alone losses, and the sum where nothing is known of a same-side pair."""
    same = account(perp("a", "ETH", "20"), perp("b", "BTC", "1"))
    rules = with_scenarios(offsets=OffsetRules(OffsetMethod.CORRELATION))
    made, plain = pool(same, rules=rules).portfolio, pool(same).portfolio
    assert made is not None
    assert plain is not None
    assert made.worst == "correlation"
    assert abs(made.loss - plain.loss) <= 10**9


def test_a_hedge_that_nobody_proved_relieves_nothing() -> None:
    """A declared short beside a proven long: the requirement of the long stands; a proven one nets."""
    long = perp("a", "ETH", "10")
    declared = account(long, perp("b", "ETH", "-10", counts_gain=False))
    made = pool(declared).portfolio
    assert made is not None
    assert made.proven_only
    assert made.initial >= needed(account(long))
    assert needed(account(long, perp("b", "ETH", "-10"))) < needed(account(long))


def test_a_balance_takes_part_as_far_as_it_hedges() -> None:
    """Ten ETH beside a short of eight: eight move with it and are not haircut, two are."""
    coins = line("eth", "ETH", "10")
    made = pool(account(coins, perp("p", "ETH", "-8")))
    assert made.portfolio is not None
    assert abs(made.portfolio.hedging["ETH"] - usd("24000")) <= 10**11
    assert made.portfolio.low.initial_haircut < 0
    same_side = pool(account(coins, perp("p", "ETH", "8")))
    assert same_side.portfolio is not None
    assert not same_side.portfolio.hedging


# --- instruments --------------------------------------------------------------------------------------------


def test_an_inverse_perpetual_is_settled_in_coin_and_shown_in_money() -> None:
    """100 contracts of 10 USD from 3,000 at 3,300: 100·10·(3,300/3,000 − 1) = 100, on a notional of 1,000."""
    terms = InversePerp(price("10"))
    taken = account(replace(perp("i", "ETH", "100"), terms=terms))
    higher = replace(taken, quotes={**taken.quotes, "ETH": Quote(price("3300"), AS_OF)})
    (value,) = pool(higher, Mode.CROSS).positions
    assert value.counted_low == usd("100")
    assert value.notional == usd("1000")
    (lower,) = pool(replace(taken, quotes={**taken.quotes, "ETH": Quote(price("2700"), AS_OF)}), Mode.CROSS).positions
    assert lower.counted_low == usd("-100")


def test_a_future_is_marked_at_its_forward_and_without_one_at_spot_with_a_doubt() -> None:
    """4·(3,020 − 3,000) = 80; without a quote nothing, and the report says why."""
    held = replace(perp("f", "ETH", "4"), terms=Future(MONTH))
    (value,) = pool(account(held), Mode.CROSS).positions
    assert value.counted_low == usd("80")
    (bare,) = pool(account(held, expiries=()), Mode.CROSS).positions
    assert (bare.counted_low, bare.reasons[0].doubt) == (0, Doubt.NO_FORWARD)


def test_a_spread_needs_its_bounded_loss_and_a_naked_short_more() -> None:
    """A short call covered by a longer strike: at most the difference of the strikes, for five options."""
    short, cover = option("s", "-5", "3200", call=True), option("c", "5", "3300", call=True)
    spread, naked = pool(account(short, cover), Mode.CROSS), pool(account(short), Mode.CROSS)
    net = spread.known_low.initial - (spread.known_low.equity - usd("100000"))
    assert net <= usd("500.000001")
    assert spread.reliefs[0].low.initial < 0
    assert naked.known_low.initial - (naked.known_low.equity - usd("100000")) > usd("1000")


def test_long_premium_is_no_collateral() -> None:
    """A long option changes neither free margin nor the ratio, by rules."""
    with_option, without = pool(account(option("o", "5", "3000", call=True)), Mode.CROSS), pool(account(), Mode.CROSS)
    assert with_option.free == without.free
    assert with_option.known_low.ratio.numerator == without.known_low.ratio.numerator


def test_doubt_about_a_volatility_makes_a_short_dearer_and_a_long_worthless() -> None:
    """No volatility: 1.5 times the asset's own for a short; nothing beyond intrinsic value for a long."""
    bare = tuple(replace(q, volatility=None) for q in QUOTES)
    short, long = option("s", "-5", "3000", call=True), option("l", "5", "3200", call=True)
    known, doubted = pool(account(short, long), Mode.CROSS), pool(account(short, long, expiries=bare), Mode.CROSS)
    values = {v.position.id: (v.counted_low, v.counted_high) for v in doubted.positions}
    assert values["s"][0] < known.positions[0].counted_low
    assert values["l"][0] == 0 < values["l"][1]
    assert {r.doubt for r in doubted.reasons} == {Doubt.NO_VOLATILITY}


def test_an_option_without_a_price_is_indeterminate_short_and_worthless_long() -> None:
    """A short without any price has no low figure; a long one counts nothing."""
    for size, status in (("-5", Status.INDETERMINATE), ("5", Status.HEALTHY)):
        taken = account(option("o", size, "3000", call=True))
        quotes = {g: q for g, q in taken.quotes.items() if g != "ETH"}
        assert pool(replace(taken, quotes=quotes), Mode.CROSS).status is status


def test_resting_orders_count_their_worse_side() -> None:
    """Short 5 with bids of 2 and asks of 10: the asks would make it 15; a bid that flattens adds nothing."""
    stands = perp("p", "ETH", "-5")
    bid = Order(id="b", group="ETH", size=scaled("2", 18, "s"), decimals=18, limit=price("2900"))
    ask = Order(id="a", group="ETH", size=scaled("-10", 18, "s"), decimals=18, limit=price("2950"))
    made = pool(account(stands, orders=(bid, ask)), Mode.CROSS)
    (orders,) = made.orders
    assert (orders.side, orders.fill_loss) == ("asks", usd("500"))
    assert orders.risk.initial == usd("3500")
    (flat,) = pool(account(stands, orders=(bid,)), Mode.CROSS).orders
    assert (flat.side, flat.risk.initial) == ("", 0)


def test_an_order_on_a_market_without_a_price_is_not_weighed_as_nothing() -> None:
    """What it may become has no bound: indeterminate."""
    order = Order(id="o", group="XYZ", size=1, decimals=0, limit=price("1"))
    assert pool(account(orders=(order,)), Mode.CROSS).status is Status.INDETERMINATE


# --- contingencies, each by its name ------------------------------------------------------------------------


def charged(name: str, taken: Snapshot, rules: MarginRules = RULES) -> int:
    made = pool(taken, rules=rules).portfolio
    assert made is not None
    return made.contingencies.get(name, (0, 0))[0]


def contingent(**changes: Any) -> MarginRules:
    return with_scenarios(contingencies=replace(ContingencyRules(), **changes))


FUTURES = (
    replace(perp("a", "ETH", "10"), terms=Future(MONTH)),
    replace(perp("b", "ETH", "-10"), terms=Future(HALF)),
)
CASES: dict[str, tuple[Snapshot, MarginRules, Snapshot]] = {
    "perp": (account(perp("p", "ETH", "1")), RULES, account(option("o", "1", "3000", call=True))),
    "future": (account(FUTURES[0]), RULES, account(perp("p", "ETH", "1"))),
    "short-option": (account(option("o", "-1", "3000", call=True)), RULES, account(option("o", "1", "3000", call=True))),
    "calendar": (account(*FUTURES), RULES, account(FUTURES[0])),
    "oracle": (
        replace(account(perp("p", "ETH", "1")), quotes={**account().quotes, "ETH": Quote(price("3000"), AS_OF, confidence=400_000)}),
        RULES,
        account(perp("p", "ETH", "1")),
    ),
    "depeg": (
        replace(account(perp("p", "ETH", "1")), quotes={**account().quotes, "USDC": Quote(price("0.9"), AS_OF)}),
        replace(RULES, settlement="USDC"),
        account(perp("p", "ETH", "1")),
    ),
    "delivery": (
        account(option("o", "1", "3000", call=True)),
        contingent(delivery_days=Decimal(60), delivery_rate=Decimal("0.01")),
        account(option("o", "1", "3000", call=True, expiry=HALF)),
    ),
    "concentration": (
        account(perp("p", "ETH", "10")),
        contingent(concentration={"ETH": Decimal(10_000)}),
        account(perp("p", "ETH", "3")),
    ),
    "latency": (
        account(perp("p", "ETH", "1", network="slow")),
        replace(RULES, latencies={"slow": 3_600}),
        account(perp("p", "ETH", "1", network="fast")),
    ),
    "minimum": (
        account(option("o", "-1", "9000", call=True, expiry=MONTH)),
        contingent(minimum_per_short=Decimal(500)),
        account(option("o", "1", "9000", call=True)),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_every_contingency_is_charged_by_its_name_and_only_where_it_is_due(name: str) -> None:
    """Each has an account that it is charged to, and a sibling that differs in one thing and is not."""
    due, rules, sibling = CASES[name]
    assert charged(name, due, rules) > 0
    assert charged(name, sibling, rules) == 0


def test_collateral_that_hedges_is_charged_its_own_haircut_where_the_model_is_given_one() -> None:
    """Collateral and data contingencies stand in the pool's own haircuts; no name is left without a place."""
    assert set(CASES) | {"collateral", "data"} == {c.value for c in Contingency}
    assert pool(account(line("eth", "ETH", "10"))).known_low.initial_haircut == usd("6000")


def test_basis_competes_with_the_scenarios_and_is_not_netted_over_expiries() -> None:
    """A calendar spread loses nothing in any scenario of prices; its basis loss is what counts."""
    made = pool(account(*FUTURES)).portfolio
    assert made is not None
    assert made.worst == "basis"
    assert made.basis == made.loss > 0


def test_a_scenario_out_of_range_is_refused() -> None:
    """More than all of a price cannot be lost; a move of the smile has no move of the price beside it."""
    Scenario(Decimal(-1))
    for bad in (
        lambda: Scenario(Decimal("-1.01")),
        lambda: Scenario(Decimal("0.1"), VolMove.TILT),
        lambda: Charge(Decimal(-1)),
    ):
        with pytest.raises(BadInput):
            bad()


# --- properties ---------------------------------------------------------------------------------------------

sizes = st.integers(-2_000, 2_000).filter(bool).map(lambda n: str(Decimal(n) / 100))


@st.composite
def positions(draw: st.DrawFn) -> tuple[Position, ...]:
    made = []
    for i in range(draw(st.integers(1, 5))):
        group, size = draw(st.sampled_from(["ETH", "BTC", "SOL"])), draw(sizes)
        kind = draw(st.sampled_from(["perp", "inverse", "future", "call", "put"]))
        expiry = draw(st.sampled_from([MONTH, HALF]))
        held = perp(f"p{i}", group, size, counts_gain=draw(st.booleans()))
        if kind == "inverse":
            held = replace(held, terms=InversePerp(price("100")))
        elif kind == "future":
            held = replace(held, terms=Future(expiry))
        elif kind in ("call", "put"):
            strike = str(Decimal(PRICES[group]) * draw(st.integers(60, 150)) / 100)
            held = replace(held, terms=Option(price(strike), expiry, kind == "call"))
        made.append(held)
    return tuple(made)


@given(positions())
@settings(max_examples=40, deadline=None)
def test_maintenance_initial_cross_and_isolated_stand_in_order(held: tuple[Position, ...]) -> None:
    """MM ≤ IM in every mode; portfolio ≤ cross ≤ the isolated sum. (Property 3.)"""
    taken = account(*held)
    portfolio, cross = pool(taken), pool(taken, Mode.CROSS)
    for made in (portfolio, cross):
        for risk in (made.known_low, made.known_high):
            assert risk.maintenance <= risk.initial
    assert portfolio.known_low.initial <= cross.known_low.initial
    assert portfolio.known_low.maintenance <= cross.known_low.maintenance
    assert cross.known_low.initial <= sum(v.low.initial for v in cross.positions)


@given(positions(), st.integers(0, 100), st.integers(0, 100), st.sampled_from(["standalone", "per-scenario"]))
@settings(max_examples=40, deadline=None)
def test_more_netting_never_needs_more(held: tuple[Position, ...], one: int, two: int, method: str) -> None:
    """Full netting ≤ partial ≤ none, whatever is netted and however losses of underlyings become one. (Property 8.)"""
    taken = account(*(replace(p, counts_gain=True) for p in held))
    found = []
    for credit in (0, *sorted((one, two)), 100):
        offsets = OffsetRules(OffsetMethod(method), credit=Decimal(credit) / 100, from_correlation=False)
        found.append(needed(taken, with_scenarios(offsets=offsets)))
    for less, more in zip(found[1:], found, strict=False):
        assert less <= more + max(10**6, more // 10**9)


@given(positions())
@settings(max_examples=25, deadline=None)
def test_no_figure_depends_on_the_order_of_positions(held: tuple[Position, ...]) -> None:
    """Every order of three positions: the same bytes, the list of positions apart. (Property 2.)"""

    def figures(order: tuple[Position, ...]) -> bytes:
        made = pool(account(*order))
        shown = to_json(HypotheticalReport(account(*order), POLICY, RULES, Mode.PORTFOLIO))
        for pocket in shown["pockets"]:  # type: ignore[attr-defined]
            pocket["positions"].sort(key=lambda p: p["id"])
            pocket["reasons"].sort(key=lambda r: (r["subject"], r["text"]))
        shown["reasons"].sort(key=lambda r: (r["subject"], r["text"]))  # type: ignore[attr-defined]
        del shown["snapshot_digest"]
        assert made.portfolio is not None
        return canonical_bytes(shown)

    assert len({figures(order) for order in list(permutations(held))[:6]}) == 1


@given(positions(), st.integers(1, 99))
@settings(max_examples=25, deadline=None)
def test_splitting_a_position_changes_nothing_but_rounding(held: tuple[Position, ...], part: int) -> None:
    """Never in the account's favour by more than a rounding unit of the models. (Property 2.)"""
    first = held[0]
    share = first.size * part // 100
    halves = (replace(first, id="x", size=share), replace(first, id="y", size=first.size - share))
    split = tuple(p for p in (*halves, *held[1:]) if p.size)
    one, two = pool(account(*held)).portfolio, pool(account(*split)).portfolio
    assert one is not None
    assert two is not None
    assert abs(one.initial - two.initial) <= max(10**10, one.initial // 10**9)


@given(positions())
@settings(max_examples=25, deadline=None)
def test_an_unshocked_scenario_has_no_profit_before_discounts(held: tuple[Position, ...]) -> None:
    """Nothing moved, nothing gained: and no loss is below zero. (Property 3.)"""
    still = with_scenarios(
        scenarios=(Scenario(Decimal(0)),),
        long_discount=replace(RULES.scenarios.long_discount, base=Decimal(1), rate_factor=Decimal(0), added=Decimal(0)),
        short_discount=replace(
            RULES.scenarios.short_discount, base=Decimal(1), rate_factor=Decimal(0), added=Decimal(0)
        ),
    )
    made = pool(account(*held), rules=still).portfolio
    assert made is not None
    assert all(abs(s.loss) <= 10**9 for s in made.scenarios)


@given(positions(), st.sampled_from(["2", "10", "0.5"]))
@settings(max_examples=20, deadline=None)
def test_scaling_all_prices_scales_money_and_leaves_ratios(held: tuple[Position, ...], factor: str) -> None:
    """Prices, strikes, entries, forwards and cash times a constant. (Property 10.)"""
    times = Decimal(factor)

    def grown(text: int) -> int:
        return int(Decimal(text) * times)

    def position_of(p: Position) -> Position:
        terms = p.terms
        if isinstance(terms, Option):
            terms = replace(terms, strike=grown(terms.strike))
        if isinstance(terms, InversePerp):
            terms = replace(terms, multiplier=grown(terms.multiplier))
        return replace(p, entry=grown(p.entry), terms=terms)

    taken = account(*held)
    larger = replace(
        taken,
        lines=tuple(replace(li, amount=grown(li.amount or 0)) for li in taken.lines),
        positions=tuple(map(position_of, held)),
        quotes={g: q if g == "USDC" else replace(q, price=grown(q.price)) for g, q in taken.quotes.items()},
        expiries=tuple(replace(q, forward=grown(q.forward)) for q in taken.expiries),
    )
    one, two = pool(taken).known_low, pool(larger).known_low
    for name in ("equity", "initial", "maintenance"):
        before, after = Decimal(getattr(one, name)) * times, Decimal(getattr(two, name))
        assert abs(before - after) <= max(Decimal(10**11), abs(before) / 10**9)


@given(positions())
@settings(max_examples=15, deadline=None)
def test_each_positions_modes_agree_with_the_account(held: tuple[Position, ...]) -> None:
    """Isolated requirements add up to the isolated sum; a single position is alone what it is in the portfolio."""
    taken = account(*held)
    figures = HypotheticalReport(taken, POLICY, RULES, Mode.CROSS).figures
    found = compare_modes(figures, POLICY, RULES)
    isolated = sum(row.isolated.initial for row in found.positions if row.isolated is not None)
    assert isolated == sum(v.low.initial for v in figures.positions)
    if len(held) == 1:
        (row,) = found.positions
        assert row.portfolio == row.alone


@given(positions(), st.sampled_from(["ETH", "BTC", "USDC"]), st.integers(1, 50))
@settings(max_examples=30, deadline=None)
def test_more_collateral_never_lowers_an_excess(held: tuple[Position, ...], group: str, amount: int) -> None:
    """E, E − IM and E − MM in portfolio mode, whether the collateral hedges or not. (Property 1.)"""
    more = line("more", group, str(amount))
    one, two = pool(account(*held)), pool(account(*held, more))
    for before, after in ((one.known_low, two.known_low), (one.known_high, two.known_high)):
        assert after.equity >= before.equity
        assert after.equity - after.initial >= before.equity - before.initial - 10**11
        assert after.buffer >= before.buffer - 10**11


@given(positions(), st.integers(0, 20_000))
@settings(max_examples=20, deadline=None)
def test_the_low_figure_is_never_above_the_high_one(held: tuple[Position, ...], age: int) -> None:
    """With quotes of any age: equity and both excesses, low at most high. (Property 9.)"""
    old = tuple(replace(q, at=Timestamp(AS_OF - age)) for q in QUOTES)
    taken = account(*held, expiries=old)
    aged = replace(taken, quotes={g: replace(q, at=Timestamp(AS_OF - age // 4)) for g, q in taken.quotes.items()})
    made = pool(aged)
    assert made.known_low.equity <= made.known_high.equity
    low, high = made.known_low, made.known_high
    assert low.equity - low.initial <= high.equity - high.initial + 10**11
    assert low.buffer <= high.buffer + 10**11


@pytest.mark.covers("MRG-04")
@given(
    size=st.integers(-(2**255), 2**255), strike=st.integers(1, 10**30), forward=st.integers(1, 10**30),
    vol=st.integers(0, 10**8), rate=st.none() | st.integers(0, 10**7), kind=st.sampled_from(["call", "put", "future", "inverse"]),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_no_size_strike_or_volatility_breaks_a_report(
    size: int, strike: int, forward: int, vol: int, rate: int | None, kind: str
) -> None:
    """Figures, or an indeterminate account that says why: never an exception, never a figure that is none."""
    terms: Any = {
        "call": Option(price("1"), MONTH, call=True),
        "put": Option(price("1"), MONTH, call=False),
        "future": Future(MONTH),
        "inverse": InversePerp(price("1")),
    }[kind]
    terms = replace(terms, strike=strike) if isinstance(terms, Option) else terms
    held = replace(perp("x", "ETH", "1"), size=size, terms=terms)
    quoted = ExpiryQuote(group="ETH", expiry=MONTH, at=AS_OF, forward=forward, rate=rate, volatility=vol)  # type: ignore[arg-type]
    for mode in (Mode.CROSS, Mode.PORTFOLIO):
        made = pool(account(held, expiries=(quoted,)), mode)
        assert made.status is not Status.INDETERMINATE or made.reasons
        assert made.known_low.maintenance <= made.known_low.initial


@pytest.mark.covers("MRG-04")
def test_a_sum_beyond_any_figure_is_a_doubt_and_no_exception() -> None:
    """Thirty positions of nine hundred trillion each: alone they can be weighed, together not."""
    for size, status in (("300000000000", Status.INDETERMINATE), ("1", Status.HEALTHY)):
        made = pool(account(*(perp(f"p{i}", "ETH", size) for i in range(30))))
        assert made.status is status
        assert (made.portfolio is None) == (status is Status.INDETERMINATE)
        taken = account(*(perp(f"p{i}", "ETH", size) for i in range(30)))
        figures = HypotheticalReport(taken, POLICY, RULES, Mode.PORTFOLIO).figures
        rows = compare_modes(figures, POLICY, RULES).positions
        assert all((row.portfolio is None) == (made.portfolio is None) for row in rows)


def test_mixed_mode_keeps_pockets_apart_and_nets_what_says_so() -> None:
    """Isolated pocket, cross pool and portfolio positions in one account; a failing pocket fails alone. (Property 4.)"""
    taken = account(
        perp("cross", "BTC", "0.1"),
        perp("long", "ETH", "10", portfolio=True),
        perp("short", "ETH", "-10", portfolio=True),
        replace(perp("apart", "SOL", "1000", pocket="sol"), entry=price("300")),
        line("own", "USDC", "1000", pocket="sol"),
    )
    cross, sol = HypotheticalReport(taken, POLICY, RULES, Mode.MIXED).figures.pockets
    assert cross.portfolio is not None
    assert cross.portfolio.loss == 0
    assert sol.portfolio is None
    assert (cross.status, sol.status) == (Status.HEALTHY, Status.DEFICIT)
