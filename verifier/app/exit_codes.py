"""Exit codes: which of them apply to a run, and which one the program ends with.

    0 verified at the policy's minimum trust, healthy or warning      5 margin call or final call
    1 a fault of ours                                                 6 liquidation, backstop or deficit, certain
    2 wrong usage or configuration                                    7 indeterminate, or a data call
    3 evidence refused, no honest source was left                   130 interrupted
    4 network trouble left the account incomplete

Of 3 to 7 the worst wins, in the order 3, 7, 6, 5, 4.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import Final

from verifier.errors import Malformed, MissingEvidence, ProofError
from verifier.flow import Unanswered
from verifier.margin.status import FAILING, Status
from verifier.verify import Outcome, PriceOutcome, PriceRefusal, Refusal


class Exit(IntEnum):
    """What the program ends with."""

    OK = 0
    FAULT = 1
    USAGE = 2
    REFUSED = 3
    INCOMPLETE = 4
    CALL = 5
    LIQUIDATION = 6
    INDETERMINATE = 7
    INTERRUPTED = 130


WORST_FIRST: Final = (
    Exit.INTERRUPTED,
    Exit.FAULT,
    Exit.USAGE,
    Exit.REFUSED,
    Exit.INDETERMINATE,
    Exit.LIQUIDATION,
    Exit.CALL,
    Exit.INCOMPLETE,
    Exit.OK,
)


def worst(codes: Iterable[Exit]) -> Exit:
    """The one that the program ends with."""
    return min(codes, key=WORST_FIRST.index, default=Exit.OK)


def of_status(status: Status) -> Exit:
    """The code of a margin status."""
    if status in FAILING:
        return Exit.LIQUIDATION
    if status in {Status.MARGIN_CALL, Status.FINAL_CALL}:
        return Exit.CALL
    if status in {Status.INDETERMINATE, Status.DATA_CALL}:
        return Exit.INDETERMINATE
    return Exit.OK


def of_outcome(outcome: Outcome) -> Exit:
    """The code of one claim: proven, refused, or not to be had."""
    if not isinstance(outcome, Refusal):
        return Exit.OK
    lied = isinstance(outcome.error, Unanswered) and outcome.error.lied
    return Exit.INCOMPLETE if outcome.missing and not lied else Exit.REFUSED


def of_price(price: PriceOutcome, *, weighed: bool) -> Exit:
    """
    The code of one price. Evidence that does not hold is refused as a claim's is; a price that only cannot be used
    shows in the status of the account that was weighed by it, and where none was, it is refused too.
    """
    if not isinstance(price, PriceRefusal):
        return Exit.OK
    error = price.error
    if isinstance(error, Unanswered):
        return Exit.REFUSED if error.lied else Exit.OK if weighed else Exit.INCOMPLETE
    broken = isinstance(error, Malformed | ProofError) and not isinstance(error, MissingEvidence)
    return Exit.REFUSED if broken or not weighed else Exit.OK


def codes_of(
    outcomes: Iterable[Outcome], status: Status | None, prices: Iterable[PriceOutcome] = ()
) -> tuple[Exit, ...]:
    """All codes that apply, in ascending order; (0,) where nothing is wrong."""
    codes = {of_outcome(outcome) for outcome in outcomes}
    codes |= {of_price(price, weighed=status is not None) for price in prices}
    if status is not None:
        codes.add(of_status(status))
    found = tuple(sorted(codes - {Exit.OK}))
    return found or (Exit.OK,)
