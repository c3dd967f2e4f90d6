"""Final headers of different slots, held against each other by the headers between them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.simulators.beacon import BeaconChain, LinkedChain, devnet
from tests.simulators.trie_builder import keccak
from tests.simulators.world import RING, World, holder, run
from verifier.consensus.advance import advance
from verifier.consensus.bootstrap import start
from verifier.consensus.containers import BeaconHeader
from verifier.consensus.descent import FinalHeader, descends, final_in, final_of
from verifier.consensus.forks import Fork
from verifier.consensus.parse import decode_finality_update
from verifier.errors import BrokenAncestry, Misbehaviour, WrongHash
from verifier.evidence import LightEvidence
from verifier.flow import AskHeader, AskProof, Unanswered
from verifier.gather_light import Followed, Settled, accept_update, finals_since, hold_apart_by_history
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
    older = [Hash32(world.pin(-1 - distance).hash) for world in worlds]

    own, other = worlds
    assert held(own, Settled(final(24), older[0])) is None
    other.headers.append(own.headers[-1 - distance])  # whoever serves the one branch serves the other's block as well
    with pytest.raises(Misbehaviour) as caught:
        held(other, Settled(final(24), older[0]))
    assert (caught.value.known, caught.value.other, caught.value.instead) == (b"24", b"32", older[1])


@pytest.fixture(scope="module")
def branches() -> tuple[World, World]:
    """Two chains of 101 blocks, whose history contracts reach 34 blocks back; each endpoint has the other's too."""
    own, other = (World(coins={holder(n): 1}, blocks=101, ring=replace(RING, length=34)) for n in (1, 2))
    own.headers, other.headers = [*own.headers, *other.headers], [*other.headers, *own.headers]
    return own, other


def on(world: World, *places: int) -> tuple[Settled, ...]:
    """Final headers that settle blocks of a world, so many below its newest; each of a slot of its own."""
    return tuple(
        Settled(final(31 - n), Hash32(keccak(world.headers[world.blocks - 1 - place])))
        for n, place in enumerate(places)
    )


@pytest.mark.covers("LC-11")
def test_beyond_the_reach_of_the_history_contract_hop_follows_hop(branches: tuple[World, World]) -> None:
    """Three rings down, and over each final block between: whichever of them is of another branch is told."""
    own, other = branches
    places = (33, 66, 99, 100)
    assert held(own, *on(own, *places)) is None
    for strange in range(len(places)):
        others = [*on(own, *places)]
        others[strange] = on(other, *places)[strange]
        with pytest.raises(Misbehaviour) as caught:
            held(own, *reversed(others))
        assert caught.value.slot == 31 - strange
        assert caught.value.instead == on(own, *places)[strange].block


@pytest.mark.covers("LC-11")
def test_an_older_final_header_settles_no_later_block(branches: tuple[World, World]) -> None:
    """Headers of falling slots settle blocks of falling numbers; two may settle one block, as from Gloas on."""
    own, _ = branches
    assert held(own, *on(own, 35, 35)) is None
    with pytest.raises(Misbehaviour) as caught:
        held(own, *on(own, 35, 34))
    assert (caught.value.slot, caught.value.instead) == (30, on(own, 35)[0].block)


def test_whoever_keeps_no_state_so_old_ends_the_way_there(branches: tuple[World, World]) -> None:
    """The first ring is looked at; beyond it nothing is shown, which stops nobody, and a branch above it still does."""
    own, other = branches
    with_state = {keccak(header) for header in own.headers[own.blocks - 2 : own.blocks]}

    def pruned(question: object, answer: object) -> object:
        return () if isinstance(question, AskProof) and question.block_hash not in with_state else answer

    assert held(own, *on(own, 33), twist=pruned) is None
    with pytest.raises(Unanswered):
        held(own, *on(own, 33, 99), twist=pruned)
    with pytest.raises(Misbehaviour):
        held(own, *on(other, 33, 99), twist=pruned)


def test_the_finals_of_a_client_since_it_began() -> None:
    """Its own at first, and those of the updates since, but not where it stands; before Capella there is no block."""
    chain = BeaconChain(CONFIG)
    state = start(chain.checkpoint(16), chain.bootstrap(16), chain.config, chain.time(16))
    first = Followed(state, LightEvidence())
    client = first
    for attested, finalized in ((40, 24), (70, 64), (140, 128)):
        client = accept_update(client, chain.update(attested, finalized), chain.time(attested + 1))
    found = finals_since(state, client)
    assert [settled.final.header.slot for settled in found] == [16, 24, 64]
    assert [settled.block for settled in found] == [chain.header(slot).execution_hash for slot in (16, 24, 64)]
    assert found[0].final == final_of(state)
    assert decode_finality_update(CONFIG, None, found[1].final.evidence).finalized == chain.header(24)
    later = accept_update(first, chain.update(40, 24), chain.time(41)).state
    assert [settled.final.header.slot for settled in finals_since(later, client)] == [24, 64]
    early = BeaconChain(devnet((Fork.BELLATRIX, 0), (Fork.CAPELLA, 4)))
    state = start(early.checkpoint(16), early.bootstrap(16), early.config, early.time(16))
    client = accept_update(Followed(state, LightEvidence()), early.update(60, 40), early.time(61))
    client = accept_update(client, early.update(70, 64), early.time(71))
    assert [settled.final.header.slot for settled in finals_since(state, client)] == [40]


def test_a_block_that_nobody_has_shows_nothing() -> None:
    """Or one in its place that hashes otherwise: unanswered, which stops nobody."""
    world = World(blocks=8)
    with pytest.raises(Unanswered):
        held(world, Settled(final(24), Hash32(b"\x07" * 32)))

    def twist(question: object, answer: object) -> object:
        return world.headers[0] if isinstance(question, AskHeader) else answer

    with pytest.raises(Unanswered):
        held(world, Settled(final(24), Hash32(world.pin(3).hash)), twist=twist)


def held(world: World, *others: Settled, twist: Callable[[object, object], object] = lambda _, answer: answer) -> None:
    """The newest header of a world, settled by the final header of slot 32, held against others."""
    newest = world.headers[world.blocks - 1]
    anchor = verify_header(newest, world.network, (world.pin(world.blocks - 1),))
    return run(hold_apart_by_history(final(32), anchor, others), {1: world}, twist)[0]
