"""Numbers, times and addresses as people write them: exact, or refused with a sentence."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verifier.app.quantities import (
    checksummed,
    exact_decimal,
    given_address,
    given_hash,
    moment,
    rate_ppm,
    rfc3339,
    scaled,
    share_ppm,
    span_seconds,
    weight_ppm,
)
from verifier.primitives import Address

CHECKSUMS = (  # EIP-55, test cases of the specification
    "0x52908400098527886E0F7030069857D2E4169EE7",
    "0xde709f2102306220921060314715629080e2fb77",
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
    "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
    "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
)


@pytest.mark.parametrize("text", CHECKSUMS)
def test_the_specification_s_addresses_are_taken_and_spelled_back(text: str) -> None:
    """EIP-55's own cases."""
    assert checksummed(given_address(text)) == text or text in {text.lower(), text.upper()}


@pytest.mark.parametrize("text", CHECKSUMS[2:])
def test_one_letter_of_the_wrong_case_is_refused(text: str) -> None:
    """The sibling of the above: one letter's case is swapped."""
    at = next(i for i, c in enumerate(text) if i > 1 and c.isalpha())
    with pytest.raises(ValueError, match="EIP-55 checksum"):
        given_address(text[:at] + text[at].swapcase() + text[at + 1 :])


@pytest.mark.parametrize("value", ["0x12", "5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "", 7, None, "0x" + "g" * 40])
def test_what_is_no_address_is_refused(value: object) -> None:
    """Length, prefix, digits and type."""
    with pytest.raises(ValueError, match="0x and 40 hex digits"):
        given_address(value)


@pytest.mark.covers("HDR-11")
def test_a_hash_of_zeros_is_an_unset_field() -> None:
    """Any other hash is taken; the zero hash is not, and the sentence says why."""
    assert given_hash("0x" + "00" * 31 + "01")[-1] == 1
    with pytest.raises(ValueError, match="unset field"):
        given_hash("0x" + "00" * 32)
    with pytest.raises(ValueError, match="64 hex digits"):
        given_hash("0x" + "01" * 31)


@pytest.mark.parametrize(
    ("written", "ppm"), [("5%", 50_000), ("0.05", 50_000), ("2.5%", 25_000), ("0", 0), (0, 0), (1, 1_000_000)]
)
def test_rates_are_exact(written: object, ppm: int) -> None:
    """Percent and fraction say the same."""
    assert share_ppm(written) == ppm


@pytest.mark.parametrize(
    ("written", "words"),
    [(0.05, "lost digits"), ("101%", "at most"), ("-1%", "at least zero"), ("0.00001%", "four digits"), ("5 %%", "plain digits"), (True, "as a string"), ("1e-2", "no exponent")],
)  # fmt: skip
def test_rates_that_cannot_be_are_refused(written: object, words: str) -> None:
    """Each with the sentence that says what to write."""
    with pytest.raises(ValueError, match=words):
        share_ppm(written)


def test_a_debt_is_marked_up_never_down() -> None:
    """A weight of one is the least; just below it is refused."""
    assert weight_ppm("1") == 1_000_000
    with pytest.raises(ValueError, match="never down"):
        weight_ppm("0.999999")


@pytest.mark.parametrize(
    ("written", "seconds"), [(90, 90), ("90s", 90), ("30m", 1_800), ("2h", 7_200), ("1 d", 86_400)]
)
def test_spans(written: object, seconds: int) -> None:
    """Seconds, minutes, hours, days."""
    assert span_seconds(written) == seconds


@pytest.mark.parametrize("written", [-1, True, 1.5, "1w", "m", "", "1h30m", 10**9])
def test_spans_that_cannot_be_are_refused(written: object) -> None:
    """No fraction, no sign, no other unit."""
    with pytest.raises(ValueError, match="whole seconds"):
        span_seconds(written)


@pytest.mark.parametrize(
    "written", ["2026-11-24T04:00:00Z", "2026-11-24T05:00:00+01:00", "2026-11-24t04:00:00z", 1_795_492_800]
)
def test_a_moment_has_one_value(written: object) -> None:
    """However its offset is written."""
    assert moment(written) == 1_795_492_800
    assert rfc3339(moment(written)) == "2026-11-24T04:00:00Z"


@pytest.mark.parametrize(
    "written", ["2026-11-24T04:00:00", "2026-11-24", "2026-11-24T04:00:00.5Z", "2026-13-24T04:00:00Z", 1.5, True, -1, 2**64, "1960-01-01T00:00:00Z"]
)  # fmt: skip
def test_a_moment_that_is_none_is_refused(written: object) -> None:
    """Without offset, with fractions, out of range, or of another type."""
    with pytest.raises(ValueError, match=r"."):
        moment(written)


@given(st.integers(-(10**40), 10**40), st.integers(0, 18))
@settings(max_examples=200, derandomize=True)
def test_scaling_loses_nothing(units: int, decimals: int) -> None:
    """An amount written with its decimals comes back as the same units."""
    sign, digits = "-" if units < 0 else "", str(abs(units)).zfill(decimals + 1)
    text = sign + (digits[:-decimals] + "." + digits[-decimals:] if decimals else digits)
    assert scaled(exact_decimal(text), decimals) == units


def test_a_digit_too_many_is_refused_not_rounded() -> None:
    """Six digits fit a token of six decimals; a seventh does not."""
    assert scaled(Decimal("0.000001"), 6) == 1
    with pytest.raises(ValueError, match="more than 6 digits"):
        scaled(Decimal("0.0000001"), 6)


def test_a_float_is_refused_with_its_cure() -> None:
    """The same number in quotes is taken."""
    assert exact_decimal("3000.12") == Decimal("3000.12")
    with pytest.raises(ValueError, match=r'such as "3000\.12"'):
        exact_decimal(3000.12)
    assert rate_ppm("3000") == 3_000_000_000


def test_checksums_are_of_twenty_bytes() -> None:
    """The zero address has no letters to raise."""
    assert checksummed(Address(bytes(20))) == "0x" + "0" * 40
