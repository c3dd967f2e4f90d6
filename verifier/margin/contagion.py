"""The contagion map: fail each thing, weigh the account again, and see who falls.

`C[source, target]` is the drop of the target's excess margin (E − MM, low figure) when the source fails: first by
itself, then after the forced sales it sets off. A source whose failure alone makes a pool fail that stood before is a
single point of failure.

Source: margin reference, section 13.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from verifier.margin.contagion_nodes import Failed, Kind, Node, Severity, fail, nodes
from verifier.margin.curves import EMPTY, PoolLow
from verifier.margin.fixed import Usd, charge
from verifier.margin.liquidation_goal import Goal
from verifier.margin.liquidation_loop import Rung, aftermath
from verifier.margin.liquidation_steps import Trading
from verifier.margin.models.selling import mark_after
from verifier.margin.positions import per_unit
from verifier.margin.snapshot import Line, Position, Snapshot
from verifier.margin.trial import Pool, Scales, Trial

NOTHING = PoolLow(known=True, low=EMPTY)
COARSE = 10_000
"""A map of many failures ends each loop where sales grow by less than a hundredth of a per cent."""


@dataclass(frozen=True, slots=True)
class Edge:
    """How much money one thing's failure takes from another, and why."""

    source: Node
    target: Node
    money: Usd
    reason: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one failure does.

    Attributes:
        drop: By pool, fall of E − MM; below zero where the failure frees margin. None where it cannot be said any more.
        after_sales: The same after the forced sales that follow; equal to `drop` where nobody has to sell.
        fallen: Pools that fail, which stood before: at once, and only after forced sales (`pulled`).
        shortfall: What the fallen leave unpaid.
    """

    node: Node
    drop: Mapping[str, Usd | None]
    after_sales: Mapping[str, Usd | None]
    fallen: tuple[str, ...]
    pulled: tuple[str, ...]
    hit: tuple[str, ...]
    shortfall: Usd
    rounds: int

    @property
    def single_point(self) -> bool:
        """Its failure alone makes a pool fail."""
        return bool(self.fallen)

    @property
    def total(self) -> Usd | None:
        """The drop over all pools; None where one of them cannot be said."""
        drops = list(self.drop.values())
        return None if any(d is None for d in drops) else Usd(sum(d for d in drops if d is not None))


@dataclass(frozen=True, slots=True)
class ContagionMap:
    """All failures, and the edges between things.

    Attributes:
        matrix: C[source][target] in 1e-18 USD, over pools.
        by_asset: The same over asset groups: whose part of the excess is lost.
        sales: Whether the forced sales that follow a failure were run.
    """

    before: tuple[Pool, ...]
    outcomes: tuple[Outcome, ...]
    edges: tuple[Edge, ...]
    by_asset: Mapping[Node, Mapping[str, Usd | None]]
    sales: bool = True

    @property
    def matrix(self) -> dict[Node, Mapping[str, Usd | None]]:
        """Sources in order, targets by pool."""
        return {outcome.node: outcome.drop for outcome in self.outcomes}

    @property
    def single_points(self) -> tuple[Node, ...]:
        """Things whose failure alone brings a pool down that stands now."""
        return tuple(outcome.node for outcome in self.outcomes if outcome.single_point)

    def above(self, least: int) -> tuple[Edge, ...]:
        """Edges of at least this much money, the heaviest first."""
        kept = [edge for edge in self.edges if edge.money >= least]
        return tuple(sorted(kept, key=lambda edge: (-edge.money, edge.source, edge.target)))


def contagion(
    scales: Scales,
    trial: Trial,
    trading: Trading,
    severity: Severity | None = None,
    goal: Goal | None = None,
    ladder: Mapping[str, tuple[Rung, ...]] | None = None,
    *,
    sales: bool | None = None,
) -> ContagionMap:
    """
    Fail each node of an account in turn.

    Args:
        sales: Whether to run the forced sales that follow; where it is not said, for accounts whose risk adds up:
            with scenarios every sale reprices the whole book, and a map would take minutes.
    """
    wanted = scales.adds_up(trial.snapshot) if sales is None else sales
    bad = Severity() if severity is None else severity
    before = scales.weigh(trial)
    outcomes, edges = [], []
    by_asset: dict[Node, Mapping[str, Usd | None]] = {}
    parts, now = _excess_by_group(scales, trial), scales.lows(trial)
    loops = (trading, goal, ladder) if wanted else None
    for node in nodes(trial.snapshot):
        ways = _ways(scales, (trial, now), node, bad)
        outcomes.append(_worst_of([_outcome(scales, before, node, way, loops) for way in ways]))
        failed = ways[0][0]
        by_asset[node] = _drops(parts, _excess_by_group(scales, failed.trial))
        edges += _edges(trial, node, failed, trading)
    edges += [_onto_pool(o.node, pool, drop) for o in outcomes for pool, drop in o.drop.items() if drop]
    return ContagionMap(before, tuple(outcomes), tuple(edges), MappingProxyType(by_asset), wanted)


Lows = Mapping[str, PoolLow]


def _ways(scales: Scales, now: tuple[Trial, Lows], node: Node, severity: Severity) -> list[tuple[Failed, Lows]]:
    """The ways a failure may go, and the pools then; first the one that leaves least excess, or has no figure."""
    ways = []
    for failed in fail(now[0], node, severity, scales.setting.rules):
        pools: Lows = scales.lows(failed.trial)
        if node.kind is Kind.POSITION:
            failed, pools = _loss_stays(scales, now, (failed, pools), node.name)  # noqa: PLW2901
        ways.append((failed, pools))

    def left(way: tuple[Failed, Lows]) -> tuple[bool, int]:
        return all(pool.known for pool in way[1].values()), sum(pool.buffer for pool in way[1].values())

    return sorted(ways, key=left)


def _worst_of(ways: list[Outcome]) -> Outcome:
    """A failure that may go either way is as bad as each pool's worst: what one pool gains is nothing to another."""
    first = ways[0]
    if len(ways) == 1:
        return first
    fallen = dict.fromkeys(name for way in ways for name in way.fallen)
    pulled = dict.fromkeys(name for way in ways for name in way.pulled if name not in fallen)
    return replace(
        first,
        drop=_largest([way.drop for way in ways]),
        after_sales=_largest([way.after_sales for way in ways]),
        fallen=tuple(fallen),
        pulled=tuple(pulled),
        shortfall=Usd(max(way.shortfall for way in ways)),
        rounds=max(way.rounds for way in ways),
    )


