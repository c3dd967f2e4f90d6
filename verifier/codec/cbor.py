"""Strict deterministic CBOR, the part that a bundle uses: unsigned integers, bytes, text, arrays and maps.

General decoders resolve tags, accept long forms and indefinite lengths, and allocate by declared sizes before anything
can be refused. Here one value has one encoding: shortest heads, definite lengths, text keys in ascending order of
their encoding, nothing behind the value. Encoding is the `cbor2` package's, in its canonical mode (see `wire`).

Source: RFC 8949, section 4.2.1.
"""

from __future__ import annotations

from typing import Final, Union

from verifier.errors import LimitExceeded, MalformedBundle, Where

Cbor = Union[int, bytes, str, list["Cbor"], dict[str, "Cbor"]]

MAX_DEPTH: Final = 8
_UINT, _BYTES, _TEXT, _ARRAY, _MAP = 0, 2, 3, 4, 5
_SHORTEST: Final = {1: 24, 2: 1 << 8, 4: 1 << 16, 8: 1 << 32}


class _Reader:
    __slots__ = ("at", "data", "end", "items_left", "where")

    def __init__(self, data: memoryview, max_items: int, where: Where) -> None:
        self.data, self.at, self.end, self.items_left, self.where = data, 0, len(data), max_items, where

    def fail(self, reason: str) -> MalformedBundle:
        return MalformedBundle(self.where, f"byte {self.at}: {reason}")

    def take(self, count: int) -> memoryview:
        at = self.at
        if at + count > self.end:
            raise self.fail(f"{count} bytes are announced, {self.end - at} are left")
        self.at = at + count
        return self.data[at : at + count]

    def head(self) -> tuple[int, int]:
        at = self.at
        if at >= self.end:
            raise self.fail("1 byte is announced, 0 are left")
        initial = self.data[at]
        self.at = at + 1
        major, info = initial >> 5, initial & 31
        if info < 24:
            return major, info
        if info > 27:
            raise self.fail("indefinite lengths and reserved heads are not allowed")
        width = 1 << (info - 24)
        value = int.from_bytes(self.take(width), "big")
        if value < _SHORTEST[width]:
            raise self.fail("the head is longer than its value needs")
        return major, value

    def count(self, announced: int, per_item: int) -> int:
        """A number of items that the rest of the input can hold, and that the budget allows."""
        if announced * per_item > self.end - self.at:
            raise self.fail(f"{announced} items are announced, more than the input can hold")
        self.items_left -= announced * per_item
        if self.items_left < 0:
            raise LimitExceeded("items in a bundle", 0, f"{-self.items_left} more than allowed")
        return announced

    def value(self, depth: int) -> Cbor:
        if depth > MAX_DEPTH:
            raise LimitExceeded("nesting of a bundle", MAX_DEPTH, depth)
        major, number = self.head()
        if major == _BYTES:
            return bytes(self.take(number))
        if major == _UINT:
            return number
        if major == _ARRAY:
            return [self.value(depth + 1) for _ in range(self.count(number, 1))]
        if major == _TEXT:
            return self.text(number)
        if major == _MAP:
            return self.map(self.count(number, 2), depth)
        raise self.fail("only unsigned integers, bytes, text, arrays and maps are allowed")

    def text(self, length: int) -> str:
        try:
            return str(self.take(length), "utf-8")
        except UnicodeDecodeError:
            raise self.fail("text is not UTF-8") from None

    def map(self, length: int, depth: int) -> dict[str, Cbor]:
        made: dict[str, Cbor] = {}
        last: bytes | None = None
        for _ in range(length):
            start = self.at
            key = self.value(depth + 1)
            encoded = bytes(self.data[start : self.at])
            if not isinstance(key, str):
                raise self.fail("keys of a map are text")
            if last is not None and encoded <= last:
                raise self.fail("keys of a map ascend, each once")
            last, made[key] = encoded, self.value(depth + 1)
        return made


def decode(data: bytes | memoryview, *, max_items: int, where: Where) -> Cbor:
    """
    Parse exactly one value that fills the input.

    Args:
        data: Untrusted. Byte strings are copied out of it, so that it can be released.
        max_items: Bound on all array items, keys and values together.

    Raises:
        MalformedBundle: Not in the one deterministic form, cut short, or followed by more bytes.
        LimitExceeded: Too many items, or nested too deep.
    """
    reader = _Reader(memoryview(data), max_items, where)
    value = reader.value(1)
    if reader.at != reader.end:
        raise reader.fail(f"{reader.end - reader.at} bytes stand after the end")
    return value
