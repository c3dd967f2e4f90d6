"""Every file of the reference data under `chains`, found through its index: headers, accounts, words, lists, roots."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pytest
import rlp as other_rlp

from tests.conftest import shared_folder
from tests.simulators.trie_builder import build, build_by_py_trie, keccak, nibbles
from tests.vectors.chain_files import (
    anchored,
    blank_header,
    data,
    fields_of,
    network_of,
    nodes_of,
    record_header,
    table_of,
)
from verifier.errors import MissingNode, NotThere, Unsupported, Where
from verifier.headers.decode import candidates, decode_header, encode_header
from verifier.primitives import Address, Hash32, SlotKey
from verifier.proven import ListKind, ProvenAccount, ProvenHeader, ProvenRoot
from verifier.state.ethereum import EMPTY_CODE, parse_word, verify_account, verify_word
from verifier.state.lists import verify_item
from verifier.state.receipts import KNOWN_TYPES, parse_receipt
from verifier.state.tree import state_root
from verifier.trie.walk import EMPTY_ROOT, walk

FOLDER = shared_folder() / "data" / "chains"
INDEX = json.loads((FOLDER / "index.json").read_text()) if (FOLDER / "index.json").is_file() else []
WHERE = Where(network="record")


@pytest.mark.covers("HDR-01", "HDR-05")
@pytest.mark.parametrize("entry", INDEX or [None], ids=[e["file"] for e in INDEX] or ["none"])
def test_every_record_of_public_chains_verifies(entry: dict | None, shared_data: Path) -> None:
    """What real chains hashed, proved and listed is verified to the byte, with no node left over."""
    assert entry is not None, f"no index.json at {FOLDER}"
    record = json.loads((shared_data / "chains" / entry["file"]).read_text())
    assert record["kind"] == entry["kind"]
    assert CHECKS[entry["kind"]](record) > 0


def test_the_index_names_every_file(shared_data: Path) -> None:
    """No file of the folder is passed over."""
    found = {str(p.relative_to(shared_data / "chains")) for p in (shared_data / "chains").glob("*/*.json")}
    assert found == {entry["file"] for entry in INDEX}


# --- headers ---------------------------------------------------------------------------------------------


def check_headers(record: Mapping) -> int:
    for header in record["headers"]:
        network, expected = network_of(header["dialect"], header["chain_id"]), data(header["hash"])
        decoded = decode_header(data(header["rlp"]), network.family, WHERE)
        assert decoded.hash == expected
        fields = fields_of(header["header"])
        built = encode_header(fields, network.family.dialects[0])
        assert built == data(header["rlp"])
        assert any(keccak(c) == expected for c in candidates(fields, network.family))
        assert (decoded.number, decoded.timestamp) == (header["number"], fields["timestamp"])
        names = ("parentHash", "stateRoot", "transactionsRoot", "receiptsRoot", "withdrawalsRoot")
        found = (decoded.parent_hash, decoded.state_root, decoded.transactions_root, decoded.receipts_root)
        assert [*found, decoded.withdrawals_root] == [fields.get(name) for name in names]
    return len(record["headers"])


# --- accounts and words ----------------------------------------------------------------------------------


def check_state(record: Mapping) -> int:
    rootless = record["header"] is None
    root = state_root(blank_header(stateRoot=data(record["state_root"])) if rootless else record_header(record))
    assert root.state_root == data(record["state_root"])
    for one in record["proofs"]:
        account = check_account(root, one["proof"], one["expect"]["account"] == "present")
        assert len(one["proof"]["storageProof"]) == len(one["expect"]["slots"])
        for told, slot in zip(one["proof"]["storageProof"], one["expect"]["slots"], strict=True):
            check_word(account, data(slot["key"]), told["proof"], int(slot["value"] or "0x0", 16))
            assert slot["present"] == (int(slot["value"] or "0x0", 16) != 0)
    return len(record["proofs"])


def check_account(root: ProvenRoot, proof: Mapping, exists: bool) -> ProvenAccount:
    table, used = table_of(nodes_of(proof["accountProof"])), set[Hash32]()
    account = verify_account(root, Address(data(proof["address"])), table, used)
    assert used == set(table.hashes())
    assert account.exists is exists
    if exists:
        assert (account.nonce, account.balance) == (int(proof["nonce"], 16), int(proof["balance"], 16))
        assert (account.storage_root, account.code_hash) == (data(proof["storageHash"]), data(proof["codeHash"]))
    else:
        assert (account.nonce, account.balance) == (0, 0)
        assert data(proof["codeHash"]) in {bytes(32), EMPTY_CODE}
        assert (account.storage_root, account.code_hash) == (EMPTY_ROOT, EMPTY_CODE)
    return account


def check_word(account: ProvenAccount, slot: bytes, proof: Sequence[str], value: int) -> None:
    table, used = table_of(nodes_of(proof)), set[Hash32]()
    found = verify_word(account, SlotKey(slot), table, used)
    assert int.from_bytes(found.word, "big") == value
    assert used == set(table.hashes())


def check_state_hashed(record: Mapping) -> int:
    header = record_header(record)
    table, used = table_of(nodes_of(record["account_proof"])), set[Hash32]()
    key = data(record["address_hash"]) if "address_hash" in record else keccak(data(record["address"]))
    assert walk(header.state_root, key, table, WHERE, used) == data(record["account_value"])
    assert used == set(table.hashes())
    if "address" in record:
        account = verify_account(state_root(header), Address(data(record["address"])), table, set())
        storage = account.storage_root
    else:
        storage = Hash32(other_rlp.decode(data(record["account_value"]))[2])
    if "storage_key_hash" in record:
        nodes, slot_hash = nodes_of(record["storage_proof"]), data(record["storage_key_hash"])
    else:
        nodes = nodes_of(record["storage_path_nodes"])
        slot_hash = path_through(nodes)
    table = table_of(nodes)
    if record["storage_value"] is None:
        with pytest.raises(MissingNode):
            walk(storage, slot_hash, table, WHERE)
    else:
        leaf = walk(storage, slot_hash, table, WHERE)
        assert leaf == data(record["storage_value"])
        assert int.from_bytes(parse_word(leaf, WHERE), "big") > 0
    return 1


def path_through(nodes: Sequence[bytes]) -> bytes:
    """The hashed key along which nodes follow one another; where they end at a branch, on to some child of it."""
    path: list[int] = []
    for raw, below in zip(nodes, [*nodes[1:], None], strict=True):
        node = other_rlp.decode(raw)
        if len(node) == 17:
            wanted = next(n for n in node[:16] if n) if below is None else keccak(below)
            path.append(node.index(wanted))
        else:
            path += nibbles(node[0])[1 if node[0][0] >> 4 & 1 else 2 :]
    path += [0] * (64 - len(path))
    return bytes(16 * high + low for high, low in zip(path[::2], path[1::2], strict=True))


# --- lists -----------------------------------------------------------------------------------------------


def check_block_tries(record: Mapping) -> int:
    header = record_header(record)
    lists = {kind: record[kind.value] for kind in ListKind if record.get(kind.value) is not None}
    for kind, texts in lists.items():
        check_list(header, kind, [data(text) for text in texts])
    return len(lists)


def check_list(header: ProvenHeader, kind: ListKind, items: Sequence[bytes]) -> None:
    """The root from the complete list by two builders that are not ours; then each index by our walk."""
    content = {other_rlp.encode(i): item for i, item in enumerate(items)}
    built = build(content)
    named = {
        ListKind.TRANSACTIONS: header.transactions_root,
        ListKind.RECEIPTS: header.receipts_root,
        ListKind.WITHDRAWALS: header.withdrawals_root,
    }
    assert built.root == build_by_py_trie(content) == named[kind]
    for index in range(len(items) + 2):
        key = other_rlp.encode(index)
        table, used = table_of(built.prove(key)), set[Hash32]()
        assert verify_item(header, kind, index, table, used).raw == content.get(key)
        assert used == set(table.hashes())
    if kind is ListKind.RECEIPTS:
        check_receipts(items)


def check_receipts(items: Iterable[bytes]) -> None:
    gas = 0
    for raw in items:
        if 0x7F >= raw[0] not in KNOWN_TYPES:
            with pytest.raises(Unsupported):
                parse_receipt(raw, WHERE)
            continue
        receipt = parse_receipt(raw, WHERE)
        assert receipt.cumulative_gas > gas
        assert (receipt.status is None) != (receipt.state_root is None)
        gas = receipt.cumulative_gas


def check_inclusion(record: Mapping) -> int:
    header = record_header(record)
    for one in record["proofs"]:
        table, used = table_of(nodes_of(one["proof"])), set[Hash32]()
        item = verify_item(header, ListKind(one["trie"]), one["index"], table, used)
        assert item.raw == (None if one["value"] is None else data(one["value"]))
        assert used == set(table.hashes())
        if header.withdrawals_root is None:
            with pytest.raises(NotThere):
                verify_item(header, ListKind.WITHDRAWALS, one["index"], table, set())
    return len(record["proofs"])


# --- rollups ---------------------------------------------------------------------------------------------


def check_rollup_chain(record: Mapping) -> int:
    root = state_root(blank_header(stateRoot=data(record["l1_state_root"])))
    contract = record.get("l1_rollup_contract") or record["l1_dispute_game_factory"]
    account = prove(root, contract, record["l1_account_proof"], record["l1_account_value"])
    for name in ("assertion_slot", "game_slot", "latest_node_slot", "confirm_data_slot"):
        if name in record:
            slot = record[name]
            check_word(account, data(slot["key"]), slot["proof"], int(slot["value"], 16))
    PREIMAGES[record["rollup"]](record, root)
    network = network_of("ethereum", record["chain_id"])
    rlp = encode_header(fields_of(record["l2_header"]), network.family.dialects[0])
    l2 = anchored(rlp, network, data(record["l2_block_hash"]))
    prove(state_root(l2), record["l2_address"], record["l2_account_proof"], record["l2_account_value"])
    return 1


def prove(root: ProvenRoot, address: str, proof: Sequence[str], leaf: str) -> ProvenAccount:
    table, used = table_of(nodes_of(proof)), set[Hash32]()
    account = verify_account(root, Address(data(address)), table, used)
    nonce, balance, storage, code = other_rlp.decode(data(leaf))
    assert (account.nonce, account.balance) == (int.from_bytes(nonce, "big"), int.from_bytes(balance, "big"))
    assert (account.storage_root, account.code_hash) == (storage, code)
    assert used == set(table.hashes())
    return account


def check_output_root(record: Mapping) -> int:
    preimage = record["output_root_preimage"]
    parts = ("version", "state_root", "message_passer_storage_root", "block_hash")
    assert keccak(b"".join(data(preimage[part]) for part in parts)) == data(record["output_root"])
    return 1


def check_withdrawal(record: Mapping) -> int:
    slot, told = record["withdrawal_slot"], record["withdrawal"]
    assert keccak(data(record["withdrawal_hash"]) + bytes(32)) == data(slot["key"])
    table = table_of(nodes_of(slot["proof"]))
    storage = Hash32(data(record["output_root_preimage"]["message_passer_storage_root"]))
    leaf = walk(storage, keccak(data(slot["key"])), table, WHERE)
    assert int.from_bytes(parse_word(leaf, WHERE), "big") == int(slot["value"], 16)
    numbers = [int(told[name], 16).to_bytes(32, "big") for name in ("nonce", "value", "gasLimit")]
    sender, target = (data(told[name]).rjust(32, b"\0") for name in ("sender", "target"))
    call = data(told["data"])
    size = len(call).to_bytes(32, "big")
    encoded = numbers[0] + sender + target + numbers[1] + numbers[2] + (192).to_bytes(32, "big") + size + call
    assert keccak(encoded + bytes(-len(call) % 32)) == data(record["withdrawal_hash"])
    return check_output_root(record)


def check_game(record: Mapping, root: ProvenRoot) -> None:
    game = prove(root, record["game_address"], record["game_account_proof"], record["game_account_value"])
    code, offset = data(record["game_code"]), record["root_claim_offset_in_code"]
    assert int(record["game_slot"]["value"], 16) & (1 << 160) - 1 == int(record["game_address"], 16)
    assert keccak(code) == game.code_hash
    assert code[offset : offset + 32] == data(record["output_root"])
    assert record["output_root_preimage"]["block_hash"] == record["l2_block_hash"]
    check_output_root(record)


def check_assertion(record: Mapping, _: ProvenRoot) -> None:
    told = record["assertion"]
    assert keccak(data(told["state_preimage"])) == data(told["state_hash"])
    parts = ("parent_assertion_hash", "state_hash", "inbox_acc")
    assert keccak(b"".join(data(told[part]) for part in parts)) == data(told["assertion_hash"])
    base = record["assertion_slot"]["mapping_slot"].to_bytes(32, "big")
    slot = int.from_bytes(keccak(data(told["assertion_hash"]) + base), "big")
    assert slot + record["assertion_slot"]["offset_in_struct"] == int(record["assertion_slot"]["key"], 16)
    assert told["global_state_bytes32"][0] == record["l2_block_hash"]


def check_node(record: Mapping, _: ProvenRoot) -> None:
    confirmed = keccak(data(record["l2_block_hash"]) + data(record["send_root"]))
    assert confirmed == data(record["confirm_data"]) == data(record["confirm_data_slot"]["value"])
    assert record["l2_header"]["extraData"] == record["send_root"]


PREIMAGES = {
    "op-dispute-game": check_game,
    "arbitrum-bold-assertion": check_assertion,
    "arbitrum-node": check_node,
}
CHECKS = {
    "headers": check_headers,
    "state": check_state,
    "state-hashed-key": check_state_hashed,
    "block-tries": check_block_tries,
    "inclusion": check_inclusion,
    "rollup-chain": check_rollup_chain,
    "rollup-preimage": check_withdrawal,
}
