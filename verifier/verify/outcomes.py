"""What a bundle was found to prove: for each claim and each price a proven value, or why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from verifier.claims import Claim, PriceClaim
from verifier.consensus.light_client import LightClientState
from verifier.errors import VerifierError
from verifier.flow import Unanswered
from verifier.primitives import ChainId, Hash32, Timestamp
from verifier.proven import Moment, ProvenAmount, ProvenHeader, ProvenPrice, SignedPrice


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a claim has no proven amount. It can only lower a figure.

    Attributes:
        missing: No evidence was at hand (network trouble), rather than evidence that was refused.
    """

    claim: Claim
    error: VerifierError | Unanswered
    missing: bool


Outcome = ProvenAmount | Refusal


@dataclass(frozen=True, slots=True)
class PriceRefusal:
    """Why a price claim has no proven price."""

    claim: PriceClaim
    error: VerifierError | Unanswered


PriceOutcome = ProvenPrice | SignedPrice | PriceRefusal


@dataclass(frozen=True, slots=True)
class Verified:
    """What a bundle was found to prove: one outcome for each claim, in the bundle's order.

    Attributes:
        snapshots: For each network whose snapshot stood, its header and how that stands to the as-of time.
        lights: The light-client state that named the anchor of a network, for the checker's own records.
        prices: One outcome for each price claim, in the bundle's order.
    """

    bundle_id: Hash32
    as_of: Timestamp
    outcomes: tuple[Outcome, ...]
    snapshots: Mapping[ChainId, tuple[ProvenHeader, Moment]]
    lights: Mapping[ChainId, LightClientState] = field(default_factory=dict)
    prices: tuple[PriceOutcome, ...] = ()
