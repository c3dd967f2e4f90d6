"""The JSON of the beacon API: integers as decimal strings, bytes as hex, no field more or less."""

from __future__ import annotations

import re
from typing import Final

from verifier.codec.ssz.kinds import Bits, Container, Items, OctetList, Octets, Record, SszType, Uint, Value, Vector
from verifier.codec.ssz.serial import at_field, packed, unpacked
from verifier.errors import BadInput, MalformedSsz, MalformedUpdate, Where
from verifier.primitives import parse_hex, to_hex

_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,77}", re.ASCII)


def from_json(kind: SszType, data: object, where: Where) -> Value:
    """
    The value that decoded JSON of the beacon API holds.

    Args:
        data: Plain Python objects. Untrusted; fields that the container does not have are refused.

    Raises:
        MalformedUpdate: Another type, a missing or unknown field, a number out of range, or bytes of another length.
    """
    match kind:
        case Uint(width):
            return _number(data, width, where)
        case Octets(length):
            return _hex(data, length, length, where)
        case OctetList(limit):
            return _hex(data, 0, limit, where)
        case Bits(length):
            size = (length + 7) // 8
            try:
                return unpacked(_hex(data, size, size, where), length, where)
            except MalformedSsz as error:
                raise MalformedUpdate(where, error.reason, data) from error
        case Vector(element, length):
            if not isinstance(data, list) or len(data) != length:
                raise MalformedUpdate(where, f"a list of {length} is due", _sized(data))
            return Items([from_json(element, item, where) for item in data])
        case Container(name, fields):
            names = {field for field, _ in fields}
            if not isinstance(data, dict) or data.keys() != names:
                raise MalformedUpdate(where, f"{name} has exactly the fields {', '.join(sorted(names))}", _sized(data))
            return Record(kind, {field: from_json(part, data[field], at_field(where, field)) for field, part in fields})


def record_from_json(kind: Container, data: object, where: Where) -> Record:
    """As `from_json`, for a container."""
    value = from_json(kind, data, where)
    if not isinstance(value, Record):
        raise TypeError("a container reads as a record")
    return value


def to_json(kind: SszType, value: Value) -> object:
    """Decoded JSON of the beacon API for a value."""
    match kind, value:
        case Uint(), int():
            return str(value)
        case ((Octets() | OctetList()), bytes()):
            return to_hex(value)
        case Vector(element), Items():
            return [to_json(element, item) for item in value]
        case Bits(length), tuple():
            return to_hex(packed(value, length))
        case Container(_, fields), Record():
            return {name: to_json(part, value[name]) for name, part in fields}
    raise TypeError(f"{type(value).__name__} is no value of {kind}")


def _number(data: object, width: int, where: Where) -> int:
    if not isinstance(data, str) or _NUMBER.fullmatch(data) is None:
        raise MalformedUpdate(where, "a decimal number in a string is due", data)
    number = int(data)
    if number >> 8 * width:
        raise MalformedUpdate(where, f"a number of at most {width} bytes is due", data)
    return number


def _hex(data: object, least: int, most: int, where: Where) -> bytes:
    if isinstance(data, str) and len(data) > 2 + 2 * most:
        raise MalformedUpdate(where, f"at most {most} bytes in hex are due", data)
    try:
        found = parse_hex(data)
    except BadInput as error:
        raise MalformedUpdate(where, "bytes in hex are due", data) from error
    if len(found) < least:
        raise MalformedUpdate(where, f"{least} bytes in hex are due", data)
    return found


def _sized(data: object) -> object:
    if isinstance(data, dict):
        return ", ".join(sorted(str(key)[:32] for key in list(data)[:16]))
    return f"{len(data)} items" if isinstance(data, list) else data
