"""One line's value, as an interval: what counts if every doubt is true, and what counts if none is.

Source: margin reference, sections 4 and 19.
"""

from __future__ import annotations

from dataclasses import dataclass

from verifier.errors import ValuationOverflow
from verifier.margin.fixed import ZERO, Usd, charge, credit, show_scaled, value
from verifier.margin.haircut import DataHaircuts, PriceView, data_haircuts
from verifier.margin.rules import MarginRules
from verifier.margin.snapshot import Doubt, Line, Position, Reason
from verifier.policy import Policy


@dataclass(frozen=True, slots=True)
class LineValue:
    """A line and what it counts, in 1e-18 USD; a debt is below zero.

    Attributes:
        gross: Amount times price, before any haircut; None where one of them is not known.
        known_low: What is known of the low value, after data haircuts of maintenance level.
        known_low_initial: The same at initial level.
        known_high: What is known of the high value: as if the data were perfect.
        low_known: False for a debt of unknown size or without a usable price: no value is low enough.
        high_known: False for a holding of unknown size or price: no value is high enough.
    """

    line: Line
    price: PriceView
    haircuts: DataHaircuts
    gross: Usd | None
    known_low: Usd
    known_low_initial: Usd
    known_high: Usd
    low_known: bool = True
    high_known: bool = True
    reasons: tuple[Reason, ...] = ()

    @property
    def low(self) -> Usd | None:
        """The low value, where there is one."""
        return self.known_low if self.low_known else None

    @property
    def high(self) -> Usd | None:
        """The high value, where there is one."""
        return self.known_high if self.high_known else None


def value_line(line: Line, view: PriceView, policy: Policy, rules: MarginRules) -> LineValue:
    """Weigh one line; a value beyond any that can be true is a doubt about this line, not about the others."""
    haircuts = data_haircuts(line, view, policy, rules)
    try:
        return _debt(line, view, haircuts) if line.liability else _holding(line, view, haircuts)
    except ValuationOverflow as error:
        return _unvalued(line, view, haircuts, Reason(Doubt.OVERFLOW, line.id, str(error)))


def _unvalued(line: Line, view: PriceView, haircuts: DataHaircuts, *reasons: Reason) -> LineValue:
    """No figure: a holding counts zero and may be worth anything, a debt may owe anything."""
    return LineValue(
        line,
        view,
        haircuts,
        gross=None,
        known_low=ZERO,
        known_low_initial=ZERO,
        known_high=ZERO,
        low_known=not line.liability,
        high_known=line.liability,
        reasons=_doubts(line, *reasons),
    )


def _holding(line: Line, view: PriceView, haircuts: DataHaircuts) -> LineValue:
    """Not known: zero in the low figure, what was last proven in the high one."""
    seen = line.amount if line.amount is not None else line.last_amount
    if line.amount == 0:
        return LineValue(line, view, haircuts, ZERO, ZERO, ZERO, ZERO)
    if seen is None:
        return _unvalued(line, view, haircuts)
    if view.price is None:
        return _unvalued(line, view, haircuts, no_price(line))
    gross = Usd(credit(*value(seen, view.price, line.decimals)))
    if line.amount is None:
        return LineValue(line, view, haircuts, gross, ZERO, ZERO, gross, reasons=_doubts(line))
    if not view.values_holdings:
        return LineValue(line, view, haircuts, gross, ZERO, ZERO, gross, reasons=_doubts(line, stale_price(line, view)))
    low = credit(*value(seen, view.price, line.decimals, rate=haircuts.kept_maintenance))
    cautious = view.initial_asset_price or view.price
    low_initial = credit(*value(seen, cautious, line.decimals, rate=haircuts.kept_initial))
    return LineValue(line, view, haircuts, gross, Usd(low), Usd(low_initial), gross, reasons=_doubts(line))


def _debt(line: Line, view: PriceView, haircuts: DataHaircuts) -> LineValue:
    """Not known: what was last proven stays owed in both figures, and the low one has no floor."""
    seen = line.amount if line.amount is not None else line.last_amount
    if line.amount == 0:
        return LineValue(line, view, haircuts, ZERO, ZERO, ZERO, ZERO)
    if seen is None:
        return _unvalued(line, view, haircuts)
    if view.price is None:
        return _unvalued(line, view, haircuts, no_price(line))
    gross = Usd(-charge(*value(-seen, view.price, line.decimals)))
    low = Usd(-charge(*value(-seen, view.price, line.decimals, rate=haircuts.grown)))
    cautious = view.initial_debt_price or view.price
    low_initial = Usd(-charge(*value(-seen, cautious, line.decimals, rate=haircuts.grown)))
    stale = () if view.marks_burdens else (stale_price(line, view),)
    known = line.amount is not None and view.marks_burdens
    return LineValue(
        line, view, haircuts, gross, low, low_initial, gross, low_known=known, reasons=_doubts(line, *stale)
    )


def _doubts(line: Line, *others: Reason) -> tuple[Reason, ...]:
    return others if line.doubt is None else (line.doubt, *others)


def no_price(subject: Line | Position) -> Reason:
    """Nobody gave a price."""
    return Reason(Doubt.NO_PRICE, subject.id, f"no price of '{subject.group}' was given")


def stale_price(subject: Line | Position, view: PriceView) -> Reason:
    """A price was given, and is beyond its limit."""
    shown = "" if view.price is None else f"{show_scaled(view.price)} USD, "
    text = f"the price of '{subject.group}' ({shown}{view.age} s from the as-of time) is too old"
    return Reason(Doubt.STALE_PRICE, subject.id, text)
