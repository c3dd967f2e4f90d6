"""Single proofs for relayers: one account, slot, transaction, receipt or event under one header, offline.

Each function takes something proven and untrusted nodes, and returns what is now proven. All nodes must be used: a
proof has one form. `verify_header` is where trust enters; everything else rests on what it returned. For whole
accounts over several networks, with policy and one moment, there is `verify_bundle`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from verifier.codec.storage_layout import Decoded, StorageLayout, decode, resolve
from verifier.consensus.weaker import verify_anchor
from verifier.crypto.keccak import keccak256
from verifier.errors import NotThere, UnusedEvidence, Where, WrongBinding
from verifier.headers.ancestry import verify_parent
from verifier.network import Network
from verifier.primitives import Address, Hash32, SlotKey, Word, to_hex
from verifier.proven import ListKind, ProvenAccount, ProvenHeader, ProvenItem, ProvenWord
from verifier.state.ethereum import EMPTY_CODE, verify_account, verify_word
from verifier.state.lists import verify_item
from verifier.state.receipts import ProvenLog, verify_log
from verifier.state.tree import state_root
from verifier.trie.table import NodeTable
from verifier.trust import TrustRoot

P = TypeVar("P")


def verify_header(rlp: bytes, network: Network, roots: Sequence[TrustRoot]) -> ProvenHeader:
    """
    Establish a header that one of your trust roots names. How far it is believed stands in its `trust`.

    Args:
        rlp: Untrusted.
        roots: Yours; never out of a message.

    Raises:
        NoTrustRoot: None of them names its hash.
        Malformed, Unsupported: Not a header of the network's family, or one whose state cannot be proven here.
    """
    return verify_anchor(rlp, network, roots, Where(network=network.name))


def verify_parents(newest: ProvenHeader, older: Sequence[bytes]) -> tuple[ProvenHeader, ...]:
    """
    Establish the headers before a proven one, newest first, each the parent of the one before; `newest` leads them.

    Raises:
        WrongHash, BrokenAncestry, Malformed: One of them is not the parent that the header after it names.
    """
    found = [newest]
    for rlp in older:
        found.append(verify_parent(found[-1], rlp))
    return tuple(found)


def verify_account_proof(header: ProvenHeader, address: Address, nodes: Iterable[bytes]) -> ProvenAccount:
    """
    Establish what an account holds in the state of a proven header, or that there is none (`exists` is then False).

    Args:
        address: Yours, from the question.
        nodes: Untrusted, each once, in any order: `accountProof` of eth_getProof.

    Raises:
        MissingNode: The nodes end before the answer.
        UnusedEvidence: Some node is not on the way.
        Malformed, Unsupported: A node that no honest trie holds, or a family whose state is another tree.
    """
    return _all_used(
        nodes,
        header.where.at(address=address),
        lambda table, used: verify_account(state_root(header), address, table, used),
    )


def verify_storage_proof(
    account: ProvenAccount, slots: Sequence[SlotKey], nodes: Iterable[bytes]
) -> tuple[ProvenWord, ...]:
    """
    Establish the words at some slots of a proven account, in order; a slot without a value reads as zero.

    Args:
        nodes: Untrusted, each once: those of all `storageProof` entries together.

    Raises:
        As `verify_account_proof`.
    """
    return _all_used(
        nodes, account.where, lambda table, used: tuple(verify_word(account, slot, table, used) for slot in slots)
    )


@dataclass(frozen=True, slots=True)
class TypedValue:
    """What stands at a path of a contract's source, and the words that say so."""

    path: str
    value: Decoded
    words: tuple[ProvenWord, ...]


