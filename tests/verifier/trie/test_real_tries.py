"""Tries of public networks: every account, slot and list item of the reference data, and what is not in them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import rlp

from tests.simulators.trie_builder import build, keccak
from verifier.codec.rlp import decode_uint, encode_uint
from verifier.errors import NOWHERE, MissingNode
from verifier.primitives import Hash32
from verifier.trie.table import NodeTable
from verifier.trie.walk import ABSENT, walk_found

pytestmark = pytest.mark.shared


def raw(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def records(shared_data: Path, kind: str) -> list[dict]:
    found = [json.loads(path.read_text()) for path in sorted((shared_data / "chains" / kind).glob("*.json"))]
    assert found, f"no {kind} records"
    return found


def prove(root: bytes, key: bytes, nodes: list[bytes]):
    """The value at a key; every node is needed: without the last one the walk refuses."""
    # an empty trie is told as no nodes or as the byte 0x80, which the walk does not need
    given = [node for node in nodes if node != b"\x80"]
    found = walk_found(Hash32(root), key, NodeTable.build(given), NOWHERE)
    assert list(found.used) == [keccak(node) for node in given[: len(found.used)]]
    if given:
        with pytest.raises(MissingNode):
            walk_found(Hash32(root), key, NodeTable.build(given[: len(found.used) - 1]), NOWHERE)
    return found.value


def test_accounts_and_slots_of_many_networks(shared_data):
    """Each account and slot is what the record expects, present or absent."""
    accounts = slots = 0
    for record in records(shared_data, "state"):
        for entry in record["proofs"]:
            proof, expect = entry["proof"], entry["expect"]
            key = keccak(raw(proof["address"]))
            value = prove(raw(record["state_root"]), key, [raw(node) for node in proof["accountProof"]])
            accounts += 1
            assert (value is not ABSENT) == (expect["account"] == "present")
            if value is ABSENT:
                continue
            storage_root = rlp.decode(value)[2]
            assert storage_root == raw(proof["storageHash"])
            for slot, told in zip(expect["slots"], proof["storageProof"], strict=True):
                word = prove(storage_root, keccak(raw(slot["key"])), [raw(node) for node in told["proof"]])
                slots += 1
                assert (word is not ABSENT) == slot["present"]
                if word is not ABSENT:
                    assert decode_uint(rlp.decode(word), NOWHERE) == int(slot["value"], 16)
    assert accounts > 100
    assert slots > 100


def test_items_of_receipt_and_transaction_lists(shared_data):
    """Inclusion proofs of real blocks: the raw item, or proven absence of an index that the block does not have."""
    seen = set()
    for record in records(shared_data, "inclusion"):
        for entry in record["proofs"]:
            field = {"transactions": "transactionsRoot", "receipts": "receiptsRoot"}[entry["trie"]]
            key = raw(entry["key"])
            assert key == encode_uint(int(entry["index"]))
            value = prove(raw(record["header"][field]), key, [raw(node) for node in entry["proof"]])
            assert value == (ABSENT if entry["value"] is None else raw(entry["value"]))
            seen.add(value is ABSENT)
    assert seen == {True, False}


def test_whole_lists_of_real_blocks(shared_data):
    """The root of each complete list is the header's, and every item is found under it by its index."""
    fields = {"transactions": "transactionsRoot", "receipts": "receiptsRoot", "withdrawals": "withdrawalsRoot"}
    lists = 0
    for record in records(shared_data, "tries"):
        for name, field in fields.items():
            if record[name] is None:
                continue
            items = {encode_uint(n): raw(item) for n, item in enumerate(record[name])}
            trie = build(items)
            assert trie.root == raw(record["header"][field])
            table = NodeTable.build(trie.nodes.values())
            for key, item in items.items():
                assert walk_found(Hash32(trie.root), key, table, NOWHERE).value == item
            assert walk_found(Hash32(trie.root), encode_uint(len(items)), table, NOWHERE).value is ABSENT
            lists += 1
    assert lists > 5
