"""Chains of one committee each, clients that follow them, and the refusal of an update."""

from __future__ import annotations

import pytest

from tests.simulators.beacon import BeaconChain, devnet
from verifier.consensus.advance import advance
from verifier.consensus.bootstrap import start
from verifier.consensus.containers import Update
from verifier.consensus.forks import FORKS, Fork
from verifier.consensus.light_client import LightClientState
from verifier.consensus.sealed import to_bytes
from verifier.errors import VerifierError

PERIOD = 64
CHAINS = {fork: BeaconChain(devnet((fork, 0))) for fork in FORKS[1:]}
FULU = CHAINS[Fork.FULU]


def begun(chain: BeaconChain = FULU, slot: int = 16) -> LightClientState:
    """A client at a checkpoint, its next committee not known yet."""
    return start(chain.checkpoint(slot), chain.bootstrap(slot), chain.config, chain.time(slot), chain.scheme)


def known(chain: BeaconChain = FULU) -> LightClientState:
    """A client whose finalized header is at slot 24, with both committees."""
    return advance(begun(chain), chain.update(40, 24), chain.time(41))


def refused(
    error: type[VerifierError], update: Update, state: LightClientState | None = None, *, now: int | None = None,
    chain: BeaconChain = FULU,
) -> VerifierError:  # fmt: skip
    """The refusal of an update; the state it met is the same afterwards, and goes on from there."""
    state = known(chain) if state is None else state
    before = to_bytes(state)
    time = chain.time(max(now if now is not None else update.signature_slot, state.finalized.slot))
    with pytest.raises(error) as caught:
        advance(state, update, time)
    assert type(caught.value) is error
    assert to_bytes(state) == before
    return caught.value
