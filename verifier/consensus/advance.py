"""From one state of a light client to the next, by an update of any kind: check everything, then make a new state.

Stricter than the specification in what follows from a valid update: two thirds of the committee must have signed,
always; nothing is ever forced; and two final headers that contradict each other stop the client instead of being chosen
from.

Source: consensus specification, altair/light-client/sync-protocol.md (apply_light_client_update).
"""

from __future__ import annotations

from verifier.consensus.committee import two_thirds
from verifier.consensus.containers import NO_HEADER, LightClientHeader, Update, encode_update
from verifier.consensus.descent import final_of
from verifier.consensus.light_client import LightClientState, require_recent
from verifier.consensus.store import applied, finalizes
from verifier.consensus.validate import View, other_committee, validate_update
from verifier.errors import Misbehaviour, NothingNew
from verifier.primitives import Timestamp
from verifier.proven import mint


def advance(state: LightClientState, update: Update, now: Timestamp) -> LightClientState:
    """
    Establish the state after an update.

    Args:
        update: Untrusted, of any kind.
        now: The checker's clock. A state older than the weak subjectivity period at that time leads nowhere.

    Returns:
        A new state; the old one is untouched, whatever happens.

    Raises:
        CheckpointTooOld: The state itself is too old to go on from.
        TooFewSigners: Fewer than two thirds signed.
        Unsupported: A slot is in a fork that is unknown here.
        FromTheFuture, WrongOrder, WrongPeriod: The slots do not fit each other, the clock or the known committees.
        NothingNew: It moves neither header, and brings no unknown committee.
        NotFinal: A finalized header without a proof.
        Malformed, ProofError: A branch or the signature is wrong.
        Misbehaviour: It is valid, and contradicts what is known: do not go on.
    """
    require_recent(state, now)
    view = state.view
    validate_update(view, update, state.config.slot_at(now), two_thirds(state.current.size))
    _refuse_conflict(state, update)
    after = applied(view, update) if finalizes(view, update) else view
    finality = state.finality
    if update.has_finality and (after.finalized != view.finalized or _confirms_checkpoint(state, update)):
        finality = update.without_committee()
    newest, attestation = _attested(state, update, after)
    if after == view and newest == state.newest and finality == state.finality:
        where = state.where.at(node=f"update attested at slot {update.attested.slot}")
        raise NothingNew(where, "what it attests and finalizes", state.newest.slot, update.attested.slot)
    return mint(
        LightClientState,
        rests_on=state.rests_on,
        config=state.config,
        finalized=after.finalized,
        newest=newest,
        current=after.current,
        next=after.next,
        finality=finality,
        attestation=attestation,
    )


def _refuse_conflict(state: LightClientState, update: Update) -> None:
    """Called when the update is known to be valid, so that nobody can stop a client with a forgery."""
    known, other = state.finalized.beacon, update.finalized
    two_finals = other != NO_HEADER and other.slot == known.slot and other.beacon != known
    if not two_finals and not other_committee(state.view, update):
        return
    evidence = final_of(state).evidence
    roots = (known.root, other.beacon.root)
    if not two_finals and state.next is not None:
        roots = (state.next.members.root, update.next_committee.root)
    raise Misbehaviour(state.where, state.finalized.slot, *roots, evidence, encode_update(update))


def _confirms_checkpoint(state: LightClientState, update: Update) -> bool:
    """Whether an update finalizes the checkpoint's own header, which was the checker's word alone until now."""
    return state.finality is None and update.finalized.beacon == state.finalized.beacon


def _attested(state: LightClientState, update: Update, after: View) -> tuple[LightClientHeader, Update | None]:
    """The newest attested header and what attests it; once final, a header needs no attestation."""
    newest, attestation = state.newest, state.attestation
    if update.attested.slot > newest.slot:
        newest, attestation = update.attested, update.without_committee()
    if after.finalized.slot >= newest.slot:
        return after.finalized, None
    return newest, attestation
