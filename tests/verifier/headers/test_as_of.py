"""The block of the as-of time: always the last one not after it, or the newest anchored, and never another."""

from __future__ import annotations

from dataclasses import replace

import pytest
import rlp
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.simulators.chain import SimChain, header_fields, network, pinned
from tests.simulators.trie_builder import keccak
from verifier.errors import (
    FromTheFuture,
    MissingNode,
    PolicyError,
    ProofError,
    TooOld,
    Unsupported,
    UnusedEvidence,
    WrongHash,
    WrongMoment,
)
from verifier.evidence import HeaderStep, Link
from verifier.headers.as_of import verify_snapshot
from verifier.policy import STRICT, Policy
from verifier.primitives import Hash32, Timestamp
from verifier.proven import Moment, ProvenHeader
from verifier.trie.table import NodeTable

PARENT, HISTORY = Link.PARENT, Link.HISTORY
NO_NODES = NodeTable.build([])


@pytest.fixture(scope="module")
def chain() -> SimChain:
    """Twelve blocks, twelve seconds apart, from number 1000 on."""
    return SimChain([12] * 11)


def snapshot(
    chain: SimChain,
    path: list[tuple[Link, int]],
    as_of: int,
    *,
    now: int | None = None,
    policy: Policy = STRICT,
    steps: list[HeaderStep] | None = None,
) -> tuple[ProvenHeader, Moment]:
    made, nodes = chain.way(path)
    when = Timestamp(chain.blocks[-1].time if now is None else now)
    taken = made if steps is None else steps
    return verify_snapshot(chain.header(-1), taken, nodes, set(), as_of=Timestamp(as_of), now=when, policy=policy)


def parents(chain: SimChain, down_to: int) -> list[tuple[Link, int]]:
    return [(PARENT, i) for i in range(len(chain.blocks) - 2, down_to - 1, -1)]


# --- head ------------------------------------------------------------------------------------------------


def test_the_anchor_is_the_head_where_nothing_later_is_anchored(chain: SimChain) -> None:
    """From the anchor's own second up to the policy's lag it is the snapshot, and its own time is reported."""
    newest = chain.blocks[-1]
    for lag in (0, 1, STRICT.max_head_lag):
        header, moment = snapshot(chain, [], newest.time + lag, now=newest.time + lag)
        assert (header.hash, moment) == (newest.hash, Moment.HEAD)


@pytest.mark.covers("HDR-06")
def test_a_head_that_lags_one_second_too_far_is_refused(chain: SimChain) -> None:
    """At the limit it stands, a second beyond it is too old; the limit is the policy's."""
    late = chain.blocks[-1].time + STRICT.max_head_lag + 1
    with pytest.raises(TooOld) as caught:
        snapshot(chain, [], late, now=late)
    assert (caught.value.limit, caught.value.got) == (STRICT.max_head_lag, STRICT.max_head_lag + 1)
    wider = replace(STRICT, max_head_lag=STRICT.max_head_lag + 1)
    assert snapshot(chain, [], late, now=late, policy=wider)[1] is Moment.HEAD


def test_steps_from_a_head_are_surplus(chain: SimChain) -> None:
    """An anchor not after T needs no way back: an honest parent beside it is refused as unused."""
    with pytest.raises(UnusedEvidence):
        snapshot(chain, parents(chain, 10), chain.blocks[-1].time)


@pytest.mark.covers("HDR-07")
def test_an_anchor_ahead_of_the_clock_is_refused(chain: SimChain) -> None:
    """Up to the policy's clock error it stands; a second beyond, it is from the future, head or exact."""
    newest = chain.blocks[-1].time
    edge = newest - STRICT.max_clock_error
    assert snapshot(chain, [], newest, now=edge)[1] is Moment.HEAD
    assert snapshot(chain, parents(chain, 10), newest - 12, now=edge)[1] is Moment.EXACT
    for path, as_of in (([], newest), (parents(chain, 10), newest - 12)):
        with pytest.raises(FromTheFuture):
            snapshot(chain, path, as_of, now=edge - 1)


# --- exact -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("after", [0, 1, 11])
def test_the_last_block_not_after_the_time_is_exact(chain: SimChain, after: int) -> None:
    """From a block's own second to the one before its successor's, it is the block of the time."""
    for i in (0, 5, 10):
        header, moment = snapshot(chain, parents(chain, i), chain.blocks[i].time + after)
        assert (header.hash, moment) == (chain.blocks[i].hash, Moment.EXACT)


