"""Older headers under a proven one: by parent hash, and by the ring of block hashes in its state."""

from __future__ import annotations

import pytest
import rlp

from tests.simulators.chain import EMPTY_TRIE, HISTORY, SimChain, account, header_fields, network, pinned, storage_trie
from tests.simulators.trie_builder import build, keccak
from verifier.errors import (
    BrokenAncestry,
    MalformedHeader,
    MalformedWord,
    MissingNode,
    NotThere,
    Unsupported,
    WrongHash,
)
from verifier.headers.ancestry import history_read, verify_history, verify_parent
from verifier.primitives import BlockNumber, Hash32, slot_key
from verifier.proven import ProvenHeader, ProvenWord, trail
from verifier.trie.table import NodeTable
from verifier.trust import Anchor, PinnedBlock

RING = 8


@pytest.fixture(scope="module")
def chain() -> SimChain:
    """Twenty-one blocks whose ring of eight has gone round."""
    return SimChain([12] * 20, ring=RING)


def hop(chain: SimChain, newer: int, older: int, **changed: object) -> ProvenHeader:
    """A hop between two blocks, with header or nodes exchanged on the way."""
    nodes = NodeTable.build(changed.get("nodes", chain.hop_nodes(newer, older)))
    return verify_history(chain.header(newer), changed.get("header", chain.blocks[older].rlp), nodes, set())


# --- by parent hash --------------------------------------------------------------------------------------


def test_a_parent_is_proven_and_inherits_trust(chain: SimChain) -> None:
    """The parent of a pinned header is proven as far as that header is, and its trail leads there."""
    child = chain.header(-1)
    parent = verify_parent(child, chain.blocks[-2].rlp)
    assert (parent.hash, parent.number) == (chain.blocks[-2].hash, chain.blocks[-2].number)
    assert parent.state_root == chain.blocks[-2].state.root
    assert parent.trust == child.trust
    assert parent.trust.anchor is Anchor.PINNED
    assert [type(step) for step in trail(parent)] == [ProvenHeader, ProvenHeader, PinnedBlock]


@pytest.mark.covers("HDR-03")
@pytest.mark.parametrize("other", [-1, -3, 0], ids=["itself", "grandparent", "an old one"])
def test_another_block_is_no_parent(chain: SimChain, other: int) -> None:
    """A missing, repeated or replaced header in a chain of parents does not have the hash."""
    with pytest.raises(WrongHash):
        verify_parent(chain.header(-1), chain.blocks[other].rlp)


@pytest.mark.covers("HDR-03")
@pytest.mark.parametrize("number", [97, 98, 100, 101])
def test_numbers_that_skip_are_refused_though_hashes_link(number: int) -> None:
    """A parent by hash whose number is not one less is refused; with 99 below 100 it stands."""
    net = network()
    honest = rlp.encode(header_fields(99, 10))
    assert verify_parent(pinned(rlp.encode(header_fields(100, 20, keccak(honest))), net), honest).number == 99
    parent = rlp.encode(header_fields(number, 10))
    with pytest.raises(BrokenAncestry):
        verify_parent(pinned(rlp.encode(header_fields(100, 20, keccak(parent))), net), parent)


def test_a_parent_is_not_younger_than_its_child() -> None:
    """Equal times stand (fast chains have them); a parent one second younger is refused."""
    net = network()
    for time, stands in ((19, True), (20, True), (21, False)):
        parent = rlp.encode(header_fields(99, time))
        child = pinned(rlp.encode(header_fields(100, 20, keccak(parent))), net)
        if stands:
            assert verify_parent(child, parent).timestamp == time
        else:
            with pytest.raises(BrokenAncestry):
                verify_parent(child, parent)


def test_a_parent_that_is_no_header_is_refused() -> None:
    """Bytes that hash to the parent hash and are no header prove nothing."""
    net, raw = network(), rlp.encode([b"no header"])
    with pytest.raises(MalformedHeader):
        verify_parent(pinned(rlp.encode(header_fields(100, 20, keccak(raw))), net), raw)


# --- by the ring -----------------------------------------------------------------------------------------


def test_every_block_in_the_ring_is_reached_and_no_other(chain: SimChain) -> None:
    """The eight blocks before a block are proven by its state; itself, the ninth and later ones are not."""
    newer = 15
    for older in range(len(chain.blocks)):
        if newer - RING <= older < newer:
            header = hop(chain, newer, older)
            assert (header.hash, header.number) == (chain.blocks[older].hash, chain.blocks[older].number)
            assert isinstance(header.rests_on, ProvenWord)
            assert header.rests_on.word == header.hash
        else:
            with pytest.raises(BrokenAncestry):
                hop(chain, newer, older)


def test_the_real_length_of_the_ring() -> None:
    """With 8191 slots block n stands at slot n mod 8191."""
    chain = SimChain([12] * 3, ring=8191, first_number=2 * 8191 - 1)
    assert hop(chain, -1, 0).number == 2 * 8191 - 1
    assert history_read(chain.network, BlockNumber(8191)).slots == (slot_key(0),)
    assert history_read(chain.network, BlockNumber(8190)).slots == (slot_key(8190),)
    assert history_read(chain.network, BlockNumber(8190)).address == HISTORY


