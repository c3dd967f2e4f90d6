"""Ranges of events: complete by receipts roots, or by filters where review allows it, and never by anyone's word."""

from __future__ import annotations

from dataclasses import replace

import pytest
import rlp

from tests.simulators.chain import header_fields, network, pinned
from tests.simulators.receipts import EMITTER, TRANSFER, event, receipt
from tests.simulators.trie_builder import build, keccak
from verifier.errors import (
    BadInput,
    BrokenAncestry,
    MalformedReceipt,
    MissingEvidence,
    NotThere,
    Unsupported,
    WrongBinding,
    WrongHash,
)
from verifier.primitives import Address, Hash32
from verifier.proven import ListKind
from verifier.single import verify_event_proof, verify_parents, verify_receipt_proof, verify_transaction_proof
from verifier.state.bloom import bloom_of, header_bloom, may_hold
from verifier.state.events import AllReceipts, BloomOnly, EventFilter, verify_events
from verifier.trie.build import build_list, build_trie

OTHER = Address(b"\xdd" * 20)
WANTED = EventFilter(EMITTER, (TRANSFER,))
NET = network(blooms=True)


class Blocks:
    """A run of blocks, each with a list of receipts; `blooms` writes the filters that these have."""

    def __init__(self, *lists: list[bytes], blooms: list[bytes] | None = None, net=NET) -> None:
        self.lists, self.raw, parent = lists, [], b"\x11" * 32
        for i, items in enumerate(lists):
            fields = header_fields(7 + i, 1_700_000_000 + i, parent, receipts=build_list(items).root)
            if blooms is not None:
                fields[6] = blooms[i]
            self.raw.append(rlp.encode(fields))
            parent = keccak(self.raw[-1])
        newest = pinned(self.raw[-1], net)
        self.headers = tuple(reversed(verify_parents(newest, self.raw[-2::-1])))

    @property
    def whole(self) -> list[AllReceipts]:
        return [AllReceipts(tuple(items)) for items in self.lists]


TWO = [receipt([event()]), receipt([event(emitter=OTHER), event(data=b"second")], kind=2)]


