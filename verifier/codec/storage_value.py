"""What stands at a place in storage: reads words through a function that is handed in, and decodes them.

`decode` is the only reader: with a function over proven words it establishes a value, with one that notes what it is
asked for (`wanted`) it plans which words to prove. A text longer than a word is known to be so only when its first
word is, so a plan may take a second round.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final, Union

from verifier.codec.abi import field
from verifier.codec.storage_path import Place, item_place
from verifier.codec.storage_types import (
    DynamicArray,
    Family,
    FixedArray,
    MappingType,
    StorageLayout,
    Struct,
    Text,
    Value,
)
from verifier.crypto.keccak import keccak256
from verifier.errors import BadInput, LimitExceeded, MalformedWord, NotThere, VerifierError, Where
from verifier.primitives import MAX_UINT256, ZERO_WORD, SlotKey, Word, slot_key

Decoded = Union[int, bool, str, bytes, tuple["Decoded", ...], Mapping[str, "Decoded"]]
Read = Callable[[SlotKey], Word]

MOST_WORDS: Final = 1_024
"""Words of one value: a text of 32 kB, or a struct or array that is better asked for in parts."""
DEEPEST: Final = 16


def decode(layout: StorageLayout, place: Place, read: Read, where: Where) -> Decoded:
    """
    The value at a place.

    Integers and enumerations are numbers (a Vyper decimal in units of 10^-10); addresses and `bytesN` are bytes;
    structs are maps and arrays of fixed length are tuples.

    Args:
        read: Gives the word at a slot, proven or recorded.

    Raises:
        NotThere: The path indexes a dynamic array at or beyond its length.
        MalformedWord: The words are not what the type can hold, so the layout is not that of this contract.
        BadInput: The path ends at a mapping or a dynamic array.
        LimitExceeded: The value takes more words than are read at once.
    """
    for bound in place.bounds:
        length = int.from_bytes(read(slot_key(bound.slot)), "big")
        if bound.index >= length:
            raise NotThere(where.at(slot=slot_key(bound.slot)), f"item {bound.index} of an array of {length}")
    counted = _Counted(read)
    return _length(layout, place, counted, where) if place.length else _any(layout, place, counted, where, 0)


def wanted(layout: StorageLayout, place: Place, known: Mapping[SlotKey, Word]) -> tuple[SlotKey, ...]:
    """The words that decoding asks for and that are not known yet; none once all are."""
    missing: dict[SlotKey, None] = {}

    def read(slot: SlotKey) -> Word:
        if slot not in known:
            missing[slot] = None
        return known.get(slot, ZERO_WORD)

    for bound in place.bounds:
        read(slot_key(bound.slot))
    try:
        decode(layout, replace(place, bounds=()), read, Where())
    except LimitExceeded:
        raise
    except VerifierError:
        # With words still missing nothing was decoded yet; once all are there, the one who decodes them raises.
        if not missing and not known:
            raise
    return tuple(missing)


class _Counted:
    """Reads words, and no more than a value may have."""

    def __init__(self, read: Read) -> None:
        self.read, self.count = read, 0

    def __call__(self, slot: int) -> Word:
        self.count += 1
        if self.count > MOST_WORDS:
            raise LimitExceeded("words of one storage value", MOST_WORDS, self.count)
        return self.read(slot_key(slot & MAX_UINT256))


def _length(layout: StorageLayout, place: Place, read: _Counted, where: Where) -> int:
    kind, word = layout.type(place.type), read(place.slot)
    if isinstance(kind, Text) and kind.capacity is None:
        return _head(word, where.at(slot=slot_key(place.slot)))[0]
    return int.from_bytes(word, "big")


def _any(layout: StorageLayout, place: Place, read: _Counted, where: Where, depth: int) -> Decoded:
    if depth > DEEPEST:
        raise LimitExceeded("structs and arrays within one another", DEEPEST, depth)
    kind = layout.type(place.type)
    match kind:
        case Value():
            return _value(place.cast or kind, read(place.slot), place.offset, where.at(slot=slot_key(place.slot)))
        case Text():
            return _text(kind, place.slot, read, where.at(slot=slot_key(place.slot)))
        case Struct(members):
            inside = ((m.name, Place((place.slot + m.slot) & MAX_UINT256, m.offset, m.type)) for m in members)
            # A mapping or a growing array inside a struct has no value of its own to show.
            shown = ((name, at) for name, at in inside if not _without_value(layout, at.type))
            return {name: _any(layout, at, read, where, depth + 1) for name, at in shown}
        case FixedArray(item, length):
            if length > MOST_WORDS * 32:
                raise LimitExceeded("items of one storage value", MOST_WORDS * 32, length)
            places = (Place(*item_place(layout, item, place.slot, i), item) for i in range(length))
            return tuple(_any(layout, at, read, where, depth + 1) for at in places)
    raise BadInput("storage path", "a [key] after a mapping, a [key] or .length after an array", place.type)


def _without_value(layout: StorageLayout, name: str) -> bool:
    return isinstance(layout.type(name), MappingType | DynamicArray)


def _value(kind: Value, word: Word, offset: int, where: Where) -> Decoded:
    if kind.whole:
        word, offset = _whole(kind, word, where), 0
    bits = field(word, 8 * offset, 8 * kind.width, signed=kind.family is Family.INT)
    match kind.family:
        case Family.BOOL:
            if bits > 1:
                raise MalformedWord(where, "a bool is 0 or 1", bits)
            return bool(bits)
        case Family.ADDRESS | Family.BYTES:
            return bits.to_bytes(kind.width, "big")
        case Family.OPAQUE:
            raise BadInput("storage path", "'as' and a type: the layout does not say what this value is", kind.width)
    return bits


def _whole(kind: Value, word: Word, where: Where) -> Word:
    """The word with its value at the low end, where the rest of it is what the type says it must be."""
    if kind.family is Family.BYTES:
        head, rest = word[: kind.width], word[kind.width :]
        if any(rest):
            raise MalformedWord(where, f"zeros after a bytes{kind.width} are due", bytes(word))
        return Word(head.rjust(32, b"\0"))
    value = int.from_bytes(word, "big", signed=kind.family is Family.INT)
    half = 1 << (8 * kind.width - 1)
    if not (-half <= value < half if kind.family is Family.INT else value < 2 * half):
        raise MalformedWord(where, f"a value of {kind.width} bytes is due", bytes(word))
    return word


def _head(word: Word, where: Where) -> tuple[int, bool]:
    """Length of a Solidity text and whether it stands in this very word; the forms that Solidity itself refuses are
    refused.
    """
    value = int.from_bytes(word, "big")
    if value & 1:
        length = value >> 1
        if length < 32:
            raise MalformedWord(where, "a text of less than 32 bytes stands in its own word", bytes(word))
        return length, False
    length = (value & 0xFF) >> 1
    if length > 31 or any(word[length:31]):
        raise MalformedWord(where, "a text of at most 31 bytes, and zeros after it, are due", bytes(word))
    return length, True


def _text(kind: Text, slot: int, read: _Counted, where: Where) -> str | bytes:
    word = read(slot)
    if kind.capacity is None:
        length, short = _head(word, where)
        data = bytes(word[:length]) if short else _run(_hash(slot), length, read)
    else:
        length = int.from_bytes(word, "big")
        if length > kind.capacity:
            raise MalformedWord(where, f"a text of at most {kind.capacity} bytes is due", length)
        data = _run(slot + 1, length, read)
    if not kind.is_string:
        return data
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise MalformedWord(where, "UTF-8 is due in a string", data) from error


def _run(start: int, length: int, read: _Counted) -> bytes:
    if length > 32 * MOST_WORDS:
        raise LimitExceeded("bytes of one storage value", 32 * MOST_WORDS, min(length, MAX_UINT256))
    data = b"".join(read(start + i) for i in range(-(-length // 32)))
    return data[:length]


def _hash(slot: int) -> int:
    return int.from_bytes(keccak256(slot_key(slot)), "big")
