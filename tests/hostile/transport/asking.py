"""One exchange over our own provider, with limits that a test can wait for."""

from __future__ import annotations

from chains.execution import BoundedRpc
from chains.replies import Call
from chains.transport import ResponseLimits
from tests.chains.talk import endpoint

HEIGHT, CHAIN = Call("eth_blockNumber", ()), Call("eth_chainId", ())
QUICK = ResponseLimits(decoded_bytes=1 << 20, total_seconds=4.0, bytes_per_second=2_000, grace_seconds=0.5)


async def ask(url: str, *calls: Call, limits: ResponseLimits = QUICK):
    """One exchange over our own provider."""
    provider = BoundedRpc(endpoint(url), limits)
    try:
        return await provider.exchange(calls or (HEIGHT,), limits.total_seconds)
    finally:
        await provider.aclose()
