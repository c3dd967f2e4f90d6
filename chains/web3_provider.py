"""
Our bounded JSON-RPC as a provider for web3: `AsyncWeb3(BoundedProvider(endpoint))` works.

It stands on web3's asynchronous base class. The other way round, any other web3 provider can take the place of ours
(`chains/foreign.py`; nobody enforces the limits of those). A command that asks over HTTP loads neither.
"""

from __future__ import annotations

from typing import Any, cast

from web3.providers.async_base import AsyncJSONBaseProvider
from web3.types import RPCEndpoint, RPCResponse

from chains.errors import FetchError, NodeError
from chains.execution import BoundedRpc
from chains.replies import Call, Json, encode_calls, parse_json, parse_replies


class BoundedProvider(BoundedRpc, AsyncJSONBaseProvider):
    """A web3 provider over HTTP with bounded reads. Use it in one event loop, and close it there."""

    # A contract may name URLs to be fetched (EIP-3668); nothing that a network says becomes an address here.
    global_ccip_read_enabled = False

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
