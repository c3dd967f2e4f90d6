"""Backwards from a proven beacon header: parents, the ring of block roots, summaries, and the execution block inside."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.simulators.beacon import CHAIN, BeaconChain, SparseTree, devnet, execution_rlp
from tests.simulators.beacon_data import load, raw
from tests.simulators.chain import network
from verifier.consensus.containers import BeaconHeader
from verifier.consensus.execution import execution_header
from verifier.consensus.forks import ConsensusConfig, Fork
from verifier.consensus.history import (
    older_by_parent,
    older_by_roots,
    older_by_summary,
    summary_index,
    verify_in_block,
    verify_in_summary,
    with_execution,
)
from verifier.consensus.networks import consensus_of
from verifier.crypto.keccak import keccak256
from verifier.errors import BrokenAncestry, MissingEvidence, Unsupported, UnusedEvidence, WrongChain, WrongHash
from verifier.primitives import ChainId, Hash32, Timestamp
from verifier.proven import ProvenBeacon, mint, trail
from verifier.trie.binary import Gindex, below
from verifier.trust import Anchor, Basis, Checkpoint, Trust

MAINNET = consensus_of(ChainId(1))
DEVNET = devnet((Fork.FULU, 0))
RING = 64


def proven(header: BeaconHeader, config: ConsensusConfig = DEVNET) -> ProvenBeacon:
    """A header as a light client would have made it; minted by hand, which only tests and the verifier do."""
    return mint(
        ProvenBeacon,
        rests_on=Checkpoint(config.chain_id, header.root),
        chain_id=config.chain_id,
        slot=header.slot,
        timestamp=config.time_of(header.slot),
        root=header.root,
        parent_root=header.parent_root,
        state_root=header.state_root,
        body_root=header.body_root,
        execution_hash=None,
        signers=30,
        committee=32,
        trust=Trust(Anchor.FINALIZED, None, frozenset({Basis.COMMITTEE}), 937_500),
    )


def newer_over(
    old: BeaconHeader, slot: int, index: Gindex, config: ConsensusConfig = DEVNET
) -> tuple[ProvenBeacon, tuple[bytes, ...]]:
    """A header whose state has the older one's root at an index, and the branch."""
    tree = SparseTree({index: old.root})
    header = BeaconHeader(slot, 1, Hash32(b"\x01" * 32), tree.root, Hash32(b"\x02" * 32))
    return proven(header, config), tree.branch(index)


@pytest.mark.covers("LC-13")
def test_512_real_headers_link_back_one_by_one(shared_data: object) -> None:
    """From slot 13107719 to 13107200 by parent roots, empty slots between them; any other header breaks it."""
    headers = [
        BeaconHeader(
            int(h["slot"]),
            int(h["proposer_index"]),
            *(Hash32(raw(h[k])) for k in ("parent_root", "state_root", "body_root")),
        )
        for h in load("real/mainnet/headers-period-1600")["headers"]
    ]
    assert len(headers) == 512
    step = first = proven(headers[-1], MAINNET)
    for header in reversed(headers[:-1]):
        with pytest.raises(WrongHash):
            older_by_parent(step, replace(header, proposer_index=header.proposer_index + 1), MAINNET)
        step = older_by_parent(step, header, MAINNET)
    assert (step.slot, step.root, step.trust) == (13_107_200, headers[0].root, first.trust)
    assert sum(1 for _ in trail(step)) == 513
    with pytest.raises(WrongHash):
        older_by_parent(first, headers[0], MAINNET)
    with pytest.raises(WrongChain):
        older_by_parent(first, headers[-2], DEVNET)