def test_the_tree_that_is_built_is_the_trie_s() -> None:
    """Roots and proofs are those of the other builder, for lists of every size that changes the shape."""
    for count in (0, 1, 2, 17, 128, 129, 300):
        items = {rlp.encode(i): b"item %d" % i * 3 for i in range(count)}
        made, other = build_trie(items), build(items)
        assert made.root == other.root
        for key in list(items)[:: max(1, count // 9)]:
            assert made.prove(key) == tuple(other.prove(key))


def test_all_events_of_a_range_and_no_other() -> None:
    """Two matching events in three blocks, with their places."""
    blocks = Blocks(TWO, [], [receipt([event(emitter=OTHER)])])
    found = verify_events(blocks.headers, blocks.whole, WANTED)
    assert [log.identity[1:] for log in found.events] == [
        (blocks.headers[0].hash, 0, 0),
        (blocks.headers[0].hash, 1, 1),
    ]
    assert (found.first, found.last, found.by_bloom) == (7, 9, ())
    narrow = EventFilter(EMITTER, (TRANSFER, Hash32(b"\x22" * 32)))
    assert verify_events(blocks.headers, blocks.whole, narrow).events == ()


@pytest.mark.covers("RCP-01", "RCP-08")
@pytest.mark.parametrize(
    "change",
    [
        lambda items: items[:1],
        lambda items: [*items, items[0]],
        lambda items: items[::-1],
        lambda items: [items[0], receipt([event(emitter=OTHER)], kind=2)],
        lambda items: [items[0], receipt([event(emitter=OTHER), event(data=b"second")], kind=1)],
        lambda items: [receipt([event()], outcome=b""), items[1]],
        lambda items: [],
    ],
    ids=["missing", "repeated", "moved", "event left out", "another type", "status flipped", "none"],
)
def test_a_list_that_is_not_the_block_s_hides_nothing(change) -> None:
    """A receipt left out, added, moved, retyped or rebuilt gives another root."""
    blocks = Blocks(TWO)
    with pytest.raises(WrongHash):
        verify_events(blocks.headers, [AllReceipts(tuple(change(TWO)))], WANTED)


@pytest.mark.covers("RCP-03")
def test_a_failed_transaction_has_no_events() -> None:
    """An event that stands in the receipt of a failed transaction is none."""
    blocks = Blocks([receipt([event()], outcome=b"")])
    assert verify_events(blocks.headers, blocks.whole, WANTED).events == ()
    nodes = build_list(blocks.lists[0]).prove(rlp.encode(0))
    with pytest.raises(NotThere):
        verify_event_proof(blocks.headers[0], 0, 0, EMITTER, TRANSFER, nodes)


@pytest.mark.covers("RCP-04", "RCP-05")
def test_another_emitter_index_or_event() -> None:
    """The question names emitter, event and place; identities tell two uses of one event apart from two events."""
    blocks = Blocks(TWO)
    header, built = blocks.headers[0], build_list(TWO)

    def ask(index: int = 1, log: int = 1, emitter: bytes = EMITTER, topic: bytes = TRANSFER):
        return verify_event_proof(header, index, log, Address(emitter), Hash32(topic), built.prove(rlp.encode(index)))

    assert ask().identity == ask().identity != ask(0, 0).identity
    for wrong in ({"emitter": OTHER}, {"topic": keccak(b"Approval")}, {"log": 0}, {"log": 2}, {"log": -1}):
        with pytest.raises(WrongBinding):
            ask(**wrong)
    with pytest.raises(NotThere):
        ask(index=2)


@pytest.mark.covers("RCP-06", "RCP-02")
def test_a_proof_from_one_list_is_none_in_another() -> None:
    """Both lists use the same keys; the root is chosen by the kind that was asked for."""
    items = [receipt([event()])]
    root = build_list(items).root
    fields = header_fields(7, 1_700_000_000, transactions=root)
    header = pinned(rlp.encode(fields), NET)
    nodes = build_list(items).prove(rlp.encode(0))
    assert verify_transaction_proof(header, 0, nodes, tx_hash=Hash32(keccak(items[0]))).kind is ListKind.TRANSACTIONS
    with pytest.raises(WrongBinding):
        verify_transaction_proof(header, 0, nodes, tx_hash=Hash32(keccak(b"another")))
    with pytest.raises(Exception, match=r"trie nodes|no node"):
        verify_receipt_proof(header, 0, nodes)


@pytest.mark.covers("RCP-07")
def test_positions_are_derived() -> None:
    """A receipt's key is made of the index asked for; nodes of its neighbour end elsewhere."""
    items = [receipt([event(data=b"%d" % i)]) for i in range(40)]
    blocks, built = Blocks(items), build_list(items)
    nodes = built.prove(rlp.encode(3))
    with pytest.raises(Exception, match=r"no node hashes|nothing used"):
        verify_receipt_proof(blocks.headers[0], 4, nodes)


@pytest.mark.covers("RCP-10")
def test_a_filter_decides_only_where_asked_and_reviewed() -> None:
    """A miss is taken by a caller who asks, on a network whose filters are complete; a hit never, a zeroed one never."""
    quiet = [receipt([event(emitter=OTHER)])]
    blooms = [bloom_of([OTHER, TRANSFER]), bloom_of([EMITTER, TRANSFER])]
    blocks = Blocks(quiet, TWO, blooms=blooms)
    assert not may_hold(blooms[0], WANTED.in_bloom)
    assert may_hold(blooms[1], WANTED.in_bloom)
    evidence = [BloomOnly(blocks.raw[0]), blocks.whole[1]]
    found = verify_events(blocks.headers, evidence, WANTED, take_blooms=True)
    assert (found.by_bloom, len(found.events)) == ((7,), 2)
    with pytest.raises(Unsupported):
        verify_events(blocks.headers, evidence, WANTED)
    elsewhere = Blocks(quiet, TWO, blooms=blooms, net=network())
    with pytest.raises(Unsupported):
        verify_events(elsewhere.headers, [BloomOnly(elsewhere.raw[0]), elsewhere.whole[1]], WANTED, take_blooms=True)
    with pytest.raises(NotThere):
        verify_events(blocks.headers, [blocks.whole[0], BloomOnly(blocks.raw[1])], WANTED, take_blooms=True)
    with pytest.raises(WrongHash):
        verify_events(blocks.headers, [BloomOnly(blocks.raw[1]), blocks.whole[1]], WANTED, take_blooms=True)
    assert header_bloom(blocks.headers[0], blocks.raw[0]) == blooms[0]


def test_a_range_leaves_no_block_out() -> None:
    """A gap, another order, no headers, and evidence for fewer blocks."""
    blocks = Blocks(TWO, [], TWO)
    for headers in ((blocks.headers[0], blocks.headers[2]), blocks.headers[::-1]):
        with pytest.raises(BrokenAncestry):
            verify_events(headers, blocks.whole[: len(headers)], WANTED)
    with pytest.raises(MissingEvidence):
        verify_events(blocks.headers, blocks.whole[:2], WANTED)
    with pytest.raises(BadInput):
        verify_events((), (), WANTED)
    with pytest.raises(BadInput):
        EventFilter(EMITTER, (None,))


@pytest.mark.covers("RCP-02", "RCP-11")
def test_a_receipt_in_its_network_form_is_none() -> None:
    """A typed receipt wrapped in a string, an unknown type, and an empty one."""
    wrapped = rlp.encode(TWO[1])
    for items, error in (([wrapped], MalformedReceipt), ([b"\x7e" + TWO[0]], Unsupported)):
        blocks = Blocks(items)
        with pytest.raises(error):
            verify_events(blocks.headers, blocks.whole, WANTED)
    with pytest.raises(MalformedReceipt):
        verify_events(Blocks([]).headers, [AllReceipts((b"",))], replace(WANTED))
