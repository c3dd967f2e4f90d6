"""One byte form of what a report was computed from, and its digest: a number can be recomputed years later.

Canonical JSON: keys sorted, no spaces, integers as they are, bytes as 0x hex, sets and mappings in order of their text.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from decimal import Context, Decimal
from enum import Enum
from typing import Final

from verifier.primitives import Hash32, to_hex

_WIDE: Final = Context(prec=200)


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
    if isinstance(value, Decimal):
        return _decimal(value)
    if is_dataclass(value) and not isinstance(value, type):
        return _members((member, getattr(value, member.name)) for member in fields(value))
    raise TypeError(f"{type(value).__name__} has no canonical form")


def _members(members: Iterable[tuple[Field[object], object]]) -> dict[str, object]:
    """Every field, but those added later only where they say something; terms of different types by their name."""
    kept = {}
    for member, held in members:
        if not member.metadata.get("later") or held != _default(member):
            kept[member.name] = _named(held) if is_dataclass(held) and member.metadata.get("later") else _plain(held)
    return kept


def _default(member: Field[object]) -> object:
    return member.default if member.default_factory is MISSING else member.default_factory()


def _named(value: object) -> object:
    return {type(value).__name__: _plain(value)}


def _decimal(value: Decimal) -> str:
    """Without trailing zeros and without exponent: equal numbers have one text."""
    if not value.is_finite():
        raise TypeError("a number that is not finite has no canonical form")
    text = format(value.normalize(_WIDE), "f")
    return "0" if text in {"-0", "0"} else text


def _text(value: object) -> str:
    plain = _plain(value)
    return plain if isinstance(plain, str) else json.dumps(plain, sort_keys=True, separators=(",", ":"))
