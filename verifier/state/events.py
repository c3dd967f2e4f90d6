"""All events of one kind in a range of blocks: those that there are, and the proof that there are no others.

For each block either its whole list of receipts is handed over, and must hash to the receipts root of its proven
header; or, where the caller asks for it and the network's filters are reviewed as complete, its bloom filter shows that
it can hold none. A single missing, added, changed or reordered receipt gives another root. Failed transactions have no
events, and say so in their receipt.

Source: Yellow Paper, section 4.3.1.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from verifier.errors import (
    BadInput,
    BrokenAncestry,
    MalformedReceipt,
    MissingEvidence,
    NotThere,
    Unsupported,
    WrongHash,
)
from verifier.primitives import Address, BlockNumber, Hash32
from verifier.proven import ListKind, Proven, ProvenHeader, ProvenItem, mint
from verifier.state.bloom import header_bloom, may_hold
from verifier.state.receipts import Log, ProvenLog, parse_receipt
from verifier.trie.build import build_list
from verifier.trust import Trust


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events are asked for: ours, from the question.

    Attributes:
        emitter: The contract that must have emitted them.
        topics: What each topic must be, the event's signature first; None takes any.
    """

    emitter: Address
    topics: tuple[Hash32 | None, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.topics) <= 4 or self.topics[0] is None:
            raise BadInput("topics of a filter", "1 to 4, the event's signature first", len(self.topics))

    def takes(self, log: Log) -> bool:
        """Whether an event is one of them."""
        if log.emitter != self.emitter or len(log.topics) < len(self.topics):
            return False
        return all(wanted in {None, topic} for wanted, topic in zip(self.topics, log.topics, strict=False))

    @property
    def in_bloom(self) -> tuple[bytes, ...]:
        """What a filter must cover where such an event is."""
        return (self.emitter, *(topic for topic in self.topics if topic is not None))


@dataclass(frozen=True, slots=True)
class AllReceipts:
    """Every receipt of a block, as the trie holds them. Untrusted."""

    receipts: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class BloomOnly:
    """The header's own bytes, for its filter. Untrusted."""

    header: bytes


BlockEvents = AllReceipts | BloomOnly


@final
@dataclass(frozen=True, slots=True, init=False)
class ProvenEvents(Proven):
    """Every event of a filter in a range of blocks, and no other.

    Attributes:
        rests_on: The newest header of the range.
        by_bloom: Blocks that were left out because their filter shows that they hold none.
    """

    rests_on: ProvenHeader
    filter: EventFilter
    first: BlockNumber
    last: BlockNumber
    events: tuple[ProvenLog, ...]
    by_bloom: tuple[BlockNumber, ...]

    @property
    def trust(self) -> Trust:
        """That of the newest header, from which the others are reached."""
        return self.rests_on.trust


def verify_events(
    headers: Sequence[ProvenHeader], blocks: Sequence[BlockEvents], wanted: EventFilter, *, take_blooms: bool = False
) -> ProvenEvents:
    """
    Establish all events of a filter in a range of blocks.

    Args:
        headers: Proven, oldest first, each the parent of the next.
        blocks: Untrusted; for each header what shows its events.
        take_blooms: Take a filter's word that a block holds none, where the family's filters are reviewed.

    Raises:
        BadInput: No headers.
        MissingEvidence: Not as many blocks as headers.
        BrokenAncestry: The headers leave one out.
        WrongHash: The receipts are not those of the block: one is missing, added, changed or moved.
        NotThere: A filter is offered for a block that may hold such an event.
        Unsupported: A filter is offered where none is taken, or a receipt is of a type that is not read here.
        Malformed: A receipt is none.
    """
    if not headers:
        raise BadInput("headers of a range", "at least one", 0)
    if len(blocks) != len(headers):
        raise MissingEvidence(
            headers[-1].where, f"evidence for {len(headers)} blocks (there is some for {len(blocks)})"
        )
    _check_linked(headers)
    events: list[ProvenLog] = []
    by_bloom: list[BlockNumber] = []
    for header, block in zip(headers, blocks, strict=True):
        if isinstance(block, BloomOnly):
            _check_none(header, block, wanted, take_blooms=take_blooms)
            by_bloom.append(header.number)
        else:
            events += _events_of(header, block, wanted)
    return mint(
        ProvenEvents,
        rests_on=headers[-1],
        filter=wanted,
        first=headers[0].number,
        last=headers[-1].number,
        events=tuple(events),
        by_bloom=tuple(by_bloom),
    )


def _check_linked(headers: Sequence[ProvenHeader]) -> None:
    for older, newer in itertools.pairwise(headers):
        if newer.network != older.network or newer.parent_hash != older.hash:
            raise BrokenAncestry(newer.where, "the block before it in the range", newer.parent_hash, older.hash)


def _check_none(header: ProvenHeader, block: BloomOnly, wanted: EventFilter, *, take_blooms: bool) -> None:
    if not take_blooms or not header.network.family.blooms:
        cure = "hand over all receipts of the block"
        raise Unsupported(header.where, "a bloom filter decides nothing here", cure)
    if may_hold(header_bloom(header, block.header), wanted.in_bloom):
        raise NotThere(header.where, "the absence of the event (the bloom filter may cover it)")


def _events_of(header: ProvenHeader, block: AllReceipts, wanted: EventFilter) -> list[ProvenLog]:
    where = header.where.at(node="receipts")
    root = build_list(block.receipts).root if all(block.receipts) else None
    if root is None:
        raise MalformedReceipt(where, "an empty receipt")
    if root != header.receipts_root:
        raise WrongHash(where, f"the list of {len(block.receipts)} receipts", header.receipts_root, root)
    found: list[ProvenLog] = []
    for index, raw in enumerate(block.receipts):
        parsed = parse_receipt(raw, where.at(node=f"receipts[{index}]"))
        matching = [(i, log) for i, log in enumerate(parsed.logs) if wanted.takes(log)]
        if matching and parsed.status is None:
            raise Unsupported(where, "a receipt from before Byzantium does not say whether its transaction succeeded")
        item = mint(ProvenItem, rests_on=header, kind=ListKind.RECEIPTS, index=index, raw=raw)
        found += [mint(ProvenLog, rests_on=item, index=i, log=log) for i, log in matching if parsed.status]
    return found
