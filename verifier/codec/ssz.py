"""Simple Serialize, strict, for the shapes that a light client meets: bytes, JSON, and hash tree roots.

A type is a small value (`Uint`, `Octets`, `OctetList`, `Bits`, `Vector`, `Container`) and everything is done by it: the
same description reads SSZ, reads the JSON of the beacon API, writes both, and hashes. One value has one encoding: no
byte follows, offsets are exactly where they must be, padding bits are zero, integers in JSON have no leading zero.
Unions, optional values and progressive types are not here, since no object of a light client has them.

Source: consensus specification, ssz/simple-serialize.md and ssz/merkle-proofs.md; beacon API, JSON encoding.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, TypeAlias, Union

from verifier.errors import BadInput, LimitExceeded, MalformedSsz, MalformedUpdate, Where
from verifier.primitives import Hash32, parse_hex, to_hex

CHUNK: Final = 32
_OFFSET: Final = 4
_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,77}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Uint:
    """An unsigned integer of `width` bytes, little-endian; a decimal string in JSON."""

    width: int


@dataclass(frozen=True, slots=True)
class Octets:
    """Exactly `length` bytes."""

    length: int


@dataclass(frozen=True, slots=True)
class OctetList:
    """At most `limit` bytes."""

    limit: int


@dataclass(frozen=True, slots=True)
class Bits:
    """Exactly `length` bits, the first in the lowest bit of the first byte."""

    length: int


@dataclass(frozen=True, slots=True)
class Vector:
    """Exactly `length` elements of one type of fixed size."""

    element: SszType
    length: int


@dataclass(frozen=True, slots=True)
class Container:
    """Named fields in order."""

    name: str
    fields: tuple[tuple[str, SszType], ...]


SszType: TypeAlias = Union[Uint, Octets, OctetList, Bits, Vector, Container]
Value: TypeAlias = Union[int, bytes, tuple[bool, ...], "Items", "Record"]


class Items(tuple["Value", ...]):
    """The elements of a vector."""

    __slots__ = ()


class Record:
    """The fields of a container, each read as what its type says it is."""

    __slots__ = ("_values", "kind")

    def __init__(self, kind: Container, values: Mapping[str, Value]) -> None:
        if values.keys() != {name for name, _ in kind.fields}:
            raise TypeError(f"{kind.name} has exactly {[name for name, _ in kind.fields]}, got {sorted(values)}")
        self.kind, self._values = kind, dict(values)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Record) and (self.kind, self._values) == (other.kind, other._values)

    __hash__ = None  # type: ignore[assignment]

    def __getitem__(self, name: str) -> Value:
        return self._values[name]

    def has(self, name: str) -> bool:
        """Whether the container has such a field."""
        return name in self._values

    def uint(self, name: str) -> int:
        """A field that is an integer."""
        value = self._values[name]
        if not isinstance(value, int):
            raise TypeError(f"{name} is no integer")
        return value

    def octets(self, name: str) -> bytes:
        """A field that is bytes."""
        value = self._values[name]
        if not isinstance(value, bytes):
            raise TypeError(f"{name} is no bytes")
        return value

    def record(self, name: str) -> Record:
        """A field that is a container."""
        value = self._values[name]
        if not isinstance(value, Record):
            raise TypeError(f"{name} is no container")
        return value

    def bits(self, name: str) -> tuple[bool, ...]:
        """A field that is bits."""
        value = self._values[name]
        if not isinstance(value, tuple) or isinstance(value, Items):
            raise TypeError(f"{name} is no bits")
        return value

    def all_octets(self, name: str) -> tuple[bytes, ...]:
        """A field that is a vector of bytes."""
        value = self._values[name]
        if not isinstance(value, Items):
            raise TypeError(f"{name} is no vector")
        return tuple(item for item in value if isinstance(item, bytes))


# --- sizes and zeros -------------------------------------------------------------------------------------


@cache
def fixed_size(kind: SszType) -> int | None:
    """Bytes that every value of the type takes; None where that depends on the value."""
    match kind:
        case Uint(width):
            return width
        case Octets(length):
            return length
        case Bits(length):
            return (length + 7) // 8
        case OctetList():
            return None
        case Vector(element, length):
            size = fixed_size(element)
            if size is None:
                raise TypeError("vectors of variable elements are not needed")
            return size * length
        case Container(_, fields):
            sizes = [fixed_size(part) for _, part in fields]
            return None if None in sizes else sum(size for size in sizes if size is not None)


def zero(kind: SszType) -> Value:
    """The value of the type that everything absent has."""
    match kind:
        case Uint():
            return 0
        case Octets(length):
            return bytes(length)
        case OctetList():
            return b""
        case Bits(length):
            return (False,) * length
        case Vector(element, length):
            return Items([zero(element)] * length)
        case Container(_, fields):
            return Record(kind, {name: zero(part) for name, part in fields})


# --- SSZ -------------------------------------------------------------------------------------------------


def decode(kind: SszType, data: bytes, where: Where) -> Value:
    """
    The value that some bytes encode, all of them, in the one form it has.

    Raises:
        MalformedSsz: Too short, too long, an offset that is not where it must be, or padding bits that are set.
    """
    size = fixed_size(kind)
    if size is not None and len(data) != size:
        raise MalformedSsz(where, f"{size} bytes are due", f"{len(data)} bytes")
    match kind:
        case Uint():
            return int.from_bytes(data, "little")
        case Octets():
            return data
        case OctetList(limit):
            if len(data) > limit:
                raise MalformedSsz(where, f"at most {limit} bytes are due", data)
            return data
        case Bits(length):
            return _unpacked(data, length, where)
        case Vector(element, length):
            step = len(data) // length
            return Items([decode(element, data[i * step : (i + 1) * step], where) for i in range(length)])
        case Container(_, fields):
            parts = _parts(kind, data, where)
            return Record(
                kind, {n: decode(k, part, at_field(where, n)) for (n, k), part in zip(fields, parts, strict=True)}
            )


def decode_record(kind: Container, data: bytes, where: Where) -> Record:
    """As `decode`, for a container."""
    value = decode(kind, data, where)
    if not isinstance(value, Record):
        raise TypeError("a container decodes to a record")
    return value


def encode(kind: SszType, value: Value) -> bytes:
    """The bytes of a value; TypeError where it is not one of the type, which is a fault of ours."""
    match kind, value:
        case Uint(width), int():
            return value.to_bytes(width, "little")
        case ((Octets() | OctetList()), bytes()):
            size = fixed_size(kind)
            if size is not None and len(value) != size:
                raise TypeError(f"{size} bytes are due, got {len(value)}")
            return value
        case Vector(element, length), Items():
            if len(value) != length:
                raise TypeError(f"{length} elements are due, got {len(value)}")
            return b"".join([encode(element, item) for item in value])
        case Bits(length), tuple():
            return _packed(value, length)
        case Container(_, fields), Record():
            return _joined([(fixed_size(part) is None, encode(part, value[name])) for name, part in fields])
    raise TypeError(f"{type(value).__name__} is no value of {kind}")


def _parts(kind: Container, data: bytes, where: Where) -> list[bytes]:
    """The bytes of each field: fixed ones in place, the others where the offsets say, without gap or overlap."""
    sizes = [fixed_size(part) for _, part in kind.fields]
    head = sum(_OFFSET if size is None else size for size in sizes)
    if len(data) < head:
        raise MalformedSsz(where, f"{kind.name} is at least {head} bytes", f"{len(data)} bytes")
    offsets: list[int] = []
    position = 0
    for size in sizes:
        if size is None:
            offsets.append(int.from_bytes(data[position : position + _OFFSET], "little"))
        position += _OFFSET if size is None else size
    if offsets and offsets[0] != head:
        raise MalformedSsz(where, f"the first offset of {kind.name} must be {head}", offsets[0])
    ends = [*offsets[1:], len(data)]
    if any(start > end for start, end in zip(offsets, ends, strict=False)):
        raise MalformedSsz(where, f"the offsets of {kind.name} must ascend within {len(data)} bytes", offsets)
    spans = iter(zip(offsets, ends, strict=False))
    found: list[bytes] = []
    position = 0
    for size in sizes:
        start, end = (position, position + size) if size is not None else next(spans)
        found.append(data[start:end])
        position += _OFFSET if size is None else size
    return found


def _joined(parts: Sequence[tuple[bool, bytes]]) -> bytes:
    offset = sum(_OFFSET if variable else len(part) for variable, part in parts)
    head: list[bytes] = []
    tail: list[bytes] = []
    for variable, part in parts:
        if variable:
            head.append(offset.to_bytes(_OFFSET, "little"))
            tail.append(part)
            offset += len(part)
        else:
            head.append(part)
    return b"".join(head + tail)


def _unpacked(data: bytes, length: int, where: Where) -> tuple[bool, ...]:
    number = int.from_bytes(data, "little")
    if number >> length:
        raise MalformedSsz(where, f"bits beyond the {length} that there are", data)
    return tuple(bool(number >> i & 1) for i in range(length))


def _packed(bits: Sequence[Value], length: int) -> bytes:
    if len(bits) != length:
        raise TypeError(f"{length} bits are due, got {len(bits)}")
    return sum(1 << i for i, bit in enumerate(bits) if bit).to_bytes((length + 7) // 8, "little")


# --- JSON ------------------------------------------------------------------------------------------------


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
                return _unpacked(_hex(data, size, size, where), length, where)
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
            return to_hex(_packed(value, length))
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


def at_field(where: Where, name: str) -> Where:
    """The place of a field within a place."""
    return where.at(node=name if where.node is None else f"{where.node}.{name}")


# --- roots -----------------------------------------------------------------------------------------------


def sha256(data: bytes) -> bytes:
    """SHA-256."""
    return hashlib.sha256(data).digest()


ZERO_ROOTS: Final[list[bytes]] = [bytes(CHUNK)]
for _ in range(64):
    ZERO_ROOTS.append(sha256(ZERO_ROOTS[-1] * 2))


def merkleize(chunks: Sequence[bytes], limit: int) -> bytes:
    """The root of a tree with room for `limit` chunks, those not given being zero."""
    if len(chunks) > limit:
        raise LimitExceeded("chunks of a tree", limit, len(chunks))
    layer = list(chunks) or [ZERO_ROOTS[0]]
    for level in range((limit - 1).bit_length()):
        if len(layer) % 2:
            layer.append(ZERO_ROOTS[level])
        layer = [sha256(layer[i] + layer[i + 1]) for i in range(0, len(layer), 2)]
    return layer[0]


def hash_tree_root(kind: SszType, value: Value) -> Hash32:
    """The root of a value's tree."""
    match kind, value:
        case Container(_, fields), Record():
            return Hash32(merkleize(field_roots(value), len(fields)))
        case Vector(element, length), Items() if isinstance(element, Octets | Container):
            return Hash32(merkleize([hash_tree_root(element, item) for item in value], length))
        case OctetList(limit), bytes():
            root = merkleize(_chunks(value), (limit + CHUNK - 1) // CHUNK)
            return Hash32(sha256(root + len(value).to_bytes(CHUNK, "little")))
    data = encode(kind, value)
    size = fixed_size(kind) or 0
    return Hash32(merkleize(_chunks(data), (size + CHUNK - 1) // CHUNK))


def field_roots(record: Record) -> list[bytes]:
    """The roots of a container's fields: the leaves of its tree."""
    return [hash_tree_root(part, record[name]) for name, part in record.kind.fields]


def field_branch(record: Record, name: str) -> tuple[bytes, ...]:
    """The siblings from a field's root up to the container's, bottom up."""
    index = [field for field, _ in record.kind.fields].index(name)
    layer = field_roots(record)
    found: list[bytes] = []
    for level in range((len(layer) - 1).bit_length()):
        if len(layer) % 2:
            layer.append(ZERO_ROOTS[level])
        found.append(layer[index ^ 1])
        layer = [sha256(layer[i] + layer[i + 1]) for i in range(0, len(layer), 2)]
        index //= 2
    return tuple(found)


def _chunks(data: bytes) -> list[bytes]:
    padded = data + bytes(-len(data) % CHUNK)
    return [padded[i : i + CHUNK] for i in range(0, len(padded), CHUNK)]
