"""Closed forms of the liquidation price, for one position and for venues that have one: exact fractions.

They hold with everything else fixed and take plain numbers in one money unit. The price of a whole account, with all
its positions, debts and haircuts, is found by `liquidation_price.py`; these are what it is compared with.

Source: margin reference, section 10.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from verifier.errors import BadInput

Number = int | Fraction


@dataclass(frozen=True, slots=True)
class Bracket:
    """A tier: from this notional on the maintenance is `N·rate − amount`."""

    above: Number
    rate: Number
    amount: Number = 0


@dataclass(frozen=True, slots=True)
class Leg:
    """A linear position at its mark.

    Attributes:
        size: Signed units.
    """

    size: Number
    entry: Number
    mark: Number
    rate: Number
    amount: Number = 0

    @property
    def profit(self) -> Fraction:
        """Unrealised, signed."""
        return Fraction(self.size) * (Fraction(self.mark) - self.entry)

    @property
    def maintenance(self) -> Fraction:
        """What its tier requires."""
        return abs(Fraction(self.size)) * self.mark * self.rate - self.amount


def linear_cross(
    wallet: Number,
    size: Number,
    entry: Number,
    tiers: Sequence[Bracket],
    others: Sequence[Leg] = (),
    *,
    held: Number = 0,
    near: Number | None = None,
) -> Fraction | None:
    """
    The price at which equity meets maintenance, the other legs at their marks: the root nearest to `near`.

    Each tier is solved by itself, and a root is kept where its notional lies in its tier.

    Args:
        wallet: Money and haircut collateral that does not move with this price.
        held: Units of the same asset held as collateral, after haircut: it moves with the price.
        near: The current price; the entry where it is not given.

    Returns:
        None where no positive price does.
    """
    q, own = Fraction(size), Fraction(held)
    fixed = Fraction(wallet) + sum((leg.profit - leg.maintenance for leg in others), Fraction(0)) - q * entry
    found = []
    for tier, upper in zip(tiers, [*tiers[1:], None], strict=True):
        slope = abs(q) * tier.rate - q - own
        if slope == 0:
            continue
        root = (fixed + tier.amount) / slope
        notional = abs(q) * root
        if root > 0 and tier.above <= notional and (upper is None or notional <= upper.above):
            found.append(root)
    now = Fraction(entry if near is None else near)
    return min(found, key=lambda root: (abs(root - now), root), default=None)


def isolated_maintenance_at_entry(side: int, entry: Number, leverage: Number, rate: Number) -> Fraction:
    """`entry·(1 − s(1/L − r))`: the venue takes maintenance on the notional at entry."""
    return entry * (1 - _side(side) * (1 / _positive("leverage", leverage) - rate))


def isolated_with_fee(
    side: int, entry: Number, leverage: Number, size: Number, rate: Number, fee: Number
) -> Fraction | None:
    """`(entry − s·margin/|q|)/(1 − s(r + fee))`, with the margin of the leverage at entry."""
    margin = abs(Fraction(size)) * entry / _positive("leverage", leverage)
    below = 1 - _side(side) * (Fraction(rate) + fee)
    if below <= 0:
        return None
    return (entry - _side(side) * margin / _positive("size", abs(Fraction(size)))) / below


def from_available_margin(
    side: int, price: Number, size: Number, available: Number, max_leverage: Number
) -> Fraction | None:
    """
    `P − s·available/|q|/(1 − l·s)` with `l = 1/(2·max leverage)`: half of the initial margin is maintenance.

    Args:
        available: Margin above maintenance at `price`, signed.
    """
    s, rate = _side(side), 1 / (2 * _positive("max_leverage", max_leverage))
    found = price - s * Fraction(available) / _positive("size", abs(Fraction(size))) / (1 - rate * s)
    return found if found > 0 else None


def isolated_from_margin(
    side: int, entry: Number, size: Number, margin: Number, max_leverage: Number
) -> Fraction | None:
    """The same, for a position whose margin is known at entry."""
    rate = 1 / (2 * _positive("max_leverage", max_leverage))
    available = Fraction(margin) - abs(Fraction(size)) * entry * rate
    return from_available_margin(side, entry, size, available, max_leverage)


def inverse(side: int, entry: Number, leverage: Number, rate: Number) -> Fraction | None:
    """
    A coin-margined position with margin `1/L` and maintenance `r` of its value at entry, all counted in coin.

    `entry·L/(L + s − s·L·r)`: a long loses coin faster as the price falls.

    Returns:
        None where no price does: a short without leverage can lose no more coin than it has.
    """
    below = _positive("leverage", leverage) + _side(side) * (1 - Fraction(leverage) * rate)
    return entry * Fraction(leverage) / below if below > 0 else None


def _side(side: int) -> int:
    if side not in (1, -1):
        raise BadInput("side", "1 or -1", side)
    return side


def _positive(what: str, value: Number) -> Fraction:
    if value <= 0:
        raise BadInput(what, "more than zero", value)
    return Fraction(value)
