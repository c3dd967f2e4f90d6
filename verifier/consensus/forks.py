"""Which fork a slot is in, and what that decides: indices of proofs, signing domains, fork digests.

One table of indices, one description of a network. A slot whose fork this code does not know is refused: its objects
may mean anything.

Source: consensus specification v1.7.0-alpha.13, specs/{altair,capella,deneb,electra,gloas}/light-client,
specs/phase0/beacon-chain.md (domains), specs/fulu/beacon-chain.md (digest, EIP-7892).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import Final

from verifier.consensus.presets import Preset
from verifier.errors import BadInput, Unsupported, Where
from verifier.primitives import MAX_UINT64, ChainId, Hash32, Timestamp
from verifier.trie.binary import Gindex

SYNC_COMMITTEE_DOMAIN: Final = bytes.fromhex("07000000")
FAR_FUTURE: Final = MAX_UINT64


class Fork(StrEnum):
    """The forks whose light-client objects are known, oldest first, and the one before them."""

    PHASE0 = "phase0"
    ALTAIR = "altair"
    BELLATRIX = "bellatrix"
    CAPELLA = "capella"
    DENEB = "deneb"
    ELECTRA = "electra"
    FULU = "fulu"
    GLOAS = "gloas"

    def since(self, other: Fork) -> bool:
        """Whether this is `other`, or came after it."""
        return FORKS.index(self) >= FORKS.index(other)


FORKS: Final = tuple(Fork)
NEWEST: Final = Fork.GLOAS
"""Its form is the one that all objects are raised to."""


@dataclass(frozen=True, slots=True)
class Indices:
    """
    Generalized indices that hold from a fork on.

    Attributes:
        finalized, current, next: `finalized_checkpoint.root` and the two committees in the state.
        execution: The execution block hash in the block body; None where light clients have no part of it. From Gloas
            on it is that of the block before (`signed_execution_payload_bid.message.parent_block_hash`).
        block_roots: The ring of recent block roots in the state.
        summaries: `historical_summaries` in the state; None where the state has none, or in a form not known here.
    """

    finalized: Gindex
    current: Gindex
    next: Gindex
    execution: Gindex | None
    block_roots: Gindex
    summaries: Gindex | None


def _indices(*numbers: int | None) -> Indices:
    finalized, current, following, execution, roots, summaries = numbers
    if finalized is None or current is None or following is None or roots is None:
        raise BadInput("indices", "four that every fork has", numbers)
    return Indices(
        Gindex(finalized),
        Gindex(current),
        Gindex(following),
        None if execution is None else Gindex(execution),
        Gindex(roots),
        None if summaries is None else Gindex(summaries),
    )


_ALTAIR: Final = _indices(105, 54, 55, None, 37, None)
_CAPELLA: Final = _indices(105, 54, 55, 412, 37, 59)  # execution payload 25, its block hash 12 of 16 leaves
_DENEB: Final = _indices(105, 54, 55, 812, 37, 59)  # the payload header has 17 fields, so 32 leaves
_ELECTRA: Final = _indices(169, 86, 87, 812, 69, 91)  # the state has 37 fields, so 64 leaves
_GLOAS: Final = _indices(735, 2945, 2946, 2856, 352, None)  # progressive containers (EIP-7688), bids (EIP-7732)

INDICES: Final[Mapping[Fork, Indices]] = MappingProxyType(
    {
        Fork.ALTAIR: _ALTAIR,
        Fork.BELLATRIX: _ALTAIR,
        Fork.CAPELLA: _CAPELLA,
        Fork.DENEB: _DENEB,
        Fork.ELECTRA: _ELECTRA,
        Fork.FULU: _ELECTRA,
        Fork.GLOAS: _GLOAS,
    }
)


@dataclass(frozen=True, slots=True)
class ForkRow:
    """When a fork begins, and the version that goes into its domains. `fork` is None where we do not know it."""

    name: str
    version: bytes
    epoch: int

    def __post_init__(self) -> None:
        if len(self.version) != 4:
            raise BadInput(f"version of {self.name}", "4 bytes", self.version)

    @property
    def fork(self) -> Fork | None:
        """The fork as this code knows it."""
        return Fork(self.name) if self.name in FORKS else None


@dataclass(frozen=True, slots=True)
class ConsensusConfig:
    """
    One beacon chain, as reviewed: what a light client of it must be told, and nothing that it could be told wrongly.

    Attributes:
        chain_id: Of the execution network that it carries.
        slot_ms: Milliseconds between slots.
        forks: By ascending epoch; those that are not scheduled are left out.
        blobs: (epoch, most blobs) of the blob-parameter-only forks, ascending.
        electra_blobs: Most blobs from Electra on, before the first entry; None where there is no Electra.
        subjectivity: (first epoch, seconds) by ascending epoch: how old a checkpoint may be.
        sources: Where the values are from.
    """

    chain_id: ChainId
    name: str
    preset: Preset
    genesis_time: Timestamp
    genesis_validators_root: Hash32
    slot_ms: int
    forks: tuple[ForkRow, ...]
    blobs: tuple[tuple[int, int], ...] = ()
    electra_blobs: int | None = None
    subjectivity: tuple[tuple[int, int], ...] = ()
    sources: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= self.slot_ms <= 600_000:
            raise BadInput("milliseconds per slot", "from 1 to 600,000", self.slot_ms)
        epochs = [row.epoch for row in self.forks]
        if not epochs or epochs[0] != 0 or epochs != sorted(epochs):
            raise BadInput("fork schedule", "forks by ascending epoch, the first at 0", epochs)
        if list(self.blobs) != sorted(self.blobs) or not self.subjectivity or self.subjectivity[0][0] != 0:
            raise BadInput("blob schedule and subjectivity", "ascending epochs, subjectivity from 0", self.blobs)

    @property
    def where(self) -> Where:
        """The network, for errors."""
        return Where(network=self.name)

    def epoch_of(self, slot: int) -> int:
        """The epoch of a slot."""
        return slot // self.preset.slots_per_epoch

    def period_of(self, slot: int) -> int:
        """The sync committee period of a slot."""
        return slot // self.preset.slots_per_period

    def time_of(self, slot: int) -> Timestamp:
        """When a slot begins, in whole seconds."""
        return Timestamp(self.genesis_time + slot * self.slot_ms // 1000)

    def slot_at(self, now: Timestamp) -> int:
        """The slot that a time is in; -1 before genesis."""
        return max(-1, (now - self.genesis_time) * 1000 // self.slot_ms)

    def row_of(self, epoch: int) -> ForkRow:
        """The schedule's row that an epoch falls under."""
        return next(row for row in reversed(self.forks) if row.epoch <= epoch)

    def fork_of(self, slot: int) -> Fork:
        """
        The fork of a slot.

        Raises:
            Unsupported: There are no light-client objects before Altair; and a later fork may be unknown here.
        """
        row = self.row_of(self.epoch_of(slot))
        fork = row.fork
        if fork is None:
            raise Unsupported(self.where, f"slot {slot} is in fork {row.name}, which this version does not know")
        if fork is Fork.PHASE0:
            raise Unsupported(self.where, f"slot {slot} is before Altair, where there are no sync committees")
        return fork

    def indices_of(self, slot: int) -> Indices:
        """The indices of proofs against a header of this slot. Raises as `fork_of`."""
        return INDICES[self.fork_of(slot)]

    def named_fork(self, name: object) -> Fork:
        """
        The fork that an answer names as its version.

        Raises:
            Unsupported: This version does not know it, or the network's schedule has no such fork.
        """
        for row in self.forks:
            if row.name == name and row.fork is not None and row.fork is not Fork.PHASE0:
                return row.fork
        raise Unsupported(self.where, f"objects of the fork {name!s:.32} are not known here, or not on this network")

    def signing_domain(self, signature_slot: int) -> bytes:
        """
        The domain of a sync committee's signature: its fork version is that of the slot before the signature's.

        Raises:
            Unsupported: The fork of that slot is unknown here.
        """
        signed = max(signature_slot, 1) - 1
        self.fork_of(signed)
        version = self.row_of(self.epoch_of(signed)).version
        return SYNC_COMMITTEE_DOMAIN + fork_data_root(version, self.genesis_validators_root)[:28]

    def digest_of(self, epoch: int) -> bytes:
        """The fork digest of an epoch; from Fulu on it tells apart blob parameters too."""
        row = self.row_of(epoch)
        base = fork_data_root(row.version, self.genesis_validators_root)
        if row.fork is not None and not row.fork.since(Fork.FULU):
            return base[:4]
        start, most = self._blobs_at(epoch)
        mask = hashlib.sha256(start.to_bytes(8, "little") + most.to_bytes(8, "little")).digest()
        return bytes(a ^ b for a, b in zip(base[:4], mask[:4], strict=True))

    def fork_of_digest(self, digest: bytes) -> Fork:
        """
        The fork that a digest stands for.

        Raises:
            Unsupported: No epoch of this network, as scheduled here, has it.
        """
        found = _digests(self).get(digest)
        if found is None:
            raise Unsupported(self.where, f"no fork of this network has the digest 0x{digest[:8].hex()}")
        return found

    def subjectivity_at(self, now: Timestamp) -> int:
        """Seconds that a checkpoint may be old at a time."""
        epoch = self.epoch_of(max(0, self.slot_at(now)))
        return next(seconds for start, seconds in reversed(self.subjectivity) if start <= epoch)

    def _blobs_at(self, epoch: int) -> tuple[int, int]:
        for start, most in reversed(self.blobs):
            if start <= epoch:
                return start, most
        electra = next((row.epoch for row in self.forks if row.fork is Fork.ELECTRA), None)
        if electra is None or self.electra_blobs is None:
            raise Unsupported(self.where, "a digest of Fulu without Electra's blob parameters")
        return electra, self.electra_blobs


def fork_data_root(version: bytes, genesis_validators_root: bytes) -> bytes:
    """The root of a fork version with the chain that it belongs to."""
    return hashlib.sha256(version + bytes(28) + genesis_validators_root).digest()


@cache
def _digests(config: ConsensusConfig) -> Mapping[bytes, Fork]:
    epochs = {row.epoch for row in config.forks} | {start for start, _ in config.blobs}
    found: dict[bytes, Fork] = {}
    for epoch in sorted(epochs):
        fork = config.row_of(epoch).fork
        if fork is not None and fork is not Fork.PHASE0:
            found[config.digest_of(epoch)] = fork
    return found