def _largest(drops: list[Mapping[str, Usd | None]]) -> Mapping[str, Usd | None]:
    found: dict[str, Usd | None] = {}
    for name in drops[0]:
        known = [taken for taken in (drop[name] for drop in drops) if taken is not None]
        found[name] = max(known) if len(known) == len(drops) else None
    return MappingProxyType(found)


def _loss_stays(scales: Scales, now: tuple[Trial, Lows], after: tuple[Failed, Lows], name: str) -> tuple[Failed, Lows]:
    """What a vanished position had lost is owed; what it had gained is gone."""
    (trial, before), (failed, pools) = now, after
    position = next(p for p in trial.snapshot.positions if p.id == name)
    pool = "" if scales.one_pool else position.pocket
    left = pools[pool] if pool in pools else scales.low(failed.trial, pool)
    gained = before[pool].low[0] - left.low[0]
    if gained >= 0:
        return failed, pools
    owing = failed.trial.paid(pool, gained)
    return replace(failed, trial=owing), scales.lows(owing)


Loops = tuple[Trading, Goal | None, Mapping[str, tuple[Rung, ...]] | None]


def _outcome(
    scales: Scales, before: tuple[Pool, ...], node: Node, failure: tuple[Failed, Lows], loops: Loops | None
) -> Outcome:
    stood, (failed, after) = {pool.name for pool in before if not pool.fails}, failure
    drop = _pool_drops(before, after)
    fallen = tuple(name for name, pool in after.items() if pool.fails and name in stood)
    first = Outcome(node, drop, drop, fallen, (), failed.hit, Usd(0), 0)
    if loops is None:
        return first
    trading, goal, ladder = loops
    crowded = any(rung for rungs in (ladder or {}).values() for rung in rungs)
    if not any(pool.fails and pool.known for pool in after.values()) and not crowded:
        return first
    stuck = replace(trading, frozen=trading.frozen | failed.frozen)
    loop = aftermath(scales, failed.trial, stuck, goal, ladder, close=COARSE)
    pulled = tuple(name for name in loop.fallen if name in stood and name not in fallen)
    return Outcome(node, drop, _pool_drops(before, loop.lows), fallen, pulled, failed.hit, loop.shortfall, loop.rounds)


