"""Exact figures of a part as a function of its price and of how much of it is held: integers, and nothing remembered.

`lines.value_line`, `requirements.weigh_net` and `positions.weigh_position` say what a part weighs, with all that a
report shows. What-ifs ask for thousands of prices and sizes of the same parts; here the same arithmetic is laid out
once for each part, so that another price costs a few multiplications. Only the low figure, and only where all that it
hangs on is known up to some price (`top`): what is not known has no curve, and the engine weighs it.

Source: margin reference, sections 4, 6.1 to 6.3 and 19.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from verifier.margin.fixed import MAX_PRICE, MAX_USD, charge
from verifier.margin.haircut import PriceView, data_haircuts
from verifier.margin.instruments import InversePerp, Option
from verifier.margin.risk import Risk
from verifier.margin.rules import Floor, MarginRules, Market
from verifier.margin.snapshot import Line, Position
from verifier.policy import PPM, Factors, Policy
from verifier.primitives import MAX_UINT256, Timestamp

Low = tuple[int, int, int, int, int, int, int]
"""Of a low figure, in 1e-18 USD: equity, initial, maintenance, initial haircut, maintenance haircut, weighted, owed."""
Needs = tuple[int, int, int]
"""Of a position: equity, initial, maintenance."""
NO_NEEDS: Final[Needs] = (0, 0, 0)
EMPTY: Final[Low] = (0, 0, 0, 0, 0, 0, 0)


class BeyondCurves(Exception):
    """A price rose, or a forward with it, beyond what the curves of a group reach."""


class PoolLow(NamedTuple):
    """What decides about a pool.

    Attributes:
        known: False where a liability or position has no bound: no low figure then.
    """

    known: bool
    low: Low

    @property
    def fails(self) -> bool:
        """E < MM, or no low figure."""
        return not self.known or self.low[0] < self.low[2]

    @property
    def buffer(self) -> int:
        """E − MM."""
        return self.low[0] - self.low[2]


def low_of(risk: Risk) -> Low:
    """The same figures of an engine's risk."""
    return (
        risk.equity,
        risk.initial,
        risk.maintenance,
        risk.initial_haircut,
        risk.maintenance_haircut,
        risk.weighted,
        risk.owed,
    )


def plus(one: Low, two: Low) -> Low:
    """The sum."""
    a, b, c, d, e, f, g = one
    h, i, j, k, m, n, o = two
    return a + h, b + i, c + j, d + k, e + m, f + n, g + o


def with_needs(low: Low, needs: Needs, without: Needs = NO_NEEDS) -> Low:
    """With what a position needs, in the place of what it needed before."""
    equity, initial, maintenance, initial_haircut, haircut, weighted, owed = low
    made, asked, kept = needs
    had, was_asked, was_kept = without
    return (
        equity + made - had,
        initial + asked - was_asked,
        maintenance + kept - was_kept,
        initial_haircut,
        haircut,
        weighted,
        owed,
    )


def swapped(total: Low, was: Low, now: Low) -> Low:
    """A sum with one of its parts in the place of another."""
    a, b, c, d, e, f, g = total
    h, i, j, k, m, n, o = was
    p, q, r, s, t, u, v = now
    return a - h + p, b - i + q, c - j + r, d - k + s, e - m + t, f - n + u, g - o + v


def floored(low: Low, floor: Floor) -> Low:
    """As `requirements.with_floor` says."""
    equity, initial, maintenance, initial_haircut, haircut, weighted, owed = low
    initial += max(0, floor.initial - (initial - initial_haircut))
    maintenance += max(0, floor.maintenance - (maintenance - haircut))
    return equity, initial, maintenance, initial_haircut, haircut, weighted, owed


def with_money(low: Low, money: int) -> Low:
    """With cash beside it: in equity as it is; a lack of it is owed, a surplus counts as collateral."""
    equity, initial, maintenance, initial_haircut, haircut, weighted, owed = low
    added, lacking = max(money, 0), max(-money, 0)
    return equity + money, initial, maintenance, initial_haircut, haircut, weighted + added, owed + lacking


