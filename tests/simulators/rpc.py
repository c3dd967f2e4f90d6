"""
A proxy before a real node that lies, stalls and breaks off on request.

It stands on 127.0.0.1 in a thread of its own, so synchronous and asynchronous tests use it alike, and passes everything through
until it is told a lie (see `lies.py`) for a method and, where wanted, for the nth call of it:

    proxy = LyingProxy(node.url).start()
    proxy.tell(wrong_balance(by=1), method="eth_getProof", nth=2)

Lies told for the same call apply in the order of telling: questions first, then answers, batches, text, and the wire.
"""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import struct
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Container
from dataclasses import dataclass, field
from typing import Any, Self

import aiohttp
from aiohttp import web

Call = dict[str, Any]
Answer = dict[str, Any]
Wire = Callable[[web.Request, bytes], Awaitable[web.StreamResponse]]

SECONDS = 20.0
_QUIET = logging.getLogger("lying-proxy")
_QUIET.setLevel(logging.CRITICAL + 1)


@dataclass(frozen=True)
class Lie:
    """
    One way to misbehave; each hook is optional.

    `ask` changes the question on its way to the node, `answer` one answer (given the question as it was asked), `batch` the list
    of answers as a whole, `text` the bytes of the body, `wire` how they travel (`deaf`: without asking the node); `delay` (seconds) holds everything back.
    """

    name: str
    ask: Callable[[Call], Call] | None = None
    answer: Callable[[Call, Answer], Answer] | None = None
    batch: Callable[[list[Any]], Any] | None = None
    text: Callable[[bytes], bytes] | None = None
    wire: Wire | None = None
    deaf: bool = False
    delay: float = 0.0


@dataclass
class Rule:
    """A lie and when it is told: for which method (None: any) and which of its calls, counted from 1 (None: all)."""

    lie: Lie
    method: str | None = None
    nth: Container[int] | None = None
    seen: int = 0
    told: int = 0

    def takes(self, call: Call) -> bool:
        """Whether the lie is due for this call; counts it."""
        if self.method is not None and call.get("method") != self.method:
            return False
        self.seen += 1
        if self.nth is not None and self.seen not in self.nth:
            return False
        self.told += 1
        return True


@dataclass(frozen=True)
class Seen:
    """One HTTP request that reached the proxy."""

    verb: str
    path: str
    headers: dict[str, str]
    calls: tuple[Call, ...] = field(default_factory=tuple)


class LyingProxy:
    """The proxy. `url` is set once it was started; `seen` holds the HTTP requests, `count` the calls in them."""

    def __init__(self, upstream: str) -> None:
        self.upstream = upstream
        self.rules: list[Rule] = []
        self.seen: list[Seen] = []
        self.url = ""
        self._counts: Counter[str] = Counter()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._stop: asyncio.Event | None = None

    def tell(self, lie: Lie, method: str | None = None, nth: int | Container[int] | None = None) -> Rule:
        """Tell a lie from now on; `nth` is one number or a range of them. The rule that comes back counts `told`."""
        rule = Rule(lie, method, (nth,) if isinstance(nth, int) else nth)
        self.rules.append(rule)
        return rule

    def clear(self) -> None:
        """Be honest again, and forget the counts."""
        self.rules.clear()
        self.seen.clear()
        self._counts.clear()

    def count(self, method: str | None = None) -> int:
        """How many calls came, of one method or of all."""
        return self._counts[method] if method is not None else self._counts.total()

    def start(self) -> Self:
        """Listen on a port that the operating system chooses, and return at once usable."""
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(ready)), name="lying-proxy", daemon=True)
        self._thread.start()
        if not ready.wait(SECONDS):
            raise TimeoutError("the proxy did not come up")
        return self

    def stop(self) -> None:
        """Close every connection and end the thread. Safe to call twice."""
        if self._thread is None or self._loop is None or self._stop is None:
            return
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(SECONDS)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def _serve(self, ready: threading.Event) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=SECONDS))
        app = web.Application(client_max_size=2**28)
        app.router.add_route("*", "/{path:.*}", self._handle)
        runner = web.AppRunner(app, access_log=None, logger=_QUIET, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        door = socket.socket()
        door.bind(("127.0.0.1", 0))
        await web.SockSite(runner, door).start()
        self.url = f"http://127.0.0.1:{door.getsockname()[1]}"
        ready.set()
        await self._stop.wait()
        await runner.cleanup()
        await self._session.close()
        door.close()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        asked = _parse(body)
        calls = [call for call in (asked if isinstance(asked, list) else [asked]) if isinstance(call, dict)]
        self.seen.append(Seen(request.method, request.path_qs, dict(request.headers), tuple(calls)))
        self._counts.update(str(call.get("method")) for call in calls)
        due = [(rule.lie, index) for rule in list(self.rules) for index, call in enumerate(calls) if rule.takes(call)]
        for lie in _once(due):
            await asyncio.sleep(lie.delay)
        text = b"" if any(lie.deaf for lie in _once(due)) else await self._truth(asked, calls, due, body)
        for lie in _once(due):
            text = lie.text(text) if lie.text is not None else text
        for lie in _once(due):
            if lie.wire is not None:
                return await lie.wire(request, text)
        return web.Response(body=text, content_type="application/json")

    async def _truth(self, asked: Any, calls: list[Call], due: list[tuple[Lie, int]], body: bytes) -> bytes:
        """The node's answer, with the lies about questions, answers and batches worked in."""
        if not calls:
            return await self._forward(body)
        questions = [dict(call) for call in calls]
        for lie, index in due:
            questions[index] = lie.ask(questions[index]) if lie.ask is not None else questions[index]
        said = json.loads(
            await self._forward(json.dumps(questions if isinstance(asked, list) else questions[0]).encode())
        )
        answers = said if isinstance(said, list) else [said]
        places = {json.dumps(answer.get("id")): place for place, answer in enumerate(answers)}
        order = [places.get(json.dumps(call.get("id")), 0) for call in calls]
        for lie, index in due:
            if lie.answer is not None:
                answers[order[index]] = lie.answer(calls[index], answers[order[index]])
        whole: Any = answers if isinstance(said, list) else answers[0]
        for lie in _once(due):
            whole = lie.batch(whole if isinstance(whole, list) else [whole]) if lie.batch is not None else whole
        return json.dumps(whole).encode()

    async def _forward(self, body: bytes) -> bytes:
        headers = {"Content-Type": "application/json"}
        try:
            async with self._session.post(self.upstream, data=body, headers=headers) as response:
                return await response.read()
        except (aiohttp.ClientError, TimeoutError) as gone:
            raise web.HTTPBadGateway(text="<html>bad gateway</html>", content_type="text/html") from gone


def _parse(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _once(due: list[tuple[Lie, int]]) -> list[Lie]:
    """Each lie once, in the order of telling, however many calls of a batch it is due for."""
    return list(dict.fromkeys(lie for lie, _ in due))


def reset_connection(request: web.Request) -> None:
    """Close a connection so that the other side sees a reset, not an end."""
    transport = request.transport
    if transport is None:
        return
    raw = transport.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
