"""Receipts and events in every form, and receipts under a pinned header."""

from __future__ import annotations

from collections.abc import Sequence

import rlp

from tests.simulators.chain import header_fields, network, pinned, uint
from tests.simulators.trie_builder import build, keccak
from verifier.primitives import Address, Hash32
from verifier.proven import ListKind, ProvenItem
from verifier.state.lists import verify_item
from verifier.trie.table import NodeTable

EMITTER = Address(b"\xee" * 20)
TRANSFER = Hash32(keccak(b"Transfer(address,address,uint256)"))


def event(emitter: bytes = EMITTER, topics: Sequence[bytes] = (TRANSFER,), data: bytes = b"data") -> list:
    """An event, as a structure."""
    return [emitter, list(topics), data]


def receipt(events: Sequence[list], *, kind: int = 0, outcome: bytes = b"\x01", gas: int = 50_000) -> bytes:
    """A receipt as a trie holds it; `outcome` is the status, or the root of early blocks."""
    body = rlp.encode([outcome, uint(gas), bytes(256), list(events)])
    return bytes([kind]) + body if kind else body


def proven_receipt(items: Sequence[bytes], index: int, *, kind: ListKind = ListKind.RECEIPTS) -> ProvenItem:
    """The item at an index of a block's list."""
    built = build({rlp.encode(i): item for i, item in enumerate(items)})
    header = pinned(rlp.encode(header_fields(7, 1_700_000_000, **{kind.value: built.root})), network())
    return verify_item(header, kind, index, NodeTable.build(built.nodes.values()), set())
