"""Accounts, words and list items: leaves of another kind, answers to another question, and the index of another item."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import rlp

from tests.simulators.chain import account, header_fields, network, pinned, state_under, storage_trie
from tests.simulators.receipts import EMITTER, TRANSFER, event, proven_receipt, receipt
from tests.simulators.trie_builder import build, keccak
from verifier.codec.abi import mapping_slot, pad_address, pad_bytesn, pad_uint, string_mapping_slot
from verifier.errors import Malformed, MalformedAccount, MissingNode, NotThere, Unsupported, WrongBinding
from verifier.primitives import Address, Hash32, slot_key
from verifier.proven import ListKind, ProvenAccount
from verifier.state.ethereum import verify_account, verify_word
from verifier.state.lists import verify_item
from verifier.state.receipts import parse_receipt, verify_log
from verifier.trie.table import NodeTable

ALICE, BOB = Address(b"\xa1" * 20), Address(b"\xb0" * 20)
PACKAGES = Path(__file__).resolve().parents[2]


def proven(leaves: dict[bytes, bytes], who: Address) -> ProvenAccount:
    root, built = state_under(leaves)
    return verify_account(root, who, NodeTable.build(built.prove(keccak(who))), set())


@pytest.mark.covers("ACC-06")
@pytest.mark.parametrize(
    "leaf",
    [rlp.encode(b"\x05" * 30), receipt([event()]), rlp.encode([b"\x01", b"\x05"])],
    ids=["word", "receipt", "short list"],
)
def test_a_leaf_of_another_kind_is_no_account(leaf: bytes) -> None:
    """A storage word or a receipt under the state root's path is refused; an account there is read."""
    with pytest.raises(Malformed):
        proven({ALICE: leaf, BOB: account(1, 2)}, ALICE)
    assert proven({ALICE: account(1, 7), BOB: account(1, 2)}, ALICE).balance == 7


@pytest.mark.covers("ACC-06")
def test_an_account_under_a_storage_root_is_no_word() -> None:
    """The decoder is chosen by what was asked: an account leaf in a storage trie is refused as a word."""
    slot = slot_key(3)
    storage = storage_trie({slot: account(1, 7), slot_key(4): rlp.encode(b"\x05")})
    found = proven({ALICE: account(1, 0, storage.root, keccak(b"code")), BOB: account(1, 2)}, ALICE)
    with pytest.raises(Malformed):
        verify_word(found, slot, NodeTable.build(storage.prove(keccak(slot))), set())
    other = slot_key(4)
    assert verify_word(found, other, NodeTable.build(storage.prove(keccak(other))), set()).word[-1] == 5


@pytest.mark.covers("ACC-09")
def test_empty_storage_takes_no_one_elses_nodes() -> None:
    """Any slot of an account with empty storage is zero; with storage of its own, another contract's proof is missing."""
    slot = slot_key(3)
    theirs = storage_trie({slot: rlp.encode(b"\x05"), slot_key(9): rlp.encode(b"\x06")})
    own = storage_trie({slot_key(1): rlp.encode(b"\x07"), slot_key(2): rlp.encode(b"\x08")})
    nodes = NodeTable.build(theirs.prove(keccak(slot)))
    empty = proven({ALICE: account(1, 7), BOB: account(1, 2)}, ALICE)
    assert not any(verify_word(empty, slot, nodes, set()).word)
    filled = proven({ALICE: account(1, 7, own.root, keccak(b"c")), BOB: account(1, 2)}, ALICE)
    with pytest.raises(MissingNode):
        verify_word(filled, slot, nodes, set())


@pytest.mark.covers("STO-02")
def test_mapping_keys_are_padded_by_their_kind() -> None:
    """Addresses and integers to the left, bytesN to the right, strings not at all: each finds its slot, no twin does."""
    base = slot_key(7)
    for right, wrong in (
        (mapping_slot(pad_address(ALICE), base), ALICE.ljust(32, b"\0")),
        (mapping_slot(pad_uint(5), base), b"\x05".ljust(32, b"\0")),
        (mapping_slot(pad_bytesn(b"\xab\xcd"), base), b"\xab\xcd".rjust(32, b"\0")),
        (string_mapping_slot(b"name", base), b"name".rjust(32, b"\0")),
    ):
        assert right != keccak(wrong + base)
    assert mapping_slot(pad_address(ALICE), base) == keccak(ALICE.rjust(32, b"\0") + base)
    assert mapping_slot(pad_bytesn(b"\xab\xcd"), base) == keccak(b"\xab\xcd".ljust(32, b"\0") + base)
    assert string_mapping_slot(b"name", base) == keccak(b"name" + base)


# --- lists and receipts -------------------------------------------------------------------------------------------


def listed(items: list[bytes], kind: ListKind = ListKind.RECEIPTS):
    built = build({rlp.encode(i): item for i, item in enumerate(items)})
    return pinned(rlp.encode(header_fields(7, 1_700_000_000, **{kind.value: built.root})), network()), built


@pytest.mark.covers("RCP-01")
@pytest.mark.parametrize("index", [0, 1, 127, 128, 255, 256])
def test_the_key_is_the_rlp_of_the_index(index: int) -> None:
    """At the widths where the encoding changes, the index gives its own item and not that of the raw byte."""
    items = [receipt([], gas=1_000 + i) for i in range(300)]
    header, built = listed(items)
    nodes = NodeTable.build(built.nodes.values())
    assert verify_item(header, ListKind.RECEIPTS, index, nodes, set()).raw == items[index]
    # Raw byte 128 is the key of item 0: whoever walked with it would read another item.
    assert rlp.encode(0) == bytes([128])


