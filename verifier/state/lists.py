"""The three lists whose roots a header holds: transactions, receipts and withdrawals, each item by its index.

The key of item i is the RLP of i and comes from our question; positions in a reply are never taken. The item is the
leaf's bytes as they are: a list (legacy forms, withdrawals), or a type byte and its payload. Which root is walked
follows from the kind asked for, so a proof from one list proves nothing of another.

Source: Yellow Paper, section 4.3.2; EIP-2718; EIP-4895.
"""

from __future__ import annotations

from typing import Final

from verifier.codec import rlp
from verifier.errors import BadInput, MalformedRlp, NotThere, Unsupported, Where
from verifier.primitives import Hash32
from verifier.proven import ListKind, ProvenHeader, ProvenItem, mint
from verifier.trie.table import NodeTable
from verifier.trie.walk import Absent, walk

MAX_INDEX: Final = 2**32 - 1
_FIRST_STRING: Final = 0x80
_FIRST_LIST: Final = 0xC0


def verify_item(header: ProvenHeader, kind: ListKind, index: int, nodes: NodeTable, used: set[Hash32]) -> ProvenItem:
    """
    Establish the item at an index of one of a block's lists, or that the list has none there.

    Args:
        index: Ours, counted from zero in the whole block.
        nodes: Untrusted.
        used: Gets the hashes of the nodes that were followed.

    Raises:
        BadInput: The index is no unsigned 32-bit integer, or the header's root is zero, as an unset field is.
        NotThere: The block has no list of this kind.
        Unsupported: The root in the header is that of something else (withdrawals on the OP Stack).
        Malformed: A node on the path is no trie node, or the leaf no item of a list.
        MissingNode: The nodes end before the answer, in either direction.
    """
    if type(index) is not int or not 0 <= index <= MAX_INDEX:
        raise BadInput("list index", f"an integer from 0 to {MAX_INDEX}", index)
    where = header.where.at(node=f"{kind.value}[{index}]")
    leaf = walk(_root(header, kind, where), rlp.encode_uint(index), nodes, where, used)
    raw = None if isinstance(leaf, Absent) else _item(leaf, kind, where)
    return mint(ProvenItem, rests_on=header, kind=kind, index=index, raw=raw)


def _root(header: ProvenHeader, kind: ListKind, where: Where) -> Hash32:
    if kind is ListKind.TRANSACTIONS:
        return header.transactions_root
    if kind is ListKind.RECEIPTS:
        return header.receipts_root
    if not header.network.family.withdrawals_are_list:
        raise Unsupported(where, "this family keeps a storage root, not a list, under its withdrawals root")
    if header.withdrawals_root is None:
        raise NotThere(where, "a list of withdrawals")
    return header.withdrawals_root


def _item(leaf: bytes, kind: ListKind, where: Where) -> bytes:
    """The leaf, if its first byte may begin an item: between nodes typed items are wrapped in a string, in no trie."""
    first = leaf[0] if leaf else _FIRST_STRING
    if _FIRST_STRING <= first < _FIRST_LIST:
        raise MalformedRlp(where, "an item wrapped in a string, as nodes send it, not as a trie holds it", leaf)
    if kind is ListKind.WITHDRAWALS and first < _FIRST_LIST:
        raise MalformedRlp(where, "a withdrawal that is no list", leaf)
    return leaf
