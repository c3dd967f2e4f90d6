"""The portfolio requirement on whole accounts: what nets, and what does not."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from tests.simulators.minting import AS_OF
from tests.verifier.margin.books import (
    MONTH,
    POLICY,
    QUOTES,
    RULES,
    account,
    needed,
    option,
    perp,
    pool,
    with_scenarios,
)
from tests.verifier.margin.build import line
from verifier.margin.fixed import price, scaled, usd
from verifier.margin.instruments import Future, InversePerp
from verifier.margin.modes import Mode
from verifier.margin.report import HypotheticalReport
from verifier.margin.scenario import (
    OffsetMethod,
    OffsetRules,
)
from verifier.margin.snapshot import Doubt, Order, Quote
from verifier.margin.status import Status


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
