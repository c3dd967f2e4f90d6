"""SSZ bytes: one value has one encoding, and every byte of it is accounted for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from verifier.codec.ssz.kinds import (
    Bits,
    Container,
    Items,
    OctetList,
    Octets,
    Record,
    SszType,
    Uint,
    Value,
    Vector,
    fixed_size,
)
from verifier.errors import MalformedSsz, Where

_OFFSET: Final = 4


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
            return unpacked(data, length, where)
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
            return packed(value, length)
        case Container(_, fields), Record():
            return _joined([(fixed_size(part) is None, encode(part, value[name])) for name, part in fields])
    raise TypeError(f"{type(value).__name__} is no value of {kind}")


def at_field(where: Where, name: str) -> Where:
    """The place of a field within a place."""
    return where.at(node=name if where.node is None else f"{where.node}.{name}")


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


def unpacked(data: bytes, length: int, where: Where) -> tuple[bool, ...]:
    """Bits out of their bytes, the padding zero."""
    number = int.from_bytes(data, "little")
    if number >> length:
        raise MalformedSsz(where, f"bits beyond the {length} that there are", data)
    return tuple(bool(number >> i & 1) for i in range(length))


def packed(bits: Sequence[Value], length: int) -> bytes:
    """Bits as bytes, the first in the lowest bit of the first byte."""
    if len(bits) != length:
        raise TypeError(f"{length} bits are due, got {len(bits)}")
    return sum(1 << i for i, bit in enumerate(bits) if bit).to_bytes((length + 7) // 8, "little")