@pytest.mark.covers("RCP-02")
def test_the_type_byte_is_part_of_the_receipt() -> None:
    """The same body under another type is another receipt, of an unknown type none, and with a legacy type byte none."""
    body = receipt([event()], kind=0)
    assert parse_receipt(b"\x02" + body, network_where()).type == 2
    with pytest.raises(Unsupported):
        parse_receipt(b"\x55" + body, network_where())
    with pytest.raises(Unsupported):
        parse_receipt(b"\x00" + body, network_where())


def network_where():
    from verifier.errors import Where

    return Where(network="test")


@pytest.mark.covers("RCP-03")
def test_an_event_of_a_failed_transaction_did_not_happen() -> None:
    """Status 1 establishes the event, status 0 refuses it."""
    assert verify_log(proven_receipt([receipt([event()])], 0), 0, EMITTER, TRANSFER)
    with pytest.raises(NotThere):
        verify_log(proven_receipt([receipt([event()], outcome=b"")], 0), 0, EMITTER, TRANSFER)


@pytest.mark.covers("RCP-04")
def test_any_contract_can_emit_an_event_of_the_right_shape() -> None:
    """The emitter and the signature are the question's; another contract's event, or another event, is refused."""
    item = proven_receipt([receipt([event(emitter=b"\x66" * 20), event()])], 0)
    assert verify_log(item, 1, EMITTER, TRANSFER)
    with pytest.raises(WrongBinding):
        verify_log(item, 0, EMITTER, TRANSFER)
    with pytest.raises(WrongBinding):
        verify_log(item, 1, EMITTER, Hash32(b"\x01" * 32))


@pytest.mark.covers("RCP-05")
@pytest.mark.parametrize("index", [2, -1, 10**9])
def test_an_event_index_outside_the_receipt_is_refused(index: int) -> None:
    """Indices count within the receipt; block-wide ones lead past its end. One event has one identity."""
    item = proven_receipt([receipt([event()]), receipt([event(), event()])], 1)
    with pytest.raises(WrongBinding):
        verify_log(item, index, EMITTER, TRANSFER)
    assert verify_log(item, 0, EMITTER, TRANSFER).identity != verify_log(item, 1, EMITTER, TRANSFER).identity


@pytest.mark.covers("RCP-06")
def test_a_transaction_proof_is_no_receipt_proof() -> None:
    """Both tries use the same keys: the nodes of one prove nothing under the root of the other."""
    header, built = listed([receipt([event()], gas=i + 1) for i in range(40)], ListKind.TRANSACTIONS)
    nodes = NodeTable.build(built.prove(rlp.encode(3)))
    assert verify_item(header, ListKind.TRANSACTIONS, 3, nodes, set()).raw is not None
    both = build({rlp.encode(i): receipt([], gas=90_000 + i) for i in range(40)})
    fields = header_fields(7, 1_700_000_000, transactions=built.root, receipts=both.root)
    with pytest.raises(MissingNode):
        verify_item(pinned(rlp.encode(fields), network()), ListKind.RECEIPTS, 3, nodes, set())


@pytest.mark.covers("RCP-07")
def test_positions_come_from_the_question_alone() -> None:
    """No function of the lists takes an offset, a branch index or a path from evidence: nodes alone steer nothing."""
    header, built = listed([receipt([], gas=i + 1) for i in range(40)])
    swapped = NodeTable.build(reversed(list(built.nodes.values())))
    plain = NodeTable.build(built.nodes.values())
    for index in (0, 7, 39):
        one = verify_item(header, ListKind.RECEIPTS, index, plain, set())
        assert one.raw == verify_item(header, ListKind.RECEIPTS, index, swapped, set()).raw


# --- fallbacks ------------------------------------------------------------------------------------------------------


@pytest.mark.covers("TST-05")
def test_there_is_no_fallback_to_an_unproven_read() -> None:
    """Neither package calls a method that tells a balance or a word without its proof.

    What a contract says without proof may be asked for in one place, and only by those who look for a rollup's root: it
    tells them where to look, and what they find there is judged like anything else.
    """
    forbidden = {"eth_call", "eth_getBalance", "eth_getStorageAt", "eth_getTransactionCount"}
    hints = {"chains/dialects/eth.py": {"eth_call"}}
    askers = set()
    for package in ("verifier", "chains"):
        for path in (PACKAGES / package).rglob("*.py"):
            name, tree = path.relative_to(PACKAGES).as_posix(), ast.parse(path.read_text())
            strings = {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)}
            assert forbidden & strings == hints.get(name, set()), path
            if any(isinstance(n, ast.Name) and n.id == "AskSaid" for n in ast.walk(tree)):
                askers.add(name)
    settlement = {f"verifier/settlement/{name}.py" for name in ("arbitrum_asking", "op_told", "validity_asking")}
    assert askers == {"chains/dialects/eth.py"} | settlement


def test_account_shapes_have_their_own_error() -> None:
    """The class that the reports group by stays where it is."""
    assert issubclass(MalformedAccount, Malformed)
