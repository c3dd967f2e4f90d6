"""RLP: round trips against an independent codec, and one refusal for each accepted form."""

from __future__ import annotations

import pytest
import rlp as independent
from hypothesis import given, settings
from hypothesis import strategies as st

from verifier.codec import rlp
from verifier.codec.rlp import RlpLimits
from verifier.errors import NOWHERE, BadInput, LimitExceeded, Malformed, MalformedRlp, Where

ITEMS = st.recursive(st.binary(max_size=80), lambda inner: st.lists(inner, max_size=6), max_leaves=20)
DEEP = RlpLimits(max_depth=64)


@settings(max_examples=200, derandomize=True, deadline=None)
@given(ITEMS)
def test_what_we_encode_an_independent_codec_reads_and_the_reverse(item):
    """Our encoding is the one of the rlp package, and we read it back to the same item."""
    assert rlp.encode(item) == independent.encode(item)
    assert rlp.decode(independent.encode(item), NOWHERE, limits=DEEP) == item


@settings(max_examples=500, derandomize=True, deadline=None)
@given(
    st.binary(max_size=64)
    | ITEMS.map(independent.encode).flatmap(
        lambda raw: st.integers(0, len(raw) - 1).map(lambda n: raw[:n] + bytes([raw[n] ^ 0x55]) + raw[n + 1 :])
    )
)
def test_any_bytes_are_the_encoding_of_what_they_decode_to_or_are_refused(data):
    """Whatever is decoded encodes to the same bytes again: no value has two encodings."""
    try:
        item = rlp.decode(data, NOWHERE, limits=DEEP)
    except Malformed:
        return
    assert rlp.encode(item) == data
    assert independent.decode(data, strict=True) == item


@pytest.mark.parametrize("number", [0, 1, 0x7F, 0x80, 0xFF, 0x100, 2**64 - 1, 2**256 - 1])
def test_integers_go_both_ways(number):
    """An integer is its shortest bytes, and zero is the empty string."""
    raw = rlp.encode_uint(number)
    assert raw == independent.encode(number)
    assert rlp.decode_uint(rlp.decode(raw, NOWHERE), NOWHERE) == number


def test_an_integer_of_its_width_and_one_byte_more():
    """A field's width is kept: eight bytes for a nonce, and not nine."""
    assert rlp.decode_uint(b"\xff" * 8, NOWHERE, max_bytes=8) == 2**64 - 1
    with pytest.raises(MalformedRlp, match="9 bytes"):
        rlp.decode_uint(b"\xff" * 9, NOWHERE, max_bytes=8)


@pytest.mark.parametrize("size", [0, 1, 55, 56, 255, 256, 65_535, 65_536])
def test_lengths_around_the_borders_of_the_header_forms(size):
    """Strings and lists whose length changes the form of the header."""
    text = b"\xaa" * size
    assert rlp.decode(rlp.encode(text), NOWHERE) == text
    assert rlp.encode(text) == independent.encode(text)
    assert rlp.encode([text]) == independent.encode([text])


def test_a_flat_list_and_one_with_a_list_inside():
    """`decode_flat_list` takes strings only."""
    assert rlp.decode_flat_list(independent.encode([b"", b"a", b"b" * 60]), NOWHERE) == [b"", b"a", b"b" * 60]
    with pytest.raises(MalformedRlp, match="a list where a byte string"):
        rlp.decode_flat_list(independent.encode([b"", [], b"b" * 60]), NOWHERE)


@settings(max_examples=300, derandomize=True, deadline=None)
@given(st.binary(max_size=48) | st.lists(st.binary(max_size=60), max_size=8).map(independent.encode))
def test_the_flat_reader_agrees_with_the_plain_one(data):
    """The fast reader of flat lists takes what the plain reader takes, with the same content."""
    try:
        expected = rlp.decode_list(data, NOWHERE)
    except MalformedRlp:
        with pytest.raises(MalformedRlp):
            rlp.decode_flat_list(data, NOWHERE)
        return
    except LimitExceeded:
        with pytest.raises(Malformed):
            rlp.decode_flat_list(data, NOWHERE)
        return
    if all(isinstance(item, bytes) for item in expected):
        assert rlp.decode_flat_list(data, NOWHERE) == expected
    else:
        with pytest.raises(MalformedRlp):
            rlp.decode_flat_list(data, NOWHERE)


