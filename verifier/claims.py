"""Claims: questions about a holder on a network. A claim holds no figure; the proof says it.

The meaning of a number belongs to the checker. A claim that travels in a bundle therefore says what it *takes* a
slot to mean and where that meaning comes from, and the verifier holds it against the checker's own registry.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Union

from verifier.calls import Call
from verifier.positions import Part, Position, part_of
from verifier.primitives import Address, ChainId, Hash32, SlotKey


class Source(StrEnum):
    """Where the meaning of a claim comes from."""

    REVIEWED = "reviewed"
    """Our registry, bound to contract code."""
    DISCOVERED = "discovered"
    """The slot finder, with its evidence."""
    USER = "user"
    """Typed into an account file."""


class ClaimKind(StrEnum):
    """On which side of the account the figure falls."""

    HOLDING = "holding"
    DEBT = "debt"


class KeyOrder(StrEnum):
    """How a mapping's key and base slot are hashed together."""

    SOLIDITY = "solidity"
    """keccak(key ‖ base)"""
    VYPER = "vyper"
    """keccak(base ‖ key)"""
    SOLADY = "solady"
    """keccak(holder ‖ 12 bytes of base): the seed that Solady's tokens share"""


class ProxyKind(StrEnum):
    """Where a proxy keeps its implementation's address."""

    EIP1967 = "eip1967"
    ZEPPELINOS = "zeppelinos"


@dataclass(frozen=True, slots=True)
class TokenLayout:
    """Where a token keeps a holder's balance, and which bits of the word it is.

    Attributes:
        base: Base slot of the balance mapping.
        offset_bits: Lowest bit of the balance in its word; `width_bits` its width.
        blocked_bit: A bit that means "this holder may not move it" (USDC's blacklist flag), or None.
        other_bits: Mask of further bits that belong to other fields and say nothing about the balance.
        proxy: How the implementation is found, where the token is a proxy.
    """

    base: SlotKey
    order: KeyOrder = KeyOrder.SOLIDITY
    offset_bits: int = 0
    width_bits: int = 256
    blocked_bit: int | None = None
    other_bits: int = 0
    proxy: ProxyKind | None = None


@dataclass(frozen=True, slots=True)
class Asset:
    """One asset on one network: identified by chain and contract, never by its symbol.

    Attributes:
        contract: The token, or None for the network's own coin.
        layout: How its balances are stored; None where `contract` is None, and where only a call reads them.
        group: The canonical asset that lines are netted, priced and weighed under (USDC on two networks: one group).
    """

    chain_id: ChainId
    symbol: str
    decimals: int
    group: str
    contract: Address | None = None
    layout: TokenLayout | None = None

    @property
    def key(self) -> AssetKey:
        """What identifies the asset."""
        return (self.chain_id, self.contract)


AssetKey = tuple[ChainId, Address | None]


@dataclass(frozen=True, slots=True)
class CodePin:
    """The code a layout was reviewed for: the token's own, and behind a proxy its implementation's."""

    code_hash: Hash32
    implementation: Address | None = None
    implementation_code_hash: Hash32 | None = None


@dataclass(frozen=True, slots=True)
class Guard:
    """A flag of reviewed code that must be off, or what the balance word says is not what the holder has.

    Attributes:
        base: The slot of the flag, or of a mapping from holders to flags where `by_holder` is true.
        mask: The bits that must be zero.
        reason: What it means that they are not.
    """

    base: SlotKey
    mask: int
    reason: str
    by_holder: bool = False


@dataclass(frozen=True, slots=True)
class KnownAsset:
    """An asset of the registry (or of the checker's own account file), with what it was reviewed against.

    Attributes:
        pins: Code the layout is valid for; empty means that no code was reviewed, so the layout is only a hint.
        evidence: Where layout and pins come from.
        guards: Flags of the pinned code to be read beside the balance.
    """

    asset: Asset
    pins: tuple[CodePin, ...] = ()
    evidence: str = ""
    source: Source = Source.REVIEWED
    guards: tuple[Guard, ...] = ()


Meanings = Mapping[AssetKey, KnownAsset]
"""What the checker itself knows about assets."""


@dataclass(frozen=True, slots=True)
class CallReading:
    """
    The figure is one of the values that a call of the asset's contract returns.

    Where the asset has a layout too, the layout is read beside it, and the two must agree.

    Attributes:
        call: Its `to` is the asset's contract.
        returns: The types of what it returns, as in `(uint256,uint256)`.
        index: Which of them is the figure: an integer type.
    """

    call: Call
    returns: str = "(uint256)"
    index: int = 0


Reading = Union[CallReading, Position]
"""How a figure is read, where not from a layout alone: as a call returns it, or by a protocol's own rules."""


@dataclass(frozen=True, slots=True)
class Claim:
    """
    Holder H has asset A (or owes it) on the asset's network.

    Attributes:
        reading: How the figure is read where not from a storage layout or the account leaf alone.
    """

    asset: Asset
    holder: Address
    kind: ClaimKind = ClaimKind.HOLDING
    source: Source = Source.REVIEWED
    reading: Reading | None = None

    @property
    def chain_id(self) -> ChainId:
        """The network that the claim speaks of."""
        return self.asset.chain_id

    @property
    def identity(self) -> tuple[ChainId, Address | None, Address, Part]:
        """Chain, contract, holder and which part of it: two claims with one identity would count one balance twice."""
        return (self.asset.chain_id, self.asset.contract, self.holder, self.part)

    @property
    def part(self) -> Part:
        """What tells a holder's several positions at one contract apart; nothing where the whole balance is meant."""
        part = part_of(self.reading) if isinstance(self.reading, Position) else ()
        # What is lent and what is owed in one market are two figures.
        return (*part, ("side", self.kind.value)) if part else ()


@dataclass(frozen=True, slots=True)
class PriceClaim:
    """
    One whole unit of a group is worth so much of another, as a contract says it at the account's moment.

    Attributes:
        group: What is priced.
        quote: What it is priced in: `USD`, or another group that has a price of its own.
        contract: The feed, pool or vault.
        how: The source with its parameters.
    """

    chain_id: ChainId
    group: str
    quote: str
    contract: Address
    how: Position


@dataclass(frozen=True, slots=True)
class AccountRead:
    """One account, and the slots wanted from it."""

    address: Address
    slots: tuple[SlotKey, ...] = ()


@dataclass(frozen=True, slots=True)
class Reads:
    """What a claim needs to be read under one state root: the figure, and the code that gives it its meaning."""

    accounts: tuple[AccountRead, ...]
