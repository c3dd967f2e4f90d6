"""Following finalized blocks over beacon nodes in memory: liars, withholders and contradictions."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from chains.driver import Desk
from chains.endpoint import Endpoint
from chains.finality import FinalBlock, follow_finalized
from tests.chains.test_beacon import CHAIN_OF, CONFIG, HEAD, NETWORK, PERIOD, POINT
from tests.simulators.beacon import CHAIN, BeaconChain, devnet, execution_rlp
from tests.simulators.beacon_api import BeaconApi
from verifier.consensus.forks import Fork
from verifier.errors import CheckpointTooOld, Misbehaviour, WrongChain
from verifier.flow import AskHeader
from verifier.gather_light import Followed
from verifier.primitives import Timestamp
from verifier.trust import Anchor, Checkpoint


class Both(Desk):
    """A desk whose execution side has every block of the chain in memory; the beacon side is asked for real."""

    headers: bool = True

    async def answer(self, questions):
        (question,) = questions
        if not isinstance(question, AskHeader):
            return await super().answer(questions)
        found = {keccak(slot): execution_rlp(slot) for slot in range(HEAD + 2 * PERIOD)}[question.block]
        question.judge(found)
        return [found]


def keccak(slot: int) -> bytes:
    from tests.simulators.trie_builder import keccak as hashed

    return hashed(execution_rlp(slot))


async def followed(
    nodes: Sequence[BeaconApi], count: int, *, begin_from=POINT, slot: int = HEAD, kept: list[Followed] | None = None,
    between=lambda: None, config=CONFIG,
) -> list[FinalBlock]:  # fmt: skip
    """The first blocks; what happens between two of them is a test's."""
    endpoints = [Endpoint(node.url, name=f"n{i}", operator=f"o{i}") for i, node in enumerate(nodes)]
    found: list[FinalBlock] = []
    clock = [config.time_of(slot)]
    async with Both.to([], beacons=[(NETWORK, config, endpoints)], seconds=20) as desk:
        keep = kept.append if kept is not None else (lambda _: None)
        blocks = follow_finalized(NETWORK, begin_from, config, desk, keep=keep, every=0.01, clock=lambda: clock[0])
        async for block in blocks:
            found.append(block)
            if len(found) == count:
                break
            between()
            clock[0] = Timestamp(clock[0] + 8 * 6)
    return found


async def test_blocks_rise_and_each_is_given_once() -> None:
    """From the checkpoint over several periods to the newest; after that each new one, and no block twice."""
    kept: list[Followed] = []
    with BeaconApi(CHAIN_OF, HEAD) as node:
        blocks = await followed([node], 3, kept=kept, between=lambda: setattr(node, "head", node.head + 8))
    slots = [block.beacon.slot for block in blocks]
    assert slots == [(HEAD - 1) // 8 * 8 - 16 + 8 * i for i in range(3)]
    assert [block.known.header.hash for block in blocks] == [keccak(slot) for slot in slots]
    assert {block.known.header.trust.anchor for block in blocks} == {Anchor.FINALIZED}
    assert [held.state.finalized.slot for held in kept][-3:] == slots


async def test_it_goes_on_from_a_client_that_was_kept() -> None:
    """Nothing of the way is asked for again."""
    with BeaconApi(CHAIN_OF, HEAD) as node:
        (first,) = await followed([node], 1)
        asked = len(node.asked)
        (again,) = await followed([node], 1, begin_from=first.held)
        assert again.beacon == first.beacon
        assert not any("bootstrap" in path for path in node.asked[asked:])


async def test_a_liar_is_outdone_by_an_honest_node() -> None:
    """A finality update that nobody signed, from the first of two: the other's block is given."""
    with BeaconApi(CHAIN_OF, HEAD) as liar, BeaconApi(CHAIN_OF, HEAD) as honest:
        forged = CHAIN_OF.update(HEAD - 1, HEAD - 10, committee=False, signed_by=9)
        liar.finality = lambda: forged
        (block,) = await followed([liar, honest], 1)
    assert block.beacon.slot == (HEAD - 1) // 8 * 8 - 16


async def test_a_lone_liar_gives_no_block_but_what_is_proven() -> None:
    """The last period's update is true: its finality is given, and the forged one after it never is."""
    with BeaconApi(CHAIN_OF, HEAD) as liar:
        liar.finality = lambda: CHAIN_OF.update(HEAD - 1, HEAD - 10, committee=False, signed_by=9)
        (block,) = await followed([liar], 1)
        assert block.beacon.slot == 3 * PERIOD + 24
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(followed([liar], 2), 3)


async def test_a_follower_that_is_cancelled_ends_whatever_it_was_at() -> None:
    """At moments spread over its rounds; one that dropped the cancellation would go on asking for ever."""
    with BeaconApi(CHAIN_OF, HEAD) as node:
        for step in range(12):
            running = asyncio.create_task(followed([node], 99, between=lambda: None))
            await asyncio.sleep(0.3 + 0.0037 * step)
            running.cancel()
            done, _ = await asyncio.wait([running], timeout=30)
            assert done and running.cancelled()


async def test_a_contradiction_ends_it() -> None:
    """Two final headers of one slot, both signed: Misbehaviour, and not another block."""
    with BeaconApi(CHAIN_OF, HEAD) as one, BeaconApi(CHAIN_OF, HEAD) as two:
        slot = (HEAD - 1) // 8 * 8 - 16
        two.finality = lambda: CHAIN_OF.update(HEAD - 1, slot, committee=False, salt=b"x")
        with pytest.raises(Misbehaviour):
            await followed([one, two], 2)


async def test_a_checkpoint_that_begins_nothing_ends_it() -> None:
    """Too old by the clock, or of another chain: by name, at once."""
    old = devnet((Fork.GLOAS, 0))
    with BeaconApi(BeaconChain(old), HEAD) as node:
        with pytest.raises(CheckpointTooOld):
            await followed([node], 1, config=old, slot=10**7)
        with pytest.raises(WrongChain):
            await followed([node], 1, begin_from=Checkpoint(CHAIN + 1, POINT.root))


def test_a_desk_s_time_and_repeats_begin_anew() -> None:
    """For programs that run longer than one answer may take."""
    desk = Desk.to([], beacons=[(NETWORK, CONFIG, [Endpoint("http://127.0.0.1:9")])], seconds=0.0, retries=1)
    before = desk.deadline(NETWORK.chain_id)
    (line,) = desk.beacons[NETWORK.chain_id]
    assert line.budget.spend()
    assert not line.budget.spend()
    assert desk.deadline(NETWORK.chain_id) == before
    desk.renew()
    assert desk.deadline(NETWORK.chain_id) > before
    assert line.budget.spend()
