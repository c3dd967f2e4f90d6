"""Where a client begins: the checker's own checkpoint, not too old, and no endpoint's word for one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.hostile.light.clients import FULU, known
from tests.simulators.beacon import CHAIN, execution_rlp
from tests.simulators.chain import network
from verifier.consensus.advance import advance
from verifier.consensus.bootstrap import start
from verifier.consensus.execution import execution_header
from verifier.consensus.forks import Fork
from verifier.consensus.light_client import attested_beacon, finalized_beacon
from verifier.consensus.networks import CONFIGS
from verifier.errors import CheckpointTooOld, FromTheFuture, MalformedBranch, WrongHash
from verifier.policy import STRICT
from verifier.primitives import ZERO_HASH
from verifier.trust import Anchor, Checkpoint


@pytest.mark.covers("LC-12")
def test_a_checkpoint_older_than_the_weak_subjectivity_period_is_refused() -> None:
    """To the second; and a state that was left alone for longer is no better than an old checkpoint."""
    checkpoint, bootstrap, config = FULU.checkpoint(16), FULU.bootstrap(16), FULU.config
    limit = config.subjectivity_at(FULU.time(16))
    assert limit == 256 * 8 * 6
    start(checkpoint, bootstrap, config, FULU.time(16) + limit)
    with pytest.raises(CheckpointTooOld) as caught:
        start(checkpoint, bootstrap, config, FULU.time(16) + limit + 1)
    assert (caught.value.age, caught.value.limit, caught.value.refusal_class) == (limit + 1, limit, "FRESHNESS")
    assert "newer finalized checkpoint" in caught.value.remedy
    state = known()
    with pytest.raises(CheckpointTooOld):
        advance(state, FULU.update(50, 32), FULU.time(24) + limit + 1)
    advance(state, FULU.update(50, 32), FULU.time(24) + limit)
    with pytest.raises(FromTheFuture):
        start(checkpoint, bootstrap, config, FULU.time(15))


@pytest.mark.covers("LC-12")
@pytest.mark.parametrize(("operators", "k", "anchor"), [(("a",), 1, Anchor.RPC), (("a", "b"), 2, Anchor.QUORUM)])
def test_a_checkpoint_that_endpoints_supplied_stays_an_observation(
    operators: tuple[str, ...], k: int, anchor: Anchor
) -> None:
    """Whatever follows from it is believed no further than those who named it."""
    given = Checkpoint(FULU.config.chain_id, FULU.checkpoint(16).root, frozenset(operators), k, FULU.time(16))
    state = start(given, FULU.bootstrap(16), FULU.config, FULU.time(16))
    assert finalized_beacon(state).trust.anchor is anchor
    state = advance(state, FULU.update(40, 24), FULU.time(41))
    assert finalized_beacon(state).trust.anchor is anchor
    assert attested_beacon(state).trust.anchor is anchor
    assert not STRICT.takes(finalized_beacon(state).trust)
    assert execution_header(finalized_beacon(state), execution_rlp(24), network(chain_id=CHAIN)).trust.anchor is anchor


@pytest.mark.covers("LC-12")
def test_mainnet_s_bound_and_gloas() -> None:
    """Fourteen days up to Fulu; where Gloas is scheduled the bound from then on is six days or less."""
    for config in CONFIGS.values():
        assert all(seconds <= 14 * 86_400 for _, seconds in config.subjectivity)
        for row in config.forks:
            if row.fork is Fork.GLOAS:
                at = config.time_of(row.epoch * config.preset.slots_per_epoch)
                assert config.subjectivity_at(at) <= 6 * 86_400
    assert CONFIGS[next(iter(CONFIGS))].subjectivity_at(FULU.time(0)) == 14 * 86_400


def test_a_bootstrap_must_be_the_checkpoint_s() -> None:
    """Another header, another committee, or a committee from another place of the state."""
    good, checkpoint = FULU.bootstrap(16), FULU.checkpoint(16)
    now = FULU.time(16)
    for wrong in (
        FULU.bootstrap(17),
        replace(good, committee=FULU.committee(1)),
        replace(good, branch=(bytes(32),) * 5 + FULU.state(16).branch(FULU.config.indices_of(16).next)),
        replace(good, header=replace(good.header, execution_hash=ZERO_HASH)),
    ):
        with pytest.raises(WrongHash):
            start(checkpoint, wrong, FULU.config, now)
    with pytest.raises(MalformedBranch):
        start(checkpoint, replace(good, branch=(b"\x01" * 32, *good.branch[1:])), FULU.config, now)
    assert start(checkpoint, good, FULU.config, now).period == 0
