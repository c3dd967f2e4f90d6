"""One pool over networks, what is called and what cures it, and what doubt costs in money."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.simulators.minting import AS_OF
from tests.verifier.margin.build import line, policy, position, snapshot
from verifier.margin.cures import cash_needed, cures
from verifier.margin.fixed import Usd, scaled, usd
from verifier.margin.haircut import view_price
from verifier.margin.market import Route
from verifier.margin.modes import Mode
from verifier.margin.pool import PoolView, VenueRule, counted_requirement, view_pool
from verifier.margin.quality import quality
from verifier.margin.report import HypotheticalReport
from verifier.margin.risk import Risk
from verifier.margin.rules import MarginRules, PriceRules, flat_market
from verifier.margin.snapshot import Doubt, Line, Position, Quote, Reason, Snapshot
from verifier.margin.status import Status
from verifier.policy import Factors, Haircut
from verifier.trust import Anchor, Trust

RULES = MarginRules(markets={"ETH": flat_market(100_000, 50_000)}, volatility={"ETH": 600_000})
POLICY = policy(ETH=Factors(Haircut(200_000, 150_000)))
UNIFIED = VenueRule(POLICY, RULES)


def at(part: Any, network: str, protocol: str = "") -> Any:
    return replace(part, network=network, protocol=protocol)


def two_venues(*routes: Route, short: str = "-10") -> Snapshot:
    """Money on one network, a losing position on the other."""
    parts: tuple[Line | Position, ...] = (
        at(line("cash", "USDC", "10000"), "ethereum"),
        at(position("p", "ETH", short, "3000", counts_gain=True), "base", "perps"),
    )
    return replace(snapshot(*parts, ETH="3000", USDC="1"), routes=routes)


def view(taken: Snapshot, venues: dict[tuple[str, str], VenueRule] | None = None, horizon: int = 3_600) -> PoolView:
    return view_pool(taken, UNIFIED, venues or {}, horizon)


ROUTE = Route("ethereum", "base", usd("50000"), cost=1_000, latency=600, bridge="b")


def test_a_venue_that_lacks_margin_is_safe_only_with_a_way_for_money_to_come() -> None:
    """The unified account is the same in both; the venue stands only where a route leads to it."""
    with_route, without = view(two_venues(ROUTE)), view(two_venues())
    assert with_route.unified is without.unified is Status.HEALTHY
    assert (with_route.safe, without.safe) == (True, False)
    (transfer,) = with_route.plan.transfers
    assert transfer.counted >= usd("3000")
    assert transfer.sent > usd("3003")  # cost and what the price may do meanwhile
    assert without.plan.unmet == {"base": usd("3000")}


@pytest.mark.parametrize(
    "route",
    [replace(ROUTE, open=False), replace(ROUTE, latency=3_601), replace(ROUTE, capacity=usd("100"))],
    ids=["halted", "too-slow", "too-small"],
)
def test_a_route_that_does_not_carry_it_in_time_does_not_count(route: Route) -> None:
    """One thing changed about the route, and the pool is not safe."""
    assert view(two_venues(ROUTE)).safe
    assert not view(two_venues(route)).safe


def test_offsets_across_protocols_count_only_as_far_as_money_can_move() -> None:
    """Long here, short there: the unified requirement nets; without a route the offset counts for nothing."""
    rule = VenueRule(POLICY, RULES, Mode.PORTFOLIO)
    parts = (
        at(line("c1", "USDC", "20000"), "ethereum", "a"),
        at(line("c2", "USDC", "20000"), "base", "b"),
        at(position("long", "ETH", "10", "3000", counts_gain=True), "ethereum", "a"),
        at(position("short", "ETH", "-10", "3000", counts_gain=True), "base", "b"),
    )
    taken = snapshot(*parts, ETH="3000", USDC="1")
    apart = view_pool(taken, rule, {}, 3_600)
    joined = view_pool(replace(taken, routes=(ROUTE, replace(ROUTE, start="base", end="ethereum"))), rule, {}, 3_600)
    assert apart.offset == joined.offset > 0
    assert apart.offset_counted == 0 < joined.offset_counted
    together = Usd(1)
    assert counted_requirement(apart, together) == together + apart.offset


def test_each_venue_is_judged_by_its_own_rule() -> None:
    """A venue that asks for twice as much lacks margin where the unified rule is content."""
    strict = VenueRule(POLICY, replace(RULES, markets={"ETH": flat_market(400_000, 300_000)}))
    parts = (
        at(line("c", "USDC", "8000"), "base", "perps"),
        at(position("p", "ETH", "10", "3000", counts_gain=True), "base", "perps"),
    )
    taken = snapshot(*parts, ETH="3000", USDC="1")
    assert view(taken).venues[0].status is Status.HEALTHY
    own = view(taken, {("base", "perps"): strict})
    assert own.venues[0].status is Status.LIQUIDATION
    assert not own.safe


# --- what is called, and cures ------------------------------------------------------------------------------


@given(
    equity=st.integers(-(10**22), 10**23), maintenance=st.integers(0, 10**22), more=st.integers(0, 10**22),
    haircut=st.integers(0, 10**21), target=st.integers(1_000_000, 2_000_000),
)  # fmt: skip
def test_the_cash_called_is_exactly_enough(equity: int, maintenance: int, more: int, haircut: int, target: int) -> None:
    """With it ratio and initial requirement are met; with one unit less they are not."""
    risk = Risk(
        equity=Usd(equity), initial=Usd(maintenance + more + haircut), maintenance=Usd(maintenance + haircut),
        initial_haircut=Usd(haircut), maintenance_haircut=Usd(haircut),
    )  # fmt: skip
    cash = cash_needed(risk, target)

    def stands(added: int) -> bool:
        lifted = risk + Risk(equity=Usd(added))
        free, bound = lifted.equity - haircut, (lifted.maintenance - haircut) * target
        return free * 1_000_000 >= bound and lifted.equity >= lifted.initial

    assert stands(cash)
    assert cash == 0 or not stands(cash - 1)


def test_a_deposit_or_a_reduction_that_is_named_does_cure() -> None:
    """Each cure of a called pool is carried out, and the pool stands at its target."""
    taken = snapshot(
        line("c", "USDC", "2000"), position("p", "ETH", "10", "3000", counts_gain=True), ETH="3000", USDC="1"
    )
    (pocket,) = HypotheticalReport(taken, POLICY, RULES).figures.pockets
    views = {g: view_price(g, q, taken.as_of, RULES) for g, q in taken.quotes.items()}
    found = cures(pocket, views, POLICY.factors, 1_530_000)
    assert found is not None
    assert found.cash > 0
    for deposit in found.deposits:
        more = Line(id="more", group=deposit.group, amount=deposit.amount, decimals=18, trust=Trust(Anchor.PINNED))
        (cured,) = HypotheticalReport(replace(taken, lines=(*taken.lines, more)), POLICY, RULES).figures.pockets
        assert cash_needed(cured.known_low, 1_530_000) == 0
    (reduction,) = found.reductions
    assert reduction.amount is not None
    less = replace(taken.positions[0], size=taken.positions[0].size - reduction.amount)
    (cured,) = HypotheticalReport(replace(taken, positions=(less,)), POLICY, RULES).figures.pockets
    assert cash_needed(cured.known_low, 1_530_000) == 0


def test_nothing_is_called_of_a_pool_that_stands_or_of_one_without_a_low_figure() -> None:
    """No cash, no cures; and no amount that would be known to be enough."""
    stands = snapshot(line("c", "USDC", "2000"), USDC="1")
    (pocket,) = HypotheticalReport(stands, POLICY, RULES).figures.pockets
    made = cures(pocket, {}, POLICY.factors, 1_530_000)
    assert made is not None
    assert (made.cash, made.deposits) == (0, ())
    doubt = Reason(Doubt.DEBT_MISSING, "d", "gone")
    owes = snapshot(line("d", "USDC", None, liability=True, doubt=doubt), USDC="1")
    (pocket,) = HypotheticalReport(owes, POLICY, RULES).figures.pockets
    assert cures(pocket, {}, POLICY.factors, 1_530_000) is None


# --- what doubt costs ---------------------------------------------------------------------------------------


def test_each_doubt_is_named_with_what_it_takes() -> None:
    """Quorum 5 %, a missing holding, an old price, and a debt's interest: each in its own column."""
    quorum = Trust(Anchor.QUORUM)
    gone = Reason(Doubt.HOLDING_MISSING, "m", "gone")
    taken = snapshot(
        line("q", "USDC", "1000", trust=quorum),
        line("m", "USDC", None, doubt=gone, last_amount=scaled("500", 18, "a")),
        line("old", "ETH", "1"),
        line("d", "DAI", "-100", age=31_536),
        USDC="1", DAI="1",
    )  # fmt: skip
    quotes = {**taken.quotes, "ETH": Quote(usd("3000"), AS_OF - 3_600)}  # type: ignore[arg-type]
    rules = replace(RULES, debt_rates={"DAI": 1_000_000})
    (pocket,) = HypotheticalReport(replace(taken, quotes=quotes), POLICY, rules).figures.pockets
    found = quality(pocket, rules.ladder)
    assert (found.trust, found.missing, found.age) == (usd("50"), usd("500"), 0)
    assert found.price > usd("40")
    assert found.marked_up == usd("0.1")
    assert found.total == found.trust + found.missing + found.price + found.marked_up
    assert pocket.known_high.equity - pocket.known_low.equity == found.total


