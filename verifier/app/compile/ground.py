"""What every compilation stands on: the networks that are known, what is said of each, and the problems so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from chains.endpoint import Endpoint
from verifier.app.account_file import NetworkPart
from verifier.app.compile.beacon import BeaconSide, compile_beacons
from verifier.app.compile.endpoints import read_endpoints
from verifier.app.compile.places import Place, Registry, compile_places, with_settings
from verifier.app.problems import Problems
from verifier.claims import Claim, PriceClaim
from verifier.network import Network
from verifier.primitives import ChainId
from verifier.trust import PinnedBlock


@dataclass(frozen=True, slots=True)
class Ground:
    """
    Networks by name.

    Attributes:
        parts: What the file and this machine's settings say of each.
        environ: Variables that endpoint URLs may name; None where nothing is to be asked, and no endpoint is due.
        origin: The file's path.
        problems: Whatever is found wrong goes here.
    """

    places: dict[str, Place]
    parts: Mapping[str, NetworkPart]
    environ: Mapping[str, str] | None
    origin: str
    problems: Problems

    def find(self, name: str) -> Network | None:
        """A network by its name or its chain id."""
        if name in self.places:
            return self.places[name].network
        return next((p.network for p in self.places.values() if str(p.network.chain_id) == name), None)

    def name_of(self, claim: Claim | PriceClaim) -> str:
        """The name of the network that a claim speaks of."""
        return next(name for name, place in self.places.items() if place.network.chain_id == claim.chain_id)

    def networks(self) -> Mapping[ChainId, Network]:
        """All that are known, by chain id."""
        return MappingProxyType({place.network.chain_id: place.network for place in self.places.values()})

    def pins(self) -> tuple[PinnedBlock, ...]:
        """The blocks that the checker believes, each once."""
        return tuple(
            PinnedBlock(place.network.chain_id, pin)
            for name, place in self.places.items()
            for pin in dict.fromkeys(self.parts[name].pin)
        )

    def endpoints(self, used: Mapping[ChainId, str]) -> Mapping[ChainId, tuple[Endpoint, ...]]:
        """Where the networks in use are asked; each must have an endpoint, unless nothing is to be asked."""
        return MappingProxyType({chain: self._asked(name) for chain, name in used.items()})

    def beacons(self, used: Mapping[ChainId, str]) -> BeaconSide:
        """What light clients need; of the networks in use only."""
        read = None if self.environ is None else lambda name, _: self._asked(name, "beacon")
        return compile_beacons(self.places, self.parts, used, self.origin, self.problems, read)

    def _asked(self, name: str, key: str = "endpoints") -> tuple[Endpoint, ...]:
        if self.environ is None:
            return ()
        return read_endpoints(name, self.parts[name], self.environ, self.problems, key)


def lay_ground(
    own: Mapping[str, NetworkPart],
    machine: Mapping[str, NetworkPart],
    registry: Registry,
    environ: Mapping[str, str] | None,
    origin: str,
    problems: Problems,
) -> Ground:
    """
    The networks of the registry and of a file.

    Args:
        own: What the file says of networks; it comes before the rest.
        machine: What this machine's settings say.
        environ: None where nothing is to be asked.
    """
    places = compile_places(own, registry, problems)
    parts = {name: with_settings(own.get(name), machine.get(name)) for name in places}
    return Ground(places, parts, environ, origin, problems)
