"""Proven state under one root, read place by place: each account is walked once, and each node that was used noted."""

from __future__ import annotations

from verifier.primitives import Address, Hash32, SlotKey
from verifier.proven import ProvenAccount, ProvenRoot, ProvenWord
from verifier.state.ethereum import verify_account, verify_word
from verifier.trie.table import NodeTable


class StateReader:
    """Reads accounts and words under one proven root, out of one table of untrusted nodes.

    Attributes:
        used: Gets the hashes of the nodes that were followed.
    """

    __slots__ = ("_accounts", "_nodes", "_words", "root", "used")

    def __init__(self, root: ProvenRoot, nodes: NodeTable, used: set[Hash32]) -> None:
        self.root, self._nodes, self.used = root, nodes, used
        self._accounts: dict[Address, ProvenAccount] = {}
        self._words: dict[tuple[Address, SlotKey], ProvenWord] = {}

    def account(self, address: Address) -> ProvenAccount:
        """The account, proven present or absent. Raises as `verify_account`."""
        found = self._accounts.get(address)
        if found is None:
            found = verify_account(self.root, address, self._nodes, self.used)
            self._accounts[address] = found
        return found

    def word(self, address: Address, slot: SlotKey) -> ProvenWord:
        """The word at one slot of an account. Raises as `verify_account` and `verify_word`."""
        found = self._words.get((address, slot))
        if found is None:
            found = verify_word(self.account(address), slot, self._nodes, self.used)
            self._words[address, slot] = found
        return found

    def number(self, address: Address, slot: SlotKey) -> int:
        """The word as an unsigned integer."""
        return int.from_bytes(self.word(address, slot).word, "big")

    @property
    def read(self) -> tuple[ProvenAccount | ProvenWord, ...]:
        """Every account and word that was proven so far."""
        return (*self._accounts.values(), *self._words.values())
