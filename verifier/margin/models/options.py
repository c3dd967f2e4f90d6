"""Options by the standard method: each alone, and by expiry the relief that a bounded loss gives.

An option's whole value is in equity; what the method lets it count is taken off by its requirement, so that
`E − IM` is the method's own net margin. Long premium is charged in full, as a haircut on it.

Source: margin reference, section 6.4.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import fsum
from typing import Final

from verifier.errors import BadInput, ValuationOverflow
from verifier.margin.fixed import MAX_USD, SCALE, ZERO, Usd, charge
from verifier.margin.haircut import NO_PRICE, PriceView
from verifier.margin.instruments import Option
from verifier.margin.lines import no_price, stale_price
from verifier.margin.market import ExpiryQuote
from verifier.margin.models.book import ExpiryBook, OptionLeg
from verifier.margin.models.from_snapshot import Setting, expiry_books, leg_values
from verifier.margin.models.money import gain_of, loss_of
from verifier.margin.models.standard import ExpiryMargin, NetMargin, expiry_margin, undiscounted
from verifier.margin.positions import PositionValue, doubt_charge, notional, unmarked
from verifier.margin.risk import NO_RISK, Risk
from verifier.margin.rules import MarginRules
from verifier.margin.snapshot import Doubt, Position, Reason, Snapshot
from verifier.primitives import Timestamp

PLAIN: Final = MAX_USD // 1_000
"""An option worth more may have no figure on one side; `weigh_options` says which."""


@dataclass(frozen=True, slots=True)
class ExpiryRelief:
    """What an expiry's bounded loss saves on the sum of its options: requirements of at most zero."""

    group: str
    expiry: Timestamp
    low: Risk
    high: Risk
    low_known: bool = True
    high_known: bool = True


def weigh_options(
    positions: Sequence[Position], taken: Snapshot, views: Mapping[str, PriceView], rules: MarginRules
) -> tuple[dict[str, PositionValue], tuple[ExpiryRelief, ...]]:
    """Every option by id, and every expiry's relief."""
    sets: dict[tuple[str, Timestamp], list[Position]] = {}
    for position in positions:
        if isinstance(position.terms, Option):
            sets.setdefault((position.group, position.terms.expiry), []).append(position)
    values: dict[str, PositionValue] = {}
    reliefs = []
    for (group, expiry), legs in sorted(sets.items()):
        found, relief = _weigh_set(group, expiry, legs, taken, views, rules)
        values |= found
        if relief is not None:
            reliefs.append(relief)
    return values, tuple(reliefs)


def _weigh_set(
    group: str,
    expiry: Timestamp,
    legs: Sequence[Position],
    taken: Snapshot,
    views: Mapping[str, PriceView],
    rules: MarginRules,
) -> tuple[dict[str, PositionValue], ExpiryRelief | None]:
    view = views.get(group, NO_PRICE)
    if view.price is None:
        return {leg.id: _no_value(leg, view, no_price(leg)) for leg in legs}, None
    try:
        grosses = {leg.id: notional(leg, view.price) for leg in legs}
        low = _figures(group, expiry, legs, Setting(taken, views, rules), view)
        high = _figures(group, expiry, legs, Setting(taken, views, rules, low=False), view)
    except (ValuationOverflow, BadInput) as error:
        return {leg.id: _no_value(leg, view, Reason(Doubt.OVERFLOW, leg.id, str(error))) for leg in legs}, None
    stale = not view.marks_burdens
    made = {}
    for leg in legs:
        reasons = low.reasons.get(leg.id, ())
        made[leg.id] = PositionValue(
            position=leg,
            price=view,
            notional=grosses[leg.id],
            profit=high.values[leg.id],
            counted_low=low.risks[leg.id].equity,
            counted_high=high.risks[leg.id].equity,
            low=_doubted(low.risks[leg.id], leg, view, grosses[leg.id], rules),
            high=_doubted(high.risks[leg.id], leg, view, grosses[leg.id], rules),
            low_known=not stale or leg.size >= 0,
            high_known=not stale or not leg.counts_gain,
            reasons=(*reasons, stale_price(leg, view)) if stale else reasons,
        )
    return made, ExpiryRelief(group, expiry, low.relief, high.relief)


def weigh_low(
    group: str, expiry: Timestamp, legs: Sequence[Position], taken: Snapshot, view: PriceView, rules: MarginRules
) -> list[Risk] | None:
    """The low figure alone of one expiry's options, each and their relief; None where `weigh_options` has to say."""
    if view.price is None or not _plain(legs, view, taken.expiry(group, expiry)):
        return None
    low = _figures(group, expiry, legs, Setting(taken, {group: view}, rules), view)
    found = [_doubted(low.risks[leg.id], leg, view, notional(leg, view.price), rules) for leg in legs]
    return [*found, low.relief]


def equity_low(
    group: str, expiry: Timestamp, legs: Sequence[Position], taken: Snapshot, view: PriceView, rules: MarginRules
) -> int | None:
    """The equity of it alone."""
    if view.price is None or not _plain(legs, view, taken.expiry(group, expiry)):
        return None
    books, _ = expiry_books(group, expiry, legs, Setting(taken, {group: view}, rules))
    found = [zip(book.options, leg_values(book, view.haircut)[1], strict=True) for book in books]
    return sum(_equity(leg, worst) for book in found for leg, worst in book)


