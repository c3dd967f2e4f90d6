"""One pool over networks and protocols: each venue's own rule beside the unified one, and what can really be moved.

A venue liquidates on its own rule, whatever stands elsewhere. So a venue that lacks margin is safe only if the money
can be there in time: from free balances, over open routes, less cost and less what a price may do meanwhile. What no
plan of transfers can bring counts for nothing.

    usable_{a→b} = min(free_a, capacity)·(1 − cost)·(1 − z·σ·√latency)

Source: margin reference, section 17.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from verifier.margin.fixed import ZERO, Usd, credit, part_of
from verifier.margin.market import Route
from verifier.margin.modes import Mode
from verifier.margin.report import PocketReport, weigh_pools
from verifier.margin.risk import Risk
from verifier.margin.rules import MarginRules
from verifier.margin.snapshot import Line, Position, Snapshot
from verifier.margin.status import FAILING, Status
from verifier.margin.transfers import TransferPlan, lock_haircut, plan_transfers
from verifier.policy import PPM, Policy

Place = tuple[str, str]
"""Network and protocol; an empty protocol is a wallet."""


@dataclass(frozen=True, slots=True)
class VenueRule:
    """By what a venue judges: a policy's factors and rules of its own, in its own mode."""

    policy: Policy
    rules: MarginRules
    mode: Mode = Mode.CROSS


@dataclass(frozen=True, slots=True)
class VenueView:
    """One venue by its own rule.

    Attributes:
        lacking: What it needs to stand at its initial requirement; 0 where it does.
        free: What may leave it: the excess above its own initial requirement; of a wallet, what it holds.
    """

    place: Place
    status: Status
    risk: Risk
    known: bool
    lacking: Usd
    free: Usd


@dataclass(frozen=True, slots=True)
class PoolView:
    """The unified account, its venues, and the transfers that it rests on.

    Attributes:
        plan: Transfers that let every venue stand, and what they cannot bring: that counts for nothing.
        offset: By how much the unified requirement is below the sum of the venues' own.
        offset_counted: The part of it that movable money can bear out within the horizon.
        safe: The unified account does not fail, and every venue stands after the plan.
    """

    unified: Status
    venues: tuple[VenueView, ...]
    plan: TransferPlan
    offset: Usd
    offset_counted: Usd
    safe: bool


def place_of(part: Line | Position) -> Place:
    """Where it lives."""
    return part.network, part.protocol


def view_pool(
    taken: Snapshot,
    unified: VenueRule,
    venues: Mapping[Place, VenueRule],
    horizon: int,
) -> PoolView:
    """
    The account as one, and as each venue sees it.

    Args:
        unified: The rule of the whole.
        venues: By place; a place that is not listed is judged by the unified rule.
        horizon: Seconds within which money must arrive to count.

    What was declared without a network is in the unified account alone: no venue judges it.
    """
    named = {place_of(line) for line in taken.lines} | {place_of(p) for p in taken.positions}
    places = sorted(place for place in named if place[0])
    views = tuple(_venue(taken, place, venues.get(place, unified)) for place in places)
    whole = weigh_pools(taken, unified.policy, unified.rules, unified.mode)
    volatility = max(unified.rules.volatility.values(), default=0)
    open_routes = [route for route in taken.routes if route.open and route.latency <= horizon]
    routes = [(r, PPM - lock_haircut(r, volatility, unified.rules.prices.z)) for r in open_routes]
    plan = _plan(views, taken, unified.rules, horizon)
    status = max((pool.status for pool in whole), key=list(Status).index, default=Status.HEALTHY)
    apart = sum(view.risk.initial for view in views)
    together = sum(pool.known_low.initial for pool in whole)
    offset = Usd(max(0, apart - together))
    moved = _movable(views, routes)
    return PoolView(
        unified=status,
        venues=views,
        plan=plan,
        offset=offset,
        offset_counted=Usd(min(offset, moved)),
        safe=plan.feasible and status not in FAILING and all(v.known for v in views),
    )


def counted_requirement(view: PoolView, together: Usd) -> Usd:
    """The unified initial requirement with offsets limited to what can be moved: never below `together`."""
    return Usd(together + view.offset - view.offset_counted)


def _venue(taken: Snapshot, place: Place, rule: VenueRule) -> VenueView:
    """What stands at one place, judged alone by its own rule."""
    alone = replace(
        taken,
        lines=tuple(line for line in taken.lines if place_of(line) == place),
        positions=tuple(p for p in taken.positions if place_of(p) == place),
        orders=(),
    )
    pools = weigh_pools(alone, rule.policy, rule.rules, rule.mode)
    risk = sum((pool.known_low for pool in pools), Risk())
    known = all(pool.low_known for pool in pools)
    status = max((pool.status for pool in pools), key=list(Status).index, default=Status.HEALTHY)
    return VenueView(
        place=place,
        status=status,
        risk=risk,
        known=known,
        lacking=Usd(max(0, risk.initial - risk.equity)) if known else ZERO,
        free=_free(pools) if known else ZERO,
    )


def _free(pools: Sequence[PocketReport]) -> Usd:
    return Usd(sum(pool.free for pool in pools))


def _movable(views: Sequence[VenueView], routes: Sequence[tuple[Route, int]]) -> Usd:
    """The most that could be brought anywhere: never more than leaves a network, nor than its routes carry."""
    free: dict[str, int] = {}
    for view in views:
        free[view.place[0]] = free.get(view.place[0], 0) + view.free
    moved = 0
    for network, amount in sorted(free.items()):
        out = [(route, kept) for route, kept in routes if route.start == network]
        carried = sum(credit(*part_of(route.capacity, kept)) for route, kept in out)
        best = max((kept for _, kept in out), default=0)
        moved += min(carried, credit(*part_of(amount, best)))
    same = sum(amount for network, amount in free.items() if _several(views, network))
    return Usd(moved + same)


def _several(views: Sequence[VenueView], network: str) -> bool:
    """Money on a network with several venues moves between them without a route."""
    return len({view.place for view in views if view.place[0] == network}) > 1


def _plan(views: Sequence[VenueView], taken: Snapshot, rules: MarginRules, horizon: int) -> TransferPlan:
    """The cheapest transfers after which every venue stands; venues of one network share its money without a route."""
    networks = {view.place[0] for view in views} | {end for r in taken.routes for end in (r.start, r.end)}
    lacking = {n: sum(v.lacking for v in views if v.place[0] == n) for n in networks}
    free = {n: sum(v.free for v in views if v.place[0] == n) for n in networks}
    return plan_transfers(
        {n: max(0, lacking[n] - free[n]) for n in networks},
        {n: max(0, free[n] - lacking[n]) for n in networks},
        taken.routes,
        volatility=max(rules.volatility.values(), default=0),
        z=rules.prices.z,
        horizon=horizon,
    )
