"""Where a token keeps its balances, found from what its own `balanceOf` read, and judged by what it returned.

The call is a proven one: run here over proven words and code, so neither an endpoint nor a reply can plant a layout.
For each holder the words that the call read are the only candidates; a layout must explain, for every holder, which of
them is the balance and which bits of it. Two holders with different balances above zero are the least, or a constant
would do.

What is found is bound to the code that ran, and is a proposal all the same (source `discovered`): a hostile token can
keep balances wherever it likes, so nothing here makes its token worth anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from verifier.assets.call import balance_reading, figure
from verifier.assets.erc20 import IMPLEMENTATION_SLOTS, balance_slot
from verifier.claims import CallReading, CodePin, KeyOrder, ProxyKind, TokenLayout
from verifier.codec.abi import erc7201_slot
from verifier.crypto.keccak import keccak256
from verifier.errors import BadInput, NoLayout
from verifier.primitives import Address, SlotKey, slot_key
from verifier.proven import ProvenAccount, ProvenCall, ProvenWord

PLAIN: Final = 512
"""Bases tried one by one: no token here has had its balances beyond 300."""
NAMED: Final = {
    "ERC-7201 openzeppelin.storage.ERC20": erc7201_slot("openzeppelin.storage.ERC20"),
    "ERC-7201 erc20.storage": erc7201_slot("erc20.storage"),
    "diamond diamond.standard.diamond.storage": SlotKey(keccak256(b"diamond.standard.diamond.storage")),
    "diamond solidstate.contracts.storage.ERC20Base": SlotKey(keccak256(b"solidstate.contracts.storage.ERC20Base")),
}
SOLADY: Final = slot_key(0x87A211A2)
"""The seed of balances in Solady's ERC20."""
WIDTHS: Final = (256, 255, 254, 248, 240, 224, 208, 192, 160, 128, 120, 112, 104, 96)
"""Of packed balances, widest first: what the word holds beyond them belongs to something else."""


@dataclass(frozen=True, slots=True)
class Found:
    """
    A layout with its evidence.

    Attributes:
        where: The base in words, where it is a named one.
        balances: What `balanceOf` returned, by holder; `slots` the slots that the layout reads for them.
        calls: The proven calls that judged it.
        beside: What else of the token the calls read: a proxy's pointer, or flags that a person should look at.
    """

    layout: TokenLayout
    pin: CodePin
    where: str
    balances: Mapping[Address, int]
    slots: Mapping[Address, SlotKey]
    calls: tuple[ProvenCall, ...]
    beside: tuple[SlotKey, ...]


def reading_of(token: Address, holder: Address) -> CallReading:
    """The call that judges: `balanceOf(holder)`."""
    return balance_reading(token, holder)


def find(token: Address, answers: Mapping[Address, ProvenCall]) -> Found:
    """
    The one layout that explains every holder's balance.

    Args:
        answers: The proven `balanceOf` of each holder.

    Raises:
        BadInput: Fewer than two holders with different balances above zero.
        NoLayout: No layout known here explains them all, or more than one does.
        CallFailed, NotUsable: A call returned no balance.
    """
    balances = {who: figure(call, reading_of(token, who), call.where) for who, call in answers.items()}
    if len({balance for balance in balances.values() if balance}) < 2:
        raise BadInput("holders", "at least two with different balances above zero", sorted(balances.values()))
    for call in answers.values():
        elsewhere = [r for r in call.reads if isinstance(r, ProvenWord) and r.rests_on.address != token]
        if elsewhere:
            # Such a balance is computed: at an index of one it would look stored, and be wrong a block later.
            raise NoLayout(elsewhere[0].where, 0, (elsewhere[0].slot,))
    proxy, pin = _code(token, tuple(answers.values()))
    words = {who: _words(token, call) for who, call in answers.items()}
    found = list(_layouts(words, balances, proxy))
    if len(found) != 1:
        some = next(iter(answers.values()))
        raise NoLayout(some.where, len(found), tuple(sorted(next(iter(words.values())))))
    layout, where, slots = found[0]
    beside = {slot for who, read in words.items() for slot in read if slot != slots[who]}
    return Found(layout, pin, where, balances, slots, tuple(answers.values()), tuple(sorted(beside)))


def _words(token: Address, call: ProvenCall) -> dict[SlotKey, int]:
    """The token's own words that the call read."""
    words = (read for read in call.reads if isinstance(read, ProvenWord) and read.rests_on.address == token)
    return {word.slot: int.from_bytes(word.word, "big") for word in words}


def _layouts(
    words: Mapping[Address, Mapping[SlotKey, int]], balances: Mapping[Address, int], proxy: ProxyKind | None
) -> Iterator[tuple[TokenLayout, str, dict[Address, SlotKey]]]:
    for base, order, where in _places():
        slots = {who: balance_slot(TokenLayout(base, order), who) for who in words}
        if not all(slots[who] in words[who] for who in words):
            continue
        held = [(words[who][slots[who]], balances[who]) for who in words]
        width = next((w for w in WIDTHS if all(word & ((1 << w) - 1) == due for word, due in held)), None)
        if width is None:
            continue
        others = 0
        for word, _ in held:
            others |= word >> width << width
        yield TokenLayout(base, order, 0, width, None, others, proxy), where, slots


def _places() -> Iterator[tuple[SlotKey, KeyOrder, str]]:
    yield SOLADY, KeyOrder.SOLADY, "Solady's seed"
    for base, where in _bases():
        yield base, KeyOrder.SOLIDITY, where
        yield base, KeyOrder.VYPER, where


def _bases() -> Iterator[tuple[SlotKey, str]]:
    yield from ((slot_key(i), f"slot {i}") for i in range(PLAIN))
    for name, root in NAMED.items():
        start = int.from_bytes(root, "big")
        yield from ((slot_key((start + i) % 2**256), f"{name} + {i}") for i in range(4))


def _code(token: Address, calls: Sequence[ProvenCall]) -> tuple[ProxyKind | None, CodePin]:
    """The token's code, and behind a known kind of proxy the code that ran for it."""
    accounts = {r.address: r for call in calls for r in call.reads if isinstance(r, ProvenAccount)}
    own = accounts[token].code_hash
    for kind, slot in IMPLEMENTATION_SLOTS.items():
        for call in calls:
            pointer = next((r for r in call.reads if isinstance(r, ProvenWord) and r.slot == slot), None)
            if pointer is None or pointer.rests_on.address != token:
                continue
            target = Address(bytes(pointer.word[12:]))
            if target in call.code_hashes:
                return kind, CodePin(own, target, call.code_hashes[target])
    return None, CodePin(own)
