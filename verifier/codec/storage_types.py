"""The types that a compiler's storage layout speaks of, in one form for Solidity and Vyper.

A type refers to others by the compiler's own names for them, looked up in the layout's table: so a struct may hold an
array of itself, as Solidity allows, without a circle among values here.

Source: Solidity documentation, "Layout of State Variables in Storage"; Vyper 0.4's layouts were seen on compiled
contracts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Union

from verifier.errors import BadInput


class Family(StrEnum):
    """How the bits of a plain value are read."""

    UINT = "uint"
    INT = "int"
    BOOL = "bool"
    ADDRESS = "address"
    BYTES = "bytes"
    """`bytes1` to `bytes32`."""
    OPAQUE = "opaque"
    """A type whose inside the layout does not tell (user-defined value types): readable only as what a path says it
    is.
    """


@dataclass(frozen=True, slots=True)
class Value:
    """A plain value of `width` bytes. `whole`: it has its word for itself (Vyper), and every other bit of it must be
    zero.
    """

    family: Family
    width: int
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Text:
    """`bytes` or `string`. With a `capacity` (Vyper) length and data follow one another; without, Solidity's two
    forms.
    """

    is_string: bool
    capacity: int | None = None


@dataclass(frozen=True, slots=True)
class MappingType:
    """A mapping; `key` and `value` name types."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class DynamicArray:
    """An array that grows. With a `capacity` (Vyper) its items follow its length; without, they start at the hash of
    its slot.
    """

    item: str
    capacity: int | None = None


@dataclass(frozen=True, slots=True)
class FixedArray:
    """An array of a length that is part of its type."""

    item: str
    length: int


@dataclass(frozen=True, slots=True)
class Member:
    """A variable or a struct's member: its word, counted from the start, the byte it starts at in that word, and its
    type.
    """

    name: str
    slot: int
    offset: int
    type: str
    contract: str = ""


@dataclass(frozen=True, slots=True)
class Struct:
    """A struct; members count their words from its first."""

    members: tuple[Member, ...]


Type = Union[Value, Text, MappingType, DynamicArray, FixedArray, Struct]


@dataclass(frozen=True, slots=True)
class StorageLayout:
    """
    Where a contract keeps its variables.

    Attributes:
        variables: In the compiler's order.
        types: By the compiler's names.
        sizes: Bytes of each type in place: a mapping's and a dynamic array's own word, not what hangs from it.
        vyper: Mappings hash their slot before the key, and nothing is packed.
    """

    variables: tuple[Member, ...]
    types: Mapping[str, Type]
    sizes: Mapping[str, int]
    vyper: bool = False

    def type(self, name: str) -> Type:
        """A type by its name."""
        found = self.types.get(name)
        if found is None:
            raise BadInput("storage layout", "types that it describes itself", name)
        return found

    def words(self, name: str) -> int:
        """How many words a type takes in place, at least one."""
        return -(-self.sizes[name] // 32)

    def stride(self, name: str) -> tuple[int, int]:
        """For items of an array: how many stand in one word (zero where each takes whole words), and words for each."""
        size = self.sizes[name]
        if not self.vyper and isinstance(self.type(name), Value) and size <= 16:
            return 32 // size, 1
        return 0, self.words(name)
