"""Where a plan stops, and what an account lacks of it.

Source: margin reference, section 12.2.
"""

from __future__ import annotations

from dataclasses import dataclass

from verifier.errors import BadInput
from verifier.margin.curves import Low, low_of
from verifier.margin.risk import Risk
from verifier.policy import PPM


@dataclass(frozen=True, slots=True)
class Goal:
    """Where a plan stops: above the level that began it, so that accounts do not flicker.

    Attributes:
        initial: Equity covers IM; otherwise MM and a buffer.
        buffer: On MM, in ppm.
        ratio: Least margin ratio and health factor, in ppm: the final call's bound and two per cent.
    """

    initial: bool = True
    buffer: int = 0
    ratio: int = 1_070_000

    def __post_init__(self) -> None:
        if self.buffer < 0 or self.ratio < PPM:
            raise BadInput(
                "goal", "a buffer of at least 0, a ratio of at least 1,000,000 ppm", (self.buffer, self.ratio)
            )

    def lacking(self, risk: Risk) -> int:
        """What equity lacks of the goal, in 1e-18 USD; at most zero where it is reached."""
        return max(self.forms(low_of(risk)))

    def lacks(self, low: Low) -> int:
        """The same of a low figure."""
        return max(self.forms(low))

    def forms(self, low: Low) -> tuple[int, int, int]:
        """What is lacking of the requirement, of the margin ratio and of the health factor."""
        equity, initial, maintenance, _, haircut, weighted, owed = low
        held = initial if self.initial else -(-maintenance * (PPM + self.buffer) // PPM)
        asked = maintenance - haircut
        # Market haircuts leave both sides of the ratio; without a requirement only a deficit is short of it.
        short = -(-asked * self.ratio // PPM) - (equity - haircut) if asked else -equity
        health = -(-owed * self.ratio // PPM) - weighted if owed > 0 else short
        return held - equity, short, health

    def eased(self, form: int, change: Low) -> int:
        """By how much one form falls with a change while it stays a straight line, in ppm of 1e-18 USD; exact."""
        equity, initial, maintenance, _, haircut, weighted, owed = change
        if form == 0:
            asked = initial * PPM if self.initial else maintenance * (PPM + self.buffer)
            return equity * PPM - asked
        if form == 1:
            return (equity - haircut) * PPM - (maintenance - haircut) * self.ratio
        return weighted * PPM - owed * self.ratio
