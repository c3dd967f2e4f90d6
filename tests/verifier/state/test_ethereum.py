"""Accounts under a root and words under an account, present and absent, in the leaf shape of each family."""

from __future__ import annotations

from contextlib import suppress

import pytest
import rlp
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.simulators.chain import EMPTY_CODE, EMPTY_TRIE, account, network, state_under, storage_trie, uint
from tests.simulators.trie_builder import Built, keccak
from verifier.errors import (
    MalformedAccount,
    MalformedHeader,
    MalformedWord,
    MissingNode,
    Unsupported,
    Where,
)
from verifier.network import AccountShape, Network
from verifier.primitives import Address, Hash32, SlotKey
from verifier.proven import ProvenAccount, ProvenRoot
from verifier.state.ethereum import asked_slot, parse_word, verify_account, verify_word
from verifier.trie.table import NodeTable

ALICE = Address(b"\xa1" * 20)
BOB = Address(b"\xb0" * 20)
STORAGE, CODE = keccak(b"some storage"), keccak(b"some code")
NO_NODES = NodeTable.build([])
WHERE = Where(network="test")
MAX = 2**256 - 1


def prove(leaf: bytes, net: Network | None = None, address: Address = ALICE) -> ProvenAccount:
    """The account that a state with this leaf (and another beside it) proves."""
    root, state = state_under({ALICE: leaf, b"\x99" * 20: account(1)}, net)
    return verify_account(root, address, NodeTable.build(state.prove(keccak(address))), set())


def with_storage(slots: dict[bytes, bytes], net: Network | None = None) -> tuple[ProvenAccount, Built]:
    storage = storage_trie(slots)
    leaf = [b"\x01", b"", storage.root, CODE]
    if net is not None and net.family.account is AccountShape.AVALANCHE:
        leaf.append(b"")
    return prove(rlp.encode(leaf), net), storage


def slot(n: int) -> SlotKey:
    return SlotKey(n.to_bytes(32, "big"))


# --- accounts --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("nonce", [0, 1, 2**64 - 1])
@pytest.mark.parametrize("balance", [0, 1, 10**30, MAX])
def test_a_present_account_is_its_leaf(nonce: int, balance: int) -> None:
    """Nonce, balance, storage root and code hash come out of the leaf, from the least to the greatest."""
    found = prove(account(nonce, balance, STORAGE, CODE))
    assert (found.exists, found.nonce, found.balance) == (True, nonce, balance)
    assert (found.storage_root, found.code_hash, found.address) == (STORAGE, CODE, ALICE)


@pytest.mark.covers("ACC-03")
def test_an_absent_account_is_nothing() -> None:
    """Proven absent it has no balance, no code and no storage, whose words are zero without any node."""
    found = prove(account(5, 7, STORAGE, CODE), address=BOB)
    assert (found.exists, found.nonce, found.balance) == (False, 0, 0)
    assert (found.storage_root, found.code_hash) == (EMPTY_TRIE, EMPTY_CODE)
    assert verify_word(found, slot(3), NO_NODES, set()).word == bytes(32)


@pytest.mark.covers("ACC-03")
def test_absence_is_proven_never_assumed() -> None:
    """With a node of the absence proof missing nothing is absent."""
    root, state = state_under({ALICE: account(1), **{bytes([n]) * 20: account(n) for n in range(20)}})
    nodes = state.prove(keccak(BOB))
    assert not verify_account(root, BOB, NodeTable.build(nodes), set()).exists
    for gone in range(len(nodes)):
        with pytest.raises(MissingNode):
            verify_account(root, BOB, NodeTable.build(nodes[:gone] + nodes[gone + 1 :]), set())


def test_the_nodes_of_a_proof_are_noted_as_used() -> None:
    """Those on the path and no other."""
    root, state = state_under({bytes([n]) * 20: account(n) for n in range(40)})
    used: set[Hash32] = set()
    verify_account(root, Address(b"\x05" * 20), NodeTable.build(state.nodes.values()), used)
    assert used == {keccak(node) for node in state.prove(keccak(b"\x05" * 20))}


