"""Strict shapes of foreign JSON. What comes out holds bytes to be judged and nothing that is believed.

The rules, each against a way in which readers of JSON-RPC have been fooled:

- one value for one key: an object that names a key twice is refused, whichever value a parser would keep;
- nesting, integers and strings are bounded before anything is built from them; NaN, Infinity and lone surrogates are
  no JSON;
- an answer belongs to a question by its id, by value *and* type; a batch is answered id by id, in any order, each once;
- an answer has a result or an error, not both (an `"error": null` beside a result says the same as leaving it out);
- `null` is never zero;
- of a proof, only trie nodes are kept. Where the reply states what it is about, that is held against the question.

Tolerated, since no verdict can change by it: storage keys in any hex spelling of the same integer; an empty proof
list, or the single node 0x80, for an empty trie; `storageProof: []` for an account that holds nothing; unknown keys.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain as chained
from typing import Final, TypeVar

import msgspec

from chains.errors import (
    BadAnswer,
    BatchRefused,
    Busy,
    ByHashRefused,
    FetchError,
    NoBlock,
    NodeError,
    NotProvable,
    NotServed,
    TooManyKeys,
)
from verifier.primitives import Address, BlockNumber, SlotKey

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

MAX_DEPTH: Final = 32
MAX_NODES: Final = 40_000
"""Nodes in one answer: 256 keys and an account, each path as deep as a trie of 32-byte keys can be, is 16,448."""
MAX_REVERT: Final = 1 << 16
MAX_NODE_HEX: Final = 2 + 2 * 1_024
EMPTY_TRIE_NODE: Final = b"\x80"

_STRING: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_PLAIN_STRING: Final = re.compile(rb'"[^"]*"')
_NOT_MARKS: Final = bytes(set(range(256)) - set(b'"[]{}:'))
_NOT_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))
_QUANTITY: Final = re.compile(r"0x(?:0|[1-9a-fA-F][0-9a-fA-F]{0,63})", re.ASCII)
_LOOSE_QUANTITY: Final = re.compile(r"(?:0x)?[0-9a-fA-F]{1,64}", re.ASCII)
_DATA: Final = re.compile(r"0x(?:[0-9a-fA-F]{2})*", re.ASCII)


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


class _StorageProof(msgspec.Struct):
    key: str
    proof: list[str]


class _Proof(msgspec.Struct, rename="camel"):
    account_proof: list[str]
    storage_proof: list[_StorageProof]
    address: str | None = None


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
    members = _bounded(body, endpoint)
    try:
        parsed: Json = msgspec.json.decode(body)
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        raise BadAnswer(endpoint, f"not JSON: {error}") from None
    if members != _members(parsed):
        raise BadAnswer(endpoint, "some key stands twice in one object")
    return parsed


def _bounded(body: bytes, endpoint: str) -> int:
    """
    How many members the objects of a document have as written, once it is known not to be nested too deep.

    The depth is looked at before the parser starts. Python's own limit does not help: packages that web3 loads raise it
    to a hundred thousand, and a parser in C then runs out of stack before it.
    """
    marks = _STRING.sub(b"", body) if b"\\" in body else _PLAIN_STRING.sub(b"", body.translate(None, _NOT_MARKS))
    colons, brackets = marks.count(b":"), marks.translate(None, _NOT_BRACKETS)
    for _ in range(MAX_DEPTH):
        brackets = brackets.replace(b"[]", b"").replace(b"{}", b"")
        if not brackets:
            return colons
    raise BadAnswer(endpoint, f"JSON nested deeper than {MAX_DEPTH}, or with open brackets")


def _members(parsed: Json) -> int:
    """How many members are left in what was parsed: a twin would be missing."""
    count, level = 0, [parsed]
    while level:
        objects = [value for value in level if type(value) is dict]
        lists = [value for value in level if type(value) is list]
        count += sum(map(len, objects))
        level = list(chained.from_iterable((*lists, *(value.values() for value in objects))))
    return count


def _shape(parsed: object, shape: type[S], endpoint: str, what: str) -> S:
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
        whole = _shape(parsed, _Envelope, endpoint, "a reply")
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
        envelope = _shape(parse_json(body, endpoint), _Envelope, endpoint, "a reply")
    except BadAnswer:
        return None
    return _node_error(endpoint, envelope.error) if isinstance(envelope.error, _Error) else None


def _reply(parsed: object, ids: range, endpoint: str) -> tuple[int, object | NodeError]:
    envelope = _shape(parsed, _Envelope, endpoint, "a reply")
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
    if isinstance(error.data, str) and len(error.data) <= MAX_REVERT and _DATA.fullmatch(error.data) is not None:
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


# --- results ---------------------------------------------------------------------------------------------


def parse_quantity(value: object, endpoint: str, what: str = "quantity") -> int:
    """An unsigned integer of at most 256 bits from `0x` and hex digits without leading zeros."""
    if not isinstance(value, str) or _QUANTITY.fullmatch(value) is None:
        raise BadAnswer(endpoint, f"{what}: not a hex quantity")
    return int(value, 16)


def parse_height(value: object, endpoint: str) -> BlockNumber:
    """The answer to eth_blockNumber."""
    height = parse_quantity(value, endpoint, "block number")
    if height >= 1 << 64:
        raise BadAnswer(endpoint, "block number: over 64 bits")
    return BlockNumber(height)


def parse_data(value: object, endpoint: str, what: str, limit: int) -> bytes:
    """Bytes from `0x` and an even number of hex digits, bounded before they are read."""
    if not isinstance(value, str) or len(value) > 2 + 2 * limit or _DATA.fullmatch(value) is None:
        raise BadAnswer(endpoint, f"{what}: not hex bytes, or more than {limit}")
    return bytes.fromhex(value[2:])


HEADER_QUANTITIES: Final = frozenset({
    "difficulty", "number", "gasLimit", "gasUsed", "timestamp", "baseFeePerGas", "blobGasUsed", "excessBlobGas",
    "slotNumber", "extDataGasUsed", "blockGasCost", "timestampMilliseconds", "minDelayExcess",
})  # fmt: skip
"""Header fields that are integers; a node spells them as quantities. Every other field of a header is bytes."""
_ALIASES: Final = {
    "timestampMilliseconds": ("timestampMs", "timestampMilliSeconds"),
    "parentProposerPubkey": ("parentProposerPubKey", "prevProposerPubkey"),
    "step": ("auraStep",),
    "signature": ("auraSeal",),
}
HEADER_BYTES: Final = frozenset({
    "parentHash", "sha3Uncles", "miner", "stateRoot", "transactionsRoot", "receiptsRoot", "logsBloom", "extraData",
    "mixHash", "nonce", "withdrawalsRoot", "parentBeaconBlockRoot", "requestsHash", "blockAccessListHash",
    "extDataHash", "parentProposerPubkey", "signature",
})  # fmt: skip
MAX_EXTRA: Final = 32 * 1_024


@dataclass(frozen=True, slots=True)
class HeaderFields:
    """The header fields of a block answer, by their JSON-RPC names, and the hash that the answer states: a hint."""

    fields: Mapping[str, bytes | int]
    stated: bytes | None


def parse_header(value: object, endpoint: str, what: str) -> HeaderFields:
    """
    The fields of a block answer that a header hash may cover; everything else in it is left out.

    Raises:
        NoBlock: The answer is null.
        BadAnswer: A field is not spelled as its kind is.
    """
    if value is None:
        raise NoBlock(endpoint, what)
    if not isinstance(value, dict):
        raise BadAnswer(endpoint, "a block that is no object")
    fields: dict[str, bytes | int] = {}
    for name in HEADER_QUANTITIES:
        if (found := _field(value, name)) is not None:
            fields[name] = parse_quantity(found, endpoint, name)
    for name in HEADER_BYTES:
        if (found := _field(value, name)) is not None:
            fields[name] = _unprefixed(found, name, endpoint)
    if (step := _field(value, "step")) is not None:
        fields["step"] = _step(step, endpoint)
    stated = value.get("hash")
    return HeaderFields(fields, parse_data(stated, endpoint, "hash", 32) if isinstance(stated, str) else None)


def _field(block: Mapping[str, object], name: str) -> object:
    for spelling in (name, *_ALIASES.get(name, ())):
        if block.get(spelling) is not None:
            return block[spelling]
    return None


def _step(value: object, endpoint: str) -> int:
    """AuRa's step: OpenEthereum and Nethermind print it as a decimal string."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        return int(value)
    return parse_quantity(value, endpoint, "step")


