"""Receipts and the events in them: what a proven receipt says, read strictly.

An event is established only from a receipt that a header's receipts root holds, of a transaction that succeeded, and
from the emitter that was asked for: anyone can emit an event of the right shape. Its place is block hash, transaction
index and index within the receipt; two uses of one event have the same `identity`. Bloom filters decide nothing.

Source: Yellow Paper, section 4.3.1; EIP-658 (status), EIP-2718 (types). Types of single networks (deposits of the OP
Stack, Arbitrum's, state sync) have other fields or other rules, and are not read here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, final

from verifier.codec import rlp
from verifier.codec.rlp import Item, RlpLimits
from verifier.errors import MalformedReceipt, MalformedRlp, NotThere, Unsupported, Where, WrongBinding
from verifier.primitives import Address, ChainId, Hash32
from verifier.proven import ListKind, Proven, ProvenItem, mint
from verifier.trust import Trust

KNOWN_TYPES: Final = frozenset({1, 2, 3, 4})
"""EIP-2930, EIP-1559, EIP-4844, EIP-7702: receipts of the legacy fields."""

_RECEIPT_RLP: Final = RlpLimits(max_bytes=1 << 24, max_items=1 << 18, max_depth=4)
"""Gas bounds a receipt: 375 for an event and 8 for a byte of it, of at most some hundred million."""

_FIRST_LIST: Final = 0xC0
_FIRST_STRING: Final = 0x80


@dataclass(frozen=True, slots=True)
class Log:
    """One event, as its contract emitted it. Nothing says yet that it happened."""

    emitter: Address
    topics: tuple[Hash32, ...]
    data: bytes


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt, as its bytes say. Exactly one of `status` and `state_root` is there.

    Attributes:
        type: 0 for legacy transactions.
        status: Whether the transaction succeeded; None before Byzantium.
        state_root: The state after the transaction; None since Byzantium.
    """

    type: int
    status: bool | None
    state_root: Hash32 | None
    cumulative_gas: int
    logs: tuple[Log, ...]


@final
@dataclass(frozen=True, slots=True, init=False)
class ProvenLog(Proven):
    """An event of a transaction that succeeded, under a proven header. It tells of the past, not of a balance."""

    rests_on: ProvenItem
    index: int
    log: Log

    @property
    def trust(self) -> Trust:
        """That of its receipt."""
        return self.rests_on.trust

    @property
    def identity(self) -> tuple[ChainId, Hash32, int, int]:
        """Chain, block hash, transaction index, index in the receipt: equal for two uses of one event."""
        header = self.rests_on.rests_on
        return (header.network.chain_id, header.hash, self.rests_on.index, self.index)


def verify_log(receipt: ProvenItem, index: int, emitter: Address, topic0: Hash32) -> ProvenLog:
    """
    Establish one event of a proven receipt.

    Args:
        index: Within the receipt, from 0; never the block-wide one that nodes number logs by.
        emitter: The contract that must have emitted it; ours, from the question.
        topic0: The event's signature hash; ours, from the question.

    Raises:
        WrongBinding: Not an item of a receipts list, no event at the index, or another emitter or event.
        NotThere: The list has no such receipt, or its transaction failed.
        MalformedReceipt: Not a receipt of its type.
        Unsupported: A type that is not read here, or a receipt from before Byzantium, which has no status.
    """
    where = receipt.rests_on.where.at(node=f"{receipt.kind.value}[{receipt.index}]")
    if receipt.kind is not ListKind.RECEIPTS:
        raise WrongBinding(where, "the kind of list", ListKind.RECEIPTS.value, receipt.kind.value)
    if receipt.raw is None:
        raise NotThere(where, "the receipt")
    parsed = parse_receipt(receipt.raw, where)
    if parsed.status is None:
        raise Unsupported(where, "a receipt from before Byzantium does not say whether its transaction succeeded")
    if not parsed.status:
        raise NotThere(where, "an event of a transaction that failed")
    if type(index) is not int or not 0 <= index < len(parsed.logs):
        raise WrongBinding(where, "the index of an event in the receipt", f"below {len(parsed.logs)}", index)
    log = parsed.logs[index]
    if log.emitter != emitter:
        raise WrongBinding(where.at(address=emitter), "the emitter of the event", emitter, log.emitter)
    if not log.topics or log.topics[0] != topic0:
        raise WrongBinding(where, "the signature of the event", topic0, log.topics[0] if log.topics else b"")
    return mint(ProvenLog, rests_on=receipt, index=index, log=log)


def parse_receipt(raw: bytes, where: Where) -> Receipt:
    """
    The content of a receipt as the trie holds it: a list, or a type byte and a list.

    Raises:
        MalformedReceipt: Not a receipt of its type; among others one wrapped in a string.
        LimitExceeded: Larger, longer or deeper than any block's gas buys.
        Unsupported: A type that is not read here.
    """
    first = raw[0] if raw else _FIRST_STRING
    if _FIRST_STRING <= first < _FIRST_LIST:
        raise MalformedReceipt(where, "a byte string, as receipts are sent between nodes", raw)
    is_typed = first < _FIRST_LIST
    if is_typed and first not in KNOWN_TYPES:
        raise Unsupported(where, f"receipts of type 0x{first:02x}")
    try:
        fields = rlp.decode_list(raw[1:] if is_typed else raw, where, limits=_RECEIPT_RLP)
        return _parse_fields(first if is_typed else 0, fields, where)
    except MalformedRlp as error:
        raise MalformedReceipt(where, error.reason, error.got) from error


def _parse_fields(kind: int, fields: list[Item], where: Where) -> Receipt:
    if len(fields) != 4:
        raise MalformedReceipt(where, "receipts have 4 fields", len(fields))
    outcome = rlp.expect_bytes(fields[0], where)
    rlp.expect_bytes(fields[2], where, width=256)
    if outcome not in {b"", b"\x01"} and (len(outcome) != 32 or kind != 0):
        raise MalformedReceipt(where, "the first field is neither a status nor, before Byzantium, a root", outcome)
    with_root = len(outcome) == 32
    return Receipt(
        type=kind,
        status=None if with_root else outcome == b"\x01",
        state_root=Hash32(outcome) if with_root else None,
        cumulative_gas=rlp.decode_uint(fields[1], where, max_bytes=8),
        logs=tuple(_parse_log(item, where) for item in rlp.expect_list(fields[3], where)),
    )


def _parse_log(item: Item, where: Where) -> Log:
    fields = rlp.expect_list(item, where)
    if len(fields) != 3:
        raise MalformedReceipt(where, "events have 3 fields", len(fields))
    topics = [Hash32(rlp.expect_bytes(topic, where, width=32)) for topic in rlp.expect_list(fields[1], where)]
    if len(topics) > 4:
        raise MalformedReceipt(where, "events have at most 4 topics", len(topics))
    emitter = Address(rlp.expect_bytes(fields[0], where, width=20))
    return Log(emitter, tuple(topics), rlp.expect_bytes(fields[2], where))
