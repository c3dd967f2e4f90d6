"""A beacon node over a beacon chain in memory: the REST API that light clients ask, honest until a test says otherwise.

It runs in a thread of its own, so that a program under test may be another process. Objects are of the newest fork, in
SSZ where that is asked for and in JSON where `json` says so.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from typing import Any, Self

from aiohttp import web

from tests.simulators.beacon import BeaconChain
from verifier.codec.ssz import Items, Record
from verifier.consensus.containers import (
    BeaconHeader,
    Update,
    encode_bootstrap,
    encode_update,
    header_record,
    to_record,
)
from verifier.consensus.forks import NEWEST
from verifier.consensus.shapes import Kind, shape_of
from verifier.primitives import to_hex

Twist = Callable[[str, web.Response], web.Response | None]
"""Sees the path and the honest answer; another answer in its place, or None to let it pass."""


class BeaconApi:
    """
    A running node.

    Attributes:
        head: The newest slot it knows of; updates past its period are refused with a 500, as some servers do.
        update: Makes the update of a period; a test may replace it.
        finality: Makes the finality update.
        asked: Every path with its query, in order.
        headers: Beacon headers that it serves by their roots.
    """

    def __init__(self, chain: BeaconChain, head: int, *, as_json: bool = False, twist: Twist | None = None) -> None:
        self.chain, self.head, self.as_json, self.twist = chain, head, as_json, twist
        self.update: Callable[[int], Update] = self._update
        self.finality: Callable[[], Update] = self._finality
        self.asked: list[str] = []
        self.headers: dict[str, BeaconHeader] = {}
        self.delay = 0.0
        self.url = ""
        self._made: dict[int, Update] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._ready = threading.Event()

    def start(self) -> Self:
        self._thread.start()
        assert self._ready.wait(20)
        return self

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(20)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    # --- what it knows

    @property
    def period(self) -> int:
        return self.chain.config.period_of(self.head)

    def _update(self, period: int) -> Update:
        if period not in self._made:
            start = period * self.chain.config.preset.slots_per_period
            self._made[period] = self.chain.update(start + 40, start + 24)
        return self._made[period]

    def _finality(self) -> Update:
        epoch = self.chain.config.preset.slots_per_epoch
        return self.chain.update(self.head - 1, (self.head - 1) // epoch * epoch - 2 * epoch, committee=False)

    # --- serving

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        runner = web.AppRunner(self._app(), access_log=None)
        self._loop.run_until_complete(runner.setup())
        site = web.TCPSite(runner, "127.0.0.1", 0)
        self._loop.run_until_complete(site.start())
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        self._ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(runner.cleanup())
        self._loop.close()

    def _app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/{tail:.*}", self._handle)
        return app

    async def _handle(self, request: web.Request) -> web.Response:
        path = request.path[request.path.index("/eth/") :]
        self.asked.append(path + (f"?{request.query_string}" if request.query_string else ""))
        if self.delay:
            await asyncio.sleep(self.delay)
        honest = self._honest(path, request)
        return (self.twist(path, honest) if self.twist else None) or honest

    def _honest(self, path: str, request: web.Request) -> web.Response:
        config = self.chain.config
        match path.split("/")[4:]:
            case ["genesis"]:
                root = to_hex(config.genesis_validators_root)
                return _json({"genesis_validators_root": root, "genesis_time": str(config.genesis_time)})
            case ["light_client", "bootstrap", root]:
                return self._bootstrap(root)
            case ["light_client", "updates"]:
                return self._updates(int(request.query["start_period"]), int(request.query["count"]))
            case ["light_client", "finality_update"]:
                return self._object(self.finality(), Kind.FINALITY)
            case ["light_client", "optimistic_update"]:
                return self._object(self.chain.update(self.head - 1, committee=False), Kind.OPTIMISTIC)
            case ["headers", "finalized"]:
                return _json({"root": to_hex(self.finality().finalized.beacon.root), "canonical": True})
            case ["headers", root] if root in self.headers:
                return _json({"root": root, "canonical": True, "header": {"message": plain(self.headers[root].record)}})
            case ["headers", root]:
                known = to_hex(self.finality().finalized.beacon.root) == root
                return _json({"root": root, "canonical": True}) if known else _failed(404, "header not found")
        return _failed(404, "no such endpoint")

    def _bootstrap(self, root: str) -> web.Response:
        for slot in range(0, self.head, self.chain.config.preset.slots_per_epoch):
            if slot and to_hex(self.chain.checkpoint(slot).root) == root:
                made = self.chain.bootstrap(slot)
                if not self.as_json:
                    return _octets(encode_bootstrap(made))
                record = Record(
                    shape_of(Kind.BOOTSTRAP, NEWEST, len(made.committee.pubkeys)),
                    {
                        "header": header_record(made.header),
                        "current_sync_committee": made.committee.record,
                        "current_sync_committee_branch": Items(made.branch),
                    },
                )
                return _json(plain(record), version=NEWEST.value)
        return _failed(500, "No bootstrap for this root")

    def _updates(self, start: int, count: int) -> web.Response:
        last = start + count - 1
        if last > self.period or (last == self.period and self.head % self.chain.config.preset.slots_per_period < 48):
            return _failed(500, f"No partialUpdate available for period {last}")
        made = [self.update(period) for period in range(start, last + 1)]
        if self.as_json:
            rows = [{"version": NEWEST.value, "data": plain(to_record(update, Kind.UPDATE))} for update in made]
            return web.json_response(rows)
        chunks = []
        for update in made:
            digest = self.chain.config.digest_of(self.chain.config.epoch_of(update.attested.slot))
            chunk = digest + encode_update(update, Kind.UPDATE)
            chunks.append(len(chunk).to_bytes(8, "little") + chunk)
        return web.Response(body=b"".join(chunks), content_type="application/octet-stream")

    def _object(self, update: Update, kind: Kind) -> web.Response:
        if self.as_json:
            return _json(plain(to_record(update, kind)), version=NEWEST.value)
        return _octets(encode_update(update, kind))


def plain(value: Any) -> Any:
    """A container as the beacon API spells it."""
    if isinstance(value, Record):
        return {name: plain(value[name]) for name, _ in value.kind.fields}
    if isinstance(value, Items):
        return [plain(item) for item in value]
    if isinstance(value, tuple):  # bits, the lowest first
        number = sum(1 << i for i, bit in enumerate(value) if bit)
        return "0x" + number.to_bytes((len(value) + 7) // 8, "little").hex()
    return "0x" + value.hex() if isinstance(value, bytes) else str(value)


def _json(data: Any, **beside: str) -> web.Response:
    return web.json_response({**beside, "data": data})


def _octets(body: bytes) -> web.Response:
    headers = {"Eth-Consensus-Version": NEWEST.value}
    return web.Response(body=body, content_type="application/octet-stream", headers=headers)


def _failed(status: int, message: str) -> web.Response:
    return web.Response(
        text=json.dumps({"code": status, "message": message}), status=status, content_type="application/json"
    )