def test_a_link_to_no_earlier_slot_is_broken() -> None:
    """Roots may link; slots have to go down."""
    old = BeaconHeader(70, 1, *(Hash32(b"\x03" * 32),) * 3)
    for slot, error in ((71, None), (70, BrokenAncestry), (60, BrokenAncestry)):
        newer = proven(BeaconHeader(slot, 1, old.root, Hash32(bytes(32)), Hash32(bytes(32))))
        if error is None:
            assert older_by_parent(newer, old, DEVNET).slot == 70
        else:
            with pytest.raises(error):
                older_by_parent(newer, old, DEVNET)


@pytest.mark.parametrize("fork", [Fork.ALTAIR, Fork.CAPELLA, Fork.ELECTRA, Fork.GLOAS])
def test_a_block_root_of_the_ring(fork: Fork) -> None:
    """Within the ring of the state, at the place of the header's own slot; not beyond, not at another's place."""
    config = devnet((fork, 0))
    roots = {Fork.ALTAIR: 37, Fork.CAPELLA: 37, Fork.ELECTRA: 69, Fork.GLOAS: 352}[fork]
    old = BeaconHeader(70, 1, *(Hash32(b"\x03" * 32),) * 3)
    index = below(Gindex(roots), Gindex(RING + 70 % RING))
    newer, branch = newer_over(old, 134, index, config)
    found = older_by_roots(newer, old, branch, config)
    assert (found.slot, found.root, found.rests_on, found.trust) == (70, old.root, newer, newer.trust)
    with pytest.raises(WrongHash):
        older_by_roots(newer, replace(old, proposer_index=2), branch, config)
    with pytest.raises(WrongHash):
        older_by_roots(newer, replace(old, slot=71), branch, config)
    with pytest.raises(MissingEvidence):
        older_by_roots(newer, old, branch[1:], config)
    with pytest.raises(UnusedEvidence):
        older_by_roots(newer, old, (*branch, bytes(32)), config)
    for slot in (135, 70, 60):
        late, branch = newer_over(old, slot, index, config)
        with pytest.raises(BrokenAncestry, match="ring of block roots"):
            older_by_roots(late, old, branch, config)


def test_a_summarized_block_root() -> None:
    """The summary of the header's period, once that is over; another summary's place proves nothing."""
    old = BeaconHeader(70, 1, *(Hash32(b"\x03" * 32),) * 3)

    def place(summary: int, slot: int = 70) -> Gindex:
        entry = below(Gindex(91), Gindex((2 << 24) + summary))
        return below(below(entry, Gindex(2)), Gindex(RING + slot % RING))

    newer, branch = newer_over(old, 500, place(1))
    found = older_by_summary(newer, old, branch, DEVNET)
    assert (found.slot, found.root) == (70, old.root)
    for wrong in (
        place(0),
        place(2),
        place(1, 71),
        below(below(Gindex(91), Gindex((2 << 24) + 1)), Gindex(2 * 2 * RING)),
    ):
        other, wrong_branch = newer_over(old, 500, wrong)
        with pytest.raises((WrongHash, MissingEvidence, UnusedEvidence)):
            older_by_summary(other, old, wrong_branch, DEVNET)
    early, branch = newer_over(old, 127, place(1))
    with pytest.raises(BrokenAncestry):
        older_by_summary(early, old, branch, DEVNET)
    over, branch = newer_over(old, 128, place(1))
    assert older_by_summary(over, old, branch, DEVNET).slot == 70
    first = replace(old, slot=7)
    over, branch = newer_over(first, 64, place(0, 7))
    assert older_by_summary(over, first, branch, DEVNET).slot == 7
    with pytest.raises(Unsupported, match="without Capella"):
        summary_index(70, devnet((Fork.BELLATRIX, 0)))
    gloas = devnet((Fork.GLOAS, 0))
    newer, branch = newer_over(old, 500, place(1), gloas)
    with pytest.raises(Unsupported):
        older_by_summary(newer, old, branch, gloas)
    with pytest.raises(BrokenAncestry):
        older_by_summary(
            proven(BeaconHeader(7_000_000, 1, *(Hash32(bytes(32)),) * 3), MAINNET),
            replace(old, slot=758 * 8192 - 1),
            (),
            MAINNET,
        )


