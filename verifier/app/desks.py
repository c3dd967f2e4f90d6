"""Who is asked, and what is believed of the one network that a command names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from chains.behaviour import NOTHING_KNOWN, Capacity, Place
from chains.driver import Desk
from verifier.app.compile import AccountSpec, NetworkSpec
from verifier.app.errors import UsageError
from verifier.app.following import LightClients, Shelf
from verifier.app.quantities import moment
from verifier.checker import Checker
from verifier.primitives import ChainId, Timestamp, nonzero_hash, parse_hex
from verifier.trust import PinnedBlock

_HASH: Final = re.compile(r"0x[0-9a-fA-F]{64}")


def desk_of(spec: AccountSpec | NetworkSpec, seconds: float, known: Mapping[Place, Capacity] = NOTHING_KNOWN) -> Desk:
    """A desk over everything that an account's networks, or one network and its parents, are asked at."""
    places = [(spec.networks[chain], endpoints) for chain, endpoints in spec.endpoints.items()]
    beacons = [
        (spec.networks[chain], spec.beacon.configs[chain], some) for chain, some in spec.beacon.endpoints.items()
    ]
    return Desk.to(places, seconds=seconds, known=known, beacons=beacons)


def lights_of(spec: AccountSpec | NetworkSpec, desk: Desk, checker: Checker, shelf: Shelf | None) -> LightClients:
    """The light clients of those networks."""
    return LightClients(desk, checker, shelf, spec.beacon.asking)


def moment_of(spec: NetworkSpec, at: str | None, now: Timestamp) -> tuple[tuple[PinnedBlock, ...], Timestamp]:
    """
    A pin for a block hash that was typed: naming it is believing it. Else a moment.

    Raises:
        UsageError: It is neither.
    """
    if at is None:
        return (), now
    if _HASH.fullmatch(at) is not None:
        return (PinnedBlock(spec.network.chain_id, nonzero_hash(parse_hex(at.lower()))),), now
    try:
        return (), moment(int(at) if at.isdecimal() and at.isascii() else at)
    except ValueError as error:
        raise UsageError(f"--at: {error}", "give a block hash, unix seconds, or a time as in RFC 3339") from None


def checker_at(spec: NetworkSpec, pins: tuple[PinnedBlock, ...], now: Timestamp) -> Checker:
    """Who believes what the network's own roots say, or one block that was typed, however old."""
    checker = Checker(spec.roots, spec.networks, {}, spec.policy, now, consensus=spec.beacon.configs)
    if not pins:
        return checker
    return replace(checker, roots=pins, policy=replace(spec.policy, max_head_lag=now, max_age=now))


def lights_at(spec: NetworkSpec, desk: Desk, checker: Checker, shelf: Shelf | None) -> LightClients:
    """The light clients of one network and its parents; none is asked for where a block of it is pinned."""
    pinned = any(isinstance(root, PinnedBlock) and root.chain_id == spec.network.chain_id for root in checker.roots)
    asking = frozenset[ChainId]() if pinned else spec.beacon.asking
    return LightClients(desk, checker, shelf, asking)
