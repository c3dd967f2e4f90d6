"""Which rules a network's blocks run under: fork names, a network's own schedule, and what its family changes.

A schedule is a value from review, like everything about a network. A block whose fork is not one that we can run is
"cannot be verified here", never run under the rules of the fork before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Fork(StrEnum):
    """Forks of Ethereum whose rules we can run, in order; the names are those of the executable specification."""

    LONDON = "london"
    PARIS = "paris"
    SHANGHAI = "shanghai"
    CANCUN = "cancun"
    PRAGUE = "prague"
    OSAKA = "osaka"
    BPO1 = "bpo1"
    BPO2 = "bpo2"


@dataclass(frozen=True, slots=True)
class Activation:
    """
    From where on a network's blocks follow a fork.

    Attributes:
        fork: Whose rules they run under; None for a fork that is known and cannot be run here.
        name: What the network calls it.
        block: First block number, where it was set by number.
        time: First timestamp in unix seconds, where it was set by time.
        version: First ArbOS version, where the header tells one (Arbitrum).
    """

    fork: Fork | None
    name: str
    block: int = 0
    time: int = 0
    version: int = 0


@dataclass(frozen=True, slots=True)
class Span:
    """Addresses of precompiles, by their numbers, both ends included; `name` says whose they are."""

    first: int
    last: int
    name: str

    def __contains__(self, number: object) -> bool:
        return isinstance(number, int) and self.first <= number <= self.last


@dataclass(frozen=True, slots=True)
class EvmRules:
    """
    How a family's machine differs from Ethereum's, as far as it was reviewed. What is refused is named when touched.

    Attributes:
        refused_opcodes: Opcodes that mean something else there, by their Ethereum names.
        refused_precompiles: Contracts that exist there and not on Ethereum, or that behave or cost otherwise.
        refused_code: First bytes of code that is no EVM code (Stylus programs).
        number_in_mix_hash: NUMBER is the L1 block number, bytes 8 to 16 of the header's mix hash; the ArbOS version is
            bytes 16 to 24 (Arbitrum).
    """

    refused_opcodes: frozenset[str] = frozenset()
    refused_precompiles: tuple[Span, ...] = ()
    refused_code: tuple[bytes, ...] = ()
    number_in_mix_hash: bool = False


Schedule = tuple[Activation, ...]
"""By rising activation; the last row that a block has reached names its fork."""
