"""Numbers, times and addresses as people write them, into exact integers.

A TOML float has lost digits before we see it, so money and rates come as strings or integers. Every function raises
`ValueError` with a sentence that says what to write instead; the caller knows the key.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Final

from verifier.crypto.keccak import keccak256
from verifier.errors import BadInput
from verifier.policy import PPM
from verifier.primitives import Address, Hash32, Timestamp, address, nonzero_hash, parse_hex, timestamp

MAX_DIGITS: Final = 78
"""As many as 2^256 has: more digits than any balance are a mistake."""

_DECIMAL: Final = re.compile(r"-?(0|[1-9][0-9]{0,77})(\.[0-9]{1,36})?", re.ASCII)
_SPAN: Final = re.compile(r"([0-9]{1,9})\s?(s|m|h|d)", re.ASCII)
_SECONDS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_RFC3339: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.0+)?([Zz]|[+-][0-9]{2}:[0-9]{2})", re.ASCII
)


def exact_decimal(value: object) -> Decimal:
    """An exact number from an integer or a plain decimal string."""
    if isinstance(value, float):
        raise ValueError(  # noqa: TRY004 - pydantic takes ValueError
            f'a float has already lost digits: write it as a string, such as "{value}"'
        )
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError('expected a number as a string, such as "1234.50"')  # noqa: TRY004
    text = str(value) if isinstance(value, str) or abs(value) < 10**MAX_DIGITS else ""
    if _DECIMAL.fullmatch(text) is None:
        raise ValueError('expected plain digits with at most one point, such as "1234.50" (no commas, no exponent)')
    try:
        return Decimal(text)
    except InvalidOperation:  # pragma: no cover - the pattern admits nothing that Decimal refuses
        raise ValueError("expected a number") from None


def positive_decimal(value: object) -> Decimal:
    """An exact number above zero."""
    number = exact_decimal(value)
    if number <= 0:
        raise ValueError("expected a number above zero")
    return number


def scaled(value: Decimal, decimals: int, what: str = "amount") -> int:
    """An exact number in units of 10^-decimals; digits beyond that are refused, never rounded away."""
    sign, digits, exponent = value.as_tuple()
    shift = int(exponent) + decimals
    units: int = int("".join(map(str, digits)))
    if shift < 0:
        units, rest = divmod(units, 10 ** (-shift))
        if rest:
            raise ValueError(f"{what} has more than {decimals} digits after the point")
    else:
        units *= int(10**shift)
    return -units if sign else units


def rate_ppm(value: object) -> int:
    """A rate in parts per million from a percent string ("5%") or a fraction string ("0.05")."""
    if isinstance(value, str) and value.endswith("%"):
        number = exact_decimal(value[:-1].strip()) / 100
    else:
        number = exact_decimal(value)
    if number < 0:
        raise ValueError("expected a rate of at least zero")
    try:
        return scaled(number, 6, "rate")
    except ValueError:
        raise ValueError('a rate has at most four digits after the point as a percentage, such as "2.5%"') from None


def share_ppm(value: object) -> int:
    """A rate of at most 100%."""
    rate = rate_ppm(value)
    if rate > PPM:
        raise ValueError('expected at most "100%"')
    return rate


def weight_ppm(value: object) -> int:
    """A weight of at least 1, in parts per million."""
    rate = rate_ppm(value)
    if rate < PPM:
        raise ValueError('a debt weighs at least "1" (100%): a debt is marked up, never down')
    return rate


def span_seconds(value: object) -> int:
    """Seconds from an integer or from text such as "90s", "30m", "2h", "1d"."""
    if isinstance(value, int) and not isinstance(value, bool):
        if 0 <= value < 10**9:
            return value
    elif isinstance(value, str) and (found := _SPAN.fullmatch(value.strip())):
        return int(found[1]) * _SECONDS[found[2]]
    raise ValueError('expected whole seconds, or text such as "90s", "30m", "2h", "1d"')


def moment(value: object) -> Timestamp:
    """Unix seconds from an integer, an RFC 3339 string with its offset, or a TOML date-time with its offset."""
    if isinstance(value, bool | float):
        raise ValueError('expected a time such as "2026-11-24T04:00:00Z"')  # noqa: TRY004
    try:
        if isinstance(value, int):
            return timestamp(value)
        return timestamp(_unix(value))
    except (BadInput, OverflowError) as error:
        raise ValueError("expected a time between 1970 and 9999") from error


def _unix(value: object) -> int:
    if isinstance(value, str):
        if _RFC3339.fullmatch(value) is None:
            raise ValueError('expected a time in whole seconds with its offset, such as "2026-11-24T04:00:00Z"')
        value = datetime.fromisoformat(value.upper().replace(" ", "T"))
    if not isinstance(value, datetime):
        raise ValueError(  # noqa: TRY004
            'expected a time such as "2026-11-24T04:00:00Z" (a date alone names no moment)'
        )
    if value.tzinfo is None:
        raise ValueError("a time needs its offset: end it with Z for UTC")
    if value.microsecond:
        raise ValueError("expected whole seconds: blocks have no fractions")
    return int(value.timestamp())


def rfc3339(at: int) -> str:
    """Unix seconds as RFC 3339 in UTC; seconds beyond the year 9999 as plain digits."""
    if not 0 <= at < 253_402_300_800:
        return str(at)
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def checksummed(value: Address) -> str:
    """The address in EIP-55 spelling: upper case where the hash of the lower-case text has a nibble above 7."""
    text = value.hex()
    digest = keccak256(text.encode("ascii")).hex()
    return "0x" + "".join(c.upper() if int(d, 16) > 7 else c for c, d in zip(text, digest, strict=False))


def given_address(value: object) -> Address:
    """An address: all lower or all upper case as it stands, mixed case only with a right EIP-55 checksum."""
    try:
        made = address(parse_hex(value, "address"))
    except BadInput:
        raise ValueError(f"expected an address: 0x and 40 hex digits, got {_brief(value)}") from None
    digits = str(value)[2:]
    if digits not in (digits.lower(), digits.upper()) and str(value) != checksummed(made):
        raise ValueError(f"{value} is not spelled with its EIP-55 checksum: a digit or its case is wrong")
    return made


def given_hash(value: object) -> Hash32:
    """A block hash: 32 bytes, not all zero."""
    try:
        return nonzero_hash(parse_hex(value, "hash"))
    except BadInput as error:
        zero = "not all zero" in str(error)
        reason = "a hash of only zeros is an unset field, not a block" if zero else "expected 0x and 64 hex digits"
        raise ValueError(reason) from None


def given_denied(value: object) -> bytes:
    """A root, game or checkpoint on the denylist: 20 or 32 bytes."""
    try:
        found = parse_hex(value, "denied")
    except BadInput:
        found = b""
    if len(found) not in {20, 32}:
        raise ValueError("expected 0x and 40 or 64 hex digits: an address or a hash")
    return found


def _brief(value: object) -> str:
    text = repr(value) if isinstance(value, str) else type(value).__name__
    return text if len(text) <= 60 else text[:60] + "…"
