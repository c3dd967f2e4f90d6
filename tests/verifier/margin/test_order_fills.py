"""Resting orders beside positions that are weighed by scenarios: whatever fills, it was counted before it did."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import product
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.verifier.margin.books import MONTH, POLICY, PRICES, RULES, account, perp, pool, positions
from tests.verifier.margin.build import line, policy, position, snapshot
from verifier.margin.fixed import SCALE, Price, Usd, price, scaled, usd
from verifier.margin.instruments import Future, LinearPerp
from verifier.margin.modes import Mode
from verifier.margin.order_fills import MOST_MARKETS
from verifier.margin.positions import fill_loss
from verifier.margin.report import HypotheticalReport, PocketReport, weigh_pools
from verifier.margin.rules import MarginRules, Market, Tier
from verifier.margin.snapshot import Doubt, Order, Position, Snapshot
from verifier.margin.status import Status

STEEP: Final = Market((Tier(usd("0"), 50_000, 25_000), Tier(usd("20000"), 200_000, 100_000)))
TIERED: Final = replace(RULES, markets={"ETH": STEEP, "BTC": STEEP, "SOL": STEEP})
HEDGED: Final = (perp("a", "ETH", "10"), replace(perp("b", "ETH", "-10"), terms=Future(MONTH)))


def order(id: str, group: str, size: str, limit: str) -> Order:
    return Order(id=id, group=group, size=scaled(size, 18, "size"), decimals=18, limit=price(limit))


def netted(held: Iterable[Position]) -> tuple[Position, ...]:
    """With one linear perpetual in each market, as a venue holds them."""
    perps: dict[str, Position] = {}
    others = []
    for part in held:
        if not isinstance(part.terms, LinearPerp):
            others.append(part)
        elif part.group in perps:
            perps[part.group] = replace(perps[part.group], size=perps[part.group].size + part.size)
        else:
            perps[part.group] = part
    return tuple(sorted([*perps.values(), *others], key=lambda p: p.id))


def after(held: Iterable[Position], fills: Iterable[Order]) -> tuple[Position, ...]:
    """What fills leave: they join the market's perpetual; a fill that is worse than the mark has its loss by itself."""
    made = list(held)
    for one in fills:
        mark = price(PRICES[one.group])
        stands = next((n for n, p in enumerate(made) if p.group == one.group and isinstance(p.terms, LinearPerp)), None)
        if stands is None:
            made.append(Position(id=one.id, group=one.group, size=one.size, decimals=one.decimals, entry=mark))
        else:
            made[stands] = replace(made[stands], size=made[stands].size + one.size)
    return tuple(made)


def lost(fills: Iterable[Order]) -> int:
    """What they lose at once, limit against mark."""
    return sum(fill_loss(one, price(PRICES[one.group])) for one in fills)