def _plain(legs: Sequence[Position], view: PriceView, quoted: ExpiryQuote | None) -> bool:
    """Whether each has a figure: a price that marks it, and no worth that could be beyond any."""
    price = view.price or 0
    highest = price if quoted is None else max(price, quoted.forward + quoted.fixed)
    marks = view.marks_burdens or all(leg.size >= 0 for leg in legs)
    return marks and all(_gross(leg, highest) <= PLAIN for leg in legs)


def _gross(leg: Position, highest: int) -> int:
    """More than a leg can be worth, whatever it is."""
    strike = leg.terms.strike if isinstance(leg.terms, Option) else 0
    return charge(abs(leg.size) * max(highest, strike) * 2, 10**leg.decimals)


def _doubted(risk: Risk, leg: Position, view: PriceView, gross: Usd, rules: MarginRules) -> Risk:
    """Doubt of the price is charged on what is short."""
    return risk if leg.size >= 0 else risk + Risk(initial=doubt_charge(view.confidence, gross, rules))


def _no_value(leg: Position, view: PriceView, reason: Reason) -> PositionValue:
    """A short of unknown value has no bound from below; a long one is worth nothing at worst."""
    made = unmarked(leg, view, reason)
    if leg.size < 0:
        return made
    return PositionValue(
        leg,
        view,
        None,
        None,
        ZERO,
        ZERO,
        NO_RISK,
        NO_RISK,
        low_known=True,
        high_known=made.high_known,
        reasons=(reason,),
    )


@dataclass(frozen=True, slots=True)
class _Set:
    values: dict[str, Usd]
    risks: dict[str, Risk]
    relief: Risk
    reasons: dict[str, tuple[Reason, ...]]


def _figures(group: str, expiry: Timestamp, legs: Sequence[Position], setting: Setting, view: PriceView) -> _Set:
    books, assumed = expiry_books(group, expiry, legs, setting)
    spot = (view.price or 0) / SCALE
    values: dict[str, Usd] = {}
    risks: dict[str, Risk] = {}
    saved_initial, saved_maintenance = [], []
    for book in books:
        units = undiscounted(book)
        now, worst = leg_values(book, view.haircut if setting.low else 0, units)
        margins = expiry_margin(book, spot, setting.rules.options, units)
        for i, leg in enumerate(book.options):
            values[leg.id] = gain_of(now[i])
            equity = _equity(leg, worst[i] if setting.low else now[i])
            risks[leg.id] = _risk(equity, values[leg.id], margins.legs[i], short=leg.size < 0)
        initial, maintenance = _relief(book, margins, spot, setting.rules)
        saved_initial.append(initial)
        saved_maintenance.append(maintenance)
    # Premium that a bounded loss leans on is no longer charged as a haircut of what stands beside the requirement.
    premium = sum(risk.initial_haircut for risk in risks.values())
    initial, maintenance = (gain_of(max(0.0, fsum(saved))) for saved in (saved_initial, saved_maintenance))
    relief = Risk(
        initial=Usd(-initial),
        maintenance=Usd(-maintenance),
        initial_haircut=Usd(-min(premium, initial)),
        maintenance_haircut=Usd(-min(premium, maintenance)),
    )
    reasons: dict[str, tuple[Reason, ...]] = {}
    for reason in assumed:
        reasons[reason.subject] = (*reasons.get(reason.subject, ()), reason)
    return _Set(values, risks, relief, reasons)


def _equity(leg: OptionLeg, worth: float) -> Usd:
    """What an option's value counts: a short's in full, a long's where it is more than someone's word."""
    counts = gain_of(worth)
    return counts if leg.size < 0 or leg.proven else Usd(min(counts, 0))


def _risk(equity: Usd, mark: Usd, margin: NetMargin, *, short: bool) -> Risk:
    """Requirements that leave the method's net margin at the mark; what its age costs lowers equity beyond that."""
    if not short:
        return Risk(
            equity=equity, initial=equity, maintenance=equity, initial_haircut=equity, maintenance_haircut=equity
        )
    initial = Usd(max(0, mark + loss_of(-margin.initial)))
    maintenance = Usd(max(0, mark + loss_of(-margin.maintenance)))
    return Risk(equity=equity, initial=max(initial, maintenance), maintenance=maintenance)


def _relief(book: ExpiryBook, made: ExpiryMargin, spot: float, rules: MarginRules) -> tuple[float, float]:
    """What the better of the two saves on the sum; a leg that nobody proved may not help one that was."""
    whole = _saved(made)
    proven = tuple(leg for leg in book.options if leg.proven)
    if not proven or len(proven) == len(book.options):
        return whole
    apart = ExpiryBook(book.expiry, book.seconds, book.variable, book.fixed, book.rate, book.confidence, proven)
    alone = _saved(expiry_margin(apart, spot, rules.options))
    return min(whole[0], alone[0]), min(whole[1], alone[1])


def _saved(made: ExpiryMargin) -> tuple[float, float]:
    return (
        made.better.initial - fsum(leg.initial for leg in made.legs),
        made.better.maintenance - fsum(leg.maintenance for leg in made.legs),
    )
