"""The price of one asset at which the account's status flips: everything else fixed, everything included.

Equity and requirement are the engine's own, with all positions, debts, haircuts and tiers. Between tier bounds both are
straight lines in the price, so a change of sign between two neighbouring bounds is a root and no root is missed; it
is then closed in on until two prices one unit (1e-18 USD) apart lie on either side of it.

Source: margin reference, section 10.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from verifier.margin.curves import PoolLow
from verifier.margin.fixed import MAX_PRICE, Price, credit
from verifier.margin.pool_curve import PoolCurve
from verifier.margin.seek import Point, turning_point
from verifier.margin.snapshot import Snapshot
from verifier.margin.trial import Scales, Trial, with_parts
from verifier.policy import PPM

REACH: Final = 100
"""Prices from a hundredth to a hundredfold of the present one are looked at."""
STEPS: Final = 12
"""Steps of the grid on each side besides the bounds of tiers: enough to meet bends that no tier explains."""


@dataclass(frozen=True, slots=True)
class LiquidationPrice:
    """Where the status of a pool flips, on each side of the present price of one asset.

    Attributes:
        lower, upper: The nearest price at which the pool fails (or, where it fails already, stands again); one unit
            nearer to the present price it does not. None where none is in reach.
        already: The pool fails now.
    """

    pool: str
    group: str
    price: Price
    lower: Price | None
    upper: Price | None
    already: bool

    @property
    def fall(self) -> int | None:
        """The relative fall to the lower price, in ppm, rounded down: the room there is at least."""
        return None if self.lower is None else credit((self.price - self.lower) * PPM, self.price)

    @property
    def rise(self) -> int | None:
        """The relative rise to the upper price, in ppm, rounded down."""
        return None if self.upper is None else credit((self.upper - self.price) * PPM, self.price)


def liquidation_prices(scales: Scales, trial: Trial) -> tuple[LiquidationPrice, ...]:
    """For every pool and every priced asset in it; pools without a low figure have none."""
    made = []
    for name, pool in scales.lows(trial).items():
        if pool.known:
            curve = PoolCurve(scales, trial, name)
            made += [_flips(scales, trial, name, group, curve) for group in exposed(trial, name, scales)]
    return tuple(made)


def exposed(trial: Trial, pool: str, scales: Scales) -> tuple[str, ...]:
    """Priced groups that a pool holds, owes or has positions in."""
    part = of_pool(trial.snapshot, pool, scales)
    held = {line.group for line in part.lines if line.amount}
    held |= {position.group for position in part.positions if position.size}
    return tuple(group for group in sorted(held) if trial.price(group) is not None)


def of_pool(snapshot: Snapshot, pool: str, scales: Scales) -> Snapshot:
    """A pool's part of a snapshot: all of it where there is one pool."""
    if scales.one_pool:
        return snapshot
    return with_parts(
        snapshot,
        lambda line: line if line.pocket == pool else None,
        lambda position: position if position.pocket == pool else None,
    )


def liquidation_price(scales: Scales, trial: Trial, pool: str, group: str) -> LiquidationPrice:
    """The flips of one pool's status along one asset's price."""
    return _flips(scales, trial, pool, group, PoolCurve(scales, trial, pool))


def _flips(scales: Scales, trial: Trial, pool: str, group: str, curve: PoolCurve) -> LiquidationPrice:
    now = trial.price(group)
    if now is None:
        return LiquidationPrice(pool, group, Price(0), None, None, scales.low(trial, pool).fails)

    def weighed(price: int) -> PoolLow:
        return curve.at({group: Price(price)})

    bends = _bends(trial.snapshot, group, scales)
    already = weighed(now).fails
    least, most = now // REACH + 1, min(now * REACH - 1, MAX_PRICE)
    down = [p for p in [*_grid(now, -1), *bends, least] if least <= p < now]
    up = [p for p in [*_grid(now, 1), *bends, most] if now < p <= most]
    return LiquidationPrice(
        pool,
        group,
        now,
        _first_flip(weighed, now, sorted(set(down), reverse=True), already=already),
        _first_flip(weighed, now, sorted(set(up)), already=already),
        already,
    )


def _grid(now: int, side: int) -> list[int]:
    """Steps that grow with the distance: 2 %, 4 %, 8 %, … of the price, down to a hundredth and up to a hundredfold."""
    found = []
    for n in range(STEPS):
        share = PPM + 20_000 * (2**n - 1) + 20_000
        found.append(now * share // PPM if side > 0 else now * PPM // share)
    return found


def _bends(snapshot: Snapshot, group: str, scales: Scales) -> list[int]:
    """Prices at which a position of the group passes from one tier into the next."""
    tiers = scales.setting.rules.market(group).tiers[1:]
    return [
        tier.above * 10**position.decimals // abs(position.size)
        for position in snapshot.positions
        if position.group == group and position.size
        for tier in tiers
    ]


def _first_flip(weighed: Callable[[int], PoolLow], now: int, prices: list[int], *, already: bool) -> Price | None:
    def probe(price: int) -> Point:
        pool = weighed(price)
        return Point(price, pool.fails != already, pool.buffer)

    before = probe(now)
    for price in prices:
        found = probe(price)
        if found.turned:
            return Price(turning_point(probe, before, found).at)
        before = found
    return None
