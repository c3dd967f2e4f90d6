"""Which fields a block header is hashed over, by dialect: names in order, and the shape of each.

A header is an RLP list. Forks only ever appended to it, each new field present only where all before it are, so the
place of a field does not depend on the fork.

Source: go-ethereum core/types/block.go; coreth header_ext.go; celo-blockchain core/types/block_compatibility.go;
Fantom Sonic inter/block.go; bera-geth core/types/block.go. Each was held against real headers where we have some.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from verifier.network import Dialect


@dataclass(frozen=True, slots=True)
class Bytes:
    """A byte string of exactly this width; any, where it is None."""

    width: int | None = None


@dataclass(frozen=True, slots=True)
class Number:
    """An unsigned integer of at most this many bytes, without leading zeros."""

    width: int = 32


Shape = Bytes | Number

_HASH: Final = Bytes(32)
_UINT64: Final = Number(8)

SHAPES: Final[Mapping[str, Shape]] = MappingProxyType(
    {
        "parentHash": _HASH,
        "sha3Uncles": _HASH,
        "miner": Bytes(20),
        "stateRoot": _HASH,
        "transactionsRoot": _HASH,
        "receiptsRoot": _HASH,
        "logsBloom": Bytes(256),
        "difficulty": Number(),
        "number": _UINT64,
        "gasLimit": _UINT64,
        "gasUsed": _UINT64,
        "timestamp": _UINT64,
        "extraData": Bytes(),
        "mixHash": _HASH,
        "nonce": Bytes(8),
        "step": _UINT64,
        "signature": Bytes(65),
        "baseFeePerGas": Number(),
        "withdrawalsRoot": _HASH,
        "blobGasUsed": _UINT64,
        "excessBlobGas": _UINT64,
        "parentBeaconBlockRoot": _HASH,
        "requestsHash": _HASH,
        "blockAccessListHash": _HASH,
        "slotNumber": _UINT64,
        "parentProposerPubkey": Bytes(48),
        "extDataHash": _HASH,
        "extDataGasUsed": Number(),
        "blockGasCost": Number(),
        "timestampMilliseconds": _UINT64,
        "minDelayExcess": _UINT64,
    }
)
"""The shape of each field, under its JSON-RPC name."""

NUMBERS: Final = frozenset(name for name, shape in SHAPES.items() if isinstance(shape, Number))
"""Fields that JSON-RPC writes as quantities (`0x` and hex digits without leading zeros); the others are data."""

ALIASES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "mixDigest": "mixHash",
        "prevProposerPubkey": "parentProposerPubkey",
        "extraDataHash": "extDataHash",
    }
)
"""Other spellings under which nodes send a field."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The fields of one dialect.

    Attributes:
        required: In every header.
        optional: Appended by forks, in this order.
        never: Counts of fields that no fork of the dialect had, because fields came in groups.
    """

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    never: frozenset[int] = frozenset()

    @property
    def fields(self) -> tuple[str, ...]:
        """All known fields, in order."""
        return self.required + self.optional


_FIRST: Final = (
    "parentHash", "sha3Uncles", "miner", "stateRoot", "transactionsRoot", "receiptsRoot", "logsBloom", "difficulty",
    "number", "gasLimit", "gasUsed", "timestamp", "extraData",
)  # fmt: skip
_CANCUN: Final = ("blobGasUsed", "excessBlobGas", "parentBeaconBlockRoot")
_TO_PRAGUE: Final = ("baseFeePerGas", "withdrawalsRoot", *_CANCUN, "requestsHash")
AFTER_PRAGUE: Final = ("blockAccessListHash", "slotNumber")
"""Fields of Amsterdam (EIP-7928, EIP-7843): a block that has them runs under rules later than any we can execute."""
_IN_PART: Final = frozenset({18, 19})
"""Cancun brought three fields at once (EIP-4844, EIP-4788): no header of Ethereum has 18 or 19."""

LAYOUTS: Final[Mapping[Dialect, Layout]] = MappingProxyType(
    {
        Dialect.ETHEREUM: Layout(
            (*_FIRST, "mixHash", "nonce"), (*_TO_PRAGUE, "blockAccessListHash", "slotNumber"), _IN_PART
        ),
        Dialect.AURA: Layout((*_FIRST, "step", "signature"), _TO_PRAGUE, _IN_PART),
        Dialect.AVALANCHE: Layout(
            (*_FIRST, "mixHash", "nonce", "extDataHash"),
            ("baseFeePerGas", "extDataGasUsed", "blockGasCost", *_CANCUN, "timestampMilliseconds", "minDelayExcess"),
            frozenset({18, 20, 21}),
        ),
        Dialect.CELO_EARLY: Layout(
            (
                "parentHash", "miner", "stateRoot", "transactionsRoot", "receiptsRoot", "logsBloom", "number",
                "gasUsed", "timestamp", "extraData",
            )
        ),
        Dialect.BERACHAIN: Layout((*_FIRST, "mixHash", "nonce"), (*_TO_PRAGUE, "parentProposerPubkey"), _IN_PART),
        Dialect.SONIC: Layout(
            (*_FIRST, "mixHash", "nonce", "baseFeePerGas", "withdrawalsRoot", "blobGasUsed", "excessBlobGas")
        ),
    }
)  # fmt: skip
