"""Positions as questions: which protocol's rules give a figure, and where that protocol stands.

A position names a kind and gives its parameters (addresses, numbers, words). It holds no figure. Which parameters a
kind takes is said in the kind's own file under `verifier/assets`, which refuses every other one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final, TypeVar, Union

from verifier.errors import BadInput
from verifier.primitives import MAX_UINT256, Address, Hash32, address, hash32

MOST_PARAMETERS: Final = 32
Parameter = Union[int, bytes, str]
"""An unsigned integer of 256 bits, up to 64 bytes, or a word of at most 256 letters."""


class PositionKind(StrEnum):
    """Whose rules give the figure."""

    STORAGE = "storage"
    """A field of a word, at a place that a storage layout and a path led to."""
    STETH = "steth"
    """Lido's shares, worth ether by the totals beside them."""
    WSTETH = "wsteth"
    """Wrapped shares of stETH."""
    RETH = "reth"
    """Rocket Pool's token, worth ether by the rate in its store."""
    ERC4626 = "erc4626"
    """Shares of a vault, converted as OpenZeppelin's does."""
    AAVE_V3 = "aave-v3"
    """What is supplied to, or owed at the variable rate to, one reserve."""
    AAVE_V3_DEBTS = "aave-v3-debts"
    """That a holder owes nothing to any reserve but the listed ones."""
    COMPOUND_V3 = "compound-v3"
    """Base coin supplied or owed, or collateral posted."""
    COMPOUND_V3_DEBTS = "compound-v3-debts"
    """That a holder owes no base coin."""
    MORPHO_BLUE = "morpho-blue"
    """Lent, owed or posted in one market."""
    MORPHO_BLUE_DEBTS = "morpho-blue-debts"
    """That a holder owes nothing in one market."""
    UNISWAP_V2 = "uniswap-v2"
    """One coin's part of liquidity tokens."""
    UNISWAP_V3 = "uniswap-v3"
    """One coin's part of a position of the position manager, uncollected fees included."""
    CHAINLINK = "chainlink"
    """A feed's latest answer: a price, no position."""
    CALL = "call"
    """What a contract's own function returns: a price, no position."""
    PYTH = "pyth"
    """What a quorum of guardians signed of a feed: a price, no position, and not proven."""
    UNISWAP_V3_AVERAGE = "uniswap-v3-average"
    """A pool's time-weighted average: a price, no position."""


@dataclass(frozen=True, slots=True)
class Position:
    """A kind with its parameters, by ascending name; each name once."""

    kind: PositionKind
    given: tuple[tuple[str, Parameter], ...] = ()

    def __post_init__(self) -> None:
        names = [name for name, _ in self.given]
        if names != sorted(set(names)) or len(names) > MOST_PARAMETERS:
            raise BadInput("position's parameters", f"at most {MOST_PARAMETERS}, ascending, each once", names)
        for name, value in self.given:
            _check(name, value)


def position(kind: PositionKind, **given: Parameter) -> Position:
    """A position from parameters in any order."""
    return Position(kind, tuple(sorted(given.items())))


def _check(name: str, value: object) -> None:
    sound = (
        (type(value) is int and 0 <= value <= MAX_UINT256)
        or (type(value) is bytes and len(value) <= 64)
        or (type(value) is str and 0 < len(value) <= 256 and value.isprintable())
    )
    if not sound:
        raise BadInput(f"position's {name}", "an unsigned integer, up to 64 bytes, or a word", value)


Part = tuple[tuple[str, Parameter], ...]
"""The parameters that tell one holder's positions at one contract apart."""

PARTS: Final[Mapping[PositionKind, Part]] = MappingProxyType(
    {
        PositionKind.STORAGE: (("slot", b""), ("offset", 0)),
        PositionKind.COMPOUND_V3: (("of", "base"), ("asset", b"")),
        PositionKind.MORPHO_BLUE: (("market", b""), ("of", "loan")),
        PositionKind.UNISWAP_V2: (("leg", 0),),
        PositionKind.UNISWAP_V3: (("token", 0), ("leg", 0)),
        PositionKind.AAVE_V3_DEBTS: (("kind", "debts"),),
        PositionKind.COMPOUND_V3_DEBTS: (("kind", "debts"),),
        PositionKind.MORPHO_BLUE_DEBTS: (("market", b""), ("kind", "debts")),
    }
)
"""For kinds that read a part of what a holder has at a contract: which parameters say which, with their defaults."""


