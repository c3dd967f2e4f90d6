"""What a position's kind gives back, and the small things that several kinds share."""

from __future__ import annotations

from dataclasses import dataclass

from verifier.codec.abi import field, mapping_slot, pad_address, vyper_mapping_slot
from verifier.errors import NotUsable, WrongBinding
from verifier.primitives import Address, SlotKey, slot_key
from verifier.proven import ProvenWord


@dataclass(frozen=True, slots=True)
class Figure:
    """Units, never negative, and the word that they mainly rest on; the rest of what was read stands in the reader."""

    units: int
    word: ProvenWord


def holder_slot(base: int, holder: Address, *, vyper: bool = False) -> SlotKey:
    """The slot of a holder's entry in a mapping by address."""
    hashed = vyper_mapping_slot if vyper else mapping_slot
    return hashed(pad_address(holder), slot_key(base))


def number(word: ProvenWord) -> int:
    """The whole word."""
    return int.from_bytes(word.word, "big")


def low(word: ProvenWord) -> int:
    """Its low half."""
    return field(word.word, 0, 128)


def high(word: ProvenWord) -> int:
    """Its high half."""
    return field(word.word, 128, 128)


def check_address(word: ProvenWord, expected: Address, what: str, *, offset: int = 0) -> None:
    """
    A word that must name an address: it ties what is read here to what is read there.

    Raises:
        WrongBinding: It names another one.
    """
    found = field(word.word, offset, 160).to_bytes(20, "big")
    if found != expected:
        raise WrongBinding(word.where, what, expected, found)


def divide(numerator: int, denominator: int, word: ProvenWord, what: str) -> int:
    """
    A quotient rounded down, as Solidity's.

    Raises:
        NotUsable: The protocol would divide by zero: there is no figure.
    """
    if denominator <= 0:
        raise NotUsable(word.where, f"{what} is zero, so the protocol itself gives no figure")
    return numerator // denominator
