"""Strict shapes of what endpoints say without proof: code, returned bytes, logs. They say where to look, no more."""

from __future__ import annotations

from typing import Final

import msgspec

from chains.answers import parse_data
from chains.errors import BadAnswer
from chains.replies import shaped
from verifier.flow import Log
from verifier.primitives import Hash32

MAX_CODE: Final = 128 * 1_024
"""Twice what any network that we know lets a contract have (EIP-3860 doubles EIP-170's 24,576 bytes)."""
MAX_RETURNED: Final = 1 << 20
MAX_LOGS: Final = 10_000
MAX_TOPICS: Final = 4


class _Log(msgspec.Struct):
    topics: list[str]
    data: str
    removed: bool = False


def parse_code(value: object, endpoint: str) -> bytes:
    """The answer to eth_getCode."""
    return parse_data(value, endpoint, "code", MAX_CODE)


def parse_returned(value: object, endpoint: str) -> bytes:
    """The answer to eth_call."""
    return parse_data(value, endpoint, "returned bytes", MAX_RETURNED)


def parse_logs(value: object, endpoint: str) -> tuple[Log, ...]:
    """The answer to eth_getLogs, in its order; logs of blocks that were reorganized away are left out."""
    if not isinstance(value, list) or len(value) > MAX_LOGS:
        raise BadAnswer(endpoint, f"logs: not a list, or more than {MAX_LOGS}")
    told = [shaped(entry, _Log, endpoint, "a log") for entry in value]
    return tuple(_log(one, endpoint) for one in told if not one.removed)


def _log(told: _Log, endpoint: str) -> Log:
    if len(told.topics) > MAX_TOPICS:
        raise BadAnswer(endpoint, f"a log with more than {MAX_TOPICS} topics")
    topics = tuple(Hash32(parse_data(topic, endpoint, "a topic", 32)) for topic in told.topics)
    return Log(topics, parse_data(told.data, endpoint, "a log's data", MAX_RETURNED))