@st.composite
def orders(draw: st.DrawFn, groups: tuple[str, ...] = ("ETH", "BTC", "SOL")) -> tuple[Order, ...]:
    made = []
    for n in range(draw(st.integers(1, 4))):
        group = draw(st.sampled_from(groups))
        size = str(draw(st.integers(-2_000, 2_000).filter(bool)) / 100)
        limit = str(int(float(PRICES[group])) * draw(st.integers(90, 110)) // 100 or 1)
        made.append(order(f"o{n}", group, size, limit))
    return tuple(made)


def outcomes(resting: tuple[Order, ...]) -> list[tuple[Order, ...]]:
    """Every choice of nothing, all bids or all asks in each market."""
    markets = sorted({o.group for o in resting})
    found = []
    for chosen in product((0, 1, -1), repeat=len(markets)):
        sides = dict(zip(markets, chosen, strict=True))
        found.append(tuple(o for o in resting if o.size * sides[o.group] > 0))
    return found


def weighed(taken: Snapshot, rules: MarginRules, mode: Mode) -> PocketReport:
    (made,) = HypotheticalReport(taken, POLICY, rules, mode).figures.pockets
    return made


def assert_counted(before: PocketReport, made: PocketReport, fills: Iterable[Order]) -> None:
    """No requirement grows by a fill beyond what was counted for it, its loss included, up to the models' rounding."""
    low, risk, gone = made.known_low, before.known_low, lost(fills)
    for was, is_ in ((risk.initial, low.initial), (risk.maintenance, low.maintenance)):
        assert is_ + gone <= was + max(10**6, was // 10**9)


def test_an_order_that_would_fill_away_a_hedge_is_counted() -> None:
    """Long perpetual, short future: asks of ten leave the future bare. By the market's tiers alone they add nothing."""
    ask = order("o", "ETH", "-10", "3000")
    before, bare = pool(account(*HEDGED, orders=(ask,))), pool(account(*after(HEDGED, (ask,))))
    (value,) = before.orders
    assert (value.group, value.side, value.fill_loss) == ("ETH", "asks", 0)
    assert value.risk.initial > usd("3500")
    assert_counted(before, bare, (ask,))
    (by_rules,) = pool(account(*HEDGED, orders=(ask,)), Mode.CROSS).orders
    assert by_rules.side == ""


def test_an_order_that_only_hedges_adds_nothing_and_its_other_side_does() -> None:
    """Short 5: bids of 2 make it smaller; asks make it larger."""
    short = perp("s", "ETH", "-5", counts_gain=False)
    for size, side in (("2", ""), ("-2", "asks")):
        (value,) = pool(account(short, orders=(order("o", "ETH", size, "3000"),))).orders
        assert value.side == side
        assert (value.risk.initial > 0) is bool(side)


@given(positions(), orders())
@settings(max_examples=25, deadline=None)
def test_no_fill_takes_more_margin_than_was_counted_for_it(
    held: tuple[Position, ...], resting: tuple[Order, ...]
) -> None:
    """Whatever sides fill, in up to three markets with tiers, beside positions and collateral that hedge."""
    collateral = line("eth", "ETH", "5")
    stands = netted(held)
    before = weighed(account(collateral, *stands, orders=resting), TIERED, Mode.PORTFOLIO)
    for fills in outcomes(resting):
        made = weighed(account(collateral, *after(stands, fills)), TIERED, Mode.PORTFOLIO)
        assert_counted(before, made, fills)


@given(positions(), orders())
@settings(max_examples=25, deadline=None)
def test_in_mixed_mode_a_fill_is_counted_whichever_way_it_is_weighed(
    held: tuple[Position, ...], resting: tuple[Order, ...]
) -> None:
    """Every second position by scenarios: a fill joins them where such a perpetual stands, else the rules."""
    parts = netted(replace(p, portfolio=n % 2 == 0) for n, p in enumerate(held))
    before = weighed(account(*parts, orders=resting), TIERED, Mode.MIXED)
    for fills in outcomes(resting):
        assert_counted(before, weighed(account(*after(parts, fills)), TIERED, Mode.MIXED), fills)


@given(positions(), orders(groups=("ETH", "BTC", "SOL", "USDC")))
@settings(max_examples=15, deadline=None)
def test_orders_never_lower_a_requirement(held: tuple[Position, ...], resting: tuple[Order, ...]) -> None:
    """In any mode, beside none, in one market or in more than are tried one by one."""
    for mode in (Mode.PORTFOLIO, Mode.CROSS):
        bare, with_orders = weighed(account(*held), TIERED, mode), weighed(account(*held, orders=resting), TIERED, mode)
        assert with_orders.known_low.initial >= bare.known_low.initial
        assert with_orders.known_low.maintenance >= bare.known_low.maintenance
        assert with_orders.known_low.equity == bare.known_low.equity


def test_beyond_the_markets_that_are_tried_nothing_nets() -> None:
    """A fourth market: the hedge counts nothing, the rules' sum stands, and every outcome was counted."""
    resting = tuple(order(f"o{n}", group, "-1", "1") for n, group in enumerate(sorted(PRICES)))
    assert len(resting) == MOST_MARKETS + 1
    before = pool(account(*HEDGED, orders=resting))
    assert before.portfolio is not None
    (value,) = before.orders
    assert value.group == "BTC+ETH+SOL+USDC"
    assert value.risk.initial >= Usd(before.portfolio.alone_initial - before.portfolio.low.initial) > 0
    for fills in outcomes(resting):
        assert_counted(before, pool(account(*after(HEDGED, fills))), fills)


def test_the_worse_side_is_found_at_each_level() -> None:
    """Small asks far below the mark lose 6 at once; larger bids need as much at initial level, and less beneath it."""
    asks, bids = order("a", "ETH", "-0.02", "2700"), order("b", "ETH", "0.06", "2700")
    (value,) = weighed(account(orders=(asks, bids)), TIERED, Mode.CROSS).orders
    assert (value.side, value.risk.initial, value.risk.maintenance) == ("bids", usd("9"), usd("7.5"))


def test_the_order_of_orders_changes_nothing_and_one_without_a_price_is_indeterminate() -> None:
    """The same figures; an unknown market has no bound."""
    resting = (order("x", "ETH", "-3", "3100"), order("y", "BTC", "1", "61000"), order("z", "ETH", "2", "2000"))
    one, two = (pool(account(*HEDGED, orders=found)) for found in (resting, resting[::-1]))
    assert one.orders == two.orders
    lost = replace(resting[0], group="XYZ")
    assert pool(account(*HEDGED, orders=(lost,))).status is Status.INDETERMINATE
    beyond = replace(resting[0], size=-(10**70), decimals=0)
    assert pool(account(*HEDGED, orders=(beyond,))).status is Status.INDETERMINATE


@pytest.mark.parametrize("mode", [Mode.CROSS, Mode.PORTFOLIO])
def test_an_order_for_more_than_can_be_true_leaves_no_figure(mode: Mode) -> None:
    """One that can be true is weighed; the absurd one is a doubt with its name, and nothing is raised."""
    held = line("c", "USDC", "100000"), position("p", "ETH", "1", "2000")
    taken = snapshot(*held, ETH="2000", USDC="1")
    for size, known in ((10**18, True), (10**40, False)):
        order = Order(id="o", group="ETH", size=size, decimals=18, limit=Price(2_100 * SCALE))
        (pool,) = weigh_pools(replace(taken, orders=(order,)), policy(), MarginRules(), mode)
        assert pool.low_known is known
        assert (pool.status is Status.INDETERMINATE) is not known
        assert any(reason.doubt is Doubt.OVERFLOW for reason in pool.reasons) is not known
