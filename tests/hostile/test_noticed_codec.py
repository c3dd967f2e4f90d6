"""Bounds of the codecs that stand exactly where a type's own bounds are."""

from __future__ import annotations

import pytest

from verifier.codec.abi import pad_bytesn, pad_uint
from verifier.errors import BadInput
from verifier.primitives import MAX_UINT256


def test_the_widest_and_the_narrowest_keys_are_keys() -> None:
    """One byte and 32 of them, zero and the greatest integer; one more or less is none."""
    assert pad_bytesn(b"\x07") == b"\x07".ljust(32, b"\0")
    assert pad_bytesn(b"\x07" * 32) == b"\x07" * 32
    assert pad_uint(0) == bytes(32)
    assert pad_uint(MAX_UINT256) == b"\xff" * 32
    for width in (0, 33):
        with pytest.raises(BadInput, match="1 to 32 bytes"):
            pad_bytesn(bytes(width))
    for value in (-1, MAX_UINT256 + 1):
        with pytest.raises(BadInput, match="unsigned 256-bit"):
            pad_uint(value)
