"""What a lying beacon node can try on the light client: each lie is refused by its name, and changes nothing."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.simulators.beacon import CHAIN, BeaconChain, devnet, execution_rlp
from tests.simulators.chain import network
from tests.simulators.schemes import BACKENDS, scheme_of
from verifier.consensus.advance import advance
from verifier.consensus.bootstrap import start
from verifier.consensus.containers import NO_FINALITY, NO_HEADER, NO_NEXT, LightClientHeader, Update, no_committee
from verifier.consensus.execution import execution_header
from verifier.consensus.forks import FORKS, Fork, fork_data_root
from verifier.consensus.light_client import (
    LightClientState,
    attested_beacon,
    finalized_beacon,
    require_fresh,
)
from verifier.consensus.networks import CONFIGS
from verifier.consensus.parse import decode_bootstrap, decode_finality_update, decode_update
from verifier.consensus.sealed import to_bytes
from verifier.errors import (
    BadPoint,
    CheckpointTooOld,
    FromTheFuture,
    MalformedBranch,
    Misbehaviour,
    NotFinal,
    NothingNew,
    TooFewSigners,
    TooOld,
    Unsupported,
    VerifierError,
    WrongBinding,
    WrongChain,
    WrongHash,
    WrongOrder,
    WrongPeriod,
    WrongSignature,
)
from verifier.policy import STRICT, Policy
from verifier.primitives import ZERO_HASH, Hash32
from verifier.trust import Anchor, Checkpoint

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


# --- who signed ------------------------------------------------------------------------------------------


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
    for bits in (
        (True,) * 32,
        (True,) * 29 + (False,) * 3,
        (False, *(True,) * 30, False),
        tuple(reversed(good.bits)),
    ):
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


# --- what is final ---------------------------------------------------------------------------------------


@pytest.mark.covers("LC-03")
def test_an_attested_header_is_never_taken_for_final() -> None:
    """An optimistic update moves the newest header alone, and what hangs under it says `attested`."""
    state = known()
    after = advance(state, FULU.update(50, None, committee=False), FULU.time(51))
    assert after.finalized == state.finalized
    assert finalized_beacon(after).slot == 24
    beacon = attested_beacon(after)
    assert (beacon.slot, beacon.trust.anchor) == (50, Anchor.ATTESTED)
    assert not STRICT.takes(beacon.trust)
    assert STRICT.takes(finalized_beacon(after).trust)


def test_an_update_that_finalizes_the_checkpoint_itself_says_so() -> None:
    """The checkpoint's header is the checker's word until two thirds call it final; a second time is nothing new."""
    state = begun()
    assert finalized_beacon(state).trust.anchor is Anchor.PINNED
    assert finalized_beacon(state).trust.participation is None
    after = advance(state, FULU.update(40, 16, committee=False), FULU.time(41))
    assert (after.finalized, finalized_beacon(after).trust.anchor) == (state.finalized, Anchor.FINALIZED)
    assert finalized_beacon(after).signers == 32
    refused(NothingNew, FULU.update(40, 16, committee=False), after)
    refused(Misbehaviour, FULU.update(40, 16, committee=False, salt=b"other"), state)


@pytest.mark.covers("LC-03")
def test_a_finalized_header_without_a_proof_is_refused() -> None:
    """A branch of zeros is no proof, and no header is none."""
    good = FULU.update(50, 32)
    assert refused(NotFinal, replace(good, finality_branch=NO_FINALITY)).refusal_class == "FINALITY"
    refused(WrongHash, replace(good, finalized=NO_HEADER))
    refused(WrongHash, replace(good, finalized=FULU.header(33)))
    genesis = LightClientHeader(replace(NO_HEADER.beacon, proposer_index=1), ZERO_HASH, NO_HEADER.execution_branch)
    refused(NotFinal, replace(good, finalized=genesis))
    after = advance(known(), replace(good, finalized=NO_HEADER, finality_branch=NO_FINALITY), FULU.time(51))
    assert after.finalized.slot == 24


@pytest.mark.covers("LC-04")
def test_nothing_is_ever_forced() -> None:
    """After any time without finality a weak update is still too weak, and the state is stale rather than wrong."""
    state = known()
    late = 24 + PERIOD + 1
    refused(TooFewSigners, FULU.update(60, None, signers=21), state, now=late)
    after = advance(state, FULU.update(60, None), FULU.time(late))
    assert after.finalized.slot == 24
    with pytest.raises(TooOld) as caught:
        require_fresh(after, FULU.time(late), 300)
    assert (caught.value.refusal_class, caught.value.got) == ("FRESHNESS", 6 * (PERIOD + 1))
    require_fresh(after, FULU.time(24) + 300, 300)


# --- committees and periods ------------------------------------------------------------------------------


@pytest.mark.covers("LC-05")
def test_a_committee_signs_in_its_own_period_only() -> None:
    """At the border: the old committee until the last slot of its period, the new one from the next slot on.

    slot      62  63 | 64  65
    signed    old old| new new
    """
    state = known()
    for signature in (63, 64, 65):
        update = FULU.update(62, 32, signature)
        assert advance(state, update, FULU.time(signature)).finalized.slot == 32
        wrong = FULU.update(62, 32, signature, signed_by=1 if signature < 64 else 0)
        refused(WrongSignature, wrong, state)


@pytest.mark.covers("LC-05")
@pytest.mark.parametrize("signature", [8191, 8192, 8193])
def test_the_border_of_a_period_of_mainnet_s_length(signature: int) -> None:
    """8192 slots: the committee of period 0 signs up to slot 8191, that of period 1 from 8192 on."""
    chain = BeaconChain(devnet((Fork.FULU, 0), EPOCHS_PER_SYNC_COMMITTEE_PERIOD="1024"))
    state = advance(begun(chain, 8_100), chain.update(8_150, 8_120), chain.time(8_151))
    good = chain.update(8_190, 8_128, signature)
    assert advance(state, good, chain.time(signature)).finalized.slot == 8_128
    wrong = chain.update(8_190, 8_128, signature, signed_by=1 if signature < 8_192 else 0)
    refused(WrongSignature, wrong, state, chain=chain)


@pytest.mark.covers("LC-05")
def test_no_period_is_skipped() -> None:
    """Two periods ahead, and one ahead while the next committee is unknown, are both too far."""
    assert refused(WrongPeriod, FULU.update(130, 128)).refusal_class == "SIGNATURE"
    refused(WrongPeriod, FULU.update(70, 64), begun())
    state = advance(known(), FULU.update(70, 64), FULU.time(71))
    assert (state.period, state.next is not None) == (1, True)
    assert advance(state, FULU.update(130, 128), FULU.time(131)).period == 2


@pytest.mark.covers("LC-06")
def test_a_next_committee_needs_its_proof_in_the_attested_state() -> None:
    """Not under the finalized state, not at the current committee's place, not of zeros, and not without a branch."""
    state = begun()
    good = FULU.update(40, 24)
    strangers = FULU.committee(9)
    under_finalized = FULU.state(24).branch(FULU.config.indices_of(24).next)
    refused(WrongHash, replace(good, next_branch=(bytes(32),) * 5 + under_finalized), state)
    refused(WrongHash, replace(good, next_committee=strangers), state)
    refused(WrongHash, replace(good, next_committee=no_committee(32)), state)
    refused(WrongHash, replace(good, next_committee=strangers, next_branch=NO_NEXT), state)
    refused(WrongHash, replace(good, next_committee=FULU.committee(0)), state)
    nothing = replace(good, next_committee=no_committee(32), next_branch=NO_NEXT)
    assert advance(state, nothing, FULU.time(41)).next is None
    assert advance(state, good, FULU.time(41)).next is not None


