"""Finalized blocks of a network, proven from a beacon checkpoint: no endpoint's word is taken for anything.

What `chains.relay.follow` gives is what operators say. Here a light client is followed: every block that is given out
is settled by a beacon header that two thirds of a sync committee signed and called final, and the committee is proven
from the checkpoint on. Its header, or a bundle gathered under it, convinces whoever believes that checkpoint.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from chains.driver import Clock, Desk, drive
from chains.observe_beacon import HOLD_SECONDS, newest_finality
from chains.relay import KnownHeader
from verifier.consensus.descent import final_of
from verifier.consensus.forks import ConsensusConfig
from verifier.consensus.light_client import LightClientState, finalized_beacon, require_recent
from verifier.errors import Misbehaviour, VerifierError
from verifier.flow import Unanswered
from verifier.gather import Anchored, gather_beacon_anchor
from verifier.gather_light import MAX_LINKS, Followed, begin, finals_since, hold_apart_by_history, next_page
from verifier.network import Network
from verifier.proven import ProvenBeacon
from verifier.trust import Checkpoint

Keep = Callable[[Followed], None]


@dataclass(frozen=True, slots=True)
class FinalBlock:
    """
    A finalized block of a network.

    Attributes:
        beacon: The final beacon header that settles it, with the participation of its committee.
        anchored: Its header with the evidence from the checkpoint on; `chains.relay.gather_claims` gathers under it.
        held: Where the light client stands; `follow_finalized` goes on from there.
    """

    beacon: ProvenBeacon
    anchored: Anchored
    held: Followed

    @property
    def known(self) -> KnownHeader:
        """The header with its bytes, as the functions of `chains.relay` take it."""
        return KnownHeader(self.anchored.header, self.anchored.rlp)


async def catch_up(held: Followed, desk: Desk, clock: Clock, keep: Keep) -> Followed:
    """
    A light client followed to the newest finality that any beacon endpoint shows.

    Args:
        clock: The checker's, asked again with every page: a long way takes time.
        keep: Gets the client after every page, so that a kill loses a page.

    Raises:
        Unanswered: No endpoint had an honest update for a period that is over.
        CheckpointTooOld: The client itself is too old to go on from.
        Misbehaviour: Two good signatures contradict each other.
    """
    require_recent(held.state, clock())
    while (further := await drive(next_page(held, clock()), desk)) is not None:
        held = further
        keep(held)
    final = await newest_finality(desk, held, clock)
    if final is not held:
        keep(final)
    return final


async def hold_far_apart(
    network: Network, began: LightClientState, held: Followed, desk: Desk, anchored: Anchored | None = None
) -> None:
    """
    Hold where a client stands against every final header since it stood elsewhere, by the execution chain.

    For those beyond the reach of the beacon chain's own headers, which `catch_up` has held apart. What nobody serves
    shows nothing: hops beyond the history contract need an endpoint that keeps older states.

    Args:
        anchored: The block that the client's finalized header settles, where it has been asked for.

    Raises:
        Misbehaviour: One of them is on another branch.
    """
    newest = final_of(held.state)
    far = [other for other in finals_since(began, held) if newest.header.slot - other.final.header.slot > MAX_LINKS]
    if not far or network.family.history is None:
        return
    try:
        async with asyncio.timeout(HOLD_SECONDS):
            if anchored is None:
                flow = gather_beacon_anchor(network, finalized_beacon(held.state), held.evidence)
                anchored = await drive(flow, desk)
            await drive(hold_apart_by_history(newest, anchored.header, far), desk)
    except Misbehaviour:
        raise
    except (Unanswered, VerifierError, TimeoutError):
        return


async def follow_finalized(
    network: Network,
    begin_from: Checkpoint | Followed,
    config: ConsensusConfig,
    desk: Desk,
    *,
    keep: Keep = lambda _: None,
    every: float | None = None,
    clock: Clock,
) -> AsyncIterator[FinalBlock]:
    """
    New finalized blocks of a network, each proven from a checkpoint. Numbers only rise, and no block comes twice.

    Endpoints that are silent, behind or lie end nothing; it is tried again, and what is missing shows as age. The
    desk's time begins anew with each round.

    Args:
        begin_from: The checker's own checkpoint, or a client that was followed from it before.
        config: The beacon chain; `verifier.consensus.networks.CONFIGS` has the public ones.
        desk: With execution endpoints and beacon endpoints of the network.
        keep: Gets the client whenever it has got on, for whoever keeps it.
        every: Seconds between questions; one slot of the beacon chain unless told.
        clock: The checker's.

    Raises:
        CheckpointTooOld: The checkpoint, or the client after too long without finality, begins nothing any more.
        Misbehaviour: Two good signatures contradict each other: stop, and keep the evidence.
        VerifierError: The checkpoint is of another chain than `config`.
    """
    held = begin_from if isinstance(begin_from, Followed) else None
    began = None if held is None else held.state
    last = -1
    while True:
        desk.renew()
        try:
            if held is None and isinstance(begin_from, Checkpoint):
                held = await drive(begin(begin_from, config, clock()), desk)
                began = held.state
                keep(held)
            if held is not None:
                held = await catch_up(held, desk, clock, keep)
                beacon = finalized_beacon(held.state)
                # The checkpoint's own block is the checker's word, and no finality that was shown to anyone.
                if held.state.finality is not None and beacon.execution_hash is not None and beacon.slot > last:
                    anchored = await drive(gather_beacon_anchor(network, beacon, held.evidence), desk)
                    if began is not None:
                        await hold_far_apart(network, began, held, desk, anchored)
                    began, last = held.state, beacon.slot
                    yield FinalBlock(beacon, anchored, held)
        except Unanswered:
            pass  # nobody, or nobody honest, answered: the next round asks again
        await asyncio.sleep(every if every is not None else config.slot_ms / 1_000)
