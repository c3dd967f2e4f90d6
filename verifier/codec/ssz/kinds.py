"""The types that a light client meets, and values of them: a value is read as what its type says it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias, Union


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