@pytest.mark.covers("LC-06")
def test_an_unknown_committee_stays_unknown_across_a_period() -> None:
    """A finality update over the border brings no committee: the next one is then unknown, never one of zeros."""
    state = advance(known(), FULU.update(70, 64, committee=False), FULU.time(71))
    assert (state.period, state.next, state.next_period_wanted) == (1, None, 1)
    refused(WrongPeriod, FULU.update(130, 128), state)
    state = advance(state, FULU.update(80, 72), FULU.time(81))
    assert state.next is not None
    assert state.next.members == FULU.committee(2)


# --- domains and networks --------------------------------------------------------------------------------


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
    for config in (
        devnet((Fork.FULU, 0), root=b"\x78" * 32),
        devnet((Fork.FULU, 0), FULU_FORK_VERSION="0x06000078"),
    ):
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


# --- slots and time --------------------------------------------------------------------------------------


@pytest.mark.covers("LC-09")
def test_a_moved_signature_slot_changes_no_time() -> None:
    """It is under no signature: within period and fork it can be moved, and what is proven keeps its own slot."""
    moved = replace(FULU.update(50, 32), signature_slot=60)
    state = advance(known(), moved, FULU.time(60))
    assert finalized_beacon(state).timestamp == FULU.time(32)
    assert attested_beacon(state).timestamp == FULU.time(50)


@pytest.mark.covers("LC-10")
def test_slots_must_follow_one_another_and_the_clock() -> None:
    """now >= signature > attested >= finalized."""
    good = FULU.update(50, 32)
    assert refused(FromTheFuture, good, now=50).refusal_class == "FRESHNESS"
    assert advance(known(), good, FULU.time(51)).finalized.slot == 32
    refused(FromTheFuture, good, known(), now=49)
    assert refused(WrongOrder, FULU.signed(replace(good, signature_slot=50)), now=60).refusal_class == "FRESHNESS"
    refused(WrongOrder, FULU.signed(replace(good, signature_slot=49)), now=60)
    refused(WrongOrder, FULU.update(50, 51, 55), now=60)
    assert advance(known(), FULU.update(50, 50, 51), FULU.time(60)).finalized.slot == 50


