"""The served gateway of ERC-3668: contracts' clients ask for an account's latest attestation, over HTTP.

It hands out what was signed, and signs nothing: the contract holds every answer against its own signers, so neither the
gateway nor the way to it is trusted. Requests are data from anyone. So their sizes, the connections, the requests that
are looked at side by side, and the time that any of them may take are bounded, whatever a client does.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from aiohttp import web

from verifier.app.errors import UsageError
from verifier.app.logs import log
from verifier.app.store import Store
from verifier.attest.attestation import Attestation, parse_attestation
from verifier.attest.erc3668 import MAX_BODY, MAX_CALL, Answer, answer_posted, answer_request, message
from verifier.errors import VerifierError
from verifier.primitives import Address, ChainId, Timestamp, to_hex

CONNECTION_SECONDS: Final = 15.0
"""A connection is closed after so long, whatever it is in the middle of."""
MAX_CONNECTIONS: Final = 256
MAX_AT_ONCE: Final = 8
"""Requests that are looked at side by side; each opens the database."""
MAX_LINE: Final = 3 * MAX_CALL
MAX_FILE: Final = 1 << 20
"""Bytes of an attestation file: far above what a contract can take in one call."""
_NEWEST: Final = 16
_ANYWHERE: Final = {"Access-Control-Allow-Origin": "*"}
"""ERC-3668 clients run in browsers, and what is handed out is public."""


@dataclass(frozen=True, slots=True)
class Source:
    """
    Where attestations are: what this machine's keys signed, and files (of several signers, aggregated).

    Attributes:
        chain: The chain whose contracts are answered.
        database: Looked at anew for each request; None where only files are.
        files: Read anew for each request.
    """

    chain: ChainId
    database: Path | None
    files: Sequence[Path]
    clock: Callable[[], Timestamp]
    busy_seconds: float = 5.0

    def find(self, contract: Address, account: str) -> Attestation | None:
        """The newest attestation of an account for a contract: one that still holds before one that does not."""
        now, found = self.clock(), [*self._kept(contract, account), *self._read()]
        fitting = [
            made
            for made in found
            if (made.statement.binding.chain_id, made.statement.binding.contract) == (self.chain, contract)
            and made.statement.account == account
        ]
        return max(fitting, key=lambda made: _rank(made, now), default=None)

    def _kept(self, contract: Address, account: str) -> Iterator[Attestation]:
        if self.database is None:
            return
        with Store(self.database, busy_seconds=self.busy_seconds, create=False) as store:
            rows = store.rows(
                "SELECT file FROM attestations WHERE account = ? AND chain_id = ? AND contract = ? AND "
                "state = 'signed' ORDER BY issued_at DESC, sequence DESC LIMIT ?",
                (account, self.chain, to_hex(contract), _NEWEST),
            )
        yield from _parsed(row["file"] for row in rows if isinstance(row["file"], bytes))

    def _read(self) -> Iterator[Attestation]:
        for path in self.files:
            try:
                with path.open("rb") as file:
                    yield from _parsed([file.read(MAX_FILE + 1)])
            except OSError as error:
                log("warning", "file", name=path.name, reason=error.strerror)


def _parsed(files: Iterable[object]) -> Iterator[Attestation]:
    for data in files:
        try:
            if isinstance(data, bytes) and len(data) <= MAX_FILE:
                yield parse_attestation(data)
        except VerifierError as error:
            log("warning", "attestation", reason=str(error))


def _rank(made: Attestation, now: Timestamp) -> tuple[bool, int, int, int]:
    statement = made.statement
    return (now <= statement.valid_until, statement.issued_at, statement.sequence, len(made.signatures))


class Gateway:
    """A server of answers. `serve` runs it until it is told to stop."""

    def __init__(self, source: Source, *, seconds: float = CONNECTION_SECONDS, most: int = MAX_CONNECTIONS) -> None:
        self._source, self._seconds, self._most = source, seconds, most
        self._gate = asyncio.Semaphore(MAX_AT_ONCE)

    async def serve(self, host: str, port: int, told: Callable[[int], None], stop: asyncio.Event) -> None:
        """
        Answer until `stop` is set.

        Args:
            told: Gets the port once it is open.

        Raises:
            UsageError: The address cannot be listened at.
        """
        server = web.Server(self._handle, access_log=None, max_line_size=MAX_LINE, keepalive_timeout=self._seconds)
        loop = asyncio.get_running_loop()

        def connected() -> asyncio.Protocol:
            if len(server.connections) >= self._most:
                return _Closing()
            made = server()
            loop.call_later(self._seconds, made.force_close)
            return made

        try:
            listening = await loop.create_server(connected, host, port)
        except OSError as error:
            raise UsageError(f"--listen {host}:{port}: {error.strerror}", "choose another address") from None
        told(int(listening.sockets[0].getsockname()[1]))
        try:
            await stop.wait()
        finally:
            listening.close()
            await server.shutdown(1.0)

    async def _handle(self, request: web.BaseRequest) -> web.Response:
        if request.method == "OPTIONS":
            allowed = {"Access-Control-Allow-Methods": "GET, POST", "Access-Control-Allow-Headers": "Content-Type"}
            return web.Response(status=204, headers=_ANYWHERE | allowed)
        status, body = await self._answered(request)
        return web.Response(status=status, text=body, content_type="application/json", headers=_ANYWHERE)

    async def _answered(self, request: web.BaseRequest) -> Answer:
        ask = partial(answer_request, request.rel_url.raw_path)
        if request.method == "POST":
            posted = await _body(request)
            if posted is None:
                return 413, message(f"more than {MAX_BODY} bytes")
            ask = partial(answer_posted, posted)
        elif request.method != "GET":
            return 405, message("GET or POST")
        async with self._gate:
            try:
                return await asyncio.to_thread(ask, self._source.find)
            except Exception as error:  # noqa: BLE001 - of a fault nobody outside learns more than that it was one
                log("error", "fault", kind=type(error).__name__, reason=str(error))
                return 500, message("the gateway failed")


async def _body(request: web.BaseRequest) -> bytes | None:
    """The whole body, or None where it is too large; no more than that is ever read."""
    found = bytearray()
    async for chunk in request.content.iter_chunked(MAX_BODY):
        found += chunk
        if len(found) > MAX_BODY:
            return None
    return bytes(found)


class _Closing(asyncio.Protocol):
    """One connection too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


def run(source: Source, host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT."""

    async def serve() -> None:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        await Gateway(source).serve(host, port, lambda opened: log("info", "listening", port=opened), stop)
        log("info", "stopped")

    asyncio.run(serve())
