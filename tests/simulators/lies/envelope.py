"""The envelope of an answer, batches of them, and the text that they are written in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.simulators.rpc import Lie

# --- the envelope of an answer ------------------------------------------------------------------------------------


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


# --- batches ------------------------------------------------------------------------------------------------------


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


# --- text ---------------------------------------------------------------------------------------------------------


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
