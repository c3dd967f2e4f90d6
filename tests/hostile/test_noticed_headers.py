"""Checks of header decoding whose removal no other test would notice."""

from __future__ import annotations

import pytest
import rlp

from tests.simulators.chain import header_fields
from verifier.errors import LimitExceeded, MalformedHeader, Where
from verifier.headers.decode import decode_header
from verifier.network import Dialect, Family
from verifier.policy import DEFAULT_LIMITS

WHERE = Where(network="test")
TWO = Family("two", (Dialect.ETHEREUM, Dialect.AURA))
ONE = Family("one", (Dialect.ETHEREUM,))
NONE = Family("none", ())


def test_a_number_may_fill_its_width() -> None:
    """Eight bytes of block number are a number; nine are none."""
    widest = rlp.encode(header_fields(2**64 - 1, 1))
    assert decode_header(widest, ONE, WHERE).number == 2**64 - 1
    with pytest.raises(MalformedHeader, match="number is no shortest integer of at most 8 bytes"):
        decode_header(rlp.encode(header_fields(2**64, 1)), ONE, WHERE)


def test_what_is_told_is_the_likeliest_dialects_complaint() -> None:
    """Of several dialects the first one's; a family without any says so."""
    bad = rlp.encode(header_fields(2**64, 1))
    with pytest.raises(MalformedHeader, match="number is no shortest integer") as caught:
        decode_header(bad, TWO, WHERE)
    with pytest.raises(MalformedHeader) as alone:
        decode_header(bad, ONE, WHERE)
    assert str(caught.value) == str(alone.value)
    with pytest.raises(MalformedHeader, match="no header dialect"):
        decode_header(bad, NONE, WHERE)


@pytest.mark.covers("RLP-09")
def test_a_header_is_bounded_before_it_is_read() -> None:
    """At the limit it is read, and refused for what it is; one byte more is not looked at."""
    fields = header_fields(1, 1)
    pad = DEFAULT_LIMITS.header_bytes - len(rlp.encode(fields)) - 4 + len(fields[12])
    at_limit = rlp.encode([*fields[:12], bytes([7]) * pad, *fields[13:]])
    over = rlp.encode(
        [*fields[:12], bytes([7]) * (pad + DEFAULT_LIMITS.header_bytes - len(at_limit) + 1), *fields[13:]]
    )
    fits = rlp.encode([*fields[:12], bytes([7]) * (pad + DEFAULT_LIMITS.header_bytes - len(at_limit)), *fields[13:]])
    assert (len(fits), len(over)) == (DEFAULT_LIMITS.header_bytes, DEFAULT_LIMITS.header_bytes + 1)
    assert decode_header(fits, ONE, WHERE).number == 1
    with pytest.raises(LimitExceeded):
        decode_header(over, ONE, WHERE)


def test_fields_of_newer_forks_are_counted() -> None:
    """A Prague header has none; one more field, known or not, is one that the judge of calls does not know."""
    prague = header_fields(1, 1)
    for more in range(3):
        fields = [*prague, *[b"\x22" * 32, b"\x07"][:more]]
        assert decode_header(rlp.encode(fields), ONE, WHERE).block.newer == more
