"""What of an asset group is weighed together: the options of one expiry, and the resting orders of its market.

A cell asks the engine for these parts alone, at any price, forwards and sizes, and keeps what it was told: what-ifs
close one part of an account and ask for all of it again.

Source: margin reference, sections 5 and 6.4.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from verifier.margin.curves import BeyondCurves, Low, low_of
from verifier.margin.fixed import Price
from verifier.margin.haircut import PriceView
from verifier.margin.market import ExpiryQuote
from verifier.margin.parts import total_of
from verifier.margin.positions import weigh_orders
from verifier.margin.rules import MarginRules
from verifier.margin.snapshot import Order, Position, Snapshot
from verifier.primitives import Timestamp

Forwards = tuple[ExpiryQuote, ...]
"""What is quoted for the expiries of one underlying."""


@dataclass(frozen=True, slots=True)
class Holdings:
    """What a cell is weighed at.

    Attributes:
        sizes: Of positions, by id; `resting` the orders that were not cancelled.
    """

    price: int
    forwards: Forwards
    sizes: Mapping[str, int]
    resting: frozenset[str]


class Cell(Protocol):
    """Parts that are weighed together."""

    @property
    def parts(self) -> tuple[str, ...]:
        """Ids of the positions whose sizes it depends on."""

    @property
    def orders(self) -> tuple[str, ...]:
        """Ids of its orders."""

    def at(self, now: Holdings) -> Low:
        """Its part of a low figure.

        Raises:
            BeyondCurves: It has none there.
        """

    def equity(self, now: Holdings) -> int:
        """Its equity alone; nothing is kept of it."""


@dataclass(frozen=True, slots=True)
class OptionCell:
    """The options of one expiry."""

    legs: tuple[Position, ...]
    expiry: Timestamp
    taken: Snapshot
    view: PriceView
    rules: MarginRules
    kept: dict[object, Low] = field(default_factory=dict)
    orders: tuple[str, ...] = ()

    @property
    def parts(self) -> tuple[str, ...]:
        """Its legs."""
        return tuple([leg.id for leg in self.legs])

    def at(self, now: Holdings) -> Low:
        """As `weigh_options`, in the low figure."""
        quoted = tuple([e for e in now.forwards if e.expiry == self.expiry])
        sizes = tuple([now.sizes[leg.id] for leg in self.legs])
        key = (now.price, quoted[0].forward if quoted else None, sizes)
        found = self.kept.get(key)
        if found is None:
            found = self.kept[key] = self._weighed(now.price, quoted, sizes)
        return found

    def equity(self, now: Holdings) -> int:
        """As `weigh_options`, of equity alone."""
        # The models load numpy and scipy, which an account without options has no use for.
        from verifier.margin.models.options import equity_low

        quoted = tuple([e for e in now.forwards if e.expiry == self.expiry])
        taken = self.taken.requoted({}, quoted)
        found = equity_low(self.legs[0].group, self.expiry, self.legs, taken, _at(self.view, now.price), self.rules)
        if found is None:
            raise BeyondCurves
        return found

    def _weighed(self, price: int, quoted: Forwards, sizes: tuple[int, ...]) -> Low:
        from verifier.margin.models.options import weigh_low

        legs = [replace(leg, size=size) for leg, size in zip(self.legs, sizes, strict=True)]
        taken = self.taken.requoted({}, quoted)
        found = weigh_low(legs[0].group, self.expiry, legs, taken, _at(self.view, price), self.rules)
        if found is None:
            raise BeyondCurves
        return low_of(total_of(found))


@dataclass(frozen=True, slots=True)
class OrderCell:
    """The resting orders of one market, on top of the linear perpetuals that stand."""

    resting: tuple[Order, ...]
    perps: tuple[Position, ...]
    view: PriceView
    rules: MarginRules

    @property
    def parts(self) -> tuple[str, ...]:
        """The perpetuals that stand."""
        return tuple([perp.id for perp in self.perps])

    @property
    def orders(self) -> tuple[str, ...]:
        """Its orders."""
        return tuple([order.id for order in self.resting])

    def at(self, now: Holdings) -> Low:
        """As `weigh_orders`."""
        left = [order for order in self.resting if order.id in now.resting]
        if not left:
            return 0, 0, 0, 0, 0, 0, 0
        stands = [replace(perp, size=now.sizes[perp.id]) for perp in self.perps]
        found = weigh_orders(left[0].group, left, stands, _at(self.view, now.price), self.rules)
        if not found.known:
            raise BeyondCurves
        return low_of(found.risk)

    def equity(self, now: Holdings) -> int:  # noqa: ARG002 - the interface
        """An order has none before it is filled."""
        return 0


def _at(view: PriceView, price: int) -> PriceView:
    return replace(view, price=Price(price))


def moved(forwards: Forwards, price: int, before: int) -> Forwards:
    """Forwards after a move of the spot price: each keeps at least one unit, none of them is ever zero."""
    return tuple([forward_at(e, price, before) for e in forwards])


def forward_at(expiry: ExpiryQuote, price: int, before: int) -> ExpiryQuote:
    """One forward after it."""
    forward = expiry.forward * price // before
    return replace(expiry, forward=Price(forward if forward + expiry.fixed > 0 else 1))
