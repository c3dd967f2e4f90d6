"""From a path as it stands in the source, `positions[0xabc…][3].size`, to a place in storage. Pure arithmetic.

    path      = [ "erc7201:" id "::" ] variable { "." member | "[" key "]" } [ ".length" ] [ " as " type ]
    variable  = a name, or `Contract.name` where two contracts of one inheritance use it
    key       = a number (decimal or 0x…), an address or bytes (0x…), true, false, or text in double quotes

With a namespace the layout's slots count from the root that ERC-7201 gives it. `as` says what a user-defined value type
is underneath, since solc's layout does not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

from verifier.codec.abi import erc7201_slot
from verifier.codec.storage_types import (
    DynamicArray,
    Family,
    FixedArray,
    MappingType,
    Member,
    StorageLayout,
    Struct,
    Text,
    Value,
)
from verifier.crypto.keccak import keccak256
from verifier.errors import BadInput, LimitExceeded
from verifier.primitives import MAX_UINT256, SlotKey, parse_hex, slot_key

LONGEST: Final = 2_048
_STEP: Final = re.compile(r'\.([A-Za-z_$][\w$]*)|\[("(?:[^"\\]|\\["\\])*"|-?[0-9A-Za-z]+)\]', re.ASCII)
_NAME: Final = re.compile(r"[A-Za-z_$][\w$]*", re.ASCII)
_NAMESPACE: Final = re.compile(r"erc7201:([!-9;-~]{1,256})::")
_DIGITS: Final = re.compile(r"-?(?:0x[0-9a-fA-F]{1,64}|[0-9]{1,78})", re.ASCII)
_CAST: Final = re.compile(r"(.*) as (uint|int|bytes)([1-9][0-9]{0,2})|(.*) as (bool|address)", re.ASCII | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Bound:
    """A dynamic array on the way: its length, at `slot`, must be above `index`."""

    slot: int
    index: int


@dataclass(frozen=True, slots=True)
class Place:
    """
    Where something lies.

    Attributes:
        slot: Number of its first word.
        offset: Byte in that word, from the low-order end; zero for all that is not packed.
        type: The name of its type in the layout.
        bounds: Dynamic arrays that the path indexes.
        length: Whether the path asks for the length of a dynamic array or a text, rather than its content.
        cast: What an opaque value is to be read as.
    """

    slot: int
    offset: int
    type: str
    bounds: tuple[Bound, ...] = ()
    length: bool = False
    cast: Value | None = None


def resolve(layout: StorageLayout, path: str) -> Place:
    """
    The place that a path names.

    Raises:
        BadInput: No such variable or member, a key that is not of the mapping's type, or an index that the type
        excludes.
        LimitExceeded: A path longer than any that is written by hand.
    """
    if len(path) > LONGEST:
        raise LimitExceeded("letters in a storage path", LONGEST, len(path))
    text, cast = _cast(path.strip())
    root, text = _namespace(text)
    member, text = _variable(layout, text)
    place = Place((root + member.slot) & MAX_UINT256, member.offset, member.type)
    while text:
        step = _STEP.match(text)
        if step is None:
            raise BadInput("storage path", "a .member or a [key] next", text)
        text = text[step.end() :]
        place = _index(layout, place, step[2]) if step[2] is not None else _member(layout, place, step[1], text)
    return place if cast is None else _as(layout, place, cast)


def _cast(text: str) -> tuple[str, Value | None]:
    found = _CAST.fullmatch(text)
    if found is None:
        return text, None
    if found[5]:
        return found[4], Value(Family(found[5]), 1 if found[5] == "bool" else 20)
    family, number = Family(found[2]), int(found[3])
    width = number if family is Family.BYTES else number // 8
    if not 1 <= width <= 32 or (family is not Family.BYTES and number % 8):
        raise BadInput("storage path", "a type of 1 to 32 whole bytes after 'as'", text)
    return found[1], Value(family, width)


def _as(layout: StorageLayout, place: Place, cast: Value) -> Place:
    kind = layout.type(place.type)
    if not isinstance(kind, Value) or kind.family is not Family.OPAQUE or kind.width != cast.width or place.length:
        raise BadInput("storage path", "'as' after a user-defined value of the same width", place.type)
    return replace(place, cast=cast)


def _namespace(text: str) -> tuple[int, str]:
    found = _NAMESPACE.match(text)
    if found is None:
        return 0, text
    return int.from_bytes(erc7201_slot(found[1]), "big"), text[found.end() :]


def _variable(layout: StorageLayout, text: str) -> tuple[Member, str]:
    """The variable that a path starts with. Longer names first: a Vyper module's variable has a dot in its name."""
    names: dict[str, list[Member]] = {}
    for member in layout.variables:
        names.setdefault(member.name, []).append(member)
        if member.contract:
            names.setdefault(f"{member.contract}.{member.name}", []).append(member)
    for name in sorted(names, key=len, reverse=True):
        rest = text.removeprefix(name)
        if text.startswith(name) and (not rest or rest[0] in ".["):
            if len(names[name]) > 1:
                raise BadInput("storage path", f"Contract.{name}: several contracts have a variable of that name", text)
            return names[name][0], rest
    start = _NAME.match(text)
    raise BadInput("storage path", "one of the layout's variables first", start[0] if start else text)