def _unprefixed(value: object, name: str, endpoint: str) -> bytes:
    """AuRa clients print the seal without 0x; the hash decides whether it was read rightly."""
    if name == "signature" and isinstance(value, str) and not value.startswith("0x"):
        value = "0x" + value
    return parse_data(value, endpoint, name, MAX_EXTRA)


def parse_proof(value: object, address: Address, slots: Sequence[SlotKey], endpoint: str) -> tuple[bytes, ...]:
    """
    The trie nodes of an eth_getProof answer, each once. Balance, nonce, hashes and values are not even read.

    Raises:
        BadAnswer: The answer speaks of another account or other slots than were asked for, or is not shaped as one.
    """
    if value is None:
        raise BadAnswer(endpoint, "null in place of a proof")
    proof = _shape(value, _Proof, endpoint, "a proof")
    if proof.address is not None and proof.address.casefold() != "0x" + address.hex():
        raise BadAnswer(endpoint, "a proof of another account")
    # EthereumJS leaves the entries out for an account that does not exist; for one that does, the judge misses nodes.
    if proof.storage_proof:
        _check_keys([entry.key for entry in proof.storage_proof], slots, endpoint)
    texts = [*proof.account_proof, *chained.from_iterable(entry.proof for entry in proof.storage_proof)]
    if len(texts) > MAX_NODES:
        raise BadAnswer(endpoint, f"more than {MAX_NODES} nodes")
    nodes = {_node(text, endpoint): None for text in dict.fromkeys(texts)}
    nodes.pop(EMPTY_TRIE_NODE, None)
    return tuple(nodes)


def _check_keys(keys: Sequence[str], slots: Sequence[SlotKey], endpoint: str) -> None:
    stated = sorted(_loose(key, endpoint) for key in keys)
    if stated != sorted(int.from_bytes(slot, "big") for slot in slots):
        raise BadAnswer(endpoint, f"storage proofs of {len(stated)} slots that are not the {len(slots)} asked for")


def _loose(key: str, endpoint: str) -> int:
    if _LOOSE_QUANTITY.fullmatch(key) is None:
        raise BadAnswer(endpoint, "a storage key that is not hex")
    return int(key, 16)


def _node(text: str, endpoint: str) -> bytes:
    if not 2 < len(text) <= MAX_NODE_HEX or _DATA.fullmatch(text) is None:
        raise BadAnswer(endpoint, "a trie node that is not hex, is empty, or is too long")
    return bytes.fromhex(text[2:])


__all__ = [
    "Call", "FetchError", "HeaderFields", "Json", "encode_calls", "parse_data", "parse_error_body", "parse_header",
    "parse_height", "parse_json", "parse_proof", "parse_quantity", "parse_replies",
]  # fmt: skip
