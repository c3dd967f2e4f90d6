"""Weighted health: a venue's own rule of balances, resting orders and one perpetual, in exact fractions.

    health = Σ balance·price·weight,  an asset's weight at most 1, a debt's at least 1

What may still happen to resting orders is counted as the worst of it, and no order fills better than the mark.

Source: margin reference, sections 4 and 5; Mango v4 `health/cache.rs`, Drift v2 `math/margin.rs`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import isqrt
from typing import Final

from verifier.errors import BadInput

ZERO: Final = Fraction(0)
ONE: Final = Fraction(1)
_ROOT_SCALE: Final = 10**18


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightedToken:
    """A token's net balance in whole units, below zero where it is owed, and how the venue weighs it.

    Attributes:
        deposits, deposit_limit: What the whole venue holds, and from which value on its weight falls; in units, in USD.
        borrows, borrow_limit: What the whole venue owes, and from which value on its weight rises.
        potential: What resting orders of the whole venue may still deposit.
    """

    balance: Fraction
    price: Fraction
    asset_weight: Fraction
    debt_weight: Fraction
    deposits: Fraction = ZERO
    deposit_limit: Fraction | None = None
    borrows: Fraction = ZERO
    borrow_limit: Fraction | None = None
    potential: Fraction = ZERO

    def __post_init__(self) -> None:
        if not 0 <= self.asset_weight <= 1 or self.debt_weight < 1 or self.price < 0:
            got = (self.asset_weight, self.debt_weight, self.price)
            raise BadInput("weighted token", "asset weight 0 to 1, debt weight at least 1, a price", got)

    def worth(self, amount: Fraction) -> Fraction:
        """The health of an amount of it, at its weight."""
        return amount * self.price * (self.scaled_asset_weight if amount > 0 else self.scaled_debt_weight)

    @property
    def scaled_asset_weight(self) -> Fraction:
        """Less, once the venue holds more than its limit."""
        return scaled_down(self.asset_weight, (self.deposits + self.potential) * self.price, self.deposit_limit)

    @property
    def scaled_debt_weight(self) -> Fraction:
        """More, once the venue owes more than its limit."""
        if self.borrow_limit is None or self.borrows * self.price <= self.borrow_limit:
            return self.debt_weight
        return self.debt_weight * (self.borrows * self.price) / self.borrow_limit


@dataclass(frozen=True, slots=True, kw_only=True)
class SpotOrder:
    """What resting orders of one spot market have reserved: by index of its tokens, in whole units.

    Attributes:
        ask, bid: Limit prices in quote for one base; None where they are no worse than the mark.
    """

    base: int
    quote: int
    base_amount: Fraction
    quote_amount: Fraction
    ask: Fraction | None = None
    bid: Fraction | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightedPerp:
    """A perpetual: base and orders in whole units of the underlying, quote and price in USD.

    Attributes:
        overall_weight: What a gain counts before it is settled.
        settle: Index of the token it settles in.
    """

    base: Fraction
    quote: Fraction
    bids: Fraction
    asks: Fraction
    price: Fraction
    asset_weight: Fraction
    debt_weight: Fraction
    overall_weight: Fraction
    settle: int

    @property
    def worst(self) -> Fraction:
        """The worse of all bids and all asks filling at the mark, in USD; a gain at the overall weight."""
        worst = min(self._after(self.bids), self._after(-self.asks))
        return worst * self.overall_weight if worst > 0 else worst

    def _after(self, filled: Fraction) -> Fraction:
        base, quote = self.base + filled, self.quote - filled * self.price
        return base * self.price * (self.asset_weight if base > 0 else self.debt_weight) + quote


def health(
    tokens: Sequence[WeightedToken], orders: Sequence[SpotOrder] = (), perps: Sequence[WeightedPerp] = ()
) -> Fraction:
    """The account's health, in USD: enough where it is at least zero."""
    balances = [token.balance for token in tokens]
    for perp in perps:
        balances[perp.settle] += perp.worst / tokens[perp.settle].price
    reserved = list(balances)
    converted = [_converted(order, tokens) for order in orders]
    for order, (as_base, as_quote) in zip(orders, converted, strict=True):
        reserved[order.base] += as_base
        reserved[order.quote] += as_quote
    found = sum((token.worth(balance) for token, balance in zip(tokens, balances, strict=True)), ZERO)
    for order, (as_base, as_quote) in zip(orders, converted, strict=True):
        base = _effect(tokens[order.base], reserved[order.base], as_base)
        quote = _effect(tokens[order.quote], reserved[order.quote], as_quote)
        found += min(base, quote)
    return found


def _converted(order: SpotOrder, tokens: Sequence[WeightedToken]) -> tuple[Fraction, Fraction]:
    """Everything reserved as base, and as quote: at the mark, or at the order's own limit where that is worse."""
    mark = tokens[order.base].price / tokens[order.quote].price
    buy = mark if order.bid is None else max(mark, order.bid)
    sell = mark if order.ask is None else min(mark, order.ask)
    return order.base_amount + order.quote_amount / buy, order.quote_amount + order.base_amount * sell


def _effect(token: WeightedToken, most: Fraction, amount: Fraction) -> Fraction:
    """What an amount adds on top of everything else that may come: first paying back, where that is owed."""
    least = most - amount
    repaid = max(ZERO, min(-least, amount))
    kept = amount - repaid
    return token.price * (kept * token.scaled_asset_weight + repaid * token.scaled_debt_weight)


def scaled_down(weight: Fraction, value: Fraction, limit: Fraction | None) -> Fraction:
    """A weight that falls as `limit / value` beyond the limit."""
    return weight if limit is None or value <= limit else weight * limit / value


def size_discounted(weight: Fraction, size: Fraction, factor: Fraction) -> Fraction:
    """An asset weight that falls with size: `min(w, 1.1 / (1 + f·√size))`; the root is rounded up."""
    return min(weight, Fraction(11, 10) / (1 + factor * root(size)))


def size_raised(weight: Fraction, size: Fraction, factor: Fraction) -> Fraction:
    """A debt weight that rises with size: `max(w, 0.8·w + f·√size)`; the root is rounded up."""
    return max(weight, weight * Fraction(4, 5) + factor * root(size))


def root(number: Fraction) -> Fraction:
    """A square root to 18 digits, rounded up: exact where it can be."""
    scaled = number * _ROOT_SCALE**2
    whole = -(-scaled.numerator // scaled.denominator)
    found = isqrt(whole)
    return Fraction(found if found * found == whole else found + 1, _ROOT_SCALE)


def open_interest_rate(initial: int, open_interest: int, lower: int, upper: int, whole: int) -> int:
    """An initial rate that rises with a venue's open interest, in a straight line to the whole; rounded up.

    Args:
        initial: At and below the lower cap, in units of which `whole` is 100 %.
        lower, upper: Caps of the open interest; both 0 where the rate does not depend on it.
    """
    if upper == 0 or open_interest <= lower:
        return initial
    if open_interest >= upper:
        return whole
    return initial - (-(whole - initial) * (open_interest - lower) // (upper - lower))
