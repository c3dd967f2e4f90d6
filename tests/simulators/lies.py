"""Lies for the proxy of `rpc.py`, by name, so that a test reads as a story: `proxy.tell(wrong_balance(by=1))`."""

from __future__ import annotations

import asyncio
import copy
import gzip
from collections.abc import Callable
from typing import Any, Literal

from aiohttp import web

from tests.simulators.rpc import Answer, Call, Lie, reset_connection

Part = Literal["account", "storage"]
TAGS = frozenset({"latest", "safe", "finalized", "pending"})

# --- what an answer says -----------------------------------------------------------------------------------------


def altered(change: Callable[[Any], Any], name: str = "altered") -> Lie:
    """The result as `change` makes it: it gets a copy, and returns what is to be said. Error answers stay as they are."""

    def answer(_: Call, said: Answer) -> Answer:
        return {**said, "result": change(copy.deepcopy(said["result"]))} if "result" in said else said

    return Lie(name, answer=answer)


def field(name: str, value: Any) -> Lie:
    """One field of the result (an account's, a header's) has another value, or the value that a callable makes of it."""

    def change(result: Any) -> Any:
        if isinstance(result, dict):
            result[name] = value(result.get(name)) if callable(value) else value
        return result

    return altered(change, f"field {name}")


def without(name: str) -> Lie:
    """One field of the result is missing."""
    return altered(lambda result: {key: value for key, value in result.items() if key != name}, f"without {name}")


def result_is(value: Any) -> Lie:
    """The result is something else altogether."""
    return altered(lambda _: value, "result is")


def wrong_balance(by: int = 1) -> Lie:
    """The account's balance is off, its proof is as it was."""
    return field("balance", lambda was: hex(int(was, 16) + by))


def wrong_nonce(by: int = 1) -> Lie:
    """The account's nonce is off, its proof is as it was."""
    return field("nonce", lambda was: hex(int(was, 16) + by))


def wrong_code_hash() -> Lie:
    """The account's code hash has one bit flipped."""
    return field("codeHash", lambda was: _flip(was, -1, 0))


def wrong_storage_hash() -> Lie:
    """The account's storage root has one bit flipped."""
    return field("storageHash", lambda was: _flip(was, -1, 0))


def wrong_address(address: str) -> Lie:
    """The answer says that it is about another account."""
    return field("address", address)


def wrong_value(by: int = 1, slot: int = 0) -> Lie:
    """A storage value is off, its proof is as it was."""
    return _slot(slot, lambda entry: {**entry, "value": hex(int(entry["value"], 16) + by)}, "wrong value")


def wrong_key(key: str, slot: int = 0) -> Lie:
    """A storage entry says that it is about another key."""
    return _slot(slot, lambda entry: {**entry, "key": key}, "wrong key")


def minimal_key(slot: int = 0) -> Lie:
    """A key is echoed as minimal hex. Some honest nodes do so: nothing may break."""
    return _slot(slot, lambda entry: {**entry, "key": hex(int(entry["key"], 16))}, "minimal key")


def swapped_slots() -> Lie:
    """The storage entries come in the opposite order."""
    return field("storageProof", lambda was: list(reversed(was)))


def missing_slot(slot: int = -1) -> Lie:
    """One storage entry is left out."""
    return field("storageProof", lambda was: [entry for place, entry in enumerate(was) if place != slot % len(was)])


def no_slots() -> Lie:
    """All storage entries are left out, as some honest nodes do for absent accounts."""
    return field("storageProof", [])


def flipped_node(part: Part = "account", node: int = -1, byte: int = -1, bit: int = 0, slot: int = 0) -> Lie:
    """One bit of one proof node is flipped."""
    return _nodes(part, slot, lambda nodes: _at(nodes, node, lambda was: [_flip(was, byte, bit)]), "flipped node")


def dropped_node(part: Part = "account", node: int = -1, slot: int = 0) -> Lie:
    """One proof node is missing: by default the last, which would make the key look absent to a careless reader."""
    return _nodes(part, slot, lambda nodes: _at(nodes, node, lambda _: []), "dropped node")


def truncated_node(part: Part = "account", node: int = -1, slot: int = 0) -> Lie:
    """The last byte of one proof node is missing."""
    return _nodes(part, slot, lambda nodes: _at(nodes, node, lambda was: [was[:-2]]), "truncated node")


def repeated_node(part: Part = "account", node: int = -1, slot: int = 0) -> Lie:
    """One proof node comes twice."""
    return _nodes(part, slot, lambda nodes: _at(nodes, node, lambda was: [was, was]), "repeated node")


def reordered_nodes(part: Part = "account", slot: int = 0) -> Lie:
    """The proof nodes come from leaf to root."""
    return _nodes(part, slot, lambda nodes: list(reversed(nodes)), "reordered nodes")


def surplus_node(part: Part = "account", data: str = "0xc22080", slot: int = 0) -> Lie:
    """A node that leads nowhere is added: harmless, to be dropped."""
    return _nodes(part, slot, lambda nodes: [*nodes, data], "surplus node")


