"""Going back over a parent's logs in windows: which blocks of a rollup its contracts spoke of. Hints, no evidence."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from verifier.crypto.keccak import keccak256
from verifier.errors import NotThere, Where, WrongHash
from verifier.flow import AskHeader, AskLogs, Flow, Log, ask
from verifier.headers.decode import decode_header
from verifier.network import Network
from verifier.primitives import Address, BlockNumber, Hash32, Timestamp
from verifier.proven import ProvenHeader

WINDOW: Final = 5_000
"""Blocks of the parent in one question; endpoints refuse more at different lengths."""
MAX_WINDOWS: Final = 24


def windows(at: ProvenHeader) -> Iterator[tuple[BlockNumber, BlockNumber]]:
    """First and last block of each window, going back from a header of the parent."""
    last = int(at.number)
    for _ in range(MAX_WINDOWS):
        first = max(0, last - WINDOW + 1)
        yield BlockNumber(first), BlockNumber(last)
        if first == 0:
            return
        last = first - 1


def logs_of(
    at: ProvenHeader, address: Address, topic: Hash32, first: BlockNumber, last: BlockNumber
) -> Flow[list[Log]]:
    """A contract's logs of one window, newest first. Raises Unanswered."""
    question = AskLogs(chain_id=at.network.chain_id, address=address, topic=topic, first=first, last=last)
    logs: tuple[Log, ...] = yield from ask(question)
    return list(reversed(logs))


def told_headers(
    network: Network,
    at: ProvenHeader,
    address: Address,
    topic: Hash32,
    block_of: Callable[[Log], Hash32 | None],
    as_of: Timestamp,
) -> Flow[list[bytes]]:
    """
    Headers that a contract's logs name: those after the as-of time, the oldest first, then the newest before it.

    Args:
        block_of: The block hash in a log; None for a log of another shape.

    Raises:
        NotThere: The logs name none.
        Unanswered: No endpoint has the logs, or a header that they name.
    """
    where = Where(network=network.name)
    after: list[bytes] = []
    for first, last in windows(at):
        for log in (yield from logs_of(at, address, topic, first, last)):
            block = block_of(log)
            if block is None:
                continue
            rlp = yield from ask(AskHeader(chain_id=network.chain_id, block=block, judge=named(block)))
            if decode_header(rlp, network.family, where).timestamp <= as_of:
                return [*reversed(after), rlp]
            after.append(rlp)
    if not after:
        raise NotThere(at.where.at(address=address), "any accepted block, as the endpoint's logs say,")
    return list(reversed(after))


def named(wanted: Hash32) -> Callable[[bytes], None]:
    """A judge that takes only the header of a hash."""

    def judge(rlp: bytes) -> None:
        found = keccak256(rlp)
        if found != wanted:
            raise WrongHash(Where(network="logs"), "the header that a contract's log names", wanted, found)

    return judge