def part_of(of: Position) -> Part:
    """Which part a position reads; nothing for kinds that read all that the holder has there."""
    given = dict(of.given)
    return tuple((name, given.get(name, default)) for name, default in PARTS.get(of.kind, ()))


WORD: Final = range(256)
"""All bits of a word."""


def field_of(of: Position) -> range:
    """Which bits a figure takes of the word that it mainly rests on; none where a place is none."""
    given = dict(of.given)
    if of.kind is PositionKind.COMPOUND_V3 and given.get("of", "base") == "base":
        return range(104)  # the principal; beside it stands what the protocol owes in rewards
    if of.kind is not PositionKind.STORAGE:
        return WORD
    offset, width = given.get("offset", 0), given.get("width", 256)
    if not isinstance(offset, int) or not isinstance(width, int):
        return range(0)
    return range(offset, offset + width)


class Given:
    """A position's parameters, taken one by one; `done` refuses what nobody took."""

    def __init__(self, of: Position) -> None:
        self.kind, self._left = of.kind, dict(of.given)

    def _take(self, name: str, default: Parameter | None) -> object:
        value = self._left.pop(name, default)
        if value is None:
            raise BadInput(f"{self.kind.value} position", f"the parameter {name}", "none")
        return value

    def address(self, name: str, default: bytes | None = None) -> Address:
        """An address."""
        return address(self._take(name, default))

    def addresses(self, prefix: str) -> frozenset[Address]:
        """All parameters whose names are a prefix and two digits: addresses."""
        names = [name for name in self._left if re.fullmatch(rf"{prefix}[0-9]{{2}}", name)]
        return frozenset(self.address(name) for name in names)

    def hash(self, name: str, default: bytes | None = None) -> Hash32:
        """32 bytes."""
        return hash32(self._take(name, default))

    def uint(self, name: str, default: int | None = None, *, most: int = MAX_UINT256) -> int:
        """An unsigned integer up to `most`."""
        value = self._take(name, default)
        if type(value) is not int or not 0 <= value <= most:
            raise BadInput(f"{self.kind.value} position, {name}", f"an integer from 0 to {most}", value)
        return value

    def word(self, name: str, choices: tuple[str, ...], default: str | None = None) -> str:
        """One of some words."""
        value = self._take(name, default)
        if value not in choices:
            raise BadInput(f"{self.kind.value} position, {name}", f"one of {', '.join(choices)}", value)
        return str(value)

    def bytes(self, name: str, default: bytes | None = None) -> bytes:
        """Any bytes."""
        value = self._take(name, default)
        if not isinstance(value, bytes):
            raise BadInput(f"{self.kind.value} position, {name}", "bytes", value)
        return value

    def text(self, name: str, default: str | None = None) -> str:
        """Any word."""
        value = self._take(name, default)
        if not isinstance(value, str):
            raise BadInput(f"{self.kind.value} position, {name}", "a word", value)
        return value

    def done(self) -> None:
        """All parameters have been taken.

        Raises:
            BadInput: One was not, so it means nothing to this kind.
        """
        if self._left:
            raise BadInput(f"{self.kind.value} position", "no other parameters", ", ".join(sorted(self._left)))


P = TypeVar("P")


def parameters(of: Position, parse: Callable[[Given, Address], P], contract: Address) -> P:
    """
    A kind's own parameters, and that a position gives no others.

    Args:
        parse: The kind's; it takes what it knows.

    Raises:
        BadInput: One is missing, unknown or of another type; and what `parse` raises.
    """
    given = Given(of)
    found = parse(given, contract)
    given.done()
    return found
