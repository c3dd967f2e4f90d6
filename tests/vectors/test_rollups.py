"""Real rollup roots under real parent state: the schemes themselves establish the headers that the records name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from tests.simulators.trie_builder import keccak
from tests.vectors.chain_files import blank_header, data, fields_of, network_of, nodes_of, table_of
from verifier.codec.abi import mapping_slot
from verifier.errors import NOWHERE, MissingNode, NotSettled, NotThere, WrongHash
from verifier.headers.decode import decode_header, encode_header
from verifier.network import Network, SettledOn
from verifier.policy import STRICT
from verifier.primitives import Address, ChainId, Hash32
from verifier.proven import ProvenHeader
from verifier.settlement import verify_settlement
from verifier.settlement.arbitrum import ASSERTIONS
from verifier.settlement.op_clones import parse_clone
from verifier.settlement.op_games import claim_of, game_id, output_root
from verifier.settlement.scheme import case_of
from verifier.state.ethereum import verify_account
from verifier.state.tree import state_root
from verifier.trie.table import NodeTable
from verifier.trust import Basis, Settlement


def record(shared_data: Path, name: str) -> Mapping:
    (path,) = (shared_data / "chains" / "rollups").glob(f"*{name}.json")
    return json.loads(path.read_text())


def rollup_of(told: Mapping, scheme: str, role: str, contract: str) -> Network:
    """The record's rollup. What runs behind its contract's proxy the record does not prove: no code is reviewed."""
    settled = SettledOn(ChainId(1), scheme, ((role, Address(data(contract))),))
    return Network(ChainId(told["chain_id"]), told["network"], network_of("ethereum", 1).family, "ETH", settled)


def established(told: Mapping, network: Network, slots: tuple[str, ...], preimage: bytes, rlp: bytes) -> ProvenHeader:
    at = blank_header(stateRoot=data(told["l1_state_root"]))
    proofs = [told["l1_account_proof"], *(told[slot]["proof"] for slot in slots)]
    table = table_of(list(dict.fromkeys(node for proof in proofs for node in nodes_of(proof))))
    used: set[Hash32] = set()
    assert isinstance(network.rooted_by, SettledOn)
    named = frozenset((network.rooted_by.parent, contract) for _, contract in network.rooted_by.contracts)
    policy = replace(STRICT, accept_contracts=named)
    proven = verify_settlement(case_of(network, at, table, used, policy), rlp, [preimage])
    assert used == set(table.hashes())
    return proven


def rlp_of(told: Mapping, network: Network) -> bytes:
    return encode_header(fields_of(told["l2_header"]), network.family.dialects[0])


@pytest.mark.covers("ARB-02")
def test_a_real_node_establishes_its_block(shared_data: Path) -> None:
    """The latest confirmed node of a chain of the older generation, to the header whose send root it holds."""
    told = record(shared_data, "arbitrum-node")
    network = rollup_of(told, "nitro", "rollup", told["l1_rollup_contract"])
    confirmed = int(told["latest_node_slot"]["value"], 16) & (1 << 64) - 1
    slots = ("latest_node_slot", "confirm_data_slot")
    proven = established(told, network, slots, confirmed.to_bytes(8, "big"), rlp_of(told, network))
    assert (proven.hash, proven.number) == (data(told["l2_block_hash"]), told["number"])
    assert proven.trust.settlement is Settlement.SETTLED
    assert proven.trust.bases == {Basis.FAULT_PROOF, Basis.UNREVIEWED_CODE}
    account = verify_account(state_root(proven), Address(data(told["l2_address"])), *_l2(told))
    assert account.exists


def _l2(told: Mapping) -> tuple[NodeTable, set[Hash32]]:
    return table_of(nodes_of(told["l2_account_proof"])), set()


@pytest.mark.covers("ARB-01")
def test_the_unresolved_neighbour_of_a_real_node_is_refused(shared_data: Path) -> None:
    """The same word holds the first unresolved node; its number is not the confirmed one."""
    told = record(shared_data, "arbitrum-node")
    network = rollup_of(told, "nitro", "rollup", told["l1_rollup_contract"])
    unresolved = int(told["latest_node_slot"]["value"], 16) >> 64 & (1 << 64) - 1
    with pytest.raises(NotSettled):
        established(told, network, ("latest_node_slot",), unresolved.to_bytes(8, "big"), rlp_of(told, network))


@pytest.mark.covers("ARB-02")
def test_a_real_assertion_is_found_pending_and_its_parent_asked_for(shared_data: Path) -> None:
    """The preimage leads to the record's own word, which says pending; whether a rival stands beside it, is the
    parent assertion's word to say, and the record does not hold that one. One changed byte finds no assertion.
    """
    told = record(shared_data, "bold-assertion")
    network = rollup_of(told, "bold", "rollup", told["l1_rollup_contract"])
    one = told["assertion"]
    preimage = data(one["parent_assertion_hash"]) + data(one["state_preimage"]) + data(one["inbox_acc"])
    rlp = rlp_of(told, network)
    with pytest.raises(MissingNode) as caught:
        established(told, network, ("assertion_slot",), preimage, rlp)
    rival = mapping_slot(data(one["parent_assertion_hash"]), ASSERTIONS)
    assert caught.value.where.slot == rival
    with pytest.raises((MissingNode, NotThere)) as caught:
        established(told, network, ("assertion_slot",), preimage[:-1] + b"\0", rlp)
    assert caught.value.where.slot not in {rival, data(told["assertion_slot"]["key"])}
    header = decode_header(rlp, network.family, NOWHERE)
    with pytest.raises(WrongHash):
        established(told, network, (), b"\1" * 32 + bytes(192) + bytes(32), rlp)
    assert header.hash == data(told["l2_block_hash"])


@pytest.mark.covers("OPS-01", "OPS-05")
def test_a_real_game_is_taken_apart_as_its_record_says(shared_data: Path) -> None:
    """Output root, packed record and clone of a game on Ethereum. (The record has the list's entry, not the uuid's.)"""
    told = record(shared_data, "op-dispute-game")
    preimage = told["output_root_preimage"]
    network = network_of("ethereum", told["chain_id"])
    header = decode_header(rlp_of(told, network), network.family, NOWHERE)
    passer, root = data(preimage["message_passer_storage_root"]), data(told["output_root"])
    assert output_root(header, passer) == root
    assert header.withdrawals_root == passer
    extra = header.number.to_bytes(32, "big")
    assert claim_of(0, header, ChainId(told["chain_id"]), passer, extra, NOWHERE).root == root
    one = game_id(data(told["game_slot"]["value"]).rjust(32, b"\0"))
    assert (one.game_type, one.address) == (0, data(told["game_address"]))
    clone = parse_clone(data(told["game_code"]), NOWHERE)
    assert clone.root == root
    assert clone.taken_apart(0) == (extra, None)
    assert output_root(header, header.state_root) != root


@pytest.mark.covers("OPS-01")
def test_a_real_output_root_is_that_of_its_preimage(shared_data: Path) -> None:
    told = record(shared_data, "op-output-root")
    preimage = told["output_root_preimage"]
    parts = [data(preimage[part]) for part in ("state_root", "message_passer_storage_root", "block_hash")]
    assert keccak(bytes(32) + b"".join(parts)) == data(told["output_root"])
