"""What a beacon node is asked, as values. The answers are parsed objects in the newest form; a judge proves them."""

from __future__ import annotations

from dataclasses import dataclass

from verifier.consensus.containers import BeaconHeader, Bootstrap, Update
from verifier.flow import Ask, AskBeacon
from verifier.primitives import Hash32


@dataclass(frozen=True, slots=True, kw_only=True)
class AskBootstrap(AskBeacon, Ask[Bootstrap]):
    """What a light client begins from, for the block of one root."""

    root: Hash32


@dataclass(frozen=True, slots=True, kw_only=True)
class AskUpdates(AskBeacon, Ask[tuple[Update, ...]]):
    """The best update of each period from `start` on, `count` at most; fewer are an answer too, none is not."""

    start: int
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AskFinality(AskBeacon, Ask[Update]):
    """The newest update that finalizes something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskAttested(AskBeacon, Ask[Update]):
    """The newest update there is, final or not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskFinalizedRoot(AskBeacon, Ask[Hash32]):
    """The root of the newest finalized block, as the endpoint says: never a checkpoint unless the checker says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskCanonical(AskBeacon, Ask[bool]):
    """Whether the endpoint holds the block of a root for a canonical one."""

    root: Hash32


@dataclass(frozen=True, slots=True, kw_only=True)
class AskBeaconHeader(AskBeacon, Ask[BeaconHeader]):
    """The header of the block of a root."""

    root: Hash32
