"""Reads solc's `storageLayout`: strict about shape, and about what the compiler would never write.

A layout comes from whoever hands it over. What it says is a claim about meaning; here only its form is judged: types
that exist, members inside their struct, sizes that agree with one another.
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
"""Variables, types and members of a layout."""
_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,77}", re.ASCII)
_ARRAY: Final = re.compile(r"t_array\(.*\)([0-9]+)_storage", re.ASCII | re.DOTALL)
_PLAIN: Final = re.compile(r"t_(uint|int|bytes)([0-9]{1,3})", re.ASCII)


def parse_solc_layout(document: Mapping[str, object]) -> StorageLayout:
    """
    The layout that solc gives for one contract under `storageLayout`.

    Args:
        document: Decoded JSON with `storage` and `types`; surplus keys of entries (AST numbers) are passed over.

    Raises:
        BadInput: Something is missing, has the wrong type, or contradicts something else.
        LimitExceeded: More variables, types or members than any contract has.
    """
    entries = _list(document.get("storage"), "storage")
    described = _map(document.get("types") or {}, "types")
    if len(described) > MOST:
        raise LimitExceeded("types in a storage layout", MOST, len(described))
    shapes = {name: _map(value, name) for name, value in described.items()}
    sizes = {name: _number(shape.get("numberOfBytes"), name) for name, shape in shapes.items()}
    layout = StorageLayout(
        tuple(_member(entry) for entry in entries), {n: _type(n, s) for n, s in shapes.items()}, sizes
    )
    _check(layout)
    return layout


def _type(name: str, shape: Mapping[str, object]) -> Type:
    match shape.get("encoding"):
        case "mapping":
            return MappingType(_text(shape.get("key"), name), _text(shape.get("value"), name))
        case "dynamic_array":
            return DynamicArray(_text(shape.get("base"), name))
        case "bytes":
            return Text(is_string=name.startswith("t_string"))
        case "inplace":
            return _inplace(name, shape)
    raise BadInput(f"storage type {name}", "an encoding that solc knows", shape.get("encoding"))


def _inplace(name: str, shape: Mapping[str, object]) -> Type:
    if "members" in shape:
        return Struct(tuple(_member(entry) for entry in _list(shape["members"], name)))
    if "base" in shape:
        length = _ARRAY.fullmatch(name)
        if length is None:
            raise BadInput(f"storage type {name}", "an array's name with its length", name)
        return FixedArray(_text(shape["base"], name), int(length.group(1)))
    return _value(name, _number(shape.get("numberOfBytes"), name))


def _value(name: str, width: int) -> Value:
    plain = _PLAIN.fullmatch(name)
    if plain:
        family, bits = Family(plain.group(1)), int(plain.group(2))
        if (bits if family is Family.BYTES else bits // 8) != width:
            raise BadInput(f"storage type {name}", "the width that its name says", width)
    elif name == "t_bool":
        family = Family.BOOL
    elif name.startswith(("t_address", "t_contract(")):
        family = Family.ADDRESS
    elif name.startswith("t_enum("):
        family = Family.UINT
    elif name.startswith(("t_userDefinedValueType(", "t_function_")):
        family = Family.OPAQUE
    else:
        raise BadInput("storage type", "one of the types that solc lays out", name)
    if not 1 <= width <= {Family.BOOL: 1, Family.ADDRESS: 20}.get(family, 32):
        raise BadInput(f"storage type {name}", "a width that its family has", width)
    return Value(family, width)


def _member(entry: object) -> Member:
    found = _map(entry, "variable")
    label = _text(found.get("label"), "variable")
    slot, offset = _number(found.get("slot"), label), found.get("offset")
    if type(offset) is not int or not 0 <= offset <= 31 or slot > MAX_UINT256:
        raise BadInput(f"variable {label}", "a slot below 2^256 and a byte of its word", (slot, offset))
    contract = str(found.get("contract") or "").rpartition(":")[2]
    return Member(label, slot, offset, _text(found.get("type"), label), contract)


def _check(layout: StorageLayout) -> None:
    for name, kind in layout.types.items():
        match kind:
            case MappingType(key, value):
                layout.type(value)
                if not isinstance(layout.type(key), Value | Text):
                    raise BadInput(f"storage type {name}", "keys that can be hashed", key)
            case DynamicArray(item):
                layout.type(item)
            case FixedArray(item, length):
                layout.type(item)
                many, each = layout.stride(item)
                words = -(-length // many) if many else length * each
                if layout.sizes[name] != 32 * words:
                    raise BadInput(f"storage type {name}", f"{32 * words} bytes", layout.sizes[name])
            case Struct(members):
                for member in members:
                    _fits(layout, member, layout.sizes[name])
    for member in layout.variables:
        _fits(layout, member, None)


def _fits(layout: StorageLayout, member: Member, room: int | None) -> None:
    kind, size = layout.type(member.type), layout.sizes[member.type]
    packed = isinstance(kind, Value)
    if (packed and member.offset + size > 32) or (not packed and member.offset):
        raise BadInput(f"variable {member.name}", "a place inside its word", (member.offset, size))
    if (
        room is not None
        and 32 * member.slot + (member.offset + size if packed else 32 * layout.words(member.type)) > room
    ):
        raise BadInput(f"member {member.name}", "a place inside its struct", member.slot)


def _number(value: object, what: str) -> int:
    if not isinstance(value, str) or _NUMBER.fullmatch(value) is None:
        raise BadInput(f"storage layout, {what}", "a decimal number as text", value)
    return int(value)


def _text(value: object, what: str) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= 1_024:
        raise BadInput(f"storage layout, {what}", "a name", value)
    return value


def _list(value: object, what: str) -> list[object]:
    if not isinstance(value, list):
        raise BadInput(f"storage layout, {what}", "a list", value)
    if len(value) > MOST:
        raise LimitExceeded(f"entries of a storage layout's {what}", MOST, len(value))
    return value


def _map(value: object, what: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise BadInput(f"storage layout, {what}", "an object", value)
    return value
