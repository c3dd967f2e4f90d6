"""How much must go: closed forms of partial liquidation, exact, before they are rounded up to a lot.

Every function takes plain numbers in one money unit and returns an exact fraction, or None where no amount helps: then
a partial liquidation makes things worse, and the position is closed in full or handed over.

Source: margin reference, sections 12.2 and 12.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from verifier.errors import BadInput

Number = int | Fraction


def perp_reduction(
    lacking: Number, price: Number, rate: Number, fees: Number = 0, target: Number = 1
) -> Fraction | None:
    """
    Units of a perpetual to close: `lacking / (P·(r·T − fees))`.

    Args:
        lacking: `MM·T − E`, what the account lacks of its target.
        fees: Of the liquidator and of the insurance fund, as a part of the notional.

    Returns:
        None where a closed unit costs at least what it releases.
    """
    released = Fraction(price) * (Fraction(rate) * target - fees)
    return max(Fraction(lacking), Fraction(0)) / released if released > 0 else None


def lending_repayment(
    weighted: Number, debt: Number, target: Number, bonus: Number, threshold: Number
) -> Fraction | None:
    """
    Debt to repay so that `W/D` reaches the target while collateral of `(1 + b)` its value is seized.

    `(T·D − W) / (T − (1+b)·LT)`.

    Returns:
        None where a repaid dollar takes away at least as much weighted collateral as the target asks for it.
    """
    below = target - (1 + Fraction(bonus)) * threshold
    return max(target * Fraction(debt) - weighted, Fraction(0)) / below if below > 0 else None


def two_weight_transfer(
    lacking: Number,
    price: Number,
    *,
    asset_weight: Number,
    liability_weight: Number,
    asset_multiplier: Number = 1,
    liability_multiplier: Number = 1,
    fee: Number = 0,
    step: Number | None = None,
) -> Fraction | None:
    """
    Units of a liability to take over against collateral: `lacking / (P_L·(w_L − w_A·m_A/m_L − fee·w_L))`.

    Args:
        price: Of the liability.
        asset_multiplier, liability_multiplier: What the liquidator gets more of the one, and pays less of the other.
        step: Where a venue rounds the converted asset weight down to a multiple of this.

    Returns:
        None where the transfer releases nothing.
    """
    converted = Fraction(asset_weight) * asset_multiplier / liability_multiplier
    if step is not None:
        converted = (converted / step).__floor__() * Fraction(step)
    released = Fraction(price) * (liability_weight - converted - Fraction(fee) * liability_weight)
    return max(Fraction(lacking), Fraction(0)) / released if released > 0 else None


def exchanged(
    amount: Number, price: Number, multiplier: Number, other_price: Number, other_multiplier: Number
) -> Fraction:
    """Units of the other side that a liquidator trades for `amount`: the values after both multipliers are equal."""
    return Fraction(amount) * price * other_multiplier / (Fraction(other_price) * multiplier)


def insurance_rate(
    lacking: Number,
    notional: Number,
    rate: Number,
    liquidator_fee: Number,
    most: Number,
    kept: Number = Fraction(19, 20),
) -> Fraction:
    """What the insurance fund may take of a closed notional so that closing all of it still covers what is lacking."""
    if notional <= 0:
        return Fraction(0)
    left = Fraction(rate) - liquidator_fee - Fraction(lacking) / notional
    return min(max(left * kept, Fraction(0)), Fraction(most))


def waiting_fee(base: Number, most: Number, elapsed: int, grace: int, per_unit: Number) -> Fraction:
    """A liquidator's fee that rises while nobody acts: the base up to the grace, then with all time elapsed."""
    return min(Fraction(base) + (elapsed * per_unit if elapsed > grace else 0), Fraction(most))


@dataclass(frozen=True, slots=True)
class Auction:
    """A sale of a share of a whole account at a discount to its mark.

    Attributes:
        value: MtM; `excess`: E − MM, below zero when it is for sale.
        reserved: Cash that an earlier buyer paid in: it is not sold again.
        buffer: How far above maintenance the account is to end, as a part of what lies between.
        discount: The part of the mark that a buyer pays, falling with time.
    """

    value: Fraction
    excess: Fraction
    reserved: Fraction
    buffer: Fraction
    discount: Fraction

    @property
    def lacking(self) -> Fraction:
        """`BM = MM_ex − buffer·(MtM − MM_ex)`: zero when the account is where it should be."""
        return self.excess - self.buffer * (self.value - self.excess)

    @property
    def most(self) -> Fraction:
        """The largest share that may be sold: after it the buffer margin is zero. `BM/(BM − MtM·d − R(1−d))`."""
        if self.lacking >= 0:
            return Fraction(0)
        below = self.lacking - self.value * self.discount - self.reserved * (1 - self.discount)
        return min(self.lacking / below, Fraction(1)) if below < 0 else Fraction(1)

    def price(self, share: Fraction) -> Fraction:
        """What a buyer pays for a share."""
        return (self.value - self.reserved) * self.discount * share

    def after(self, share: Fraction) -> Auction:
        """What is left: the rest scaled down, its cash and the payment beside it."""
        cash = self.reserved + self.price(share)
        value = (self.value - self.reserved) * (1 - share) + cash
        excess = (self.excess - self.reserved) * (1 - share) + cash
        return Auction(value, excess, cash, self.buffer, self.discount)


