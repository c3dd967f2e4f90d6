"""A state's bytes: one form, back to the same state, and nothing else is one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.simulators.beacon import BeaconChain, devnet
from verifier.consensus.advance import advance
from verifier.consensus.bootstrap import start
from verifier.consensus.containers import NO_HEADER
from verifier.consensus.forks import FORKS, Fork
from verifier.consensus.light_client import LightClientState, finalized_beacon
from verifier.consensus.sealed import from_bytes, to_bytes
from verifier.errors import Malformed, MalformedSsz, ProofError, Unsupported, WrongBinding, WrongChain, WrongHash
from verifier.proven import mint
from verifier.trust import Anchor, Checkpoint

CHAIN = BeaconChain(devnet((Fork.FULU, 0)))


def states(chain: BeaconChain = CHAIN) -> list[LightClientState]:
    """At the checkpoint, with a next committee, without one in the next period, and with an attested header alone."""
    first = start(chain.checkpoint(16), chain.bootstrap(16), chain.config, chain.time(16))
    second = advance(first, chain.update(40, 24), chain.time(41))
    third = advance(second, chain.update(70, 64, committee=False), chain.time(71))
    fourth = advance(first, chain.update(40, None, committee=False), chain.time(41))
    fifth = advance(second, chain.update(50, 50, signers=22), chain.time(51))
    return [first, second, third, fourth, fifth]


@pytest.mark.covers("LC-14")
@pytest.mark.parametrize("fork", FORKS[1:])
def test_every_state_comes_back(fork: Fork) -> None:
    """Equal in every field, in one size, and it goes on from there."""
    chain = BeaconChain(devnet((fork, 0)))
    sizes = set()
    for state in states(chain):
        data = to_bytes(state)
        back = from_bytes(data, state.rests_on, chain.config, chain.scheme)
        assert back == state
        assert to_bytes(back) == data
        assert finalized_beacon(back) == finalized_beacon(state)
        sizes.add(len(data))
    assert len(sizes) == 1
    back = from_bytes(to_bytes(states(chain)[1]), chain.checkpoint(16), chain.config)
    assert advance(back, chain.update(80, 72), chain.time(81)).finalized.slot == 72


def test_bytes_of_another_length_or_form_are_refused() -> None:
    """Cut, longer, another form, unknown flags, and parts that stand where a flag leaves them out."""
    checkpoint, data = CHAIN.checkpoint(16), to_bytes(states()[2])
    for wrong in (
        b"",
        b"\x01",
        data[:-1],
        data + b"\x00",
        b"\x02" + data[1:],
        data[:1] + bytes((data[1] | 8,)) + data[2:],
    ):
        with pytest.raises(MalformedSsz):
            from_bytes(wrong, checkpoint, CHAIN.config)
    for wrong in (b"\x02" + data[1:], data[:1] + bytes((data[1] | 8,)) + data[2:]):
        with pytest.raises(MalformedSsz, match="a state of form 1 is due"):
            from_bytes(wrong, checkpoint, CHAIN.config)
    known = to_bytes(states()[1])
    assert known[1] == 1 | 2 | 4
    for flag in (1, 2, 4):
        with pytest.raises((MalformedSsz, WrongBinding)):
            from_bytes(known[:1] + bytes((known[1] & ~flag,)) + known[2:], checkpoint, CHAIN.config)


def test_what_is_not_known_is_zero_in_the_bytes() -> None:
    """A state at its checkpoint has neither a next committee nor updates: nothing but zeros behind what it has."""
    data = to_bytes(states()[0])
    header, committee = 112 + 32 + 352, 33 * 48
    assert not any(data[2 + 64 + 2 * header + committee :])
    assert any(to_bytes(states()[1])[2 + 64 + 2 * header + committee :])


@pytest.mark.covers("LC-08")
def test_a_state_of_another_network_or_checkpoint_is_refused() -> None:
    """The genesis in it and the checkpoint that it began from are the checker's, or it is another's state."""
    data = to_bytes(states()[1])
    other = devnet((Fork.FULU, 0), root=b"\x78" * 32)
    with pytest.raises(WrongChain):
        from_bytes(data, CHAIN.checkpoint(16), other)
    with pytest.raises(WrongBinding):
        from_bytes(data, CHAIN.checkpoint(17), CHAIN.config)
    early = devnet((Fork.FULU, 0), HEZE_FORK_EPOCH="3", HEZE_FORK_VERSION="0x08000077")
    with pytest.raises(Unsupported):
        from_bytes(data, CHAIN.checkpoint(16), early)


def test_what_can_be_proven_again_is() -> None:
    """A header moved without its proof, a finality of another header, an execution hash that is not in the body."""
    state = states()[1]

    def forged(**fields: object) -> bytes:
        values = {name: getattr(state, name) for name in LightClientState.__dataclass_fields__} | fields
        return to_bytes(mint(LightClientState, **values))

    assert from_bytes(forged(), CHAIN.checkpoint(16), CHAIN.config) == state
    assert state.finality is not None
    other = CHAIN.header(32)
    for fields, error in (
        ({"finalized": other}, WrongBinding),
        ({"newest": other}, WrongBinding),
        ({"newest": replace(state.newest, execution_hash=other.execution_hash)}, WrongHash),
        ({"finality": replace(state.finality, finalized=other), "finalized": other}, WrongHash),
        ({"finality": replace(state.finality, attested=other)}, WrongHash),
        ({"finalized": NO_HEADER}, ProofError),
    ):
        with pytest.raises(error):
            from_bytes(forged(**fields), CHAIN.checkpoint(16), CHAIN.config)


def test_no_single_changed_byte_of_the_headers_survives() -> None:
    """Outside the committees and the signatures, which the seal stands for, every byte is held against another."""
    data = to_bytes(states()[1])
    header = 112 + 32 + 352
    survived = []
    for place in range(2 + 64, 2 + 64 + 2 * header, 7):
        wrong = data[:place] + bytes((data[place] ^ 1,)) + data[place + 1 :]
        try:
            from_bytes(wrong, CHAIN.checkpoint(16), CHAIN.config)
        except (Malformed, ProofError, Unsupported):
            continue
        survived.append(place)
    assert not survived


def test_the_operators_of_a_checkpoint_are_not_in_the_bytes() -> None:
    """They are the checker's to give again: the same bytes rest on what they rest on now."""
    data = to_bytes(states()[1])
    asked = Checkpoint(CHAIN.config.chain_id, CHAIN.checkpoint(16).root, frozenset({"a"}), 1, CHAIN.time(16))
    assert finalized_beacon(from_bytes(data, asked, CHAIN.config)).trust.anchor is Anchor.RPC
    assert finalized_beacon(from_bytes(data, CHAIN.checkpoint(16), CHAIN.config)).trust.anchor is Anchor.FINALIZED
