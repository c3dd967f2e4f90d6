"""What is believed beforehand, and how strongly a value is tied to it.

Trust is three facts, never one scale: how the header is *anchored*, how a rollup's root is *settled*, and on what
*basis*. Every proven value carries all three, the weakest of each along its trail; a policy tests each on its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from verifier.errors import BadInput
from verifier.primitives import BlockNumber, ChainId, Hash32, Timestamp, nonzero_hash


class Anchor(StrEnum):
    """How the header of a network is believed."""

    FINALIZED = "finalized"
    """Signed by the sync committee, and final."""
    ATTESTED = "attested"
    """Signed by the sync committee, not final."""
    PINNED = "pinned"
    """Given by the checker."""
    QUORUM = "quorum"
    """k distinct operators of the checker's configuration say so."""
    RPC = "rpc"
    """One endpoint said so: this is consistency, not proof."""


class Settlement(StrEnum):
    """How the root of a rollup stands in the contract of its parent."""

    SETTLED = "settled"
    """Past every window, veto and delay of its contract."""
    PROPOSED = "proposed"
    """Posted, still open."""
    NONE = "none"
    """Not shown: the rollup's own header is anchored instead."""


class Basis(StrEnum):
    """What one has to believe, beyond the anchor, for the value to hold."""

    COMMITTEE = "committee"
    VALIDITY = "validity"
    FAULT_PROOF = "fault-proof"
    TEE = "tee"
    PERMISSIONED = "permissioned"
    SIGNED = "signed"
    """A quorum of named signers says so, and nothing proves that it is true."""
    REVIEWED_CODE = "reviewed-code"
    UNREVIEWED_CODE = "unreviewed-code"


ANCHOR_ORDER: Final = (Anchor.FINALIZED, Anchor.ATTESTED, Anchor.PINNED, Anchor.QUORUM, Anchor.RPC)
SETTLEMENT_ORDER: Final = (Settlement.SETTLED, Settlement.PROPOSED, Settlement.NONE)


@dataclass(frozen=True, slots=True)
class Trust:
    """
    The three facts. `settlement` is None for a network with its own consensus: nothing is to be settled.

    `participation` goes with an anchor that a sync committee signed: the part of its members that did, in ppm, rounded
    down; None where none signed.
    """

    anchor: Anchor
    settlement: Settlement | None = None
    bases: frozenset[Basis] = frozenset()
    participation: int | None = None

    def weakest(self, other: Trust) -> Trust:
        """The weaker of each fact; bases add up, and unreviewed code is never outweighed by reviewed code."""
        bases = self.bases | other.bases
        if Basis.UNREVIEWED_CODE in bases:
            bases -= {Basis.REVIEWED_CODE}
        return Trust(
            max(self.anchor, other.anchor, key=ANCHOR_ORDER.index),
            _weaker_settlement(self.settlement, other.settlement),
            bases,
            min((p for p in (self.participation, other.participation) if p is not None), default=None),
        )

    @property
    def word(self) -> str:
        """One word for a table cell. It is derived for people, and nothing compares it."""
        if Basis.SIGNED in self.bases:
            return Basis.SIGNED.value
        if self.settlement is Settlement.PROPOSED:
            return "proposed"
        return self.anchor.value


def _weaker_settlement(one: Settlement | None, two: Settlement | None) -> Settlement | None:
    known = [s for s in (one, two) if s is not None]
    return max(known, key=SETTLEMENT_ORDER.index) if known else None


@dataclass(frozen=True, slots=True)
class PinnedBlock:
    """The checker's own word: this hash is a block of this network."""

    chain_id: ChainId
    hash: Hash32

    def __post_init__(self) -> None:
        nonzero_hash(self.hash)


@dataclass(frozen=True, slots=True)
class Observed:
    """What the checker's own endpoints said when it asked them itself; it never travels in a bundle.

    Attributes:
        operators: Distinct operators of the configuration that named this hash.
        k: How many the checker asked for.
        at: When they were asked.
    """

    chain_id: ChainId
    hash: Hash32
    number: BlockNumber
    operators: frozenset[str]
    k: int
    at: Timestamp

    def __post_init__(self) -> None:
        nonzero_hash(self.hash)
        if not self.operators or self.k < 1:
            raise BadInput("observation", "at least one operator, and k of at least 1", (len(self.operators), self.k))

    @property
    def anchor(self) -> Anchor:
        """A quorum needs at least two operators, and at least k; anything less is one endpoint's word."""
        reached = len(self.operators) >= max(self.k, 2)
        return Anchor.QUORUM if reached else Anchor.RPC


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """
    A beacon block that a light client begins from, by the root of its header.

    Given by the checker it carries no operators. One that endpoints supplied, because the checker asked for that in so
    many words, is an observation: what is reached from it is believed no further than those who named it.

    Attributes:
        chain_id: Of the execution network that the beacon chain carries.
        operators: Distinct operators that named the root; empty where the checker gives it.
        k: How many of them the checker asked for.
        at: When they were asked; None where the checker gives it.
    """

    chain_id: ChainId
    root: Hash32
    operators: frozenset[str] = frozenset()
    k: int = 0
    at: Timestamp | None = None

    def __post_init__(self) -> None:
        nonzero_hash(self.root)
        if self.operators and (self.k < 1 or self.at is None):
            raise BadInput("checkpoint", "k of at least 1 and a time where operators named it", (self.k, self.at))

    @property
    def anchor(self) -> Anchor:
        """The strongest anchor that a header reached from it can have."""
        if not self.operators:
            return Anchor.FINALIZED
        return Anchor.QUORUM if len(self.operators) >= max(self.k, 2) else Anchor.RPC


HeaderRoot = PinnedBlock | Observed
"""Roots that name a block of the network itself."""

TrustRoot = HeaderRoot | Checkpoint


def anchor_of(root: TrustRoot) -> Anchor:
    """The word that says how a root is believed."""
    return Anchor.PINNED if isinstance(root, PinnedBlock) else root.anchor
