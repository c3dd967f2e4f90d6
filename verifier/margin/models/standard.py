"""The standard method: what options, perpetuals and coins of a market count, each by its own rate.

Figures are *net margin*: what a position adds to cash, negative where cash must stand behind it. An expiry counts the
better of the sum of its short options and its bounded loss.

Source: margin reference, section 6.4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum

import numpy as np

from verifier.margin.models.black76 import Floats, value
from verifier.margin.models.book import Book, ExpiryBook, Linear, LinearKind, OptionLeg, UnderlyingBook
from verifier.margin.models.shocks import YEAR
from verifier.margin.option_rules import OptionRules, StandardRules


@dataclass(frozen=True, slots=True)
class NetMargin:
    """Net margin at both levels, and the mark, in USD."""

    initial: float
    maintenance: float
    mark: float


@dataclass(frozen=True, slots=True)
class ExpiryMargin:
    """An expiry: each leg alone, the bounded loss, and the better of the two."""

    legs: tuple[NetMargin, ...]
    bounded: NetMargin
    better: NetMargin


def undiscounted(expiry: ExpiryBook) -> Floats:
    """What one unit of each leg is worth without discounting: the method's own mark."""
    legs = expiry.options
    return value(
        expiry.fixed + expiry.variable,
        np.array([leg.strike for leg in legs]),
        np.array([leg.volatility for leg in legs]),
        max(expiry.seconds, 0.0) / YEAR,
        np.array([leg.call for leg in legs], bool),
    )


def expiry_margin(expiry: ExpiryBook, spot: float, rules: OptionRules, units: Floats | None = None) -> ExpiryMargin:
    """
    What the options of one expiry count.

    Args:
        units: What `undiscounted` says, where it was asked before.
    """
    worths = undiscounted(expiry) if units is None else units
    marks = [float(mark) * leg.size for mark, leg in zip(worths, expiry.options, strict=True)]
    legs = [leg_margin(leg, mark, spot, rules) for leg, mark in zip(expiry.options, marks, strict=True)]
    bounded = _bounded(expiry, fsum(marks), rules)
    better = NetMargin(
        max(fsum(leg.initial for leg in legs), bounded.initial),
        max(fsum(leg.maintenance for leg in legs), bounded.maintenance),
        fsum(marks),
    )
    return ExpiryMargin(tuple(legs), bounded, better)


def leg_margin(leg: OptionLeg, mark: float, spot: float, rules: OptionRules) -> NetMargin:
    """One option alone: nothing for a long one."""
    if leg.size >= 0:
        return NetMargin(0.0, 0.0, mark)
    size = -leg.size
    out = max(0.0, leg.strike - spot if leg.call else spot - leg.strike) / spot
    rate = max(float(rules.least_spot), float(rules.most_spot) - out)
    initial = mark - rate * spot * size
    if leg.call:
        return NetMargin(initial, mark - float(rules.maintenance_call) * spot * size, mark)
    needed = max(float(rules.maintenance_put) * spot * size, float(rules.maintenance_put_mark) * -mark)
    maintenance = mark - needed
    return NetMargin(min(initial, float(rules.put_offset) * maintenance), maintenance, mark)


def _bounded(expiry: ExpiryBook, mark: float, rules: OptionRules) -> NetMargin:
    """The worst payoff at 0 and at every strike; net short calls are charged beyond, for they have no bound."""
    prices = [0.0, *sorted({leg.strike for leg in expiry.options})]
    worst = min(0.0, *(payoff(expiry.options, price) for price in prices))
    calls = min(0.0, fsum(leg.size for leg in expiry.options if leg.call)) * (expiry.fixed + expiry.variable)
    return NetMargin(
        worst + float(rules.unpaired_initial) * calls, worst + float(rules.unpaired_maintenance) * calls, mark
    )


def payoff(legs: Sequence[OptionLeg], price: float) -> float:
    """What the options pay where the price ends."""
    return fsum(leg.size * max(0.0, price - leg.strike if leg.call else leg.strike - price) for leg in legs)


def standard_margin(book: Book, rules: StandardRules) -> NetMargin:
    """All markets of a book; neither cash nor profits of perpetuals are in it."""
    markets = [_market(underlying, book.peg, rules) for underlying in book.underlyings]
    return _sum(markets)


def _market(book: UnderlyingBook, peg: float, rules: StandardRules) -> NetMargin:
    expiries = [expiry_margin(expiry, book.spot, rules.options).better for expiry in book.expiries]
    shorts = [fsum(max(0.0, -leg.size) for leg in expiry.options) for expiry in book.expiries]
    doubts = [
        _doubt(min(book.confidence, expiry.confidence), short * book.spot, rules)
        for expiry, short in zip(book.expiries, shorts, strict=True)
    ]
    perps = [leg for leg in book.linears if leg.kind is not LinearKind.COLLATERAL]
    linear = [_perp(leg, book, rules) for leg in perps]
    coins = [_coin(leg, rules) for leg in book.linears if leg.kind is LinearKind.COLLATERAL]
    below = max(0.0, float(rules.peg_threshold) - peg) * float(rules.peg_factor)
    depeg = below * fsum([*(leg.notional for leg in perps), *(short * book.spot for short in shorts)])
    charged = NetMargin(-fsum([*doubts, depeg]), 0.0, 0.0)
    return _sum([*expiries, *linear, *coins, charged])


def _perp(leg: Linear, book: UnderlyingBook, rules: StandardRules) -> NetMargin:
    notional = abs(leg.exposure)
    doubt = _doubt(min(book.confidence, leg.confidence), leg.notional, rules)
    return NetMargin(-float(rules.perp_initial) * notional - doubt, -float(rules.perp_maintenance) * notional, 0.0)


def _coin(leg: Linear, rules: StandardRules) -> NetMargin:
    counted = leg.notional * float(rules.base_factor)
    initial = counted * float(rules.base_initial_scale)
    return NetMargin(initial - (_doubt(leg.confidence, leg.notional, rules) if initial else 0.0), counted, leg.exposure)


def _doubt(confidence: float, notional: float, rules: StandardRules) -> float:
    below = confidence < float(rules.confidence_threshold)
    return (1.0 - confidence) * float(rules.confidence_factor) * notional if below else 0.0


def _sum(parts: Sequence[NetMargin]) -> NetMargin:
    return NetMargin(fsum(p.initial for p in parts), fsum(p.maintenance for p in parts), fsum(p.mark for p in parts))
