"""What the checker's own endpoints say about a recent block, counted by operator.

An observation is the weakest beginning there is: it says that so many operators named one hash, and no more. So it is
made narrowly. Operators count, not endpoints: the same host, or one operator twice, counts once. The hash is computed
from the header that each sends, never read. Where two different blocks of one height are named, both are reported and
neither is taken, however many stand behind the one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, cast

from chains.driver import Desk
from chains.endpoint import by_operator
from chains.errors import BadAnswer, Equivocation, FetchError, Unobserved
from chains.providers import Line
from verifier.crypto.keccak import keccak256
from verifier.errors import VerifierError, Where
from verifier.flow import Ask, AskHeader, AskHeight
from verifier.headers.decode import decode_header
from verifier.network import Network
from verifier.primitives import BlockNumber, Hash32, Timestamp
from verifier.trust import Observed

SECONDS: Final = 20.0
MIN_DEPTH: Final = 2
SETTLE_SECONDS: Final = 6
"""Nodes of one network are this far apart, and its newest blocks are sometimes replaced."""


@dataclass(frozen=True, slots=True)
class _Word:
    """What one operator's endpoint said."""

    operator: str
    line: Line
    said: Hash32 | int | FetchError


async def observe(
    network: Network,
    desk: Desk,
    k: int,
    *,
    now: Timestamp,
    depth: int | None = None,
    final: bool = False,
    seconds: float = SECONDS,
) -> Observed:
    """
    A recent block that at least k distinct operators name alike, with no operator naming another of that height.

    Args:
        k: How many operators the policy asks for; 1 gives an observation that is one endpoint's word.
        now: When they were asked: the checker's clock.
        depth: Blocks below the newest one; by the network's block time unless told.
        final: Below the newest block that each endpoint calls final, with no depth of our own; still their word.
        seconds: For both round trips together.

    Raises:
        Equivocation: Two blocks of one height were named.
        Unobserved: Fewer than k operators named the block.
    """
    until = time.monotonic() + seconds
    groups = by_operator(desk.lines.get(network.chain_id, ()))
    everyone = [(operator, line) for operator, lines in groups.items() for line in lines]
    height_question = AskHeight(chain_id=network.chain_id, final=final)
    heights = await asyncio.gather(*(_ask(operator, line, height_question, until) for operator, line in everyone))
    known = [word for word in heights if isinstance(word.said, int)]
    if len({word.operator for word in known}) < k:
        raise Unobserved(network.name, k, len({word.operator for word in known}), _failures(heights))
    number = _common(known, k, depth if depth is not None else 0 if final else _depth(network))
    question = AskHeader(chain_id=network.chain_id, block=number)
    words = await asyncio.gather(*(_ask(word.operator, word.line, question, until) for word in known))
    return _count(network, number, [_hashed(word, network, number) for word in words], k, now)


async def observe_block(
    network: Network, desk: Desk, k: int, number: BlockNumber, *, now: Timestamp, seconds: float = SECONDS
) -> Observed:
    """
    What the operators name as the block of one number; the rules and errors are those of `observe`.

    Fewer than k operators are an observation too, of the weakest kind: its anchor says so.
    """
    until = time.monotonic() + seconds
    groups = by_operator(desk.lines.get(network.chain_id, ()))
    question = AskHeader(chain_id=network.chain_id, block=number)
    asked = (_ask(operator, line, question, until) for operator, lines in groups.items() for line in lines)
    words = [_hashed(word, network, number) for word in await asyncio.gather(*asked)]
    return replace(_count(network, number, words, 1, now), k=k)


def _depth(network: Network) -> int:
    return max(MIN_DEPTH, -(-SETTLE_SECONDS // max(1, network.block_time)))


def _common(known: Sequence[_Word], k: int, depth: int) -> BlockNumber:
    """
    A number that enough operators have reached: of their heights, the k-th, or the one in the middle if that is lower.

    So neither one that invents a height nor one that hangs behind decides for all.
    """
    tallest: dict[str, int] = {}
    for word in known:
        if isinstance(word.said, int):
            tallest[word.operator] = max(tallest.get(word.operator, 0), word.said)
    heights = sorted(tallest.values(), reverse=True)
    rank = max(k, len(heights) // 2 + 1)
    return BlockNumber(max(0, heights[rank - 1] - depth))


async def _ask(operator: str, line: Line, question: AskHeight | AskHeader, until: float) -> _Word:
    (outcome,) = await line.answer([cast("Ask[object]", question)], until)
    if isinstance(outcome, FetchError):
        return _Word(operator, line, outcome)
    if isinstance(outcome, bytes):
        return _Word(operator, line, Hash32(outcome))
    if isinstance(outcome, int):
        return _Word(operator, line, outcome)
    return _Word(operator, line, BadAnswer(line.name, "neither a height nor a header"))


def _hashed(word: _Word, network: Network, number: BlockNumber) -> _Word:
    """The word with the hash of the header that came, if it is a header of that number."""
    if not isinstance(word.said, bytes):
        return word
    try:
        header = decode_header(word.said, network.family, Where(network=network.name, block=str(number)))
    except VerifierError as error:
        return _Word(word.operator, word.line, BadAnswer(word.line.name, str(error)))
    if header.number != number:
        return _Word(word.operator, word.line, BadAnswer(word.line.name, f"block {header.number} for {number}"))
    return _Word(word.operator, word.line, Hash32(keccak256(word.said)))


def _count(network: Network, number: BlockNumber, words: Sequence[_Word], k: int, now: Timestamp) -> Observed:
    named: dict[Hash32, dict[str, None]] = {}
    for word in words:
        if isinstance(word.said, bytes):
            named.setdefault(word.said, {})[word.operator] = None
    if len(named) > 1:
        raise Equivocation(network.name, number, tuple((block, tuple(by)) for block, by in sorted(named.items())))
    for block, operators in named.items():
        if len(operators) >= k:
            return Observed(network.chain_id, block, number, frozenset(operators), k, now)
    got = max((len(operators) for operators in named.values()), default=0)
    raise Unobserved(network.name, k, got, _failures(words))


def _failures(words: Sequence[_Word]) -> tuple[tuple[str, str], ...]:
    return tuple((word.line.name, word.said.reason) for word in words if isinstance(word.said, FetchError))
