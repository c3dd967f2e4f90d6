"""Past prices onto one clock, and their moves: what statistics rest on.

Ticks lie a step apart, counted back from the newest price. A price stands for the tick that it is nearest to, nearer
than half a step. A move is taken where every asset has a price at both ends of a step: nothing is filled in, so that no
move is made up.

Source: margin reference, section 8.1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import log
from types import MappingProxyType
from typing import Final

from verifier.errors import BadInput
from verifier.margin.fixed import Price
from verifier.primitives import Timestamp

LEAST: Final = 30
"""Fewer joint moves than this say nothing of how assets move together."""
MOST_TICKS: Final = 10_000
UNIT: Final = 10**9

Dated = tuple[Timestamp, Price]


@dataclass(frozen=True, slots=True)
class Past:
    """
    Joint moves of the assets that have enough of them.

    Attributes:
        step: Seconds between two ticks.
        returns: Log returns by asset, in units of 1e-9, oldest first, all of one length; empty where there are too few.
        moves: How many joint moves there are, whether enough or not.
        scarce: Assets with too few prices to take part.
    """

    step: int
    returns: Mapping[str, tuple[int, ...]] = field(default_factory=lambda: MappingProxyType({}))
    moves: int = 0
    scarce: tuple[str, ...] = ()

    @property
    def enough(self) -> bool:
        """Whether there is anything to rest on."""
        return bool(self.returns)


def aligned(prices: Mapping[str, Sequence[Dated]], step: int) -> Past:
    """
    The joint moves of dated prices, in any order.

    Raises:
        BadInput: A step of no time, or a price that is none.
    """
    if step < 1:
        raise BadInput("step", "at least a second", step)
    if any(price <= 0 for dated in prices.values() for _, price in dated):
        raise BadInput("past prices", "above zero", "zero or less")
    newest = max((at for dated in prices.values() for at, _ in dated), default=Timestamp(0))
    ticks = {group: _ticks(dated, newest, step) for group, dated in sorted(prices.items())}
    scarce = tuple(group for group, found in ticks.items() if len(found) <= LEAST)
    known = {group: found for group, found in ticks.items() if group not in scarce}
    joint = set.intersection(*(set(found) for found in known.values())) if known else set()
    # Ticks count backwards: a move leads from the older one, which has the larger number.
    ends = sorted((tick for tick in joint if tick + 1 in joint), reverse=True)
    if len(ends) < LEAST:
        return Past(step, moves=len(ends), scarce=scarce)
    returns = {group: tuple(_move(found[tick + 1], found[tick]) for tick in ends) for group, found in known.items()}
    return Past(step, MappingProxyType(returns), len(ends), scarce)


def _ticks(dated: Sequence[Dated], newest: int, step: int) -> dict[int, Price]:
    """The nearest price of each tick, by steps before the newest; of two as near, the later."""
    found: dict[int, tuple[int, Price]] = {}
    for at, price in sorted(dated):
        tick = (2 * (newest - at) + step) // (2 * step)
        off = abs(newest - at - tick * step)
        if tick <= MOST_TICKS and 2 * off < step and (tick not in found or off <= found[tick][0]):
            found[tick] = (off, price)
    return {tick: price for tick, (_, price) in found.items()}


def _move(before: Price, after: Price) -> int:
    return round(log(after / before) * UNIT)