LEAVES = {
    "three fields": [b"\x01", b"\x02", STORAGE],
    "five fields": [b"\x01", b"\x02", STORAGE, CODE, b""],
    "no fields": [],
    "a list as nonce": [[], b"\x02", STORAGE, CODE],
    "nonce with a leading zero": [b"\x00", b"\x02", STORAGE, CODE],
    "nonce of nine bytes": [b"\x01" * 9, b"\x02", STORAGE, CODE],
    "balance with a leading zero": [b"\x01", b"\x00\x02", STORAGE, CODE],
    "balance of 33 bytes": [b"\x01", b"\x02" * 33, STORAGE, CODE],
    "storage root of 31 bytes": [b"\x01", b"\x02", STORAGE[1:], CODE],
    "storage root of zero": [b"\x01", b"\x02", bytes(32), CODE],
    "code hash of 33 bytes": [b"\x01", b"\x02", STORAGE, CODE + b"\x01"],
    "code hash of zero": [b"\x01", b"\x02", STORAGE, bytes(32)],
    "slim storage root": [b"\x01", b"\x02", b"", CODE],
    "slim code hash": [b"\x01", b"\x02", STORAGE, b""],
}


@pytest.mark.parametrize("name", LEAVES)
def test_a_leaf_that_is_no_account_is_refused(name: str) -> None:
    """Each leaf differs from a good one in one thing."""
    assert prove(rlp.encode([b"\x01", b"\x02", STORAGE, CODE])).exists
    with pytest.raises(MalformedAccount):
        prove(rlp.encode(LEAVES[name]))


@pytest.mark.parametrize(
    "raw", [account(1) + b"\x00", account(1)[:-1], b"\x05", rlp.encode(account(1)), b"\xf8\x44" + account(1)[2:-1]]
)
def test_bytes_around_an_account_are_refused(raw: bytes) -> None:
    """Trailing bytes, cut off bytes, a string, the account wrapped once more."""
    with pytest.raises(MalformedAccount):
        prove(raw)


# --- other shapes ----------------------------------------------------------------------------------------

AVALANCHE = network(shape=AccountShape.AVALANCHE, clears_slot_bit=True)
BLAST = network(shape=AccountShape.BLAST)


@pytest.mark.covers("ACC-04")
@pytest.mark.parametrize("flag", [b"", b"\x01"])
def test_an_avalanche_account_has_a_fifth_field(flag: bytes) -> None:
    """The multi-coin flag, empty or 1; the first four fields are the account."""
    found = prove(rlp.encode([b"\x01", b"\x02", STORAGE, CODE, flag]), AVALANCHE)
    assert (found.nonce, found.balance, found.storage_root, found.code_hash) == (1, 2, STORAGE, CODE)


@pytest.mark.covers("ACC-04")
@pytest.mark.parametrize("tail", [[], [b"\x02"], [b"\x00"], [b"", b""], [[]]], ids=["four", "2", "0", "six", "a list"])
def test_another_tail_is_no_avalanche_account(tail: list) -> None:
    """Four fields, six, or another flag."""
    with pytest.raises(MalformedAccount):
        prove(rlp.encode([b"\x01", b"\x02", STORAGE, CODE, *tail]), AVALANCHE)


@pytest.mark.covers("ACC-04")
def test_a_blast_account_has_no_single_balance() -> None:
    """Seven fields; storage root and code hash are the last two, and the balance is not told by the leaf."""
    leaf = rlp.encode([b"\x01", b"\x01", uint(10**18), b"\x05", b"", STORAGE, CODE])
    found = prove(leaf, BLAST)
    assert (found.exists, found.nonce, found.balance) == (True, 1, None)
    assert (found.storage_root, found.code_hash) == (STORAGE, CODE)