def test_the_execution_block_of_an_older_header() -> None:
    """Its hash is proven in the block; then the header opens as any other."""
    for fork in (Fork.CAPELLA, Fork.FULU, Fork.GLOAS):
        chain = BeaconChain(devnet((fork, 0)))
        header = chain.header(70).beacon
        body, execution_hash = chain.body(70)
        index = chain.config.indices_of(70).execution
        assert index is not None
        tree = SparseTree({8: _u64(70), 9: _u64(header.proposer_index), 10: header.parent_root, 11: header.state_root,
                           12: header.body_root, 13: bytes(32), 7: _empty_pair()})  # fmt: skip
        assert tree.root == header.root
        branch = (*body.branch(index), *tree.branch(12))
        beacon = proven(header, chain.config)
        with pytest.raises(Unsupported):
            execution_header(beacon, execution_rlp(70), network(chain_id=CHAIN))
        opened = execution_header(
            with_execution(beacon, execution_hash, branch, chain.config), execution_rlp(70), network(chain_id=CHAIN)
        )
        assert opened.number == 1_070
        with pytest.raises(WrongHash):
            with_execution(beacon, Hash32(b"\x01" * 32), branch, chain.config)
        with pytest.raises(MissingEvidence):
            with_execution(beacon, execution_hash, body.branch(index), chain.config)
    early = devnet((Fork.BELLATRIX, 0))
    with pytest.raises(Unsupported):
        with_execution(proven(BeaconHeader(70, 1, *(Hash32(bytes(32)),) * 3), early), Hash32(bytes(32)), (), early)


def test_real_headers_of_old_blocks_by_summary(shared_data: object) -> None:
    """RLP to block hash, to beacon block, to one of 643 summaries: Capella and Deneb, on mainnet."""
    summaries = load("real/mainnet/historical-summaries-11476992")
    assert summaries["first_period"] == 758
    proofs = load("real/mainnet/history-proofs")["proofs"]
    assert [proof["fork"] for proof in proofs] == ["capella", "capella", "deneb"]
    for proof in proofs:
        slot, root = int(proof["slot"]), raw(proof["beacon_block_root"])
        block = raw(proof["execution_block_hash"])
        branch = [raw(b) for b in proof["execution_block_proof"]]
        assert keccak256(raw(proof["execution_header_rlp"])) == block
        verify_in_block(root, slot, block, branch, MAINNET)
        with pytest.raises(WrongHash):
            verify_in_block(root, slot, bytes(32), branch, MAINNET)
        index = summary_index(slot, MAINNET)
        assert index == int(proof["historical_summary_index"])
        summary = raw(summaries["summaries"][index]["block_summary_root"])
        below_summary = [raw(b) for b in proof["historical_summaries_proof"]]
        verify_in_summary(summary, slot, root, below_summary, MAINNET)
        for wrong_slot in (slot ^ 64, slot ^ 4096):  # the next slot may be empty, and its entry the same
            with pytest.raises(WrongHash):
                verify_in_summary(summary, wrong_slot, root, below_summary, MAINNET)
        with pytest.raises(WrongHash):
            verify_in_summary(
                raw(summaries["summaries"][index + 1]["block_summary_root"]), slot, root, below_summary, MAINNET
            )
        with pytest.raises(MissingEvidence):
            verify_in_summary(summary, slot, root, below_summary[1:], MAINNET)


def _u64(value: int) -> bytes:
    return value.to_bytes(32, "little")


def _empty_pair() -> bytes:
    return SparseTree({2: bytes(32), 3: bytes(32)}).root


def test_times_are_those_of_slots() -> None:
    """A header's time is its slot's, whoever names it."""
    assert proven(BeaconHeader(70, 1, *(Hash32(bytes(32)),) * 3)).timestamp == Timestamp(1_700_000_000 + 420)
