"""The state that a machine reads and writes: proven values below, what the call itself wrote on top, with an undo log.

It stands in for the specification's module `state`, function for function. What the call did not write comes from a
view that proves each account, word and code at the moment it is read; where the evidence does not prove it, the view
raises and the run ends. So nothing is ever zero because nobody proved it.

Source: ethereum/execution-specs, src/ethereum/forks/<fork>/state.py, whose functions these have the meaning of.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Protocol

from verifier.errors import Unsupported
from verifier.primitives import Address, SlotKey
from verifier.proven import ProvenAccount
from verifier.state.ethereum import EMPTY_CODE
from verifier.trie.walk import EMPTY_ROOT

Number = Any
"""An integer of the package, `Uint` or `U256`; it mixes with no other type, so it is made by the package's classes."""


class HasWord(Protocol):
    """A word that was read."""

    @property
    def word(self) -> bytes:
        """Its 32 bytes."""
        ...


class View(Protocol):
    """Proven state under one root, and code by its hash. Each read raises where the evidence does not prove it."""

    def account(self, address: Address) -> ProvenAccount:
        """The account, proven present or absent."""
        ...

    def word(self, account: ProvenAccount, slot: SlotKey) -> HasWord:
        """The word at one of its slots."""
        ...

    def code(self, account: ProvenAccount) -> bytes:
        """The code that has the account's code hash."""
        ...


@dataclass(frozen=True, slots=True)
class Numbers:
    """The package's number and address classes, and its empty account."""

    uint: Callable[[int], Number]
    u256: Callable[[int], Number]
    address: Callable[[bytes], Any]
    empty: object


class Account:
    """An account as the machine sees it. Its code is looked up when it is asked for: a balance needs no code."""

    __slots__ = ("_code", "_proven", "_view", "balance", "nonce")

    def __init__(
        self, nonce: Number, balance: Number, code: bytes | None, proven: ProvenAccount | None, view: View | None
    ) -> None:
        self.nonce, self.balance = nonce, balance
        self._code, self._proven, self._view = code, proven, view

    @property
    def code(self) -> bytes:
        """Its code; raises where the evidence does not hold it."""
        if self._code is None:
            if self._proven is None or self._view is None:
                return b""
            self._code = self._view.code(self._proven)
        return self._code

    @property
    def has_code(self) -> bool:
        """Whether it has any, which its proven hash alone says."""
        if self._code is None and self._proven is not None:
            return self._proven.code_hash != EMPTY_CODE
        return bool(self._code)

    @property
    def is_empty(self) -> bool:
        """No nonce, no balance, no code (EIP-161)."""
        return int(self.nonce) == 0 and int(self.balance) == 0 and not self.has_code

    def __eq__(self, other: object) -> bool:
        """The package compares with its empty account only."""
        return self.is_empty if not isinstance(other, Account) else self is other

    __hash__ = object.__hash__

    def replaced(self, *, nonce: Number = None, balance: Number = None, code: bytes | None = None) -> Account:
        """The account with some fields written."""
        return Account(
            self.nonce if nonce is None else nonce,
            self.balance if balance is None else balance,
            self._code if code is None else code,
            self._proven if code is None else None,
            self._view if code is None else None,
        )