def verify_typed_storage(
    account: ProvenAccount, layout: StorageLayout, path: str, nodes: Iterable[bytes]
) -> TypedValue:
    """
    Establish a value at a path as the source writes it, such as `positions[0xabc…][3].size`, by a compiler's layout.

    Args:
        layout: Yours, by `parse_layout` from solc's `storageLayout` or Vyper's layout: it must be this code's.
        path: Yours. A growing array's index must be below its proven length.
        nodes: Untrusted, each once: those of all words that the value needs.

    Raises:
        BadInput: The path is not of the layout, or ends at something that has no value.
        NotThere: The account has no code, or an array on the way is shorter.
        MalformedWord: The words are not what the type can hold, so the layout is not that of this contract.
        MissingNode, UnusedEvidence, Malformed: As `verify_account_proof`.
    """
    place = resolve(layout, path)
    if not account.exists or account.code_hash == EMPTY_CODE:
        raise NotThere(account.where, "the contract's code")

    def prove(table: NodeTable, used: set[Hash32]) -> TypedValue:
        words: dict[SlotKey, ProvenWord] = {}

        def read(slot: SlotKey) -> Word:
            if slot not in words:
                words[slot] = verify_word(account, slot, table, used)
            return words[slot].word

        value = decode(layout, place, read, account.where)
        return TypedValue(path, value, tuple(words.values()))

    return _all_used(nodes, account.where, prove)


def verify_transaction_proof(
    header: ProvenHeader, index: int, nodes: Iterable[bytes], *, tx_hash: Hash32 | None = None
) -> ProvenItem:
    """
    Establish the transaction at an index of a proven block.

    Args:
        index: Yours, in the block, from 0.
        tx_hash: If given, the hash that the transaction must have.

    Raises:
        NotThere: The block has fewer transactions.
        WrongBinding: It is another transaction than the one asked for.
        MissingNode, UnusedEvidence, Malformed: As `verify_account_proof`.
    """
    item = _item(header, ListKind.TRANSACTIONS, index, nodes)
    found = keccak256(item.raw or b"")
    if tx_hash is not None and found != tx_hash:
        raise WrongBinding(header.where.at(node=f"transactions[{index}]"), "the transaction's hash", tx_hash, found)
    return item


def verify_receipt_proof(header: ProvenHeader, index: int, nodes: Iterable[bytes]) -> ProvenItem:
    """
    Establish the receipt of the transaction at an index of a proven block; `verify_transaction_proof` says which it is.

    Raises:
        NotThere: The block has fewer transactions.
        MissingNode, UnusedEvidence, Malformed: As `verify_account_proof`.
    """
    return _item(header, ListKind.RECEIPTS, index, nodes)


def verify_event_proof(
    header: ProvenHeader, index: int, log_index: int, emitter: Address, topic0: Hash32, nodes: Iterable[bytes]
) -> ProvenLog:
    """
    Establish one event under a proven header. Its `identity` is what a relayer counts uses by.

    Args:
        index: Of the transaction in the block.
        log_index: Of the event in its receipt, from 0; not the block-wide number that nodes give.
        emitter, topic0: Yours: the contract and the event's signature hash.

    Raises:
        WrongBinding: No event there, or another contract's, or another event.
        NotThere: No such receipt, or its transaction failed.
        MissingNode, UnusedEvidence, Malformed, Unsupported: As `verify_account_proof`.
    """
    return verify_log(verify_receipt_proof(header, index, nodes), log_index, emitter, topic0)


def _item(header: ProvenHeader, kind: ListKind, index: int, nodes: Iterable[bytes]) -> ProvenItem:
    where = header.where.at(node=f"{kind.value}[{index}]")
    item = _all_used(nodes, where, lambda table, used: verify_item(header, kind, index, table, used))
    if item.raw is None:
        raise NotThere(where, "the item")
    return item


def _all_used(nodes: Iterable[bytes], where: Where, prove: Callable[[NodeTable, set[Hash32]], P]) -> P:
    """What a proof establishes, once every node that came with it was followed."""
    table, used = NodeTable.build(nodes, where=where), set[Hash32]()
    found = prove(table, used)
    extra = table.hashes() - used
    if extra:
        raise UnusedEvidence(where, "trie nodes", len(extra), to_hex(min(extra)))
    return found
