"""From what a checker begins with to the anchor of a section: the light client run again over evidence.

A checker begins from a checkpoint of its own, or from a state that it kept (sealed, `consensus/sealed.py`). How old
either is counts where it leads on to something new. Where a kept state names the anchor itself nothing is led on from:
the checker recorded then that the header was final, and that does not spoil. So an old bundle is checked again from
one's own records, and old committees rewrite nothing for a checker who comes late.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from verifier.consensus.advance import advance
from verifier.consensus.bootstrap import start
from verifier.consensus.containers import Bootstrap, Update
from verifier.consensus.forks import ConsensusConfig
from verifier.consensus.light_client import LightClientState, attested_beacon, finalized_beacon
from verifier.consensus.parse import decode_bootstrap, decode_update
from verifier.consensus.shapes import Kind
from verifier.errors import Misbehaviour, NoTrustRoot, UnusedEvidence, VerifierError
from verifier.evidence import LightEvidence
from verifier.primitives import Hash32, Timestamp, to_hex
from verifier.proven import ProvenBeacon
from verifier.trust import ANCHOR_ORDER, Checkpoint

NO_LIGHT: Final = LightEvidence()


@dataclass(frozen=True, slots=True)
class Beginnings:
    """What a checker can begin a network's light client from; all of it the checker's own."""

    config: ConsensusConfig
    checkpoints: tuple[Checkpoint, ...]
    states: tuple[LightClientState, ...] = ()


@dataclass(frozen=True, slots=True)
class Reached:
    """A state that names the anchor, and the beacon header that settles it."""

    state: LightClientState
    beacon: ProvenBeacon


def reach(begin: Beginnings, light: LightEvidence, wanted: Hash32, now: Timestamp) -> Reached:
    """
    Establish that a light client settles an execution block.

    Args:
        light: Untrusted.
        wanted: The block's hash, computed from the header that is to be anchored.
        now: The checker's clock.

    Raises:
        NoTrustRoot: Nothing of the checker's leads to it: neither a checkpoint that the evidence begins at, nor a kept
            state.
        CheckpointTooOld: What it could begin from is older than the weak subjectivity period.
        Malformed, ProofError, PolicyError: The evidence does not hold.
    """
    failure: VerifierError | None = None
    for way in _ways(begin, light, wanted, now):
        try:
            return way()
        except Misbehaviour:
            raise
        except VerifierError as error:
            # Of several beginnings the strongest comes first, and so does what is wrong with it.
            failure = failure or error
    if failure is not None:
        raise failure
    raise NoTrustRoot(begin.config.where, wanted, len(begin.checkpoints) + len(begin.states))


def run_updates(state: LightClientState, updates: Sequence[bytes], now: Timestamp) -> Iterator[LightClientState]:
    """The state after each update that leads on from it; updates of periods that it has left are passed over."""
    for raw in updates:
        update = decode_update(state.config, None, raw)
        if state.config.period_of(update.attested.slot) >= state.next_period_wanted:
            state = advance(state, update, now)
            yield state


_Way = Callable[[], Reached]


def _ways(begin: Beginnings, light: LightEvidence, wanted: Hash32, now: Timestamp) -> list[_Way]:
    """
    Ways to the anchor, the strongest first: by how the checkpoint is believed; then what is recorded, then a kept state
    that leads on (the farthest first), then the checkpoint itself.
    """
    ways: list[tuple[int, int, int, _Way]] = []
    for state in begin.states:
        rank, far = ANCHOR_ORDER.index(state.rests_on.anchor), -state.finalized.slot
        ways.append((rank, 1, far, partial(_from_state, state, light, wanted, now)))
        for order, beacon in _recorded(state, wanted):
            ways.append((rank, 0, order, partial(Reached, state, beacon)))
    if light.bootstrap is not None:
        bootstrap = decode_bootstrap(begin.config, None, light.bootstrap)
        root = bootstrap.header.beacon.root
        for point in begin.checkpoints:
            if point.root == root:
                rank = ANCHOR_ORDER.index(point.anchor)
                ways.append((rank, 2, 0, partial(_from_checkpoint, point, bootstrap, begin, light, wanted, now)))
    return [way for *_, way in sorted(ways, key=lambda entry: entry[:3])]


def _recorded(state: LightClientState, wanted: Hash32) -> Iterator[tuple[int, ProvenBeacon]]:
    """What a kept state says of the block by itself: final before attested."""
    if state.finalized.execution_hash == wanted:
        yield 0, finalized_beacon(state)
    elif state.newest.execution_hash == wanted:
        yield 1, attested_beacon(state)


def _from_checkpoint(
    point: Checkpoint, bootstrap: Bootstrap, begin: Beginnings, light: LightEvidence, wanted: Hash32, now: Timestamp
) -> Reached:
    return _from_state(start(point, bootstrap, begin.config, now), light, wanted, now)


def _from_state(state: LightClientState, light: LightEvidence, wanted: Hash32, now: Timestamp) -> Reached:
    return _named(_run(state, light, now), light, wanted)


def _run(state: LightClientState, light: LightEvidence, now: Timestamp) -> LightClientState:
    for later in run_updates(state, light.updates, now):
        state = later
    for raw, kind in ((light.final, Kind.FINALITY), (light.attested, Kind.OPTIMISTIC)):
        if raw is not None:
            update = decode_update(state.config, None, raw, kind)
            state = state if _is_known(state, update) else advance(state, update, now)
    return state


def _is_known(state: LightClientState, update: Update) -> bool:
    """Whether the state is as far as the update would take it."""
    if update.has_finality:
        return update.finalized == state.finalized
    return update.attested == state.newest


def _named(state: LightClientState, light: LightEvidence, wanted: Hash32) -> Reached:
    if state.finalized.execution_hash == wanted:
        if light.attested is not None:
            raise UnusedEvidence(state.where, "attestations of a final header", 1, to_hex(light.attested[:32]))
        return Reached(state, finalized_beacon(state))
    if state.newest.execution_hash == wanted:
        return Reached(state, attested_beacon(state))
    raise NoTrustRoot(state.where, wanted, 1)
