"""Positions by their protocols' own rules: one table of kinds, and the way from a position to what it reads and says.

Whoever may choose a position's contracts chooses what its figure means. Every contract that a position reads must
therefore be one that the checker's policy names, or one that its own registry gave the position with; a bundle cannot
bring its own pool along.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from verifier.assets import (
    aave_v3,
    compound_v3,
    erc4626,
    morpho_blue,
    rocket,
    steth,
    storage_field,
    uniswap_v2,
    uniswap_v3,
)
from verifier.assets.figure import Figure
from verifier.assets.judges import check_by_call, split
from verifier.assets.kind import Reading, State
from verifier.assets.reader import NO_SIGNERS, Reader
from verifier.claims import AccountRead, Claim, KnownAsset, Reads
from verifier.errors import BadInput, Where
from verifier.policy import Signers
from verifier.positions import Given, Position, PositionKind, parameters
from verifier.primitives import Address, SlotKey, Timestamp

Parse = Callable[[Given, Address], Any]
"""Parameters of a kind's own type, which its own `read` takes; nobody else looks inside."""
Read = Callable[[Any, Claim, Address, Reader], Figure]

KINDS: Final[Mapping[PositionKind, tuple[Parse, Read]]] = MappingProxyType(
    {
        PositionKind.STORAGE: (storage_field.parse, storage_field.read),
        PositionKind.STETH: (steth.parse, steth.read),
        PositionKind.WSTETH: (steth.parse, steth.read),
        PositionKind.RETH: (rocket.parse, rocket.read),
        PositionKind.ERC4626: (erc4626.parse, erc4626.read),
        PositionKind.AAVE_V3: (aave_v3.parse, aave_v3.read),
        PositionKind.AAVE_V3_DEBTS: (aave_v3.parse, aave_v3.read_debts),
        PositionKind.COMPOUND_V3: (compound_v3.parse, compound_v3.read),
        PositionKind.COMPOUND_V3_DEBTS: (compound_v3.parse, compound_v3.read_debts),
        PositionKind.MORPHO_BLUE: (morpho_blue.parse, morpho_blue.read),
        PositionKind.MORPHO_BLUE_DEBTS: (morpho_blue.parse, morpho_blue.read_debts),
        PositionKind.UNISWAP_V2: (uniswap_v2.parse, uniswap_v2.read),
        PositionKind.UNISWAP_V3: (uniswap_v3.parse, uniswap_v3.read),
    }
)


def check_position(of: Position, contract: Address) -> None:
    """
    That a position has its kind's parameters, and no others.

    Raises:
        BadInput: One is missing, unknown or of another type.
    """
    plain, _ = split(of)
    parameters(plain, _kind(plain)[0], contract)


def _kind(of: Position) -> tuple[Parse, Read]:
    if of.kind not in KINDS:
        raise BadInput("position", "a kind that has an amount, and no price", of.kind.value)
    return KINDS[of.kind]


def read_position(claim: Claim, of: Position, reader: Reader) -> Figure:
    """
    The figure of a position, from whatever the reader has.

    Raises:
        BadInput: The position's parameters are not its kind's.
        Malformed, ProofError, PolicyError: As the kind and the reader raise them.
    """
    contract = claim.asset.contract
    if contract is None:
        raise BadInput("position", "a contract", claim.asset.symbol)
    parse, read = _kind(of)
    return read(parameters(of, parse, contract), claim, contract, reader)


def compile(claim: Claim, known: KnownAsset | None, *, accepted: bool) -> Reads:  # noqa: A001, ARG001
    """Nothing is known beforehand: what a position reads, its own run says."""
    return Reads(())


def decode(claim: Claim, known: KnownAsset | None, state: State, where: Where, *, accepted: bool) -> Reading:  # noqa: ARG001
    """
    The position's figure, in the units of the coin that it counts.

    Raises:
        BadInput: The claim has no position, or one whose parameters are not its kind's.
        CrossCheckFailed: It is judged by its protocol's own view, which says another figure.
        Malformed, ProofError, PolicyError: As the kind and the proofs of what it reads raise them.
    """
    if not isinstance(claim.reading, Position):
        raise BadInput("claim of a position", "a position", claim.asset.symbol)
    plain, judged = split(claim.reading)
    reader = Needing(state, where)
    figure = read_position(claim, plain, reader)
    if judged and claim.asset.contract is not None:
        check_by_call(claim, plain, claim.asset.contract, figure, state, where)
    rest = tuple(read for read in reader.used.values() if read is not figure.word)
    contracts = dict.fromkeys(address for address, _ in reader.used if address != claim.asset.contract)
    return Reading(figure.units, figure.word, rest, reviewed=False, contracts=tuple(contracts))


class Needing(Reader):
    """Says all of a request beforehand, for a state that is still being gathered; and has what was signed beside it.

    Attributes:
        as_of: The moment asked for, which signed prices are held against.
        signers: Sets of signers that the checker's policy names.
    """

    def __init__(
        self,
        state: State,
        where: Where,
        as_of: Timestamp | None = None,
        signers: Mapping[str, Signers] = NO_SIGNERS,
    ) -> None:
        super().__init__(state, state.time, where)
        self._whole, self.as_of, self.signers = state, state.time if as_of is None else as_of, signers
        self.updates = state.updates

    def used_update(self, update: bytes) -> None:
        """Note that a signed update was used."""
        self._whole.used_update(update)

    def _ready(self, asked: list[tuple[Address, list[SlotKey]]]) -> None:
        self._whole.need([AccountRead(address, tuple(slots)) for address, slots in asked])