def test_hops_and_parents_reach_the_same_block(chain: SimChain) -> None:
    """Over the history contract to the successor, then by its parent hash."""
    by_hop, _ = snapshot(chain, [(HISTORY, 4), (PARENT, 3)], chain.blocks[3].time)
    by_two, _ = snapshot(chain, [(HISTORY, 8), (HISTORY, 4), (PARENT, 3)], chain.blocks[3].time)
    by_parents, _ = snapshot(chain, parents(chain, 3), chain.blocks[3].time)
    assert by_hop.hash == by_two.hash == by_parents.hash == chain.blocks[3].hash
    assert by_hop.trust == by_parents.trust


def test_a_hop_straight_to_the_block_shows_no_successor(chain: SimChain) -> None:
    """The history contract proves the block, not that the next one is after T: the last step must be a parent link."""
    assert snapshot(chain, [(HISTORY, 4), (PARENT, 3)], chain.blocks[3].time)[1] is Moment.EXACT
    with pytest.raises(WrongMoment):
        snapshot(chain, [(HISTORY, 3)], chain.blocks[3].time)


def test_a_way_that_stops_before_the_time_is_refused(chain: SimChain) -> None:
    """Ending at a block after T, be it by a second, is another moment; no way at all likewise."""
    time = chain.blocks[5].time
    assert snapshot(chain, parents(chain, 5), time)[1] is Moment.EXACT
    with pytest.raises(WrongMoment):
        snapshot(chain, parents(chain, 5), time - 1)
    with pytest.raises(WrongMoment):
        snapshot(chain, parents(chain, 6), time)
    with pytest.raises(WrongMoment):
        snapshot(chain, [], time)


@pytest.mark.covers("HDR-06")
def test_a_way_that_goes_too_far_is_refused(chain: SimChain) -> None:
    """An older block, honestly reached, is not the block of T: somebody may have spent since."""
    for path in (parents(chain, 4), parents(chain, 0), [(HISTORY, 5), (PARENT, 4)], [(HISTORY, 3), (PARENT, 2)]):
        with pytest.raises(WrongMoment):
            snapshot(chain, path, chain.blocks[5].time)
    assert snapshot(chain, parents(chain, 5), chain.blocks[5].time)[0].number == 1_005


@pytest.mark.covers("HDR-03")
@pytest.mark.parametrize("change", ["skipped", "repeated", "swapped", "replaced"])
def test_a_broken_chain_of_parents_is_refused(chain: SimChain, change: str) -> None:
    """A header left out, twice there, in another order or exchanged breaks the link at its place."""
    steps, _ = chain.way(parents(chain, 5))
    broken = {
        "skipped": steps[:2] + steps[3:],
        "repeated": [*steps[:2], steps[1], *steps[2:]],
        "swapped": [steps[1], steps[0], *steps[2:]],
        "replaced": [*steps[:2], HeaderStep(PARENT, rlp.encode(header_fields(1_008, 5))), *steps[3:]],
    }
    with pytest.raises(WrongHash):
        snapshot(chain, parents(chain, 5), chain.blocks[5].time, steps=broken[change])


def test_a_link_called_by_the_other_name_is_refused(chain: SimChain) -> None:
    """A hop told as a parent link does not hash to the parent; a parent told as a hop lacks its nodes."""
    hop_as_parent = [HeaderStep(PARENT, chain.blocks[4].rlp), HeaderStep(PARENT, chain.blocks[3].rlp)]
    with pytest.raises(WrongHash):
        snapshot(chain, [], chain.blocks[3].time, steps=hop_as_parent)
    parent_as_hop = [HeaderStep(HISTORY, chain.blocks[10].rlp), HeaderStep(PARENT, chain.blocks[9].rlp)]
    with pytest.raises(MissingNode):
        snapshot(chain, [], chain.blocks[9].time, steps=parent_as_hop)


@pytest.mark.covers("HDR-09")
def test_a_forged_child_of_an_old_block_is_no_successor(chain: SimChain) -> None:
    """A made-up S over a true old B links to it by hash, and no anchor reaches it."""
    old = chain.blocks[2]
    forged = rlp.encode(header_fields(old.number + 1, chain.blocks[9].time, old.hash))
    as_of = chain.blocks[8].time
    child = pinned(forged, chain.network)  # what the forger would like to be believed
    way = [HeaderStep(PARENT, old.rlp)]
    taken = verify_snapshot(
        child, way, NO_NODES, set(), as_of=Timestamp(as_of), now=Timestamp(chain.blocks[-1].time), policy=STRICT
    )
    assert taken[0].hash == old.hash
    for link in Link:
        with pytest.raises((WrongHash, MissingNode)):
            snapshot(chain, [], as_of, steps=[HeaderStep(link, forged), *way])


def test_a_family_without_history_goes_by_parents_only() -> None:
    """Parent links need nothing of a family; a hop does."""
    chain = SimChain([12] * 4, ring=None)
    assert snapshot(chain, parents(chain, 1), chain.blocks[1].time)[1] is Moment.EXACT
    steps = [HeaderStep(HISTORY, chain.blocks[2].rlp), HeaderStep(PARENT, chain.blocks[1].rlp)]
    with pytest.raises(Unsupported):
        snapshot(chain, [], chain.blocks[1].time, steps=steps)


