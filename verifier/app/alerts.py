"""Web hooks: one signed POST, bounded in time and in what is read back. The door of the HTTP client for them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import aiohttp

from chains.endpoint import Endpoint
from verifier.app.delivery import Delivery, signature
from verifier.app.errors import UsageError
from verifier.app.toml_source import TomlSource
from verifier.primitives import Timestamp

if TYPE_CHECKING:
    from verifier.app.jobs_file import WebhookSink

MAX_ANSWER: Final = 1 << 12


def post(delivery: Delivery, sink: WebhookSink, now: Timestamp, environ: Mapping[str, str]) -> None:
    """
    Send one delivery. A status from 200 to 299 takes it; redirects are not followed.

    Raises:
        UsageError: A variable that is not set.
        OSError: No answer in time, no connection, or another status. Its text never holds the URL.
    """
    secret = environ.get(sink.secret)
    if not secret:
        raise UsageError(f"the variable {sink.secret} is not set", "it holds the secret that signs the body")
    endpoint = Endpoint(_expanded(sink.url, environ), name=sink.name or "webhook")
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "xmargin",
        "Idempotency-Key": delivery.key,
        "X-Xmargin-Timestamp": str(now),
        "X-Xmargin-Signature": signature(secret.encode(), now, delivery.body),
    }
    failure = asyncio.run(_post(endpoint, delivery.body, headers, sink.timeout))
    if failure is not None:
        raise OSError(failure)


async def _post(endpoint: Endpoint, body: bytes, headers: Mapping[str, str], seconds: float) -> str | None:
    """None where it was taken, else why not; nothing of the URL is in the reason."""
    url, extra = endpoint.secret.reveal()
    timeout = aiohttp.ClientTimeout(total=seconds)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, trust_env=False, cookie_jar=aiohttp.DummyCookieJar()) as session,
            session.post(url, data=body, headers={**headers, **extra}, allow_redirects=False) as response,
        ):
            await response.content.read(MAX_ANSWER)
            return None if 200 <= response.status < 300 else f"{endpoint.name}: HTTP {response.status}"
    except TimeoutError:
        return f"{endpoint.name}: no answer within {seconds} s"
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return f"{endpoint.name}: no connection ({type(error).__name__})"


def _expanded(url: str, environ: Mapping[str, str]) -> str:
    from verifier.app.compile.endpoints import expand
    from verifier.app.problems import Problems

    problems = Problems(TomlSource("jobs file", {}, {}))
    made = expand(url, environ, ("sinks", "url"), problems)
    problems.raise_any()
    return made or ""
