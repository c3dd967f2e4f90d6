"""The judge of a position: its protocol's own view function, run as a proven call beside the reading of its words.

A position with the parameter `judge = "call"` is read both ways, and the two must agree to the last unit. Kinds whose
protocol has no view of the figure (liquidity, a market's interest that only a library adds, bits) have no judge.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from verifier.assets.call import figure as figure_of
from verifier.assets.figure import Figure, number
from verifier.assets.kind import State
from verifier.calls import Call
from verifier.claims import CallReading, Claim, ClaimKind
from verifier.codec.abi import pad_address, pad_uint
from verifier.crypto.keccak import keccak256
from verifier.errors import BadInput, CrossCheckFailed, Where
from verifier.positions import Given, Position, PositionKind
from verifier.primitives import Address

JUDGE: Final = "judge"
Judge = Callable[[Claim, Position, Figure], bytes]
"""The view's call data, from what is claimed and what was read."""


def _call(signature: str, *words: bytes) -> bytes:
    return keccak256(signature.encode())[:4] + b"".join(words)


def _balance(claim: Claim, of: Position, figure: Figure) -> bytes:  # noqa: ARG001 - the judges' common shape
    return _call("balanceOf(address)", pad_address(claim.holder))


def _compound(claim: Claim, of: Position, figure: Figure) -> bytes:  # noqa: ARG001 - the judges' common shape
    if dict(of.given).get("of", "base") == "collateral":
        asset = Given(of).address("asset")
        return _call("collateralBalanceOf(address,address)", pad_address(claim.holder), pad_address(asset))
    name = "borrowBalanceOf" if claim.kind is ClaimKind.DEBT else "balanceOf"
    return _call(f"{name}(address)", pad_address(claim.holder))


def _shares(signature: str) -> Judge:
    def judge(claim: Claim, of: Position, figure: Figure) -> bytes:  # noqa: ARG001 - the judges' common shape
        return _call(signature, pad_uint(number(figure.word)))

    return judge


JUDGES: Final[Mapping[PositionKind, Judge]] = MappingProxyType(
    {
        PositionKind.STETH: _balance,
        PositionKind.WSTETH: _shares("getStETHByWstETH(uint256)"),
        PositionKind.RETH: _shares("getEthValue(uint256)"),
        PositionKind.ERC4626: _shares("convertToAssets(uint256)"),
        PositionKind.AAVE_V3: _balance,
        PositionKind.COMPOUND_V3: _compound,
    }
)


def with_judge(of: Position) -> Position:
    """The position, judged where its protocol has a view of the figure."""
    if of.kind not in JUDGES or JUDGE in dict(of.given):
        return of
    return Position(of.kind, tuple(sorted((*of.given, (JUDGE, "call")))))


def split(of: Position) -> tuple[Position, bool]:
    """
    The position without its judge, and whether it has one.

    Raises:
        BadInput: Another judge than the protocol's call, or one where the protocol has none.
    """
    given = dict(of.given)
    named = given.pop(JUDGE, None)
    if named is None:
        return of, False
    if named != "call" or of.kind not in JUDGES:
        raise BadInput(f"{of.kind.value} position, judge", '"call", where the protocol has a view of the figure', named)
    return Position(of.kind, tuple(sorted(given.items()))), True


def check_by_call(claim: Claim, of: Position, contract: Address, figure: Figure, state: State, where: Where) -> None:
    """
    Hold a figure against the protocol's own view.

    Raises:
        CrossCheckFailed: They differ.
        CallFailed, NotUsable: The view gives no figure.
    """
    reading = CallReading(Call(contract, JUDGES[of.kind](claim, of, figure)))
    said = figure_of(state.call(reading.call), reading, where)
    if said != figure.units:
        raise CrossCheckFailed(where.at(address=contract), figure.units, said)
