"""What `xmargin light` does: following clients, looking at them, and asking endpoints for a checkpoint."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from chains.behaviour import EndpointReport
from chains.driver import Desk
from chains.errors import FetchError
from chains.observe_beacon import observe_checkpoint
from verifier.app.compile.beacon import BeaconSide
from verifier.app.exit_codes import Exit, worst
from verifier.app.following import LightClients, Shelf
from verifier.app.json_view import Json, endpoint_json, head, time_json
from verifier.app.report.escape import clean
from verifier.checker import Checker
from verifier.consensus.forks import ConsensusConfig
from verifier.consensus.light_client import LightClientState, attested_beacon, finalized_beacon
from verifier.errors import CheckpointTooOld, VerifierError
from verifier.flow import Unanswered
from verifier.gather_light import Followed
from verifier.network import Network
from verifier.policy import Policy
from verifier.primitives import ChainId, Timestamp, to_hex
from verifier.proven import ProvenBeacon
from verifier.trust import Checkpoint

Problem = VerifierError | Unanswered | FetchError


@dataclass(frozen=True, slots=True)
class LightScope:
    """Networks whose light clients a command is about, with what they need."""

    networks: Mapping[ChainId, Network]
    side: BeaconSide
    chains: tuple[ChainId, ...]
    policy: Policy

    def checker(self, now: Timestamp) -> Checker:
        """A checker that believes their checkpoints and nothing else."""
        return Checker(self.side.checkpoints, self.networks, {}, self.policy, now, consensus=self.side.configs)

    def checkpoint(self, chain: ChainId) -> Checkpoint | None:
        """The checker's own for a network."""
        return next((point for point in self.side.checkpoints if point.chain_id == chain), None)


@dataclass(frozen=True, slots=True)
class LightView:
    """
    Where one light client stands.

    Attributes:
        status: followed, behind (older than the present period), too-old, not-started, stopped, asked or failed.
    """

    network: str
    chain_id: ChainId
    status: str
    now: Timestamp
    checkpoint: Checkpoint | None = None
    config: ConsensusConfig | None = None
    state: LightClientState | None = None
    error: Problem | None = None

    def row(self) -> list[object]:
        """As cells of a table."""
        if self.state is None:
            root = None if self.checkpoint is None else f"checkpoint {to_hex(self.checkpoint.root)}"
            return [self.network, self.status, None, None, None, None, root]
        final = finalized_beacon(self.state)
        signed = f"{final.signers} of {final.committee}" if final.committee else "your checkpoint"
        block = None if final.execution_hash is None else to_hex(final.execution_hash)
        return [
            self.network,
            self.status,
            final.slot,
            f"{self.state.age(self.now)} s",
            signed,
            self.state.period,
            block,
        ]


def follow(
    scope: LightScope, shelf: Shelf | None, now: Timestamp, seconds: float, say: Callable[[str], None]
) -> tuple[list[LightView], tuple[EndpointReport, ...]]:
    """Follow each network's client to the present; one that fails does not stop the others."""
    return asyncio.run(_follow(scope, shelf, now, seconds, say))


async def _follow(
    scope: LightScope, shelf: Shelf | None, now: Timestamp, seconds: float, say: Callable[[str], None]
) -> tuple[list[LightView], tuple[EndpointReport, ...]]:
    def told(network: Network, found: Followed) -> None:
        config = found.state.config
        present = config.period_of(config.slot_at(now))
        say(f"{network.name}: period {found.state.period} of {present}, finalized slot {found.state.finalized.slot}")

    async with _desk(scope, seconds) as desk:
        clients = LightClients(desk, scope.checker(now), shelf, scope.side.asking, told=told)
        try:
            views = await asyncio.gather(*(_one(scope, chain, clients, now) for chain in scope.chains))
        finally:
            await clients.aclose()
        return list(views), desk.report()


async def _one(scope: LightScope, chain: ChainId, clients: LightClients, now: Timestamp) -> LightView:
    network = scope.networks[chain]
    try:
        found = await clients.follow(network)
    except (VerifierError, Unanswered) as error:
        return _view(scope, chain, now, "failed", error=error)
    return _stands(scope, chain, found.state, now)


def look(scope: LightScope, shelf: Shelf | None, now: Timestamp) -> list[LightView]:
    """Where each client stands by what was kept; nobody is asked."""
    views: list[LightView] = []
    for chain in scope.chains:
        try:
            held = None if shelf is None else shelf.load(chain, scope.checkpoint(chain))
        except VerifierError as error:
            views.append(_view(scope, chain, now, "stopped", error=error))
            continue
        views.append(
            _view(scope, chain, now, "not-started") if held is None else _stands(scope, chain, held.state, now)
        )
    return views


