"""The risk reports of `xmargin margin`: `RISK_ANALYSES` is the one list of what an option of the command asks for."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from verifier.app.commands.margin_allocate import allocation
from verifier.app.commands.margin_contagion import contagion_map
from verifier.app.commands.margin_liquidate import liquidation
from verifier.app.commands.margin_optimise import optimisation
from verifier.app.risk_sections import RiskAnalysis

RISK_ANALYSES: Final[Mapping[str, RiskAnalysis]] = MappingProxyType(
    {
        "liquidate": liquidation,
        "contagion": contagion_map,
        "allocate": allocation,
        "optimise": optimisation,
    }
)
"""By name of the command's option. Their modules load numpy, which the other commands have no use for."""