def no_nodes(part: Part = "account", slot: int = 0) -> Lie:
    """The proof is an empty list, which proves nothing about a trie that is not empty."""
    return _nodes(part, slot, lambda _: [], "no nodes")


def absent_account() -> Lie:
    """An account that exists is told to be absent: no balance, empty hashes, and the last node withheld."""

    def change(result: Any) -> Any:
        zero = "0x" + "00" * 32
        slots = [{**entry, "value": "0x0", "proof": []} for entry in result["storageProof"]]
        nodes = result["accountProof"][:-1]
        return {
            **result,
            "balance": "0x0",
            "nonce": "0x0",
            "codeHash": zero,
            "storageHash": zero,
            "accountProof": nodes,
            "storageProof": slots,
        }

    return altered(change, "absent account")


# --- answers to another question ------------------------------------------------------------------------------------


def other_account(address: str) -> Lie:
    """The proof of another account, said to be of the one that was asked for."""

    def answer(call: Call, said: Answer) -> Answer:
        return {**said, "result": {**said["result"], "address": call["params"][0]}} if "result" in said else said

    return Lie("other account", ask=lambda call: _param(call, 0, address), answer=answer)


def other_keys(keys: list[str]) -> Lie:
    """Storage proofs of other keys, said to be of those that were asked for."""

    def answer(call: Call, said: Answer) -> Answer:
        result = copy.deepcopy(said["result"])
        for entry, key in zip(result["storageProof"], call["params"][1], strict=False):
            entry["key"] = key
        return {**said, "result": result}

    return Lie("other keys", ask=lambda call: _param(call, 1, keys), answer=answer)


def other_block(block: str) -> Lie:
    """The answer for another block: its proof (`eth_getProof`), its header, its balance."""
    return Lie("other block", ask=lambda call: _param(call, _block_place(call), block))


def stale_head(height: int) -> Lie:
    """An old block is told to be the newest, under every tag and as the height."""

    def ask(call: Call) -> Call:
        place = _block_place(call)
        params = call.get("params") or []
        return _param(call, place, hex(height)) if len(params) > place and params[place] in TAGS else call

    def answer(call: Call, said: Answer) -> Answer:
        return {**said, "result": hex(height)} if call.get("method") == "eth_blockNumber" else said

    return Lie("stale head", ask=ask, answer=answer)


def wrong_chain_id(chain_id: int) -> Lie:
    """The node says that it is of another chain; tell it for every method, it touches eth_chainId and net_version only."""

    def answer(call: Call, said: Answer) -> Answer:
        words = {"eth_chainId": hex(chain_id), "net_version": str(chain_id)}
        return {**said, "result": words[call["method"]]} if call.get("method") in words else said

    return Lie("wrong chain id", answer=answer)


# --- the envelope of an answer ----------------------------------------------------------------------------------------


def error(code: int, message: str, data: Any = None) -> Lie:
    """A JSON-RPC error instead of the result."""
    said = {"code": code, "message": message, **({} if data is None else {"data": data})}
    return Lie(f"error {code}", answer=lambda call, _: {"jsonrpc": "2.0", "id": call.get("id"), "error": said})


def error_and_result(code: int = -32000, message: str = "both") -> Lie:
    """Error and result in one answer."""
    return Lie("error and result", answer=lambda _, said: {**said, "error": {"code": code, "message": message}})


def null_result() -> Lie:
    """The result is null."""
    return Lie("null result", answer=lambda _, said: {**said, "result": None})


def no_result() -> Lie:
    """Neither result nor error."""
    return Lie("no result", answer=lambda _, said: {key: value for key, value in said.items() if key != "result"})


def no_id() -> Lie:
    """The answer has no id."""
    return Lie("no id", answer=lambda _, said: {key: value for key, value in said.items() if key != "id"})


def null_id() -> Lie:
    """The answer's id is null."""
    return Lie("null id", answer=lambda _, said: {**said, "id": None})


def string_id() -> Lie:
    """The answer's id is the right number as a string."""
    return Lie("string id", answer=lambda _, said: {**said, "id": str(said.get("id"))})


def other_id(by: int = 1_000_003) -> Lie:
    """The answer's id is one that was never asked."""
    return Lie("other id", answer=lambda call, said: {**said, "id": int(call["id"]) + by})


def other_version() -> Lie:
    """The answer is of JSON-RPC 1.0."""
    return Lie("other version", answer=lambda _, said: {**said, "jsonrpc": "1.0"})


# --- batches --------------------------------------------------------------------------------------------------------------


def batch_reordered() -> Lie:
    """The answers come in the opposite order, which JSON-RPC allows: ids must decide."""
    return Lie("batch reordered", batch=lambda answers: list(reversed(answers)))


def batch_short(missing: int = 1) -> Lie:
    """The last answers are missing."""
    return Lie("batch short", batch=lambda answers: answers[:-missing])


def batch_long() -> Lie:
    """There is one answer more, to a question that nobody asked."""
    return Lie("batch long", batch=lambda answers: [*answers, {**answers[-1], "id": 987_654_321}])


