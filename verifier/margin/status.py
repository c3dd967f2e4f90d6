"""From risks to a status: the ladder, and what doubt makes of it.

The low figure decides what is called; nothing is liquidated that the high figure would spare. A shortfall in the low
figure alone is a *data call*. Without a low figure (a liability or position of unknown weight) the account is
*indeterminate*, whatever else it holds.

Source: margin reference, sections 9, 11 and 19.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from verifier.margin.fixed import Usd, credit
from verifier.margin.risk import Risk
from verifier.margin.rules import Ladder
from verifier.policy import PPM


class Status(StrEnum):
    """In order of severity, as exit codes rank them."""

    HEALTHY = "healthy"
    WARNING = "warning"
    MARGIN_CALL = "margin-call"
    FINAL_CALL = "final-call"
    LIQUIDATION = "liquidation"
    BACKSTOP = "backstop"
    DEFICIT = "deficit"
    DATA_CALL = "data-call"
    INDETERMINATE = "indeterminate"


SEVERITY: Final = tuple(Status)
FAILING: Final = frozenset({Status.LIQUIDATION, Status.BACKSTOP, Status.DEFICIT})


def worst(statuses: tuple[Status, ...]) -> Status:
    """The most severe; healthy where there is none."""
    return max(statuses, key=SEVERITY.index, default=Status.HEALTHY)


def classify(risk: Risk, ladder: Ladder) -> Status:
    """The rung of one figure. Equality with MM is no failure; every bound of the ratio belongs to the worse status."""
    if risk.equity < 0:
        return Status.DEFICIT
    part, whole = ladder.backstop
    if risk.equity * whole < risk.maintenance * part:
        return Status.BACKSTOP
    if risk.equity < risk.maintenance:
        return Status.LIQUIDATION
    ratio = risk.worst_ratio
    if ratio.at_most(ladder.final_call):
        return Status.FINAL_CALL
    if ratio.at_most(ladder.margin_call):
        return Status.MARGIN_CALL
    if ratio.at_most(ladder.warning) or risk.equity < risk.initial:
        return Status.WARNING
    return Status.HEALTHY


def decide(low: Risk | None, high: Risk | None, ladder: Ladder) -> Status:
    """
    The status of a pool.

    Args:
        low: Its risk if every doubt is true; None where a liability or position has no bound.
        high: Its risk if no doubt is true; None where a holding has no bound.
    """
    if low is None:
        return Status.INDETERMINATE
    called = classify(low, ladder)
    if called not in FAILING:
        return called
    certain = None if high is None else classify(high, ladder)
    return certain if certain in FAILING and certain is not None else Status.DATA_CALL


RUNGS: Final = (
    Status.WARNING,
    Status.MARGIN_CALL,
    Status.FINAL_CALL,
    Status.LIQUIDATION,
    Status.BACKSTOP,
    Status.DEFICIT,
)


def distances(risk: Risk, ladder: Ladder) -> dict[Status, Usd]:
    """
    How much cash a pool may lose before each rung is reached; below zero, how much it lacks to stand above it.

    Cash counts in equity and in weighted collateral in full, and in nothing that is required. Rounded down.
    """
    part, whole = ladder.backstop
    warning = min(_above(risk, ladder.warning), risk.equity - risk.initial)
    found = {
        Status.WARNING: warning,
        Status.MARGIN_CALL: _above(risk, ladder.margin_call),
        Status.FINAL_CALL: _above(risk, ladder.final_call),
        Status.LIQUIDATION: risk.buffer,
        Status.BACKSTOP: credit(risk.equity * whole - risk.maintenance * part, whole),
        Status.DEFICIT: risk.equity,
    }
    return {rung: Usd(found[rung]) for rung in RUNGS}


def _above(risk: Risk, bound: int) -> int:
    """Until the worse of ratio and health factor is at a bound, in ppm."""
    ratio, health = risk.ratio, risk.health_factor
    spare = credit(ratio.numerator * PPM - ratio.denominator * bound, PPM)
    return spare if health is None else min(spare, credit(health.numerator * PPM - health.denominator * bound, PPM))
