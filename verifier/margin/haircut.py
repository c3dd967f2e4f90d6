"""Data haircuts: is it there, is it still there, and is its price still its price?

They lower equity. Market haircuts (how much it may fall) are part of the requirement, in `requirements.py`; nothing is
charged in both. A debt is never reduced by any of them: its own doubts mark it up.

Source: margin reference, sections 4 and 19.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from verifier.margin.fixed import YEAR, Price, charge, charge_root
from verifier.margin.rules import MarginRules
from verifier.margin.snapshot import Line, Quote
from verifier.policy import EVERYTHING_OFF, PPM, Haircut, Policy
from verifier.primitives import Timestamp


@dataclass(frozen=True, slots=True)
class DataHaircuts:
    """By cause, in ppm.

    Attributes:
        trust: How it is believed: anchor and settlement, compounded.
        age: How long before the as-of time it was seen.
        price: How old its price is.
        accrual: What a debt has grown by since it was seen.
    """

    trust: Haircut
    age: int = 0
    price: int = 0
    accrual: int = 0

    @property
    def kept_initial(self) -> tuple[int, int]:
        """The part of a holding that counts at initial level, as an exact fraction."""
        return _kept(self.trust.initial, self.age, self.price)

    @property
    def kept_maintenance(self) -> tuple[int, int]:
        """The part of a holding that counts at maintenance level, as an exact fraction."""
        return _kept(self.trust.maintenance, self.age, self.price)

    @property
    def grown(self) -> tuple[int, int]:
        """What a debt is marked up to, as an exact fraction of at least 1."""
        return (PPM + self.accrual) * (PPM + self.price), PPM * PPM


def _kept(*haircuts: int) -> tuple[int, int]:
    kept, whole = 1, 1
    for haircut in haircuts:
        kept, whole = kept * (PPM - min(haircut, PPM)), whole * PPM
    return kept, whole


@dataclass(frozen=True, slots=True)
class PriceView:
    """A group's price as it stands at the as-of time.

    Attributes:
        price: The last good price; None where there never was one.
        age: Seconds between it and the as-of time, whichever came first.
        haircut: What its age and its own interval cost, in ppm; may exceed the whole when it marks up a debt.
        values_holdings: Young enough to value collateral in the low figure.
        marks_burdens: Young enough, with a volatility to mark it up by, for debts and positions.
        stable: A slow average of it, which initial values take where it is the worse.
        confidence: How sure its source is, in ppm.
    """

    price: Price | None
    age: int = 0
    haircut: int = 0
    values_holdings: bool = False
    marks_burdens: bool = False
    source: str = ""
    stable: Price | None = None
    confidence: int = PPM

    @property
    def initial_asset_price(self) -> Price | None:
        """min(mid, stable): a spike buys nothing."""
        return self.price if self.price is None or self.stable is None else Price(min(self.price, self.stable))

    @property
    def initial_debt_price(self) -> Price | None:
        """max(mid, stable): a dip owes nothing less."""
        return self.price if self.price is None or self.stable is None else Price(max(self.price, self.stable))


NO_PRICE: Final = PriceView(None)


def view_price(group: str, quote: Quote | None, as_of: Timestamp, rules: MarginRules) -> PriceView:
    """What a quote is good for. A price of zero or less is no price."""
    if quote is None or quote.price <= 0:
        return NO_PRICE
    age = abs(as_of - quote.at)
    volatility = rules.volatility.get(group)
    fresh = age <= rules.prices.max_age
    marked = volatility is not None and age <= rules.prices.hard_age
    cost = price_age_haircut(age, volatility or 0, rules.prices.z) + quote.interval
    stable = quote.stable if quote.stable is not None and quote.stable > 0 else None
    return PriceView(quote.price, age, cost, fresh, fresh or marked, quote.source, stable, quote.confidence)


def price_age_haircut(age: int, volatility: int, z: int) -> int:
    """z·σ·√a in ppm, rounded up; a in seconds, σ a year's."""
    return charge_root(z * z * volatility * volatility * age, PPM * PPM * YEAR)


def age_haircut(age: int, soft: int, hard: int) -> int:
    """Nothing up to `soft` seconds, then in a straight line to everything at `hard`; ppm, rounded up."""
    if age >= hard and age > 0:
        return PPM
    if age <= soft:
        return 0
    return charge((age - soft) * PPM, hard - soft)


def data_haircuts(line: Line, view: PriceView, policy: Policy, rules: MarginRules) -> DataHaircuts:
    """Everything that lowers a holding, or marks up a debt, for doubt about the data."""
    if line.liability:
        rate = rules.debt_rates.get(line.group, 0)
        return DataHaircuts(Haircut(0, 0), price=view.haircut, accrual=charge(rate * line.age, YEAR))
    trust = EVERYTHING_OFF if line.trust is None else policy.trust_haircut(line.trust)
    age = age_haircut(line.age, line.soft_age, policy.age_hard)
    return DataHaircuts(trust, age, min(view.haircut, PPM))
