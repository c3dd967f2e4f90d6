"""How much more, and how much less: limits of exposure that keep a buffer, and how leveraged an account is.

Limits are found on the engine, to one unit. A scaled book keeps its equity: what is closed or opened at the mark
gains and loses nothing by itself.

Source: margin reference, sections 9 and 16.1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from verifier.margin.cells import Forwards
from verifier.margin.curves import EMPTY, BeyondCurves, Low, PerpCurve, plus, swapped, with_needs
from verifier.margin.fixed import MAX_USD, Price, Usd, charge
from verifier.margin.group_curve import GroupCurve, marked
from verifier.margin.joint_moves import JointMoves, joint_moves
from verifier.margin.liquidation_price import of_pool
from verifier.margin.models.joint import half_kelly
from verifier.margin.pool_curve import PoolCurve
from verifier.margin.positions import notional
from verifier.margin.risk import Ratio
from verifier.margin.seek import Point, turning_point
from verifier.margin.snapshot import Line, Position
from verifier.margin.trial import Scales, Trial, with_parts
from verifier.policy import PPM

MOST_SCALE: Final = 100 * PPM
TRADE_DECIMALS: Final = 9
TRIED: Final = "tried-position"


@dataclass(frozen=True, slots=True)
class Limit:
    """The largest amount that leaves the account with its buffer, in base units; None where none does."""

    name: str
    amount: int | None
    decimals: int


@dataclass(frozen=True, slots=True)
class Leverage:
    """How leveraged a pool is, and what it could still do.

    Attributes:
        gross: Σ|notional| of positions, and debts.
        leverage: Gross over equity; None without equity.
        effective: By group, |∂(E)/∂ln P| over equity, as exact ratios.
        scale: Largest multiple of all positions that keeps `E ≥ buffer·IM`, in ppm; None where even none does.
        target_scale: Target distance over the present one, in ppm: what would bring it there.
        trades: Largest new linear trade by market and side: "buy ETH", "sell ETH".
        withdrawals: Largest amount of each holding that may leave.
        half_kelly: By group, in ppm of equity: information, not a limit.
    """

    pool: str
    buffer: int
    gross: Usd
    leverage: Ratio | None
    effective: Mapping[str, Ratio]
    scale: int | None
    target_scale: int | None
    trades: tuple[Limit, ...]
    withdrawals: tuple[Limit, ...]
    half_kelly: Mapping[str, int]
    moves: JointMoves


def leverage(
    scales: Scales,
    trial: Trial,
    pool: str,
    *,
    buffer: int = PPM,
    target: int = 5 * PPM,
    still: frozenset[str] = frozenset(),
) -> Leverage | None:
    """
    What a pool carries and could carry; None without a low figure.

    Args:
        buffer: Multiple of IM that equity must keep, in ppm.
        target: Distance to default wanted, in daily standard deviations, ppm.
    """
    state = scales.pool(trial, pool)
    moves = joint_moves(scales, trial, pool, still=still)
    if moves is None:
        return None
    part = of_pool(trial.snapshot, pool, scales)
    gross = sum(_worth(trial, p) for p in part.positions) + sum(_worth(trial, x) for x in part.lines if x.liability)
    equity, far = state.low.equity, moves.distance.deviations
    markets = sorted({p.group for p in part.positions} & trial.snapshot.quotes.keys())
    return Leverage(
        pool=pool,
        buffer=buffer,
        gross=Usd(gross),
        leverage=Ratio(gross, equity) if equity > 0 else None,
        effective={g: Ratio(abs(s), equity) for g, s in moves.slopes.items() if s} if equity > 0 else {},
        scale=largest_scale(scales, trial, pool, buffer),
        target_scale=None if far is None or far <= 0 else far * PPM // target,
        trades=tuple(largest_trade(scales, trial, pool, g, side, buffer) for g in markets for side in (1, -1)),
        withdrawals=tuple(
            largest_withdrawal(scales, trial, pool, x, buffer) for x in part.lines if not x.liability and x.amount
        ),
        half_kelly=_kelly(trial, markets),
        moves=moves,
    )


def _kelly(trial: Trial, markets: list[str]) -> dict[str, int]:
    found = {group: half_kelly(trial.snapshot.returns.get(group, ())) for group in markets}
    return {group: share for group, share in found.items() if share is not None}


def _worth(trial: Trial, part: Line | Position) -> int:
    price = trial.price(part.group) or 0
    if isinstance(part, Position):
        return notional(part, price)
    return charge(abs(part.amount or 0) * price, 10**part.decimals)


def _spare(scales: Scales, trial: Trial, pool: str, buffer: int) -> int:
    """E less the buffered requirement; far below zero without a low figure."""
    known, low = scales.low(trial, pool)
    return low[0] - charge(low[1] * buffer, PPM) if known else -MAX_USD


def _largest(most: int, spare: Callable[[int], int]) -> int | None:
    """The largest amount up to `most` that spares something; None where nothing does."""

    def probe(amount: int) -> Point:
        left = spare(amount)
        return Point(amount, left < 0, left)

    nothing, all_of_it = probe(0), probe(most)
    if nothing.turned:
        return None
    return most if not all_of_it.turned else turning_point(probe, nothing, all_of_it).at - 1


def scaled(scales: Scales, trial: Trial, pool: str, share: int) -> Trial:
    """The same with every position of a pool scaled, and its equity kept."""

    def one(position: Position) -> Position:
        inside = scales.one_pool or position.pocket == pool
        return replace(position, size=position.size * share // PPM) if inside else position

    before = scales.pool(trial, pool).low.equity
    changed = replace(trial, snapshot=with_parts(trial.snapshot, position=one))
    return changed.paid(pool, before - scales.pool(changed, pool).low.equity)


def largest_scale(scales: Scales, trial: Trial, pool: str, buffer: int = PPM) -> int | None:
    """Multiple of all positions, in ppm; at most a hundredfold."""
    try:
        spare = _scaled_spare(PoolCurve(scales, trial, pool), trial, buffer)
        if spare is not None:
            return _largest(MOST_SCALE, spare)
    except BeyondCurves:
        pass
    return _largest(MOST_SCALE, lambda share: _spare(scales, scaled(scales, trial, pool, share), pool, buffer))


def _scaled_spare(curve: PoolCurve, trial: Trial, buffer: int) -> Callable[[int], int] | None:
    """What is spared at a multiple of all positions; None where some of them cannot be weighed at the largest."""
    held = curve.all_held()
    if held is None:
        return None
    books = [_Book(one, trial.price(one.group) or 0, curve.forwards(one.group)) for one, _ in held.values()]
    if not all(book.reaches(MOST_SCALE // PPM) for book in books):
        return None
    equity, still = curve.at({}).low[0], EMPTY
    for _, low in held.values():
        still = plus(still, low)
    for book in books:
        still = swapped(still, book.at(PPM), EMPTY)

    def spare(share: int) -> int:
        # What is opened or closed at the mark leaves equity as it is.
        total = still
        for book in books:
            total = plus(total, book.at(share))
        return equity - charge(curve.weighed(total)[1] * buffer, PPM)

    return spare


@dataclass(frozen=True, slots=True)
class _Book:
    """The positions and orders of one group at its price."""

    curve: GroupCurve
    price: int
    forwards: Forwards

    def mark(self, perp: PerpCurve) -> int:
        return self.price if perp.expiry is None else marked(perp, self.forwards)

    def reaches(self, multiple: int) -> bool:
        """Whether every perpetual and future can be weighed at a multiple of its size."""
        return all(perp.reaches(self.mark(perp), perp.size * multiple) for perp in self.curve.perps)

    def at(self, share: int) -> Low:
        """All of them at a share of their sizes, in ppm; orders as they are."""
        low = EMPTY
        for perp in self.curve.perps:
            low = with_needs(low, perp.at(self.mark(perp), perp.size * share // PPM))
        if self.curve.cells:
            now = self.curve.held(self.price, self.forwards)
            scaled_now = replace(now, sizes={part: size * share // PPM for part, size in now.sizes.items()})
            for cell in self.curve.cells:
                low = plus(low, cell.at(scaled_now))
        return low


def largest_trade(scales: Scales, trial: Trial, pool: str, group: str, side: int, buffer: int = PPM) -> Limit:
    """
    A new linear trade at the mark, in units of 10^-9.

    The largest size above which the buffer is lost, even where a larger one would hedge again.
    """
    price = trial.price(group)
    name = f"{'buy' if side > 0 else 'sell'} {group}"
    if price is None:
        return Limit(name, None, TRADE_DECIMALS)

    equity = max(scales.low(trial, pool).low[0], 0)
    most = max(0, min(equity * 100, MAX_USD // 10) * 10**TRADE_DECIMALS // price)
    made = _trade(pool, group, side * most, price)
    quick = _spare_with(scales, trial, made, buffer)

    def spare(amount: int) -> int:
        if amount == 0:
            return _spare(scales, trial, pool, buffer)
        if quick is not None:
            return quick(side * amount)
        return _spare(scales, _with_trade(trial, replace(made, size=side * amount)), pool, buffer)

    return Limit(name, _largest(most, spare), TRADE_DECIMALS)


def _spare_with(scales: Scales, trial: Trial, made: Position, buffer: int) -> Callable[[int], int] | None:
    """What is spared with a new perpetual of some size, up to its own; None where it has no curve."""
    curve = PoolCurve(scales, trial, made.pocket)
    held, price = curve.held(made.group), trial.price(made.group)
    perp = scales.perp_curve(trial.snapshot, made)
    if held is None or price is None or perp is None or price > perp.top:
        return None

    def spare(size: int) -> int:
        low = curve.swapped(made.group, with_needs(held[1], perp.at(price, size)), burdens=True)
        return low[0] - charge(low[1] * buffer, PPM)

    return spare


def _trade(pool: str, group: str, size: int, price: Price) -> Position:
    return Position(id=TRIED, group=group, size=size, decimals=TRADE_DECIMALS, entry=price, pocket=pool)


def _with_trade(trial: Trial, made: Position) -> Trial:
    return replace(trial, snapshot=replace(trial.snapshot, positions=(*trial.snapshot.positions, made)))


def largest_withdrawal(scales: Scales, trial: Trial, pool: str, holding: Line, buffer: int = PPM) -> Limit:
    """What of a holding may leave, encumbered parts aside, in its base units."""

    curve = PoolCurve(scales, trial, pool)
    held, price = curve.held(holding.group), trial.price(holding.group)
    whole = holding.amount or 0

    def spare(amount: int) -> int:
        if held is not None and price is not None:
            one, now = held
            amounts = {line.id: line.amount for line in one.lines}
            net = one.net(price, amounts, holding.id, whole - amount)
            low = curve.swapped(holding.group, swapped(now, one.net(price, amounts), net))
            return low[0] - charge(low[1] * buffer, PPM)
        taken = with_parts(
            trial.snapshot,
            lambda x: replace(x, amount=(x.amount or 0) - amount) if x.id == holding.id else x,
        )
        return _spare(scales, replace(trial, snapshot=taken), pool, buffer)

    free = max(0, (holding.amount or 0) - holding.encumbered)
    return Limit(holding.id, _largest(free, spare), holding.decimals)
