"""The words of one width: names for integers and byte strings, and the only functions that make them.

A `NewType` costs nothing at run time and keeps a slot from being passed for a hash. Each has one parsing
constructor here; code that needs a value of the type calls it, and nothing else casts.
"""

from __future__ import annotations

import re
from typing import Final, NewType

from verifier.errors import BadInput

ChainId = NewType("ChainId", int)
"""EIP-155 chain id."""
Address = NewType("Address", bytes)
"""20 bytes."""
Hash32 = NewType("Hash32", bytes)
"""32 bytes that came out of a hash function, or stand where such bytes stand."""
SlotKey = NewType("SlotKey", bytes)
"""32 bytes: the key of a storage slot, before it is hashed into a path."""
Word = NewType("Word", bytes)
"""32 bytes: the content of a storage slot, left-padded."""
BlockNumber = NewType("BlockNumber", int)
Timestamp = NewType("Timestamp", int)
"""Unix seconds, UTC."""
Wei = NewType("Wei", int)
"""Native units of a network, 1e-18 of its coin unless the network says otherwise."""

ZERO_HASH: Final = Hash32(bytes(32))
ZERO_WORD: Final = Word(bytes(32))
MAX_CHAIN_ID: Final = 2**53 - 1
MAX_UINT64: Final = 2**64 - 1
MAX_UINT256: Final = 2**256 - 1

_HEX: Final = re.compile(r"0x(?:[0-9a-fA-F]{2})*", re.ASCII)


def chain_id(value: object) -> ChainId:
    """A chain id between 1 and 2^53 - 1 (it must survive JSON readers that use doubles)."""
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_CHAIN_ID:
        raise BadInput("chain id", "an integer from 1 to 2^53-1", value)
    return ChainId(value)


def address(value: object) -> Address:
    """Exactly 20 bytes."""
    return Address(_exactly(value, 20, "address"))


def hash32(value: object) -> Hash32:
    """Exactly 32 bytes; zero is allowed here, and refused where a root of trust is due."""
    return Hash32(_exactly(value, 32, "hash"))


def nonzero_hash(value: object) -> Hash32:
    """Exactly 32 bytes, not all zero: an unset field must never be taken for a hash that is known."""
    made = hash32(value)
    if not any(made):
        raise BadInput("hash", "32 bytes that are not all zero", value)
    return made


def slot_key(value: object) -> SlotKey:
    """The key of a slot, from its number or its 32 bytes."""
    if isinstance(value, bytes):
        return SlotKey(_exactly(value, 32, "slot"))
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_UINT256:
        raise BadInput("slot", "an unsigned 256-bit integer", value)
    return SlotKey(value.to_bytes(32, "big"))


def word(value: object) -> Word:
    """A storage word, from an unsigned integer or its 32 bytes."""
    return Word(bytes(slot_key(value)))


def block_number(value: object) -> BlockNumber:
    """An unsigned 64-bit block number."""
    return BlockNumber(_uint64(value, "block number"))


def timestamp(value: object) -> Timestamp:
    """Unsigned 64-bit unix seconds."""
    return Timestamp(_uint64(value, "timestamp"))


def parse_hex(text: object, what: str = "hex") -> bytes:
    """Bytes from `0x` and an even number of hex digits; nothing is stripped, padded or guessed."""
    if not isinstance(text, str) or _HEX.fullmatch(text) is None:
        raise BadInput(what, "0x and an even number of hex digits", text)
    return bytes.fromhex(text[2:])


def to_hex(value: bytes) -> str:
    """Lower-case hex with 0x."""
    return "0x" + value.hex()


def _exactly(value: object, width: int, what: str) -> bytes:
    if not isinstance(value, bytes) or len(value) != width:
        raise BadInput(what, f"{width} bytes", value)
    return value


def _uint64(value: object, what: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_UINT64:
        raise BadInput(what, "an unsigned 64-bit integer", value)
    return value
