"""
JSON-RPC over bounded HTTP: how calls are put to one endpoint. What it refuses stands in `chains/bounded.py`.

The same as a provider for web3 is `chains/web3_provider.py`: web3 takes longer to load than most commands to run, and
nothing here needs it. This module is imported when a network is first asked, since aiohttp takes its time too.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Final

from chains.bounded import BoundedHttp, Request
from chains.endpoint import Endpoint
from chains.errors import FetchError
from chains.replies import Call, encode_calls, parse_error_body, parse_replies
from chains.transport import DEFAULT_RESPONSE_LIMITS, ResponseLimits

_HEADERS: Final = {"Content-Type": "application/json", "Accept": "application/json"}


class BoundedRpc:
    """An endpoint over HTTP with bounded reads. Use it in one event loop, and close it there."""

    limits_enforced = True

    def __init__(self, endpoint: Endpoint, limits: ResponseLimits = DEFAULT_RESPONSE_LIMITS) -> None:
        super().__init__()  # web3's, where a class stands on both
        self.endpoint, self.limits = endpoint, limits
        # Some servers say what is wrong in a JSON-RPC error under a failing status.
        self._http = BoundedHttp(endpoint, limits, lambda _, body: parse_error_body(body, endpoint.name))
        self.meter = self._http.meter
        self._ids = itertools.count(1)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.endpoint.name}>"

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
