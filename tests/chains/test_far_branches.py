"""Final headers that are far apart, held against each other by the execution chain, and who is stopped by that."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from chains.driver import Desk
from chains.endpoint import Endpoint
from chains.finality import follow_finalized, hold_far_apart
from tests.chains.test_beacon import CONFIG, HEAD, Shelf
from tests.simulators.beacon import CHAIN, BeaconChain
from tests.simulators.beacon_api import BeaconApi
from tests.simulators.trie_builder import keccak
from tests.simulators.world import RING, World, holder
from verifier.app.following import LightClients
from verifier.checker import Checker
from verifier.consensus.bootstrap import start
from verifier.consensus.light_client import LightClientState
from verifier.errors import Misbehaviour, VerifierError
from verifier.evidence import LightEvidence
from verifier.flow import Ask, AskBeacon, AskProof, Unanswered
from verifier.gather_light import Followed, accept_update
from verifier.policy import STRICT
from verifier.primitives import Timestamp

OTHER = b"other"
"""The salt of beacon blocks that settle the other execution chain."""


class Executed(BeaconChain):
    """A beacon chain of which two blocks in three bring an execution block of a world."""

    def __init__(self, own: World, other: World) -> None:
        super().__init__(CONFIG)
        self.worlds = {b"": own, OTHER: other}

    def execution(self, slot: int, salt: bytes) -> bytes:
        return self.worlds[salt].headers[slot * 2 // 3]


class Both(Desk):
    """A desk whose execution side is a world; the beacon side, where there is one, is asked for real."""

    world: World
    keeps: Callable[[bytes], bool] = staticmethod(lambda block: True)

    async def answer(self, questions: Sequence[Ask[object]]) -> list[object]:
        if isinstance(questions[0], AskBeacon):
            return await super().answer(questions)
        found = []
        for question in questions:
            try:
                if isinstance(question, AskProof) and not self.keeps(question.block_hash):
                    raise StopIteration
                answer = self.world.answer(question)
                question.judge(answer)
            except (StopIteration, VerifierError) as error:
                raise Unanswered(question, (), (("world", repr(error)),)) from None
            found.append(answer)
        return found


@pytest.fixture(scope="module")
def chain() -> Executed:
    """Over 165 blocks of which a history contract names the last 50; whoever has one branch has the other's too."""
    own, other = (World(CHAIN, {holder(n): 1}, blocks=165, ring=replace(RING, length=50)) for n in (1, 2))
    own.headers, other.headers = [*own.headers, *other.headers], [*other.headers, *own.headers]
    return Executed(own, other)


def begun(chain: Executed) -> LightClientState:
    return start(chain.checkpoint(16), chain.bootstrap(16), chain.config, chain.time(16))


def walked(chain: Executed, strange: int | None = None) -> Followed:
    """A client over three periods; one of the final headers on the way may be of the other branch."""
    held = Followed(begun(chain), LightEvidence())
    for attested, finalized in ((40, 24), (104, 88), (168, 144), (232, 216)):
        update = chain.update(attested, finalized, salt=OTHER if finalized == strange else b"")
        held = accept_update(held, update, chain.time(attested + 1))
    return held


def desk_over(chain: Executed, **given: object) -> Both:
    made = Both.to([], **given)
    made.world = chain.worlds[b""]
    return made


@pytest.mark.covers("LC-11")
@pytest.mark.parametrize("strange", [24, 88, 144])
async def test_every_final_header_since_is_held_against_the_newest(chain: Executed, strange: int) -> None:
    """Over several rings: the one that is of the other branch is told, with the block in its place."""
    network = chain.worlds[b""].network
    await hold_far_apart(network, begun(chain), walked(chain), desk_over(chain))
    with pytest.raises(Misbehaviour) as caught:
        await hold_far_apart(network, begun(chain), walked(chain, strange), desk_over(chain))
    assert caught.value.slot == strange
    assert caught.value.instead == keccak(chain.execution(strange, b""))


async def test_what_nobody_keeps_stops_nobody(chain: Executed) -> None:
    """States beyond the newest are gone: the last period is still looked at, and what is below it shows nothing."""
    desk, network = desk_over(chain), chain.worlds[b""].network
    newest = keccak(chain.execution(216, b""))
    desk.keeps = lambda block: block == newest
    await hold_far_apart(network, begun(chain), walked(chain, 88), desk)
    near = accept_update(Followed(begun(chain), LightEvidence()), chain.update(40, 24), chain.time(41))
    late = accept_update(near, chain.update(104, 96, salt=OTHER), chain.time(105))
    desk.keeps = lambda block: False
    await hold_far_apart(network, near.state, late, desk)


async def test_a_follower_ends_and_a_client_stops(chain: Executed) -> None:
    """Both ways that lead to a block: the library's, and that of a run, which keeps the evidence."""
    network = chain.worlds[b""].network
    with BeaconApi(chain, HEAD) as node:
        endpoints = [Endpoint(node.url, name="n", operator="o")]
        honest = node.update
        for strange in (None, 1):
            node.update = lambda period, strange=strange: (
                chain.update(104, 88, salt=OTHER) if period == strange else honest(period)
            )
            given = {"beacons": [(network, CONFIG, endpoints)], "seconds": 30}
            async with desk_over(chain, **given) as desk:
                told = await first_block(chain, desk)
                assert isinstance(told, Misbehaviour) is (strange is not None), told
            shelf = Shelf()
            async with desk_over(chain, **given) as desk:
                told = await anchored(chain, desk, shelf)
                assert isinstance(told, Misbehaviour) is (strange is not None), told
            assert [error.slot for error in shelf.stopped] == ([] if strange is None else [88])


async def first_block(chain: Executed, desk: Desk) -> object:
    network, point = chain.worlds[b""].network, chain.checkpoint(16)
    blocks = follow_finalized(network, point, CONFIG, desk, every=0.01, clock=lambda: CONFIG.time_of(HEAD))
    try:
        return await asyncio.wait_for(anext(blocks), 60)
    except VerifierError as error:
        return error
    finally:
        await blocks.aclose()


async def anchored(chain: Executed, desk: Desk, shelf: Shelf) -> object:
    network, now = chain.worlds[b""].network, CONFIG.time_of(HEAD)
    checker = Checker((chain.checkpoint(16),), {CHAIN: network}, {}, STRICT, now, consensus={CHAIN: CONFIG})
    clients = LightClients(desk, checker, shelf)
    try:
        return await clients.anchor(network, Timestamp(now - 60))
    except VerifierError as error:
        return error
    finally:
        await clients.aclose()
