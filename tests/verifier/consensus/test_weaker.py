"""Which headers are believed, and how far, by the checker's own word and by what its endpoints said."""

from __future__ import annotations

import pytest
import rlp

from tests.simulators.chain import header_fields, network
from tests.simulators.trie_builder import keccak
from verifier.consensus.weaker import verify_anchor
from verifier.errors import BadInput, MalformedHeader, NoTrustRoot, Unsupported, Where, WrongBinding
from verifier.primitives import BlockNumber, ChainId, Hash32, Timestamp
from verifier.proven import ProvenHeader
from verifier.trust import Anchor, Checkpoint, Observed, PinnedBlock, Settlement, TrustRoot

RLP = rlp.encode(header_fields(100, 1_700_000_000))
HASH = Hash32(keccak(RLP))
NET = network()
WHERE = Where(network="test")


def observed(*operators: str, k: int = 2, number: int = 100, chain: int = 1, block_hash: Hash32 = HASH) -> Observed:
    return Observed(ChainId(chain), block_hash, BlockNumber(number), frozenset(operators), k, Timestamp(1))


def anchor(*roots: TrustRoot, net=NET) -> ProvenHeader:
    return verify_anchor(RLP, net, roots, WHERE)


PIN = PinnedBlock(ChainId(1), HASH)
QUORUM = observed("one", "two")
ONE = observed("one")


def test_a_pinned_header_is_proven_with_all_its_fields() -> None:
    """The header's fields are those under the pinned hash, and its trail ends at the pin."""
    header = anchor(PIN)
    assert (header.hash, header.number, header.timestamp) == (HASH, 100, 1_700_000_000)
    assert (header.rests_on, header.network) == (PIN, NET)
    assert (header.trust.anchor, header.trust.settlement) == (Anchor.PINNED, None)
    assert header.withdrawals_root == keccak(b"\x80")


@pytest.mark.covers("HDR-01")
def test_another_state_under_the_pinned_hash_is_refused() -> None:
    """A header with another state root has another hash, whatever hash was told beside it."""
    fields = header_fields(100, 1_700_000_000, state=b"\x66" * 32)
    with pytest.raises(NoTrustRoot) as caught:
        verify_anchor(rlp.encode(fields), NET, [PIN], WHERE)
    assert caught.value.anchor == keccak(rlp.encode(fields))
    assert caught.value.known == 1


def test_a_beacon_checkpoint_names_no_execution_block() -> None:
    """A checkpoint whose root is the header's hash is another kind of root: it does not anchor the header by itself."""
    with pytest.raises(NoTrustRoot) as caught:
        anchor(Checkpoint(ChainId(1), HASH))
    assert caught.value.known == 0


def test_a_checkpoint_that_endpoints_named_is_no_stronger_than_they_are() -> None:
    """Given by hand it can lead to finalized; named by endpoints, to a quorum of theirs or to one endpoint's word."""
    told = [Checkpoint(ChainId(1), HASH, frozenset(names), 2, Timestamp(1)) for names in (("a", "b"), ("a",))]
    assert [root.anchor for root in (Checkpoint(ChainId(1), HASH), *told)] == [
        Anchor.FINALIZED,
        Anchor.QUORUM,
        Anchor.RPC,
    ]
    with pytest.raises(BadInput):
        Checkpoint(ChainId(1), HASH, frozenset({"a"}))


@pytest.mark.parametrize(
    ("roots", "expected"),
    [
        ([PIN], Anchor.PINNED),
        ([QUORUM], Anchor.QUORUM),
        ([ONE], Anchor.RPC),
        ([ONE, QUORUM, PIN], Anchor.PINNED),
        ([PIN, ONE], Anchor.PINNED),
        ([ONE, QUORUM], Anchor.QUORUM),
        ([observed("one", "two", k=3)], Anchor.RPC),
        ([observed("one", k=1)], Anchor.RPC),
    ],
)
def test_the_strongest_root_that_names_the_header_counts(roots: list[TrustRoot], expected: Anchor) -> None:
    """In any order; a quorum is at least two operators and at least k."""
    assert anchor(*roots).trust.anchor is expected
    assert anchor(*reversed(roots)).trust.anchor is expected


@pytest.mark.covers("CHN-01", "CHN-03")
def test_a_pin_of_another_network_is_no_root_here() -> None:
    """The same hash pinned for another chain id names nothing on this one; nothing in a header says its chain."""
    with pytest.raises(NoTrustRoot) as caught:
        anchor(PinnedBlock(ChainId(5), HASH), observed("one", "two", chain=5))
    assert caught.value.known == 0
    assert anchor(PinnedBlock(ChainId(5), HASH), net=network(chain_id=5)).network.chain_id == 5


def test_no_root_and_roots_of_other_blocks_name_nothing() -> None:
    """Without a root, or with roots of other blocks, nothing is believed, and the error counts those known."""
    for roots in (
        [],
        [PinnedBlock(ChainId(1), Hash32(b"\x05" * 32)), observed("one", "two", block_hash=Hash32(b"\x06" * 32))],
    ):
        with pytest.raises(NoTrustRoot) as caught:
            anchor(*roots)
        assert caught.value.known == len(roots)


@pytest.mark.covers("HDR-02")
def test_a_block_observed_under_another_number_is_refused() -> None:
    """Endpoints that name a hash with a number not its own contradict the header; a pin speaks of no number."""
    with pytest.raises(WrongBinding):
        anchor(observed("one", "two", number=101))
    assert anchor(observed("one", "two", number=101), PIN).trust.anchor is Anchor.PINNED


@pytest.mark.covers("HDR-11")
def test_a_zero_hash_is_never_a_root() -> None:
    """An unset hash cannot be pinned or observed."""
    with pytest.raises(BadInput):
        PinnedBlock(ChainId(1), Hash32(bytes(32)))
    with pytest.raises(BadInput):
        observed("one", "two", block_hash=Hash32(bytes(32)))


def test_a_rollup_s_own_header_is_not_settled() -> None:
    """On a rollup a pin anchors the header and says that nothing settled it."""
    assert anchor(PIN, net=network(parent=5)).trust.settlement is Settlement.NONE
    assert anchor(PIN).trust.settlement is None


@pytest.mark.covers("CHN-06")
def test_a_family_whose_state_cannot_be_walked_is_unsupported() -> None:
    """Another tree is told before any byte is looked at."""
    with pytest.raises(Unsupported) as caught:
        verify_anchor(b"", network(unsupported="its state is in another tree"), [PIN], WHERE)
    assert "another tree" in str(caught.value)
    with pytest.raises(MalformedHeader):
        verify_anchor(b"\xc0", NET, [PIN], WHERE)
