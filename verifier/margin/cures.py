"""What is called, in money, and what would cure it: cash, a deposit of an asset, or less of a position.

The amount called lifts a pool to its target: the ratio of the target rung, and equity of at least the initial
requirement. A deposit of asset X counts `1 − h_X` of itself; closing a part of position Y releases what it requires.

Source: margin reference, section 11.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from verifier.margin.fixed import ZERO, Usd, charge
from verifier.margin.haircut import PriceView
from verifier.margin.positions import PositionValue
from verifier.margin.report import PocketReport
from verifier.margin.risk import Risk
from verifier.policy import PPM, Factors


@dataclass(frozen=True, slots=True)
class Deposit:
    """So much of an asset would do: in 1e-18 whole units, rounded up."""

    group: str
    amount: int
    value: Usd


@dataclass(frozen=True, slots=True)
class Reduction:
    """So much of a position would do: in its own units, rounded up; None where all of it does not."""

    position: str
    amount: int | None
    released: Usd


@dataclass(frozen=True, slots=True)
class Cures:
    """What a pool needs to stand at its target.

    Attributes:
        target: The ratio that is to be reached, ppm.
        cash: Cash that lifts it there; 0 where it stands there already.
    """

    pool: str
    target: int
    cash: Usd
    deposits: tuple[Deposit, ...] = ()
    reductions: tuple[Reduction, ...] = ()


def cash_needed(risk: Risk, target: int) -> Usd:
    """
    The least cash after which ratio, health factor and initial requirement are met; rounded up.

    Cash has no haircut: it adds to equity, to weighted collateral and to nothing that is required.
    """
    free = risk.equity - risk.maintenance_haircut
    by_ratio = charge((risk.maintenance - risk.maintenance_haircut) * target, PPM) - free
    by_health = charge(risk.owed * target, PPM) - risk.weighted if risk.owed > 0 else 0
    return Usd(max(0, by_ratio, by_health, risk.initial - risk.equity))


def cures(
    pocket: PocketReport, views: Mapping[str, PriceView], factors: Mapping[str, Factors], target: int
) -> Cures | None:
    """What would cure a pool; None without a low figure, for then no amount is known to be enough."""
    if pocket.low is None:
        return None
    cash = cash_needed(pocket.low, target)
    if cash == 0:
        return Cures(pocket.name, target, ZERO)
    deposits = tuple(
        made for name in sorted(factors) if (made := _deposit(name, cash, views.get(name), factors[name])) is not None
    )
    reductions = tuple(_reduction(v, cash, target) for v in pocket.positions if v.notional and v.low_known)
    return Cures(pocket.name, target, cash, deposits, reductions)


def _deposit(group: str, cash: Usd, view: PriceView | None, factors: Factors) -> Deposit | None:
    """`cash / (1 − h)`, at the stricter haircut; nothing of an asset that counts nothing or has no fresh price."""
    counts = PPM - factors.haircut.initial
    if view is None or view.price is None or not view.values_holdings or counts <= 0:
        return None
    kept = counts * (PPM - min(view.haircut, PPM))
    value = charge(cash * PPM * PPM, kept) if kept else 0
    return Deposit(group, charge(value * 10**18, view.price), Usd(value)) if value else None


def _reduction(value: PositionValue, cash: Usd, target: int) -> Reduction:
    """Closed at its mark: profit stays in equity, and the larger of the two requirements' releases is what counts."""
    whole = charge(value.low.maintenance * target, PPM)
    released = Usd(min(whole, value.low.initial) if value.low.initial < whole else value.low.initial)
    size = abs(value.position.size)
    if released < cash or released <= 0:
        return Reduction(value.position.id, None, released)
    return Reduction(value.position.id, min(size, charge(size * cash, released)), released)
