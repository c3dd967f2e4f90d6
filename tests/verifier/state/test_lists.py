"""Items of a block's lists by index, under the root of their own kind."""

from __future__ import annotations

import pytest
import rlp
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.simulators.chain import header_fields, network, pinned
from tests.simulators.trie_builder import Built, build, keccak
from verifier.errors import BadInput, MalformedRlp, MissingNode, NotThere, Unsupported
from verifier.network import Network
from verifier.primitives import Hash32
from verifier.proven import ListKind, ProvenHeader
from verifier.state.lists import verify_item
from verifier.trie.table import NodeTable

KINDS = list(ListKind)


def listed(
    items: list[bytes], kind: ListKind = ListKind.RECEIPTS, net: Network | None = None
) -> tuple[ProvenHeader, Built]:
    """A pinned header over a list, and the list's trie."""
    built = build({rlp.encode(i): item for i, item in enumerate(items)})
    header = rlp.encode(header_fields(7, 1_700_000_000, **{kind.value: built.root}))
    return pinned(header, net or network()), built


def legacy(n: int) -> bytes:
    return rlp.encode([b"item", rlp.sedes.big_endian_int.serialize(n), bytes(n % 50)])


@pytest.mark.parametrize("kind", KINDS)
def test_each_item_is_proven_and_the_next_one_absent(kind: ListKind) -> None:
    """Every index gives its raw bytes, and the index behind the last one is proven to have none."""
    items = [legacy(n) for n in range(300)]
    header, built = listed(items, kind)
    for index in (0, 1, 127, 128, 255, 256, 299, 300, 70_000):
        table, used = NodeTable.build(built.prove(rlp.encode(index))), set[Hash32]()
        item = verify_item(header, kind, index, table, used)
        assert item.raw == (items[index] if index < 300 else None)
        assert (item.kind, item.index, item.rests_on, item.trust) == (kind, index, header, header.trust)
        assert used == set(table.hashes())


def test_an_empty_list_has_no_items_and_needs_no_nodes() -> None:
    """Under the empty root every index is absent."""
    header, _ = listed([])
    assert verify_item(header, ListKind.RECEIPTS, 0, NodeTable.build([]), set()).raw is None


def test_typed_items_stand_bare() -> None:
    """A type byte and its payload come out as they went in."""
    items = [legacy(1), b"\x02" + legacy(2), b"\x7e" + legacy(3)]
    header, built = listed(items)
    table = NodeTable.build(built.nodes.values())
    assert [verify_item(header, ListKind.RECEIPTS, i, table, set()).raw for i in range(3)] == items


@pytest.mark.covers("RCP-11")
@pytest.mark.parametrize("kind", KINDS)
def test_an_item_in_its_network_form_is_refused(kind: ListKind) -> None:
    """A typed item wrapped in a string is how nodes send it; no trie of a chain holds it."""
    header, built = listed([rlp.encode(b"\x02" + legacy(2))], kind)
    with pytest.raises(MalformedRlp):
        verify_item(header, kind, 0, NodeTable.build(built.nodes.values()), set())


def test_a_withdrawal_is_a_list() -> None:
    """Withdrawals have no types: a typed item is none, a list is one."""
    for item, stands in ((legacy(1), True), (b"\x02" + legacy(1), False)):
        header, built = listed([item], ListKind.WITHDRAWALS)
        table = NodeTable.build(built.nodes.values())
        if stands:
            assert verify_item(header, ListKind.WITHDRAWALS, 0, table, set()).raw == item
        else:
            with pytest.raises(MalformedRlp):
                verify_item(header, ListKind.WITHDRAWALS, 0, table, set())


@pytest.mark.parametrize("index", [-1, 2**32, True, "0", 1.0, b"\x00"])
def test_an_index_is_a_small_number(index: object) -> None:
    """Anything else is an input error of the caller."""
    header, built = listed([legacy(0)])
    with pytest.raises(BadInput):
        verify_item(header, ListKind.RECEIPTS, index, NodeTable.build(built.nodes.values()), set())


def test_a_block_before_shanghai_has_no_withdrawals() -> None:
    """The header says that there is no such list; that is not an empty list."""
    net = network()
    old = pinned(rlp.encode(header_fields(7, 1)[:16]), net)
    with pytest.raises(NotThere):
        verify_item(old, ListKind.WITHDRAWALS, 0, NodeTable.build([]), set())
    empty = pinned(rlp.encode(header_fields(7, 1)[:17]), net)
    assert verify_item(empty, ListKind.WITHDRAWALS, 0, NodeTable.build([]), set()).raw is None


def test_a_storage_root_is_no_list() -> None:
    """On the OP Stack the withdrawals root is a contract's storage: no item is proven or disproven under it."""
    net = network(withdrawals_are_list=False)
    header, built = listed([legacy(0)], ListKind.WITHDRAWALS, net)
    table = NodeTable.build(built.nodes.values())
    with pytest.raises(Unsupported):
        verify_item(header, ListKind.WITHDRAWALS, 0, table, set())
    assert verify_item(header, ListKind.RECEIPTS, 0, table, set()).raw is None


def test_a_zero_root_proves_nothing_absent() -> None:
    """An unset root is an input error, never an empty list."""
    header = pinned(rlp.encode(header_fields(7, 1, receipts=bytes(32))), network())
    with pytest.raises(BadInput):
        verify_item(header, ListKind.RECEIPTS, 0, NodeTable.build([]), set())


@given(st.integers(0, 320), st.data())
@settings(max_examples=60, derandomize=True, deadline=None)
def test_any_list_and_index(count: int, data: st.DataObject) -> None:
    """Any index of a list of any length is proven by its own nodes, and by none of them left out."""
    items = [legacy(n) for n in range(count)]
    header, built = listed(items)
    index = data.draw(st.integers(0, count + 5))
    nodes = built.prove(rlp.encode(index))
    found = verify_item(header, ListKind.RECEIPTS, index, NodeTable.build(nodes), set()).raw
    assert found == (items[index] if index < count else None)
    if nodes:
        gone = data.draw(st.integers(0, len(nodes) - 1))
        with pytest.raises(MissingNode) as caught:
            verify_item(header, ListKind.RECEIPTS, index, NodeTable.build(nodes[:gone] + nodes[gone + 1 :]), set())
        assert caught.value.wanted == keccak(nodes[gone])
