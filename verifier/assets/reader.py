"""How a kind reads state: all that it can name at once, in one request, so that rounds of questions are as few as
dependencies.

The same function of a kind plans and decodes. `Planning` knows what was proven so far and raises `Unread` with what
else is wanted; gathering asks for that and runs the function again, until it ends. `Proving` reads evidence and notes
what was used. A kind that reads a proxy, then the contract behind it, then a round, costs three rounds and no more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, Protocol

from verifier.calls import Call
from verifier.claims import AccountRead
from verifier.errors import BadInput, NotThere, Where
from verifier.policy import Signers
from verifier.primitives import Address, SlotKey, Timestamp, slot_key
from verifier.proven import ProvenAccount, ProvenCall, ProvenWord
from verifier.state.ethereum import EMPTY_CODE

Wanted = tuple[Address, Iterable[SlotKey | int]]


class Accounts(Protocol):
    """Proven state under one root."""

    def account(self, address: Address) -> ProvenAccount:
        """The account, proven present or absent."""
        ...

    def word(self, account: ProvenAccount, slot: SlotKey) -> ProvenWord:
        """The word at one of its slots."""
        ...

    def call(self, call: Call) -> ProvenCall:
        """What a contract answers to a call."""
        ...


NO_SIGNERS: Final[Mapping[str, Signers]] = MappingProxyType({})
_NOTHING: Final[Sequence[bytes]] = ()


class Unread(Exception):
    """More must be proven before the kind can go on; no error, and never seen outside of gathering."""

    def __init__(self, reads: tuple[AccountRead, ...]) -> None:
        super().__init__(reads)
        self.reads = reads


class Reader:
    """Reads for one claim.

    Attributes:
        time: The block's own time, which interest is counted up to.
        used: What was read, in order, each once.
        as_of, updates, signers: The moment asked for, what was signed and handed over, and the sets of signers that the
            checker's policy names; nothing but state, where nobody says otherwise.
    """

    def __init__(self, state: Accounts, time: Timestamp, where: Where) -> None:
        self._state, self.time, self.where = state, time, where
        self.as_of, self.updates, self.signers = time, _NOTHING, NO_SIGNERS
        self.used: dict[tuple[Address, SlotKey | None], ProvenAccount | ProvenWord] = {}

    def words(self, *wanted: Wanted) -> list[ProvenWord]:
        """
        Words of contracts, in the order asked for.

        Raises:
            NotThere: One of the accounts is proven to have no code.
            Unread: Some are not proven yet.
        """
        asked = [(address, [slot_key(slot) for slot in slots]) for address, slots in wanted]
        self._ready(asked)
        found = []
        for address, slots in asked:
            account = self.contract(address)
            for slot in slots:
                word = self._state.word(account, slot)
                self.used.setdefault((address, slot), word)
                found.append(word)
        return found

    def numbers(self, *wanted: Wanted) -> list[int]:
        """The same as unsigned integers."""
        return [int.from_bytes(word.word, "big") for word in self.words(*wanted)]

    def contract(self, address: Address) -> ProvenAccount:
        """
        An account that must have code.

        Raises:
            NotThere: It is proven to have none.
        """
        self._ready([(address, [])])
        account = self._state.account(address)
        self.used.setdefault((address, None), account)
        if not account.exists or account.code_hash == EMPTY_CODE:
            raise NotThere(self.where.at(address=address), "the contract's code")
        return account

    def call(self, call: Call) -> ProvenCall:
        """
        What a contract answers to a call. It alone counts as read: what its code looks up is the call's own trail.

        Raises:
            NotThere: It is proven to have no code.
        """
        self.contract(call.to)
        return self._state.call(call)

    def used_update(self, update: bytes) -> None:
        """Note that a signed update was used, for whoever counts them."""

    def _ready(self, asked: list[tuple[Address, list[SlotKey]]]) -> None:
        """Nothing to wait for where evidence is at hand."""


class Planning(Reader):
    """A reader over what has been proven so far."""

    def __init__(
        self,
        accounts: Mapping[Address, ProvenAccount],
        words: Mapping[tuple[Address, SlotKey], ProvenWord],
        time: Timestamp,
        where: Where,
    ) -> None:
        super().__init__(_Known(accounts, words), time, where)
        self._accounts, self._words = accounts, words

    def _ready(self, asked: list[tuple[Address, list[SlotKey]]]) -> None:
        missing = [
            AccountRead(address, tuple(slot for slot in slots if (address, slot) not in self._words))
            for address, slots in asked
            if address not in self._accounts or any((address, slot) not in self._words for slot in slots)
        ]
        if missing:
            raise Unread(tuple(missing))


class _Known:
    def __init__(
        self, accounts: Mapping[Address, ProvenAccount], words: Mapping[tuple[Address, SlotKey], ProvenWord]
    ) -> None:
        self._accounts, self._words = accounts, words

    def account(self, address: Address) -> ProvenAccount:
        return self._accounts[address]

    def word(self, account: ProvenAccount, slot: SlotKey) -> ProvenWord:
        return self._words[account.address, slot]

    def call(self, call: Call) -> ProvenCall:
        raise BadInput("planned reads", "slots and accounts; calls are gathered by running them", call.to)
