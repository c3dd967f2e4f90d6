"""One asset group of one pool as a function of its price: lines that net, positions one by one, and what is tied.

Source: margin reference, sections 4, 5 and 6.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from verifier.margin.cells import Cell, Forwards, Holdings, OptionCell, OrderCell
from verifier.margin.curves import (
    EMPTY,
    BeyondCurves,
    Bracket,
    LineCurve,
    Low,
    PerpCurve,
    line_curve,
    perp_curve,
    plus,
    weigh_net,
    with_needs,
)
from verifier.margin.fixed import MAX_PRICE
from verifier.margin.haircut import PriceView
from verifier.margin.instruments import LinearPerp, Option
from verifier.margin.positions import future_view
from verifier.margin.rules import MarginRules
from verifier.margin.snapshot import Line, Order, Position, Snapshot
from verifier.policy import Factors, Policy
from verifier.primitives import Timestamp


@dataclass(frozen=True, slots=True)
class GroupCurve:
    """One asset group of one pool: its lines net first, its perpetuals and futures stand one by one.

    Attributes:
        top: Up to which price everything that the price itself marks is known.
        cells: What is weighed together: options by expiry, and resting orders.
        options: Of those, by id.
    """

    group: str
    top: int
    lines: tuple[LineCurve, ...]
    perps: tuple[PerpCurve, ...]
    factors: Factors
    cells: tuple[Cell, ...] = ()
    options: Mapping[str, Position] | None = None

    @property
    def dated(self) -> bool:
        """Whether it takes more than the price to weigh it."""
        return bool(self.cells) or any(perp.expiry is not None for perp in self.perps)

    def net(self, price: int, amounts: Mapping[str, int], changed: str = "", amount: int = 0) -> Low:
        """What its lines weigh together, of these amounts by id; one of them changed, where it is named."""
        if not self.lines:
            return EMPTY
        net = initial = 0
        for line in self.lines:
            low, cautious = line.at(price, amount if line.id == changed else amounts[line.id])
            net += low
            initial += cautious
        return weigh_net(net, initial, self.factors)

    def at(self, price: int, forwards: Forwards = ()) -> Low:
        """
        All of it as it is held.

        Raises:
            BeyondCurves: A part has no figure there.
        """
        net = initial = 0
        for line in self.lines:
            counted, cautious = line.at(price, line.amount)
            net += counted
            initial += cautious
        low = weigh_net(net, initial, self.factors) if self.lines else EMPTY
        for perp in self.perps:
            low = with_needs(low, perp.at(price if perp.expiry is None else marked(perp, forwards), perp.size))
        for cell in self.cells:
            low = plus(low, cell.at(self.held(price, forwards)))
        return low

    def held(self, price: int, forwards: Forwards) -> Holdings:
        """All positions and orders as they are."""
        sizes = {perp.id: perp.size for perp in self.perps}
        sizes |= {option.id: option.size for option in (self.options or {}).values()}
        return Holdings(price, forwards, sizes, frozenset(name for cell in self.cells for name in cell.orders))

    def equity(self, price: int, forwards: Forwards = ()) -> int:
        """Its equity alone, of all as it is held."""
        equity = sum([line.amount * price * line.kept // line.whole for line in self.lines])
        if not self.dated:
            return equity + sum([perp.at(price, perp.size)[0] for perp in self.perps])
        for perp in self.perps:
            equity += perp.at(price if perp.expiry is None else marked(perp, forwards), perp.size)[0]
        now = Holdings(price, forwards, {}, frozenset())
        return equity + sum([cell.equity(now) for cell in self.cells])


def marked(perp: PerpCurve, forwards: Forwards) -> int:
    """What a future is marked at."""
    quoted = next(e for e in forwards if e.expiry == perp.expiry)
    mark = quoted.forward + quoted.fixed
    if mark > perp.top:
        raise BeyondCurves
    return mark


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything of one group in one pool, and what is quoted for it."""

    group: str
    lines: Sequence[Line]
    positions: Sequence[Position]
    orders: Sequence[Order]
    as_of: Timestamp
    view: PriceView
    forwards: Forwards = ()


def group_curve(parts: Parts, policy: Policy, rules: MarginRules, tiers: tuple[Bracket, ...]) -> GroupCurve | None:
    """The parts of one group in one pool; None where one of them has no curve."""
    view = parts.view
    lines = [line_curve(line, view, policy, rules) for line in parts.lines]
    perps = [_perp(p, parts, rules, tiers) for p in parts.positions if not isinstance(p.terms, Option)]
    known_lines = tuple([line for line in lines if line is not None])
    known_perps = tuple([perp for perp in perps if perp is not None])
    if len(known_lines) < len(lines) or len(known_perps) < len(perps):
        return None
    options = {p.id: p for p in parts.positions if isinstance(p.terms, Option)}
    if (options or parts.orders) and (view.price is None or not view.marks_burdens):
        return None
    tops = [line.top for line in known_lines] + [perp.top for perp in known_perps if perp.expiry is None]
    factors = policy.factors.get(parts.group, Factors())
    cells = _cells(parts, rules)
    return GroupCurve(parts.group, min(tops, default=MAX_PRICE), known_lines, known_perps, factors, cells, options)


def _perp(position: Position, parts: Parts, rules: MarginRules, tiers: tuple[Bracket, ...]) -> PerpCurve | None:
    """A perpetual at the price, a future at its forward where there is a usable one."""
    taken = Snapshot(as_of=parts.as_of, quotes={}, expiries=parts.forwards)
    view, _ = future_view(position, taken, parts.view, rules)
    expiry = None if view is parts.view else getattr(position.terms, "expiry", None)
    return perp_curve(position, view, rules, tiers, expiry)


def _cells(parts: Parts, rules: MarginRules) -> tuple[Cell, ...]:
    by_expiry: dict[Timestamp, list[Position]] = {}
    for position in parts.positions:
        if isinstance(position.terms, Option):
            by_expiry.setdefault(position.terms.expiry, []).append(position)
    taken = Snapshot(as_of=parts.as_of, quotes={})
    cells: list[Cell] = [
        OptionCell(tuple(legs), expiry, taken, parts.view, rules) for expiry, legs in sorted(by_expiry.items())
    ]
    if parts.orders:
        linear = tuple(p for p in parts.positions if isinstance(p.terms, LinearPerp))
        cells.append(OrderCell(tuple(parts.orders), linear, parts.view, rules))
    return tuple(cells)
