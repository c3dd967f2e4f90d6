"""Reads Vyper's layout (`vyper -f layout`). It names structs and flags without describing them, so those are given
beside it:

    {"storage_layout": {…}, "types": {"Position": {"size": "int256", "owner": "address"}, "Role": "flag"}}

Each variable's `n_slots` must be what its type takes, so a struct described wrongly is noticed wherever one lies in
place.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from verifier.codec.storage_types import (
    DynamicArray,
    Family,
    FixedArray,
    MappingType,
    Member,
    StorageLayout,
    Struct,
    Text,
    Type,
    Value,
)
from verifier.errors import BadInput, LimitExceeded
from verifier.primitives import MAX_UINT256

MOST: Final = 4_096
DEEPEST: Final = 16
_WORD: Final = 32
_PLAIN: Final = re.compile(r"(uint|int|bytes)([1-9][0-9]{0,2})", re.ASCII)
_SIZED: Final = re.compile(r"(Bytes|String)\[([1-9][0-9]{0,8})\]", re.ASCII)
_FIXED: Final = re.compile(r"(.+)\[([1-9][0-9]{0,18})\]", re.ASCII)


def parse_vyper_layout(document: Mapping[str, object]) -> StorageLayout:
    """
    A Vyper layout, with the descriptions of the structs and flags it uses.

    Raises:
        BadInput: Something is missing, unknown, or takes other than the slots it says.
        LimitExceeded: Too many variables, or types nested too deep.
    """
    made = _Types(_map(document.get("types") or {}, "types"))
    variables = tuple(_variables(_map(document.get("storage_layout"), "storage_layout"), "", made, 0))
    if len(variables) > MOST:
        raise LimitExceeded("variables of a storage layout", MOST, len(variables))
    return StorageLayout(variables, made.types, made.sizes, vyper=True)


def _variables(entries: Mapping[str, object], prefix: str, made: _Types, depth: int) -> list[Member]:
    if depth > DEEPEST:
        raise LimitExceeded("modules within modules of a storage layout", DEEPEST, depth)
    found: list[Member] = []
    for name, value in entries.items():
        entry = _map(value, name)
        if "slot" not in entry:
            found.extend(_variables(entry, f"{prefix}{name}.", made, depth + 1))
            continue
        slot, words, kind = entry["slot"], entry.get("n_slots"), entry.get("type")
        if type(slot) is not int or not 0 <= slot <= MAX_UINT256 or not isinstance(kind, str):
            raise BadInput(f"variable {prefix}{name}", "a slot below 2^256 and a type", (slot, kind))
        if kind == "nonreentrant lock":
            continue
        size = made.learn(kind)
        if words is not None and words != size // _WORD:
            raise BadInput(f"variable {prefix}{name}", f"{size // _WORD} slots for {kind}", words)
        found.append(Member(f"{prefix}{name}", slot, 0, kind))
    return found


class _Types:
    """The types met so far, by the names that Vyper writes for them."""

    def __init__(self, described: Mapping[str, object]) -> None:
        self.described = described
        self.types: dict[str, Type] = {}
        self.sizes: dict[str, int] = {}

    def learn(self, name: str, depth: int = 0) -> int:
        """Add a type and what it is made of; returns its bytes in place."""
        if depth > DEEPEST:
            raise LimitExceeded("types within types of a storage layout", DEEPEST, depth)
        if name not in self.types:
            kind, size = self._read(name, depth + 1)
            self.types[name], self.sizes[name] = kind, size
        return self.sizes[name]

    def _read(self, name: str, depth: int) -> tuple[Type, int]:
        sized = _SIZED.fullmatch(name)
        if sized:
            capacity = int(sized.group(2))
            return Text(sized.group(1) == "String", capacity), _WORD * (1 + -(-capacity // _WORD))
        fixed = _FIXED.fullmatch(name)
        if fixed:
            length = _count(fixed.group(2), name)
            return FixedArray(fixed.group(1), length), length * self.learn(fixed.group(1), depth)
        if name.startswith("HashMap[") and name.endswith("]"):
            key, value = _two(name[8:-1])
            self.learn(key, depth)
            self.learn(value, depth)
            if not isinstance(self.types[key], Value | Text):
                raise BadInput(f"storage type {name}", "keys that can be hashed", key)
            return MappingType(key, value), _WORD
        if name.startswith("DynArray[") and name.endswith("]"):
            item, count = _two(name[9:-1])
            capacity = _count(count, name)
            return DynamicArray(item, capacity), _WORD + capacity * self.learn(item, depth)
        return self._inline(name, depth)

    def _inline(self, name: str, depth: int) -> tuple[Type, int]:
        value = _value(name)
        if value is not None:
            return value, _WORD
        described = self.described.get(name)
        if described == "flag":
            return Value(Family.UINT, 32, whole=True), _WORD
        return self._struct(name, _map(described, f"type {name}"), depth)

    def _struct(self, name: str, fields: Mapping[str, object], depth: int) -> tuple[Type, int]:
        members, at = [], 0
        for label, kind in fields.items():
            if not isinstance(kind, str):
                raise BadInput(f"member {name}.{label}", "a Vyper type as text", kind)
            size = self.learn(kind, depth)
            members.append(Member(label, at, 0, kind))
            at += size // _WORD
        if not members:
            raise BadInput(f"struct {name}", "at least one member", "none")
        return Struct(tuple(members)), at * _WORD


def _value(name: str) -> Value | None:
    plain = _PLAIN.fullmatch(name)
    if plain:
        family, number = Family(plain.group(1)), int(plain.group(2))
        width = number if family is Family.BYTES else number // 8
        if not 1 <= width <= 32 or (family is not Family.BYTES and number % 8):
            raise BadInput("storage type", "a width of whole bytes up to 32", name)
        return Value(family, width, whole=True)
    # A decimal is a signed integer of 21 bytes, counted in units of 10^-10.
    fixed = {"bool": (Family.BOOL, 1), "address": (Family.ADDRESS, 20), "decimal": (Family.INT, 21)}.get(name)
    return None if fixed is None else Value(*fixed, whole=True)


def _two(text: str) -> tuple[str, str]:
    depth = 0
    for place, letter in enumerate(text):
        depth += {"[": 1, "]": -1}.get(letter, 0)
        if letter == "," and depth == 0:
            return text[:place].strip(), text[place + 1 :].strip()
    raise BadInput("storage type", "two parts between its brackets", text)


def _count(text: str, name: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:19]) <= 2**62 or len(text) > 19:
        raise BadInput(f"storage type {name}", "a length", text)
    return int(text)


def _map(value: object, what: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise BadInput(f"storage layout, {what}", "an object (structs and flags are described under types)", value)
    return value
