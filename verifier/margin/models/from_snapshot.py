"""From the plain snapshot to the models' book: integers become floats here, and doubts become the worse choice.

Where a forward, a volatility or a rate is missing: the forward is the spot price with double basis contingency; a
short's volatility is the last one times 1.5 (at least the floor) and a long's nothing; a short's rate is 5 % above the
last one and a long's zero.

Source: margin reference, sections 7.1 and 19.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import fsum
from typing import Final

import numpy as np

from verifier.errors import BadInput
from verifier.margin.fixed import SCALE, Usd
from verifier.margin.haircut import NO_PRICE, PriceView
from verifier.margin.instruments import Future, InversePerp, Option
from verifier.margin.market import ExpiryQuote
from verifier.margin.models.black76 import Floats, value
from verifier.margin.models.book import Book, ExpiryBook, Linear, LinearKind, OptionLeg, UnderlyingBook
from verifier.margin.models.money import gain_of
from verifier.margin.models.shocks import YEAR
from verifier.margin.rules import MarginRules
from verifier.margin.snapshot import Doubt, Position, Reason, Snapshot
from verifier.policy import PPM
from verifier.primitives import Timestamp

STALE_VOL: Final = 1.5
ADDED_RATE: Final = 0.05


@dataclass(frozen=True, slots=True)
class Setting:
    """What a book is built under: `low` takes the worse of every doubt, else the data are taken as perfect."""

    taken: Snapshot
    views: Mapping[str, PriceView]
    rules: MarginRules
    low: bool = True

    def view(self, group: str) -> PriceView:
        """The price of a group."""
        return self.views.get(group, NO_PRICE)

    def fresh(self, quoted: ExpiryQuote | None) -> bool:
        """Whether a quote of an expiry is young enough to be taken as it is."""
        return quoted is not None and abs(self.taken.as_of - quoted.at) <= self.rules.prices.max_age

    def known(self, quoted: ExpiryQuote | None) -> bool:
        """Whether it is young enough to be taken at all."""
        return quoted is not None and abs(self.taken.as_of - quoted.at) <= self.rules.prices.hard_age


@dataclass(frozen=True, slots=True)
class Coin:
    """What of an asset's balance takes part: in USD, below zero for a debt; and whether all of it was proven."""

    amount: Usd
    proven: bool


def expiry_books(
    group: str, expiry: Timestamp, legs: Sequence[Position], setting: Setting
) -> tuple[tuple[ExpiryBook, ...], tuple[Reason, ...]]:
    """The options of one expiry as a book, and what had to be assumed; without a rate longs and shorts stand apart."""
    quoted = setting.taken.expiry(group, expiry)
    usable = quoted if setting.known(quoted) else None
    spot = (setting.view(group).price or 0) / SCALE
    expired = expiry <= setting.taken.as_of
    variable, fixed = (spot, 0.0) if usable is None else (usable.forward / SCALE, usable.fixed / SCALE)
    options = tuple(_leg(p, usable, setting) for p in sorted(legs, key=lambda p: p.id))
    rate = None if usable is None else usable.rate
    book = ExpiryBook(
        expiry=int(expiry),
        seconds=float(max(0, expiry - setting.taken.as_of)),
        variable=variable,
        fixed=fixed,
        rate=(rate or 0) / PPM,
        confidence=1.0 if usable is None else usable.confidence / PPM,
        options=options,
        doubled_basis=usable is None and setting.low,
    )
    reasons = () if expired else tuple(_assumed(group, legs, quoted, setting))
    if rate is not None or expired or not setting.low:
        return (book,), reasons
    longs = tuple(leg for leg in options if leg.size >= 0)
    shorts = tuple(leg for leg in options if leg.size < 0)
    apart = (replace(book, options=longs), replace(book, options=shorts, rate=ADDED_RATE))
    return tuple(part for part in apart if part.options), reasons