def auction_discount(elapsed: int) -> Fraction:
    """From 98 % to 80 % over the first 100 s, then in a straight line to nothing over 14,400 s."""
    if elapsed < 0:
        raise BadInput("elapsed", "at least 0 seconds", elapsed)
    if elapsed <= 100:
        return Fraction(98, 100) - Fraction(18, 100) * Fraction(elapsed, 100)
    return max(Fraction(80, 100) * (1 - Fraction(elapsed - 100, 14_400)), Fraction(0))


@dataclass(frozen=True, slots=True)
class CloseRules:
    """How much of a debt may be repaid at once.

    Attributes:
        factor: Of the whole debt.
        full_below: Health factor at or below which all of it may be.
        full_under: Value of the debt or the collateral under which all of it may be.
        least_left: No leftover may be smaller than this, unless nothing is left.
    """

    factor: Fraction = Fraction(1, 2)
    full_below: Fraction = Fraction(95, 100)
    full_under: Fraction = Fraction(2_000)
    least_left: Fraction = Fraction(1_000)

    def most(self, debt: Number, all_debt: Number, collateral: Number, health: Number) -> Fraction:
        """The largest repayable value of one debt."""
        full = health <= self.full_below or debt < self.full_under or collateral < self.full_under
        return Fraction(debt) if full else min(Fraction(debt), self.factor * all_debt)

    def leaves_no_dust(self, held: Number, taken: Number) -> bool:
        """Whether enough is left, or nothing."""
        return taken == held or held - taken >= self.least_left


def incentive_factor(threshold: int, cursor: int, most: int, unit: int = 10**18) -> int:
    """`min(most, 1/(1 − cursor·(1 − LLTV)))` in integers of 1/unit, each division rounded down."""
    return min(most, unit * unit // (unit - cursor * (unit - threshold) // unit))


def discounted_price(price: Number, storefront: Number, liquidation_factor: Number) -> Fraction:
    """What seized collateral is sold for: `P·(1 − storefront·(1 − liquidation factor))`."""
    return Fraction(price) * (1 - Fraction(storefront) * (1 - Fraction(liquidation_factor)))


@dataclass(frozen=True, slots=True)
class Shares:
    """Shares of a pool with virtual ones, so that the first holder cannot move the rate."""

    assets: int
    shares: int
    virtual_assets: int = 1
    virtual_shares: int = 10**6

    def down(self, shares: int) -> int:
        """Assets of shares, rounded down: what a holder gets."""
        return shares * (self.assets + self.virtual_assets) // (self.shares + self.virtual_shares)

    def up(self, shares: int) -> int:
        """Assets of shares, rounded up: what a debtor owes."""
        return -(-shares * (self.assets + self.virtual_assets) // (self.shares + self.virtual_shares))


def seized(repaid: int, factor: int, price: int, *, unit: int = 10**18, price_unit: int = 10**36) -> int:
    """Collateral for a repaid amount with its incentive: rounded down at each step, against the liquidator."""
    return repaid * factor // unit * price_unit // price


def half_up(value: int, numerator: int, denominator: int) -> int:
    """A venue's own rounding to the nearest, halves up; ours is against the account."""
    return (value * numerator + denominator // 2) // denominator


def bankruptcy_cost(notional_change: int, collateral: int, requirement_change: int, requirement: int) -> int:
    """
    What closing may cost at most so that the account's equity is shared by requirement: rounded against the closer.

    `−ΔNNV − ⌊TNC·|ΔMMR| / TMMR⌋`, in quote units.
    """
    if requirement <= 0:
        raise BadInput("requirement", "more than zero", requirement)
    return -notional_change - collateral * abs(requirement_change) // requirement


def fillable_price(
    notional: int, collateral: int, requirement: int, position_requirement: int, size: int,
    adjustment: Number = 1, spread: Number = 1,
) -> Fraction:  # fmt: skip
    """
    The price at which a liquidation order is offered: it moves from the mark as the account's ratio falls.

    `(PNNV − clamp(BA·(1 − TNC/TMMR), 0, 1)·SMMR·PMMR) / size`.
    """
    if requirement <= 0 or size == 0:
        raise BadInput("requirement and size", "more than zero, and not zero", (requirement, size))
    depth = adjustment * (1 - Fraction(collateral, requirement))
    share = min(max(depth, Fraction(0)), Fraction(1))
    return (notional - share * spread * position_requirement) / size


def insurance_change(fill: int, bankruptcy: int, max_fee: int, *, unit: int = 10**6) -> int:
    """
    What the insurance fund gains (at most a fee of `max_fee` parts of the fill) or loses when a fill meets bankruptcy.

    Args:
        fill: Quote the account receives, signed; `bankruptcy` is the least it may receive.
    """
    left = fill - bankruptcy
    return left if left <= 0 else min(left, abs(fill) * max_fee // unit)
