"""The walk: present and absent keys of any honest trie, and agreement with the plain walk on any nodes whatever."""

from __future__ import annotations

import pickle

import pytest
import rlp
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests import strategies
from tests.simulators.plain_walk import plain_walk
from tests.simulators.trie_builder import (
    EMPTY_ROOT,
    Forge,
    branch,
    build,
    build_by_py_trie,
    extension,
    keccak,
    leaf,
    mainnet_like,
    nibbles,
    random_items,
    relink,
)
from verifier.errors import NOWHERE, BadInput, Malformed, MissingNode, ProofError, VerifierError, Where
from verifier.primitives import Hash32
from verifier.trie import outlines
from verifier.trie.nodes import Branch, Leaf, parse_node
from verifier.trie.table import NodeTable
from verifier.trie.walk import ABSENT, Absent, walk, walk_found

FEW = settings(max_examples=150, derandomize=True, deadline=None)
MANY = settings(max_examples=600, derandomize=True, deadline=None)
SOAK = settings(max_examples=50_000, deadline=None)


def outcome(function, *args):
    """The value of a call, or the class of our own error."""
    try:
        return function(*args)
    except VerifierError as error:
        return type(error)


def both(root: bytes, key: bytes, nodes: list[bytes]) -> object:
    """The outcome of the walk, after seeing that the plain walk has the same."""
    table = NodeTable.build(dict.fromkeys(nodes))
    fast = outcome(walk, Hash32(root), key, table, NOWHERE)
    assert fast == outcome(plain_walk, root, key, nodes)
    assert outcome(walk, Hash32(root), key, table, NOWHERE) == fast  # the memo changes nothing
    return fast


# --- honest tries ------------------------------------------------------------------------------------------


@FEW
@given(strategies.any_items())
def test_the_builder_makes_the_tries_that_py_trie_makes(items):
    """Two independent builders agree on every root, so that the tests below are about real tries."""
    assert build(items).root == build_by_py_trie(items)


@MANY
@given(st.data())
def test_every_key_present_or_absent_verifies_from_its_own_proof(data):
    """walk(root, key, proof of key) is what the trie holds there; all nodes of the proof are used, and no other."""
    items = data.draw(strategies.any_items())
    key = data.draw(strategies.keys_for(items))
    trie = build(items)
    proof = trie.prove(key)
    found = walk_found(Hash32(trie.root), key, NodeTable.build(proof), NOWHERE)
    assert found.value == items.get(key, ABSENT)
    assert list(found.used) == [keccak(node) for node in proof]
    assert both(trie.root, key, proof) == found.value


def check_single_change(data) -> None:
    items = data.draw(strategies.any_items())
    assume(items)
    key, other = data.draw(strategies.keys_for(items)), data.draw(strategies.keys_for(items))
    trie = build(items)
    proof = trie.prove(key)
    changed = data.draw(strategies.changed_proof(proof, trie.prove(other)))
    assume(set(changed) < set(proof) or not set(proof) <= set(changed))
    with pytest.raises(MissingNode):
        walk(Hash32(trie.root), key, NodeTable.build(dict.fromkeys(changed)), NOWHERE)


@MANY
@given(st.data())
def test_no_proof_survives_a_single_change(data):
    """Any node altered, left out, cut off or put in another's place: the node is missing, and nothing is absent."""
    check_single_change(data)


@pytest.mark.soak
@SOAK
@given(st.data())
def test_no_proof_survives_a_single_change_soak(data):
    """The same, for long."""
    check_single_change(data)


def check_agreement(data) -> None:
    items = data.draw(strategies.any_items())
    key = data.draw(strategies.keys_for(items))
    proof = build(items).prove(key)
    assume(proof)
    at = data.draw(st.integers(0, len(proof) - 1))
    changes = strategies.changed_bytes(proof[at]) | strategies.changed_structure(proof[at])
    linked = relink(proof, at, data.draw(changes))
    both(keccak(linked[0]), key, linked)


@MANY
@given(st.data())
def test_the_quick_looks_agree_with_the_plain_parser_on_changed_nodes(data):
    """A changed node whose hashes were all made anew: the same value or the same class of error, both ways."""
    check_agreement(data)


@pytest.mark.soak
@SOAK
@given(st.data())
def test_the_quick_looks_agree_with_the_plain_parser_soak(data):
    """The same, for long."""
    check_agreement(data)


