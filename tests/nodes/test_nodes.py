"""The nodes come up, hold what they should, and go."""

from __future__ import annotations

import pytest

from tests.nodes.contracts import BOB, CAROL, DAVE, FRANK, HOLDERS, MAXIM, NOBODY
from tests.nodes.process import NodeFailedError, RpcError, running


def test_three_chains_have_ids_of_their_own(three_chains):
    """Three nodes answer with three chain ids."""
    assert [int(chain.node.rpc("eth_chainId"), 16) for chain in three_chains] == [31337, 31338, 31339]


def test_three_chains_have_state_roots_of_their_own(three_chains):
    """Though addresses are alike on all chains, no two states are."""
    assert len({chain.node.block()["stateRoot"] for chain in three_chains}) == 3


def test_slots_hold_what_the_contracts_report(three_chains):
    """For every token and holder the word at the hinted slot is the balance that the contract reports."""
    for chain in three_chains:
        for token in chain.tokens.values():
            for holder in HOLDERS.values():
                word = chain.node.rpc("eth_getStorageAt", token.address, token.storage_key(holder), "latest")
                assert token.balances[holder] == token.balance_of(holder) == int(word, 16) & token.mask


def test_balances_reach_from_nothing_to_everything(three_chains):
    """Zero, one, 2**200 and 2**256 - 1 are all there, and a frozen balance has its flag set."""
    tokens = three_chains[0].tokens
    assert 0 == tokens["OZD"].balances[DAVE] == tokens["OZD"].balances[NOBODY]
    assert tokens["VYC"].balances[BOB] == 1
    assert tokens["UPG"].balances[CAROL] > 2**200
    assert tokens["MAX"].balances[MAXIM] == 2**256 - 1
    packed = tokens["PKD"]
    assert int(packed.node.rpc("eth_getStorageAt", packed.address, packed.storage_key(FRANK), "latest"), 16) >> 255 == 1


def test_proxies_point_at_their_implementations(three_chains):
    """The implementation slots of both kinds of proxy hold the implementation's address."""
    for symbol in ("UPG", "PKD"):
        token = three_chains[0].tokens[symbol]
        word = token.node.rpc("eth_getStorageAt", token.address, f"0x{token.implementation_slot:064x}", "latest")
        assert token.implementation == f"0x{word[-40:]}"


def test_finalized_is_past_the_deployments(three_chains):
    """Balances can be read, and so proven, at the finalized block."""
    for chain in three_chains:
        token = chain.tokens["WETH"]
        assert token.balances[CAROL] == token.balance_of(CAROL, "finalized")


def test_a_node_mines_at_a_given_time(anvil):
    """The first mined block has the timestamp that was asked for."""
    later = int(anvil.block()["timestamp"], 16) + 1000
    height = anvil.mine(1, timestamp=later)
    assert later == int(anvil.block(height)["timestamp"], 16)


def test_a_node_goes_back_to_a_snapshot(anvil):
    """What was mined after a snapshot is gone after going back."""
    before = anvil.height
    mark = anvil.snapshot()
    anvil.mine(3)
    anvil.revert(mark)
    assert before == anvil.height


def test_a_stopped_node_is_gone(anvil_factory):
    """After stop the process has ended, its folder is removed and nobody counts it as running."""
    node = anvil_factory(chain_id=5)
    node.stop()
    assert node.process.poll() is not None
    assert not node.folder.exists()
    assert node not in running()
    with pytest.raises(OSError):
        node.rpc("eth_chainId")


def test_a_program_that_cannot_start_says_why(anvil_factory):
    """A wrong argument ends in our error with what the program wrote, not in a wait for ever."""
    with pytest.raises(NodeFailedError, match="no-such-flag"):
        anvil_factory(chain_id=5, extra=["--no-such-flag"])


def test_an_error_answer_is_raised(anvil):
    """An error of the node comes out as an error with its code."""
    with pytest.raises(RpcError) as caught:
        anvil.rpc("no_such_method")
    assert caught.value.code == -32601


def _slots_are_right(chain):
    for token in chain.tokens.values():
        for holder in HOLDERS.values():
            word = chain.node.rpc("eth_getStorageAt", token.address, token.storage_key(holder), "latest")
            assert token.balances[holder] == int(word, 16) & token.mask


def test_geth_runs_the_same_contracts(geth_dev):
    """Geth's development chain takes every token, and its storage holds what the contracts report."""
    from tests.nodes.contracts import deploy_tokens

    _slots_are_right(deploy_tokens(geth_dev))


def test_geth_tells_absence_with_zero_hashes(geth_dev):
    """An account that does not exist comes with all-zero hashes and no storage proof nodes."""
    geth_dev.mine()
    answer = geth_dev.rpc("eth_getProof", NOBODY, [f"0x{7:064x}"], "latest")
    assert {"0x" + "00" * 32} == {answer["codeHash"], answer["storageHash"]}
    assert answer["storageProof"][0]["proof"] == []


def test_ethereumjs_runs_the_same_contracts(ethereumjs):
    """The EthereumJS client takes every token, and its storage holds what the contracts report."""
    from tests.nodes.contracts import deploy_tokens

    _slots_are_right(deploy_tokens(ethereumjs))


def test_ethereumjs_omits_storage_proofs_of_the_absent(ethereumjs):
    """An account that does not exist comes without the storage proofs that were asked for."""
    ethereumjs.mine(3)
    assert ethereumjs.rpc("eth_getProof", NOBODY, [f"0x{7:064x}"], "latest")["storageProof"] == []


def test_ethereumjs_finalizes_as_told(ethereumjs):
    """The finalized block is the one that the driver named: two before the head."""
    head = ethereumjs.mine(3)
    assert head - 2 == int(ethereumjs.block("finalized")["number"], 16)
