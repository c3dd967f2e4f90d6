"""Proof nodes in the order in which contracts read them: from the root down, those of one path after another.

A bundle holds each node once and in no order. Contracts walk a list, so the path is walked here over proven values and
written down; a list made so is complete and holds nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from verifier.crypto.keccak import keccak256
from verifier.errors import BadInput, MissingNode
from verifier.primitives import Hash32
from verifier.proven import ProvenAccount, ProvenHeader, ProvenWord
from verifier.state.ethereum import asked_slot, verify_account, verify_word
from verifier.state.tree import state_root
from verifier.trie.table import NodeTable
from verifier.trie.walk import EMPTY_ROOT, walk_found


@dataclass(frozen=True, slots=True)
class AccountPath:
    """One account under a header with some of its words, and for each the nodes from its root down."""

    header: ProvenHeader
    account: ProvenAccount
    account_nodes: tuple[bytes, ...]
    words: tuple[ProvenWord, ...]
    word_nodes: tuple[tuple[bytes, ...], ...]


def account_path(account: ProvenAccount, words: Iterable[ProvenWord], nodes: Iterable[bytes]) -> AccountPath:
    """
    The paths of a proven account and of words in it, out of a set of nodes.

    Args:
        words: All of this account.
        nodes: Untrusted; a bundle's, or an eth_getProof reply's. What is not on a path is left out.

    Raises:
        BadInput: A root without a header, a word of another account, or words that the nodes do not lead to.
        MissingNode: The nodes do not hold a path.
    """
    header, listed = account.rests_on.rests_on, tuple(words)
    if not isinstance(header, ProvenHeader):
        raise BadInput(
            "account", "one whose state root stands in a header, since that is what a contract hashes", header
        )
    table = NodeTable.from_hashed({keccak256(node): node for node in nodes}.items())
    again = verify_account(state_root(header), account.address, table, set())
    if again != account:
        raise BadInput("account", "one that these nodes prove under its header", account.address)
    for word in listed:
        if word.rests_on != account or verify_word(account, word.slot, table, set()) != word:
            raise BadInput("word", "one that these nodes prove in the account", word.slot)
    return AccountPath(
        header=header,
        account=account,
        account_nodes=_path(header.state_root, keccak256(account.address), table, account),
        words=listed,
        word_nodes=tuple(
            _path(account.storage_root, keccak256(asked_slot(header.network, word.slot)), table, account)
            for word in listed
        ),
    )


def _path(root: Hash32, key: bytes, table: NodeTable, account: ProvenAccount) -> tuple[bytes, ...]:
    if root == EMPTY_ROOT:
        return ()
    found: list[bytes] = []
    for reference in walk_found(root, key, table, account.where).used:
        node = table.get(reference)
        if node is None:
            raise MissingNode(account.where, reference, "")
        found.append(node)
    return tuple(found)
