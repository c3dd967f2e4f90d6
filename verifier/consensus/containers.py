"""Light-client objects: their shapes in every fork, and the one form that they are raised to.

The newest form (Gloas) holds, for each header, the execution block hash and its branch into the block body, no longer
the execution header. An older header keeps its block hash and gets the longer branch: the siblings within the execution
header, which this code computes, below those that came with it. Its other fields then count nothing any more, so no one
can be led to read them. Branches get zeros in front until they are as long as the newest ones.

A committee or a finalized header that an object leaves out is the zero value, with a branch of zeros.

Source: consensus specification, specs/{altair,capella,deneb,electra,gloas}/light-client/{sync-protocol,fork}.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

from verifier.codec.ssz import Items, Record, Value, at_field, encode, field_branch, hash_tree_root, zero
from verifier.consensus.forks import NEWEST, ConsensusConfig, Fork
from verifier.consensus.shapes import (
    BEACON_HEADER,
    CAPELLA_PAYLOAD,
    EXECUTION_INDEX,
    NEWEST_INDICES,
    Kind,
    aggregate_shape,
    committee_shape,
    header_shape,
    shape_of,
)
from verifier.crypto.bls import KEY_BYTES
from verifier.errors import MalformedUpdate, Where
from verifier.primitives import ZERO_HASH, Hash32
from verifier.trie.binary import depth_of, normalized

# --- the newest form -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BeaconHeader:
    """A beacon block header."""

    slot: int
    proposer_index: int
    parent_root: Hash32
    state_root: Hash32
    body_root: Hash32

    @property
    def root(self) -> Hash32:
        """Its hash tree root: the root of the block."""
        return hash_tree_root(BEACON_HEADER, self.record)

    @property
    def record(self) -> Record:
        """As a container."""
        return Record(
            BEACON_HEADER,
            {
                "slot": self.slot,
                "proposer_index": self.proposer_index,
                "parent_root": self.parent_root,
                "state_root": self.state_root,
                "body_root": self.body_root,
            },
        )


@dataclass(frozen=True, slots=True)
class LightClientHeader:
    """A beacon header with the execution block hash it holds; both parts of the latter are zero before Capella."""

    beacon: BeaconHeader
    execution_hash: Hash32
    execution_branch: tuple[bytes, ...]

    @property
    def slot(self) -> int:
        """Of the beacon header."""
        return self.beacon.slot


@dataclass(frozen=True, slots=True)
class SyncCommittee:
    """Public keys as they came, in order and with repetitions, and what is said to be their sum."""

    pubkeys: tuple[bytes, ...]
    aggregate: bytes

    @property
    def root(self) -> Hash32:
        """Its hash tree root."""
        shape = committee_shape(len(self.pubkeys))
        return hash_tree_root(shape, self.record)

    @property
    def record(self) -> Record:
        """As a container."""
        shape = committee_shape(len(self.pubkeys))
        return Record(shape, {"pubkeys": Items(self.pubkeys), "aggregate_pubkey": self.aggregate})


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """What a light client begins from."""

    header: LightClientHeader
    committee: SyncCommittee
    branch: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Update:
    """
    An update of any kind; what its kind leaves out is zero.

    Attributes:
        signature_slot: Chooses the committee and the domain, and is under no signature: it never says how old this is.
    """

    attested: LightClientHeader
    next_committee: SyncCommittee
    next_branch: tuple[bytes, ...]
    finalized: LightClientHeader
    finality_branch: tuple[bytes, ...]
    bits: tuple[bool, ...]
    signature: bytes
    signature_slot: int

    @property
    def signers(self) -> int:
        """How many members signed."""
        return sum(self.bits)

    @property
    def has_finality(self) -> bool:
        """Whether it brings a finality proof."""
        return any(map(any, self.finality_branch))

    @property
    def has_committee(self) -> bool:
        """Whether it brings a proof of the next committee."""
        return any(map(any, self.next_branch))

    @property
    def kind(self) -> Kind:
        """The smallest object that holds it."""
        if self.has_committee or self.next_committee != no_committee(len(self.bits)):
            return Kind.UPDATE
        return Kind.FINALITY if self.has_finality or self.finalized != NO_HEADER else Kind.OPTIMISTIC

    def without_committee(self) -> Update:
        """The same without the next committee: its finality, or its attestation, alone."""
        return Update(
            self.attested,
            no_committee(len(self.bits)),
            NO_NEXT,
            self.finalized,
            self.finality_branch,
            self.bits,
            self.signature,
            self.signature_slot,
        )


NO_HEADER: Final = LightClientHeader(
    BeaconHeader(0, 0, ZERO_HASH, ZERO_HASH, ZERO_HASH), ZERO_HASH, (bytes(32),) * depth_of(EXECUTION_INDEX)
)
NO_NEXT: Final = (bytes(32),) * depth_of(NEWEST_INDICES.next)
NO_FINALITY: Final = (bytes(32),) * depth_of(NEWEST_INDICES.finalized)


@cache
def no_committee(size: int) -> SyncCommittee:
    """The committee that stands where there is none."""
    return SyncCommittee((bytes(KEY_BYTES),) * size, bytes(KEY_BYTES))


# --- raising ---------------------------------------------------------------------------------------------


def raise_bootstrap(record: Record, config: ConsensusConfig, fork: Fork, where: Where) -> Bootstrap:
    """A bootstrap of any fork in the newest form. Raises as `raise_header`."""
    return Bootstrap(
        raise_header(record.record("header"), config, fork, at_field(where, "header")),
        _committee(record.record("current_sync_committee")),
        normalized(record.all_octets("current_sync_committee_branch"), NEWEST_INDICES.current),
    )


def raise_update(record: Record, config: ConsensusConfig, fork: Fork, where: Where) -> Update:
    """An update of any kind and fork in the newest form. Raises as `raise_header`."""
    aggregate = record.record("sync_aggregate")
    bits = aggregate.bits("sync_committee_bits")
    committee, next_branch = no_committee(len(bits)), NO_NEXT
    if record.has("next_sync_committee"):
        committee = _committee(record.record("next_sync_committee"))
        next_branch = normalized(record.all_octets("next_sync_committee_branch"), NEWEST_INDICES.next)
    finalized, finality_branch = NO_HEADER, NO_FINALITY
    if record.has("finalized_header"):
        finalized = raise_header(record.record("finalized_header"), config, fork, at_field(where, "finalized_header"))
        finality_branch = normalized(record.all_octets("finality_branch"), NEWEST_INDICES.finalized)
    return Update(
        raise_header(record.record("attested_header"), config, fork, at_field(where, "attested_header")),
        committee,
        next_branch,
        finalized,
        finality_branch,
        bits,
        aggregate.octets("sync_committee_signature"),
        record.uint("signature_slot"),
    )


def raise_header(record: Record, config: ConsensusConfig, fork: Fork, where: Where) -> LightClientHeader:
    """
    A header in the newest form.

    Args:
        fork: Of the object that it stands in; the header itself may be older, and is then carried in the newer shape.

    Raises:
        Unsupported: Its slot is in a fork that is unknown here.
        MalformedUpdate: It is of a later fork than its object, or has fields that its own fork did not have.
    """
    beacon = beacon_header(record.record("beacon"))
    if record == zero(record.kind):
        return NO_HEADER
    own = config.fork_of(beacon.slot)
    if not fork.since(own):
        raise MalformedUpdate(where, f"a header of {own.value} in an object of {fork.value}", beacon.slot)
    if record.has("execution_block_hash"):
        execution_hash = Hash32(record.octets("execution_block_hash"))
        return LightClientHeader(beacon, execution_hash, record.all_octets("execution_branch"))
    if not record.has("execution"):
        return LightClientHeader(beacon, ZERO_HASH, NO_HEADER.execution_branch)
    return _from_payload(record, beacon, own, where)


def _from_payload(record: Record, beacon: BeaconHeader, own: Fork, where: Where) -> LightClientHeader:
    payload, branch = record.record("execution"), record.all_octets("execution_branch")
    if not own.since(Fork.CAPELLA):
        if payload != zero(payload.kind) or any(map(any, branch)):
            raise MalformedUpdate(where, "an execution header before Capella", payload.octets("block_hash"))
        return LightClientHeader(beacon, ZERO_HASH, NO_HEADER.execution_branch)
    if payload.has("blob_gas_used") and not own.since(Fork.DENEB):
        if payload.uint("blob_gas_used") or payload.uint("excess_blob_gas"):
            raise MalformedUpdate(where, "blob gas before Deneb", payload.uint("blob_gas_used"))
        payload = Record(CAPELLA_PAYLOAD, {name: payload[name] for name, _ in CAPELLA_PAYLOAD.fields})
    longer = normalized((*field_branch(payload, "block_hash"), *branch), EXECUTION_INDEX)
    return LightClientHeader(beacon, Hash32(payload.octets("block_hash")), longer)


def beacon_header(record: Record) -> BeaconHeader:
    """A beacon header from its container."""
    return BeaconHeader(
        record.uint("slot"),
        record.uint("proposer_index"),
        Hash32(record.octets("parent_root")),
        Hash32(record.octets("state_root")),
        Hash32(record.octets("body_root")),
    )


def _committee(record: Record) -> SyncCommittee:
    return SyncCommittee(record.all_octets("pubkeys"), record.octets("aggregate_pubkey"))


# --- the newest form as SSZ ------------------------------------------------------------------------------


def encode_header(header: LightClientHeader) -> bytes:
    """A header in the newest form as SSZ."""
    return encode(header_shape(NEWEST), header_record(header))


def encode_bootstrap(bootstrap: Bootstrap) -> bytes:
    """A bootstrap in the newest form as SSZ."""
    shape = shape_of(Kind.BOOTSTRAP, NEWEST, len(bootstrap.committee.pubkeys))
    values: dict[str, Value] = {
        "header": header_record(bootstrap.header),
        "current_sync_committee": bootstrap.committee.record,
        "current_sync_committee_branch": Items(bootstrap.branch),
    }
    return encode(shape, Record(shape, values))


def encode_update(update: Update, kind: Kind | None = None) -> bytes:
    """An update in the newest form as SSZ, in the container of `kind` (its own if None is given)."""
    record = to_record(update, kind or update.kind)
    return encode(record.kind, record)


def to_record(update: Update, kind: Kind) -> Record:
    """An update in the newest form as a container of `kind`; what that has no place for is left out."""
    shape = shape_of(kind, NEWEST, len(update.bits))
    signed: dict[str, Value] = {"sync_committee_bits": update.bits, "sync_committee_signature": update.signature}
    values: dict[str, Value] = {
        "attested_header": header_record(update.attested),
        "next_sync_committee": update.next_committee.record,
        "next_sync_committee_branch": Items(update.next_branch),
        "finalized_header": header_record(update.finalized),
        "finality_branch": Items(update.finality_branch),
        "sync_aggregate": Record(aggregate_shape(len(update.bits)), signed),
        "signature_slot": update.signature_slot,
    }
    return Record(shape, {name: values[name] for name, _ in shape.fields})


def header_record(header: LightClientHeader) -> Record:
    """A header in the newest form as a container."""
    values: dict[str, Value] = {
        "beacon": header.beacon.record,
        "execution_block_hash": header.execution_hash,
        "execution_branch": Items(header.execution_branch),
    }
    return Record(header_shape(NEWEST), values)