@dataclass(frozen=True, slots=True)
class Bracket:
    """A tier of a market: above this notional, `N·rate − allowance`, in ppm times 1e-18 USD."""

    above: int
    initial: int
    initial_allowance: int
    maintenance: int
    maintenance_allowance: int


def brackets(market: Market) -> tuple[Bracket, ...]:
    """A market's tiers with their allowances, the highest first; the last has no bound below."""
    initial = maintenance = 0
    tier = market.tiers[0]
    made = [Bracket(-1, tier.initial, 0, tier.maintenance, 0)]
    for upper in market.tiers[1:]:
        initial += upper.above * (upper.initial - tier.initial)
        maintenance += upper.above * (upper.maintenance - tier.maintenance)
        made.append(Bracket(upper.above, upper.initial, initial, upper.maintenance, maintenance))
        tier = upper
    return tuple(reversed(made))


@dataclass(frozen=True, slots=True)
class PerpCurve:
    """A perpetual's needs at any price up to `top`, and at any size up to its own.

    Attributes:
        unit: Base units in one whole.
        multiplier: Of an inverse perpetual, in 1e-18 USD; 0 for a linear one.
        haircut: What the age of its price costs, in ppm.
        doubt: Charged on the notional at initial level for lack of confidence: the two rates, in ppm; or None.
        expiry: Of a dated future whose forward marks it; None where the spot price does.
    """

    id: str
    size: int
    unit: int
    entry: int
    multiplier: int
    counts_gain: bool
    haircut: int
    doubt: tuple[int, int] | None
    tiers: tuple[Bracket, ...]
    top: int
    expiry: Timestamp | None = None

    def worth(self, units: int, price: int) -> int:
        """What units of it trade for, in 1e-18 USD, rounded up."""
        return -(-units * (self.multiplier or price) // self.unit)

    def at(self, price: int, size: int) -> Needs:
        """Equity, initial and maintenance of so much of it at a price."""
        if size == 0:
            return NO_NEEDS
        high = against = price
        if self.haircut:
            high = charge(price * (PPM + self.haircut), PPM)
            against = max(price * (PPM - min(self.haircut, PPM)) // PPM, 1) if size > 0 else high
        unit = self.unit
        if self.multiplier:
            notional = -(-abs(size) * self.multiplier // unit)
            made = size * self.multiplier * (against - self.entry) // (unit * max(1, self.entry))
        else:
            notional = -(-abs(size) * high // unit)
            made = size * (against - self.entry) // unit
        if made > 0 and not self.counts_gain:
            made = 0
        for tier in self.tiers:
            if notional > tier.above:
                break
        initial = -((tier.initial_allowance - notional * tier.initial) // PPM)
        maintenance = -((tier.maintenance_allowance - notional * tier.maintenance) // PPM)
        if self.doubt:
            initial += charge(charge(self.doubt[0] * notional, PPM) * self.doubt[1], PPM)
        return made, initial, maintenance

    def reaches(self, price: int, size: int) -> bool:
        """Whether a size, larger perhaps than its own, can be weighed at a price."""
        return _top_of(abs(size), self.unit, self.entry, self.multiplier, self.haircut) >= price


def _top_of(size: int, unit: int, entry: int, multiplier: int, haircut: int) -> int:
    """The highest price at which neither the notional nor the profit is beyond any that can be true; -1 for none."""
    if size > MAX_UINT256 or entry < 0:
        return -1
    if size == 0:
        return MAX_PRICE
    if multiplier:
        if size * multiplier > MAX_USD * unit:
            return -1
        most = MAX_USD * unit * max(1, entry) // (size * multiplier)
    else:
        most = MAX_USD * unit // size
        if entry > most:
            return -1
    return most * PPM // (PPM + haircut)


def perp_curve(
    position: Position,
    view: PriceView,
    rules: MarginRules,
    tiers: tuple[Bracket, ...],
    expiry: Timestamp | None = None,
) -> PerpCurve | None:
    """
    None for an option, and for what has no low figure.

    Args:
        view: Of the price that marks it: of a future that is not due, its forward.
        expiry: Of that future.
    """
    if isinstance(position.terms, Option):
        return None
    if position.size and (view.price is None or not view.marks_burdens):
        return None
    multiplier = position.terms.multiplier if isinstance(position.terms, InversePerp) else 0
    unit = 10**position.decimals
    prices = rules.prices
    doubted = view.confidence < prices.confidence_threshold
    made = PerpCurve(
        id=position.id,
        size=position.size,
        unit=unit,
        entry=position.entry,
        multiplier=multiplier,
        counts_gain=position.counts_gain,
        haircut=view.haircut,
        doubt=(PPM - view.confidence, prices.confidence_factor) if doubted else None,
        tiers=tiers,
        top=_top_of(abs(position.size), unit, position.entry, multiplier, view.haircut),
        expiry=expiry,
    )
    return made if made.top >= 0 else None


@dataclass(frozen=True, slots=True)
class LineCurve:
    """A line's low value at any price up to `top`: `amount·price·kept / whole`, rounded down, a debt's below zero.

    Attributes:
        kept, kept_initial: What counts of it at maintenance and at initial level, over `whole`.
        stable: Slow average, which initial values take where it is the worse; 0 where there is none.
    """

    id: str
    amount: int
    unit: int
    kept: int
    kept_initial: int
    whole: int
    stable: int
    debt: bool
    top: int

    def at(self, price: int, amount: int) -> tuple[int, int]:
        """The low value of so much of it, and the same at initial level."""
        low = amount * price * self.kept // self.whole
        if self.stable:
            cautious = max(price, self.stable) if self.debt else min(price, self.stable)
            return low, amount * cautious * self.kept_initial // self.whole
        if self.kept_initial == self.kept:
            return low, low
        return low, amount * price * self.kept_initial // self.whole


def line_curve(line: Line, view: PriceView, policy: Policy, rules: MarginRules) -> LineCurve | None:
    """None for a debt that has no low value."""
    amount = line.amount or 0
    unit, stable = 10**line.decimals, view.stable or 0
    if abs(amount) > MAX_UINT256:
        return None
    haircuts = data_haircuts(line, view, policy, rules)
    if line.liability:
        if line.amount is None or (amount and (view.price is None or not view.marks_burdens)):
            return None
        kept, whole = haircuts.grown
        top = MAX_USD * unit * whole // (-amount * kept) if amount else MAX_PRICE
        if stable > top:
            return None
        return LineCurve(line.id, amount, unit, kept, kept, unit * whole, stable, debt=True, top=top)
    if line.amount is None or view.price is None or not view.values_holdings:
        return LineCurve(line.id, amount, unit, 0, 0, 1, 0, debt=False, top=MAX_PRICE)
    kept, whole = haircuts.kept_maintenance
    initial, _ = haircuts.kept_initial
    top = MAX_USD * unit // amount if amount else MAX_PRICE
    return LineCurve(line.id, amount, unit, kept, initial, unit * whole, stable, debt=False, top=top)


def weigh_net(net: int, net_initial: int, factors: Factors) -> Low:
    """As `requirements.weigh_net` says."""
    haircut, added, held, owed = 0, 0, 0, 0
    if net > 0:
        held = net
        haircut = charge(net * factors.haircut.maintenance, PPM)
    else:
        owed = -net
        added = charge(owed * (factors.debt_weight_maintenance - PPM), PPM)
    haircut_initial = charge(net_initial * factors.haircut.initial, PPM) if net_initial > 0 else 0
    added_initial = charge(-net_initial * (factors.debt_weight_initial - PPM), PPM) if net_initial < 0 else 0
    contingency = net - net_initial
    return (
        net,
        haircut_initial + added_initial + contingency,
        haircut + added,
        haircut_initial + contingency,
        haircut,
        held - haircut,
        owed + added,
    )
