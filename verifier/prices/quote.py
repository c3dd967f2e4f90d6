"""What a price source gives back, and the scale that all of them speak in: 1e-18 of the quote for one whole unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from verifier.policy import Signers
from verifier.primitives import Address, Timestamp
from verifier.proven import ProvenCall, ProvenWord

SCALE: Final = 10**18


@dataclass(frozen=True, slots=True)
class Observed:
    """A price above zero, the time that it speaks of, and the word or the call that it mainly rests on."""

    price: int
    at: Timestamp
    word: ProvenWord | ProvenCall


@dataclass(frozen=True, slots=True)
class Said:
    """
    A price above zero that was signed, and is not proven.

    Attributes:
        interval: How far off it may be, in the same scale.
        signed_by: Who of the set signed, in its order.
        word: What names the set under the block's state; None where the checker's policy does.
    """

    price: int
    interval: int
    at: Timestamp
    signers: Signers
    signed_by: tuple[Address, ...]
    word: ProvenWord | None


def scaled(answer: int, decimals: int) -> int:
    """A number of some digits in our scale, rounded down; what is below the scale's last digit is no price."""
    return answer * SCALE // power(decimals)


def power(digits: int) -> int:
    """Ten to a number of digits."""
    return int("1" + "0" * digits)
