"""What follows from a valid update: which committee is learned, when the header moves, and what is ranked higher."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.simulators.beacon import BeaconChain, devnet
from verifier.consensus.advance import advance
from verifier.consensus.bootstrap import start
from verifier.consensus.forks import Fork
from verifier.consensus.light_client import LightClientState, require_recent
from verifier.consensus.store import Store, applied, finalizes, is_better, new_store
from verifier.errors import CheckpointTooOld, NothingNew, TooFewSigners, WrongBinding, WrongHash, WrongPeriod

CHAIN = BeaconChain(devnet((Fork.FULU, 0)))


def begun(slot: int) -> LightClientState:
    return start(CHAIN.checkpoint(slot), CHAIN.bootstrap(slot), CHAIN.config, CHAIN.time(slot), CHAIN.scheme)


def test_an_update_older_than_the_checkpoint_still_brings_its_committee() -> None:
    """Late in a period the period's best update is older than the checkpoint, and its committee is needed."""
    state = begun(48)
    after = advance(state, CHAIN.update(30, 24), CHAIN.time(49))
    assert after.next is not None
    assert after.next.members == CHAIN.committee(1)
    assert (after.finalized, after.newest, after.finality) == (state.finalized, state.newest, None)
    with pytest.raises(NothingNew):
        advance(state, CHAIN.update(30, None), CHAIN.time(49))


def test_a_committee_counts_when_it_is_final_in_its_own_period() -> None:
    """Attested in the checkpoint's period and finalized in the one before: not yet; inside: yes."""
    state = begun(66)
    early = advance(state, CHAIN.update(70, 60), CHAIN.time(71))
    assert (early.next, early.finalized.slot, early.newest.slot) == (None, 66, 70)
    assert advance(state, CHAIN.update(72, 65), CHAIN.time(73)).next is not None
    assert not finalizes(state.view, CHAIN.update(70, 60))
    assert finalizes(state.view, CHAIN.update(72, 65))
    assert not finalizes(state.view, CHAIN.update(72, 65, committee=False))
    assert not finalizes(state.view, CHAIN.update(72, None))
    known = advance(state, CHAIN.update(72, 65), CHAIN.time(73))
    assert not finalizes(known.view, CHAIN.update(72, 65))


def test_a_header_of_the_same_slot_is_not_newer() -> None:
    """It never takes the place of the one that is there."""
    view = begun(40).view
    assert applied(view, CHAIN.update(50, 40, salt=b"other")).finalized == view.finalized
    assert applied(view, CHAIN.update(50, 41)).finalized.slot == 41


def test_an_unknown_committee_is_not_learned_from_another_period() -> None:
    """Without the next committee nothing of the period after is applied, whoever calls."""
    view = begun(40).view
    with pytest.raises(WrongPeriod):
        applied(view, CHAIN.update(70, 64))
    assert applied(view, CHAIN.update(50, 48)).next is not None


def test_better_updates() -> None:
    """Two thirds first, then committee, finality, finality inside the period, participation, and age."""
    config = CHAIN.config
    full = CHAIN.update(70, 66)
    ladder = [
        full,
        CHAIN.update(70, 66, signers=31),
        CHAIN.update(71, 66, signers=31),
        CHAIN.update(71, 66, 73, signers=31),
        CHAIN.update(70, 60),
        CHAIN.update(70, None),
        CHAIN.update(70, 66, committee=False),
        CHAIN.update(70, 66, signers=21),
        CHAIN.update(70, 66, signers=20),
    ]
    for i, better in enumerate(ladder):
        for worse in ladder[i + 1 :]:
            assert is_better(better, worse, config)
            assert not is_better(worse, better, config)
        assert not is_better(better, better, config)
    assert is_better(CHAIN.update(62, 60, 63), CHAIN.update(62, 60, 64), config)


def test_the_specification_s_store_forces_and_the_product_does_not() -> None:
    """A weak update is kept, and after a period it stands for a final one; the product refuses it from the start."""
    store = new_store(CHAIN.checkpoint(16).root, CHAIN.bootstrap(16), CHAIN.config, CHAIN.scheme)
    weak = CHAIN.update(50, 24, signers=5)
    held = store.process(weak, 51)
    assert (held.best, held.view.finalized.slot, held.current_most) == (weak, 16, 5)
    assert held.force(16 + 64) == held
    forced = held.force(16 + 65)
    assert (forced.view.finalized.slot, forced.best) == (24, None)
    assert store.force(500) == store
    attested = store.process(CHAIN.update(50, None, signers=5), 51).force(16 + 65)
    assert attested.view.finalized.slot == 50
    with pytest.raises(TooFewSigners):
        advance(begun(16), weak, CHAIN.time(51))


def test_the_store_counts_participants_and_refuses_what_contradicts_it() -> None:
    """A newer optimistic header needs more than half of the most that were seen; maxima move with the period."""
    store = new_store(CHAIN.checkpoint(16).root, CHAIN.bootstrap(16), CHAIN.config, CHAIN.scheme)
    store = store.process(CHAIN.update(40, 24), 41)
    assert (store.current_most, store.previous_most, store.newest.slot) == (32, 0, 40)
    assert store.process(CHAIN.update(50, None, signers=16), 51).newest.slot == 40
    assert store.process(CHAIN.update(50, None, signers=17), 51).newest.slot == 50
    same = store.process(CHAIN.update(50, 32), 51)
    assert (same.previous_most, same.current_most, same.view.period) == (0, 32, 0)
    turned = store.process(CHAIN.update(70, 64), 71)
    assert (turned.previous_most, turned.current_most, turned.view.period) == (32, 0, 1)
    with pytest.raises(WrongBinding):
        store.process(CHAIN.update(50, 32, following=CHAIN.committee(9)), 51)
    assert isinstance(turned, Store)


def test_of_two_headers_of_one_slot_the_store_keeps_the_first() -> None:
    """The optimistic header gives way to a newer slot only, attested or final."""
    store = new_store(CHAIN.checkpoint(16).root, CHAIN.bootstrap(16), CHAIN.config, CHAIN.scheme)
    held = store.process(CHAIN.update(40, None), 41)
    other = replace(held, newest=CHAIN.header(40, salt=b"other"))
    assert other.process(CHAIN.update(40, 24), 41).newest == other.newest
    assert other.process(CHAIN.update(60, 40, signers=22), 61).newest == CHAIN.update(60, 40).attested
    assert other.apply(CHAIN.update(60, 40)).newest == other.newest
    assert other.apply(CHAIN.update(60, 41)).newest == CHAIN.update(60, 41).finalized


def test_a_store_begins_at_its_block_only() -> None:
    """Another root, or another committee, is refused."""
    with pytest.raises(WrongHash):
        new_store(CHAIN.checkpoint(17).root, CHAIN.bootstrap(16), CHAIN.config, CHAIN.scheme)
    wrong = replace(CHAIN.bootstrap(16), committee=CHAIN.committee(1))
    with pytest.raises(WrongHash):
        new_store(CHAIN.checkpoint(16).root, wrong, CHAIN.config, CHAIN.scheme)


def test_a_state_left_alone_grows_old() -> None:
    """Its age is the clock's; beyond the bound it leads nowhere."""
    state = begun(16)
    limit = CHAIN.config.subjectivity_at(CHAIN.time(16))
    assert state.age(CHAIN.time(17)) == 6
    require_recent(state, CHAIN.time(16) + limit)
    with pytest.raises(CheckpointTooOld):
        require_recent(state, CHAIN.time(16) + limit + 1)
    assert str(state.where).startswith("devnet")
