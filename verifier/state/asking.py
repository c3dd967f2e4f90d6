"""Asking for proofs under one header, and keeping what honest answers proved: accounts, words, and the nodes used."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from verifier.crypto.keccak import keccak256
from verifier.flow import AskProof, Flow, Unanswered, ask_all
from verifier.primitives import Address, Hash32, SlotKey
from verifier.proven import ProvenAccount, ProvenHeader, ProvenWord
from verifier.state.ethereum import asked_slot, verify_account, verify_word
from verifier.state.tree import state_root
from verifier.trie.table import NodeTable

Place = tuple[Address, SlotKey | None]
"""An account (None), or one slot of it."""


class Proofs:
    """What honest answers proved: for each account and slot the value and the nodes its proof used, or why none is."""

    __slots__ = ("accounts", "failed", "header", "nodes", "words")

    def __init__(self, header: ProvenHeader) -> None:
        self.header = header
        self.nodes: dict[Place, frozenset[bytes]] = {}
        self.failed: dict[Place, Unanswered] = {}
        self.accounts: dict[Address, ProvenAccount] = {}
        self.words: dict[tuple[Address, SlotKey], ProvenWord] = {}

    def question(self, address: Address, slots: tuple[SlotKey, ...]) -> AskProof:
        """One question, whose judge proves the account and each slot, and keeps what the proofs used."""
        header = self.header

        def judge(answer: tuple[bytes, ...]) -> None:
            by_hash = {keccak256(node): node for node in answer}
            table, used, found = NodeTable.from_hashed(by_hash.items()), set[Hash32](), dict[Place, frozenset[bytes]]()
            account = verify_account(state_root(header), address, table, used)
            found[address, None] = frozenset(by_hash[h] for h in used)
            words = dict[tuple[Address, SlotKey], ProvenWord]()
            for slot in slots:
                used = set()
                words[address, slot] = verify_word(account, slot, table, used)
                found[address, slot] = frozenset(by_hash[h] for h in used)
            self.nodes.update(found)
            self.accounts.setdefault(address, account)
            self.words.update(words)

        return AskProof(
            chain_id=header.network.chain_id,
            address=address,
            slots=tuple(asked_slot(header.network, slot) for slot in slots),
            block_hash=header.hash,
            number=header.number,
            judge=judge,
        )

    def failure(self, places: Iterable[Place]) -> Unanswered | None:
        """Why some of the places is not proven, if one is not."""
        return next((self.failed[place] for place in places if place not in self.nodes), None)

    def ask(self, wanted: Sequence[tuple[Address, tuple[SlotKey, ...]]]) -> Flow[None]:
        """One question for each address with all its slots. Where every endpoint's answer to that was refused, its
        slots are asked for one by one, so that one bad word does not take its neighbours along.
        """
        lied = yield from self._ask_once(wanted)
        single = [(address, (slot,)) for address, keys in lied if len(keys) > 1 for slot in keys]
        yield from self._ask_once(single)

    def _ask_once(
        self, wanted: Sequence[tuple[Address, tuple[SlotKey, ...]]]
    ) -> Flow[list[tuple[Address, tuple[SlotKey, ...]]]]:
        """Ask for all of them at once; what comes back are those whose answers were refused."""
        answers = yield from ask_all([self.question(address, slots) for address, slots in wanted])
        lied: list[tuple[Address, tuple[SlotKey, ...]]] = []
        for (address, slots), answer in zip(wanted, answers, strict=True):
            if isinstance(answer, Unanswered):
                self.failed.update({(address, place): answer for place in (None, *slots)})
                if answer.lied:
                    lied.append((address, slots))
        return lied
