"""Proven state under one header, as claims read it: each account and each call once, every use noted."""

from __future__ import annotations

from collections.abc import Sequence

from verifier.calls import Call, Work
from verifier.claims import AccountRead
from verifier.crypto.keccak import keccak256
from verifier.errors import VerifierError
from verifier.evm.call import CodeTable, verify_call
from verifier.policy import DEFAULT_LIMITS
from verifier.primitives import Address, Hash32, SlotKey, Timestamp
from verifier.proven import ProvenAccount, ProvenCall, ProvenHeader, ProvenWord
from verifier.state.ethereum import verify_account, verify_word
from verifier.state.tree import state_root
from verifier.trie.table import NodeTable


class SectionState:
    """Proven state under one header: each account is walked once, and every node that was used is noted."""

    __slots__ = ("_accounts", "_calls", "_header", "_idle", "_nodes", "_root", "_work", "codes", "updates", "used")

    def __init__(
        self,
        header: ProvenHeader,
        nodes: NodeTable,
        used: set[Hash32],
        codes: CodeTable | None = None,
        steps: int = DEFAULT_LIMITS.call_steps,
        updates: Sequence[bytes] = (),
    ) -> None:
        self._header, self._root, self._nodes, self.used = header, state_root(header), nodes, used
        self._accounts: dict[Address, ProvenAccount] = {}
        self._calls: dict[Call, ProvenCall | VerifierError] = {}
        self._work = Work(steps)
        self.codes = codes if codes is not None else CodeTable()
        self.updates, self._idle = updates, set(updates)

    def account(self, address: Address) -> ProvenAccount:
        """The account, proven present or absent."""
        found = self._accounts.get(address)
        if found is None:
            found = verify_account(self._root, address, self._nodes, self.used)
            self._accounts[address] = found
        return found

    def word(self, account: ProvenAccount, slot: SlotKey) -> ProvenWord:
        """The word at one of its slots."""
        return verify_word(account, slot, self._nodes, self.used)

    @property
    def time(self) -> Timestamp:
        """The block's own time."""
        return self._header.timestamp

    def used_update(self, update: bytes) -> None:
        """Note that a signed update was used."""
        self._idle.discard(update)

    def unused(self) -> tuple[str, list[Hash32]]:
        """What was handed over and no decision used: what kind of thing, and the hashes of all of it."""
        nodes = [found for found in self._nodes.hashes() if found not in self.used]
        updates = [keccak256(update) for update in self._idle]
        kinds = (("trie nodes", nodes), ("contract codes", self.codes.unused()), ("signed updates", updates))
        return next(((what, idle) for what, idle in kinds if idle), ("", []))

    def need(self, reads: Sequence[AccountRead]) -> None:
        """Nothing to prepare: the evidence is at hand, or is missing."""

    def call(self, call: Call) -> ProvenCall:
        """What a contract answers to a call; the same call is run once, and all of them share one bound on work."""
        found = self._calls.get(call)
        if found is None:
            try:
                found = verify_call(self._header, call, self, self.codes, work=self._work)
            except VerifierError as error:
                found = error
            self._calls[call] = found
        if isinstance(found, VerifierError):
            raise found.with_traceback(None)  # kept, it would grow by the frames of everybody who asked
        return found