@pytest.mark.parametrize(
    ("limits", "fits", "exceeds", "what"),
    [
        (RlpLimits(max_bytes=4), [b"abc"[:2]], [b"abcd"], "RLP bytes"),
        (RlpLimits(max_items=3), [b"", b"", b""], [b"", b"", [b""]], "RLP items"),
        (RlpLimits(max_depth=2), [[b""]], [[[]]], "RLP depth"),
        (RlpLimits(max_depth=0), b"a", [], "RLP depth"),
    ],
)
def test_limits(limits, fits, exceeds, what):
    """What just fits is decoded; one more is refused, and the error names the limit."""
    assert rlp.decode(independent.encode(fits), NOWHERE, limits=limits) == fits
    with pytest.raises(LimitExceeded) as caught:
        rlp.decode(independent.encode(exceeds), NOWHERE, limits=limits)
    assert caught.value.what == what


def test_limits_of_the_flat_reader():
    """The flat reader keeps the same limits."""
    raw = independent.encode([b"a", b"b", b"c"])
    assert len(rlp.decode_flat_list(raw, NOWHERE, limits=RlpLimits(max_items=3, max_bytes=4))) == 3
    with pytest.raises(LimitExceeded, match="RLP items"):
        rlp.decode_flat_list(raw, NOWHERE, limits=RlpLimits(max_items=2))
    with pytest.raises(LimitExceeded, match="RLP bytes"):
        rlp.decode_flat_list(raw, NOWHERE, limits=RlpLimits(max_bytes=3))


def test_a_depth_limit_that_would_not_bound_recursion_is_refused():
    """Nobody can ask for a depth that Python's stack does not hold."""
    assert RlpLimits(max_depth=64).max_depth == 64
    with pytest.raises(BadInput, match="RLP depth limit"):
        RlpLimits(max_depth=65)


def test_errors_say_where():
    """The place that the caller gave stands in the error and in its sentence."""
    where = Where(network="base", address=bytes(20))
    assert rlp.decode(b"\x80", where) == b""
    with pytest.raises(MalformedRlp, match="base, address 0x0000") as caught:
        rlp.decode(b"\x81", where)
    assert caught.value.where == where


@pytest.mark.parametrize("value", [b"\x01" * 32, b""])
def test_fixed_widths(value):
    """A field of a fixed width has that width, or is refused; a list is no field."""
    assert rlp.expect_bytes(value, NOWHERE, width=len(value)) == value
    with pytest.raises(MalformedRlp, match="exactly 31"):
        rlp.expect_bytes(value, NOWHERE, width=31)
    with pytest.raises(MalformedRlp, match="a list where"):
        rlp.expect_bytes([value], NOWHERE, width=len(value))


def test_a_list_is_expected():
    """`expect_list` gives a list through, and refuses a string."""
    assert rlp.expect_list([b"a"], NOWHERE) == [b"a"]
    with pytest.raises(MalformedRlp, match="a byte string where a list"):
        rlp.expect_list(b"a", NOWHERE)


@pytest.mark.parametrize("wrong", [5, "a", None, [b"a", 5], bytearray(b"a")])
def test_only_bytes_and_lists_are_encoded(wrong):
    """Numbers and text are not guessed into bytes."""
    with pytest.raises(BadInput, match="RLP item"):
        rlp.encode(wrong)


@pytest.mark.parametrize("wrong", [-1, True, "1", 1.0])
def test_only_unsigned_integers_are_encoded(wrong):
    """A negative number, a bool, text or a float is not an unsigned integer."""
    assert rlp.encode_uint(1) == b"\x01"
    with pytest.raises(BadInput, match="RLP integer"):
        rlp.encode_uint(wrong)