def batch_repeated() -> Lie:
    """The first answer comes twice, the second time with another result."""
    return Lie("batch repeated", batch=lambda answers: [*answers, {**answers[0], "result": "0x0"}])


def batch_ids_swapped() -> Lie:
    """The first and the last answer carry each other's id."""

    def swap(answers: list[Any]) -> list[Any]:
        first, last = answers[0], answers[-1]
        return [{**first, "id": last["id"]}, *answers[1:-1], {**last, "id": first["id"]}]

    return Lie("batch ids swapped", batch=swap)


def batch_as_object() -> Lie:
    """The batch is answered by one object: its first answer."""
    return Lie("batch as object", batch=lambda answers: answers[0])


def batch_refused(code: int = -32600, message: str = "batch too large") -> Lie:
    """The batch is answered by one error, as nodes do that allow fewer calls."""
    said = {"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": message}}
    return Lie("batch refused", batch=lambda _: said)


def as_batch() -> Lie:
    """A single call is answered by a list."""
    return Lie("as batch", batch=lambda answers: answers)


# --- text -----------------------------------------------------------------------------------------------------------------


def text(make: Callable[[bytes], bytes] | bytes, name: str = "text") -> Lie:
    """The body as given, or as a callable makes it of the honest one."""
    return Lie(name, text=(lambda _: make) if isinstance(make, bytes) else make)


def duplicate_keys(value: str = '"0x0"') -> Lie:
    """The answer has two results; JSON readers differ in which one they keep."""
    return text(lambda body: body.replace(b'"result":', f'"result": {value}, "result":'.encode(), 1), "duplicate keys")


def deep_nesting(depth: int = 100_000) -> Lie:
    """The result is a list in a list in a list."""
    return text(b'{"jsonrpc":"2.0","id":1,"result":' + b"[" * depth + b"]" * depth + b"}", "deep nesting")


def huge_number(digits: int = 100_000) -> Lie:
    """The id is a number of many digits, which takes long to convert."""
    return text(b'{"jsonrpc":"2.0","result":"0x1","id":' + b"9" * digits + b"}", "huge number")


def not_a_number(word: bytes = b"NaN") -> Lie:
    """The result is NaN or Infinity, which are no JSON."""
    return text(b'{"jsonrpc":"2.0","id":1,"result":' + word + b"}", "not a number")


def oversize(size: int = 80 * 2**20) -> Lie:
    """A body of valid JSON, far larger than any answer."""
    return text(b'{"jsonrpc":"2.0","id":1,"result":"' + b"0" * size + b'"}', "oversize")


def cut_json() -> Lie:
    """Half of the text, under a right Content-Length."""
    return text(lambda body: body[: len(body) // 2], "cut json")


def trailing_text(more: bytes = b'{"jsonrpc":"2.0","id":1,"result":"0x0"}') -> Lie:
    """A second document after the first."""
    return text(lambda body: body + more, "trailing text")


def not_utf8() -> Lie:
    """The text is not UTF-8."""
    return text(lambda body: body.replace(b'"result":', b'"\xff\xfe":0,"result":', 1), "not utf-8")


def empty_body() -> Lie:
    """Nothing at all, with status 200."""
    return text(b"", "empty body")


# --- the wire ---------------------------------------------------------------------------------------------------------------


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
        bomb = gzip.compress(b'{"jsonrpc":"2.0","id":1,"result":"' + b"0" * (megabytes * 2**20) + b'"}', 9)
        return web.Response(body=bomb, content_type="application/json", headers={"Content-Encoding": "gzip"})

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


# --- helpers ----------------------------------------------------------------------------------------------------------------


def _flip(data: str, byte: int, bit: int) -> str:
    raw = bytearray.fromhex(data.removeprefix("0x"))
    raw[byte % len(raw)] ^= 1 << bit
    return f"0x{raw.hex()}"


def _at(nodes: list[str], place: int, make: Callable[[str], list[str]]) -> list[str]:
    if not nodes:
        return nodes
    place %= len(nodes)
    return [*nodes[:place], *make(nodes[place]), *nodes[place + 1 :]]


def _slot(place: int, change: Callable[[Any], Any], name: str) -> Lie:
    def whole(result: Any) -> Any:
        if result["storageProof"]:
            result["storageProof"][place] = change(result["storageProof"][place])
        return result

    return altered(whole, name)


def _nodes(part: Part, slot: int, change: Callable[[list[str]], list[str]], name: str) -> Lie:
    if part == "storage":
        return _slot(slot, lambda entry: {**entry, "proof": change(entry["proof"])}, name)
    return field("accountProof", change)


def _param(call: Call, place: int, value: Any) -> Call:
    params = list(call.get("params") or [])
    params[place:] = [value, *params[place + 1 :]]
    return {**call, "params": params}


def _block_place(call: Call) -> int:
    """Where a method takes its block."""
    return {"eth_getProof": 2, "eth_getStorageAt": 2, "eth_getBlockByNumber": 0, "eth_getBlockByHash": 0}.get(
        str(call.get("method")), 1
    )
