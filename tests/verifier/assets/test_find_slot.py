"""A balance's slot out of what calls read and returned: one layout that explains every holder, or none."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.simulators.minting import ALICE, BOB, header, network, proven, token
from verifier.assets.call import balance_reading
from verifier.assets.erc20 import IMPLEMENTATION_SLOTS, balance_slot
from verifier.assets.find_slot import SOLADY, Found, find
from verifier.claims import Claim, CodePin, KeyOrder, ProxyKind, TokenLayout
from verifier.errors import BadInput, NoLayout
from verifier.primitives import Address, Hash32, SlotKey, Word, slot_key
from verifier.proven import Ended, ProvenAccount, ProvenCall, ProvenWord, mint
from verifier.trust import Anchor, Trust

TOKEN, BODY, OTHER = (Address(bytes([n]) * 20) for n in (0x70, 0x71, 0x72))
OWN, THEIRS = Hash32(b"\x0a" * 32), Hash32(b"\x0b" * 32)
FLAG = slot_key(600)
POINTER = IMPLEMENTATION_SLOTS[ProxyKind.EIP1967]
Words = Mapping[SlotKey, int]


def account(address: Address) -> ProvenAccount:
    root = proven(Claim(token(), ALICE), 1).rests_on.rests_on
    return mint(
        ProvenAccount, rests_on=root, address=address, exists=True, nonce=1, balance=None,
        storage_root=Hash32(bytes(32)), code_hash=OWN if address == TOKEN else THEIRS,
    )  # fmt: skip


def answer(who: Address, said: int, words: Words, others: Words | None = None, ran: tuple[Address, ...] = (TOKEN,)):
    """What `balanceOf` returned for a holder, having read words of the token, and of another contract."""
    reads: list[ProvenAccount | ProvenWord] = []
    for address, held in ((OTHER, others or {}), (TOKEN, words)):
        at = account(address)
        reads += [
            at,
            *(mint(ProvenWord, rests_on=at, slot=s, word=Word(v.to_bytes(32, "big"))) for s, v in held.items()),
        ]
    return mint(
        ProvenCall, rests_on=header(network(), 1_800_000_000, Trust(Anchor.PINNED)), call=balance_reading(TOKEN, who).call,
        ended=Ended.RETURNED, output=said.to_bytes(32, "big"), halted=None, reads=tuple(reads),
        code_hashes={a: OWN if a == TOKEN else THEIRS for a in ran}, steps=1,
    )  # fmt: skip


def slot(who: Address, base: int = 3, order: KeyOrder = KeyOrder.SOLIDITY) -> SlotKey:
    return balance_slot(TokenLayout(slot_key(base), order), who)


def found(alice: int = 5, bob: int = 7, more: Words | None = None, **kept: object) -> Found:
    """A token with balances at slot 3, and perhaps other words that each call reads."""
    calls = {
        who: answer(who, units, {slot(who): units} | dict(more or {}), **kept)
        for who, units in ((ALICE, alice), (BOB, bob))
    }
    return find(TOKEN, calls)


@pytest.mark.parametrize(
    ("base", "order"),
    [
        (0, KeyOrder.SOLIDITY),
        (3, KeyOrder.SOLIDITY),
        (511, KeyOrder.VYPER),
        (int.from_bytes(SOLADY, "big"), KeyOrder.SOLADY),
    ],
)
def test_the_mapping_that_explains_each_balance(base: int, order: KeyOrder) -> None:
    """By plain slots in both orders, and Solady's seed; what else was read stands beside it."""
    calls = {who: answer(who, units, {slot(who, base, order): units, FLAG: 1}) for who, units in ((ALICE, 5), (BOB, 7))}
    made = find(TOKEN, calls)
    assert (made.layout.base, made.layout.order, made.layout.width_bits) == (slot_key(base), order, 256)
    assert made.slots == {who: slot(who, base, order) for who in (ALICE, BOB)}
    assert made.beside == (FLAG,)
    assert (made.balances, made.pin) == ({ALICE: 5, BOB: 7}, CodePin(OWN))


def test_a_packed_balance_is_as_wide_as_all_words_allow() -> None:
    """The widest field that is each holder's balance; what lies above it belongs to something else."""
    calls = {
        ALICE: answer(ALICE, 5, {slot(ALICE): 5 | 1 << 128}),
        BOB: answer(BOB, 7, {slot(BOB): 7 | 3 << 200}),
    }
    made = find(TOKEN, calls)
    assert (made.layout.width_bits, made.layout.other_bits) == (128, 1 << 128 | 3 << 200)


@pytest.mark.parametrize(("alice", "bob"), [(5, 5), (0, 5), (0, 0)])
def test_two_different_balances_are_the_least(alice: int, bob: int) -> None:
    """Equal ones, or nothing of one, could be any constant; a third holder mends it."""
    with pytest.raises(BadInput, match="at least two with different balances"):
        found(alice, bob)
    assert found(5, 7).layout.base == slot_key(3)


def test_a_balance_of_other_contracts_words_has_no_slot() -> None:
    """One word elsewhere, even of a slot that would fit, and it is computed."""
    with pytest.raises(NoLayout) as caught:
        found(others={slot_key(9): 1})
    assert caught.value.slots == (slot_key(9),)


def test_nothing_and_more_than_one_layout_are_none() -> None:
    """A holder whose word was not read, or is another figure; and two mappings that explain all."""
    absent = {ALICE: answer(ALICE, 5, {slot(ALICE): 5}), BOB: answer(BOB, 7, {slot(BOB, 4): 7})}
    wrong = {ALICE: answer(ALICE, 5, {slot(ALICE): 5}), BOB: answer(BOB, 7, {slot(BOB): 8})}
    both = {who: answer(who, n, {slot(who): n, slot(who, 4): n}) for who, n in ((ALICE, 5), (BOB, 7))}
    for calls, count in ((absent, 0), (wrong, 0), (both, 2)):
        with pytest.raises(NoLayout) as caught:
            find(TOKEN, calls)
        assert caught.value.found == count


def test_behind_a_proxy_the_code_that_ran_is_bound() -> None:
    """The pointer of the token itself, to code that ran; another contract's pointer, or one to code that did not, is none."""
    target = int.from_bytes(BODY, "big")
    made = found(more={POINTER: target}, ran=(TOKEN, BODY))
    assert (made.layout.proxy, made.pin) == (ProxyKind.EIP1967, CodePin(OWN, BODY, THEIRS))
    for kept in ({"more": {POINTER: target}}, {"more": {FLAG: target}, "ran": (TOKEN, BODY)}):
        plain = found(**kept)
        assert (plain.layout.proxy, plain.pin) == (None, CodePin(OWN))
