"""Final headers of different slots, held against each other by the headers between them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.simulators.beacon import LinkedChain, devnet
from tests.simulators.world import World, holder, run
from verifier.consensus.advance import advance
from verifier.consensus.bootstrap import start
from verifier.consensus.containers import BeaconHeader
from verifier.consensus.descent import FinalHeader, descends, final_in, final_of
from verifier.consensus.forks import Fork
from verifier.consensus.parse import decode_finality_update
from verifier.errors import BrokenAncestry, Misbehaviour, WrongHash
from verifier.flow import AskHeader, Unanswered
from verifier.gather_light import hold_apart_by_history
from verifier.primitives import Hash32
from verifier.single import verify_header

CONFIG = devnet((Fork.FULU, 0))
CHAIN = LinkedChain(CONFIG, fork=21)
WHERE = CONFIG.where


def final(slot: int, salt: bytes = b"") -> FinalHeader:
    return FinalHeader(CHAIN.header(slot, salt=salt).beacon, f"{slot}".encode() + salt)


def links(newer: int, down_to: int, salt: bytes = b"") -> list[BeaconHeader]:
    return [CHAIN.header(slot, salt=salt).beacon for slot in range(newer - 1, down_to - 1, -1)]


def test_a_header_descends_from_one_of_its_own_branch() -> None:
    """Shown by the headers between; where these end too early, nothing is shown, and nothing is said."""
    assert descends(final(32), final(24), links(32, 24), WHERE)
    assert descends(final(25), final(24), links(25, 24), WHERE)
    assert descends(final(32), final(24), links(32, 16), WHERE), "what lies below is not looked at"
    assert not descends(final(32), final(24), links(32, 25), WHERE)
    assert not descends(final(32), final(24), [], WHERE)
    assert descends(final(32, CHAIN.salt), final(16), links(32, 16, CHAIN.salt), WHERE)


@pytest.mark.covers("LC-11")
def test_another_branch_is_a_contradiction_with_its_evidence() -> None:
    """The branch has another block in the believed one's slot, or none there at all."""
    with pytest.raises(Misbehaviour) as caught:
        descends(final(32, CHAIN.salt), final(24), links(32, 24, CHAIN.salt), WHERE)
    error = caught.value
    assert (error.slot, error.known, error.other) == (24, b"24", b"32" + CHAIN.salt)
    assert error.instead == CHAIN.header(24, salt=CHAIN.salt).beacon.root
    assert error.known_root == CHAIN.header(24).beacon.root
    assert "two finalized branches" in str(error)
    skipped = replace(CHAIN.header(32, salt=CHAIN.salt).beacon, parent_root=CHAIN.header(20).beacon.root)
    with pytest.raises(Misbehaviour) as caught:
        descends(FinalHeader(skipped, b"x"), final(24), [CHAIN.header(20).beacon], WHERE)
    assert caught.value.instead == CHAIN.header(20).beacon.root


def test_links_that_are_none_are_refused_and_stop_nobody() -> None:
    """A header of another branch among them, one left out, one whose slot does not fall."""
    good = links(32, 24)
    with pytest.raises(WrongHash):
        descends(final(32), final(24), links(32, 24, CHAIN.salt), WHERE)
    with pytest.raises(WrongHash):
        descends(final(32), final(24), [good[0], *good[2:]], WHERE)
    for slot in (32, 33):
        rising = replace(good[0], slot=slot)
        newer = FinalHeader(replace(final(32).header, parent_root=rising.root), b"")
        with pytest.raises(BrokenAncestry):
            descends(newer, final(24), [rising], WHERE)


def test_a_client_and_an_update_say_what_they_hold_final() -> None:
    """Each with the bytes that show it: the checkpoint's own header, or the update."""
    state = start(CHAIN.checkpoint(16), CHAIN.bootstrap(16), CONFIG, CHAIN.time(16))
    assert final_of(state).header == CHAIN.header(16).beacon
    update = CHAIN.update(40, 24)
    after = final_of(advance(state, update, CHAIN.time(41)))
    assert after == final_in(update)
    assert decode_finality_update(CONFIG, None, after.evidence).finalized.beacon == after.header


@pytest.mark.covers("LC-11")
@pytest.mark.parametrize("distance", [0, 1, 20, 60], ids=["none", "parent", "links", "history"])
def test_far_apart_the_execution_chain_tells_the_branches_apart(distance: int) -> None:
    """The newer block's chain has the older block at its number, or another one, which is then told."""
    worlds = [World(coins={holder(n): 1}, blocks=64) for n in (1, 2)]
    anchors = [verify_header(world.headers[-1], world.network, (world.pin(),)) for world in worlds]
    older = [Hash32(world.pin(-1 - distance).hash) for world in worlds]

    def held(branch: int) -> object:
        flow = hold_apart_by_history(final(32), anchors[branch], final(24), older[0])
        return run(flow, {1: worlds[branch]}, lambda question, answer: answer)

    own, other = worlds
    assert held(0)[0] is None
    other.headers.append(own.headers[-1 - distance])  # whoever serves the one branch serves the other's block as well
    with pytest.raises(Misbehaviour) as caught:
        held(1)
    assert (caught.value.known, caught.value.other, caught.value.instead) == (b"24", b"32", older[1])


def test_a_block_that_nobody_has_shows_nothing() -> None:
    """Or one in its place that hashes otherwise: unanswered, which stops nobody."""
    world = World(blocks=8)
    anchor = verify_header(world.headers[-1], world.network, (world.pin(),))
    with pytest.raises(Unanswered):
        run(hold_apart_by_history(final(32), anchor, final(24), Hash32(b"\x07" * 32)), {1: world})

    def twist(question: object, answer: object) -> object:
        return world.headers[0] if isinstance(question, AskHeader) else answer

    with pytest.raises(Unanswered):
        run(hold_apart_by_history(final(32), anchor, final(24), Hash32(world.pin(3).hash)), {1: world}, twist)