class State:
    """What one call sees: the view, and the call's own writes over it."""

    __slots__ = ("accounts", "created_accounts", "fresh", "log", "marks", "numbers", "sender", "view", "words")

    def __init__(self, view: View, numbers: Numbers, sender: bytes | None = None) -> None:
        self.view, self.numbers, self.sender = view, numbers, sender
        self.accounts: dict[bytes, Account | None] = {}
        self.words: dict[tuple[bytes, bytes], Number] = {}
        self.fresh: set[bytes] = set()
        """Accounts whose proven storage no longer counts: made anew, or destroyed."""
        self.created_accounts: set[bytes] = set()
        """Made by this call; the machine looks here itself (EIP-6780)."""
        self.log: list[Callable[[], object]] = []
        self.marks: list[int] = []

    def account(self, address: bytes) -> Account | None:
        """The account as it stands, or None where there is none."""
        if address not in self.accounts:
            proven = self.view.account(Address(bytes(address)))
            is_sender = address == self.sender
            self.accounts[address] = self._seen(proven, int(is_sender)) if proven.exists or is_sender else None
        return self.accounts[address]

    def _seen(self, proven: ProvenAccount, sent: int) -> Account:
        """The proven account; the sender's has its nonce already counted up, as in a transaction."""
        if proven.balance is None:
            raise Unsupported(proven.where, "on this family no single leaf field is the native balance")
        uint, u256 = self.numbers.uint, self.numbers.u256
        return Account(uint(proven.nonce + sent), u256(int(proven.balance)), None, proven, self.view)

    def write(self, address: bytes, account: Account | None) -> None:
        """Set an account; an existing one that became empty is no account (EIP-161)."""
        before = self.account(address)
        self.log.append(lambda: self.accounts.__setitem__(address, before))
        self.accounts[address] = account

    def word(self, address: bytes, key: bytes) -> Number:
        """The word at a slot as it stands."""
        written = self.words.get((address, key))
        return self.proven_word(address, key) if written is None else written

    def proven_word(self, address: bytes, key: bytes) -> Number:
        """The word at a slot as it was before the call."""
        if address in self.fresh:
            return self.numbers.u256(0)
        account = self.view.account(Address(bytes(address)))
        return self.numbers.u256(int.from_bytes(self.view.word(account, SlotKey(bytes(key))).word, "big"))

    def write_word(self, address: bytes, key: bytes, value: Number) -> None:
        """Set a word."""
        place, before = (address, key), self.words.get((address, key))
        undo = (lambda: self.words.pop(place)) if before is None else (lambda: self.words.__setitem__(place, before))
        self.log.append(undo)
        self.words[place] = value


class TransientStorage:
    """Words that live as long as the call (EIP-1153)."""

    __slots__ = ("log", "marks", "words", "zero")

    def __init__(self, zero: Number) -> None:
        self.words: dict[tuple[bytes, bytes], Number] = {}
        self.zero = zero
        self.log: list[tuple[tuple[bytes, bytes], Number]] = []
        self.marks: list[int] = []


# --- the specification's functions -----------------------------------------------------------------------


def begin_transaction(state: State, transient: TransientStorage | None = None) -> None:
    """Remember where a frame began."""
    state.marks.append(len(state.log))
    if transient is not None:
        transient.marks.append(len(transient.log))


def commit_transaction(state: State, transient: TransientStorage | None = None) -> None:
    """Keep what the frame wrote."""
    state.marks.pop()
    if transient is not None:
        transient.marks.pop()


def rollback_transaction(state: State, transient: TransientStorage | None = None) -> None:
    """Undo what the frame wrote, last first."""
    mark = state.marks.pop()
    while len(state.log) > mark:
        state.log.pop()()
    if transient is not None:
        mark = transient.marks.pop()
        while len(transient.log) > mark:
            place, before = transient.log.pop()
            transient.words[place] = before


def get_account(state: State, address: bytes) -> Account:
    """The account, or an empty one."""
    found = state.account(address)
    return found if found is not None else Account(state.numbers.uint(0), state.numbers.u256(0), b"", None, None)


def account_exists(state: State, address: bytes) -> bool:
    """Whether there is an account."""
    return state.account(address) is not None


def is_account_alive(state: State, address: bytes) -> bool:
    """Whether there is an account that is not empty."""
    found = state.account(address)
    return found is not None and not found.is_empty


def account_exists_and_is_empty(state: State, address: bytes) -> bool:
    """Whether there is an account, and it is empty."""
    found = state.account(address)
    return found is not None and found.is_empty


