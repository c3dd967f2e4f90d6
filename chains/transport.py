"""What every way of asking an endpoint has in common: its limits, its meter, and how a body is read within bounds.

Nothing here loads an HTTP or web3 module, so that whoever only needs the words does not wait for those.
"""

from __future__ import annotations

import ipaddress
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Final, Protocol

from chains.errors import BadAnswer, FetchError
from chains.replies import Call

CHUNK: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class ResponseLimits:
    """What one exchange may take.

    Attributes:
        decoded_bytes: After decompression; geth answers with at most 25 MB.
        total_seconds: From the first byte sent to the last byte read.
        connect_seconds: For name, address and TLS.
        bytes_per_second: Least average speed of the body, once `grace_seconds` have passed since its headers.
    """

    decoded_bytes: int = 32 << 20
    total_seconds: float = 30.0
    connect_seconds: float = 10.0
    bytes_per_second: int = 2_000
    grace_seconds: float = 4.0


DEFAULT_RESPONSE_LIMITS: Final = ResponseLimits()


@dataclass(slots=True)
class Meter:
    """What an endpoint was asked so far."""

    calls: int = 0
    round_trips: int = 0
    bytes: int = 0


class Transport(Protocol):
    """A way to put calls to one endpoint."""

    limits_enforced: bool
    meter: Meter

    async def exchange(self, calls: Sequence[Call], seconds: float) -> list[object | FetchError]:
        """The result, or the error, of each call, in their order; raises FetchError where there was no exchange."""
        ...

    async def aclose(self) -> None:
        """Let go of connections."""
        ...


def is_forbidden(text: str) -> bool:
    """Whether an address is link-local (cloud metadata lives there), multicast or unspecified, also inside IPv6."""
    try:
        address = ipaddress.ip_address(text.split("%", 1)[0])
    except ValueError:
        return True
    mapped = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None) or address
    return any(a.is_link_local or a.is_multicast or a.is_unspecified for a in (address, mapped))


def parse_retry_after(value: str | None, now: float) -> float | None:
    """Seconds to wait, from a Retry-After header in seconds or as an HTTP date; None where it says nothing."""
    if value is None or len(value) > 64:
        return None
    if value.isascii() and value.isdigit():
        return float(min(int(value), 86_400))
    try:
        return min(max(0.0, parsedate_to_datetime(value).timestamp() - now), 86_400.0)
    except (TypeError, ValueError, OverflowError):
        return None


# --- compressed bodies ------------------------------------------------------------------------------------


class Plain:
    """A body that is not compressed."""

    def feed(self, chunk: bytes) -> tuple[bytes, ...]:
        """The chunk as it came."""
        return (chunk,)

    def finish(self) -> None:
        """Any end is a good one."""


class Gzip:
    """One gzip member, unpacked in bounded steps; a second member or trailing bytes are refused."""

    def __init__(self, name: str) -> None:
        self._name, self._inflate = name, zlib.decompressobj(wbits=31)

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """What the chunk unpacks to, in parts of bounded size."""
        pending = chunk
        while pending:
            try:
                part = self._inflate.decompress(pending, CHUNK)
            except zlib.error:
                raise BadAnswer(self._name, "broken gzip") from None
            if self._inflate.unused_data:
                raise BadAnswer(self._name, "bytes after the end of gzip")
            pending = self._inflate.unconsumed_tail
            if part:
                yield part

    def finish(self) -> None:
        """Refuse a stream that breaks off."""
        if not self._inflate.eof:
            raise BadAnswer(self._name, "gzip that ends in the middle")


def unpacker(encodings: Sequence[str], name: str) -> Plain | Gzip:
    """What unpacks a body of these encodings; anything but one layer of gzip was not asked for."""
    layers = [word.strip().lower() for value in encodings for word in value.split(",")]
    if layers in ([], ["identity"]):
        return Plain()
    if layers == ["gzip"]:
        return Gzip(name)
    raise BadAnswer(name, "an encoding that was not asked for")