@MANY
@given(st.data())
def test_the_quick_leaf_is_a_leaf_of_the_plain_parser(data):
    """Whatever the quick look takes for the key's leaf or for another's, the plain parser does too, with the same value."""
    key = data.draw(st.binary(min_size=1, max_size=33))
    at = data.draw(st.integers(0, 2 * len(key) - 1))
    own = nibbles(key)[at:]
    path = data.draw(st.sampled_from([own, own[1:], (*own[:-1], own[-1] ^ 1), (own[0] ^ 8, *own[1:])]))
    raw = rlp.encode(leaf(path, data.draw(st.binary(min_size=1, max_size=240))))
    for node in (raw, data.draw(strategies.changed_bytes(raw))):
        quick = outlines.leaf_value(node, key, key.hex()[at], at)
        if quick is not None:
            plain = parse_node(node, NOWHERE)
            assert isinstance(plain, Leaf)
            assert quick == (plain.path == key.hex()[at:], plain.value)
            assert len(plain.path) == len(own)


@FEW
@given(st.data())
def test_branches_of_every_size_and_their_changes_agree(data):
    """Branches with 2 to 16 hashes, in any places, and one change in them."""
    places = data.draw(st.sets(st.integers(0, 15), min_size=2))
    raw = rlp.encode(branch({n: keccak(bytes([n])) for n in places}))
    assert isinstance(parse_node(raw, NOWHERE), Branch)
    key = bytes([data.draw(st.integers(0, 255))]) * 32
    for node in (raw, data.draw(strategies.changed_bytes(raw)), data.draw(strategies.changed_structure(raw))):
        both(keccak(node), key, [node])


def test_every_byte_of_a_full_branch_and_of_a_gapped_one():
    """All single-byte changes of two branches, hash-linked: the quick looks and the plain parser agree on each."""
    for places in (range(16), (1, 4, 9)):
        raw = rlp.encode(branch({n: keccak(bytes([n])) for n in places}))
        for at in range(len(raw)):
            for flip in (1, 0x20, 0x80, 0xFF):
                node = raw[:at] + bytes([raw[at] ^ flip]) + raw[at + 1 :]
                both(keccak(node), b"\x11" * 32, [node])


def test_a_trie_with_thousands_of_keys():
    """Five thousand keys from one table; a thousand strangers proven absent; every node used in the end."""
    items = random_items(5_000, seed=3)
    trie = build(items)
    assert trie.root == build_by_py_trie(items)
    table, used = NodeTable.build(trie.nodes.values()), set()
    for key, value in items.items():
        assert walk(Hash32(trie.root), key, table, NOWHERE, used) == value
    assert used == table.hashes()
    for key in random_items(1_000, seed=4):
        assert walk(Hash32(trie.root), key, table, NOWHERE) is ABSENT


def test_paths_of_a_trie_as_large_as_mainnets():
    """Nine nodes and 3.7 kB a proof, as measured on mainnet; each verifies, alone and from one table."""
    trie = mainnet_like(60, 300_000_000, seed=5)
    sizes = [sum(map(len, trie.prove(key))) for key in trie.items]
    assert 3_000 < sum(sizes) / len(sizes) < 4_500
    table = NodeTable.build(trie.prove_all(trie.items))
    for key, value in trie.items.items():
        assert walk(Hash32(trie.root), key, table, NOWHERE) == value
        assert walk(Hash32(trie.root), key, NodeTable.build(trie.prove(key)), NOWHERE) == value


@pytest.mark.parametrize("shared", [1, 2, 61, 62, 63])
def test_keys_that_share_many_nibbles(shared):
    """Extensions of every length, up to keys that differ in their last nibble only (whose leaves are embedded)."""
    first, second = "a" * 64, "a" * shared + "b" * (64 - shared)
    items = {bytes.fromhex(first): b"\x01", bytes.fromhex(second): b"\x02"}
    trie = build(items)
    for key, value in items.items():
        assert both(trie.root, key, trie.prove(key)) == value
    stranger = bytes.fromhex("a" * shared + "c" * (64 - shared))
    assert both(trie.root, stranger, trie.prove(stranger)) is ABSENT


def test_a_ladder_of_branches_to_the_last_nibble():
    """The deepest path there is: a branch at every nibble, 64 of them."""
    base = keccak(b"base").hex()
    items = {bytes.fromhex(base): b"v" * 40}
    for at in range(64):
        other = "0" if base[at] != "0" else "1"
        items[bytes.fromhex(base[:at] + other + base[at + 1 :])] = b"w" * 40
    trie = build(items)
    proof = trie.prove(bytes.fromhex(base))
    assert len(proof) == 65
    assert both(trie.root, bytes.fromhex(base), proof) == b"v" * 40
    with pytest.raises(MissingNode):
        walk(Hash32(trie.root), bytes.fromhex(base), NodeTable.build(proof[:-1]), NOWHERE)


# --- the interface -------------------------------------------------------------------------------------------


