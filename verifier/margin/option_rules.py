"""The standard (rule-based) method for options, as data.

Source: margin reference, section 6.4.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from verifier.errors import BadInput


@dataclass(frozen=True, slots=True)
class OptionRules:
    """Rates of spot notional and of mark for short options; long ones need nothing and are worth nothing.

    Attributes:
        most_spot, least_spot: Initial rate at the money, which falls by how far out an option is, and its least.
        maintenance_call, maintenance_put: Of spot.
        maintenance_put_mark: Of the mark, if that is more.
        put_offset: Initial is at least this times maintenance, for puts.
        unpaired_initial, unpaired_maintenance: Of the forward, for net short calls in the bounded loss.
    """

    most_spot: Decimal = Decimal("0.15")
    least_spot: Decimal = Decimal("0.10")
    maintenance_call: Decimal = Decimal("0.075")
    maintenance_put: Decimal = Decimal("0.075")
    maintenance_put_mark: Decimal = Decimal("0.075")
    put_offset: Decimal = Decimal("1.05")
    unpaired_initial: Decimal = Decimal("1.2")
    unpaired_maintenance: Decimal = Decimal("1.1")

    def __post_init__(self) -> None:
        if not 0 <= self.least_spot <= self.most_spot:
            raise BadInput("option rules", "0 <= least_spot <= most_spot", (self.least_spot, self.most_spot))
        if self.maintenance_call > self.least_spot or self.maintenance_put < 0 or self.maintenance_call < 0:
            raise BadInput(
                "option rules: maintenance", "0 to least_spot", (self.maintenance_call, self.maintenance_put)
            )
        if self.unpaired_maintenance > self.unpaired_initial or self.put_offset < 1:
            raise BadInput("option rules", "initial at least maintenance", (self.unpaired_initial, self.put_offset))


DEFAULT_OPTION_RULES: Final = OptionRules()
NO_RATE: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class StandardRules:
    """A standard manager: options by `options`, perpetuals and coins by rates; markets add up.

    Attributes:
        perp_initial, perp_maintenance: Of the notional at the perpetual's price.
        base_factor, base_initial_scale: What a coin counts as collateral, and times what at initial level.
        confidence_threshold, confidence_factor: Below it `(1 − confidence)·factor·notional`, initial only.
        peg_threshold, peg_factor: Below it the difference times this, of spot times perpetuals and short options.
    """

    options: OptionRules = DEFAULT_OPTION_RULES
    perp_initial: Decimal = Decimal("0.065")
    perp_maintenance: Decimal = Decimal("0.05")
    base_factor: Decimal = Decimal("0.8")
    base_initial_scale: Decimal = Decimal(1)
    confidence_threshold: Decimal = NO_RATE
    confidence_factor: Decimal = NO_RATE
    peg_threshold: Decimal = NO_RATE
    peg_factor: Decimal = NO_RATE

    def __post_init__(self) -> None:
        if not 0 <= self.perp_maintenance <= self.perp_initial:
            raise BadInput("standard rules", "0 <= maintenance <= initial", (self.perp_initial, self.perp_maintenance))
        if not (0 <= self.base_factor <= 1 and 0 <= self.base_initial_scale <= 1):
            raise BadInput("standard rules: base", "factors from 0 to 1", (self.base_factor, self.base_initial_scale))