def test_only_what_fails_in_both_figures_is_certain() -> None:
    """Certain liquidation implies that the low figure fails, not the reverse. (Property 9.)"""
    gone = Reason(Doubt.HOLDING_MISSING, "m", "gone")
    parts = (
        line("m", "USDC", None, doubt=gone, last_amount=scaled("5000", 18, "a")),
        position("p", "ETH", "10", "3000", counts_gain=True),
    )
    (doubted,) = HypotheticalReport(snapshot(*parts, ETH="3000", USDC="1"), POLICY, RULES).figures.pockets
    (certain,) = HypotheticalReport(snapshot(*parts[1:], ETH="3000", USDC="1"), POLICY, RULES).figures.pockets
    assert (quality(doubted, RULES.ladder).certain, quality(doubted, RULES.ladder).data_call) == (False, True)
    assert (quality(certain, RULES.ladder).certain, quality(certain, RULES.ladder).data_call) == (True, False)


def test_a_slow_price_and_a_doubtful_one_cost_initial_margin_only() -> None:
    """A spike above the stable price buys nothing at initial level; doubt adds (1 − c) of the notional to it."""
    parts = (line("e", "ETH", "1"), line("d", "USDC", "-100"), position("p", "ETH", "1", "3000", counts_gain=True))
    plain = snapshot(*parts, ETH="3000", USDC="1")

    def made(quote: Quote, rules: MarginRules = RULES) -> Risk:
        taken = replace(plain, quotes={**plain.quotes, "ETH": quote})
        return HypotheticalReport(taken, POLICY, rules).figures.pockets[0].known_low

    base = made(Quote(usd("3000"), AS_OF))  # type: ignore[arg-type]
    spiked = made(Quote(usd("3000"), AS_OF, stable=usd("2500")))  # type: ignore[arg-type]
    assert (spiked.equity, spiked.maintenance) == (base.equity, base.maintenance)
    assert spiked.initial - base.initial == usd("400")  # 500 less of value, of which 20 % were haircut already
    doubted = made(Quote(usd("3000"), AS_OF, confidence=400_000))  # type: ignore[arg-type]
    assert doubted.maintenance == base.maintenance
    assert doubted.initial - base.initial == usd("1800")
    sure = made(
        Quote(usd("3000"), AS_OF, confidence=400_000), replace(RULES, prices=PriceRules(confidence_threshold=1))
    )  # type: ignore[arg-type]
    assert sure == base
