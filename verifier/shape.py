"""Reading untrusted structures field by field: each step names its place, and takes one type only."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum
from typing import TypeVar

from verifier.codec.cbor import Cbor
from verifier.errors import LimitExceeded, MalformedBundle, Where

E = TypeVar("E", bound=StrEnum)


class Shape:
    """A decoded value and the path it stands at, for instance `body.sections[2].anchor`."""

    __slots__ = ("path", "value")

    def __init__(self, value: Cbor, path: str) -> None:
        self.value, self.path = value, path

    def _fail(self, expected: str) -> MalformedBundle:
        return MalformedBundle(Where(network="bundle", node=self.path), f"{expected} is due", self.value)

    def fields(self, *names: str, optional: Iterable[str] = ()) -> dict[str, Shape]:
        """The fields of a map that has exactly these names, and may have the optional ones."""
        if not isinstance(self.value, dict):
            raise self._fail("a map")
        missing, unknown = set(names) - self.value.keys(), self.value.keys() - {*names, *optional}
        if missing or unknown:
            raise self._fail(f"a map without unknown fields {sorted(unknown)} and with {sorted(missing)}")
        return {name: Shape(value, f"{self.path}.{name}") for name, value in self.value.items()}

    def items(self, limit: int) -> Iterable[Shape]:
        """The items of an array of at most `limit`."""
        return (Shape(value, f"{self.path}[{i}]") for i, value in enumerate(self._list(limit)))

    def tuple(self, length: int) -> list[Shape]:
        """The items of an array of exactly `length`."""
        if not isinstance(self.value, list) or len(self.value) != length:
            raise self._fail(f"an array of {length}")
        return [Shape(value, f"{self.path}[{i}]") for i, value in enumerate(self.value)]

    def all_bytes(self, limit: int, width: int) -> Iterable[bytes]:
        """An array of byte strings of at most `width` bytes, without a Shape for each."""
        for value in self._list(limit):
            if not isinstance(value, bytes) or len(value) > width:
                raise self._fail(f"an array of byte strings of at most {width} bytes")
            yield value

    def all_uints(self, limit: int) -> Iterable[int]:
        """An array of unsigned integers, without a Shape for each."""
        for value in self._list(limit):
            if not isinstance(value, int):
                raise self._fail("an array of unsigned integers")
            yield value

    def _list(self, limit: int) -> list[Cbor]:
        if not isinstance(self.value, list):
            raise self._fail("an array")
        if len(self.value) > limit:
            raise LimitExceeded(f"items in {self.path}", limit, len(self.value))
        return self.value

    def uint(self, most: int = 2**64 - 1) -> int:
        """An unsigned integer of at most `most`."""
        if not isinstance(self.value, int) or self.value > most:
            raise self._fail(f"an unsigned integer up to {most}")
        return self.value

    def bytes(self, most: int | None = None) -> bytes:
        """A byte string of at most `most` bytes."""
        if not isinstance(self.value, bytes) or (most is not None and len(self.value) > most):
            raise self._fail("a byte string" if most is None else f"a byte string of at most {most} bytes")
        return self.value

    def label(self, pattern: re.Pattern[str]) -> str:
        """Text that matches a pattern as a whole."""
        if not isinstance(self.value, str) or pattern.fullmatch(self.value) is None:
            raise self._fail(f"text of the form {pattern.pattern}")
        return self.value

    def word(self, kind: type[E]) -> E:
        """One of the words of an enumeration."""
        found = kind._value2member_map_.get(self.value) if isinstance(self.value, str) else None
        if not isinstance(found, kind):
            raise self._fail(f"one of {', '.join(member.value for member in kind)}")
        return found
