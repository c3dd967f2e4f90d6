"""How far ABI-encoded bytes reach, found before anything is built from them.

Offsets of an encoding may point many times at the same bytes: a few kilobytes then stand for gigabytes of values. In
the one strict encoding the parts follow one another, each once, so it is walked in time that grows with its length.

Source: Solidity's ABI specification, strict encoding mode.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat
from typing import TYPE_CHECKING, Any, Final

from verifier.errors import NotUsable, Where

if TYPE_CHECKING:
    from eth_abi.grammar import ABIType

_WORD: Final = 32


def check_extent(types: str, data: bytes, where: Where) -> None:
    """
    That some types' encoding at the start of bytes has its parts one after the other, and ends within them.

    Args:
        types: A parenthesised list that was found to be one.

    Raises:
        NotUsable: It does not.
    """
    from eth_abi.grammar import parse

    _Walk(types, data, where).extent(parse(types), 0)


class _Walk:
    def __init__(self, types: str, data: bytes, where: Where) -> None:
        self.types, self.data, self.where = types, data, where

    def extent(self, found: ABIType, start: int) -> int:
        """Bytes that a value takes from `start` on, all that its offsets lead to among them."""
        if not found.is_dynamic:
            return self._within(start, head_size(found))
        kind: Any = found
        if found.is_array:
            count, at = (kind.arrlist[-1][0], start) if kind.arrlist[-1] else (self._word(start), start + _WORD)
            size = head_size(found.item_type)
            self._within(at, count * size)
            if not found.item_type.is_dynamic:
                return at - start + count * size
            return at - start + self._parts(repeat(found.item_type, count), at, count * size)
        if hasattr(kind, "components"):
            parts: Sequence[ABIType] = kind.components
            return self._parts(parts, start, sum(map(head_size, parts)))
        return self._within(start, _WORD + -(-self._word(start) // _WORD) * _WORD)

    def _parts(self, parts: Any, start: int, tail: int) -> int:  # noqa: ANN401 - a sequence or a repeat of types
        """Heads at `start`, and their tails behind them in order, the first at `tail`."""
        at = start
        for part in parts:
            if part.is_dynamic:
                if self._word(at) != tail:
                    raise NotUsable(self.where, f"the output is not the strict encoding of {self.types}")
                tail += self.extent(part, start + tail)
            at += head_size(part)
        return self._within(start, tail)

    def _word(self, at: int) -> int:
        self._within(at, _WORD)
        return int.from_bytes(self.data[at : at + _WORD], "big")

    def _within(self, start: int, size: int) -> int:
        if start + size > len(self.data):
            raise NotUsable(self.where, f"{len(self.data)} bytes of output are no {self.types}: it would be longer")
        return size


def head_size(found: ABIType) -> int:
    """Bytes of a value where it stands: an offset where it is dynamic."""
    kind: Any = found
    if found.is_dynamic:
        return _WORD
    if found.is_array:
        return int(kind.arrlist[-1][0]) * head_size(found.item_type)
    if hasattr(kind, "components"):
        return sum(map(head_size, kind.components))
    return _WORD