def _leg(position: Position, quoted: ExpiryQuote | None, setting: Setting) -> OptionLeg:
    terms = position.terms
    if not isinstance(terms, Option):
        raise BadInput(f"position {position.id}", "an option", type(terms).__name__)
    vol = None if quoted is None else quoted.vol(terms.strike)
    return OptionLeg(
        id=position.id,
        strike=terms.strike / SCALE,
        call=terms.call,
        size=position.size / 10**position.decimals,
        volatility=_volatility(vol, position, setting, fresh=setting.fresh(quoted)),
        latency=float(latency(position, setting.rules)),
        proven=position.counts_gain,
    )


def _volatility(vol: int | None, position: Position, setting: Setting, *, fresh: bool) -> float:
    """As quoted; where that is missing or old, dear for a short and worthless for a long."""
    if vol is not None and (fresh or not setting.low):
        return vol / PPM
    floor = float(setting.rules.scenarios.vol.least_up)
    last = vol if vol is not None else setting.rules.volatility.get(position.group, 0)
    if not setting.low:
        return max(last / PPM, floor)
    return max(STALE_VOL * last / PPM, floor) if position.size < 0 else 0.0


def _assumed(group: str, legs: Sequence[Position], quoted: ExpiryQuote | None, setting: Setting) -> list[Reason]:
    found = []
    usable = quoted if setting.known(quoted) else None
    for position in legs:
        terms = position.terms
        if not isinstance(terms, Option):
            continue
        if usable is None:
            doubt = Doubt.NO_FORWARD if quoted is None else Doubt.STALE_FORWARD
            text = f"no usable forward of '{group}' at its expiry: the spot price, with double basis contingency"
            found.append(Reason(doubt, position.id, text))
        if usable is None or usable.vol(terms.strike) is None or not setting.fresh(usable):
            text = (
                f"no fresh volatility of '{group}' at its strike: dear for a short, nothing beyond intrinsic for a long"
            )
            found.append(Reason(Doubt.NO_VOLATILITY, position.id, text))
        if usable is not None and usable.rate is None:
            text = f"no rate of '{group}' at its expiry: zero for a long, 5 % for a short"
            found.append(Reason(Doubt.NO_RATE, position.id, text))
    return found


def latency(position: Position, rules: MarginRules) -> int:
    """For how long a position cannot be closed: the slower of its network and its protocol."""
    found = [rules.latencies.get(place, 0) for place in (position.network, position.protocol)]
    return max(found)


def leg_values(book: ExpiryBook, haircut: int, units: Floats | None = None) -> tuple[list[float], list[float]]:
    """
    Each leg's value now, and the worst of it over a forward that is off by a haircut in ppm either way.

    Args:
        units: What one unit of each is worth without discounting, where that was asked before.
    """
    off = min(haircut, PPM) / PPM
    strikes = np.array([leg.strike for leg in book.options])
    vols = np.array([leg.volatility for leg in book.options])
    calls = np.array([leg.call for leg in book.options], bool)
    sizes = np.array([leg.size for leg in book.options])
    forward, years = book.fixed + book.variable, book.seconds / YEAR

    def at(factor: float) -> list[float]:
        return [float(v) for v in sizes * value(forward * factor, strikes, vols, years, calls, book.rate)]

    now = at(1.0) if units is None else [float(v) for v in sizes * (np.exp(-np.asarray(book.rate) * years) * units)]
    if off == 0:
        return now, now
    return now, [min(row) for row in zip(now, at(1 - off), at(1 + off), strict=True)]


def delta_notional(book: ExpiryBook, keep: Callable[[OptionLeg], bool]) -> float:
    """What the options gain when the underlying doubles, to first order: `Σ q·Δ·F_variable`."""
    kept = [leg for leg in book.options if keep(leg)]
    if not kept:
        return 0.0
    bump = 1e-4
    forward, years = book.fixed + book.variable, book.seconds / YEAR
    strikes, vols = np.array([leg.strike for leg in kept]), np.array([leg.volatility for leg in kept])
    calls, sizes = np.array([leg.call for leg in kept], bool), np.array([leg.size for leg in kept])
    up = value(forward + bump * book.variable, strikes, vols, years, calls, book.rate)
    down = value(forward - bump * book.variable, strikes, vols, years, calls, book.rate)
    return float((sizes * (up - down)).sum() / (2 * bump))


