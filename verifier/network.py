"""Networks as values from review: never learned from a network, always handed to the verifier by its caller.

A *network* is one chain by its EIP-155 id. Its *family* says how headers are hashed, how an account leaf looks,
how slot keys become paths, and whether its state is in a trie that we can walk at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from verifier.claims import CodePin
from verifier.forks import EvmRules, Schedule
from verifier.primitives import Address, ChainId


class Dialect(StrEnum):
    """Which fields a header is hashed over, and in which order (`headers/decode.py` holds the lists)."""

    ETHEREUM = "ethereum"
    AURA = "aura"
    AVALANCHE = "avalanche"
    CELO_EARLY = "celo-before-gingerbread"
    BERACHAIN = "berachain"
    SONIC = "sonic"


class AccountShape(StrEnum):
    """The fields of an account leaf."""

    ETHEREUM = "ethereum"
    """nonce, balance, storage root, code hash."""
    AVALANCHE = "avalanche"
    """The four, then the multi-coin flag."""
    BLAST = "blast"
    """nonce, flags, fixed, shares, remainder, storage root, code hash: the balance is no single field."""


@dataclass(frozen=True, slots=True)
class HistoryRing:
    """The contract that keeps recent block hashes: block n's hash stands at slot n mod `length` (EIP-2935)."""

    address: Address
    length: int


@dataclass(frozen=True, slots=True)
class Family:
    """What the networks of one kind have in common.

    Attributes:
        dialects: Header rules that blocks of this family may follow; the hash decides which one a block follows.
        clears_slot_bit: Slot keys lose bit 0 of their first byte before they are hashed (Avalanche).
        history: The block-hash contract, or None where it is absent or of another shape.
        withdrawals_are_list: Whether the header's withdrawals root is that of a list (on the OP Stack it is the storage
            root of a contract since Isthmus).
        blooms: Whether its consensus makes each header's bloom filter cover all events of the block, as reviewed.
        evm: How its machine differs from Ethereum's; None where that was not reviewed, so that no call is run.
        unsupported: Why states of this family cannot be proven here, with what would help; None where they can.
    """

    name: str
    dialects: tuple[Dialect, ...] = (Dialect.ETHEREUM,)
    account: AccountShape = AccountShape.ETHEREUM
    clears_slot_bit: bool = False
    history: HistoryRing | None = None
    withdrawals_are_list: bool = True
    blooms: bool = False
    evm: EvmRules | None = None
    unsupported: str | None = None


@dataclass(frozen=True, slots=True)
class OwnConsensus:
    """Rooted by a consensus of its own; `kind` names it (beacon, parlia, bor, …)."""

    kind: str


@dataclass(frozen=True, slots=True)
class SettledOn:
    """A rollup: its root is settled by a contract scheme on a parent network.

    Attributes:
        contracts: Addresses on the parent by the role that the scheme gives them. Where a scheme can read one of them
            from another by proof, it does, and refuses a difference.
        codes: By role, the code that the scheme's slots were reviewed for. A role without an entry is not reviewed.
        delay: Seconds that must have passed since the contract's decision; at least what the contract itself demands.
    """

    parent: ChainId
    scheme: str
    contracts: tuple[tuple[str, Address], ...] = ()
    codes: tuple[tuple[str, CodePin], ...] = ()
    delay: int = 0

    def contract(self, role: str) -> Address | None:
        """The address of a role, where it is known."""
        return next((address for name, address in self.contracts if name == role), None)

    def pins(self, role: str) -> tuple[CodePin, ...]:
        """The reviewed code of a role; empty where none was reviewed."""
        return tuple(pin for name, pin in self.codes if name == role)


@dataclass(frozen=True, slots=True)
class Network:
    """One network, as reviewed.

    Attributes:
        block_time: Usual seconds between blocks, rounded up; for estimates and limits, never for proofs.
        forks: Which rules its blocks run under, for calls; empty where no schedule was reviewed.
        finality: Usual seconds until a block counts as final; ages below twice this cost no haircut.
    """

    chain_id: ChainId
    name: str
    family: Family
    native_symbol: str
    rooted_by: OwnConsensus | SettledOn
    native_decimals: int = 18
    block_time: int = 12
    finality: int = 900
    forks: Schedule = ()

    @property
    def native_group(self) -> str:
        """The group that the coin is netted, priced and weighed under: its symbol."""
        return self.native_symbol

    @property
    def is_rollup(self) -> bool:
        """Whether a settlement on a parent is what would make its root final."""
        return isinstance(self.rooted_by, SettledOn)
