"""The bloom filter of a header: which events a block cannot hold.

A filter has false positives, so a hit says nothing. A miss is proof of absence only where the network's consensus
makes every block's filter cover its events, as on Ethereum; some networks leave the field zero, where every look would
miss. Which networks do so belongs to review (`Family.blooms`), and whoever counts by misses asks for it expressly.

Source: Yellow Paper, section 4.3.1 (three times 11 bits of the hash of emitter and topics).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from verifier.codec import rlp
from verifier.crypto.keccak import keccak256
from verifier.errors import MalformedHeader, WrongHash
from verifier.proven import ProvenHeader

WIDTH: Final = 256
_BLOOM_FIELD: Final = 6
_BITS: Final = 2047


def header_bloom(header: ProvenHeader, raw: bytes) -> bytes:
    """
    The filter in a proven header, out of the header's own RLP.

    Args:
        raw: Untrusted; must be the very bytes that hash to the header.

    Raises:
        WrongHash: Another header's bytes.
        MalformedHeader: It keeps no filter of 256 bytes.
    """
    found = keccak256(raw)
    if found != header.hash:
        raise WrongHash(header.where, "the header with the bloom filter", header.hash, found)
    fields = rlp.decode_list(raw, header.where)
    bloom = fields[_BLOOM_FIELD] if len(fields) > _BLOOM_FIELD else b""
    if not isinstance(bloom, bytes) or len(bloom) != WIDTH:
        raise MalformedHeader(header.where, "the seventh field is no bloom filter of 256 bytes")
    return bloom


def may_hold(bloom: bytes, values: Iterable[bytes]) -> bool:
    """Whether a filter may cover all of these emitters and topics; False is certain, True is not."""
    number = int.from_bytes(bloom, "big")
    return all(number & bits == bits for bits in map(_bits, values))


def bloom_of(values: Iterable[bytes]) -> bytes:
    """The filter that covers exactly these emitters and topics."""
    number = 0
    for value in values:
        number |= _bits(value)
    return number.to_bytes(WIDTH, "big")


def _bits(value: bytes) -> int:
    digest = keccak256(value)
    return sum(
        {1 << (int.from_bytes(digest[i : i + 2], "big") & _BITS) for i in (0, 2, 4)},
    )