@dataclass(frozen=True, slots=True)
class Exposures:
    """What all positions on an underlying gain when it doubles, and what the proven ones do, in USD."""

    all: float
    proven: float

    def opposite(self, net: int) -> int:
        """How much of a balance is opposite to both, in 1e-18 USD: rounded down, at least zero."""
        against = [-exposure if net > 0 else exposure for exposure in (self.all, self.proven)]
        least = min(against)
        return min(abs(net), gain_of(least)) if least > 0 else 0


def exposures_of(book: UnderlyingBook) -> Exposures:
    """The signed exposures of a book without balances."""

    def summed(keep: Callable[[Linear | OptionLeg], bool]) -> float:
        legs = [leg.exposure for leg in book.linears if keep(leg)]
        return fsum(legs + [delta_notional(expiry, keep) for expiry in book.expiries])

    return Exposures(summed(lambda _: True), summed(lambda leg: leg.proven))


def linear_leg(position: Position, setting: Setting, price: int) -> Linear:
    """A perpetual or a future at its mark, with what the scenarios move it by."""
    size, marked = position.size / 10**position.decimals, price / SCALE
    terms, view = position.terms, setting.view(position.group)
    if isinstance(terms, InversePerp):
        gross = size * (terms.multiplier / SCALE)
        exposure, notional, kind, expiry = gross * price / max(1, position.entry), abs(gross), LinearKind.PERP, None
    elif isinstance(terms, Future):
        exposure, notional, kind, expiry = size * marked, abs(size * marked), LinearKind.FUTURE, int(terms.expiry)
    else:
        exposure, notional, kind, expiry = size * marked, abs(size * marked), LinearKind.PERP, None
    return Linear(
        id=position.id,
        kind=kind,
        exposure=exposure,
        notional=notional,
        expiry=expiry,
        confidence=view.confidence / PPM,
        latency=float(latency(position, setting.rules)),
        proven=position.counts_gain,
    )


def build_book(
    positions: Sequence[Position],
    marks: Mapping[str, int],
    coins: Mapping[str, Coin],
    setting: Setting,
    peg: float = 1.0,
) -> tuple[Book, tuple[Reason, ...]]:
    """
    Every position with a usable price, by underlying, and the balances that hedge them.

    Args:
        marks: Price by id, of perpetuals and futures.
        coins: By group: how much of its balance takes part.
    """
    names = sorted({p.group for p in positions if setting.view(p.group).price is not None})
    made: list[UnderlyingBook] = []
    reasons: list[Reason] = []
    for name in names:
        own = sorted((p for p in positions if p.group == name and p.size != 0), key=lambda p: p.id)
        linears = [
            linear_leg(p, setting, marks[p.id]) for p in own if not isinstance(p.terms, Option) and p.id in marks
        ]
        if name in coins and coins[name].amount != 0:
            amount = coins[name].amount / SCALE
            linears.append(
                Linear(f"coin:{name}", LinearKind.COLLATERAL, amount, abs(amount), proven=coins[name].proven)
            )
        expiries: list[ExpiryBook] = []
        by_expiry: dict[Timestamp, list[Position]] = {}
        for p in own:
            if isinstance(p.terms, Option):
                by_expiry.setdefault(p.terms.expiry, []).append(p)
        for expiry, legs in sorted(by_expiry.items()):
            books, assumed = expiry_books(name, expiry, legs, setting)
            expiries += books
            reasons += assumed
        view = setting.view(name)
        volatility = setting.rules.volatility.get(name, 0) / PPM
        spot = (view.price or 0) / SCALE
        confidence = view.confidence / PPM
        made.append(UnderlyingBook(name, spot, tuple(linears), tuple(expiries), confidence, volatility))
    return Book(tuple(made), peg), tuple(reasons)
