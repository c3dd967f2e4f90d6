"""The code of a dispute game: a proxy that calls an implementation, with the game's arguments behind its code.

Source: Solady, LibClone (clones with immutable arguments); DisputeGameFactory.create of the OP Stack.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from verifier.errors import MalformedHeader, Where
from verifier.primitives import Address, Hash32

_CLONE_HEAD: Final = bytes.fromhex(
    "36602c57343d527f9e4ac34f21c619cefc926c8bd93b54bf5a39c7ab2127a895af1cc0691d7e3dff593da1005b"
)
_TARGET: Final = re.compile(
    rb"\x01\x3d\x73(.{20})\x5a\xf4\x3d\x3d\x93\x80\x3e\x60[\x35\x3e\x60]\x57\xfd\x5b\xf3", re.DOTALL
)
"""Delegate call to the 20 bytes behind PUSH20, and return. Source: Solady, LibClone, immutable arguments."""


@dataclass(frozen=True, slots=True)
class Clone:
    """A game's code taken apart: the implementation it calls, and the arguments that stand behind the code."""

    implementation: Address
    creator: Address
    root: Hash32
    parent_hash: Hash32


def parse_clone(code: bytes, where: Where) -> Clone:
    """
    The implementation and first arguments of a game's proxy.

    Args:
        code: Untrusted until its hash was held against the proven account.

    Raises:
        MalformedHeader: Not a clone with immutable arguments of a known form.
    """
    found = _TARGET.search(code, len(_CLONE_HEAD)) if code.startswith(_CLONE_HEAD) else None
    arguments = b"" if found is None else code[found.end() : -2]
    if found is None or found.start() > 100 or len(arguments) < 84:
        raise MalformedHeader(where, "the game's code is not a clone with immutable arguments", code[:80])
    return Clone(Address(found[1]), Address(arguments[:20]), Hash32(arguments[20:52]), Hash32(arguments[52:84]))
