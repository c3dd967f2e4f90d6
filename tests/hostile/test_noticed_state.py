"""Checks of accounts, words, list items and receipts whose removal no other test would notice."""

from __future__ import annotations

from dataclasses import replace

import pytest
import rlp

from chains.families import ZKSYNC
from tests.simulators.chain import header_fields, network, pinned
from tests.simulators.minting import ALICE
from tests.simulators.receipts import event, receipt
from verifier.errors import BadInput, MalformedReceipt, MalformedRlp, Unsupported, Where
from verifier.primitives import Hash32
from verifier.proven import ListKind, ProvenRoot, mint
from verifier.state.ethereum import verify_account
from verifier.state.lists import MAX_INDEX, _item, verify_item
from verifier.state.receipts import parse_receipt
from verifier.state.tree import state_root
from verifier.trie.table import NodeTable

WHERE = Where(network="test")
NOTHING = NodeTable.build([])
HEADER = rlp.encode(header_fields(7, 1_700_000_000))


@pytest.mark.covers("CHN-06")
def test_a_state_of_another_tree_is_refused_at_its_root_and_under_it() -> None:
    """By the root of a header, and by a root that was fixed in another way."""
    plain = network()
    other = replace(plain, family=ZKSYNC)
    header = pinned(HEADER, plain)
    assert state_root(header).state_root == header.state_root
    object.__setattr__(header, "network", other)
    with pytest.raises(Unsupported, match="Blake2s"):
        state_root(header)
    settled = mint(
        ProvenRoot, rests_on=header, network=other, state_root=Hash32(b"\x12" * 32), number=None, timestamp=None,
        trust=header.trust,
    )  # fmt: skip
    with pytest.raises(Unsupported, match="Blake2s"):
        verify_account(settled, ALICE, NOTHING, set())


def test_the_greatest_index_is_an_index() -> None:
    """Proven to hold nothing in an empty list; one more is no index."""
    header = pinned(HEADER, network())
    assert verify_item(header, ListKind.TRANSACTIONS, MAX_INDEX, NOTHING, set()).raw is None
    for index in (MAX_INDEX + 1, -1, True):
        with pytest.raises(BadInput):
            verify_item(header, ListKind.TRANSACTIONS, index, NOTHING, set())


@pytest.mark.parametrize(
    ("first", "kind", "reason"),
    [
        (0x7F, ListKind.TRANSACTIONS, None),
        (0x80, ListKind.TRANSACTIONS, "wrapped in a string"),
        (0xBF, ListKind.TRANSACTIONS, "wrapped in a string"),
        (0xC0, ListKind.TRANSACTIONS, None),
        (0x7F, ListKind.WITHDRAWALS, "no list"),
        (0xC0, ListKind.WITHDRAWALS, None),
    ],
)
def test_the_first_byte_of_an_item_says_what_it_is(first: int, kind: ListKind, reason: str | None) -> None:
    """A type byte, or the head of a list; a string's head is how nodes send items to one another."""
    leaf = bytes([first]) + b"rest"
    if reason is None:
        assert _item(leaf, kind, WHERE) == leaf
    else:
        with pytest.raises(MalformedRlp, match=reason):
            _item(leaf, kind, WHERE)


def test_an_empty_list_is_a_list_that_is_no_receipt() -> None:
    """It is neither a byte string nor a type of receipt; 0x80 is a string, 0x7f a type."""
    with pytest.raises(MalformedReceipt) as caught:
        parse_receipt(b"\xc0", WHERE)
    assert "byte string" not in str(caught.value)
    with pytest.raises(MalformedReceipt, match="byte string"):
        parse_receipt(b"\x80", WHERE)
    with pytest.raises(Unsupported, match="type 0x7f"):
        parse_receipt(b"\x7f\xc0", WHERE)


def test_an_event_has_at_most_four_topics() -> None:
    """As many as the EVM's LOG4 writes, and no more."""
    topics = [bytes([n]) * 32 for n in range(1, 6)]
    parsed = parse_receipt(receipt([[b"\xe1" * 20, topics[:4], b""]]), WHERE)
    assert len(parsed.logs[0].topics) == 4
    with pytest.raises(MalformedReceipt):
        parse_receipt(receipt([[b"\xe1" * 20, topics, b""]]), WHERE)
    assert event()
