"""Where an update is from: the domain of its fork, the network of its genesis, and no fork that is unknown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.hostile.light.clients import FULU, begun, known, refused
from tests.simulators.beacon import CHAIN, BeaconChain, devnet, execution_rlp
from tests.simulators.chain import network
from verifier.consensus.advance import advance
from verifier.consensus.bootstrap import start
from verifier.consensus.execution import execution_header
from verifier.consensus.forks import Fork, fork_data_root
from verifier.consensus.light_client import LightClientState, finalized_beacon
from verifier.consensus.networks import CONFIGS
from verifier.consensus.parse import decode_bootstrap
from verifier.errors import Unsupported, WrongChain, WrongSignature


def at_the_fork() -> tuple[BeaconChain, LightClientState]:
    """Electra until slot 39, Fulu from slot 40 on."""
    chain = BeaconChain(devnet((Fork.ELECTRA, 0), (Fork.FULU, 5)))
    return chain, advance(begun(chain), chain.update(30, 24), chain.time(31))


@pytest.mark.covers("LC-07")
@pytest.mark.parametrize(("attested", "signature", "fork"), [(38, 39, 0), (39, 40, 0), (39, 41, 1), (40, 41, 1)])
def test_the_domain_is_that_of_the_slot_before_the_signature(attested: int, signature: int, fork: int) -> None:
    """The first slot of a fork still carries signatures of the old one; the slot after does not."""
    chain, state = at_the_fork()
    update = chain.update(attested, 32, signature)
    assert advance(state, update, chain.time(signature)).finalized.slot == 32
    electra, fulu = chain.config.forks[-2:]
    assert (
        chain.config.signing_domain(signature)[4:] == fork_data_root((electra, fulu)[fork].version, b"\x77" * 32)[:28]
    )
    exchanged = (
        *chain.config.forks[:-2],
        replace(electra, version=fulu.version),
        replace(fulu, version=electra.version),
    )
    forged = BeaconChain(replace(chain.config, forks=exchanged)).signed(update)
    refused(WrongSignature, forged, state, chain=chain)


@pytest.mark.covers("LC-08")
def test_an_update_of_another_network_is_refused() -> None:
    """Another genesis, or other versions: the keys may be the same, the signature is not."""
    for config in (devnet((Fork.FULU, 0), root=b"\x78" * 32), devnet((Fork.FULU, 0), FULU_FORK_VERSION="0x06000078")):
        other = BeaconChain(config)
        refused(WrongSignature, other.update(50, 32))
        assert advance(known(other), other.update(50, 32), other.time(51)).finalized.slot == 32
    with pytest.raises(WrongChain):
        start(
            replace(FULU.checkpoint(16), chain_id=CONFIGS[next(iter(CONFIGS))].chain_id),
            FULU.bootstrap(16),
            FULU.config,
            FULU.time(16),
        )


@pytest.mark.covers("LC-08", "LC-13", "CHN-01")
def test_a_beacon_header_of_one_network_proves_nothing_on_another() -> None:
    """The execution network has to be the one that the beacon chain carries."""
    beacon = finalized_beacon(known())
    with pytest.raises(WrongChain):
        execution_header(beacon, execution_rlp(24), network(chain_id=1))
    assert execution_header(beacon, execution_rlp(24), network(chain_id=CHAIN)).number == 1_024


@pytest.mark.covers("LC-13")
def test_a_slot_whose_fork_is_unknown_is_refused() -> None:
    """A fork that this version does not know, on the checker's schedule: nothing in it is judged."""
    chain = BeaconChain(devnet((Fork.GLOAS, 0)))
    later = BeaconChain(devnet((Fork.GLOAS, 0), HEZE_FORK_EPOCH="6", HEZE_FORK_VERSION="0x08000077"))
    state = known(later)
    error = refused(Unsupported, chain.update(48, 40), state, chain=later)
    assert "heze" in str(error)
    refused(Unsupported, chain.update(47, 40, 50), state, chain=later)
    assert advance(state, later.update(46, 40), later.time(47)).finalized.slot == 40
    with pytest.raises(Unsupported):
        start(chain.checkpoint(48), chain.bootstrap(48), later.config, later.time(48))
    early = BeaconChain(devnet((Fork.ALTAIR, 4)))
    with pytest.raises(Unsupported):
        decode_bootstrap(early.config, Fork.PHASE0, b"")
    with pytest.raises(Unsupported):
        decode_bootstrap(FULU.config, Fork.GLOAS, b"")
    with pytest.raises(Unsupported):
        early.config.fork_of(31)
