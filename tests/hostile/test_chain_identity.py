"""An attacker offers one chain's evidence for another: nothing in a header says whose it is, so only roots may."""

from __future__ import annotations

import pytest
import rlp

from tests.simulators.chain import account, header_fields, network
from tests.simulators.trie_builder import build, keccak
from verifier.consensus.weaker import verify_anchor
from verifier.errors import MissingNode, NoTrustRoot, Unsupported, Where
from verifier.network import Network
from verifier.primitives import Address, BlockNumber, ChainId, Hash32, Timestamp
from verifier.state.ethereum import verify_account
from verifier.state.tree import state_root
from verifier.trie.table import NodeTable
from verifier.trust import Observed, PinnedBlock, Settlement, TrustRoot

SAFE = Address(b"\x5a" * 20)
WHERE = Where(network="test")
RICH = build({keccak(SAFE): account(1, 10**24), keccak(b"x"): account(1)})
POOR = build({keccak(SAFE): account(1, 3, code=keccak(b"other code")), keccak(b"x"): account(2)})
THERE = rlp.encode(header_fields(100, 1_700_000_000, state=RICH.root))
HERE = rlp.encode(header_fields(100, 1_700_000_000, state=POOR.root))


def pin(raw: bytes, chain: int) -> PinnedBlock:
    return PinnedBlock(ChainId(chain), Hash32(keccak(raw)))


def seen(raw: bytes, chain: int) -> Observed:
    names = frozenset({"one", "two"})
    return Observed(ChainId(chain), Hash32(keccak(raw)), BlockNumber(100), names, 2, Timestamp(1))


@pytest.mark.covers("CHN-01", "CHN-03")
@pytest.mark.parametrize("root", [pin(THERE, 11155111), seen(THERE, 11155111)], ids=["pinned", "observed"])
def test_a_root_of_the_test_network_is_none_of_the_main_one(root: TrustRoot) -> None:
    """A true header of another chain, believed there, is not believed here, however its endpoint calls itself."""
    with pytest.raises(NoTrustRoot) as caught:
        verify_anchor(THERE, network(chain_id=1), [root, pin(HERE, 1)], WHERE)
    assert caught.value.known == 1
    assert verify_anchor(THERE, network(chain_id=11155111), [root, pin(HERE, 1)], WHERE).network.chain_id == 11155111


@pytest.mark.covers("CHN-02")
def test_a_block_of_a_shared_past_counts_where_it_was_pinned() -> None:
    """A block from before a split is true on both sides: each side needs a root of its own, and keeps its own id."""
    both: list[Network] = [network(chain_id=1), network(chain_id=61)]
    for mine, other in (both, both[::-1]):
        root = pin(THERE, mine.chain_id)
        assert verify_anchor(THERE, mine, [root], WHERE).network == mine
        with pytest.raises(NoTrustRoot):
            verify_anchor(THERE, other, [root], WHERE)


@pytest.mark.covers("CHN-04")
def test_the_same_address_on_another_chain_is_another_account() -> None:
    """Nodes that prove a rich safe there prove nothing under this chain's root, where it holds little and other code."""
    root = state_root(verify_anchor(HERE, network(chain_id=1), [pin(HERE, 1)], WHERE))
    with pytest.raises(MissingNode):
        verify_account(root, SAFE, NodeTable.build(RICH.prove(keccak(SAFE))), set())
    found = verify_account(root, SAFE, NodeTable.build(POOR.prove(keccak(SAFE))), set())
    assert (found.balance, found.code_hash) == (3, keccak(b"other code"))
    assert found.rests_on.network.chain_id == 1


@pytest.mark.covers("CHN-05")
def test_a_twin_of_a_rollup_is_not_settled_by_its_shape() -> None:
    """A deployment with the same genesis and another parent is another network; neither header counts as settled."""
    real, twin = network(chain_id=10, parent=1), network(chain_id=11, parent=11155111)
    header = verify_anchor(THERE, real, [pin(THERE, 10)], WHERE)
    assert header.trust.settlement is Settlement.NONE
    assert header.network.rooted_by != twin.rooted_by
    with pytest.raises(NoTrustRoot):
        verify_anchor(THERE, twin, [pin(THERE, 10)], WHERE)


@pytest.mark.covers("CHN-06")
def test_a_state_in_another_tree_is_refused_with_its_reason() -> None:
    """The RPC looks the same and the tree does not: told before anything is walked, even under a pinned header."""
    other = network(chain_id=324, unsupported="its state is a binary tree under Blake2s")
    with pytest.raises(Unsupported) as caught:
        verify_anchor(THERE, other, [pin(THERE, 324)], WHERE)
    assert "Blake2s" in str(caught.value)
    assert verify_anchor(THERE, network(chain_id=324), [pin(THERE, 324)], WHERE).state_root == RICH.root