def test_a_hop_notes_the_nodes_it_used(chain: SimChain) -> None:
    """Exactly the nodes on the way to the account and to the slot count as used."""
    nodes = chain.hop_nodes(15, 10)
    used: set[Hash32] = set()
    verify_history(chain.header(15), chain.blocks[10].rlp, NodeTable.build([*nodes, b"surplus" * 9]), used)
    assert used == {keccak(node) for node in nodes}


@pytest.mark.covers("HDR-03")
def test_a_forged_block_of_the_right_number_is_refused(chain: SimChain) -> None:
    """A header that gives itself a number of the ring does not have the hash that stands there."""
    forged = rlp.encode(header_fields(chain.blocks[10].number, 1_700_000_000))
    with pytest.raises(WrongHash):
        hop(chain, 15, 10, header=forged)


@pytest.mark.covers("HDR-02")
def test_an_honest_block_proves_its_own_number_only(chain: SimChain) -> None:
    """Another honest block with nodes for the asked one: its own number decides the slot, and its nodes are missing."""
    with pytest.raises(MissingNode):
        hop(chain, 15, 11, nodes=chain.hop_nodes(15, 10)[:-1])
    assert hop(chain, 15, 11).number == chain.blocks[11].number


def test_nodes_of_another_state_are_refused(chain: SimChain) -> None:
    """Nodes under another block's state do not lead from this one's root."""
    with pytest.raises(MissingNode):
        hop(chain, 15, 10, nodes=chain.hop_nodes(16, 10))


def test_a_slot_that_was_never_written_is_told() -> None:
    """Right after its activation the ring lacks the older hashes: proven absent, not forged."""
    chain = SimChain([12] * 3, ring=RING)
    first = SimChain([12], ring=RING, first_number=chain.first_number - 1).blocks[0]
    with pytest.raises(NotThere):
        verify_history(chain.header(-1), first.rlp, NodeTable.build(nodes_to(chain, first.number)), set())
    assert hop(chain, -1, 0).number == chain.first_number


def test_without_the_contract_there_is_nothing_to_hop_over() -> None:
    """Where the history account is absent the slot is proven empty."""
    chain = SimChain([12] * 3, ring=RING)
    state = build({keccak(b"\x05" * 20): account()})
    newer = pinned(rlp.encode(header_fields(1_003, 1_700_000_100, state=state.root)), chain.network)
    with pytest.raises(NotThere):
        verify_history(newer, chain.blocks[1].rlp, NodeTable.build(state.prove(keccak(HISTORY))), set())


def test_a_ring_slot_that_is_no_word_is_refused() -> None:
    """A leaf of 33 bytes is malformed before anything is compared."""
    chain = SimChain([12] * 3, ring=RING)
    slot = (chain.blocks[1].number % RING).to_bytes(32, "big")
    storage = storage_trie({slot: rlp.encode(b"\x01" + chain.blocks[1].hash)})
    state = build({keccak(HISTORY): account(1, 0, storage.root)})
    newer = pinned(rlp.encode(header_fields(1_003, 1_700_000_100, state=state.root)), chain.network)
    nodes = NodeTable.build(state.prove(keccak(HISTORY)) + storage.prove(keccak(slot)))
    with pytest.raises(MalformedWord):
        verify_history(newer, chain.blocks[1].rlp, nodes, set())


def test_an_ancestor_by_the_ring_is_not_younger() -> None:
    """The ring's word is the header's hash, and its time is after the newer block's: refused."""
    older = rlp.encode(header_fields(1_001, 1_700_000_101))
    slot = (1_001 % RING).to_bytes(32, "big")
    storage = storage_trie({slot: rlp.encode(keccak(older))})
    state = build({keccak(HISTORY): account(1, 0, storage.root)})
    nodes = NodeTable.build(state.prove(keccak(HISTORY)) + storage.prove(keccak(slot)))
    for time, stands in ((1_700_000_101, True), (1_700_000_100, False)):
        newer = pinned(rlp.encode(header_fields(1_003, time, state=state.root)), network(ring=RING))
        if stands:
            assert verify_history(newer, older, nodes, set()).timestamp == 1_700_000_101
        else:
            with pytest.raises(BrokenAncestry):
                verify_history(newer, older, nodes, set())


def test_a_family_without_the_contract_is_unsupported(chain: SimChain) -> None:
    """Where no ring is known neither half works, and both say so."""
    net = network(ring=None)
    with pytest.raises(Unsupported):
        history_read(net, BlockNumber(5))
    with pytest.raises(Unsupported):
        verify_history(pinned(chain.blocks[-1].rlp, net), chain.blocks[-2].rlp, NodeTable.build([]), set())


def nodes_to(chain: SimChain, number: int) -> list[bytes]:
    block = chain.blocks[-1]
    slot = (number % RING).to_bytes(32, "big")
    assert block.history.root != EMPTY_TRIE
    return block.state.prove(keccak(HISTORY)) + block.history.prove(keccak(slot))
