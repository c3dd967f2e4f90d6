"""JSON-RPC as it travels: calls out, replies back to their calls, and a node's errors by what to do about them.

The rules, each against a way in which readers of JSON-RPC have been fooled:

- one value for one key: an object that names a key twice is refused, whichever value a parser would keep;
- nesting, integers and strings are bounded before anything is built from them; NaN, Infinity and lone surrogates are
  no JSON;
- an answer belongs to a question by its id, by value *and* type; a batch is answered id by id, in any order, each once;
- an answer has a result or an error, not both (an `"error": null` beside a result says the same as leaving it out).

What a result means is decided in `chains/answers.py`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain as chained
from typing import Final, TypeVar

import msgspec

from chains.errors import (
    BadAnswer,
    BatchRefused,
    Busy,
    ByHashRefused,
    NodeError,
    NotProvable,
    NotServed,
    TooManyKeys,
)
from verifier.codec.bounded_json import is_nested_within, marks_of

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

MAX_DEPTH: Final = 32
MAX_REVERT: Final = 1 << 16

HEX_BYTES: Final = re.compile(r"0x(?:[0-9a-fA-F]{2})*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Call:
    """One JSON-RPC call."""

    method: str
    params: tuple[Json, ...]


class _Error(msgspec.Struct):
    code: int
    message: str | None = None
    data: object = None


class _Envelope(msgspec.Struct):
    id: object = msgspec.UNSET
    jsonrpc: object = msgspec.UNSET
    result: object = msgspec.UNSET
    error: _Error | msgspec.UnsetType | None = msgspec.UNSET


S = TypeVar("S")


# --- JSON ------------------------------------------------------------------------------------------------


def encode_calls(calls: Sequence[Call], first_id: int) -> bytes:
    """The request: a single object for one call, else a batch, with ids counting up from the first."""
    made = [
        {"jsonrpc": "2.0", "id": first_id + i, "method": call.method, "params": list(call.params)}
        for i, call in enumerate(calls)
    ]
    return msgspec.json.encode(made[0] if len(made) == 1 else made)


def parse_json(body: bytes, endpoint: str) -> Json:
    """
    One JSON document in which no object names a key twice.

    Raises:
        BadAnswer: It is not JSON, or nested, numbered or keyed as no honest server would.
    """
    marks = marks_of(body)
    if not is_nested_within(marks, MAX_DEPTH):
        raise BadAnswer(endpoint, f"JSON nested deeper than {MAX_DEPTH}, or with open brackets")
    try:
        parsed: Json = msgspec.json.decode(body)
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        raise BadAnswer(endpoint, f"not JSON: {error}") from None
    if marks.count(b":") != _members(parsed):  # of a key that stands twice, one member is left
        raise BadAnswer(endpoint, "some key stands twice in one object")
    return parsed


def _members(parsed: Json) -> int:
    """How many members are left in what was parsed: a twin would be missing."""
    count, level = 0, [parsed]
    while level:
        objects = [value for value in level if type(value) is dict]
        lists = [value for value in level if type(value) is list]
        count += sum(map(len, objects))
        level = list(chained.from_iterable((*lists, *(value.values() for value in objects))))
    return count


def shaped(parsed: object, shape: type[S], endpoint: str, what: str) -> S:
    """Parsed JSON as one of our shapes, without any conversion between types."""
    try:
        return msgspec.convert(parsed, shape, strict=True)
    except (msgspec.ValidationError, RecursionError) as error:
        raise BadAnswer(endpoint, f"{what}: {error}") from None


# --- envelopes -------------------------------------------------------------------------------------------


def parse_replies(body: bytes, first_id: int, count: int, endpoint: str) -> list[object | NodeError]:
    """
    The results of a request, in the order of its calls, whatever their order in the answer.

    Raises:
        BadAnswer: The answer breaks the protocol; nothing of it is used.
        NodeError: One error stands for a whole batch.
    """
    parsed = parse_json(body, endpoint)
    if count == 1 and isinstance(parsed, dict):
        return [_reply(parsed, range(first_id, first_id + 1), endpoint)[1]]
    if isinstance(parsed, dict):
        whole = shaped(parsed, _Envelope, endpoint, "a reply")
        if isinstance(whole.error, _Error) and whole.result is msgspec.UNSET:
            raise _for_batch(_node_error(endpoint, whole.error))
        raise BadAnswer(endpoint, "a single reply to a batch")
    if count == 1 or not isinstance(parsed, list):
        raise BadAnswer(endpoint, "a reply that is no object" if count == 1 else "a batch reply that is no list")
    if len(parsed) != count:
        raise BadAnswer(endpoint, f"{len(parsed)} replies to {count} calls")
    replies = [_reply(entry, range(first_id, first_id + count), endpoint) for entry in parsed]
    found = dict(replies)
    if len(found) != count:
        raise BadAnswer(endpoint, "two replies with one id")
    return [found[first_id + i] for i in range(count)]


def parse_error_body(body: bytes, endpoint: str) -> NodeError | None:
    """The JSON-RPC error inside the body of a failed HTTP exchange, where there is one."""
    try:
        envelope = shaped(parse_json(body, endpoint), _Envelope, endpoint, "a reply")
    except BadAnswer:
        return None
    return _node_error(endpoint, envelope.error) if isinstance(envelope.error, _Error) else None


def _reply(parsed: object, ids: range, endpoint: str) -> tuple[int, object | NodeError]:
    envelope = shaped(parsed, _Envelope, endpoint, "a reply")
    if envelope.jsonrpc not in (msgspec.UNSET, "2.0"):
        raise BadAnswer(endpoint, "not JSON-RPC 2.0")
    error = envelope.error if isinstance(envelope.error, _Error) else None
    if error is not None and envelope.result is not msgspec.UNSET:
        raise BadAnswer(endpoint, "a result and an error in one reply")
    if error is None and envelope.result is msgspec.UNSET:
        raise BadAnswer(endpoint, "a reply with neither result nor error")
    if error is not None and envelope.id is None and len(ids) == 1:
        # Servers that could not read the request answer with the id null; an error proves nothing, so it may.
        return ids[0], _node_error(endpoint, error)
    if type(envelope.id) is not int or envelope.id not in ids:
        raise BadAnswer(endpoint, "a reply to another request")
    return envelope.id, envelope.result if error is None else _node_error(endpoint, error)


# --- errors of nodes -------------------------------------------------------------------------------------

_WINDOW: Final = (
    "missing trie node", "historical state", "state not available", "state is not available", "exceeds maximum proof",
    "block too old", "block is too old", "must be within", "blockoutofrange", "distance to target", "pruned",
    "state unavailable", "header not found", "outside of the", "no state available", "not available in path scheme",
    "does not yet support getproof", "older than", "world state", "too far in the past",
)  # fmt: skip
_METHOD: Final = (
    "method not found", "does not exist", "not supported", "unsupported method", "not available", "not whitelisted",
    "method not allowed", "is disabled", "unknown method", "not implemented",
)  # fmt: skip
_BUSY: Final = ("rate limit", "too many requests", "exceeded the quota", "try again", "throttl", "capacity", "overload")
_BATCH: Final = ("batch",)
_KEYS: Final = ("too many storage keys", "too many keys", "storage keys limit", "max keys")


def _node_error(endpoint: str, error: _Error) -> NodeError:
    """The error with the class that says what to do about it, by its code and by the words clients are known to use."""
    text = (error.message or "")[:1_000]
    made = _kind(error.code, text.casefold())(endpoint, error.code, text)
    if isinstance(error.data, str) and len(error.data) <= MAX_REVERT and HEX_BYTES.fullmatch(error.data) is not None:
        made.data = error.data
    return made


def _kind(code: int, text: str) -> type[NodeError]:
    if any(word in text for word in _KEYS):
        return TooManyKeys
    if any(word in text for word in _BATCH):
        return BatchRefused
    if any(word in text for word in _WINDOW):
        return NotProvable
    if code == -32602:
        return ByHashRefused
    if code in (-32601, -32004) or any(word in text for word in _METHOD):
        return NotServed
    if code in (-32005, -32016, 429, -32603) or any(word in text for word in _BUSY):
        return Busy
    if code == -32600:
        return ByHashRefused
    return NodeError


def _for_batch(error: NodeError) -> NodeError:
    """An error that stands for a batch is about its size, unless it says something else that we know."""
    if type(error) in (NodeError, ByHashRefused, NotServed):
        return BatchRefused(error.endpoint, error.code, error.message)
    return error
