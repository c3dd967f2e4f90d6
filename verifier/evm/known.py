"""What is known of the state under one header so far, shared by all tasks, and what they found missing."""

from __future__ import annotations

from dataclasses import dataclass, field

from verifier.calls import Call
from verifier.flow import Unanswered
from verifier.primitives import Address, Hash32, SlotKey
from verifier.proven import ProvenAccount, ProvenWord
from verifier.state.asking import Proofs
from verifier.state.ethereum import EMPTY_CODE, verify_word
from verifier.trie.table import NodeTable
from verifier.trie.walk import EMPTY_ROOT


class Wanting(Exception):
    """A run read something that is not proven yet; what, has been noted."""


class WantingWord(Wanting):
    """It was a word, and not an account: a look ahead may go on beyond it."""


@dataclass(slots=True)
class Wanted:
    """What the runs of one round found missing."""

    hints: dict[Call, None] = field(default_factory=dict)
    slots: dict[Address, dict[SlotKey, None]] = field(default_factory=dict)
    codes: dict[Address, None] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.hints or self.slots or self.codes)


class Known:
    """What all tasks under one header share: proofs, code, hints, and what is wanted next."""

    __slots__ = ("codes", "header", "hinted", "hints", "proofs", "silent_codes", "wanted")

    def __init__(self, proofs: Proofs, *, hints: bool) -> None:
        self.proofs, self.header, self.hints = proofs, proofs.header, hints
        self.codes: dict[Hash32, bytes] = {}
        self.hinted: set[Call] = set()
        self.silent_codes: dict[Address, Unanswered] = {}
        self.wanted = Wanted()

    def account(self, address: Address) -> ProvenAccount:
        """The account; else it is noted as wanted, with its code."""
        found = self.proofs.accounts.get(address)
        if found is not None:
            return found
        if (address, None) in self.proofs.failed:
            raise self.proofs.failed[address, None]
        self.wanted.slots.setdefault(address, {})
        self.wanted.codes[address] = None
        raise Wanting

    def word(self, account: ProvenAccount, slot: SlotKey) -> ProvenWord:
        """The word; else it is noted as wanted."""
        place = (account.address, slot)
        found = self.proofs.words.get(place)
        if found is not None:
            return found
        if not account.exists or account.storage_root == EMPTY_ROOT:
            return verify_word(account, slot, NodeTable.from_hashed(()), set())
        if place in self.proofs.failed:
            raise self.proofs.failed[place]
        self.wanted.slots.setdefault(account.address, {})[slot] = None
        raise WantingWord

    def want_code(self, account: ProvenAccount) -> None:
        """Note that the code of a proven account is wanted."""
        if account.address in self.silent_codes:
            raise self.silent_codes[account.address]
        self.wanted.codes[account.address] = None

    def lacks_code(self, account: ProvenAccount) -> bool:
        """Whether an account has code that is not at hand."""
        return account.exists and account.code_hash != EMPTY_CODE and account.code_hash not in self.codes


__all__ = ["Known", "Wanted", "Wanting", "WantingWord"]
