"""JSON-RPC over bounded HTTP: a provider for web3, and for us.

`BoundedProvider` stands on web3's asynchronous base class, so `AsyncWeb3(BoundedProvider(endpoint))` works, and so any
other web3 provider can take its place here (`chains/foreign.py`; nobody enforces the limits of those). What it refuses
stands in `chains/bounded.py`. This module is imported when a network is first asked: web3 and aiohttp take most of a
second to load.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, Final, cast

from web3.providers.async_base import AsyncJSONBaseProvider
from web3.types import RPCEndpoint, RPCResponse

from chains.bounded import BoundedHttp, Request
from chains.endpoint import Endpoint
from chains.errors import FetchError, NodeError
from chains.replies import Call, Json, encode_calls, parse_error_body, parse_json, parse_replies
from chains.transport import DEFAULT_RESPONSE_LIMITS, ResponseLimits

_HEADERS: Final = {"Content-Type": "application/json", "Accept": "application/json"}


class BoundedProvider(AsyncJSONBaseProvider):
    """A web3 provider over HTTP with bounded reads. Use it in one event loop, and close it there."""

    # A contract may name URLs to be fetched (EIP-3668); nothing that a network says becomes an address here.
    global_ccip_read_enabled = False
    limits_enforced = True

    def __init__(self, endpoint: Endpoint, limits: ResponseLimits = DEFAULT_RESPONSE_LIMITS) -> None:
        super().__init__()
        self.endpoint, self.limits = endpoint, limits
        # Some servers say what is wrong in a JSON-RPC error under a failing status.
        self._http = BoundedHttp(endpoint, limits, lambda _, body: parse_error_body(body, endpoint.name))
        self.meter = self._http.meter
        self._ids = itertools.count(1)

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
        return (await self._http.send(Request(_HEADERS, body=body), seconds, calls=calls)).body

    async def aclose(self) -> None:
        """Close the connections; a later request opens new ones."""
        await self._http.aclose()

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