def configured(scope: LightScope, now: Timestamp) -> list[LightView]:
    """The checkpoints in force."""
    return [
        _view(scope, chain, now, "given")
        for chain in scope.chains
        if scope.checkpoint(chain) is not None or chain in scope.side.asking
    ]


def ask_checkpoint(scope: LightScope, now: Timestamp, seconds: float) -> LightView:
    """The finalized block that the endpoints of one network agree on, or that one of them names."""
    return asyncio.run(_ask_checkpoint(scope, now, seconds))


async def _ask_checkpoint(scope: LightScope, now: Timestamp, seconds: float) -> LightView:
    chain = scope.chains[0]
    async with _desk(scope, seconds) as desk:
        try:
            seen = await observe_checkpoint(scope.networks[chain], desk, 1, now=now)
        except FetchError as error:
            return _view(scope, chain, now, "failed", error=error)
    return LightView(scope.networks[chain].name, chain, "asked", now, seen, scope.side.configs.get(chain))


def _desk(scope: LightScope, seconds: float) -> Desk:
    beacons = [
        (scope.networks[chain], scope.side.configs[chain], scope.side.endpoints[chain])
        for chain in scope.chains
        if chain in scope.side.endpoints
    ]
    return Desk.to([], seconds=seconds, beacons=beacons)


def _view(scope: LightScope, chain: ChainId, now: Timestamp, status: str, *, error: Problem | None = None) -> LightView:
    name, config = scope.networks[chain].name, scope.side.configs.get(chain)
    return LightView(name, chain, status, now, scope.checkpoint(chain), config, None, error)


def _stands(scope: LightScope, chain: ChainId, state: LightClientState, now: Timestamp) -> LightView:
    config = state.config
    age, limit = state.age(now), config.subjectivity_at(now)
    error: Problem | None = None
    status = "followed" if state.period >= config.period_of(config.slot_at(now)) - 1 else "behind"
    if age > limit:
        status, error = "too-old", CheckpointTooOld(config.where, state.finalized.slot, age, limit)
    return LightView(scope.networks[chain].name, chain, status, now, state.rests_on, config, state, error)


def worst_code(views: Iterable[LightView]) -> int:
    """3 where a client was refused something or is too old, 4 where nobody answered, else 0."""
    codes = [Exit.OK]
    for view in views:
        if isinstance(view.error, VerifierError) or (isinstance(view.error, Unanswered) and view.error.lied):
            codes.append(Exit.REFUSED)
        elif view.error is not None:
            codes.append(Exit.INCOMPLETE)
    return int(worst(codes))


# --- JSON ------------------------------------------------------------------------------------------------


def light_json(
    command: str, views: Sequence[LightView], endpoints: Sequence[EndpointReport], code: int, now: Timestamp
) -> Json:
    """One object for every command of `light`."""
    return {
        **head("light"),
        "command": command,
        "exit_code": code,
        "now": time_json(now),
        "clients": [_client(view) for view in views],
        "endpoints": [endpoint_json(report) for report in endpoints],
    }


def _client(view: LightView) -> Json:
    state = view.state
    return {
        "network": view.network,
        "chain_id": view.chain_id,
        "status": view.status,
        "checkpoint": None if view.checkpoint is None else _checkpoint(view.checkpoint),
        "finalized": None if state is None else _header(finalized_beacon(state)),
        "newest": None if state is None else _header(attested_beacon(state)),
        "period": None if state is None else state.period,
        "next_committee_known": None if state is None else state.next is not None,
        "age_seconds": None if state is None else state.age(view.now),
        "age_limit_seconds": None if view.config is None else view.config.subjectivity_at(view.now),
        "error": None if view.error is None else _error(view.error),
    }


def _checkpoint(point: Checkpoint) -> Json:
    by = "checker" if not point.operators else point.anchor.value
    return {"root": to_hex(point.root), "given_by": by, "operators": sorted(clean(o) for o in point.operators)}


def _header(beacon: ProvenBeacon) -> Json:
    return {
        "slot": beacon.slot,
        "root": to_hex(beacon.root),
        "time": time_json(beacon.timestamp),
        "anchor": beacon.trust.anchor.value,
        "signers": beacon.signers,
        "committee": beacon.committee,
        "execution_block": None if beacon.execution_hash is None else to_hex(beacon.execution_hash),
    }


def _error(error: Problem) -> Json:
    kind = error.refusal_class if isinstance(error, VerifierError) else "TRANSPORT"
    remedy = getattr(error, "remedy", "") or "try again, or add an endpoint"
    return {"error": type(error).__name__, "class": kind, "message": clean(str(error)), "remedy": remedy}