@pytest.mark.covers("LC-11")
def test_an_older_update_changes_nothing() -> None:
    """Valid, signed, and out of date; nor does the same update count twice."""
    state = advance(known(), FULU.update(50, 40), FULU.time(51))
    for update in (FULU.update(40, 24), FULU.update(45, 32), FULU.update(50, 40), FULU.update(49, None)):
        refused(NothingNew, update, state, now=60)
    assert refused(NothingNew, FULU.update(40, 24), state, now=60).what == "the attested header"
    alone = FULU.update(14, None, committee=False)
    assert refused(NothingNew, alone, begun(), now=60).what == "the attested header"
    newer = advance(state, FULU.update(52, 40), FULU.time(53))
    assert (newer.finalized.slot, newer.newest.slot) == (40, 52)
    refused(NothingNew, FULU.update(51, 32), newer, now=60)
    across = advance(state, FULU.update(70, 64), FULU.time(71))
    refused(NothingNew, FULU.update(60, 48), across, now=71)


def test_what_moved_a_header_is_kept_beside_it() -> None:
    """The first update that finalized a header, and the first that attested the newest, stay its evidence."""
    state = advance(known(), FULU.update(50, 40), FULU.time(51))
    newer = advance(state, FULU.update(52, 40), FULU.time(53))
    assert (newer.finality, newer.attestation) == (state.finality, FULU.update(52, 40).without_committee())
    again = advance(state, FULU.update(50, 48), FULU.time(53))
    assert (again.finalized.slot, again.newest, again.attestation) == (48, state.newest, state.attestation)
    both = advance(state, FULU.update(60, 60), FULU.time(61))
    assert (both.newest, both.attestation) == (both.finalized, None)
    assert attested_beacon(both) == finalized_beacon(both)
    older = advance(begun(), FULU.update(30, 8, committee=False), FULU.time(31))
    assert (older.finality, older.finalized.slot, older.newest.slot) == (None, 16, 30)


@pytest.mark.covers("LC-11")
def test_two_final_headers_for_one_slot_stop_the_client() -> None:
    """Both are signed: that is an alarm with its evidence, not a choice."""
    state = advance(known(), FULU.update(50, 40), FULU.time(51))
    other = FULU.update(53, 40, salt=b"other")
    error = refused(Misbehaviour, other, state)
    assert (error.slot, error.refusal_class) == (40, "FINALITY")
    assert error.known_root == FULU.header(40).beacon.root
    assert error.other_root == FULU.header(40, salt=b"other").beacon.root
    assert decode_finality_update(FULU.config, None, error.known).finalized == state.finalized
    assert decode_update(FULU.config, None, error.other) == other
    refused(WrongSignature, replace(other, bits=(*(True,) * 31, False)), state)
    assert advance(state, FULU.update(53, 40), FULU.time(54)).newest.slot == 53


@pytest.mark.covers("LC-11")
def test_another_next_committee_for_a_known_period_stops_the_client() -> None:
    """Signed and proven, it contradicts the one that is known; forged, it is a forgery."""
    other = FULU.update(50, 32, following=FULU.committee(9))
    error = refused(Misbehaviour, other)
    assert (error.known_root, error.other_root) == (FULU.committee(1).root, FULU.committee(9).root)
    refused(WrongSignature, replace(other, signature=FULU.update(50, 32).signature))


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


def test_participation_below_the_policy_s_floor_is_not_taken() -> None:
    """The client follows at two thirds; what hangs under the header says how many signed, and policy may ask more."""
    state = advance(known(), FULU.update(50, 32, signers=22), FULU.time(51))
    trust = finalized_beacon(state).trust
    assert trust.participation == 687_500
    assert STRICT.takes(trust)
    assert not Policy(min_participation=687_501).takes(trust)


# --- the execution link ----------------------------------------------------------------------------------


@pytest.mark.covers("LC-13", "SSZ-04")
@pytest.mark.parametrize("fork", [Fork.CAPELLA, Fork.DENEB, Fork.ELECTRA, Fork.FULU, Fork.GLOAS])
def test_an_execution_block_must_be_in_the_body(fork: Fork) -> None:
    """Another hash, another body, the state in place of the body, and surplus entries that are not zero."""
    chain = CHAINS[fork]
    good, state = chain.update(50, 32), known(chain)
    header = good.attested

    def with_header(changed: LightClientHeader) -> Update:
        return replace(good, attested=changed)

    refused(WrongHash, with_header(replace(header, execution_hash=Hash32(b"\x66" * 32))), state, chain=chain)
    other = chain.header(50, good.finalized.beacon.root, b"salt")
    refused(WrongHash, with_header(replace(header, execution_branch=other.execution_branch)), state, chain=chain)
    swapped = replace(header, beacon=replace(header.beacon, body_root=header.beacon.state_root))
    refused(WrongHash, with_header(swapped), state, chain=chain)
    refused(WrongHash, replace(good, finalized=replace(good.finalized, execution_hash=ZERO_HASH)), state, chain=chain)
    if fork is not Fork.GLOAS:
        padded = (b"\x01" * 32, *header.execution_branch[1:])
        refused(MalformedBranch, with_header(replace(header, execution_branch=padded)), state, chain=chain)


