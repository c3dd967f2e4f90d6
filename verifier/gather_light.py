"""Following a beacon chain: what to ask for, and the state and evidence that each answer leads to.

The light client goes on in pages, so that whoever drives it can keep what it has after each: a kill loses a page. An
answer is proven as it comes; an endpoint whose page does not hold is left for the next one. What has been accepted
stays beside the state as evidence, so that a bundle can show a checker with the same checkpoint the whole way.

A client for a moment of the past is stopped at the first final header after it (`stopped_after`): from there the way
back is the shortest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from verifier.consensus.advance import advance
from verifier.consensus.bootstrap import start
from verifier.consensus.containers import BeaconHeader, Bootstrap, Update, encode_bootstrap, encode_update
from verifier.consensus.descent import FinalHeader, contradiction, descends, final_in, final_of
from verifier.consensus.forks import ConsensusConfig
from verifier.consensus.light_client import LightClientState
from verifier.consensus.parse import MAX_UPDATES, decode_bootstrap, decode_update
from verifier.consensus.questions import AskBeaconHeader, AskBootstrap, AskUpdates
from verifier.consensus.replay import run_updates
from verifier.consensus.shapes import Kind
from verifier.errors import (
    BrokenAncestry,
    CheckpointTooOld,
    FromTheFuture,
    Misbehaviour,
    NothingNew,
    Where,
    WrongChain,
    WrongHash,
    WrongPeriod,
)
from verifier.evidence import LightEvidence
from verifier.flow import AskHeader, Flow, Unanswered, ask
from verifier.gather_moment import find_ancestor
from verifier.headers.decode import decode_header
from verifier.primitives import ZERO_HASH, BlockNumber, Hash32, Timestamp
from verifier.proven import ProvenHeader
from verifier.trust import Checkpoint

MAX_LINKS: Final = 64
"""Slots over which final headers are held against each other one header after another: two epochs of mainnet."""
KEPT_PERIODS: Final = 64
"""Updates beyond so many are of use to nobody: every checkpoint they could begin from is too old."""


@dataclass(frozen=True, slots=True)
class Followed:
    """A light client under way: its state, and the evidence that leads to it."""

    state: LightClientState
    evidence: LightEvidence


def begin(checkpoint: Checkpoint, config: ConsensusConfig, now: Timestamp) -> Flow[Followed]:
    """
    A light client at its checkpoint.

    Raises:
        WrongChain: It is of another network; nobody is asked.
        CheckpointTooOld: It begins nothing any more.
        Unanswered: No endpoint has an honest bootstrap for it.
    """
    if checkpoint.chain_id != config.chain_id:
        raise WrongChain(config.where, "the chain of the checkpoint", config.chain_id, checkpoint.chain_id)
    made: dict[str, LightClientState] = {}

    def judge(bootstrap: Bootstrap) -> None:
        try:
            made["state"] = start(checkpoint, bootstrap, config, now)
        except CheckpointTooOld as error:
            made.clear()
            too_old.append(error)  # true, and not the endpoint's fault

    too_old: list[CheckpointTooOld] = []
    question = AskBootstrap(chain_id=config.chain_id, root=checkpoint.root, judge=judge)
    bootstrap = yield from ask(question)
    if too_old:
        raise too_old[0]
    return Followed(made["state"], LightEvidence(encode_bootstrap(bootstrap)))


def next_page(held: Followed, now: Timestamp) -> Flow[Followed | None]:
    """
    The client after the next page of updates; None where it knows the committees of the present.

    Raises:
        Unanswered: No endpoint had an honest update for a period that is over.
        Misbehaviour: One of them is valid, and contradicts what is known.
    """
    config, wanted = held.state.config, held.state.next_period_wanted
    present = config.period_of(config.slot_at(now))
    most = min(MAX_UPDATES, present - wanted + 1)
    if most < 1:
        return None
    failure: Unanswered | None = None
    # A node that has no update for the last period yet may refuse the whole range.
    for count in dict.fromkeys((most, most - 1, most // 2, 1)):
        if count < 1:
            continue
        try:
            found = yield from _page(held, wanted, count, now)
        except Unanswered as error:
            if error.lied:
                raise
            failure = failure or error
            continue
        return found if found.state.next_period_wanted > wanted else None
    if wanted < present and failure is not None:
        raise failure
    return None


def _page(held: Followed, wanted: int, count: int, now: Timestamp) -> Flow[Followed]:
    made: dict[str, Followed] = {}
    stopped: list[Misbehaviour] = []
    present = held.state.config.period_of(held.state.config.slot_at(now))

    def judge(updates: tuple[Update, ...]) -> None:
        after = held
        for i, update in enumerate(updates):
            period = held.state.config.period_of(update.attested.slot)
            if period != wanted + i:
                raise WrongPeriod(held.state.where, "the period of an update", str(wanted + i), period)
            try:
                after = accept_update(after, update, now)
            except NothingNew:
                break  # of the present period, and not more than is known: true, and no help
            except FromTheFuture:
                if period < present:
                    raise
                break  # signed since this run looked at its clock: it will be there next time
            except Misbehaviour as error:
                stopped.append(error)  # true, and no lie of the endpoint's: whoever else is asked, it has been signed
                break
        made["after"] = after

    yield from ask(AskUpdates(chain_id=held.state.config.chain_id, start=wanted, count=count, judge=judge))
    if stopped:
        raise stopped[0]
    return made["after"]


def accept_update(held: Followed, update: Update, now: Timestamp) -> Followed:
    """The client after one update with the committee of a period. Raises as `advance`."""
    state = advance(held.state, update, now)
    old = held.evidence
    updates = (*old.updates, encode_update(update, Kind.UPDATE))
    final = old.final if state.finalized == held.state.finalized else None
    if len(updates) > KEPT_PERIODS:
        return Followed(state, LightEvidence(None, updates[-KEPT_PERIODS:], final))
    return Followed(state, LightEvidence(old.bootstrap, updates, final))


def accept_finality(held: Followed, update: Update, now: Timestamp) -> Followed:
    """The client after a finality update, or as it was where that finalizes nothing newer. Raises as `advance`."""
    if update.has_finality and update.finalized == held.state.finalized:
        return held
    try:
        state = advance(held.state, update.without_committee(), now)
    except NothingNew:
        return held
    if state.finalized == held.state.finalized:
        return held
    final = encode_update(update.without_committee(), Kind.FINALITY)
    return Followed(state, replace(held.evidence, final=final))


def accept_attested(held: Followed, update: Update, now: Timestamp) -> Followed:
    """The client after an optimistic update; its evidence then speaks of the attested header. Raises as `advance`."""
    state = advance(held.state, update, now)
    return Followed(state, replace(held.evidence, attested=encode_update(update, Kind.OPTIMISTIC)))


def hold_apart(newer: FinalHeader, others: Sequence[FinalHeader], config: ConsensusConfig) -> Flow[None]:
    """
    Hold a final header against others that are at most `MAX_LINKS` slots older, by the headers between.

    Where no endpoint serves those headers nothing is shown: whoever withholds them delays this, and no more.

    Raises:
        Misbehaviour: One of them is on another branch.
    """
    near = [other for other in others if 0 < newer.header.slot - other.header.slot <= MAX_LINKS]
    if not near:
        return
    lowest, links, at = min(other.header.slot for other in near), list[BeaconHeader](), newer.header
    while at.slot > lowest:
        try:
            at = yield from ask(_parent_of(at, config))
        except Unanswered:
            break
        links.append(at)
    for other in near:
        descends(newer, other, links, config.where.at(node=f"below the final header at slot {newer.header.slot}"))


def _parent_of(header: BeaconHeader, config: ConsensusConfig) -> AskBeaconHeader:
    where = config.where.at(node=f"the parent of slot {header.slot}")

    def judge(parent: BeaconHeader) -> None:
        if parent.root != header.parent_root:
            raise WrongHash(where, "the header", header.parent_root, parent.root)
        if not parent.slot < header.slot:
            raise BrokenAncestry(where, "the slot of a parent", f"below {header.slot}", parent.slot)

    return AskBeaconHeader(chain_id=config.chain_id, root=header.parent_root, judge=judge)


@dataclass(frozen=True, slots=True)
class Settled:
    """A final header, and the execution block that it settles."""

    final: FinalHeader
    block: Hash32


def finals_since(began: LightClientState, held: Followed) -> tuple[Settled, ...]:
    """
    The final headers over which a client went on from a state: that state's own, and those of the updates since.

    Those before Capella settle no execution block, and are left out. The newest is where the client stands, and so is
    not among them.
    """
    found = {began.finalized.slot: Settled(final_of(began), began.finalized.execution_hash)}
    for raw in held.evidence.updates:
        update = decode_update(held.state.config, None, raw)
        if began.finalized.slot < update.finalized.slot < held.state.finalized.slot:
            found[update.finalized.slot] = Settled(final_in(update), update.finalized.execution_hash)
    return tuple(found[slot] for slot in sorted(found) if found[slot].block != ZERO_HASH)


def hold_apart_by_history(newer: FinalHeader, anchor: ProvenHeader, others: Sequence[Settled]) -> Flow[None]:
    """
    The same for final headers that are far apart, by the execution chain: the newer block's history names the older.

    From the newest to the oldest in one way down, hop after hop, so that each older final block costs about one hop
    however far it is. A hop is asked of the state of the block before it: who keeps no state so old ends the way there.

    Args:
        anchor: The execution header that `newer` settles.

    Raises:
        Unanswered: No endpoint had a header or proof that the way needs; the blocks above were in their places.
        Misbehaviour: Another block is in the place of one of them.
    """
    at = anchor
    for other in sorted(others, key=lambda settled: settled.final.header.slot, reverse=True):
        number = yield from _number_of(other.block, anchor)
        if number < at.number:
            at = yield from find_ancestor(at, number)
        if at.hash != other.block:
            raise contradiction(other.final, newer, at.hash, anchor.where)


def _number_of(block: Hash32, anchor: ProvenHeader) -> Flow[BlockNumber]:
    """The number of a block on the network of an anchor; its header must have the hash."""
    where, family = anchor.where, anchor.network.family
    raw = yield from ask(
        AskHeader(
            chain_id=anchor.network.chain_id,
            block=block,
            judge=lambda rlp: _named(decode_header(rlp, family, where).hash, block, where),
        )
    )
    return decode_header(raw, family, where).number


def _named(found: Hash32, block: Hash32, where: Where) -> None:
    if found != block:
        raise WrongHash(where, "the block that a final header settles", block, found)


def stopped_after(held: Followed, moment: Timestamp, now: Timestamp) -> Followed | None:
    """
    The same client stopped at its first final header after a moment; None where it has none so early.

    Raises:
        CheckpointTooOld: The checkpoint that it began from is by now too old to begin from again.
    """
    config, evidence = held.state.config, held.evidence
    if evidence.bootstrap is None:
        return None
    state = start(held.state.rests_on, decode_bootstrap(config, None, evidence.bootstrap), config, now)
    if config.time_of(state.finalized.slot) > moment:
        return Followed(state, LightEvidence(evidence.bootstrap))
    for i, raw in enumerate(evidence.updates):
        for after in run_updates(state, (raw,), now):
            state = after
        if config.time_of(state.finalized.slot) > moment:
            return Followed(state, LightEvidence(evidence.bootstrap, evidence.updates[: i + 1]))
    return None
