"""The light clients of one run: each network's is followed once, whoever needs it first, and kept as it gets on."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, cast

from chains.driver import Desk, drive
from chains.errors import FetchError
from chains.finality import catch_up, hold_far_apart
from chains.observe_beacon import newest_attested, observe_checkpoint
from verifier.app.kept import KeptLight
from verifier.checker import Checker
from verifier.consensus.light_client import LightClientState, attested_beacon, finalized_beacon, require_recent
from verifier.errors import CheckpointTooOld, Misbehaviour
from verifier.flow import Ask, AskHeight, Unanswered
from verifier.gather import Anchored, gather_beacon_anchor
from verifier.gather_light import Followed, begin, stopped_after
from verifier.gather_moment import MAX_PARENTS
from verifier.network import Network
from verifier.primitives import ChainId, Hash32, Timestamp, timestamp
from verifier.trust import Anchor, Checkpoint


class Shelf(Protocol):
    """Where light clients are kept between runs."""

    def save(self, network: str, held: Followed, at: Timestamp) -> None:
        """Keep where a client stands."""
        ...

    def load(self, chain: ChainId, checkpoint: Checkpoint | None) -> Followed | None:
        """Where the client of a checkpoint stands, or of one that endpoints named."""
        ...

    def stop(self, network: str, checkpoint: Checkpoint, error: Misbehaviour, at: Timestamp) -> None:
        """Keep a contradiction."""
        ...

    def record(self, network: Network, state: LightClientState, at: Timestamp) -> KeptLight:
        """A row for the record of a run that a state anchored."""
        ...

    def recorded(self, hashes: Mapping[ChainId, Hash32]) -> tuple[LightClientState, ...]:
        """States recorded with runs, by the execution block that evidence begins at."""
        ...


@dataclass(slots=True)
class LightClients:
    """
    Light clients of a run.

    Attributes:
        shelf: Where they go on from, and where they are kept after every page, so that a kill loses a page.
        asking: Networks whose checkpoint the endpoints are to name.
        observed: Checkpoints that endpoints named in this run.
        followed: What was reached, by network; `points` has the checkpoints they began from.
        told: Called whenever a client has got on, for whoever shows progress.
    """

    desk: Desk
    checker: Checker
    shelf: Shelf | None = None
    asking: frozenset[ChainId] = frozenset()
    observed: list[Checkpoint] = field(default_factory=list)
    followed: dict[ChainId, Followed] = field(default_factory=dict)
    points: dict[ChainId, Checkpoint] = field(default_factory=dict)
    told: Callable[[Network, Followed], None] = lambda *_: None
    _began: dict[ChainId, LightClientState] = field(default_factory=dict)
    _since: float = field(default_factory=time.monotonic)
    _tasks: dict[ChainId, asyncio.Task[Followed]] = field(default_factory=dict)

    def clock(self) -> Timestamp:
        """The checker's clock by now: the run's own began when it did, and what is newest was signed since."""
        return timestamp(self.checker.now + math.ceil(time.monotonic() - self._since))

    def serves(self, network: Network) -> bool:
        """Whether the network has a light client: a checkpoint of the checker, or leave to ask for one."""
        return network.chain_id in self.asking or self._checkpoint(network) is not None

    async def follow(self, network: Network) -> Followed:
        """
        The network's light client, followed to the present.

        Raises:
            Unanswered: No endpoint has honest answers.
            CheckpointTooOld, Misbehaviour: What the client begins from is too old; or the chain contradicts itself.
        """
        task = self._tasks.get(network.chain_id)
        if task is None:
            task = self._tasks[network.chain_id] = asyncio.create_task(self._follow(network))
        return await asyncio.shield(task)

    async def anchor(self, network: Network, as_of: Timestamp) -> Anchored:
        """
        The header to go back from for an as-of time: final, or attested where that is all that is recent enough.

        Raises as `follow`, and as `gather_beacon_anchor`.
        """
        found = await self.follow(network)
        policy, now = self.checker.policy, self.checker.now
        config = found.state.config
        reach = network.family.history.length if network.family.history is not None else MAX_PARENTS
        if config.time_of(found.state.finalized.slot) - as_of > reach * network.block_time:
            found = stopped_after(found, as_of, now) or found
        lag = as_of - config.time_of(found.state.finalized.slot)
        if lag > policy.max_head_lag and Anchor.ATTESTED in policy.anchors:
            newer = await newest_attested(self.desk, found, self.clock)
            if newer.evidence.attested is not None:
                await self._hold_apart(network, found)
                flow = gather_beacon_anchor(network, attested_beacon(newer.state), newer.evidence)
                return await drive(flow, self.desk)
        flow = gather_beacon_anchor(network, finalized_beacon(found.state), found.evidence)
        anchored = await drive(flow, self.desk)
        await self._hold_apart(network, found, anchored)
        return anchored

    async def _hold_apart(self, network: Network, found: Followed, anchored: Anchored | None = None) -> None:
        """
        Hold a final header against those over which this run went on to it. What nobody serves shows nothing.

        Raises:
            Misbehaviour: One of them is on another branch; the client stops.
        """
        began = self._began.get(network.chain_id)
        if began is None:
            return
        try:
            await hold_far_apart(network, began, found, self.desk, anchored)
        except Misbehaviour as error:
            self._stop(network, error)
            raise

    def _stop(self, network: Network, error: Misbehaviour) -> None:
        """Keep a contradiction, whatever else becomes of it."""
        if self.shelf is not None and network.chain_id in self.points:
            self.shelf.stop(network.name, self.points[network.chain_id], error, self.checker.now)

    async def aclose(self) -> None:
        """End what still runs, and take note of what failed."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def _checkpoint(self, network: Network) -> Checkpoint | None:
        given = [root for root in self.checker.roots if isinstance(root, Checkpoint)]
        return next((root for root in given if root.chain_id == network.chain_id), None)

    async def _follow(self, network: Network) -> Followed:
        try:
            return await self._followed(network)
        except Misbehaviour as error:
            self._stop(network, error)
            raise

    async def _followed(self, network: Network) -> Followed:
        if not self.desk.beacons.get(network.chain_id):
            raise _unanswered(network, f"no beacon endpoint is configured under [networks.{network.name}]")
        found = await self._begun(network)
        self.points[network.chain_id] = found.state.rests_on
        self._began[network.chain_id] = found.state
        found = await catch_up(found, self.desk, self.clock, lambda held: self._keep(network, held))
        self.followed[network.chain_id] = found
        return found

    async def _begun(self, network: Network) -> Followed:
        """What was kept, where it is of the same checkpoint and recent; else the checkpoint's own state."""
        now, given = self.checker.now, self._checkpoint(network)
        held = None if self.shelf is None else self.shelf.load(network.chain_id, given)
        if held is not None and (given is None or held.state.rests_on == given):
            try:
                require_recent(held.state, now)
            except CheckpointTooOld:
                if given is None:
                    return await self._observed(network)
            else:
                if given is None:
                    self.observed.append(held.state.rests_on)
                return held
        if given is None:
            return await self._observed(network)
        return await self._started(network, given)

    async def _observed(self, network: Network) -> Followed:
        policy = self.checker.policy
        k = 1 if Anchor.RPC in policy.anchors else policy.quorum
        try:
            seen = await observe_checkpoint(network, self.desk, k, now=self.checker.now)
        except FetchError as error:
            raise _unanswered(network, error.reason) from error
        self.observed.append(seen)
        return await self._started(network, seen)

    async def _started(self, network: Network, checkpoint: Checkpoint) -> Followed:
        config = self.checker.consensus[network.chain_id]
        found = await drive(begin(checkpoint, config, self.checker.now), self.desk)
        self._keep(network, found)
        return found

    def _keep(self, network: Network, found: Followed) -> None:
        if self.shelf is not None:
            self.shelf.save(network.name, found, self.checker.now)
        self.told(network, found)


def _unanswered(network: Network, reason: str) -> Unanswered:
    question = cast("Ask[object]", AskHeight(chain_id=network.chain_id))
    return Unanswered(question, (), ((network.name, reason),))
