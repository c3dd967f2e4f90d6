"""Recursive Length Prefix, strict: one value has one encoding, and every other one is refused.

Refused are bytes after the item, a longer length form than needed, a leading zero in a length, a single byte below
0x80 in a wrapper, a length that runs past its container, and (in integers) a leading zero. Sizes, counts and depth
are bounded before content is looked at. A reader says what it expects, a string or a list; nothing is guessed.

Source: Yellow Paper, appendix B; the invalid vectors of ethereum/tests, RLPTests.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias, Union

from verifier.errors import BadInput, LimitExceeded, MalformedRlp, Where

Item: TypeAlias = Union[bytes, list["Item"]]
"""A byte string, or a list of items."""

Encodable: TypeAlias = Union[bytes, Sequence["Encodable"]]


@dataclass(frozen=True, slots=True)
class RlpLimits:
    """Beyond these nothing is decoded.

    Attributes:
        max_bytes: Of the whole encoding.
        max_items: Of all lists together, nested ones included.
        max_depth: Lists within lists; a flat list has depth 1.
    """

    max_bytes: int = 1 << 20
    max_items: int = 65_536
    max_depth: int = 8

    def __post_init__(self) -> None:
        if not 0 <= self.max_depth <= 64:
            raise BadInput("RLP depth limit", "0 to 64", self.max_depth)


DEFAULT: Final = RlpLimits()

_MAX_LENGTH_BYTES: Final = 8


def decode(data: bytes, where: Where, *, limits: RlpLimits = DEFAULT) -> Item:
    """The one item that `data` encodes, all of it, in canonical form.

    Raises:
        LimitExceeded: Larger, longer or deeper than the limits.
        MalformedRlp: Not canonical, cut off, or followed by more bytes.
    """
    if len(data) > limits.max_bytes:
        raise LimitExceeded("RLP bytes", limits.max_bytes, len(data))
    is_list, start, stop = _header(data, 0, len(data), where)
    if stop != len(data):
        raise MalformedRlp(where, "bytes after the item", data[stop : stop + 32])
    if not is_list:
        return data[start:stop]
    return _Reader(data, where, limits).items(start, stop, 1)


def decode_list(data: bytes, where: Where, *, limits: RlpLimits = DEFAULT) -> list[Item]:
    """The items of the one list that `data` encodes. Raises as `decode`, and MalformedRlp for a string."""
    item = decode(data, where, limits=limits)
    if isinstance(item, bytes):
        raise MalformedRlp(where, "a byte string where a list is due", item)
    return item


def decode_flat_list(data: bytes, where: Where, *, limits: RlpLimits = DEFAULT) -> list[bytes]:
    """The items of a list that holds byte strings only. Raises as `decode`, and MalformedRlp for an inner list."""
    if len(data) > limits.max_bytes:
        raise LimitExceeded("RLP bytes", limits.max_bytes, len(data))
    is_list, position, end = _header(data, 0, len(data), where)
    if end != len(data):
        raise MalformedRlp(where, "bytes after the item", data[end : end + 32])
    if not is_list:
        raise MalformedRlp(where, "a byte string where a list is due", data)
    found: list[bytes] = []
    while position < end:
        is_list, start, stop = _header(data, position, end, where)
        if is_list:
            raise MalformedRlp(where, "a list where a byte string is due", data[position : position + 32])
        if len(found) == limits.max_items:
            raise LimitExceeded("RLP items", limits.max_items, len(found) + 1)
        found.append(data[start:stop])
        position = stop
    return found


def expect_bytes(item: Item, where: Where, *, width: int | None = None) -> bytes:
    """The item as a byte string, of exactly `width` bytes if one is given; MalformedRlp otherwise."""
    if not isinstance(item, bytes):
        raise MalformedRlp(where, "a list where a byte string is due", f"{len(item)} items")
    if width is not None and len(item) != width:
        raise MalformedRlp(where, f"{len(item)} bytes where exactly {width} are due", item)
    return item


def expect_list(item: Item, where: Where) -> list[Item]:
    """The item as a list; MalformedRlp for a byte string."""
    if isinstance(item, bytes):
        raise MalformedRlp(where, "a byte string where a list is due", item)
    return item


def decode_uint(data: Item, where: Where, *, max_bytes: int = 32) -> int:
    """An unsigned integer from the content of a byte string: big-endian, no leading zero, zero is empty.

    Args:
        data: The decoded item, not its encoding.
        max_bytes: The width of the field: 8 for a nonce, 32 for a balance.

    Raises:
        MalformedRlp: A leading zero byte, more bytes than the field has, or a list.
    """
    content = expect_bytes(data, where)
    if len(content) > max_bytes:
        raise MalformedRlp(where, f"an integer of {len(content)} bytes where at most {max_bytes} are due", content)
    if content[:1] == b"\x00":
        raise MalformedRlp(where, "an integer with a leading zero byte", content)
    return int.from_bytes(content, "big")


def encode(item: Encodable) -> bytes:
    """The canonical encoding of a byte string or of (nested) sequences of them.

    Raises:
        BadInput: Something else than bytes and sequences of bytes.
    """
    if isinstance(item, bytes):
        if len(item) == 1 and item[0] < 0x80:
            return item
        return _prefix(0x80, len(item)) + item
    if not isinstance(item, list | tuple):
        raise BadInput("RLP item", "bytes, or a list of items", item)
    body = b"".join([encode(part) for part in item])
    return _prefix(0xC0, len(body)) + body


def encode_uint(number: int) -> bytes:
    """The canonical encoding of an unsigned integer: shortest big-endian bytes, zero as the empty string."""
    if type(number) is not int or number < 0:
        raise BadInput("RLP integer", "an unsigned integer", number)
    return encode(number.to_bytes((number.bit_length() + 7) // 8, "big"))


class _Reader:
    """Reads nested lists of one encoding, counting what it makes."""

    __slots__ = ("count", "data", "limits", "where")

    def __init__(self, data: bytes, where: Where, limits: RlpLimits) -> None:
        self.data, self.where, self.limits = data, where, limits
        self.count = 0

    def items(self, position: int, end: int, depth: int) -> list[Item]:
        """The items between two positions. Recursion ends at the depth limit, before the content is read."""
        if depth > self.limits.max_depth:
            raise LimitExceeded("RLP depth", self.limits.max_depth, depth)
        found: list[Item] = []
        while position < end:
            is_list, start, stop = _header(self.data, position, end, self.where)
            self.count += 1
            if self.count > self.limits.max_items:
                raise LimitExceeded("RLP items", self.limits.max_items, self.count)
            found.append(self.items(start, stop, depth + 1) if is_list else self.data[start:stop])
            position = stop
        return found


def _header(data: bytes, position: int, end: int, where: Where) -> tuple[bool, int, int]:
    """Whether the item at `position` is a list, and where its content starts and stops; never past `end`."""
    if position >= end:
        raise MalformedRlp(where, "an item is cut off before its first byte")
    first = data[position]
    if first < 0x80:
        return False, position, position + 1
    is_list = first >= 0xC0
    short = first - (0xC0 if is_list else 0x80)
    start = position + 1
    if short > 55:
        start, length = _long_length(data, start, short - 55, end, where)
    else:
        length = short
    if length > end - start:
        raise MalformedRlp(where, f"a length of {length} bytes where {end - start} are left", data[position:start])
    if not is_list and length == 1 and data[start] < 0x80:
        raise MalformedRlp(where, "a single byte below 0x80 in a wrapper", data[position : start + 1])
    return is_list, start, start + length


def _long_length(data: bytes, start: int, width: int, end: int, where: Where) -> tuple[int, int]:
    """Where the content starts, and its length, of an item whose length is itself `width` bytes (1 to 8)."""
    if width > end - start:
        raise MalformedRlp(where, "cut off within a length", data[start - 1 : end][:_MAX_LENGTH_BYTES])
    digits = data[start : start + width]
    if digits[0] == 0:
        raise MalformedRlp(where, "a length with a leading zero byte", digits)
    length = int.from_bytes(digits, "big")
    if length <= 55:
        raise MalformedRlp(where, "the long form for a content of fewer than 56 bytes", digits)
    return start + width, length


def _prefix(base: int, length: int) -> bytes:
    if length <= 55:
        return bytes((base + length,))
    digits = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((base + 55 + len(digits),)) + digits
