"""What a compiled account file holds: no spelling is left in it, only networks, claims, meanings and roots."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from chains.endpoint import Endpoint
from verifier.app.compile.beacon import BeaconSide
from verifier.app.compile.declared import Venue
from verifier.claims import Claim, Meanings
from verifier.margin.declared import DeclaredDebt, DeclaredPosition, DeclaredPrice
from verifier.margin.declared_market import NO_MARKET, DeclaredMarket
from verifier.margin.duplicates import NO_ESCROWS, Aliases, Escrows
from verifier.margin.modes import Mode
from verifier.margin.quotes import Feed
from verifier.margin.rules import MarginRules
from verifier.network import Network
from verifier.policy import Policy
from verifier.primitives import Address, ChainId, Timestamp
from verifier.trust import Checkpoint, PinnedBlock


@dataclass(frozen=True, slots=True)
class AccountSpec:
    """
    A compiled account.

    Attributes:
        claims: In the file's order: assets, then proven debts. `pockets` has the isolated pocket by a claim's index.
        holders: The name that the file gives each address.
        networks: All that are known here, the registry's and the file's own; a foreign bundle may speak of any.
        endpoints: By network that a claim speaks of; empty where compiled for offline use.
        meanings: The registry's assets on the account's networks, and the slots that the file itself explains.
        prices, debts, positions, market: Declared: typed in, proven by no one.
        venues: Places that judge by rules of their own.
        beacon: Beacon chains, their endpoints and checkpoints; see `BeaconSide`.
        aliases: The registry's second entry points, so that one balance cannot be claimed through two contracts.
        warnings: What a person should know before running, each a sentence with its cure.
        feeds: Prices by proof, or signed, that the account asks for.
        updates: What was signed of them, as it lies in the files that they name; none where compiled for offline use.
        escrows: Bridges' contracts of the registry, whose holdings are counted where they circulate.
        controls: Files in which holders show control, for statements over the account.
    """

    name: str
    mode: Mode
    as_of: Timestamp | None
    claims: tuple[Claim, ...]
    pockets: Mapping[int, str]
    holders: Mapping[Address, str]
    networks: Mapping[ChainId, Network]
    endpoints: Mapping[ChainId, tuple[Endpoint, ...]]
    roots: tuple[PinnedBlock | Checkpoint, ...]
    meanings: Meanings
    policy: Policy
    prices: tuple[DeclaredPrice, ...]
    debts: tuple[DeclaredDebt, ...]
    positions: tuple[DeclaredPosition, ...]
    rules: MarginRules
    aliases: Aliases
    beacon: BeaconSide
    warnings: tuple[str, ...] = ()
    market: DeclaredMarket = NO_MARKET
    venues: tuple[Venue, ...] = ()
    feeds: tuple[Feed, ...] = ()
    updates: tuple[bytes, ...] = ()
    escrows: Escrows = field(default_factory=lambda: NO_ESCROWS)
    controls: tuple[Path, ...] = ()

    @property
    def has_light_clients(self) -> bool:
        """Whether some network has a checkpoint, or is to ask for one."""
        return bool(self.beacon.asking or self.beacon.checkpoints)


@dataclass(frozen=True, slots=True)
class NetworkSpec:
    """One network to ask, and all that the checker believes and demands while it does.

    Attributes:
        endpoints: Of the network and, for a rollup, of its parent and of that one's, as far as they have some.
    """

    network: Network
    networks: Mapping[ChainId, Network]
    endpoints: Mapping[ChainId, tuple[Endpoint, ...]]
    roots: tuple[PinnedBlock | Checkpoint, ...]
    policy: Policy
    beacon: BeaconSide
