"""The beacon side of [networks.<name>]: where the beacon chain is asked, and what a light client begins from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from chains.endpoint import Endpoint
from verifier.app.account_file import ASK_ENDPOINTS, NetworkPart
from verifier.app.compile.places import Place
from verifier.app.problems import Problems
from verifier.app.toml_source import Path_
from verifier.codec import bounded_json
from verifier.consensus.forks import ConsensusConfig
from verifier.consensus.networks import CONFIGS, parse_config
from verifier.errors import BadInput, VerifierError
from verifier.network import Network
from verifier.primitives import ChainId
from verifier.trust import Checkpoint

MAX_BYTES: Final = 1 << 20

ReadEndpoints = Callable[[str, NetworkPart], tuple[Endpoint, ...]]


@dataclass(frozen=True, slots=True)
class BeaconSide:
    """
    What a file says of beacon chains.

    Attributes:
        configs: Every beacon chain that is known here, by execution chain.
        endpoints: By network that has some; empty where compiled for offline use.
        checkpoints: The checker's own.
        asking: Networks whose checkpoint the endpoints are to supply, as the file asks for in so many words.
    """

    configs: Mapping[ChainId, ConsensusConfig]
    endpoints: Mapping[ChainId, tuple[Endpoint, ...]]
    checkpoints: tuple[Checkpoint, ...]
    asking: frozenset[ChainId]


def compile_beacons(
    places: Mapping[str, Place],
    parts: Mapping[str, NetworkPart],
    used: Mapping[ChainId, str],
    origin: str,
    problems: Problems,
    read: ReadEndpoints | None,
) -> BeaconSide:
    """
    What light clients need, for every network of a file.

    Args:
        used: Networks that a claim speaks of; only theirs must have endpoints.
        origin: The file's path: a beacon chain's description is looked for beside it.
        read: How endpoints are read; None offline.
    """
    configs = dict(CONFIGS)
    endpoints: dict[ChainId, tuple[Endpoint, ...]] = {}
    checkpoints: list[Checkpoint] = []
    asking: set[ChainId] = set()
    for name, place in places.items():
        part, chain = parts[name], place.network.chain_id
        path: Path_ = ("networks", name)
        if part.consensus is not None:
            made = _described(place.network, part.consensus, Path(origin).parent, (*path, "consensus"), problems)
            if made is not None:
                configs[chain] = made
        elif (part.checkpoint is not None or part.beacon) and chain not in configs:
            cure = 'name a file that describes it: consensus = "devnet.json"'
            problems.add(path, f"no beacon chain is known for {name}; {cure}")
            continue
        if part.checkpoint is not None:
            if part.checkpoint == ASK_ENDPOINTS:
                asking.add(chain)
            elif isinstance(part.checkpoint, bytes):
                checkpoints.append(Checkpoint(chain, part.checkpoint))
            if read is not None and chain in used and not part.beacon:
                problems.add((*path, "beacon"), 'a light client needs a beacon node; add beacon = ["${BEACON_URL}"]')
        if part.beacon and read is not None:
            endpoints[chain] = read(name, part)
    return BeaconSide(MappingProxyType(configs), MappingProxyType(endpoints), tuple(checkpoints), frozenset(asking))


def _described(network: Network, name: str, folder: Path, path: Path_, problems: Problems) -> ConsensusConfig | None:
    """A development chain's own description: what its node says under config/spec and beacon/genesis, in one file."""
    try:
        raw = (folder / name).read_bytes()[: MAX_BYTES + 1]
        told = bounded_json.loads(raw) if len(raw) <= MAX_BYTES else None
    except OSError as error:
        problems.add(path, f"{name}: {error.strerror or 'cannot be read'}")
        return None
    except (ValueError, RecursionError):
        told = None
    spec, genesis = (told.get("spec"), told.get("genesis")) if isinstance(told, dict) else (None, None)
    if not isinstance(spec, dict) or not isinstance(genesis, dict):
        problems.add(path, 'expected JSON of the form {"spec": {…}, "genesis": {…}}, as a beacon node tells them')
        return None
    try:
        return parse_config(spec, genesis, network.chain_id, network.name)
    except BadInput as error:
        problems.add(path, f"{error.what}: expected {error.expected}, got {str(error.got)[:40]}")
    except VerifierError as error:
        problems.add(path, str(error))
    return None
