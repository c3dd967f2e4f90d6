"""Any other web3 provider (WebSocket, IPC, one's own) in place of ours, marked as one whose limits nobody enforces.

Imported when such a provider is first used: web3 takes most of a second to load.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, cast

from web3.providers.async_base import AsyncBaseProvider, AsyncJSONBaseProvider
from web3.providers.persistent import AsyncIPCProvider, WebSocketProvider
from web3.types import RPCEndpoint

from chains.endpoint import Endpoint
from chains.errors import BadAnswer, FetchError, TimedOut, Unreachable, clean
from chains.replies import Call, Json, parse_error_body
from chains.transport import DEFAULT_RESPONSE_LIMITS, Meter


def open_foreign(endpoint: Endpoint) -> ForeignProvider:
    """web3's own provider for a WebSocket or a socket in the file system that the configuration names."""
    url, headers = endpoint.secret.reveal()
    provider: AsyncBaseProvider
    if endpoint.kind == "ipc":
        provider = AsyncIPCProvider(
            url, read_buffer_limit=DEFAULT_RESPONSE_LIMITS.decoded_bytes, max_connection_retries=1
        )
    else:
        options = {"additional_headers": dict(headers), "max_size": DEFAULT_RESPONSE_LIMITS.decoded_bytes}
        provider = WebSocketProvider(url, websocket_kwargs=options, max_connection_retries=1)
    return ForeignProvider(provider, endpoint.name, blind=endpoint.secret.blind)


class ForeignProvider:
    """Any other web3 provider (WebSocket, IPC, one's own) in place of ours. Nobody enforces limits on what it reads."""

    limits_enforced = False

    def __init__(
        self,
        provider: AsyncBaseProvider,
        name: str,
        *,
        seconds: float = 30.0,
        blind: Callable[[bytes], bytes] = bytes,
    ) -> None:
        self.name, self.meter, self._blind = clean(name), Meter(), blind
        self._provider, self._seconds, self._connected = provider, seconds, False

    def __repr__(self) -> str:
        return f"<ForeignProvider {self.name}>"

    async def exchange(self, calls: Sequence[Call], seconds: float) -> list[object | FetchError]:
        """Each call's result or error; calls are made side by side, since few providers batch."""
        limit = min(seconds, self._seconds)
        await self._connect(limit)
        self.meter.calls += len(calls)
        self.meter.round_trips += 1
        return list(await asyncio.gather(*(self._one(call, limit) for call in calls)))

    async def aclose(self) -> None:
        """Disconnect, where the provider was connected by us."""
        if self._connected and self._provider.has_persistent_connection:
            self._connected = False
            await self._provider.disconnect()

    async def _connect(self, seconds: float) -> None:
        if self._connected or not self._provider.has_persistent_connection:
            return
        failure: FetchError | None = None
        try:
            async with asyncio.timeout(seconds):
                if not await self._provider.is_connected():
                    await self._provider.connect()
                    self._connected = True
        except TimeoutError:
            failure = TimedOut(self.name, seconds)
        except Exception as error:  # noqa: BLE001 - whatever a foreign library raises may hold its URL
            failure = Unreachable(self.name, f"no connection ({type(error).__name__})")
        if failure is not None:
            raise failure

    async def _one(self, call: Call, seconds: float) -> object | FetchError:
        try:
            async with asyncio.timeout(seconds):
                response = await self._provider.make_request(RPCEndpoint(call.method), list(call.params))
        except TimeoutError:
            return TimedOut(self.name, seconds)
        except Exception as error:  # noqa: BLE001 - whatever a foreign library raises may hold its URL
            return Unreachable(self.name, f"no answer ({type(error).__name__})")
        return foreign_reply(response, self.name, self._blind)


def foreign_reply(response: object, name: str, blind: Callable[[bytes], bytes] = bytes) -> object | FetchError:
    """A reply that another library has parsed, held to the rule of one result or one error; errors without our key."""
    if not isinstance(response, dict) or ("result" in response) == (response.get("error") is not None):
        return BadAnswer(name, "a reply with neither or both of result and error")
    if response.get("error") is None:
        return cast("object", response["result"])
    error = response["error"]
    body = encode_json({"error": error if isinstance(error, dict) else {"code": -32000, "message": str(error)}})
    return parse_error_body(blind(body), name) or BadAnswer(name, "an error without a code")


def encode_json(value: Json) -> bytes:
    """JSON bytes of plain values."""
    return AsyncJSONBaseProvider.encode_rpc_dict(cast("Any", value))