def _pool_drops(before: tuple[Pool, ...], now: Mapping[str, PoolLow]) -> Mapping[str, Usd | None]:
    drops: dict[str, Usd | None] = {}
    for was in before:
        left = now.get(was.name, NOTHING)
        drops[was.name] = Usd(was.low.buffer - left.buffer) if was.low_known and left.known else None
    return MappingProxyType(drops)


def _excess_by_group(scales: Scales, trial: Trial) -> dict[str, Usd | None]:
    """Each asset's part of the excess, where risk adds up; nothing where it does not."""
    snapshot = trial.snapshot
    if not scales.adds_up(snapshot):
        return {}
    found: dict[str, Usd | None] = {}
    for group, bucket in scales.buckets(snapshot).items():
        names = ("",) if scales.one_pool else bucket.pockets
        parts = [scales.low_of_group(snapshot, bucket, name) for name in names]
        found[group] = Usd(sum(part.buffer for part in parts)) if all(part.known for part in parts) else None
    return found


def _drops(before: Mapping[str, Usd | None], after: Mapping[str, Usd | None]) -> Mapping[str, Usd | None]:
    drops: dict[str, Usd | None] = {}
    for group, was in before.items():
        left = after.get(group, Usd(0))
        drops[group] = None if was is None or left is None else Usd(was - left)
    return MappingProxyType(drops)


REASONS: Mapping[Kind, str] = MappingProxyType(
    {
        Kind.NETWORK: "held on the network, or open there",
        Kind.PROTOCOL: "deposited in the protocol, or open there",
        Kind.BRIDGE: "wrapped by the bridge",
        Kind.ORACLE: "priced by the source",
        Kind.ASSET: "valued at its price",
        Kind.POSITION: "its sale moves the mark",
        Kind.POOL: "in the pocket",
    }
)


def _edges(trial: Trial, node: Node, failed: Failed, trading: Trading) -> list[Edge]:
    """From a failing thing to the assets and positions that it touches, by their values at the mark."""
    if node.kind is Kind.POSITION:
        return _second_round(trial, node, trading)
    hit = frozenset(failed.hit)
    lines: dict[str, int] = {}
    for line in trial.snapshot.lines:
        if line.id in hit and not line.liability:
            lines[line.group] = lines.get(line.group, 0) + _worth(trial, line)
    edges = [
        Edge(node, Node(Kind.ASSET, group), Usd(money), REASONS[node.kind])
        for group, money in sorted(lines.items())
        if money and Node(Kind.ASSET, group) != node
    ]
    positions = [p for p in trial.snapshot.positions if p.id in hit and p.size]
    return edges + [Edge(node, Node(Kind.POSITION, p.id), Usd(_worth(trial, p)), REASONS[node.kind]) for p in positions]


def _second_round(trial: Trial, node: Node, trading: Trading) -> list[Edge]:
    """What closing a position does to the marks of everything else in its asset: `∂P/∂Q·exposure`."""
    position = next(p for p in trial.snapshot.positions if p.id == node.name)
    price = trial.price(position.group)
    if price is None:
        return []
    worth = _worth(trial, position)
    moved = mark_after(trading.impact(position.group), price, worth if position.size > 0 else -worth) - price
    others = _exposure(trial.snapshot, position.group, node.name)
    loss = -sum(moved * units * 10**18 // 10**decimals for units, decimals in others) // 10**18
    target = Node(Kind.ASSET, position.group)
    return [Edge(node, target, Usd(loss), REASONS[Kind.POSITION])] if loss > 0 else []


def _exposure(snapshot: Snapshot, group: str, but: str) -> list[tuple[int, int]]:
    lines = [(line.amount or 0, line.decimals) for line in snapshot.lines if line.group == group]
    positions = [(p.size, p.decimals) for p in snapshot.positions if p.group == group and p.id != but]
    return lines + positions


def _worth(trial: Trial, part: Line | Position) -> int:
    """What it trades for; a part that is worth more than can be true has no low figure, and its edge says as much."""
    price = trial.price(part.group) or 0
    if isinstance(part, Position):
        return charge(abs(part.size) * per_unit(part, price), 10**part.decimals)
    return charge(abs(part.amount or 0) * price, 10**part.decimals)


def _onto_pool(node: Node, pool: str, drop: Usd) -> Edge:
    """Collateral and gains that a pool shares: what it loses when one supplier fails."""
    return Edge(node, Node(Kind.POOL, pool), drop, "excess margin that it supplies")
