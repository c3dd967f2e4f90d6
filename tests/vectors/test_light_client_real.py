"""Real light-client objects of mainnet, Sepolia and development networks, across every fork up to Fulu."""

from __future__ import annotations

import pytest

from tests.simulators.beacon_data import (
    bootstrap_of,
    checkpoint_of,
    config_of,
    load,
    raw,
    signed_at,
    state_before,
    updates_of,
)
from tests.simulators.schemes import scheme_of
from verifier.consensus.advance import advance
from verifier.consensus.bootstrap import start
from verifier.consensus.forks import Fork
from verifier.consensus.light_client import LightClientState, attested_beacon, finalized_beacon
from verifier.consensus.networks import consensus_of
from verifier.consensus.parse import decode_updates
from verifier.consensus.sealed import from_bytes, to_bytes
from verifier.errors import NothingNew
from verifier.primitives import ChainId
from verifier.trust import Anchor

pytestmark = pytest.mark.usefixtures("shared_data")

STARTED = {
    "mainnet/altair-290-293": 4,
    "mainnet/capella-862-867": 8,
    "mainnet/deneb-1167-storage-proof": 2,
    "mainnet/deneb-1250-1251": 4,
    "mainnet/electra-1422-balance": 2,
    "mainnet/electra-1422-token-slot": 2,
    "mainnet/electra-1600": 1,
    "mainnet/electra-1601": 1,
}
COMMITTEES = {
    "mainnet/altair-bellatrix-565-567": 3,
    "mainnet/bellatrix-capella-757-759": 3,
    "mainnet/capella-deneb-1052-1054": 3,
    "sepolia/deneb-800": 1,
    "sepolia/electra-874-account-proof": 2,
    "devnet/electra-fulu": 2,
    "devnet/fulu-multi-period": 3,
    "devnet/fulu-native": 3,
}


def follow(name: str, backend: str = "arkworks") -> LightClientState:
    """From the bundle's checkpoint through all of its steps, each of which must lead on."""
    bundle = load(f"real/{name}")
    config = config_of(bundle)
    bootstrap = bootstrap_of(bundle, config)
    checkpoint = checkpoint_of(bundle, config)
    state = start(checkpoint, bootstrap, config, config.time_of(bootstrap.header.slot), scheme_of(backend))
    count = 0
    for update in updates_of(bundle, config):
        state = advance(state, update, max(signed_at(config, update), config.time_of(state.finalized.slot)))
        count += 1
    assert count == len(bundle["steps"])
    assert from_bytes(to_bytes(state), checkpoint, config) == state
    return state


@pytest.mark.parametrize("name", STARTED)
def test_a_real_checkpoint_leads_through_its_updates(name: str) -> None:
    """Every step is accepted, and the state survives its byte form."""
    state = follow(name)
    assert len(load(f"real/{name}")["steps"]) == STARTED[name]
    if state.finality is None:
        assert finalized_beacon(state).trust.anchor is Anchor.PINNED
    else:
        assert finalized_beacon(state).trust.anchor is Anchor.FINALIZED
        assert finalized_beacon(state).trust.participation >= 976_562  # 500 of 512


@pytest.mark.parametrize("name", COMMITTEES)
def test_real_updates_under_a_known_committee(name: str) -> None:
    """Signatures and branches on both sides of each fork, where the data give a committee and no checkpoint."""
    bundle = load(f"real/{name}")
    config = config_of(bundle)
    state = None
    count = 0
    for update in updates_of(bundle, config):
        period = config.period_of(update.signature_slot)
        if state is None or (state.next is None and period > state.period):
            state = state_before(bundle, config, update)
        state = advance(state, update, signed_at(config, update))
        assert finalized_beacon(state).trust.anchor is Anchor.FINALIZED
        assert attested_beacon(state).trust.anchor is Anchor.ATTESTED
        count += 1
    assert count == COMMITTEES[name]


def test_fifty_one_periods_over_a_fork() -> None:
    """Periods 1421 to 1471, Deneb to Electra, without a gap; then the same updates again bring nothing."""
    state = follow("mainnet/deneb-electra-chain-1421-1471")
    assert (state.period, state.next is not None) == (1471, True)
    bundle = load("real/mainnet/deneb-electra-chain-1421-1471")
    for update in list(updates_of(bundle, state.config))[-2:]:
        with pytest.raises(NothingNew):
            advance(state, update, signed_at(state.config, update))


def test_the_octet_stream_of_two_forks() -> None:
    """Two chunks under two digests are the same updates as in JSON."""
    octets = raw(load("real/mainnet/updates-1421-1422.ssz")["octets"])
    config = consensus_of(ChainId(1))
    first, second = decode_updates(config, octets)
    assert (config.period_of(first.attested.slot), config.period_of(second.attested.slot)) == (1421, 1422)
    assert [config.fork_of(u.attested.slot) for u in (first, second)] == [Fork.DENEB, Fork.ELECTRA]
    chain = list(updates_of(load("real/mainnet/deneb-electra-chain-1421-1471"), config))
    assert first.next_committee == chain[0].next_committee
    assert second.next_committee == chain[1].next_committee


def test_one_committee_of_512_on_the_reference() -> None:
    """A real update on py_ecc, which says the same of it; all of them in the soak."""
    assert follow("mainnet/electra-1600", "py_ecc") == follow("mainnet/electra-1600")


@pytest.mark.soak
@pytest.mark.parametrize("name", [*STARTED, "mainnet/deneb-electra-chain-1421-1471"])
def test_every_real_checkpoint_on_the_reference(name: str) -> None:
    """Each step on py_ecc, to the same state."""
    assert follow(name, "py_ecc") == follow(name)
