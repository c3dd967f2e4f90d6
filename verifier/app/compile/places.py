"""Networks by the name that a file may use: the registry's, and those that the file defines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from chains.chain import Escrow, SecondEntry, Uptime, local_network
from chains.families import ETHEREUM
from verifier.app.account_file import NetworkPart
from verifier.app.errors import did_you_mean
from verifier.app.problems import Problems
from verifier.app.toml_source import Path_
from verifier.claims import KnownAsset
from verifier.forks import Activation, Fork
from verifier.network import Family, Network
from verifier.primitives import Address, ChainId


class KnownChain(Protocol):
    """What compilation needs of a registry entry."""

    @property
    def network(self) -> Network:
        """The network as reviewed."""
        ...

    @property
    def assets(self) -> tuple[KnownAsset, ...]:
        """Assets known on it."""
        ...

    @property
    def second_entries(self) -> tuple[SecondEntry, ...]:
        """Contracts that show balances counted elsewhere."""
        ...

    @property
    def escrows(self) -> tuple[Escrow, ...]:
        """Contracts elsewhere that hold the originals of bridged tokens."""
        ...

    @property
    def uptime(self) -> Uptime | None:
        """What says whether its sequencer is up."""
        ...


Registry = Mapping[str, KnownChain]


@dataclass(frozen=True, slots=True)
class Place:
    """A network of this account, with the assets that the registry knows on it."""

    network: Network
    assets: tuple[KnownAsset, ...] = ()
    uptime: Address | None = None
    """Chainlink's feed of whether the network's sequencer is up, where one is known."""


def _uptime(chain: KnownChain) -> Address | None:
    return None if chain.uptime is None else chain.uptime.proxy


def compile_places(own: Mapping[str, NetworkPart], registry: Registry, problems: Problems) -> dict[str, Place]:
    """Networks by name: the registry's, and those that the file defines."""
    places = {name: Place(chain.network, tuple(chain.assets), _uptime(chain)) for name, chain in registry.items()}
    by_id = {place.network.chain_id: name for name, place in places.items()}
    families = {place.network.family.name: place.network.family for place in places.values()}
    families.setdefault(ETHEREUM.name, ETHEREUM)
    for name, part in own.items():
        path: Path_ = ("networks", name)
        if name in places:
            if part.chain_id is not None and part.chain_id != places[name].network.chain_id:
                known = places[name].network.chain_id
                problems.add((*path, "chain_id"), f"{name} has chain id {known}; remove this key, or use another name")
            continue
        if part.chain_id is None or part.family is None:
            cure = f"{did_you_mean(name, places)}; a network of your own needs chain_id and family"
            problems.add(path, f"no network of that name is known; {cure}")
            continue
        if part.family not in families:
            problems.add((*path, "family"), f"no such family; {did_you_mean(part.family, families)}")
            continue
        chain = ChainId(part.chain_id)
        if chain in by_id:
            problems.add((*path, "chain_id"), f"chain {chain} is {by_id[chain]}; use that name instead of a second one")
            continue
        by_id[chain] = name
        places[name] = Place(_own_network(name, chain, part, families[part.family]))
    return places


def _own_network(name: str, chain: ChainId, part: NetworkPart, family: Family) -> Network:
    made = local_network(name, chain, part.native_symbol or "ETH")
    decimals = made.native_decimals if part.native_decimals is None else part.native_decimals
    forks = () if part.fork is None else (Activation(Fork(part.fork), part.fork),)
    return replace(made, family=family, native_decimals=decimals, forks=forks)


def with_settings(own: NetworkPart | None, machine: NetworkPart | None) -> NetworkPart:
    """The file's endpoints and checkpoint before the machine's; the pins of both are the checker's own."""
    first, second = own or NetworkPart(), machine or NetworkPart()
    merged = {
        "endpoints": first.endpoints or second.endpoints,
        "pin": first.pin + second.pin,
        "beacon": first.beacon or second.beacon,
        "checkpoint": first.checkpoint if first.checkpoint is not None else second.checkpoint,
        "consensus": first.consensus if first.consensus is not None else second.consensus,
    }
    return first.model_copy(update=merged)
