"""The envelope of a bundle: its name, its version, its content id, and the body, which nothing follows."""

from __future__ import annotations

import hashlib
from typing import Final

from verifier.errors import MalformedBundle, Where
from verifier.primitives import Hash32

MAGIC: Final = "xmargin-bundle"
VERSION: Final = 1
HERE: Final = Where(network="bundle")
_ID_PREFIX: Final = MAGIC.encode() + bytes([0, VERSION])


def content_id(body: bytes | memoryview) -> Hash32:
    """The id of a bundle's body."""
    digest = hashlib.sha256(_ID_PREFIX)
    digest.update(body)
    return Hash32(digest.digest())


def open_envelope(data: bytes) -> tuple[memoryview, bytes]:
    """The body and the id that the envelope names, without copying the body."""
    head = bytes([0x84, 0x60 | len(MAGIC)]) + MAGIC.encode() + bytes([VERSION, 0x58, 32])
    if not data.startswith(head):
        raise MalformedBundle(HERE, f"it does not start as a version {VERSION} bundle", data[: len(head)])
    named, rest = data[len(head) : len(head) + 32], memoryview(data)[len(head) + 32 :]
    length, start = _byte_string(rest)
    if len(rest) - start != length:
        raise MalformedBundle(HERE, f"its body is announced with {length} bytes, and has {len(rest) - start}")
    return rest[start:], named


def _byte_string(data: memoryview) -> tuple[int, int]:
    """Length and start of the byte string that fills `data`, its head in the shortest form."""
    first = data[0] if len(data) else 0
    info = first & 31
    if first >> 5 != 2 or info > 27 or len(data) < 1 + (0 if info < 24 else 1 << (info - 24)):
        raise MalformedBundle(HERE, "its body is not a byte string")
    if info < 24:
        return info, 1
    width = 1 << (info - 24)
    length = int.from_bytes(data[1 : 1 + width], "big")
    if length < (24 if width == 1 else 1 << (4 * width)):
        raise MalformedBundle(HERE, "the length of its body is longer written than it needs to be")
    return length, 1 + width