def test_used_nodes_are_added_to_the_callers_set():
    """The caller's set keeps what it had and gets what was followed, also by a walk to an absent key."""
    items = random_items(50, seed=1)
    trie, used = build(items), {Hash32(b"\x00" * 32)}
    key = next(iter(items))
    table = NodeTable.build(trie.nodes.values())
    walk(Hash32(trie.root), key, table, NOWHERE, used)
    assert used == {b"\x00" * 32} | {keccak(node) for node in trie.prove(key)}
    assert used < table.hashes() | {b"\x00" * 32}


def test_a_missing_node_is_named_with_its_place():
    """The error says which hash is wanted, and after which nibbles."""
    items = random_items(300, seed=2)
    trie = build(items)
    key = next(iter(items))
    proof, where = trie.prove(key), Where(network="base", address=bytes(20))
    with pytest.raises(MissingNode) as caught:
        walk(Hash32(trie.root), key, NodeTable.build(proof[:2]), where)
    assert caught.value.where == where
    assert caught.value.wanted == keccak(proof[2])
    assert caught.value.path == key.hex()[:2]


def test_a_malformed_node_is_named_with_its_hash_and_place():
    """The error carries the caller's place, and the node's hash and path."""
    forge = Forge()
    bad = forge.keep(rlp.encode([b"", b"v" * 40]))
    root = forge.root(branch({1: bad, 2: bad}))
    with pytest.raises(Malformed) as caught:
        walk(Hash32(root), b"\x12", NodeTable.build(forge.all()), Where(network="base"))
    assert caught.value.where == Where(network="base", node=f"0x{bad.hex()} at path '1'")


def test_the_empty_trie_needs_no_nodes():
    """Under the root of the empty trie every key is absent; under another root no nodes prove nothing."""
    assert walk(Hash32(EMPTY_ROOT), b"\x01" * 32, NodeTable.build([]), NOWHERE) is ABSENT
    with pytest.raises(MissingNode):
        walk(Hash32(b"\x01" * 32), b"\x01" * 32, NodeTable.build([]), NOWHERE)


@pytest.mark.parametrize("root", [bytes(32), b"", b"\x01" * 31, b"\x01" * 33])
def test_a_root_that_is_no_hash(root):
    """The zero hash of an unset field, and other widths, are no root."""
    with pytest.raises(BadInput, match="trie root"):
        walk(Hash32(root), b"\x01" * 32, NodeTable.build([]), NOWHERE)


def test_absent_is_one_thing_and_nothing_else():
    """`ABSENT` is neither empty bytes nor None, and stays the same object through a pickle."""
    assert isinstance(ABSENT, Absent)
    assert ABSENT not in (b"", None)
    assert repr(ABSENT) == "ABSENT"
    assert pickle.loads(pickle.dumps(ABSENT)) is ABSENT


def test_the_order_of_nodes_does_not_matter():
    """A table is a set: the same nodes in any order give the same answer and the same nodes used."""
    trie = build(random_items(100, seed=6))
    key = next(iter(trie.items))
    proof = trie.prove(key)
    forward = walk_found(Hash32(trie.root), key, NodeTable.build(proof), NOWHERE)
    assert forward == walk_found(Hash32(trie.root), key, NodeTable.build(proof[::-1]), NOWHERE)


def test_raw_keys_that_are_prefixes_of_one_another():
    """A key that ends at a branch has the branch's value; one that ends there without a value is absent."""
    items = {b"": b"root", b"\x12": b"one", b"\x12\x34": b"two", b"\x12\x56": b"x" * 40}
    trie = build(items)
    for key, value in items.items():
        assert both(trie.root, key, trie.prove(key)) == value
    without = build({key: value for key, value in items.items() if key != b"\x12"})
    assert both(without.root, b"\x12", without.prove(b"\x12")) is ABSENT
    with pytest.raises(ProofError):
        walk(Hash32(trie.root), b"\x12", NodeTable.build(without.prove(b"\x12")), NOWHERE)


def test_embedded_nodes_down_to_the_leaf():
    """Extension, branch and leaf that all stand inside their parent need no element of their own."""
    twigs = branch({1: leaf([2], b"a"), 5: leaf([6], b"b")})
    forge = Forge()
    root = forge.root(branch({3: extension([4], twigs), 7: b"h" * 32}))
    assert both(root, bytes.fromhex("3412"), forge.all()) == b"a"
    assert both(root, bytes.fromhex("3456"), forge.all()) == b"b"
    assert both(root, bytes.fromhex("3413"), forge.all()) is ABSENT
    assert both(root, bytes.fromhex("3512"), forge.all()) is ABSENT
    assert both(root, bytes.fromhex("7512"), forge.all()) is MissingNode
    assert len(nibbles(b"\x34")) == 2
