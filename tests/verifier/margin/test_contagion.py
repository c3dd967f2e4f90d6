"""The contagion map: what each failure takes, who falls, and what no failure may do."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings

from tests.verifier.margin.build import line, policy, position, snapshot
from tests.verifier.margin.test_liquidation import MARKETS
from tests.verifier.margin.test_properties import POLICY, RULES, snapshots
from verifier.errors import BadInput
from verifier.margin.contagion import contagion
from verifier.margin.contagion_nodes import Kind, Node, Severity, fail, nodes
from verifier.margin.fixed import SCALE, Price, Usd
from verifier.margin.liquidation_loop import Rung
from verifier.margin.liquidation_steps import Charge, Trading
from verifier.margin.models.impact import Linear
from verifier.margin.modes import Mode
from verifier.margin.rules import MarginRules
from verifier.margin.snapshot import Quote, Snapshot
from verifier.margin.trial import Scales, Setting, Trial
from verifier.policy import Factors, Haircut

SCALES = Scales(Setting(policy(ETH=Factors(Haircut(200_000, 150_000))), MarginRules(markets=MARKETS)))


def spread(loan: str = "-9000") -> Snapshot:
    """Collateral on two networks, one part in a protocol, one wrapped by a bridge; two price sources."""
    taken = snapshot(
        line("a-eth", "ETH", "5", network="a", protocol="pool"), line("b-eth", "ETH", "2", network="b", bridge="span"),
        line("b-usd", "USDC", "3000", network="b"), line("loan", "USDC", loan, network="a", protocol="pool"),
        position("perp", "ETH", "4", "2000", network="b", counts_gain=True), ETH="2000", USDC="1",
    )  # fmt: skip
    named = {
        "ETH": replace(taken.quotes["ETH"], source="feed-1"),
        "USDC": replace(taken.quotes["USDC"], source="feed-2"),
    }
    return replace(taken, quotes=named)


def test_every_thing_that_can_fail_is_a_node() -> None:
    """Positions, assets, networks, protocols, bridges and price sources, each once."""
    assert [str(node) for node in nodes(spread())] == [
        "position:perp", "asset:ETH", "asset:USDC", "network:a", "network:b", "protocol:pool", "bridge:span",
        "oracle:feed-1", "oracle:feed-2",
    ]  # fmt: skip


def test_each_failure_takes_what_hangs_on_it() -> None:
    """By hand: E − MM before is 5·2000 + 2·2000 − 6000, less 15 % of 14,000 and 5 % of 8,000 of notional."""
    made = contagion(SCALES, Trial(spread()), Trading())
    (before,) = made.before
    assert before.low.buffer == (8_000 - 2_100 - 400) * SCALE
    drops = {str(o.node): (o.drop[""] or 0) // SCALE for o in made.outcomes}
    assert drops["network:a"] == drops["protocol:pool"] == 10_000 * 85 // 100
    assert drops["bridge:span"] == 4_000 * 85 // 100
    assert drops["network:b"] == 4_000 * 85 // 100 + 3_000
    # The position has neither gained nor lost: without it, its maintenance is free.
    assert drops["position:perp"] == -400
    # ETH to 1,000: collateral loses 7,000 of which 15 % was haircut, the perpetual 4,000 and half its maintenance.
    assert drops["asset:ETH"] == 7_000 * 85 // 100 + 4_000 - 200
    # Stale: collateral counts nothing; the perpetual cannot be marked without a volatility, so nothing can be said.
    assert made.matrix[Node(Kind.ORACLE, "feed-1")][""] is None


def test_single_points_of_failure_are_those_that_fail_the_account_alone() -> None:
    """And an account that stands on more than one leg has fewer."""
    made = contagion(SCALES, Trial(spread()), Trading())
    names = [str(node) for node in made.single_points]
    assert names == ["asset:ETH", "network:a", "network:b", "protocol:pool", "oracle:feed-1", "oracle:feed-2"]
    rich = contagion(SCALES, Trial(spread("-1000")), Trading())
    # A position and a debt without a price leave no figure, however much else there is.
    assert [str(node) for node in rich.single_points] == ["oracle:feed-1", "oracle:feed-2"]


def test_a_failure_that_forces_sales_costs_more_after_them() -> None:
    """First-order loss against loss after the loop; a ladder pulls down who stood at first."""
    trading = Trading(impacts={"ETH": Linear(1e-6)}, other=Charge(fee=1_000, bonus=10_000))
    made = contagion(SCALES, Trial(spread()), trading)
    halted = next(o for o in made.outcomes if o.node == Node(Kind.NETWORK, "b"))
    assert halted.fallen == ("",) and halted.rounds > 0
    assert (halted.after_sales[""] or 0) > (halted.drop[""] or 0)
    ladder = {"ETH": (Rung(Price(2_001 * SCALE), Usd(200_000 * SCALE)),)}
    crowded = contagion(SCALES, Trial(spread()), trading, ladder=ladder)
    bridge = next(o for o in crowded.outcomes if o.node.kind is Kind.BRIDGE)
    assert bridge.fallen == () and bridge.pulled == ("",)


def test_edges_carry_money_and_a_reason() -> None:
    """From a network to what lies on it, from a position to what its sale would do to the others."""
    trading = Trading(impacts={"ETH": Linear(1e-6)})
    made = contagion(SCALES, Trial(spread()), trading)
    held = [e for e in made.edges if e.source == Node(Kind.NETWORK, "b") and e.target == Node(Kind.ASSET, "ETH")]
    assert [(e.money // SCALE, e.reason) for e in held] == [(4_000, "held on the network, or open there")]
    sale = next(e for e in made.edges if e.source.kind is Kind.POSITION and e.target.kind is Kind.ASSET)
    # Selling 8,000 at 1e-6 a dollar takes 0.8 % off 7 ETH at 2,000.
    assert abs(sale.money - 112 * SCALE) < SCALE and sale.reason == "its sale moves the mark"
    heavy = made.above(8_000 * SCALE)
    assert [e.money for e in heavy] == sorted((e.money for e in heavy), reverse=True)


def test_an_isolated_pocket_that_fails_takes_no_other_with_it() -> None:
    """Its own column, and no other. (Property 4.)"""
    taken = snapshot(
        line("cash", "USDC", "1000"), position("x", "ETH", "1", "2000"), line("put", "USDC", "500", pocket="side"),
        position("y", "ETH", "2", "2000", pocket="side"), USDC="1", ETH="2000",
    )  # fmt: skip
    scales = Scales(replace(SCALES.setting, mode=Mode.ISOLATED))
    made = contagion(scales, Trial(taken), Trading())
    side = made.matrix[Node(Kind.POOL, "side")]
    assert side[""] == 0 and (side["side"] or 0) > 0


@settings(max_examples=10, deadline=None)
@given(snapshots(known=True))
def test_a_failing_place_never_frees_margin(taken: Snapshot) -> None:
    """Networks, protocols, bridges and assets that fail lower the excess or leave it."""
    placed = replace(taken, lines=tuple(replace(x, network="n", bridge="br") for x in taken.lines))
    scales, trial = Scales(Setting(POLICY, RULES)), Trial(placed)
    before = scales.pool(trial, "")
    for node in nodes(placed):
        if node.kind in (Kind.NETWORK, Kind.PROTOCOL, Kind.BRIDGE):
            (failed,) = fail(trial, node, Severity(), RULES)
            assert scales.pool(failed.trial, "").low.buffer <= before.low.buffer
        if node.kind is Kind.ASSET:
            ways = [scales.pool(f.trial, "").low.buffer for f in fail(trial, node, Severity(), RULES)]
            assert len(ways) == 2


def test_a_severity_is_a_part() -> None:
    """More than the whole cannot be lost."""
    with pytest.raises(BadInput, match=r"severity\.bridge"):
        Severity(bridge=1_000_001)
    half = fail(Trial(spread()), Node(Kind.BRIDGE, "span"), Severity(bridge=500_000), RULES)[0]
    assert next(x.amount for x in half.trial.snapshot.lines if x.id == "b-eth") == SCALE


def test_an_unnamed_source_is_one_source() -> None:
    """Prices that nobody signed for fall together."""
    taken = snapshot(line("e", "ETH", "1"), ETH="2000")
    assert nodes(taken)[-1] == Node(Kind.ORACLE, "unnamed")
    assert Quote(Price(1), taken.as_of).source == ""


def test_by_scenarios_the_map_is_of_first_order_unless_it_is_asked_for_sales() -> None:
    """It says which it is."""
    scales = Scales(replace(SCALES.setting, mode=Mode.PORTFOLIO))
    made = contagion(scales, Trial(spread()), Trading())
    assert not made.sales and all(o.after_sales == o.drop and o.rounds == 0 for o in made.outcomes)
    assert Node(Kind.NETWORK, "a") in made.single_points
    assert contagion(SCALES, Trial(spread()), Trading()).sales


def test_a_price_that_may_go_either_way_is_the_worst_for_each_pool() -> None:
    """A fall takes most from the cross pool, which stands; a rise fells the pocket that is short, and that is shown."""
    scales = Scales(
        Setting(policy(ETH=Factors(Haircut(200_000, 150_000))), MarginRules(markets=MARKETS), Mode.ISOLATED)
    )
    held = line("eth", "ETH", "500"), line("cash", "USDC", "1500", pocket="short")
    taken = snapshot(*held, position("s", "ETH", "-1", "2000", pocket="short", counts_gain=True), ETH="2000", USDC="1")
    node = Node(Kind.ASSET, "ETH")
    found = {o.node: o for o in contagion(scales, Trial(taken), Trading(), Severity(asset=900_000)).outcomes}[node]
    assert found.fallen == ("short",) and found.single_point
    assert found.drop[""] == 900_000 * 85 // 100 * SCALE and (found.drop["short"] or 0) >= 1_800 * SCALE
    mild = {o.node: o for o in contagion(scales, Trial(taken), Trading(), Severity(asset=300_000)).outcomes}[node]
    assert not mild.fallen and mild.drop[""] == 300_000 * 85 // 100 * SCALE


def test_a_part_beyond_any_that_can_be_true_does_not_end_the_map() -> None:
    """Its account has no low figure before and after; one that can be true has both."""
    taken = spread()
    absurd = replace(taken.positions[0], size=10**40)
    for one, known in ((taken.positions[0], True), (absurd, False)):
        made = contagion(SCALES, Trial(replace(taken, positions=(one,))), Trading())
        assert made.before[0].low_known is known
        assert all((o.drop[""] is not None) is known for o in made.outcomes if o.node.kind is Kind.ASSET)
