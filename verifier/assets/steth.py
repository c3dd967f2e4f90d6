"""Lido: stETH holds shares, worth ether by totals that stand beside them; wstETH's own balance counts such shares.

    ether of shares = shares * internal ether // internal shares
    internal ether  = buffered + balance of validators + (deposited - known validators) * 32 ether
    internal shares = total shares - shares minted for ether outside

Before the third version there were no shares outside, and each figure had a word of its own. All of it rounds down.

Source: lidofinance/core contracts/0.4.24/Lido.sol and StETH.sol (2026-06); storage names as in the code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from verifier.assets.figure import Figure, divide, high, holder_slot, low, number
from verifier.assets.reader import Reader
from verifier.claims import Claim
from verifier.crypto.keccak import keccak256
from verifier.errors import NotUsable
from verifier.positions import Given, PositionKind
from verifier.primitives import Address, SlotKey
from verifier.proven import ProvenWord

DEPOSIT: Final = 32 * 10**18


def _named(name: str) -> SlotKey:
    return SlotKey(keccak256(name.encode()))


TOTALS: Final = _named("lido.StETH.totalAndExternalShares")
BUFFER: Final = _named("lido.Lido.bufferedEtherAndDepositedValidators")
BEACON: Final = _named("lido.Lido.clBalanceAndClValidators")
SECOND: Final = tuple(
    _named(name)
    for name in (
        "lido.StETH.totalShares",
        "lido.Lido.bufferedEther",
        "lido.Lido.beaconBalance",
        "lido.Lido.depositedValidators",
        "lido.Lido.beaconValidators",
    )
)


@dataclass(frozen=True, slots=True)
class Parameters:
    """`steth`: the token whose shares are counted. `slot`: of the holder's balance. `version`: of Lido's storage."""

    steth: Address
    slot: int
    version: int


def parse(given: Given, contract: Address) -> Parameters:
    """The token whose shares are counted: its own contract, or the one that wstETH names."""
    wrapped = given.kind is PositionKind.WSTETH
    steth = given.address("steth") if wrapped else contract
    return Parameters(steth, given.uint("slot", 0), 2 if given.word("version", ("2", "3"), "3") == "2" else 3)


def read(of: Parameters, claim: Claim, contract: Address, reader: Reader) -> Figure:
    """What the holder's shares are worth in ether."""
    slots = (TOTALS, BUFFER, BEACON) if of.version == 3 else SECOND
    shares, *totals = reader.words((contract, [holder_slot(of.slot, claim.holder)]), (of.steth, slots))
    ether, internal = rate(totals)
    return Figure(divide(number(shares) * ether, internal, totals[0], "the number of shares"), shares)


def rate(totals: list[ProvenWord]) -> tuple[int, int]:
    """
    Ether and the shares that it is divided among.

    Raises:
        NotUsable: More validators are known than were deposited, or more shares are outside than there are.
    """
    if len(totals) == 3:
        shares, buffer, beacon = totals
        internal, buffered, deposited = low(shares) - high(shares), low(buffer), high(buffer)
        balance, known = low(beacon), high(beacon)
    else:
        internal, buffered, balance, deposited, known = (number(word) for word in totals)
    if deposited < known or internal < 0:
        raise NotUsable(totals[0].where, "Lido's totals contradict one another: this is not its storage")
    return buffered + balance + (deposited - known) * DEPOSIT, internal