def touch_account(state: State, address: bytes) -> None:
    """Make an empty account where there is none."""
    if state.account(address) is None:
        state.write(address, get_account(state, address))


def account_has_code_or_nonce(state: State, address: bytes) -> bool:
    """Whether a contract may not be created there."""
    account = get_account(state, address)
    return int(account.nonce) != 0 or account.has_code


def account_has_storage(state: State, address: bytes) -> bool:
    """Whether some word there is not zero (EIP-7610)."""
    if any(place[0] == address and int(value) for place, value in state.words.items()):
        return True
    if address in state.fresh:
        return False
    return state.view.account(Address(bytes(address))).storage_root != EMPTY_ROOT


def destroy_storage(state: State, address: bytes) -> None:
    """Forget every word of an account."""
    for place in [place for place in state.words if place[0] == address]:
        state.write_word(*place, state.numbers.u256(0))
    if address not in state.fresh:
        state.fresh.add(address)
        state.log.append(lambda: state.fresh.discard(address))


def destroy_account(state: State, address: bytes) -> None:
    """Remove an account with its storage."""
    destroy_storage(state, address)
    state.write(address, None)


def mark_account_created(state: State, address: bytes) -> None:
    """Note that an account was created by this call; not undone, as in the specification."""
    state.created_accounts.add(address)


def _modify(state: State, address: bytes, account: Account) -> None:
    if account.is_empty:
        destroy_account(state, address)
    else:
        state.write(address, account)


def increment_nonce(state: State, address: bytes) -> None:
    """Count one more."""
    account = get_account(state, address)
    _modify(state, address, account.replaced(nonce=account.nonce + state.numbers.uint(1)))


def set_code(state: State, address: bytes, code: bytes) -> None:
    """Give an account code."""
    _modify(state, address, get_account(state, address).replaced(code=code))


def set_account_balance(state: State, address: bytes, amount: Number) -> None:
    """Give an account a balance."""
    _modify(state, address, get_account(state, address).replaced(balance=amount))


def move_ether(state: State, sender: bytes, recipient: bytes, amount: Number) -> None:
    """Move coins; the machine has seen before that there are enough."""
    giver = get_account(state, sender)
    _modify(state, sender, giver.replaced(balance=giver.balance - amount))
    taker = get_account(state, recipient)
    _modify(state, recipient, taker.replaced(balance=taker.balance + amount))


def get_storage(state: State, address: bytes, key: bytes) -> Number:
    """The word as it stands."""
    return state.word(address, key)


def get_storage_original(state: State, address: bytes, key: bytes) -> Number:
    """The word before the call; zero in an account that the call created."""
    return state.numbers.u256(0) if address in state.created_accounts else state.proven_word(address, key)


def set_storage(state: State, address: bytes, key: bytes, value: Number) -> None:
    """Write a word."""
    state.write_word(address, key, value)


def get_transient_storage(transient: TransientStorage, address: bytes, key: bytes) -> Number:
    """A transient word; zero where none was written."""
    return transient.words.get((address, key), transient.zero)


def set_transient_storage(transient: TransientStorage, address: bytes, key: bytes, value: Number) -> None:
    """Write a transient word."""
    place = (address, key)
    transient.log.append((place, transient.words.get(place, transient.zero)))
    transient.words[place] = value


_FUNCTIONS = (
    begin_transaction, commit_transaction, rollback_transaction, get_account, account_exists, is_account_alive,
    account_exists_and_is_empty, touch_account, account_has_code_or_nonce, account_has_storage, destroy_storage,
    destroy_account, mark_account_created, increment_nonce, set_code, set_account_balance, move_ether, get_storage,
    get_storage_original, set_storage, get_transient_storage, set_transient_storage,
)  # fmt: skip


def module(name: str) -> ModuleType:
    """These functions as a module of the given name, for the package to import in place of its own."""
    made = ModuleType(name)
    for part in (*_FUNCTIONS, State, TransientStorage):
        setattr(made, part.__name__, part)
    return made
