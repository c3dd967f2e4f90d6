"""The shapes of light-client objects in every fork: which fields, how long each branch, which execution header.

Source: consensus specification, specs/{altair,capella,deneb,electra,gloas}/light-client/sync-protocol.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import Final

from verifier.codec.ssz import Bits, Container, OctetList, Octets, SszType, Uint, Vector
from verifier.consensus.forks import INDICES, NEWEST, Fork, Indices
from verifier.crypto.bls import KEY_BYTES, SIGNATURE_BYTES
from verifier.trie.binary import Gindex, depth_of

_U64: Final = Uint(8)
_ROOT: Final = Octets(32)
NEWEST_INDICES: Final[Indices] = INDICES[NEWEST]
EXECUTION_INDEX: Final[Gindex] = NEWEST_INDICES.execution or Gindex(1)
"""Of the block hash in the body, in the newest form."""

BEACON_HEADER: Final = Container(
    "BeaconBlockHeader",
    (("slot", _U64), ("proposer_index", _U64), ("parent_root", _ROOT), ("state_root", _ROOT), ("body_root", _ROOT)),
)
_PAYLOAD: Final[tuple[tuple[str, SszType], ...]] = (
    ("parent_hash", _ROOT),
    ("fee_recipient", Octets(20)),
    ("state_root", _ROOT),
    ("receipts_root", _ROOT),
    ("logs_bloom", Octets(256)),
    ("prev_randao", _ROOT),
    ("block_number", _U64),
    ("gas_limit", _U64),
    ("gas_used", _U64),
    ("timestamp", _U64),
    ("extra_data", OctetList(32)),
    ("base_fee_per_gas", Uint(32)),
    ("block_hash", _ROOT),
    ("transactions_root", _ROOT),
    ("withdrawals_root", _ROOT),
)
CAPELLA_PAYLOAD: Final = Container("ExecutionPayloadHeader", _PAYLOAD)
DENEB_PAYLOAD: Final = Container(
    "ExecutionPayloadHeader", (*_PAYLOAD, ("blob_gas_used", _U64), ("excess_blob_gas", _U64))
)
_PAYLOAD_BRANCH: Final = Vector(_ROOT, 4)
"""Of the execution payload in the block body, index 25, up to Fulu."""


class Kind(StrEnum):
    """The four objects of the protocol."""

    BOOTSTRAP = "bootstrap"
    UPDATE = "update"
    FINALITY = "finality_update"
    OPTIMISTIC = "optimistic_update"


@cache
def header_shape(fork: Fork) -> Container:
    """A light-client header in the form of a fork."""
    fields: list[tuple[str, SszType]] = [("beacon", BEACON_HEADER)]
    if fork.since(Fork.GLOAS):
        fields += [("execution_block_hash", _ROOT), ("execution_branch", Vector(_ROOT, depth_of(EXECUTION_INDEX)))]
    elif fork.since(Fork.CAPELLA):
        payload = DENEB_PAYLOAD if fork.since(Fork.DENEB) else CAPELLA_PAYLOAD
        fields += [("execution", payload), ("execution_branch", _PAYLOAD_BRANCH)]
    return Container("LightClientHeader", tuple(fields))


@cache
def committee_shape(size: int) -> Container:
    """A sync committee of `size` members."""
    return Container(
        "SyncCommittee", (("pubkeys", Vector(Octets(KEY_BYTES), size)), ("aggregate_pubkey", Octets(KEY_BYTES)))
    )


@cache
def aggregate_shape(size: int) -> Container:
    """A signature of a sync committee, and who took part in it."""
    signed = (("sync_committee_bits", Bits(size)), ("sync_committee_signature", Octets(SIGNATURE_BYTES)))
    return Container("SyncAggregate", signed)


@cache
def shape_of(kind: Kind, fork: Fork, size: int) -> Container:
    """The container of an object in the form of a fork, on a network with committees of `size`."""
    indices = INDICES[fork]
    header = header_shape(fork)

    def branch(depth: int) -> SszType:
        return Vector(_ROOT, depth)

    if kind is Kind.BOOTSTRAP:
        return Container(
            "LightClientBootstrap",
            (
                ("header", header),
                ("current_sync_committee", committee_shape(size)),
                ("current_sync_committee_branch", branch(depth_of(indices.current))),
            ),
        )
    fields: list[tuple[str, SszType]] = [("attested_header", header)]
    if kind is Kind.UPDATE:
        fields += [
            ("next_sync_committee", committee_shape(size)),
            ("next_sync_committee_branch", branch(depth_of(indices.next))),
        ]
    if kind is not Kind.OPTIMISTIC:
        fields += [("finalized_header", header), ("finality_branch", branch(depth_of(indices.finalized)))]
    fields += [("sync_aggregate", aggregate_shape(size)), ("signature_slot", _U64)]
    return Container(_NAMES[kind], tuple(fields))


_NAMES: Final[Mapping[Kind, str]] = MappingProxyType(
    {
        Kind.UPDATE: "LightClientUpdate",
        Kind.FINALITY: "LightClientFinalityUpdate",
        Kind.OPTIMISTIC: "LightClientOptimisticUpdate",
    }
)
