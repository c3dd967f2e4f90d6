"""Who signed: too few, nobody, others than the bits say, or a committee that is none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.hostile.light.clients import FULU, begun, known, refused
from tests.simulators.beacon import BeaconChain
from tests.simulators.schemes import BACKENDS, scheme_of
from verifier.consensus.advance import advance
from verifier.consensus.light_client import finalized_beacon
from verifier.errors import BadPoint, TooFewSigners, WrongBinding, WrongSignature
from verifier.policy import STRICT, Policy
from verifier.primitives import ZERO_HASH


@pytest.mark.covers("LC-01")
@pytest.mark.parametrize("signers", [1, 16, 21])
def test_fewer_than_two_thirds_are_refused(signers: int) -> None:
    """One valid signer is a valid update to the specification, and nothing to us; 22 of 32 are enough."""
    error = refused(TooFewSigners, FULU.update(50, 32, signers=signers))
    assert (error.needed, error.got, error.size, error.refusal_class) == (22, signers, 32, "SIGNATURE")
    assert advance(known(), FULU.update(50, 32, signers=22), FULU.time(51)).finalized.slot == 32


@pytest.mark.covers("LC-02", "BLS-01")
def test_nobody_signed() -> None:
    """No bit, and the signature at infinity that a sum of nothing is."""
    error = refused(TooFewSigners, FULU.update(50, 32, signers=0))
    assert error.got == 0
    committee = known().current
    with pytest.raises(BadPoint):
        committee.verify((False,) * 32, ZERO_HASH, b"\xc0" + bytes(95), FULU.config.where)


@pytest.mark.covers("BLS-06")
def test_bits_that_are_not_those_of_the_signers() -> None:
    """One bit more, one fewer, two swapped, or in another order: the sum of keys is another."""
    good = FULU.update(50, 32, signers=30)
    for bits in ((True,) * 32, (True,) * 29 + (False,) * 3, (False, *(True,) * 30, False), tuple(reversed(good.bits))):
        refused(WrongSignature, replace(good, bits=bits))
    refused(WrongBinding, replace(good, bits=(True,) * 31))
    refused(WrongBinding, replace(good, bits=(True,) * 512))


@pytest.mark.covers("BLS-01", "BLS-08")
def test_a_signature_that_is_no_point_is_a_refusal_and_no_crash() -> None:
    """At infinity, of zeros, of another message, or of another attested header."""
    good = FULU.update(50, 32)
    refused(BadPoint, replace(good, signature=b"\xc0" + bytes(95)))
    assert advance(known(), good, FULU.time(51)).finalized.slot == 32
    other = FULU.update(51, 32)
    refused(WrongSignature, replace(good, signature=other.signature))


@pytest.mark.covers("LC-15")
def test_a_committee_whose_aggregate_is_not_its_sum() -> None:
    """The aggregate key is under the same root as the keys, and is still held against their sum."""
    chain = FULU
    honest = chain.committee(1)
    odd = replace(honest, aggregate=chain.committee(2).aggregate)
    state = advance(begun(), chain.update(40, 24, following=odd), chain.time(41))
    assert state.next is not None
    refused(BadPoint, chain.update(70, 64), state)


@pytest.mark.parametrize("backend", BACKENDS)
def test_both_backends_tell_the_same_story(backend: str) -> None:
    """From the checkpoint over a finality update, and a forgery refused, on each backend."""
    chain = BeaconChain(FULU.config, scheme_of(backend))
    state = advance(begun(chain), chain.update(40, 24, signers=30), chain.time(41))
    assert state.finalized.slot == 24
    refused(WrongSignature, replace(chain.update(50, 32), bits=(*(True,) * 31, False)), state, chain=chain)


def test_participation_below_the_policy_s_floor_is_not_taken() -> None:
    """The client follows at two thirds; what hangs under the header says how many signed, and policy may ask more."""
    state = advance(known(), FULU.update(50, 32, signers=22), FULU.time(51))
    trust = finalized_beacon(state).trust
    assert trust.participation == 687_500
    assert STRICT.takes(trust)
    assert not Policy(min_participation=687_501).takes(trust)
