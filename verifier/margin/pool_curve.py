"""A pool's low figure at other prices: only the groups that a price moves are weighed again.

Source: margin reference, sections 3 and 10.
"""

from __future__ import annotations

from collections.abc import Mapping

from verifier.margin.cells import Forwards, moved
from verifier.margin.curves import BeyondCurves, Low, PoolLow, floored, plus, swapped, with_money
from verifier.margin.fixed import Price
from verifier.margin.group_curve import GroupCurve
from verifier.margin.parts import burdened
from verifier.margin.trial import Scales, Trial


class PoolCurve:
    """One pool of a trial. Where risk does not add up, or a group has no curve, the engine weighs the whole."""

    __slots__ = (
        "_adds_up",
        "_burdened",
        "_curves",
        "_forwards",
        "_lows",
        "_pool",
        "_scales",
        "_total",
        "_trial",
        "known",
    )

    def __init__(self, scales: Scales, trial: Trial, pool: str) -> None:
        self._scales, self._trial, self._pool = scales, trial, pool
        snapshot = trial.snapshot
        self._adds_up = scales.adds_up(snapshot)
        self._curves: dict[str, GroupCurve | None] = {}
        self._forwards: dict[str, Forwards] = {}
        self._lows: dict[str, Low] = {}
        self.known = not snapshot.doubts
        total: Low = (0, 0, 0, 0, 0, 0, 0)
        for group, bucket in scales.buckets(snapshot).items() if self._adds_up else ():
            if scales.one_pool or pool in bucket.pockets:
                known, low = scales.low_of_group(snapshot, bucket, pool)
                self._curves[group] = scales.curve(snapshot, bucket, pool)
                self._forwards[group] = bucket.forwards(snapshot)
                self._lows[group], self.known = low, self.known and known
                total = plus(total, low)
        self._total = total
        self._burdened = scales.floored and pool in burdened(snapshot, scales.setting.mode)

    def at(self, prices: Mapping[str, Price]) -> PoolLow:
        """Its low figure with some groups at other prices."""
        if not self._follows(prices):
            return self._scales.low(self._trial.at(prices), self._pool)
        total = self._total
        try:
            for group, price in prices.items():
                curve = self._curves.get(group)
                if curve is not None:
                    total = swapped(total, self._lows[group], curve.at(price, self._forwards_at(group, price)))
        except BeyondCurves:
            return self._scales.low(self._trial.at(prices), self._pool)
        return PoolLow(self.known, self.weighed(total))

    def _forwards_at(self, group: str, price: int) -> Forwards:
        forwards = self._forwards[group]
        return moved(forwards, price, self._trial.price(group) or 1) if forwards else ()

    def swapped(self, group: str, now: Low, *, burdens: bool = False) -> Low:
        """Its low figure with another part of one group's.

        Args:
            burdens: A position is added, so that the floor stands in any case.
        """
        return self.weighed(swapped(self._total, self._lows[group], now), burdens=burdens)

    def weighed(self, total: Low, *, burdens: bool = False) -> Low:
        """A sum over groups, with the floor under it and cash beside it."""
        if self._burdened or (burdens and self._scales.floored):
            total = floored(total, self._scales.setting.rules.floor)
        return with_money(total, self._trial.cash.get(self._pool, 0))

    def held(self, group: str) -> tuple[GroupCurve, Low] | None:
        """A group's curve and what it weighs now, where another line or perpetual adds to it by itself; None where it
        has none or orders rest there, or some of the pool has no low figure.
        """
        found = self._known(group)
        return None if found is None or any(cell.orders for cell in found[0].cells) else found

    def _known(self, group: str) -> tuple[GroupCurve, Low] | None:
        curve = self._curves.get(group)
        price = self._trial.price(group)
        if curve is None or not self.known or price is None or price > curve.top:
            return None
        return curve, self._lows[group]

    def all_held(self) -> dict[str, tuple[GroupCurve, Low]] | None:
        """Of every group, orders or not; None where one of them has none."""
        found = {group: self._known(group) for group in self._curves}
        known = {group: held for group, held in found.items() if held is not None}
        return known if self._adds_up and len(known) == len(found) else None

    def forwards(self, group: str) -> Forwards:
        """What is quoted for a group's expiries, where it has dated parts."""
        return self._forwards.get(group, ())

    def equity(self, prices: Mapping[str, Price]) -> int:
        """Its equity alone; nothing is remembered of it."""
        if not self._follows(prices):
            return Scales(self._scales.setting).low(self._trial.at(prices), self._pool).low[0]
        total = self._total[0] + self._trial.cash.get(self._pool, 0)
        try:
            for group, price in prices.items():
                curve = self._curves.get(group)
                if curve is not None:
                    total += curve.equity(price, self._forwards_at(group, price)) - self._lows[group][0]
        except BeyondCurves:
            return Scales(self._scales.setting).low(self._trial.at(prices), self._pool).low[0]
        return total

    def _follows(self, prices: Mapping[str, Price]) -> bool:
        """Whether every group that moves is not in the pool, or has a curve as far as its price."""
        if not self._adds_up:
            return False
        for group, price in prices.items():
            curve = self._curves.get(group)
            if curve is None:
                if group in self._curves:
                    return False
            elif price > curve.top or self._trial.price(group) is None:
                return False
        return True
