"""Hash tree roots, and the branches that lead from a field up to its container's root."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

from verifier.codec.ssz.kinds import Container, Items, OctetList, Octets, Record, SszType, Value, Vector, fixed_size
from verifier.codec.ssz.serial import encode
from verifier.errors import LimitExceeded
from verifier.primitives import Hash32

CHUNK: Final = 32


def sha256(data: bytes) -> bytes:
    """SHA-256."""
    return hashlib.sha256(data).digest()


ZERO_ROOTS: Final[list[bytes]] = [bytes(CHUNK)]
for _ in range(64):
    ZERO_ROOTS.append(sha256(ZERO_ROOTS[-1] * 2))


def merkleize(chunks: Sequence[bytes], limit: int) -> bytes:
    """The root of a tree with room for `limit` chunks, those not given being zero."""
    if len(chunks) > limit:
        raise LimitExceeded("chunks of a tree", limit, len(chunks))
    layer = list(chunks) or [ZERO_ROOTS[0]]
    for level in range((limit - 1).bit_length()):
        if len(layer) % 2:
            layer.append(ZERO_ROOTS[level])
        layer = [sha256(layer[i] + layer[i + 1]) for i in range(0, len(layer), 2)]
    return layer[0]


def hash_tree_root(kind: SszType, value: Value) -> Hash32:
    """The root of a value's tree."""
    match kind, value:
        case Container(_, fields), Record():
            return Hash32(merkleize(field_roots(value), len(fields)))
        case Vector(element, length), Items() if isinstance(element, Octets | Container):
            return Hash32(merkleize([hash_tree_root(element, item) for item in value], length))
        case OctetList(limit), bytes():
            root = merkleize(_chunks(value), (limit + CHUNK - 1) // CHUNK)
            return Hash32(sha256(root + len(value).to_bytes(CHUNK, "little")))
    data = encode(kind, value)
    size = fixed_size(kind) or 0
    return Hash32(merkleize(_chunks(data), (size + CHUNK - 1) // CHUNK))


def field_roots(record: Record) -> list[bytes]:
    """The roots of a container's fields: the leaves of its tree."""
    return [hash_tree_root(part, record[name]) for name, part in record.kind.fields]


def field_branch(record: Record, name: str) -> tuple[bytes, ...]:
    """The siblings from a field's root up to the container's, bottom up."""
    index = [field for field, _ in record.kind.fields].index(name)
    layer = field_roots(record)
    found: list[bytes] = []
    for level in range((len(layer) - 1).bit_length()):
        if len(layer) % 2:
            layer.append(ZERO_ROOTS[level])
        found.append(layer[index ^ 1])
        layer = [sha256(layer[i] + layer[i + 1]) for i in range(0, len(layer), 2)]
        index //= 2
    return tuple(found)


def _chunks(data: bytes) -> list[bytes]:
    padded = data + bytes(-len(data) % CHUNK)
    return [padded[i : i + CHUNK] for i in range(0, len(padded), CHUNK)]
