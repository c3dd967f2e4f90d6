"""What the ladder sees of a pool: its rung, its ratio, and how many days' moves it stands above maintenance.

Source: margin reference, section 11.
"""

from __future__ import annotations

from verifier.margin.calls import Observation
from verifier.margin.fixed import YEAR, charge_root, credit
from verifier.margin.positions import PositionValue
from verifier.margin.report import PocketReport
from verifier.margin.rules import MarginRules
from verifier.margin.status import classify
from verifier.policy import DAY, PPM
from verifier.primitives import Timestamp


def observation(pocket: PocketReport, rules: MarginRules, at: Timestamp) -> Observation:
    """One pool, at a time of the checker's clock."""
    low = pocket.known_low
    return Observation(
        at=at,
        status=pocket.status,
        low=classify(low, rules.ladder),
        ratio=None if pocket.low is None else low.worst_ratio,
        distance=None if pocket.low is None else distance(pocket, rules),
        covers_initial=low.equity >= low.initial,
    )


def distance(pocket: PocketReport, rules: MarginRules) -> int | None:
    """
    (E − MM) over a day's standard deviation of equity, ppm, rounded down; below zero for a pool that fails.

    All exposures are taken to move against the pool together: that is the most the deviation can be. None where
    nothing is exposed, or where an exposed asset has no volatility.
    """
    exposures = _exposures(pocket)
    if not exposures or any(group not in rules.volatility for group in exposures):
        return None
    yearly = sum(abs(amount) * rules.volatility[group] for group, amount in exposures.items())
    daily = charge_root(yearly * yearly * DAY, PPM * PPM * YEAR)
    if daily == 0:
        return None
    return credit((pocket.known_low.equity - pocket.known_low.maintenance) * PPM, daily)


def _exposures(pocket: PocketReport) -> dict[str, int]:
    """Net exposure by underlying: balances, and positions at their notional; an option at its whole notional."""
    found: dict[str, int] = {}
    for group in pocket.groups:
        found[group.group] = group.net_low
    for value in pocket.positions:
        found[value.position.group] = found.get(value.position.group, 0) + _signed(value)
    return {group: amount for group, amount in found.items() if amount}


def _signed(value: PositionValue) -> int:
    amount = value.notional or 0
    call = getattr(value.position.terms, "call", True)
    return amount if (value.position.size > 0) == call else -amount
