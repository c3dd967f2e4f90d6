"""Calls of contracts as questions: who is called, by whom, with which bytes, and how much work it may be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from verifier.errors import BadInput
from verifier.primitives import Address

ZERO_ADDRESS: Final = Address(bytes(20))
DEFAULT_GAS: Final = 10_000_000
"""Enough for any view function that people read positions with; nodes allow 50 million by default."""
MAX_GAS: Final = 50_000_000
"""What geth allows a call by default, and more than our bound on work lets through in most code."""
MAX_CALLDATA: Final = 128 * 1_024


@dataclass(frozen=True, slots=True)
class Call:
    """
    A message to a contract that changes nothing: no value is sent, and whatever is written is dropped.

    Attributes:
        to: The contract.
        data: Selector and arguments.
        sender: What CALLER and ORIGIN say.
        gas: Units that a node would be given as `gas`; what a transaction costs before its first step comes off it.
    """

    to: Address
    data: bytes
    sender: Address = ZERO_ADDRESS
    gas: int = DEFAULT_GAS

    def __post_init__(self) -> None:
        if len(self.data) > MAX_CALLDATA:
            raise BadInput("call data", f"at most {MAX_CALLDATA} bytes", len(self.data))
        if type(self.gas) is not int or not 21_000 <= self.gas <= MAX_GAS:
            raise BadInput("gas of a call", f"21,000 to {MAX_GAS:,}", self.gas)


@dataclass(frozen=True, slots=True)
class CallLimits:
    """
    How much one call may be, tested before it is done. All are counts, so a verdict never depends on the machine.

    Attributes:
        steps: Units of work: one for an opcode, more for precompiles by what they cost here, and for each call frame.
        depth: Call frames inside each other. The protocol allows 1,025, the outermost among them; of each frame's gas
            a 64th stays behind, so that no call here has gas for 600. With a lower bound, what goes deeper is refused.
        frames: Call frames in all.
        reads: Accounts and words that it may touch.
        code_bytes: Of all the code that it may touch.
        output_bytes: Of what it returns or reverts with.
    """

    steps: int = 1_000_000
    depth: int = 1_025
    frames: int = 10_000
    reads: int = 20_000
    code_bytes: int = 4 * 1_024 * 1_024
    output_bytes: int = 1_024 * 1_024


@dataclass(slots=True)
class Work:
    """Units of work that several calls share. A call that ends in an error has done what it did all the same."""

    left: int


DEFAULT_CALL_LIMITS: Final = CallLimits()
