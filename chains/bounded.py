"""HTTP with every limit that the web's own clients leave to the server. JSON-RPC and the beacon API both go through it.

What it refuses:

- redirects, cookies, proxies, `.netrc` and everything else that the environment or a server would add;
- more than a number of *decoded* bytes, more than a total time, fewer than a number of bytes a second;
- compression other than one layer of gzip, which is unpacked in bounded steps;
- link-local, multicast and unspecified addresses, looked at when the connection is made, not before.

Its errors are our own, without cause or context, since aiohttp's hold the URL.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from chains.endpoint import Endpoint
from chains.errors import (
    BadStatus,
    FetchError,
    ForbiddenAddress,
    RateLimited,
    Redirected,
    RequestTooLarge,
    TimedOut,
    TooLarge,
    TooSlow,
    Unreachable,
)
from chains.transport import Meter, ResponseLimits, is_forbidden, parse_retry_after, unpacker

ERROR_BODY: Final = 1 << 16
"""Bytes read of the body of a failed exchange."""
USER_AGENT: Final = "xmargin"
SAYS_WHY: Final = (400, 403, 404, 405, 422, 500)
"""Failing statuses whose body some servers use to say what is wrong."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request; `path` is appended to the endpoint's own, `body` makes it a POST."""

    headers: Mapping[str, str]
    path: str = ""
    query: str = ""
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Response:
    """The decoded body of a 200, and the headers that a reader may look at."""

    body: bytes
    headers: Mapping[str, str]


Explain = Callable[[int, bytes], FetchError | None]
"""What the body of a failing status says, or None where it says nothing."""


class BoundedHttp:
    """One endpoint over HTTP with bounded reads. Use it in one event loop, and close it there."""

    def __init__(self, endpoint: Endpoint, limits: ResponseLimits, explain: Explain) -> None:
        self.endpoint, self.limits, self.meter = endpoint, limits, Meter()
        self._explain = explain
        self._session: aiohttp.ClientSession | None = None

    async def send(self, request: Request, seconds: float | None = None, *, calls: int = 1) -> Response:
        """
        The answer to one request.

        Raises:
            FetchError: There is none within the limits.
        """
        limit = min(self.limits.total_seconds, seconds if seconds is not None else self.limits.total_seconds)
        self.meter.calls += calls
        self.meter.round_trips += 1
        outcome = await self._attempt(request, limit)
        # Raised here, outside any handler and without its old frames: context and locals there hold the URL.
        if isinstance(outcome, FetchError):
            raise outcome.with_traceback(None)
        return outcome

    async def aclose(self) -> None:
        """Close the connections; a later request opens new ones."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _attempt(self, request: Request, seconds: float) -> Response | FetchError:
        name = self.endpoint.name
        try:
            async with asyncio.timeout(seconds), self._request(request) as response:
                return await self._answer(response)
        except FetchError as error:
            return error
        except TimeoutError:
            return TimedOut(name, seconds)
        except aiohttp.ClientError as error:
            return _translated(error, name)
        except (OSError, ValueError) as error:
            return Unreachable(name, f"no connection ({type(error).__name__})")

    @asynccontextmanager
    async def _request(self, request: Request) -> AsyncIterator[aiohttp.ClientResponse]:
        if self._session is None:
            self._session = self._opened()
        url, extra = self.endpoint.secret.reveal()
        headers = {"Accept-Encoding": "gzip", **request.headers, **extra}
        method = "GET" if request.body is None else "POST"
        place = _joined(url, request)
        async with self._session.request(
            method, place, data=request.body, headers=headers, allow_redirects=False
        ) as response:
            yield response

    def _opened(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(limit=self.endpoint.concurrency, resolver=_CheckedResolver(self.endpoint.name))
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=self.limits.connect_seconds),
            headers={"User-Agent": USER_AGENT},
        )

    async def _answer(self, response: aiohttp.ClientResponse) -> Response:
        name, status = self.endpoint.name, response.status
        if 300 <= status < 400:
            raise Redirected(name, status)
        if status != 200:
            raise await self._failure(response)
        body = await self._read(response, self.limits.decoded_bytes)
        return Response(body, {key.lower(): value for key, value in response.headers.items()})

    async def _failure(self, response: aiohttp.ClientResponse) -> FetchError:
        name, status = self.endpoint.name, response.status
        wait = parse_retry_after(response.headers.get("Retry-After"), time.time())
        if status == 429:
            return RateLimited(name, status, wait)
        if status == 413:
            return RequestTooLarge(name, status)
        if status in SAYS_WHY:
            said = self._explain(status, await self._read(response, ERROR_BODY))
            if said is not None:
                return said
        return BadStatus(name, status, wait)

    async def _read(self, response: aiohttp.ClientResponse, limit: int) -> bytes:
        unpack = unpacker(response.headers.getall("Content-Encoding", []), self.endpoint.name)
        started, raw, parts, size = time.monotonic(), 0, list[bytes](), 0
        async for chunk in response.content.iter_any():
            raw += len(chunk)
            self.meter.bytes += len(chunk)
            self._check_speed(raw, time.monotonic() - started)
            if raw > limit:
                raise TooLarge(self.endpoint.name, limit)
            for part in unpack.feed(chunk):
                size += len(part)
                if size > limit:
                    raise TooLarge(self.endpoint.name, limit)
                parts.append(part)
        unpack.finish()
        return self.endpoint.secret.blind(b"".join(parts))

    def _check_speed(self, received: int, elapsed: float) -> None:
        late = elapsed - self.limits.grace_seconds
        if late > 0 and received < late * self.limits.bytes_per_second:
            raise TooSlow(self.endpoint.name, self.limits.bytes_per_second)


def _joined(url: str, request: Request) -> URL | str:
    """The endpoint's URL with a request's path and query; a key may be part of either already."""
    if not request.path and not request.query:
        return url
    parts = urlsplit(url)
    query = "&".join(text for text in (parts.query, request.query) if text)
    return URL(urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/") + request.path, query, "")), encoded=True)


# --- pieces ----------------------------------------------------------------------------------------------


class _CheckedResolver(AbstractResolver):
    """The system's resolver, with each address looked at right before the connection is made to that very address."""

    def __init__(self, name: str) -> None:
        self._name, self._system = name, aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._system.resolve(host, port, family)
        for result in found:
            if is_forbidden(result["host"]):
                raise ForbiddenAddress(self._name, "the host name leads to an address where no endpoint lives")
        return found

    async def close(self) -> None:
        await self._system.close()


def _translated(error: aiohttp.ClientError, name: str) -> FetchError:
    """Our error for aiohttp's, with nothing of its text: that holds the URL."""
    if isinstance(error.__cause__, ForbiddenAddress):
        return error.__cause__
    words: tuple[tuple[type[Exception], str], ...] = (
        (aiohttp.ClientConnectorCertificateError, "its certificate is not valid"),
        (aiohttp.ClientSSLError, "no TLS connection"),
        (aiohttp.ClientConnectorDNSError, "its host name is not known"),
        (aiohttp.ClientConnectorError, "no connection"),
        (aiohttp.ServerDisconnectedError, "closed the connection without an answer"),
        (aiohttp.ClientPayloadError, "broke off in the middle of its answer"),
        (aiohttp.ClientResponseError, "does not speak HTTP as we do"),
    )
    return Unreachable(name, next((text for kind, text in words if isinstance(error, kind)), "no exchange"))