@pytest.mark.covers("ACC-04")
@pytest.mark.parametrize(
    "leaf",
    [
        [b"\x01", b"\x02", STORAGE, CODE],
        [b"\x01", b"\x00", b"\x01", b"\x05", b"", STORAGE, CODE],
        [b"\x01", b"\x01\x01", b"\x01", b"\x05", b"", STORAGE, CODE],
        [b"\x01", b"\x01", b"\x01" * 33, b"\x05", b"", STORAGE, CODE],
        [b"\x01", b"\x01", b"\x01", b"\x05", b"\x00\x01", STORAGE, CODE],
        [b"\x01", b"\x01", b"\x01", b"\x05", b"", b"", CODE],
    ],
)
def test_another_leaf_is_no_blast_account(leaf: list) -> None:
    """Four fields, or seven of which one has another form."""
    with pytest.raises(MalformedAccount):
        prove(rlp.encode(leaf), BLAST)


@pytest.mark.covers("CHN-06")
def test_a_state_in_another_tree_is_unsupported() -> None:
    """Neither a root nor an account is proven for a family whose state cannot be walked."""
    root, state = state_under({ALICE: account(1)})
    nodes = NodeTable.build(state.prove(keccak(ALICE)))
    assert verify_account(root, ALICE, nodes, set()).exists
    with pytest.raises(Unsupported):
        state_under({ALICE: account(1)}, network(unsupported="its state is a binary tree"))


@pytest.mark.covers("HDR-11")
def test_a_zero_state_root_is_no_root() -> None:
    """A pinned header whose state root was never set proves no account absent."""
    from tests.simulators.chain import header_fields, pinned
    from verifier.state.tree import state_root

    with pytest.raises(MalformedHeader):
        state_root(pinned(rlp.encode(header_fields(1, 1, state=bytes(32))), network()))
    empty = state_root(pinned(rlp.encode(header_fields(1, 1)), network()))
    assert not verify_account(empty, ALICE, NO_NODES, set()).exists


# --- words -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [1, 127, 128, 255, 256, 2**255, MAX])
def test_a_stored_word_is_padded_to_its_32_bytes(value: int) -> None:
    """From one to the greatest, at the widths where the encoding changes."""
    proven, storage = with_storage({slot(1): rlp.encode(uint(value)), slot(2): b"\x05"})
    nodes, used = NodeTable.build(storage.prove(keccak(slot(1)))), set[Hash32]()
    found = verify_word(proven, slot(1), nodes, used)
    assert (found.word, found.slot, found.rests_on) == (value.to_bytes(32, "big"), slot(1), proven)
    assert used == set(nodes.hashes())


def test_an_absent_slot_is_zero_once_proven() -> None:
    """With its proof it is zero; without, nothing."""
    proven, storage = with_storage({slot(n): b"\x05" for n in range(20)})
    nodes = storage.prove(keccak(slot(77)))
    assert verify_word(proven, slot(77), NodeTable.build(nodes), set()).word == bytes(32)
    for gone in range(len(nodes)):
        with pytest.raises(MissingNode):
            verify_word(proven, slot(77), NodeTable.build(nodes[:gone] + nodes[gone + 1 :]), set())


def test_empty_storage_needs_no_nodes_and_uses_none() -> None:
    """Any slot of an account with the empty storage root is zero, whatever lies beside it."""
    proven, used = prove(account(1, 2, EMPTY_TRIE, CODE)), set[Hash32]()
    _, foreign = with_storage({slot(1): b"\x05"})
    table = NodeTable.build(foreign.prove(keccak(slot(1))))
    assert verify_word(proven, slot(1), NO_NODES, used).word == bytes(32)
    assert verify_word(proven, slot(1), table, used).word == bytes(32)
    assert not used


