"""Money between networks: what of one can support another in time, and the cheapest transfers that do.

Collateral on one network supports another at `(1 − cost)(1 − z·σ·√latency)`: what is sent loses the cost, and what it
is worth may fall while it is under way. A closed route, or one too slow, carries nothing; where no plan is feasible,
that part of the pool does not count.

Source: margin reference, section 17.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from verifier.margin.fixed import Usd, charge, credit
from verifier.margin.haircut import price_age_haircut
from verifier.margin.market import Route
from verifier.margin.models.money import loss_of, usd_float
from verifier.margin.models.programme import transfers as solve
from verifier.policy import PPM


@dataclass(frozen=True, slots=True)
class Transfer:
    """Money sent along a route, and what of it counts at its end."""

    start: str
    end: str
    sent: Usd
    counted: Usd
    latency: int


@dataclass(frozen=True, slots=True)
class TransferPlan:
    """The cheapest way to give every network what it lacks.

    Attributes:
        unmet: What cannot be brought in time, by network; empty where everything can.
        latency: Of the slowest route used, in seconds.
    """

    transfers: tuple[Transfer, ...]
    cost: Usd
    unmet: Mapping[str, Usd]
    latency: int

    @property
    def feasible(self) -> bool:
        """Whether every network gets what it lacks."""
        return not self.unmet


def lock_haircut(route: Route, volatility: int, z: int) -> int:
    """`h_lock = 1 − (1 − cost)(1 − z·σ·√latency)` in ppm, rounded up; all of it where the route is closed."""
    if not route.open:
        return PPM
    move = min(price_age_haircut(route.latency, volatility, z), PPM)
    return PPM - credit((PPM - route.cost) * (PPM - move), PPM)


def plan_transfers(
    lacking: Mapping[str, int],
    free: Mapping[str, int],
    routes: Sequence[Route],
    *,
    volatility: int,
    z: int,
    horizon: int,
) -> TransferPlan:
    """
    The transfers of least cost that end every lack; what no transfers can end is `unmet`.

    Args:
        lacking, free: By network, in 1e-18 USD; a network has one or the other.
        volatility: Annual, ppm, of what is sent.
        horizon: Seconds within which it must arrive.
    """
    places = sorted({*lacking, *free})
    usable = [r for r in sorted(routes, key=lambda r: (r.start, r.end)) if _usable(r, places, horizon)]
    cuts = [lock_haircut(route, volatility, z) for route in usable]
    needs = {place: max(0, lacking.get(place, 0)) for place in places}
    unmet: dict[str, Usd] = {}
    flows = _solved(places, needs, free, usable, cuts)
    if flows is None:
        flows, unmet = _best_effort(places, needs, free, usable, cuts)
    return _made(usable, cuts, flows, unmet)


def _usable(route: Route, places: Sequence[str], horizon: int) -> bool:
    return route.open and route.latency <= horizon and route.start in places and route.end in places


def _solved(
    places: Sequence[str],
    needs: Mapping[str, int],
    free: Mapping[str, int],
    routes: Sequence[Route],
    cuts: Sequence[int],
) -> list[Usd] | None:
    if not any(needs.values()):
        return [Usd(0)] * len(routes)
    index = {place: n for n, place in enumerate(places)}
    # A whisker more than is lacking, so that rounding to integers does not leave it short again.
    asked = [usd_float(needs[place] + needs[place] // 10**9) for place in places]
    has = [usd_float(max(0, free.get(place, 0))) for place in places]
    given = [
        (index[r.start], index[r.end], usd_float(r.capacity), cut / PPM) for r, cut in zip(routes, cuts, strict=True)
    ]
    found = solve(asked, has, given)
    return None if found is None else [loss_of(max(0, amount)) for amount in found.amounts]


def _best_effort(
    places: Sequence[str],
    needs: Mapping[str, int],
    free: Mapping[str, int],
    routes: Sequence[Route],
    cuts: Sequence[int],
) -> tuple[list[Usd], dict[str, Usd]]:
    """The largest common share of every lack that can be met, by bisection; the rest is unmet."""
    low, high = 0, PPM
    while high - low > 1:
        middle = (low + high) // 2
        part = {place: need * middle // PPM for place, need in needs.items()}
        low, high = (middle, high) if _solved(places, part, free, routes, cuts) is not None else (low, middle)
    part = {place: need * low // PPM for place, need in needs.items()}
    flows = _solved(places, part, free, routes, cuts) or [Usd(0)] * len(routes)
    return flows, {place: Usd(need - part[place]) for place, need in needs.items() if need > part[place]}


def _made(routes: Sequence[Route], cuts: Sequence[int], flows: Sequence[Usd], unmet: Mapping[str, Usd]) -> TransferPlan:
    sent = [
        Transfer(r.start, r.end, flow, Usd(credit(flow * (PPM - cut), PPM)), r.latency)
        for r, cut, flow in zip(routes, cuts, flows, strict=True)
        if flow > 0
    ]
    cost = sum(charge(t.sent * r.cost, PPM) for t in sent for r in routes if (r.start, r.end) == (t.start, t.end))
    return TransferPlan(tuple(sent), Usd(cost), dict(sorted(unmet.items())), max((t.latency for t in sent), default=0))