def _member(layout: StorageLayout, place: Place, name: str, rest: str) -> Place:
    kind = layout.type(place.type)
    if isinstance(kind, Struct):
        for member in kind.members:
            if member.name == name:
                return replace(
                    place, slot=(place.slot + member.slot) & MAX_UINT256, offset=member.offset, type=member.type
                )
    elif isinstance(kind, DynamicArray | Text) and name == "length" and not rest and not place.length:
        return replace(place, length=True)
    raise BadInput("storage path", f"a member of {place.type}", name)


def _index(layout: StorageLayout, place: Place, key: str) -> Place:
    match layout.type(place.type):
        case MappingType(key_type, value):
            kind = layout.type(key_type)
            hashed = _hashed(kind, key, place.slot, vyper=layout.vyper)
            return replace(place, slot=int.from_bytes(hashed, "big"), offset=0, type=value)
        case DynamicArray(item, capacity):
            index = _number(key, "an array index", 0, (1 << 64) - 1 if capacity is None else capacity - 1)
            inside = place.slot + 1 if capacity is not None else _hash(place.slot)
            bounds = (*place.bounds, Bound(place.slot, index))
            return replace(_item(layout, place, item, inside, index), bounds=bounds)
        case FixedArray(item, length):
            index = _number(key, f"an index below {length}", 0, length - 1)
            return _item(layout, place, item, place.slot, index)
    raise BadInput("storage path", "a mapping or an array before [", place.type)


def _item(layout: StorageLayout, place: Place, item: str, start: int, index: int) -> Place:
    slot, offset = item_place(layout, item, start, index)
    return replace(place, slot=slot, offset=offset, type=item)


def item_place(layout: StorageLayout, item: str, start: int, index: int) -> tuple[int, int]:
    """Word and byte of an array's item, given the word that the first one starts at."""
    many, each = layout.stride(item)
    if many:
        return (start + index // many) & MAX_UINT256, index % many * layout.sizes[item]
    return (start + index * each) & MAX_UINT256, 0


def _hash(slot: int) -> int:
    return int.from_bytes(keccak256(slot_key(slot)), "big")


def _hashed(kind: object, key: str, slot: int, *, vyper: bool) -> SlotKey:
    base = slot_key(slot)
    if isinstance(kind, Text):
        data = _text_key(kind, key)
        return SlotKey(keccak256(base + keccak256(data)) if vyper else keccak256(data + base))
    if not isinstance(kind, Value):
        raise BadInput("storage path", "a key that can be hashed", key)
    padded = _padded(kind, key)
    return SlotKey(keccak256(base + padded) if vyper else keccak256(padded + base))


def _text_key(kind: Text, key: str) -> bytes:
    if key.startswith('"'):
        return re.sub(r'\\(["\\])', r"\1", key[1:-1]).encode()
    if kind.is_string:
        raise BadInput("storage path", "text in double quotes as key of a string mapping", key)
    return parse_hex(key, "key of a bytes mapping")


def _padded(kind: Value, key: str) -> bytes:
    """A key as 32 bytes. Numbers and addresses have their zeros (or their sign) before them, bytesN after."""
    match kind.family:
        case Family.BOOL:
            if key not in {"true", "false"}:
                raise BadInput("storage path", "true or false as key", key)
            return int(key == "true").to_bytes(32, "big")
        case Family.ADDRESS:
            return _exactly(key, 20, "address").rjust(32, b"\0")
        case Family.BYTES:
            return _exactly(key, kind.width, f"bytes{kind.width}").ljust(32, b"\0")
        case Family.INT:
            half = 1 << (8 * kind.width - 1)
            return _number(key, f"an int{8 * kind.width}", -half, half - 1).to_bytes(32, "big", signed=True)
        case Family.UINT:
            return _number(key, f"a uint{8 * kind.width}", 0, (1 << (8 * kind.width)) - 1).to_bytes(32, "big")
    raise BadInput("storage path", "a key whose type the layout describes", key)


def _exactly(key: str, width: int, what: str) -> bytes:
    found = parse_hex(key, f"{what} key of a mapping")
    if len(found) != width:
        raise BadInput("storage path", f"{width} bytes as {what} key", key)
    return found


def _number(key: str, what: str, least: int, most: int) -> int:
    if _DIGITS.fullmatch(key) is None:
        raise BadInput("storage path", what, key)
    found = int(key, 16) if "0x" in key else int(key)
    if not least <= found <= most:
        raise BadInput("storage path", what, key)
    return found
