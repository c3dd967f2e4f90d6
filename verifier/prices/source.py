"""The price sources: one table of kinds, and the way from a price claim to what it reads and says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from verifier.assets.reader import Reader
from verifier.claims import PriceClaim
from verifier.errors import BadInput
from verifier.positions import Given, Position, PositionKind, parameters
from verifier.prices import average, called, chainlink, pyth, rates
from verifier.prices.quote import Observed, Said
from verifier.primitives import Address

Parse = Callable[[Given, Address], Any]
"""Parameters of a source's own type, which its own `read` takes; nobody else looks inside."""
Read = Callable[[Any, PriceClaim, Reader], Observed | Said]

SOURCES: Final[Mapping[PositionKind, tuple[Parse, Read]]] = MappingProxyType(
    {
        PositionKind.CALL: (called.parse, called.read),
        PositionKind.CHAINLINK: (chainlink.parse, chainlink.read),
        PositionKind.PYTH: (pyth.parse, pyth.read),
        PositionKind.UNISWAP_V3_AVERAGE: (average.parse, average.read),
        PositionKind.STETH: (rates.parse, rates.read),
        PositionKind.WSTETH: (rates.parse, rates.read),
        PositionKind.RETH: (rates.parse, rates.read),
        PositionKind.ERC4626: (rates.parse, rates.read),
    }
)


def check_source(of: Position, contract: Address) -> None:
    """
    That a source has its kind's parameters, and no others.

    Raises:
        BadInput, WrongBinding, BadPrice: One is missing, unknown, of another type, or at odds with another.
    """
    parameters(of, _source(of)[0], contract)


def _source(of: Position) -> tuple[Parse, Read]:
    if of.kind not in SOURCES:
        raise BadInput("price source", ", ".join(kind.value for kind in SOURCES), of.kind.value)
    return SOURCES[of.kind]


def read_price(claim: PriceClaim, reader: Reader) -> Observed | Said:
    """
    The price that a claim asks for, from whatever the reader has: observed in state, or only said by signers.

    Raises:
        BadInput: No such source, or parameters that are not its own.
        BadPrice: What stands there is no price.
        Malformed, ProofError, PolicyError: As the source and the reader raise them.
    """
    parse, read = _source(claim.how)
    return read(parameters(claim.how, parse, claim.contract), claim, reader)
