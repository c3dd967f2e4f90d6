"""What may fail, and what a failure does to a snapshot.

Every failure is an edit of the snapshot that the engine then weighs; nothing is guessed beyond the severities, which
are parameters. Debts and losses stay: a failure never forgives.

Source: margin reference, section 13.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from verifier.errors import BadInput
from verifier.margin.fixed import Price, credit
from verifier.margin.rules import MarginRules
from verifier.margin.snapshot import Line, Position, Quote, Snapshot
from verifier.margin.trial import Trial, at_prices, with_parts
from verifier.policy import PPM
from verifier.primitives import Timestamp

UNNAMED: Final = "unnamed"
"""A price source that nobody named is one source too."""


class Kind(StrEnum):
    """What can fail."""

    POSITION = "position"
    ASSET = "asset"
    NETWORK = "network"
    PROTOCOL = "protocol"
    BRIDGE = "bridge"
    ORACLE = "oracle"
    POOL = "pool"


@dataclass(frozen=True, slots=True, order=True)
class Node:
    """One thing that can fail, by name."""

    kind: Kind
    name: str

    def __str__(self) -> str:
        return f"{self.kind.value}:{self.name or 'cross'}"


@dataclass(frozen=True, slots=True)
class Severity:
    """How bad a failure is, in ppm of what is lost.

    Attributes:
        asset: Move of a failing asset's price, to whichever side hurts the account more.
        protocol: Of what is deposited in a failing protocol; encumbered or not.
        network: Of what lies on a halted network: it cannot be moved, so it counts for nothing.
        bridge: Of an asset wrapped by a frozen bridge.
    """

    asset: int = 500_000
    protocol: int = PPM
    network: int = PPM
    bridge: int = PPM

    def __post_init__(self) -> None:
        for name in ("asset", "protocol", "network", "bridge"):
            if not 0 <= getattr(self, name) <= PPM:
                raise BadInput(f"severity.{name}", "0 to 1,000,000 ppm", getattr(self, name))


@dataclass(frozen=True, slots=True)
class Failed:
    """The account after a failure.

    Attributes:
        frozen: Parts that can no longer be traded.
        hit: Lines and positions that the failure touched.
    """

    trial: Trial
    frozen: frozenset[str]
    hit: tuple[str, ...]


def network_of(part: Line | Position) -> str:
    """Where a part lives; empty where nobody said."""
    if part.network or isinstance(part, Position):
        return part.network
    return "" if part.provenance is None else part.provenance.network


def nodes(snapshot: Snapshot) -> tuple[Node, ...]:
    """Everything in a snapshot that can fail, in the order of kinds and names."""
    parts: tuple[Line | Position, ...] = (*snapshot.lines, *snapshot.positions)
    found = {Node(Kind.POSITION, p.id) for p in snapshot.positions if p.size}
    found |= {Node(Kind.ASSET, part.group) for part in parts if part.group in snapshot.quotes}
    found |= {Node(Kind.NETWORK, network_of(part)) for part in parts if network_of(part)}
    found |= {Node(Kind.PROTOCOL, part.protocol) for part in parts if part.protocol}
    found |= {Node(Kind.BRIDGE, line.bridge) for line in snapshot.lines if line.bridge}
    found |= {Node(Kind.BRIDGE, route.bridge) for route in snapshot.routes if route.bridge}
    groups = {part.group for part in parts}
    found |= {Node(Kind.ORACLE, q.source or UNNAMED) for group, q in snapshot.quotes.items() if group in groups}
    found |= {Node(Kind.POOL, part.pocket) for part in parts if part.pocket}
    order = tuple(Kind)
    return tuple(sorted(found, key=lambda node: (order.index(node.kind), node.name)))


def fail(trial: Trial, node: Node, severity: Severity, rules: MarginRules) -> tuple[Failed, ...]:
    """The account after one failure; several where it may go either way (a price), the worst of which counts."""
    match node.kind:
        case Kind.POSITION:
            return (_position(trial, node.name),)
        case Kind.ASSET:
            return _asset(trial, node.name, severity.asset)
        case Kind.NETWORK:
            return (_place(trial, node.name, severity.network, by_network=True),)
        case Kind.PROTOCOL:
            return (_place(trial, node.name, severity.protocol, by_network=False),)
        case Kind.BRIDGE:
            return (_bridge(trial, node.name, severity.bridge),)
        case Kind.ORACLE:
            return (_oracle(trial, node.name, rules),)
        case Kind.POOL:
            return (_pool(trial, node.name),)


def _position(trial: Trial, name: str) -> Failed:
    """It is closed without being asked for: a gain is not paid out, and what it hedged stands bare."""
    taken = with_parts(trial.snapshot, position=lambda p: None if p.id == name else p)
    return Failed(replace(trial, snapshot=taken), frozenset(), (name,))


def _asset(trial: Trial, name: str, move: int) -> tuple[Failed, ...]:
    quote = trial.snapshot.quotes[name]
    hit = _parts_in(trial.snapshot, name)
    found = []
    for share in (PPM - move, PPM + move):
        price = Price(max(credit(quote.price * share, PPM), 1))
        found.append(Failed(replace(trial, snapshot=at_prices(trial.snapshot, {name: price})), frozenset(), hit))
    return tuple(found)


def _parts_in(snapshot: Snapshot, group: str) -> tuple[str, ...]:
    lines = [line.id for line in snapshot.lines if line.group == group]
    return (*lines, *(p.id for p in snapshot.positions if p.group == group))


def _place(trial: Trial, name: str, loss: int, *, by_network: bool) -> Failed:
    """What lies there is lost or stuck, gains there are not paid, debts and losses stay; nothing is traded."""
    hit: list[str] = []

    def here(part: Line | Position) -> bool:
        found = (network_of(part) if by_network else part.protocol) == name
        if found:
            hit.append(part.id)
        return found

    taken = with_parts(
        trial.snapshot,
        lambda line: _cut(line, loss) if here(line) else line,
        lambda position: replace(position, counts_gain=False) if here(position) else position,
    )
    routes = trial.snapshot.routes
    if by_network:
        routes = tuple(replace(r, open=False) if name in (r.start, r.end) else r for r in routes)
    return Failed(replace(trial, snapshot=replace(taken, routes=routes)), frozenset(hit), tuple(hit))


def _bridge(trial: Trial, name: str, loss: int) -> Failed:
    hit = tuple(line.id for line in trial.snapshot.lines if line.bridge == name)
    taken = with_parts(trial.snapshot, lambda line: _cut(line, loss) if line.bridge == name else line)
    routes = tuple(replace(r, open=False) if r.bridge == name else r for r in trial.snapshot.routes)
    return Failed(replace(trial, snapshot=replace(taken, routes=routes)), frozenset(hit), hit)


def _oracle(trial: Trial, name: str, rules: MarginRules) -> Failed:
    """All it prices is a second beyond its limit: collateral counts nothing, burdens are marked up or unknown."""
    stale = Timestamp(trial.snapshot.as_of - rules.prices.max_age - 1)
    groups = {group for group, quote in trial.snapshot.quotes.items() if (quote.source or UNNAMED) == name}

    def aged(group: str, quote: Quote) -> Quote:
        return replace(quote, at=min(stale, quote.at)) if group in groups else quote

    quotes = {group: aged(group, quote) for group, quote in trial.snapshot.quotes.items()}
    hit = tuple(part for group in sorted(groups) for part in _parts_in(trial.snapshot, group))
    taken = replace(trial.snapshot, quotes=MappingProxyType(quotes))
    return Failed(replace(trial, snapshot=taken), frozenset(), hit)


def _pool(trial: Trial, name: str) -> Failed:
    """A pocket is gone with everything in it."""
    parts: tuple[Line | Position, ...] = (*trial.snapshot.lines, *trial.snapshot.positions)
    hit = tuple(part.id for part in parts if part.pocket == name)
    taken = with_parts(
        trial.snapshot,
        lambda line: None if line.pocket == name and not line.liability else line,
        lambda position: replace(position, counts_gain=False) if position.pocket == name else position,
    )
    return Failed(replace(trial, snapshot=taken), frozenset(hit), hit)


def _cut(line: Line, loss: int) -> Line:
    """A holding without what is lost, rounded down; a debt as it is."""
    if line.liability or line.amount is None:
        return replace(line, last_amount=None) if not line.liability else line
    left = credit(line.amount * (PPM - loss), PPM)
    return replace(line, amount=left, encumbered=min(line.encumbered, left))
