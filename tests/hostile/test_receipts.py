"""An attacker offers something else as a receipt, or a receipt as more than it is."""

from __future__ import annotations

import random

import pytest
import rlp

from tests.simulators.chain import header_fields, network, pinned
from tests.simulators.receipts import EMITTER, TRANSFER, event, proven_receipt, receipt
from tests.simulators.trie_builder import Built, build
from verifier.errors import MalformedReceipt, MalformedRlp, MissingNode, Unsupported, Where
from verifier.proven import ListKind, ProvenHeader, ProvenWord
from verifier.state.lists import verify_item
from verifier.state.receipts import parse_receipt, verify_log
from verifier.trie.table import NodeTable

WHERE = Where(network="test")
ITEMS = [receipt([event(data=bytes([i % 256]))], kind=2 * (i % 2), gas=1_000 * (i + 1)) for i in range(260)]


def listed(items: list[bytes]) -> tuple[ProvenHeader, Built]:
    built = build({rlp.encode(i): item for i, item in enumerate(items)})
    return pinned(rlp.encode(header_fields(7, 1_700_000_000, receipts=built.root)), network()), built


@pytest.mark.covers("RCP-01")
@pytest.mark.parametrize("index", [0, 127, 128, 255, 256])
def test_nodes_of_a_neighbour_prove_neither_presence_nor_absence(index: int) -> None:
    """Each item stands under the RLP of its index; nodes along the raw byte or two plain bytes lead elsewhere."""
    header, built = listed(ITEMS)
    assert verify_item(header, ListKind.RECEIPTS, index, table(built, rlp.encode(index)), set()).raw == ITEMS[index]
    wrong_keys = {index.to_bytes(2, "big"), *([bytes([index])] if 0 < index < 256 else [])} - {rlp.encode(index)}
    for key in wrong_keys:
        with pytest.raises(MissingNode):
            verify_item(header, ListKind.RECEIPTS, index, table(built, key), set())


def table(built: Built, key: bytes) -> NodeTable:
    return NodeTable.build(built.prove(key))


@pytest.mark.covers("RCP-02", "RCP-08")
@pytest.mark.parametrize("change", ["type", "stripped", "status", "log", "bloom", "root"])
def test_a_receipt_rebuilt_otherwise_hangs_under_another_root(change: str) -> None:
    """Type, status, events and bloom are all under the root: a list rebuilt with one of them changed does not link."""
    header, built = listed(ITEMS)
    body = rlp.decode(ITEMS[1][1:])
    forms = {
        "type": b"\x01" + ITEMS[1][1:],
        "stripped": ITEMS[1][1:],
        "status": b"\x02" + rlp.encode([b"", *body[1:]]),
        "log": b"\x02" + rlp.encode([*body[:3], []]),
        "bloom": b"\x02" + rlp.encode([*body[:2], b"\xff" * 256, body[3]]),
        "root": b"\x02" + rlp.encode([b"\x11" * 32, *body[1:]]),
    }
    other = build({rlp.encode(i): forms[change] if i == 1 else item for i, item in enumerate(ITEMS)})
    with pytest.raises(MissingNode) as caught:
        verify_item(header, ListKind.RECEIPTS, 1, table(other, b"\x01"), set())
    assert caught.value.wanted == built.root
    assert verify_item(header, ListKind.RECEIPTS, 1, table(built, b"\x01"), set()).raw == ITEMS[1]


@pytest.mark.covers("RCP-08")
def test_unknown_types_and_roots_without_a_status_are_unsupported() -> None:
    """A deposit with more fields, and a receipt from before Byzantium, establish no event; a known one does."""
    deposit = b"\x7e" + rlp.encode([b"\x01", b"\x05", bytes(256), [event()], b"\x01", b"\x01"])
    for raw in (deposit, receipt([event()], outcome=b"\x11" * 32)):
        with pytest.raises(Unsupported):
            verify_log(proven_receipt([raw], 0), 0, EMITTER, TRANSFER)
    assert verify_log(proven_receipt([receipt([event()])], 0), 0, EMITTER, TRANSFER).log.data == b"data"


@pytest.mark.covers("RCP-07")
def test_the_order_of_nodes_steers_nothing() -> None:
    """Shuffled nodes prove the same item: no position of evidence is ever used."""
    header, built = listed(ITEMS)
    nodes, rng = list(built.nodes.values()), random.Random(7)
    for index in (0, 128, 259):
        rng.shuffle(nodes)
        assert verify_item(header, ListKind.RECEIPTS, index, NodeTable.build(nodes), set()).raw == ITEMS[index]


@pytest.mark.covers("RCP-09")
def test_an_event_is_no_word() -> None:
    """What is established from a receipt has another type than a balance, with no amount to add up."""
    log = verify_log(proven_receipt([receipt([event()])], 0), 0, EMITTER, TRANSFER)
    assert not isinstance(log, ProvenWord)
    assert not hasattr(log, "amount")


@pytest.mark.covers("RCP-10")
@pytest.mark.parametrize("bloom", [bytes(256), b"\xff" * 256], ids=["zeroed", "full"])
def test_a_bloom_filter_decides_nothing(bloom: bytes) -> None:
    """An event is found under an empty filter, and a full filter makes none."""
    with_event = rlp.encode([b"\x01", b"\x05", bloom, [event()]])
    without = rlp.encode([b"\x01", b"\x05", bloom, []])
    assert len(parse_receipt(with_event, WHERE).logs) == 1
    assert parse_receipt(without, WHERE).logs == ()


@pytest.mark.covers("RCP-11")
def test_the_form_of_the_network_is_refused_in_trie_and_reader() -> None:
    """A typed receipt wrapped in a string is one thing on the wire and nothing in a trie."""
    wrapped = rlp.encode(ITEMS[1])
    header, built = listed([wrapped])
    with pytest.raises(MalformedRlp):
        verify_item(header, ListKind.RECEIPTS, 0, NodeTable.build(built.nodes.values()), set())
    with pytest.raises(MalformedReceipt):
        parse_receipt(wrapped, WHERE)
    assert parse_receipt(ITEMS[1], WHERE).type == 2
