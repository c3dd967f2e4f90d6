"""Sizes that a network is built with, and that never change while it runs.

Source: consensus specification, presets/{mainnet,minimal}; gnosischain/specs, consensus/preset/gnosis.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from verifier.errors import BadInput

MAX_COMMITTEE: Final = 1 << 13
"""Beyond any that is known; a bound for what is described by data."""


@dataclass(frozen=True, slots=True)
class Preset:
    """
    Sizes of one kind of network.

    Attributes:
        epochs_per_period: Epochs that one sync committee serves.
        block_roots: Entries of the ring of recent block roots in a state (`SLOTS_PER_HISTORICAL_ROOT`).
    """

    name: str
    slots_per_epoch: int
    epochs_per_period: int
    committee_size: int
    block_roots: int

    def __post_init__(self) -> None:
        for what in ("slots_per_epoch", "epochs_per_period", "block_roots"):
            if not 1 <= getattr(self, what) <= 1 << 20:
                raise BadInput(f"preset.{what}", "from 1 to 2^20", getattr(self, what))
        if not 1 <= self.committee_size <= MAX_COMMITTEE or self.committee_size % 8:
            raise BadInput("preset.committee_size", f"a multiple of 8 up to {MAX_COMMITTEE}", self.committee_size)
        if self.block_roots & (self.block_roots - 1):
            raise BadInput("preset.block_roots", "a power of two", self.block_roots)

    @property
    def slots_per_period(self) -> int:
        """Slots that one sync committee serves."""
        return self.slots_per_epoch * self.epochs_per_period


MAINNET: Final = Preset("mainnet", 32, 256, 512, 8192)
MINIMAL: Final = Preset("minimal", 8, 8, 32, 64)
GNOSIS: Final = Preset("gnosis", 16, 512, 512, 8192)
PRESETS: Final[Mapping[str, Preset]] = MappingProxyType({p.name: p for p in (MAINNET, MINIMAL, GNOSIS)})