def test_avalanche_slots_are_walked_with_their_bit_cleared() -> None:
    """A slot whose first byte is odd is stored, and must be asked for, under the even one."""
    odd, even = SlotKey(b"\x01" + b"\x33" * 31), SlotKey(b"\x00" + b"\x33" * 31)
    assert (asked_slot(AVALANCHE, odd), asked_slot(AVALANCHE, even)) == (even, even)
    assert asked_slot(network(), odd) == odd
    proven, storage = with_storage({even: b"\x07"}, AVALANCHE)
    table = NodeTable.build(storage.prove(keccak(even)))
    for asked in (odd, even):
        found = verify_word(proven, asked, table, set())
        assert (found.word[-1], found.slot) == (7, asked)
    plain, storage = with_storage({even: b"\x07"})
    assert verify_word(plain, odd, NodeTable.build(storage.nodes.values()), set()).word == bytes(32)


# --- any state -------------------------------------------------------------------------------------------

amounts = st.integers(0, MAX)
states = st.dictionaries(
    st.binary(min_size=20, max_size=20), st.tuples(st.integers(0, 2**64 - 1), amounts), max_size=30
)


@given(states, st.binary(min_size=20, max_size=20))
@settings(max_examples=60, derandomize=True, deadline=None)
def test_any_state_is_proven_as_it_is(state: dict, other: bytes) -> None:
    """Every account of any state, and one that is perhaps not there, is proven by exactly its own nodes."""
    root, built = state_under({a: account(n, b) for a, (n, b) in state.items()})
    for address in [*state, other]:
        table, used = NodeTable.build(built.prove(keccak(address))), set[Hash32]()
        found = verify_account(root, Address(address), table, used)
        assert used == set(table.hashes())
        assert (found.exists, found.nonce, found.balance) == (address in state, *state.get(address, (0, 0)))


@given(st.dictionaries(st.integers(0, 2**20), st.integers(1, MAX), min_size=1, max_size=25), st.data())
@settings(max_examples=80, derandomize=True, deadline=None)
def test_no_changed_node_changes_a_word(content: dict[int, int], data: st.DataObject) -> None:
    """One bit flipped in one node of a slot's proof, or one node exchanged: refused, never another word."""
    proven, storage = with_storage({slot(n): rlp.encode(uint(v)) for n, v in content.items()})
    wanted = data.draw(st.integers(0, 2**20) | st.sampled_from(sorted(content)))
    nodes = storage.prove(keccak(slot(wanted)))
    honest = verify_word(proven, slot(wanted), NodeTable.build(nodes), set())
    assert int.from_bytes(honest.word, "big") == content.get(wanted, 0)
    at = data.draw(st.integers(0, len(nodes) - 1))
    bit = data.draw(st.integers(0, 8 * len(nodes[at]) - 1))
    flipped = bytearray(nodes[at])
    flipped[bit // 8] ^= 1 << bit % 8
    changed = dict.fromkeys([*nodes[:at], bytes(flipped), *nodes[at + 1 :]])
    with pytest.raises(MissingNode):
        verify_word(proven, slot(wanted), NodeTable.build(changed), set())


@given(st.binary(max_size=80))
@settings(max_examples=300, derandomize=True, deadline=None)
def test_any_leaf_is_an_account_or_refused(leaf: bytes) -> None:
    """Whatever bytes an (invented) root has at an address, nothing but an account or our error comes out."""
    for net in (network(), AVALANCHE, BLAST):
        if leaf:
            with pytest.raises(MalformedAccount):
                prove(leaf, net)
    with suppress(MalformedWord):
        assert parse_word(leaf, WHERE) != bytes(32)


def test_a_root_is_its_header_s() -> None:
    """State root, number, time and trust are the header's."""
    root, state = state_under({ALICE: account(1)})
    assert isinstance(root, ProvenRoot)
    assert (root.state_root, root.number, root.timestamp) == (state.root, 7, 1_700_000_000)
    assert root.trust == root.rests_on.trust
