"""Figures that a contract's own view function returns, run by us over proven state; beside a layout, held against it.

What makes the returned number a balance is the contract's code. Where the checker's registry knows that code, every
account whose code ran must have one of the reviewed hashes. Any other contract counts only where the policy names it.

A token's own function tells what a holder has, not whether the holder may move it. So where the reviewed code keeps
flags for that, a claim by a call alone is held against them too, as one by a layout is.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from verifier.assets import erc20
from verifier.assets.kind import Reading, State
from verifier.calls import Call
from verifier.claims import CallReading, Claim, KnownAsset, Reads
from verifier.codec.abi import decode_values, pad_address
from verifier.errors import BadInput, CallFailed, CrossCheckFailed, NotThere, NotUsable, UnreviewedCode, Where
from verifier.primitives import Address, Hash32, to_hex
from verifier.proven import Ended, ProvenAccount, ProvenCall, ProvenWord
from verifier.state.ethereum import EMPTY_CODE

BALANCE_OF: Final = bytes.fromhex("70a08231")
"""Selector of balanceOf(address)."""


def balance_reading(token: Address, holder: Address) -> CallReading:
    """The reading that ERC-20 gives every token."""
    return CallReading(Call(token, BALANCE_OF + pad_address(holder)))


def compile(claim: Claim, known: KnownAsset | None, *, accepted: bool) -> Reads:  # noqa: A001, ARG001 - the port's words
    """Nothing is known beforehand: what a call reads, its own run says."""
    return Reads(())


def decode(claim: Claim, known: KnownAsset | None, state: State, where: Where, *, accepted: bool) -> Reading:
    """
    The figure that the call returns, in the asset's base units.

    Raises:
        NotThere: The contract is proven to have no code.
        CallFailed: The call reverted or halted.
        NotUsable: The figure is negative, what came back is not of the claimed types, or a flag of the reviewed code
            says that the holder cannot move it.
        UnreviewedCode: Code ran that the checker does not know, and its policy does not name the contract.
        CrossCheckFailed: The asset has a layout too, and that gives another figure.
        Malformed, ProofError: As the proofs of what the call reads raise them.
    """
    reading = claim.reading
    if not isinstance(reading, CallReading):
        raise BadInput("claim by a call", "a call", claim.asset.symbol)
    contract = where.at(address=reading.call.to)
    token = state.account(reading.call.to)
    if not token.exists or token.code_hash == EMPTY_CODE:
        raise NotThere(contract, "the contract's code")
    found = state.call(reading.call)
    units = figure(found, reading, contract)
    reviewed = _reviewed(found, known)
    if not reviewed and not accepted:
        raise _unreviewed(found, known)
    bound = tuple(read for read in found.reads if isinstance(read, ProvenAccount) and read.address in found.code_hashes)
    laid_out = _laid_out(claim, known, accepted=accepted)
    if laid_out is None:
        return Reading(units, found, bound, reviewed=reviewed)
    beside = erc20.decode(laid_out, known, state, where, accepted=accepted)
    if beside.units != units:
        raise CrossCheckFailed(contract, beside.units, units)
    words: tuple[ProvenAccount | ProvenWord, ...] = (
        (beside.rests_on,) if isinstance(beside.rests_on, ProvenWord) else ()
    )
    return Reading(units, found, (*bound, *words), reviewed=reviewed and bool(beside.reviewed))


def _laid_out(claim: Claim, known: KnownAsset | None, *, accepted: bool) -> Claim | None:
    """The claim with the layout that is read beside its call: its own, or the reviewed one where that has flags."""
    if claim.asset.layout is not None:
        return claim
    if accepted or known is None or known.asset.layout is None:
        return None
    flagged = bool(known.guards) or known.asset.layout.blocked_bit is not None
    return replace(claim, asset=known.asset) if flagged else None


def figure(found: ProvenCall, reading: CallReading, where: Where) -> int:
    """The value of a call that a claim takes, in the asset's base units."""
    return value_of(found, reading.returns, reading.index, where)


def value_of(found: ProvenCall, returns: str, index: int, where: Where) -> int:
    """
    One of the values that a call returned, which must be an integer and not negative.

    Raises:
        CallFailed, NotUsable: There is no such value.
    """
    if found.ended is not Ended.RETURNED:
        what = "reverted" if found.ended is Ended.REVERTED else f"halted ({found.halted})"
        raise CallFailed(where, what, found.output)
    values = decode_values(returns, found.output, where)
    value = values[index] if index < len(values) else None
    if isinstance(value, bool) or not isinstance(value, int):
        raise NotUsable(where, f"value {index} of {returns} is no integer")
    if value < 0:
        raise NotUsable(where, f"the call returned {value}, and an amount is not negative")
    return value


def _reviewed(found: ProvenCall, known: KnownAsset | None) -> bool:
    """Whether all code that ran is code that the checker reviewed for this asset."""
    return bool(found.code_hashes) and set(found.code_hashes.values()) <= _known_hashes(known)


def _known_hashes(known: KnownAsset | None) -> set[Hash32]:
    pins = () if known is None else known.pins
    hashes = {pin.code_hash for pin in pins}
    return hashes | {pin.implementation_code_hash for pin in pins if pin.implementation_code_hash is not None}


def _unreviewed(found: ProvenCall, known: KnownAsset | None) -> UnreviewedCode:
    taken = _known_hashes(known)
    address, code_hash = next((a, h) for a, h in sorted(found.code_hashes.items()) if h not in taken)
    expected = " or ".join(sorted(to_hex(h) for h in taken)) or "none"
    return UnreviewedCode(found.rests_on.where.at(address=address), "code that the call runs", expected, code_hash)
