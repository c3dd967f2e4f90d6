"""The wire: statuses, redirects, silence, bodies without end, packed, cut or reset."""

from __future__ import annotations

import asyncio
import gzip
import zlib

from aiohttp import web

from tests.simulators.rpc import Lie, reset_connection


def status(code: int, retry_after: str | None = None, body: str = "", content_type: str = "text/plain") -> Lie:
    """A status and, where wanted, a Retry-After (seconds or an HTTP date); the node is not asked."""
    headers = {} if retry_after is None else {"Retry-After": retry_after}

    async def wire(_: web.Request, __: bytes) -> web.StreamResponse:
        return web.Response(status=code, headers=headers, text=body, content_type=content_type)

    return Lie(f"status {code}", wire=wire, deaf=True)


def unauthorized() -> Lie:
    """401: the key is wrong."""
    return status(401, body="invalid project id")


def payment_required() -> Lie:
    """402: the plan is used up."""
    return status(402, body="quota exceeded")


def forbidden() -> Lie:
    """403: not from here."""
    return status(403, body="forbidden")


def too_large() -> Lie:
    """413: the batch is too large."""
    return status(413, body="request entity too large")


def too_many(retry_after: str | None = None) -> Lie:
    """429, with or without a Retry-After."""
    return status(429, retry_after, "too many requests")


def server_error(code: int = 502) -> Lie:
    """A 5xx with a page of HTML."""
    return status(code, body=f"<html><h1>{code}</h1></html>", content_type="text/html")


def html() -> Lie:
    """A page of HTML with status 200, as a captive portal sends."""
    return status(200, body="<!doctype html><html><body>Sign in</body></html>", content_type="text/html")


def redirect(to: str = "/elsewhere", code: int = 307) -> Lie:
    """A redirect to another path, or with a whole URL to another host."""

    async def wire(_: web.Request, __: bytes) -> web.StreamResponse:
        return web.Response(status=code, headers={"Location": to})

    return Lie(f"redirect {code}", wire=wire, deaf=True)


def late(seconds: float) -> Lie:
    """The honest answer, later."""
    return Lie("late", delay=seconds)


def together(count: int) -> Lie:
    """The honest answer, held back until so many requests stand waiting, at this proxy and at others told the same."""
    waiting: list[web.Request] = []

    async def wire(request: web.Request, body: bytes) -> web.StreamResponse:
        waiting.append(request)
        while len(waiting) < count:
            await asyncio.sleep(0.01)
        return web.Response(body=body, content_type="application/json")

    return Lie("together", wire=wire)


def silent(seconds: float = 3600.0) -> Lie:
    """No answer, and the connection stays open."""

    async def wire(_: web.Request, __: bytes) -> web.StreamResponse:
        await asyncio.sleep(seconds)
        return web.Response()

    return Lie("silent", wire=wire, deaf=True)


def drip(every: float = 1.0, head: bytes = b'{"jsonrpc":"2.0","id":1,"result":"') -> Lie:
    """A body that never ends, one byte at a time: each read succeeds, so that only a total deadline helps."""

    async def wire(request: web.Request, _: bytes) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        await response.write(head)
        while True:
            await asyncio.sleep(every)
            await response.write(b"0")

    return Lie("drip", wire=wire, deaf=True)


def endless(chunk: int = 2**16) -> Lie:
    """A body that never ends, as fast as it is read: only a limit on its size helps."""

    async def wire(request: web.Request, _: bytes) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        await response.write(b'{"jsonrpc":"2.0","id":1,"result":"')
        while True:
            await response.write(b"0" * chunk)

    return Lie("endless", wire=wire, deaf=True)


def gzip_bomb(megabytes: int = 256) -> Lie:
    """A small compressed body that unpacks to very much."""

    async def wire(_: web.Request, __: bytes) -> web.StreamResponse:
        headers = {"Content-Encoding": "gzip"}
        return web.Response(body=_bomb(megabytes), content_type="application/json", headers=headers)

    return Lie("gzip bomb", wire=wire, deaf=True)


def gzipped() -> Lie:
    """The honest answer, compressed though nobody may have asked for it."""

    async def wire(_: web.Request, body: bytes) -> web.StreamResponse:
        headers = {"Content-Encoding": "gzip"}
        return web.Response(body=gzip.compress(body), content_type="application/json", headers=headers)

    return Lie("gzipped", wire=wire)


def truncated_body() -> Lie:
    """The connection ends in the middle of the body that Content-Length promised."""

    async def wire(request: web.Request, body: bytes) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": str(len(body))})
        await response.prepare(request)
        await response.write(body[: len(body) // 2])
        if request.transport is not None:
            request.transport.close()
        return response

    return Lie("truncated body", wire=wire)


def reset() -> Lie:
    """A TCP reset instead of an answer."""

    async def wire(request: web.Request, _: bytes) -> web.StreamResponse:
        reset_connection(request)
        return web.Response()

    return Lie("reset", wire=wire, deaf=True)


def _bomb(megabytes: int) -> bytes:
    """One gzip member: a megabyte is packed once, up to a full flush, and what that gave is repeated."""
    head, megabyte, tail = b'{"jsonrpc":"2.0","id":1,"result":"', b"0" * 2**20, b'"}'
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    begun = packer.compress(head) + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(megabyte) + packer.flush(zlib.Z_FULL_FLUSH)
    ended = packer.compress(tail) + packer.flush()
    check = zlib.crc32(head)
    for _ in range(megabytes):
        check = zlib.crc32(megabyte, check)
    size = len(head) + megabytes * len(megabyte) + len(tail)
    ends = zlib.crc32(tail, check).to_bytes(4, "little") + size.to_bytes(4, "little")
    return b"\x1f\x8b\x08" + bytes(6) + b"\xff" + begun + block * megabytes + ended + ends
