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

from verifier.margin.fixed import YEAR, ZERO, Usd, charge, charge_root, credit, part_of
from verifier.margin.market import Route
from verifier.margin.modes import Mode
from verifier.margin.report import PocketReport, weigh_pools
from verifier.margin.risk import Risk
from verifier.margin.rules import MarginRules
from verifier.margin.snapshot import Line, Position, Snapshot
from verifier.margin.status import FAILING, Status
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
class Transfer:
    """Money sent from one network to another, and what of it counts on arrival."""

    start: str
    end: str
    sent: Usd
    arrives: Usd
    latency: int


@dataclass(frozen=True, slots=True)
class PoolView:
    """The unified account, its venues, and the transfers that it rests on.

    Attributes:
        plan: Transfers that let every venue stand; None where none does.
        unreachable: What is lacking at venues and cannot be brought: it counts for nothing.
        offset: By how much the unified requirement is below the sum of the venues' own.
        offset_counted: The part of it that movable money can bear out within the horizon.
        safe: The unified account does not fail, and every venue stands after the plan.
    """

    unified: Status
    venues: tuple[VenueView, ...]
    plan: tuple[Transfer, ...] | None
    unreachable: Usd
    offset: Usd
    offset_counted: Usd
    latency: int
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
    """
    places = sorted({place_of(line) for line in taken.lines} | {place_of(p) for p in taken.positions})
    views = tuple(_venue(taken, place, venues.get(place, unified)) for place in places)
    whole = weigh_pools(taken, unified.policy, unified.rules, unified.mode)
    routes = [usable(route, unified.rules) for route in taken.routes if route.open and route.latency <= horizon]
    plan, unreachable = plan_transfers(views, routes)
    status = max((pool.status for pool in whole), key=list(Status).index, default=Status.HEALTHY)
    apart = sum(view.risk.initial for view in views)
    together = sum(pool.known_low.initial for pool in whole)
    offset = Usd(max(0, apart - together))
    moved = _movable(views, routes)
    return PoolView(
        unified=status,
        venues=views,
        plan=plan,
        unreachable=unreachable,
        offset=offset,
        offset_counted=Usd(min(offset, moved)),
        latency=max((t.latency for t in plan or ()), default=0),
        safe=plan is not None and status not in FAILING and all(v.known for v in views),
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


@dataclass(frozen=True, slots=True)
class UsableRoute:
    """A route with everything that arriving late costs: `kept` is what of a dollar counts at the end, ppm."""

    route: Route
    kept: int


def usable(route: Route, rules: MarginRules) -> UsableRoute:
    """What a route keeps of what is sent: less cost, less one move of the dearest volatility over its latency."""
    volatility = max(rules.volatility.values(), default=0)
    late = charge_root(rules.prices.z**2 * volatility**2 * route.latency, PPM * PPM * YEAR)
    kept = credit((PPM - route.cost) * (PPM - min(PPM, late)), PPM)
    return UsableRoute(route, kept)


def _movable(views: Sequence[VenueView], routes: Sequence[UsableRoute]) -> Usd:
    """The most that could be brought anywhere: never more than leaves a network, nor than its routes carry."""
    free: dict[str, int] = {}
    for view in views:
        free[view.place[0]] = free.get(view.place[0], 0) + view.free
    moved = 0
    for network, amount in sorted(free.items()):
        out = [r for r in routes if r.route.start == network]
        carried = sum(credit(*part_of(r.route.capacity, r.kept)) for r in out)
        best = max((r.kept for r in out), default=0)
        moved += min(carried, credit(*part_of(amount, best)))
    same = sum(amount for network, amount in free.items() if _several(views, network))
    return Usd(moved + same)


def _several(views: Sequence[VenueView], network: str) -> bool:
    """Money on a network with several venues moves between them without a route."""
    return len({view.place for view in views if view.place[0] == network}) > 1


def plan_transfers(
    views: Sequence[VenueView], routes: Sequence[UsableRoute]
) -> tuple[tuple[Transfer, ...] | None, Usd]:
    """
    The cheapest transfers between networks after which every venue stands, checked in integers.

    Venues of one network share its free money without a route.

    Returns:
        The plan, or None; and what is lacking in all that cannot be brought.
    """
    networks = sorted(
        {view.place[0] for view in views} | {r.route.start for r in routes} | {r.route.end for r in routes}
    )
    lacking = {n: sum(v.lacking for v in views if v.place[0] == n) for n in networks}
    free = {n: sum(v.free for v in views if v.place[0] == n) for n in networks}
    short = {n: max(0, lacking[n] - free[n]) for n in networks}
    spare = {n: max(0, free[n] - lacking[n]) for n in networks}
    if not any(short.values()):
        return (), ZERO
    from verifier.margin.models.transfer_plan import cheapest_flows

    ordered = sorted(routes, key=lambda r: (r.route.start, r.route.end))
    flows = cheapest_flows(networks, short, spare, ordered)
    made = _checked(flows, short, spare, ordered) if flows is not None else None
    if made is not None:
        return made, ZERO
    return None, Usd(sum(max(0, need - _reach(n, spare, ordered)) for n, need in short.items()))


def _checked(
    flows: Sequence[Usd], short: Mapping[str, int], spare: Mapping[str, int], routes: Sequence[UsableRoute]
) -> tuple[Transfer, ...] | None:
    """The solver's flows are a proposal: what leaves and what arrives is counted again, rounded against the account."""
    left, needs = dict(spare), dict(short)
    made = []
    for sent, used in zip(flows, routes, strict=True):
        if sent <= 0:
            continue
        arrives = Usd(credit(*part_of(sent, used.kept)))
        if sent > used.route.capacity:
            return None
        made.append(Transfer(used.route.start, used.route.end, sent, arrives, used.route.latency))
        left[used.route.start] -= sent
        needs[used.route.end] -= arrives
        left[used.route.end] += max(0, -needs[used.route.end])
    balanced = all(amount <= 0 for amount in needs.values()) and all(amount >= 0 for amount in left.values())
    return tuple(made) if balanced else None


def _reach(network: str, spare: Mapping[str, int], routes: Sequence[UsableRoute]) -> int:
    """The most that could come to one network directly."""
    into = [r for r in routes if r.route.end == network]
    return sum(credit(*part_of(min(r.route.capacity, spare[r.route.start]), r.kept)) for r in into)


def price_of_lock(route: UsableRoute) -> int:
    """h_lock: what collateral at the start of a route loses as support at its end, in ppm, rounded up."""
    return charge(PPM - route.kept)
