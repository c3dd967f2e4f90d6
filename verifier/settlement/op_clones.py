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


_HEAD: Final = 84
"""Creator (20 bytes), root claim (32), parent hash (32): before what a game's type decides."""
_ARGUMENTS: Final = {
    0: (124, 52),
    1: (164, 52),
    8: (124, 52),
    4: (124, 52),
    7: (124, 52),
    9: (124, 52),
    5: (60, 0),
    10: (140, 100),
}
"""
By game type: how long the arguments are that the factory gives an implementation, and where they name the registry.

Source: ethereum-optimism/optimism, LibGameArgs.sol; ZKDisputeGame.sol 2.1 and SuperPermissionedDisputeGame.sol 1.0.
"""


@dataclass(frozen=True, slots=True)
class Clone:
    """
    A game's code taken apart: the implementation it calls, and the arguments that stand behind the code.

    Attributes:
        rest: What follows the first three: the extra data; or game type (4 bytes), extra data, and the implementation's
            own arguments, where the factory has some for the type.
    """

    implementation: Address
    creator: Address
    root: Hash32
    parent_hash: Hash32
    rest: bytes = b""

    def taken_apart(self, number: int) -> tuple[bytes, Address | None]:
        """As a game of a type: its extra data, and the registry; None for one that has that in its implementation."""
        length, at = _ARGUMENTS.get(number, (0, 0))
        if not length or len(self.rest) < 4 + length or self.rest[:4] != number.to_bytes(4, "big"):
            return self.rest, None
        own = self.rest[-length:]
        return self.rest[4:-length], Address(own[at : at + 20])


def parse_clone(code: bytes, where: Where) -> Clone:
    """
    The implementation and the arguments of a game's proxy.

    Args:
        code: Untrusted until its hash was held against the proven account.

    Raises:
        MalformedHeader: Not a clone with immutable arguments of a known form.
    """
    found = _TARGET.search(code, len(_CLONE_HEAD)) if code.startswith(_CLONE_HEAD) else None
    told = b"" if found is None else code[found.end() : -2]
    if found is None or found.start() > 100 or len(told) < _HEAD:
        raise MalformedHeader(where, "the game's code is not a clone with immutable arguments", code[:80])
    return Clone(Address(found[1]), Address(told[:20]), Hash32(told[20:52]), Hash32(told[52:_HEAD]), told[_HEAD:])
