"""One byte form of what a report was computed from, and its digest: a number can be recomputed years later.

Canonical JSON: keys sorted, no spaces, integers as they are, bytes as 0x hex, sets and mappings in order of their text.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum

from verifier.primitives import Hash32, to_hex


def digest(*parts: object) -> Hash32:
    """SHA-256 over the canonical JSON of the parts."""
    return Hash32(hashlib.sha256(canonical_bytes(list(parts))).digest())


def canonical_bytes(value: object) -> bytes:
    """The one byte form of a value made of our own dataclasses, numbers, text and collections."""
    return json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def _plain(value: object) -> object:
    if isinstance(value, Enum):
        return _plain(value.value)
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, bytes):
        return to_hex(value)
    if isinstance(value, Mapping):
        return {_text(key): _plain(item) for key, item in value.items()}
    if isinstance(value, frozenset | set):
        return sorted((_plain(item) for item in value), key=_text)
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if is_dataclass(value):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    raise TypeError(f"{type(value).__name__} has no canonical form")


def _text(value: object) -> str:
    plain = _plain(value)
    return plain if isinstance(plain, str) else json.dumps(plain, sort_keys=True, separators=(",", ":"))
