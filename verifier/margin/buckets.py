"""The parts of a snapshot by asset group, found once for all trials that share them, and what they weigh.

Source: margin reference, section 3.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Final, TypeVar

from verifier.margin.curves import Bracket, PoolLow, brackets
from verifier.margin.group_curve import GroupCurve, Parts, group_curve
from verifier.margin.haircut import PriceView
from verifier.margin.instruments import Future, Option
from verifier.margin.market import ExpiryQuote
from verifier.margin.parts import Part
from verifier.margin.rules import MarginRules
from verifier.margin.snapshot import Line, Order, Position, Quote, Snapshot
from verifier.policy import Policy

Key = tuple[int, ...]
Held = TypeVar("Held", Line, Position, Order)


class Bucket:
    """The parts of one asset group.

    Attributes:
        dated: Whether expiries or resting orders are among them: then they relieve or burden one another.
        kept: What they weigh, by what they were weighed under: the owner of the bucket knows what stands there.
        curves: By pool and by everything of a quote but its price.
        lows: By pool and the identity of a quote, which is kept alive: the low figure, as whoever weighs says it.
    """

    __slots__ = ("curves", "dated", "group", "kept", "lines", "lows", "orders", "positions")

    def __init__(
        self, group: str, lines: tuple[Line, ...], positions: tuple[Position, ...], orders: tuple[Order, ...]
    ) -> None:
        self.group, self.lines, self.positions, self.orders = group, lines, positions, orders
        self.dated = bool(orders) or any(isinstance(p.terms, Future | Option) for p in positions)
        self.kept: dict[object, tuple[Part, ...]] = {}
        self.curves: dict[object, GroupCurve | None] = {}
        self.lows: dict[tuple[object, ...], tuple[Quote | None, PoolLow]] = {}

    def forwards(self, taken: Snapshot) -> tuple[ExpiryQuote, ...]:
        """What is quoted for its expiries, where it has dated parts."""
        return tuple([e for e in taken.expiries if e.group == self.group]) if self.dated else ()

    @property
    def pockets(self) -> tuple[str, ...]:
        """Names of the pockets that have a part of it."""
        parts: tuple[Line | Position | Order, ...] = (*self.lines, *self.positions, *self.orders)
        return tuple(sorted({part.pocket for part in parts}))


class Shelf:
    """Buckets by the identity of their parts; parts are kept alive, so that an identity is never another's."""

    __slots__ = ("_books", "_buckets", "_tiers")

    def __init__(self) -> None:
        self._buckets: dict[tuple[str, int, Key, Key, Key], Bucket] = {}
        self._books: dict[Key, tuple[Snapshot, Mapping[str, Bucket]]] = {}
        self._tiers: dict[str, tuple[Bracket, ...]] = {}

    def of(self, snapshot: Snapshot) -> Mapping[str, Bucket]:
        """The buckets of a snapshot, in the order in which its groups appear."""
        key = (snapshot.as_of, id(snapshot.lines), id(snapshot.positions), id(snapshot.orders))
        found = self._books.get(key)
        if found is None:
            found = self._books[key] = (snapshot, self._sorted(snapshot))
        return found[1]

    def _sorted(self, snapshot: Snapshot) -> dict[str, Bucket]:
        lines, positions, orders = _by_group(snapshot.lines), _by_group(snapshot.positions), _by_group(snapshot.orders)
        at = snapshot.as_of
        return {
            group: self._bucket(group, at, lines.get(group, []), positions.get(group, []), orders.get(group, []))
            for group in dict.fromkeys((*lines, *positions, *orders))
        }

    def _bucket(self, group: str, at: int, lines: list[Line], positions: list[Position], orders: list[Order]) -> Bucket:
        key = (group, at, tuple(map(id, lines)), tuple(map(id, positions)), tuple(map(id, orders)))
        found = self._buckets.get(key)
        if found is None:
            found = self._buckets[key] = Bucket(group, tuple(lines), tuple(positions), tuple(orders))
        return found

    def tiers(self, group: str, rules: MarginRules) -> tuple[Bracket, ...]:
        """The brackets of a group's market."""
        found = self._tiers.get(group)
        if found is None:
            found = self._tiers[group] = brackets(rules.market(group))
        return found

    def curve(
        self,
        bucket: Bucket,
        pool: str | None,
        taken: Snapshot,
        view: PriceView,
        setting: tuple[Policy, MarginRules],
    ) -> GroupCurve | None:
        """
        A bucket's part of a pool as a function of its price; None where it has none.

        Args:
            pool: None for all of the bucket, where pockets are labels only.
            taken: For the quote, and what is quoted for expiries beside their forwards.
        """
        quote = taken.quotes.get(bucket.group)
        key = (pool, None) if quote is None else (pool, *_quote_but_price(quote))
        if key not in bucket.curves:
            policy, rules = setting
            parts = Parts(
                bucket.group,
                [line for line in bucket.lines if pool is None or line.pocket == pool],
                [p for p in bucket.positions if pool is None or p.pocket == pool],
                [order for order in bucket.orders if pool is None or order.pocket == pool],
                taken.as_of,
                view,
                bucket.forwards(taken),
            )
            bucket.curves[key] = group_curve(parts, policy, rules, self.tiers(bucket.group, rules))
        return bucket.curves[key]


_BUT_PRICE: Final = tuple(member.name for member in fields(Quote) if member.name != "price")


def _quote_but_price(quote: Quote) -> tuple[object, ...]:
    """All that a curve hangs on: whether there is a price, and everything else of the quote."""
    return (quote.price > 0, *[getattr(quote, name) for name in _BUT_PRICE])


def _by_group(parts: Iterable[Held]) -> dict[str, list[Held]]:
    found: dict[str, list[Held]] = {}
    for part in parts:
        found.setdefault(part.group, []).append(part)
    return found
