"""From a proven beacon header to an older one, and to the execution block in it. Backwards only.

    by parent links      any distance, one header after another
    by `block_roots`     8192 slots: the ring of recent block roots in the newer header's state
    by summaries         since Capella: `historical_summaries` in the state, a root of the 8192 block roots of each
                         period that is over, and the block's root below it

An older header keeps the trust of the newer one. What an empty slot's entry holds (the root of the block before) proves
nothing here: the entry looked at is that of the header's own slot. A summary is of fixed slots, counted from the first
period that Capella had a part in. No standard endpoint serves these proofs; those who have them can use them.

Source: consensus specification, phase0/beacon-chain.md (get_block_root_at_slot), capella/beacon-chain.md
(process_historical_summaries_update), ssz/merkle-proofs.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from verifier.consensus.containers import BeaconHeader
from verifier.consensus.forks import ConsensusConfig, Fork
from verifier.errors import BrokenAncestry, Unsupported, Where, WrongChain, WrongHash
from verifier.primitives import Hash32
from verifier.proven import ProvenBeacon, mint
from verifier.trie.binary import Gindex, below, verify_branch

_BODY_ROOT: Final = Gindex(12)
"""In a beacon header: the last of five fields, so of eight leaves."""
_SUMMARIES_DEPTH: Final = 24
"""Of the list of summaries (`HISTORICAL_ROOTS_LIMIT` = 2^24); its length is mixed in above it."""
_BLOCK_SUMMARY: Final = Gindex(2)
"""`block_summary_root`, the first of the two fields of a summary."""


def older_by_parent(newer: ProvenBeacon, header: BeaconHeader, config: ConsensusConfig) -> ProvenBeacon:
    """
    Establish the parent of a proven beacon header.

    Raises:
        WrongChain: `newer` is of another beacon chain than `config`.
        WrongHash: Another header than the one that `newer` names.
        BrokenAncestry: The roots link and the slots do not.
    """
    where = _where(newer, config)
    root = header.root
    if root != newer.parent_root:
        raise WrongHash(where, "the parent header", newer.parent_root, root)
    return _older(newer, header, root, config, where)


def older_by_roots(
    newer: ProvenBeacon, header: BeaconHeader, branch: Sequence[bytes], config: ConsensusConfig
) -> ProvenBeacon:
    """
    Establish an older header from the ring of block roots in the state of a proven one.

    Args:
        header, branch: Untrusted; the branch leads from the header's root to the state root of `newer`.

    Raises:
        WrongChain, BrokenAncestry: As `older_by_parent`; the latter also beyond the reach of the ring.
        Unsupported: The fork of a slot is unknown here.
        ProofError: The branch does not lead there.
    """
    where, ring = _where(newer, config), config.preset.block_roots
    if not newer.slot - ring <= header.slot < newer.slot:
        span = f"one of the {ring} slots before {newer.slot}"
        raise BrokenAncestry(where, "the slot of a header in the ring of block roots", span, header.slot)
    index = below(config.indices_of(newer.slot).block_roots, Gindex(ring + header.slot % ring))
    root = header.root
    verify_branch(root, branch, index, newer.state_root, where, f"the block root of slot {header.slot}")
    return _older(newer, header, root, config, where)


def older_by_summary(
    newer: ProvenBeacon, header: BeaconHeader, branch: Sequence[bytes], config: ConsensusConfig
) -> ProvenBeacon:
    """
    Establish an older header from the summary of its period in the state of a proven one. Args as `older_by_roots`.

    Raises:
        WrongChain, ProofError: As `older_by_roots`.
        BrokenAncestry: The header's period is not over at `newer`, or was over before Capella.
        Unsupported: The state of `newer` holds no summaries, or in a form that is not known here.
    """
    where = _where(newer, config)
    index = summary_index(header.slot, config)
    if not index >= 0 or (header.slot // config.preset.block_roots + 1) * config.preset.block_roots > newer.slot:
        span = f"in a period since Capella that is over at slot {newer.slot}"
        raise BrokenAncestry(where, "the slot of a header under a summary", span, header.slot)
    summaries = config.indices_of(newer.slot).summaries
    if summaries is None:
        raise Unsupported(where, "summaries of blocks in a state before Capella, or from Gloas on")
    entry = below(summaries, Gindex((2 << _SUMMARIES_DEPTH) + index))
    ring = config.preset.block_roots
    place = below(below(entry, _BLOCK_SUMMARY), Gindex(ring + header.slot % ring))
    root = header.root
    verify_branch(root, branch, place, newer.state_root, where, f"the summarized block root of slot {header.slot}")
    return _older(newer, header, root, config, where)


def with_execution(
    beacon: ProvenBeacon, execution_hash: Hash32, branch: Sequence[bytes], config: ConsensusConfig
) -> ProvenBeacon:
    """
    Establish the execution block hash in a proven beacon header, for `execution_header` to open.

    Args:
        execution_hash, branch: Untrusted; the branch leads from the hash to the root of the header.

    Raises:
        WrongChain, ProofError: As `older_by_roots`.
        Unsupported: Before Capella there is none.
    """
    _where(beacon, config)
    verify_in_block(beacon.root, beacon.slot, execution_hash, branch, config)
    return mint(
        ProvenBeacon,
        rests_on=beacon,
        chain_id=beacon.chain_id,
        slot=beacon.slot,
        timestamp=beacon.timestamp,
        root=beacon.root,
        parent_root=beacon.parent_root,
        state_root=beacon.state_root,
        body_root=beacon.body_root,
        execution_hash=execution_hash,
        signers=beacon.signers,
        committee=beacon.committee,
        trust=beacon.trust,
    )


def verify_in_block(
    root: bytes, slot: int, execution_hash: bytes, branch: Sequence[bytes], config: ConsensusConfig
) -> None:
    """Establish an execution block hash in the block of a root. The slot, like the root, is a proven one."""
    where = config.where.at(node=f"block at slot {slot}")
    inner = config.indices_of(slot).execution
    if inner is None:
        raise Unsupported(where, "an execution block before Capella")
    verify_branch(
        execution_hash, branch, below(_BODY_ROOT, inner), root, where, "the execution block hash in the block"
    )


def verify_in_summary(
    summary_root: bytes, slot: int, root: bytes, branch: Sequence[bytes], config: ConsensusConfig
) -> None:
    """Establish the block root of a slot under the `block_summary_root` of its period, for those who hold summaries."""
    ring = config.preset.block_roots
    where = config.where.at(node=f"block at slot {slot}")
    verify_branch(root, branch, Gindex(ring + slot % ring), summary_root, where, "the block root in its summary")


def summary_index(slot: int, config: ConsensusConfig) -> int:
    """Which summary covers a slot; negative before the first."""
    capella = next((row.epoch for row in config.forks if row.fork is Fork.CAPELLA), None)
    if capella is None:
        raise Unsupported(config.where, "summaries on a network without Capella")
    ring = config.preset.block_roots
    return slot // ring - capella * config.preset.slots_per_epoch // ring


def _where(beacon: ProvenBeacon, config: ConsensusConfig) -> Where:
    where = config.where.at(node=f"before the beacon header at slot {beacon.slot}")
    if beacon.chain_id != config.chain_id:
        raise WrongChain(where, "the chain of the beacon header", config.chain_id, beacon.chain_id)
    return where


def _older(
    newer: ProvenBeacon, header: BeaconHeader, root: Hash32, config: ConsensusConfig, where: Where
) -> ProvenBeacon:
    if not header.slot < newer.slot:
        raise BrokenAncestry(where, "the slot of an ancestor", f"below {newer.slot}", header.slot)
    return mint(
        ProvenBeacon,
        rests_on=newer,
        chain_id=newer.chain_id,
        slot=header.slot,
        timestamp=config.time_of(header.slot),
        root=root,
        parent_root=header.parent_root,
        state_root=header.state_root,
        body_root=header.body_root,
        execution_hash=None,
        signers=newer.signers,
        committee=newer.committee,
        trust=newer.trust,
    )
