"""Arguments of a call, from text and TOML values to what their ABI types take; and what came back, as plain values."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NoReturn

from verifier.app.quantities import checksummed, given_address
from verifier.codec import bounded_json
from verifier.codec.abi import encode_values, selector, split_function, split_types
from verifier.errors import BadInput
from verifier.primitives import Address, parse_hex, to_hex

HOLDER = "$holder"
"""Stands for the holder's address in the arguments of an account file."""
_INTEGER = re.compile(r"(u?)int([0-9]+)")
_FIXED = re.compile(r"bytes([0-9]+)")
_ARRAY = re.compile(r"(.+)\[([0-9]*)\]")


def call_data(function: str, values: Sequence[object], holder: Address | None = None) -> tuple[bytes, str]:
    """
    The call data of a function with its arguments, and the types that it returns.

    Args:
        function: `name(types)(types)`.
        values: Text, or TOML's own numbers, booleans and lists. Without any, a function of one address gets the holder.

    Raises:
        BadInput: Not such a function, or values that are not of its types.
    """
    name, takes, returns = split_function(function)
    types = split_types(takes)
    if not values and types == ["address"] and holder is not None:
        values = (HOLDER,)
    if len(values) != len(types):
        raise BadInput(f"arguments of {name}", f"{len(types)} of types {takes}", len(values))
    made = [_parsed(kind, value, holder) for kind, value in zip(types, values, strict=True)]
    return selector(name + takes) + encode_values(takes, made), returns


def _parsed(kind: str, value: object, holder: Address | None) -> object:
    array = _ARRAY.fullmatch(kind)
    if array is not None:
        return [_parsed(array[1], item, holder) for item in _items(kind, value)]
    if kind.startswith("("):
        types = split_types(kind)
        items = _items(kind, value)
        if len(items) != len(types):
            raise BadInput(f"argument of type {kind}", f"a list of {len(types)}", len(items))
        return tuple(_parsed(part, item, holder) for part, item in zip(types, items, strict=True))
    if kind == "address":
        return _address(value, holder)
    if kind == "bool":
        return _boolean(value)
    if kind == "string":
        return value if isinstance(value, str) else _refuse(kind, value)
    integer = _INTEGER.fullmatch(kind)
    if integer is not None:
        return _integer(kind, value, int(integer[2]), signed=not integer[1])
    return _bytes(kind, value)


def _items(kind: str, value: object) -> list[object]:
    if isinstance(value, str):
        try:
            value = bounded_json.loads(value)
        except (ValueError, RecursionError):
            raise BadInput(f"argument of type {kind}", 'a JSON list, such as ["1","2"]', value) from None
    return list(value) if isinstance(value, list | tuple) else _refuse(kind, value)


def _address(value: object, holder: Address | None) -> str:
    if value == HOLDER:
        if holder is None:
            raise BadInput("argument of type address", "an address; $holder is known in account files only", HOLDER)
        return to_hex(holder)
    try:
        return to_hex(given_address(value))
    except ValueError:
        expected = "0x and 40 hex digits, in mixed case with their EIP-55 checksum"
        raise BadInput("argument of type address", expected, value) from None


def _boolean(value: object) -> bool:
    known = {"true": True, "false": False}.get(value) if isinstance(value, str) else value
    return known if isinstance(known, bool) else _refuse("bool", value)


def _integer(kind: str, value: object, bits: int, *, signed: bool) -> int:
    if isinstance(value, str) and re.fullmatch(r"-?(0x[0-9a-fA-F]{1,64}|[0-9]{1,78})", value):
        value = int(value, 16 if "x" in value else 10)
    if not isinstance(value, int) or isinstance(value, bool):
        _refuse(kind, value)
    least, most = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    if not least <= value <= most:
        raise BadInput(f"argument of type {kind}", f"{least} to {most}", value)
    return value


def _bytes(kind: str, value: object) -> bytes:
    """Hex of just as many bytes as the type says: a shorter one would be filled with zeros behind, unasked."""
    made, fixed = parse_hex(value, f"argument of type {kind}"), _FIXED.fullmatch(kind)
    if fixed is not None and len(made) != int(fixed[1]):
        raise BadInput(f"argument of type {kind}", f"0x and {2 * int(fixed[1])} hex digits", value)
    return made


def _refuse(kind: str, value: object) -> NoReturn:
    raise BadInput(f"argument of type {kind}", f"a value of type {kind}", value)


def shown(kind: str, value: object) -> object:
    """A decoded value for people and for JSON: integers as decimal text, bytes as hex, addresses with checksums."""
    array = _ARRAY.fullmatch(kind)
    if array is not None and isinstance(value, list | tuple):
        return [shown(array[1], item) for item in value]
    if kind.startswith("(") and isinstance(value, list | tuple):
        return [shown(part, item) for part, item in zip(split_types(kind), value, strict=True)]
    if kind == "address" and isinstance(value, str):
        return checksummed(Address(bytes.fromhex(value[2:])))
    if isinstance(value, bytes):
        return to_hex(value)
    return value if isinstance(value, bool | str) else str(value)
