"""Block headers: from their RLP to the fields that we use, and from JSON-RPC fields to RLP. The hash is computed here.

A header's own hash is what its parent link, pin or signature speaks of, and it covers every byte. So fields that a
later fork appended may stay unread: they are kept under the hash, and the place of those before them is fixed. Nothing
of a header counts until a hash that is believed names it; shapes are checked first all the same.

Celo before Gingerbread hashes its header with the aggregated seal in `extraData` emptied, because the seal is made of
that hash. Nothing in the seal is read here, and every other byte is under the hash.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from verifier.codec import rlp
from verifier.codec.rlp import Item, RlpLimits
from verifier.crypto.keccak import keccak256
from verifier.errors import NOWHERE, Malformed, MalformedHeader, MalformedRlp, Where
from verifier.headers.dialects import AFTER_PRAGUE, ALIASES, LAYOUTS, SHAPES, Layout, Number
from verifier.network import Dialect, Family
from verifier.policy import DEFAULT_LIMITS
from verifier.primitives import Address, BlockNumber, Hash32, Timestamp
from verifier.proven import BlockValues

MAX_UNKNOWN: Final = 16
"""Fields of forks that we do not know, behind those that we do."""

_VANITY: Final = 32
_AGGREGATED_SEAL: Final = 4
_SEAL_ITEMS: Final = 6
_HEADER_RLP: Final = RlpLimits(max_bytes=DEFAULT_LIMITS.header_bytes, max_items=64, max_depth=3)
_EXTRA_RLP: Final = RlpLimits(max_bytes=DEFAULT_LIMITS.header_bytes, max_items=4_096, max_depth=3)


@dataclass(frozen=True, slots=True)
class Header:
    """A block header as it says of itself. `hash` is ours; whether anyone believes it, is decided elsewhere.

    Attributes:
        withdrawals_root: None where the block has no such field.
        unknown: How many fields follow the last one that the dialect knows.
        extra_data: What the block's maker put there; on Arbitrum the send root.
    """

    dialect: Dialect
    hash: Hash32
    parent_hash: Hash32
    number: BlockNumber
    timestamp: Timestamp
    state_root: Hash32
    transactions_root: Hash32
    receipts_root: Hash32
    withdrawals_root: Hash32 | None
    unknown: int
    block: BlockValues
    extra_data: bytes


def decode_header(data: bytes, family: Family, where: Where) -> Header:
    """
    The header that some RLP holds, in the first dialect of its family whose shape it has.

    Where two dialects of a family fit the same bytes they have the fields that are read here in the same places: the
    others differ in count, or in the width of fields 14 and 15.

    Args:
        data: Untrusted; what is hashed (for early Celo, with or without the seal).

    Raises:
        LimitExceeded: Larger than a header can be.
        MalformedRlp: Not canonical RLP, or no list.
        MalformedHeader: Not a header of this family.
    """
    items = rlp.decode_list(data, where, limits=_HEADER_RLP)
    refused: MalformedHeader | None = None
    for dialect in family.dialects:
        try:
            return _decode_as(dialect, items, data, where)
        except MalformedHeader as error:
            refused = refused or error
    raise refused or MalformedHeader(where, f"the family {family.name} has no header dialect")


def encode_header(fields: Mapping[str, bytes | int], dialect: Dialect) -> bytes:
    """
    The RLP of a header from its fields under their JSON-RPC names; keys that are not hashed are passed over.

    Of the optional fields those present are taken, in order. Early Celo is encoded as it is hashed, its seal emptied.

    Raises:
        MalformedHeader: A required field is missing, one has another width, or one is left out in the middle.
    """
    layout = LAYOUTS[dialect]
    named = _by_name(fields)
    present = [name for name in layout.fields if name in named]
    if present != list(layout.fields[: len(present)]) or len(present) < len(layout.required):
        missing = next(name for name in layout.fields if name not in named)
        raise MalformedHeader(NOWHERE, f"{missing} is missing among the fields of dialect {dialect.value}")
    return _encode_fields([_content(name, named[name]) for name in present], dialect, NOWHERE)


def candidates(fields: Mapping[str, bytes | int], family: Family) -> Iterator[bytes]:
    """
    The encodings that a block of this family with these JSON-RPC fields may have, the likeliest first.

    Nodes also send fields that their chain does not hash, so each dialect is tried with fewer and fewer optional ones.
    The caller hashes, and takes the one whose hash it wants; if none has it, the header has fields unknown here.
    """
    named = _by_name(fields)
    for dialect in family.dialects:
        layout = LAYOUTS[dialect]
        names = _run_of_present(layout, named)
        for count in range(len(names), len(layout.required) - 1, -1):
            if count not in layout.never:
                try:
                    yield _encode_fields([_content(name, named[name]) for name in names[:count]], dialect, NOWHERE)
                except Malformed:
                    continue  # a field of another width: not a header of this dialect


# --- from RLP --------------------------------------------------------------------------------------------


def _decode_as(dialect: Dialect, items: list[Item], data: bytes, where: Where) -> Header:
    layout = LAYOUTS[dialect]
    _check_count(dialect, layout, len(items), where)
    fields = {name: _checked(name, item, where) for name, item in zip(layout.fields, items, strict=False)}
    hashed = data
    if dialect is Dialect.CELO_EARLY:
        hashed = _encode_fields([*fields.values()], dialect, where)
    withdrawals = fields.get("withdrawalsRoot")
    return Header(
        dialect=dialect,
        hash=keccak256(hashed),
        parent_hash=Hash32(fields["parentHash"]),
        number=BlockNumber(int.from_bytes(fields["number"], "big")),
        timestamp=Timestamp(int.from_bytes(fields["timestamp"], "big")),
        state_root=Hash32(fields["stateRoot"]),
        transactions_root=Hash32(fields["transactionsRoot"]),
        receipts_root=Hash32(fields["receiptsRoot"]),
        withdrawals_root=None if withdrawals is None else Hash32(withdrawals),
        unknown=max(0, len(items) - len(layout.fields)),
        block=_block_values(fields, unknown=max(0, len(items) - len(layout.fields))),
        extra_data=fields["extraData"],
    )


def _block_values(fields: Mapping[str, bytes], *, unknown: int) -> BlockValues:
    def number(name: str) -> int | None:
        return int.from_bytes(fields[name], "big") if name in fields else None

    return BlockValues(
        beneficiary=Address(fields["miner"]),
        gas_limit=number("gasLimit"),
        difficulty=number("difficulty"),
        mix_hash=Hash32(fields["mixHash"]) if "mixHash" in fields else None,
        base_fee=number("baseFeePerGas"),
        excess_blob_gas=number("excessBlobGas"),
        newer=unknown + sum(name in fields for name in AFTER_PRAGUE),
    )


def _check_count(dialect: Dialect, layout: Layout, count: int, where: Where) -> None:
    least, most = len(layout.required), len(layout.fields) + MAX_UNKNOWN
    if dialect is Dialect.CELO_EARLY:
        most = least  # its hash is over these ten, so anything behind them would be under no hash
    if not least <= count <= most or count in layout.never:
        raise MalformedHeader(where, f"no header of dialect {dialect.value} has this many fields", count)


def _checked(name: str, item: Item, where: Where) -> bytes:
    """The content of a field that has the shape it must have."""
    if not isinstance(item, bytes):
        raise MalformedHeader(where, f"{name} is a list")
    shape = SHAPES[name]
    if isinstance(shape, Number):
        if len(item) > shape.width or item[:1] == b"\x00":
            raise MalformedHeader(where, f"{name} is no shortest integer of at most {shape.width} bytes", item)
    elif shape.width is not None and len(item) != shape.width:
        raise MalformedHeader(where, f"{name} has {len(item)} bytes, not {shape.width}", item)
    return item


def _unsealed(extra: bytes, where: Where) -> bytes:
    """Celo's `extraData` with an empty aggregated seal: item 4 of the list behind 32 bytes of vanity."""
    try:
        items = rlp.decode_list(extra[_VANITY:], where, limits=_EXTRA_RLP)
    except MalformedRlp as error:
        raise MalformedHeader(where, "extraData holds no list behind its vanity", extra) from error
    if len(items) != _SEAL_ITEMS or isinstance(items[_AGGREGATED_SEAL], bytes):
        raise MalformedHeader(where, "extraData holds no aggregated seal", extra)
    items[_AGGREGATED_SEAL] = [b"", b"", b""]
    return extra[:_VANITY] + rlp.encode(items)


# --- to RLP ----------------------------------------------------------------------------------------------


def _by_name(fields: Mapping[str, bytes | int]) -> dict[str, bytes | int]:
    """The known fields under their first names; a field that is there under both keeps its own."""
    named = {ALIASES[name]: value for name, value in fields.items() if name in ALIASES}
    named.update((name, value) for name, value in fields.items() if name in SHAPES)
    return named


def _run_of_present(layout: Layout, named: Mapping[str, bytes | int]) -> list[str]:
    """The dialect's fields up to the first that is missing."""
    run: list[str] = []
    for name in layout.fields:
        if name not in named:
            break
        run.append(name)
    return run


def _content(name: str, value: bytes | int) -> bytes:
    if isinstance(value, int):
        if not isinstance(SHAPES[name], Number) or isinstance(value, bool) or value < 0:
            raise MalformedHeader(NOWHERE, f"{name} is given as the number {value}")
        value = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return _checked(name, value, NOWHERE)


def _encode_fields(contents: list[bytes], dialect: Dialect, where: Where) -> bytes:
    if dialect is Dialect.CELO_EARLY:
        contents = [*contents[:-1], _unsealed(contents[-1], where)]
    return rlp.encode(contents)
