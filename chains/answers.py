"""Strict shapes of results. What comes out holds bytes to be judged and nothing that is believed.

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
from typing import Final

import msgspec

from chains.errors import BadAnswer, NoBlock
from chains.replies import HEX_BYTES, shaped
from verifier.primitives import Address, BlockNumber, SlotKey

MAX_NODES: Final = 40_000
"""Nodes in one answer: 256 keys and an account, each path as deep as a trie of 32-byte keys can be, is 16,448."""
MAX_NODE_HEX: Final = 2 + 2 * 1_024
EMPTY_TRIE_NODE: Final = b"\x80"

_QUANTITY: Final = re.compile(r"0x(?:0|[1-9a-fA-F][0-9a-fA-F]{0,63})", re.ASCII)
_LOOSE_QUANTITY: Final = re.compile(r"(?:0x)?[0-9a-fA-F]{1,64}", re.ASCII)


class _StorageProof(msgspec.Struct):
    key: str
    proof: list[str]


class _Proof(msgspec.Struct, rename="camel"):
    account_proof: list[str]
    storage_proof: list[_StorageProof]
    address: str | None = None


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
    if not isinstance(value, str) or len(value) > 2 + 2 * limit or HEX_BYTES.fullmatch(value) is None:
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
    proof = shaped(value, _Proof, endpoint, "a proof")
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
    if not 2 < len(text) <= MAX_NODE_HEX or HEX_BYTES.fullmatch(text) is None:
        raise BadAnswer(endpoint, "a trie node that is not hex, is empty, or is too long")
    return bytes.fromhex(text[2:])


__all__ = [
    "HeaderFields", "parse_data", "parse_header", "parse_height", "parse_proof", "parse_quantity",
]  # fmt: skip
