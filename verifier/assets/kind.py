"""What an asset kind must offer: what to read for a claim, and what the read words mean.

Both halves are pure and stand together, since they share slots. `KINDS` in this package's `__init__` is the one list.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from verifier.calls import Call
from verifier.claims import AccountRead, Claim, KnownAsset, Reads
from verifier.errors import Where
from verifier.primitives import Address, SlotKey, Timestamp
from verifier.proven import ProvenAccount, ProvenCall, ProvenWord


class State(Protocol):
    """Proven state under one root: the only thing a kind may read from."""

    def account(self, address: Address) -> ProvenAccount:
        """The account, proven present or absent."""
        ...

    def word(self, account: ProvenAccount, slot: SlotKey) -> ProvenWord:
        """The word at one of its slots."""
        ...

    def call(self, call: Call) -> ProvenCall:
        """What a contract answers to a call."""
        ...

    def need(self, reads: Sequence[AccountRead]) -> None:
        """Say what will be read next, all at once; where evidence is being gathered, this is what is asked for."""
        ...

    @property
    def updates(self) -> Sequence[bytes]:
        """Signed updates that were handed over beside the state."""
        ...

    def used_update(self, update: bytes) -> None:
        """Note that one of them was used."""
        ...

    @property
    def time(self) -> Timestamp:
        """The block's own time."""
        ...


@dataclass(frozen=True, slots=True)
class Reading:
    """A decoded figure in base units, never negative, with what it rests on and what binds its meaning to code."""

    units: int
    rests_on: ProvenAccount | ProvenWord | ProvenCall
    bound_by: tuple[ProvenAccount | ProvenWord, ...]
    reviewed: bool | None
    """Whether the code was the reviewed one; None where no code is involved."""
    contracts: tuple[Address, ...] = ()
    """Contracts that the claim itself brought along, each of which the checker's policy must name."""


class AssetKind(Protocol):
    """One way in which assets are held."""

    def compile(self, claim: Claim, known: KnownAsset | None, *, accepted: bool) -> Reads:
        """The accounts and slots that the claim needs under one state root."""
        ...

    def decode(self, claim: Claim, known: KnownAsset | None, state: State, where: Where, *, accepted: bool) -> Reading:
        """The figure, once everything it needs is proven."""
        ...
