"""One network, or all with their beacon side, without an account: what single questions and light clients need."""

from __future__ import annotations

from collections.abc import Mapping

from verifier.app.account_file import AccountFile, NetworkPart
from verifier.app.compile.beacon import BeaconSide
from verifier.app.compile.ground import Ground, lay_ground
from verifier.app.compile.places import Registry
from verifier.app.compile.policy import compile_policy
from verifier.app.compile.settlement import settle_places
from verifier.app.compile.spec import NetworkSpec
from verifier.app.errors import UnknownName
from verifier.app.problems import Problems
from verifier.app.toml_source import TomlSource
from verifier.network import Network, SettledOn
from verifier.primitives import ChainId
from verifier.trust import Checkpoint, PinnedBlock


def compile_network(
    name: str,
    file: AccountFile,
    source: TomlSource,
    registry: Registry,
    *,
    environ: Mapping[str, str] | None,
    networks: Mapping[str, NetworkPart],
    preset: str,
) -> NetworkSpec:
    """
    One network by its name or chain id, as an account file and this machine's settings know it.

    Args:
        environ: None where nothing is to be asked, so that no endpoint is needed.

    Raises:
        ConfigError, UnknownName: It is not known, or has no endpoint.
    """
    problems = Problems(source)
    ground = lay_ground(file.networks, networks, registry, environ, source.origin, problems)
    settle_places(ground.places, file.networks, problems)
    found = ground.find(name)
    if found is None:
        raise UnknownName("network", name, ground.places)
    asked = _with_parents(found, ground)
    endpoints = ground.endpoints(asked)
    policy = compile_policy(file.policy, preset, ground.find, problems)
    beacon = ground.beacons(asked)
    problems.raise_any()
    roots: tuple[PinnedBlock | Checkpoint, ...] = (*ground.pins(), *beacon.checkpoints)
    return NetworkSpec(found, ground.networks(), endpoints, roots, policy, beacon)


def _with_parents(network: Network, ground: Ground) -> dict[ChainId, str]:
    """The names of a network and of those that it settles on, one above the other, while they have endpoints."""
    by_id = {place.network.chain_id: known for known, place in ground.places.items()}
    asked = {network.chain_id: by_id[network.chain_id]}
    rooted = network.rooted_by
    while isinstance(rooted, SettledOn) and rooted.parent in by_id and rooted.parent not in asked:
        above = by_id[rooted.parent]
        if not ground.parts[above].endpoints:
            break
        asked[rooted.parent] = above
        rooted = ground.places[above].network.rooted_by
    return asked


def compile_light(
    own: Mapping[str, NetworkPart],
    machine: Mapping[str, NetworkPart],
    source: TomlSource,
    registry: Registry,
    environ: Mapping[str, str],
) -> tuple[Mapping[ChainId, Network], BeaconSide]:
    """
    Networks and their beacon side alone: what light clients need, without an account.

    Args:
        own: The networks of an account file, or of this machine's settings where there is none.
        machine: This machine's settings.

    Raises:
        ConfigError: With every problem found.
    """
    problems = Problems(source)
    ground = lay_ground(own, machine, registry, environ, source.origin, problems)
    side = ground.beacons({place.network.chain_id: name for name, place in ground.places.items()})
    problems.raise_any()
    return ground.networks(), side
