"""Receipts of a block out of JSON, encoded as the trie holds them. Whether they are the block's, the root decides.

Only what is hashed is read, and of types whose receipts we know; a receipt of another type cannot be encoded, so its
block cannot be shown whole. The bloom filter is taken as it stands: a wrong one gives another root.

Source: eth_getBlockReceipts of the execution API; EIP-2718, EIP-658.
"""

from __future__ import annotations

from typing import Final

from chains.answers import parse_data, parse_quantity
from chains.errors import BadAnswer, NoBlock
from chains.replies import Json
from verifier.codec import rlp
from verifier.codec.rlp import Encodable
from verifier.state.receipts import KNOWN_TYPES

MAX_RECEIPTS: Final = 100_000
MAX_LOGS: Final = 100_000
MAX_LOG_DATA: Final = 8 << 20


def parse_receipts(value: object, endpoint: str) -> tuple[bytes, ...]:
    """
    The receipts of a block, by index, each as its trie holds it.

    Raises:
        NoBlock: The endpoint answered null.
        BadAnswer: Not a list of receipts, out of order, or one of a type that is not read here.
    """
    if value is None:
        raise NoBlock(endpoint, "the receipts of the block")
    if not isinstance(value, list) or len(value) > MAX_RECEIPTS:
        raise BadAnswer(endpoint, "receipts: not a list, or too long")
    return tuple(_receipt(item, index, endpoint) for index, item in enumerate(value))


def _receipt(item: object, index: int, endpoint: str) -> bytes:
    if not isinstance(item, dict):
        raise BadAnswer(endpoint, f"receipt {index}: not an object")
    if parse_quantity(item.get("transactionIndex"), endpoint, f"receipt {index}: transactionIndex") != index:
        raise BadAnswer(endpoint, f"receipt {index}: stands at another place than its index")
    kind = parse_quantity(item.get("type", "0x0"), endpoint, f"receipt {index}: type")
    if kind and kind not in KNOWN_TYPES:
        raise BadAnswer(endpoint, f"receipt {index}: type {kind} is not read here")
    logs = item.get("logs")
    if not isinstance(logs, list) or len(logs) > MAX_LOGS:
        raise BadAnswer(endpoint, f"receipt {index}: logs are no list, or too many")
    body: list[Encodable] = [
        _outcome(item, index, endpoint),
        _uint(item.get("cumulativeGasUsed"), f"receipt {index}: cumulativeGasUsed", endpoint),
        parse_data(item.get("logsBloom"), endpoint, f"receipt {index}: logsBloom", 256),
        [_log(log, index, endpoint) for log in logs],
    ]
    encoded = rlp.encode(body)
    return bytes([kind]) + encoded if kind else encoded


def _outcome(item: dict[str, Json], index: int, endpoint: str) -> bytes:
    if item.get("status") is not None:
        return _uint(item["status"], f"receipt {index}: status", endpoint)
    return parse_data(item.get("root"), endpoint, f"receipt {index}: neither status nor root", 32)


def _log(log: object, index: int, endpoint: str) -> list[Encodable]:
    if not isinstance(log, dict) or not isinstance(log.get("topics"), list):
        raise BadAnswer(endpoint, f"receipt {index}: a log without topics")
    what = f"receipt {index}: log"
    return [
        parse_data(log.get("address"), endpoint, what, 20),
        [parse_data(topic, endpoint, what, 32) for topic in log["topics"]],
        parse_data(log.get("data"), endpoint, what, MAX_LOG_DATA),
    ]


def _uint(value: object, what: str, endpoint: str) -> bytes:
    number = parse_quantity(value, endpoint, what)
    return number.to_bytes((number.bit_length() + 7) // 8, "big")
