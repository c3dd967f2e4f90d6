"""Bodies without end, too slow, packed or broken off."""

from __future__ import annotations

import asyncio
import gzip
from contextlib import suppress
from dataclasses import replace

import pytest

from chains.errors import BadAnswer, FetchError, TimedOut, TooLarge, TooSlow, Unreachable
from tests.chains.talk import http, server
from tests.hostile.transport.asking import QUICK, ask
from tests.simulators import lies


@pytest.mark.covers("RPC-06")
@pytest.mark.parametrize(
    ("lie", "error"),
    [
        (lies.oversize(), TooLarge),
        (lies.endless(), TooLarge),
        (lies.gzip_bomb(), TooLarge),
        (lies.drip(0.2), TooSlow),
        (lies.silent(), TimedOut),
        (lies.truncated_body(), Unreachable),
        (lies.reset(), Unreachable),
    ],
    ids=lambda value: getattr(value, "name", getattr(value, "__name__", None)),
)
async def test_a_body_beyond_the_limits_is_left(chain, lying_proxy, lie, error):
    """Endless, unpacked without end, dripping, silent or broken off: each ends within the limits, by its own error."""
    proxy = lying_proxy(chain.url)
    proxy.tell(lie)
    with pytest.raises(error) as caught:
        await asyncio.wait_for(ask(proxy.url), 5 * QUICK.total_seconds)  # silence would last an hour
    assert type(caught.value) is error


async def test_nothing_is_left_running(chain, lying_proxy):
    """Each exchange closed what it opened: one that was answered, one that was cut, one that ran out of time."""
    proxy = lying_proxy(chain.url)
    brief = replace(QUICK, total_seconds=0.5)
    for lie in (lies.gzipped(), lies.reset(), lies.endless(), lies.silent()):
        proxy.clear()
        proxy.tell(lie)
        with suppress(FetchError):
            await ask(proxy.url, limits=brief)
        await asyncio.sleep(0)
        assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == [], lie.name


@pytest.mark.covers("RPC-06")
async def test_one_layer_of_gzip_is_read(chain, lying_proxy):
    """The sibling: an honest compressed answer."""
    proxy = lying_proxy(chain.url)
    plain = await ask(proxy.url)
    proxy.tell(lies.gzipped())
    assert await ask(proxy.url) == plain


ANSWER = b'{"jsonrpc":"2.0","id":1,"result":"0x1"}'


@pytest.mark.covers("RPC-06")
@pytest.mark.parametrize(
    ("body", "header"),
    [
        (ANSWER, "Content-Encoding: br"),
        (ANSWER, "Content-Encoding: zstd"),
        (ANSWER, "Content-Encoding: deflate"),
        (gzip.compress(gzip.compress(ANSWER)), "Content-Encoding: gzip, gzip"),
        (gzip.compress(ANSWER) + gzip.compress(ANSWER), "Content-Encoding: gzip"),
        (gzip.compress(ANSWER) + b"more", "Content-Encoding: gzip"),
        (gzip.compress(ANSWER)[:-4], "Content-Encoding: gzip"),
        (ANSWER, "Content-Encoding: gzip"),
    ],
    ids=["br", "zstd", "deflate", "twice", "two members", "trailing bytes", "cut", "not gzip"],
)
async def test_other_encodings_are_refused(body, header):
    """What was not asked for, layers, second members, remainders and stumps of gzip are no answer."""
    async with server(http(body, header)) as url:
        with pytest.raises(BadAnswer):
            await ask(url)
    async with server(http(gzip.compress(ANSWER), "Content-Encoding: gzip")) as url:
        assert await ask(url) == ["0x1"]
