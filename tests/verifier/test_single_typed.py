"""Typed storage through the front door: a path of the source over untrusted nodes, for relayers and auditors."""

from __future__ import annotations

import pytest

import verifier
from tests.simulators.world import TOKEN, World, balance_slot, build, holder, rlp, uint
from verifier.crypto.keccak import keccak256
from verifier.errors import BadInput, MissingNode, NotThere, UnusedEvidence

LAYOUT = {
    "storage": [
        {"label": "balances", "slot": "0", "offset": 0, "type": "map", "contract": "C.sol:C"},
        {"label": "paid", "slot": "1", "offset": 0, "type": "list", "contract": "C.sol:C"},
        {"label": "name", "slot": "2", "offset": 0, "type": "t_string_storage", "contract": "C.sol:C"},
    ],
    "types": {
        "t_address": {"encoding": "inplace", "label": "address", "numberOfBytes": "20"},
        "t_uint256": {"encoding": "inplace", "label": "uint256", "numberOfBytes": "32"},
        "t_uint64": {"encoding": "inplace", "label": "uint64", "numberOfBytes": "8"},
        "map": {
            "encoding": "mapping",
            "label": "mapping",
            "numberOfBytes": "32",
            "key": "t_address",
            "value": "t_uint256",
        },
        "list": {"encoding": "dynamic_array", "label": "uint64[]", "numberOfBytes": "32", "base": "t_uint64"},
        "t_string_storage": {"encoding": "bytes", "label": "string", "numberOfBytes": "32"},
    },
}
LONG = "a name that is longer than the word it would have to fit into"


def word(number):
    return number.to_bytes(32, "big")


def paid():
    """Six numbers of 64 bits: four in the first word of the array, two in the second."""
    packed = sum((7 * i + 1) << (64 * (i % 4)) for i in range(4))
    return {
        word(1): 6,
        keccak256(word(1)): packed,
        word(int.from_bytes(keccak256(word(1)), "big") + 1): 29 + (36 << 64),
    }


def stored():
    text = int.from_bytes(keccak256(word(2)), "big")
    raw = LONG.encode()
    parts = {word(text + i): int.from_bytes(raw[32 * i :][:32].ljust(32, b"\0"), "big") for i in range(2)}
    return paid() | {word(2): 2 * len(raw) + 1} | parts | {balance_slot(holder(1)): 5}


@pytest.fixture(scope="module")
def place():
    built = build({keccak256(slot): rlp.encode(uint(value)) for slot, value in stored().items()})
    world = World(1, storage_override=built)
    header = verifier.verify_header(world.headers[-1], world.network, [world.pin()])
    nodes = world.states[world.head].prove(keccak256(TOKEN))
    return built, verifier.verify_account_proof(header, TOKEN, nodes), verifier.parse_layout(LAYOUT)


def proof(built, *slots):
    return list({node: None for slot in slots for node in built.prove(keccak256(slot))})


@pytest.mark.covers("STO-02", "STO-05", "STO-06")
def test_values_at_paths(place):
    """A mapping's value, a packed item, a length and a long text: each with the words that prove it."""
    built, account, layout = place
    mine = f"balances[0x{holder(1).hex()}]"
    second = word(int.from_bytes(keccak256(word(1)), "big") + 1)
    text = int.from_bytes(keccak256(word(2)), "big")
    for path, slots, value in (
        (mine, [balance_slot(holder(1))], 5),
        (f"balances[0x{holder(2).hex()}]", [balance_slot(holder(2))], 0),
        ("paid[5]", [word(1), second], 36),
        ("paid.length", [word(1)], 6),
        ("name", [word(2), word(text), word(text + 1)], LONG),
    ):
        found = verifier.verify_typed_storage(account, layout, path, proof(built, *slots))
        assert found.value == value
        assert [w.slot for w in found.words] == slots


@pytest.mark.covers("STO-06")
def test_what_is_not_proven_is_not_said(place):
    """Too few nodes, too many, an index beyond the end, a path of another contract, an account without code."""
    built, account, layout = place
    mine = f"balances[0x{holder(1).hex()}]"
    with pytest.raises(MissingNode):
        verifier.verify_typed_storage(account, layout, mine, [])
    with pytest.raises(UnusedEvidence):
        verifier.verify_typed_storage(account, layout, "paid.length", proof(built, *stored()))
    with pytest.raises(NotThere, match="an array of 6"):
        verifier.verify_typed_storage(account, layout, "paid[6]", proof(built, word(1)))
    with pytest.raises(BadInput):
        verifier.verify_typed_storage(account, layout, "owed[1]", [])


def test_no_code_no_storage():
    """An account that does not exist has no typed storage, whatever the layout says."""
    world = World()
    header = verifier.verify_header(world.headers[-1], world.network, [world.pin()])
    nodes = world.states[world.head].prove(keccak256(holder(9)))
    nobody = verifier.verify_account_proof(header, holder(9), nodes)
    with pytest.raises(NotThere, match="code"):
        verifier.verify_typed_storage(nobody, verifier.parse_layout(LAYOUT), "paid.length", [])
