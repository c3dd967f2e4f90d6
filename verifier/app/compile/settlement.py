"""What an account file says of a rollup: its parent, scheme, contracts, and the code they were reviewed with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from verifier.app.account_file import CodePart, NetworkPart
from verifier.app.compile.places import Place
from verifier.app.errors import did_you_mean
from verifier.app.problems import Problems
from verifier.app.toml_source import Path_
from verifier.claims import CodePin
from verifier.network import Network, SettledOn
from verifier.primitives import ChainId
from verifier.settlement import SCHEMES

_DELAYED: Final = frozenset({"op_fault", "base", "op_portal"})
"""Schemes whose contract keeps its delay in its code, so that no word of its state shows one that was forgotten."""


def settle_places(places: dict[str, Place], parts: Mapping[str, NetworkPart], problems: Problems) -> None:
    """Put the settlements that the file states into the networks; of a known rollup it adds to what is known."""
    for name, part in parts.items():
        place = places.get(name)
        if place is not None and part.model_fields_set & {"parent", "scheme", "delay", "contracts", "codes"}:
            places[name] = replace(place, network=_settled(place.network, part, ("networks", name), places, problems))


def _settled(
    network: Network, part: NetworkPart, path: Path_, places: Mapping[str, Place], problems: Problems
) -> Network:
    known = network.rooted_by if isinstance(network.rooted_by, SettledOn) else None
    parent = None if known is None else known.parent
    if part.parent is not None:
        found = places.get(part.parent)
        if found is None:
            problems.add((*path, "parent"), f"no such network; {did_you_mean(part.parent, places)}")
            return network
        if parent is not None and found.network.chain_id != parent:
            problems.add((*path, "parent"), f"{network.name} settles on chain {parent}; remove this key")
        parent = found.network.chain_id
    scheme = part.scheme or (None if known is None else known.scheme)
    if parent is None or scheme is None:
        problems.add(path, "a settlement needs parent and scheme")
        return network
    if scheme not in SCHEMES:
        problems.add((*path, "scheme"), f"no such scheme; {did_you_mean(scheme, SCHEMES)}")
    if scheme in _DELAYED and part.delay is None and (known is None or not known.delay):
        problems.add(path, f"{scheme} needs a delay: how long ago a game has to have resolved, as its contract demands")
    told = SettledOn(
        parent,
        scheme,
        tuple({**dict(() if known is None else known.contracts), **part.contracts}.items()),
        (*(() if known is None else known.codes), *(_pin(one, path, i, problems) for i, one in enumerate(part.codes))),
        max(part.delay or 0, 0 if known is None else known.delay),
    )
    return replace(network, rooted_by=told)


def _pin(part: CodePart, path: Path_, index: int, problems: Problems) -> tuple[str, CodePin]:
    if (part.implementation is None) != (part.implementation_code_hash is None):
        problems.add((*path, "codes", index), "implementation and implementation_code_hash go together")
    return part.role, CodePin(part.code_hash, part.implementation, part.implementation_code_hash)


def parents_of(
    used: Mapping[ChainId, str], places: Mapping[str, Place], parts: Mapping[str, NetworkPart]
) -> dict[ChainId, str]:
    """
    Networks that no claim speaks of and that a rollup without a pin settles on, as far as they can be asked.

    Where a parent has no endpoint its rollup is anchored by what its own endpoints agree on, or not at all.
    """
    by_id = {place.network.chain_id: name for name, place in places.items()}
    found: dict[ChainId, str] = {}
    waiting = list(used.values())
    while waiting:
        name = waiting.pop()
        rooted = places[name].network.rooted_by
        if not isinstance(rooted, SettledOn) or not rooted.contracts or parts[name].pin:
            continue
        parent = by_id.get(rooted.parent)
        if parent is not None and parts[parent].endpoints and rooted.parent not in {*used, *found}:
            found[rooted.parent] = parent
            waiting.append(parent)
    return found