@pytest.mark.covers("HDR-08")
def test_blocks_of_one_second() -> None:
    """Of several blocks in the second of T the last one counts, however they are reached."""
    chain = SimChain([0, 0, 1, 0, 2])
    assert snapshot(chain, parents(chain, 4), chain.start + 1)[0].number == 1_004
    assert snapshot(chain, parents(chain, 2), chain.start)[0].number == 1_002
    for too_early in (3, 2):
        with pytest.raises(WrongMoment):
            snapshot(chain, parents(chain, too_early), chain.start + 1)


def test_two_networks_do_not_mix(chain: SimChain) -> None:
    """An anchor of a chain with the same numbers and times does not take this chain's headers."""
    other = SimChain(
        [12] * 11, start=chain.start, leaves={b"\x42" * 20: rlp.encode([b"", b"", keccak(b"\x80"), keccak(b"")])}
    )
    steps, _ = chain.way(parents(chain, 5))
    with pytest.raises(WrongHash):
        snapshot(other, [], chain.blocks[5].time, steps=steps)
    assert network() == chain.network


# --- every chain -----------------------------------------------------------------------------------------

gaps = st.lists(st.sampled_from([0, 0, 1, 2, 12, 300]), min_size=1, max_size=9)


@st.composite
def ways(draw: st.DrawFn) -> tuple[SimChain, int, list[tuple[Link, int]]]:
    """A chain, a time in it, and an honest way from its last block to that of the time."""
    chain = SimChain(draw(gaps), ring=draw(st.sampled_from([3, 8191])))
    as_of = chain.start + draw(st.integers(0, max(0, chain.blocks[-1].time - chain.start - 1)))
    wanted = max(i for i, block in enumerate(chain.blocks) if block.time <= as_of)
    path: list[tuple[Link, int]] = []
    at = len(chain.blocks) - 1
    while at > wanted + 1:
        reach = min(at - wanted - 1, chain.ring or 1)
        by_hop = draw(st.booleans())
        at = at - draw(st.integers(1, reach)) if by_hop else at - 1
        path.append((HISTORY if by_hop else PARENT, at))
    if at > wanted:
        path.append((PARENT, wanted))
    return chain, as_of, path


@given(ways())
@settings(max_examples=120, derandomize=True, deadline=None)
def test_an_honest_way_always_gives_the_last_block_not_after_the_time(way: tuple) -> None:
    """On any chain, by any mix of links, exact is what a reader of the whole chain would call the block of T."""
    check_honest(way)


@pytest.mark.soak
@given(ways())
@settings(max_examples=4_000, deadline=None)
def test_an_honest_way_always_gives_the_last_block_in_the_long_run(way: tuple) -> None:
    """The same over thousands of chains."""
    check_honest(way)


def check_honest(way: tuple[SimChain, int, list[tuple[Link, int]]]) -> None:
    chain, as_of, path = way
    last = max((b for b in chain.blocks if b.time <= as_of), key=lambda b: b.number)
    header, moment = snapshot(chain, path, as_of)
    assert header.hash == last.hash
    assert moment is (Moment.EXACT if path else Moment.HEAD)


@given(ways(), st.data())
@settings(max_examples=120, derandomize=True, deadline=None)
def test_no_other_way_gives_another_block(way: tuple, data: st.DataObject) -> None:
    """Steps dropped, repeated, exchanged, renamed or lengthened either give the same block or are refused."""
    chain, as_of, path = way
    steps, _ = chain.way(path)
    for _ in range(data.draw(st.integers(1, 2))):
        at = data.draw(st.integers(0, len(steps)))
        block = data.draw(st.sampled_from(chain.blocks))
        new = HeaderStep(data.draw(st.sampled_from(list(Link))), block.rlp)
        steps = data.draw(
            st.sampled_from(
                [steps[:at] + steps[at + 1 :], [*steps[:at], new, *steps[at:]], [*steps[:at], new, *steps[at + 1 :]]]
            )
        )
    everything = {node for b in chain.blocks for trie in (b.state, b.history) for node in trie.nodes.values()}
    table = NodeTable.from_hashed((Hash32(keccak(node)), node) for node in everything)
    last = max((b for b in chain.blocks if b.time <= as_of), key=lambda b: b.number)
    now = Timestamp(chain.blocks[-1].time)
    try:
        header, _ = verify_snapshot(
            chain.header(-1), steps, table, set(), as_of=Timestamp(as_of), now=now, policy=STRICT
        )
    except (ProofError, PolicyError):
        return
    assert header.hash == last.hash
