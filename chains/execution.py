"""JSON-RPC over HTTP with every limit that the web's own clients leave to the server: a provider for web3, and for us.

`BoundedProvider` stands on web3's asynchronous base class, so `AsyncWeb3(BoundedProvider(endpoint))` works, and so any
other web3 provider can take its place here (`chains/foreign.py`; nobody enforces the limits of those). What it refuses:

- redirects, cookies, proxies, `.netrc` and everything else that the environment or a server would add;
- more than a number of *decoded* bytes, more than a total time, fewer than a number of bytes a second;
- compression other than one layer of gzip, which is unpacked in bounded steps;
- link-local, multicast and unspecified addresses, looked at when the connection is made, not before.

Its errors are our own, without cause or context, since aiohttp's hold the URL. This module is imported when a network
is first asked: web3 and aiohttp take most of a second to load.
"""

from __future__ import annotations

import asyncio
import itertools
import socket
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, cast

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from web3.providers.async_base import AsyncJSONBaseProvider
from web3.types import RPCEndpoint, RPCResponse

from chains.endpoint import Endpoint
from chains.errors import (
    BadStatus,
    FetchError,
    ForbiddenAddress,
    NodeError,
    RateLimited,
    Redirected,
    RequestTooLarge,
    TimedOut,
    TooLarge,
    TooSlow,
    Unreachable,
)
from chains.replies import Call, Json, encode_calls, parse_error_body, parse_json, parse_replies
from chains.transport import (
    DEFAULT_RESPONSE_LIMITS,
    Meter,
    ResponseLimits,
    is_forbidden,
    parse_retry_after,
    unpacker,
)

ERROR_BODY: Final = 1 << 16
"""Bytes read of the body of a failed exchange."""
USER_AGENT: Final = "xmargin"


class BoundedProvider(AsyncJSONBaseProvider):
    """A web3 provider over HTTP with bounded reads. Use it in one event loop, and close it there."""

    # A contract may name URLs to be fetched (EIP-3668); nothing that a network says becomes an address here.
    global_ccip_read_enabled = False
    limits_enforced = True

    def __init__(self, endpoint: Endpoint, limits: ResponseLimits = DEFAULT_RESPONSE_LIMITS) -> None:
        super().__init__()
        self.endpoint, self.limits, self.meter = endpoint, limits, Meter()
        self._ids = itertools.count(1)
        self._session: aiohttp.ClientSession | None = None

    def __repr__(self) -> str:
        return f"<BoundedProvider {self.endpoint.name}>"

    # --- ours ----------------------------------------------------------------------------------------------

    async def exchange(self, calls: Sequence[Call], seconds: float) -> list[object | FetchError]:
        """Each call's result or error, matched by id; one HTTP request."""
        first = next(self._ids)
        for _ in calls[1:]:
            next(self._ids)
        body = await self.post(encode_calls(calls, first), seconds, calls=len(calls))
        return list(parse_replies(body, first, len(calls), self.endpoint.name))

    async def post(self, body: bytes, seconds: float | None = None, *, calls: int = 1) -> bytes:
        """
        The decoded body of the answer.

        Raises:
            FetchError: There is none within the limits.
        """
        limit = min(self.limits.total_seconds, seconds if seconds is not None else self.limits.total_seconds)
        self.meter.calls += calls
        self.meter.round_trips += 1
        outcome = await self._attempt(body, limit)
        # Raised here, outside any handler and without its old frames: context and locals there hold the URL.
        if isinstance(outcome, FetchError):
            raise outcome.with_traceback(None)
        return outcome

    async def aclose(self) -> None:
        """Close the connections; a later request opens new ones."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _attempt(self, body: bytes, seconds: float) -> bytes | FetchError:
        name = self.endpoint.name
        try:
            async with asyncio.timeout(seconds), self._request(body) as response:
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
    async def _request(self, body: bytes) -> AsyncIterator[aiohttp.ClientResponse]:
        if self._session is None:
            self._session = self._opened()
        url, extra = self.endpoint.secret.reveal()
        headers = {"Content-Type": "application/json", "Accept": "application/json", "Accept-Encoding": "gzip", **extra}
        async with self._session.post(url, data=body, headers=headers, allow_redirects=False) as response:
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

    async def _answer(self, response: aiohttp.ClientResponse) -> bytes:
        name, status = self.endpoint.name, response.status
        if 300 <= status < 400:
            raise Redirected(name, status)
        if status != 200:
            raise await self._failure(response)
        return await self._read(response, self.limits.decoded_bytes)

    async def _failure(self, response: aiohttp.ClientResponse) -> FetchError:
        name, status = self.endpoint.name, response.status
        wait = parse_retry_after(response.headers.get("Retry-After"), time.time())
        if status == 429:
            return RateLimited(name, status, wait)
        if status == 413:
            return RequestTooLarge(name, status)
        if status in (400, 403, 404, 405, 422, 500):
            # Some servers say what is wrong in a JSON-RPC error under a failing status.
            said = parse_error_body(await self._read(response, ERROR_BODY), name)
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

    # --- web3's ----------------------------------------------------------------------------------------------

    async def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:  # noqa: ANN401 - web3's signature
        """One call in web3's form; a node's error comes back inside the answer, as web3 expects."""
        request_id = next(self._ids)
        call = Call(method, _plain_params(self, params))
        body = await self.post(encode_calls([call], request_id))
        return _web3_response(request_id, parse_replies(body, request_id, 1, self.endpoint.name)[0])

    async def make_batch_request(self, requests: list[tuple[RPCEndpoint, Any]]) -> list[RPCResponse] | RPCResponse:
        """Several calls in web3's form, in their order."""
        calls = [Call(method, _plain_params(self, params)) for method, params in requests]
        replies = await self.exchange(calls, self.limits.total_seconds)
        return [_web3_response(i, reply) for i, reply in enumerate(replies)]

    async def is_connected(self, show_traceback: bool = False) -> bool:  # noqa: FBT001, FBT002 - web3's signature
        """Whether the endpoint answers at all."""
        try:
            await self.make_request(RPCEndpoint("web3_clientVersion"), [])
        except FetchError:
            if show_traceback:
                raise
            return False
        return True

    async def disconnect(self) -> None:
        """web3's word for closing."""
        await self.aclose()


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


def _plain_params(provider: AsyncJSONBaseProvider, params: object) -> tuple[Json, ...]:
    """web3's own types (HexBytes and the like) as plain JSON values."""
    body = provider.encode_rpc_dict(cast("Any", {"params": params if params is not None else []}))
    parsed = parse_json(body, "this program")
    values = parsed["params"] if isinstance(parsed, dict) else []
    return tuple(values) if isinstance(values, list) else (values,)


def _web3_response(request_id: int, reply: object) -> RPCResponse:
    if isinstance(reply, NodeError):
        error: dict[str, object] = {"code": reply.code, "message": reply.message}
        if reply.data is not None:
            error["data"] = reply.data
        return cast("RPCResponse", {"jsonrpc": "2.0", "id": request_id, "error": error})
    return cast("RPCResponse", {"jsonrpc": "2.0", "id": request_id, "result": reply})