@pytest.mark.covers("LC-13")
def test_only_the_proven_execution_header_is_taken() -> None:
    """The RLP of any other block has another hash; its fields come from the RLP alone."""
    beacon = finalized_beacon(known())
    net = network(chain_id=CHAIN)
    with pytest.raises(WrongHash):
        execution_header(beacon, execution_rlp(25), net)
    header = execution_header(beacon, execution_rlp(24), net)
    assert (header.rests_on, header.trust, header.timestamp) == (beacon, beacon.trust, FULU.time(24))
    with pytest.raises(Unsupported):
        execution_header(beacon, execution_rlp(24), network(chain_id=CHAIN, unsupported="another tree"))


@pytest.mark.covers("LC-13")
def test_before_capella_no_execution_block_is_proven() -> None:
    """A header of Bellatrix has no execution part; one that claims some is refused."""
    chain = CHAINS[Fork.BELLATRIX]
    beacon = finalized_beacon(known(chain))
    assert beacon.execution_hash is None
    with pytest.raises(Unsupported):
        execution_header(beacon, execution_rlp(24), network(chain_id=CHAIN))
    good = chain.update(50, 32)
    claimed = replace(good, attested=replace(good.attested, execution_hash=Hash32(b"\x66" * 32)))
    refused(WrongBinding, claimed, chain=chain)


@pytest.mark.covers("LC-13")
def test_in_gloas_a_bid_s_own_block_is_not_the_settled_one() -> None:
    """The bid names its own block hash beside the parent's: 2857 is another leaf than 2856."""
    chain = CHAINS[Fork.GLOAS]
    body, _ = chain.body(50)
    good = chain.update(50, 32)
    own = replace(good.attested, execution_hash=Hash32(body.node(2857)), execution_branch=body.branch(2857))
    refused(WrongHash, replace(good, attested=own), chain=chain)


# --- all or nothing --------------------------------------------------------------------------------------


LIES: dict[str, Callable[[Update], Update]] = {
    "attested slot": lambda u: replace(u, attested=replace(u.attested, beacon=replace(u.attested.beacon, slot=49))),
    "proposer": lambda u: replace(
        u, attested=replace(u.attested, beacon=replace(u.attested.beacon, proposer_index=99))
    ),
    "parent": lambda u: replace(
        u, attested=replace(u.attested, beacon=replace(u.attested.beacon, parent_root=ZERO_HASH))
    ),
    "finalized proposer": lambda u: replace(
        u, finalized=replace(u.finalized, beacon=replace(u.finalized.beacon, proposer_index=99))
    ),
    "finality branch": lambda u: replace(u, finality_branch=(*u.finality_branch[:-1], b"\x01" * 32)),
    "committee order": lambda u: replace(
        u, next_committee=replace(u.next_committee, pubkeys=u.next_committee.pubkeys[::-1])
    ),
    "committee branch": lambda u: replace(u, next_branch=(*u.next_branch[:-1], b"\x01" * 32)),
    "signature": lambda u: replace(u, signature=FULU.update(52, 32).signature),
    "bits": lambda u: replace(u, bits=(*u.bits[:-1], False)),
}


@pytest.mark.covers("LC-14")
@pytest.mark.parametrize("lie", LIES)
def test_every_lie_leaves_the_whole_state_as_it_was(lie: str) -> None:
    """Whatever check fails, and however late: the state is a value that the good update then moves."""
    state = begun()
    good = FULU.update(50, 32)
    before = to_bytes(state)
    with pytest.raises((WrongHash, WrongSignature, NotFinal, MalformedBranch)):
        advance(state, LIES[lie](good), FULU.time(51))
    assert to_bytes(state) == before
    assert advance(state, good, FULU.time(51)).finalized.slot == 32


@pytest.mark.covers("LC-14")
def test_a_state_is_made_by_the_verifier_alone() -> None:
    """It cannot be constructed, replaced in a field, or pickled."""
    state = known()
    with pytest.raises(TypeError):
        LightClientState()  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        replace(state, finalized=NO_HEADER)
    with pytest.raises(TypeError):
        pickle.dumps(state)
    assert copy.deepcopy(state) is state


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
