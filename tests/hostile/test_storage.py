"""An attacker, or a careless layout, makes a storage slot say another number."""

from __future__ import annotations

import pytest
import rlp

from tests.simulators.chain import account, state_under, storage_trie, uint
from tests.simulators.trie_builder import keccak
from verifier.assets.erc20 import balance_slot
from verifier.claims import KeyOrder, TokenLayout
from verifier.codec.abi import field, mapping_slot, nested_mapping_slot, pad_address, vyper_mapping_slot
from verifier.errors import MalformedWord
from verifier.primitives import Address, SlotKey, Word, slot_key
from verifier.proven import ProvenHeader, ProvenWord, trail
from verifier.state.ethereum import verify_account, verify_word
from verifier.trie.table import NodeTable

TOKEN, ALICE, BOB = Address(b"\x70" * 20), Address(b"\xa1" * 20), Address(b"\xb0" * 20)
BASE = slot_key(9)


def read(slots: dict[SlotKey, bytes], wanted: SlotKey) -> ProvenWord:
    """The word that a contract with these leaves proves at a slot."""
    storage = storage_trie({**slots, slot_key(2**200): b"\x01"})
    root, built = state_under({TOKEN: account(1, 0, storage.root, keccak(b"code")), ALICE: account(1)})
    token = verify_account(root, TOKEN, NodeTable.build(built.prove(keccak(TOKEN))), set())
    return verify_word(token, wanted, NodeTable.build(storage.prove(keccak(wanted))), set())


def number(word: ProvenWord) -> int:
    return int.from_bytes(word.word, "big")


FORMS = {
    "33 bytes": rlp.encode(b"\x01" * 33),
    "a leading zero": rlp.encode(b"\x00\x05"),
    "32 bytes, padded": rlp.encode(b"\x05".rjust(32, b"\0")),
    "not wrapped": b"\x05\xde\xad",
    "wrapped twice": rlp.encode(rlp.encode(b"\x05\xde")),
    "a trailing byte": rlp.encode(b"\x05\xde") + b"\x00",
    "cut off": rlp.encode(b"\x05\xde\xad")[:-1],
    "a single byte in a wrapper": b"\x81\x05",
    "a list": rlp.encode([b"\x05"]),
    "an empty list": b"\xc0",
    "lists in lists": b"\xc1" * 20 + b"\xc0",
    "the long form": b"\xb8\x02\x05\xde",
}


@pytest.mark.covers("STO-01")
@pytest.mark.parametrize("form", FORMS)
def test_a_word_has_one_form(form: str) -> None:
    """The RLP of the shortest integer is read; each other form of it is refused."""
    if form != "wrapped twice":
        assert number(read({BASE: rlp.encode(b"\x05\xde")}, BASE)) == 0x05DE
        with pytest.raises(MalformedWord):
            read({BASE: FORMS[form]}, BASE)
    else:  # a string that is itself RLP is a number like any other: it is read as what it is, never unwrapped again
        assert number(read({BASE: FORMS[form]}, BASE)) == 0x8205DE


@pytest.mark.covers("STO-09")
@pytest.mark.parametrize("zero", [b"\x80", b"\x00", rlp.encode(bytes(32))], ids=["empty", "one byte", "32 bytes"])
def test_a_stored_zero_cannot_exist(zero: bytes) -> None:
    """A leaf that holds zero is refused, however it is written; a slot proven absent is zero."""
    with pytest.raises(MalformedWord):
        read({BASE: zero}, BASE)
    assert number(read({}, BASE)) == 0


@pytest.mark.covers("STO-02")
def test_a_wrong_pad_proves_a_true_zero_elsewhere() -> None:
    """Padded to the right an address finds a slot that nobody wrote: its zero is proven, and is not the balance."""
    slot = mapping_slot(pad_address(ALICE), BASE)
    wrong = SlotKey(keccak(ALICE.ljust(32, b"\0") + BASE))
    assert number(read({slot: b"\x07"}, slot)) == 7
    assert number(read({slot: b"\x07"}, wrong)) == 0


@pytest.mark.covers("STO-03")
def test_each_order_of_hashing_finds_its_own_slot() -> None:
    """Solidity's slot and Vyper's slot of one holder are two slots with two words."""
    solidity, vyper = mapping_slot(pad_address(ALICE), BASE), vyper_mapping_slot(pad_address(ALICE), BASE)
    content = {solidity: b"\x07", vyper: b"\x08"}
    assert (number(read(content, solidity)), number(read(content, vyper))) == (7, 8)
    assert vyper == keccak(BASE + ALICE.rjust(32, b"\0"))
    by_order = {order: balance_slot(TokenLayout(BASE, order), ALICE) for order in KeyOrder}
    seeded = SlotKey(keccak(ALICE + BASE[20:]))
    assert by_order == {KeyOrder.SOLIDITY: solidity, KeyOrder.VYPER: vyper, KeyOrder.SOLADY: seeded}


@pytest.mark.covers("STO-05")
def test_fields_of_a_packed_word_are_counted_from_the_low_end() -> None:
    """With a different value in every field each is read at its own offset, and none at its neighbour's."""
    widths, values = (64, 40, 104, 8, 40), (1_111, 22, 333_333, 4, 55_555)
    packed, at, offsets = 0, 0, []
    for width, value in zip(widths, values, strict=True):
        offsets.append(at)
        packed |= value << at
        at += width
    word = Word(read({BASE: rlp.encode(uint(packed))}, BASE).word)
    assert [field(word, o, w) for o, w in zip(offsets, widths, strict=True)] == list(values)
    assert field(word, 256 - 64, 64) != values[0]


@pytest.mark.covers("STO-06")
def test_the_outer_key_of_a_nested_mapping_is_hashed_first() -> None:
    """owner then spender is not spender then owner."""
    right = nested_mapping_slot([pad_address(ALICE), pad_address(BOB)], BASE)
    swapped = nested_mapping_slot([pad_address(BOB), pad_address(ALICE)], BASE)
    inner = keccak(ALICE.rjust(32, b"\0") + BASE)
    assert right == keccak(BOB.rjust(32, b"\0") + inner)
    assert (number(read({right: b"\x07"}, right)), number(read({right: b"\x07"}, swapped))) == (7, 0)


@pytest.mark.covers("STO-12")
def test_a_word_carries_its_root_and_block() -> None:
    """What was proven says under which header, so words of two blocks cannot pass for one."""
    word = read({BASE: b"\x07"}, BASE)
    header = next(step for step in trail(word) if isinstance(step, ProvenHeader))
    assert (header.number, header.state_root) == (7, word.rests_on.rests_on.state_root)
    assert read({BASE: b"\x08"}, BASE).rests_on.rests_on.state_root != header.state_root
