"""The light client's state: a frozen value that only a bootstrap and valid updates make.

    checkpoint -> finalized header -> finalized header -> …    final in a state that two thirds signed
                                                   -> attested header    two thirds signed, not final

Committees are those of the finalized header's period, and the next one where an update has proven it. What moved the
headers is kept beside them: the updates without their committees, as evidence for a contradiction or for a checker.

A forced update, which the specification allows after a period without finality, does not exist here: the state stays
where it is, and its age says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from verifier.consensus.committee import Committee
from verifier.consensus.containers import LightClientHeader, Update
from verifier.consensus.forks import ConsensusConfig
from verifier.consensus.validate import View
from verifier.errors import CheckpointTooOld, TooOld, Where
from verifier.policy import PPM
from verifier.primitives import ZERO_HASH, Timestamp
from verifier.proven import Proven, ProvenBeacon, mint
from verifier.trust import ANCHOR_ORDER, Anchor, Basis, Checkpoint, Trust


@final
@dataclass(frozen=True, slots=True, init=False)
class LightClientState(Proven):
    """
    What a light client believes.

    Attributes:
        finalized: The newest final header; at first the checkpoint's own.
        newest: The newest header that two thirds signed, final or not; never older than `finalized`.
        current: The committee of the finalized header's period.
        next: That of the period after; None while it is unknown.
        finality: The update that finalized `finalized`, without committee; None for the checkpoint's header.
        attestation: The update that attested `newest`; None where that is the finalized header.
    """

    rests_on: Checkpoint
    config: ConsensusConfig
    finalized: LightClientHeader
    newest: LightClientHeader
    current: Committee
    next: Committee | None
    finality: Update | None
    attestation: Update | None

    @property
    def where(self) -> Where:
        """The network and the finalized slot, for errors."""
        return self.config.where.at(node=f"light client at slot {self.finalized.slot}")

    @property
    def view(self) -> View:
        """What an update is held against."""
        return View(self.config, self.finalized, self.current, self.next)

    @property
    def period(self) -> int:
        """The period of the finalized header."""
        return self.config.period_of(self.finalized.slot)

    @property
    def next_period_wanted(self) -> int:
        """The period whose update leads on: its own while the next committee is unknown, else the one after."""
        return self.period if self.next is None else self.period + 1

    def age(self, now: Timestamp) -> int:
        """Seconds since the slot of the finalized header."""
        return now - self.config.time_of(self.finalized.slot)


def require_recent(state: LightClientState, now: Timestamp) -> None:
    """
    Refuse to go on from a header older than the weak subjectivity period: it is then as good as an old checkpoint.

    Raises:
        CheckpointTooOld: Start again from a newer checkpoint.
    """
    check_age(state.config, state.finalized.slot, now)


def require_fresh(state: LightClientState, now: Timestamp, limit: int) -> None:
    """
    Refuse a state whose finalized header lags behind the clock: finality stalled, or updates are withheld.

    Raises:
        TooOld: Older than `limit` seconds.
    """
    age = state.age(now)
    if age > limit:
        raise TooOld(state.where, "the finalized header", limit, age)


def check_age(config: ConsensusConfig, slot: int, now: Timestamp) -> None:
    """Raise CheckpointTooOld where a header of this slot is older than the weak subjectivity period at `now`."""
    age, limit = now - config.time_of(slot), config.subjectivity_at(now)
    if age > limit:
        raise CheckpointTooOld(config.where, slot, age, limit)


def finalized_beacon(state: LightClientState) -> ProvenBeacon:
    """The newest final header; `pinned` while it is the checkpoint's own, and never stronger than the checkpoint."""
    anchor = Anchor.PINNED if state.finality is None else Anchor.FINALIZED
    return _proven(state, state.finalized, anchor, state.finality)


def attested_beacon(state: LightClientState) -> ProvenBeacon:
    """The newest header that two thirds signed: `attested`, or as `finalized_beacon` where it is the final one."""
    if state.attestation is None:
        return finalized_beacon(state)
    return _proven(state, state.newest, Anchor.ATTESTED, state.attestation)


def _proven(state: LightClientState, header: LightClientHeader, anchor: Anchor, by: Update | None) -> ProvenBeacon:
    weaker = max(anchor, state.rests_on.anchor, key=ANCHOR_ORDER.index)
    signers, size = (0, 0) if by is None else (by.signers, len(by.bits))
    beacon = header.beacon
    return mint(
        ProvenBeacon,
        rests_on=state.rests_on,
        chain_id=state.config.chain_id,
        slot=header.slot,
        timestamp=state.config.time_of(header.slot),
        root=beacon.root,
        parent_root=beacon.parent_root,
        state_root=beacon.state_root,
        body_root=beacon.body_root,
        execution_hash=None if header.execution_hash == ZERO_HASH else header.execution_hash,
        signers=signers,
        committee=size,
        trust=Trust(weaker, None, frozenset({Basis.COMMITTEE}), None if by is None else PPM * signers // size),
    )
