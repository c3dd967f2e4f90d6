"""The checks of an update, each of the specification's in its order. Nothing is changed here, and nothing is returned.

What an update is held against is a `View`: a finalized header, its committee, and the next one where it is known. Both
the product's client and the store of the specification's vectors look through it; they differ in how many must have
signed, and in what follows.

Source: consensus specification, altair/light-client/sync-protocol.md (validate_light_client_update), with the
headers and indices of capella, deneb, electra and gloas.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from verifier.consensus.committee import Committee
from verifier.consensus.containers import NO_HEADER, LightClientHeader, Update, no_committee
from verifier.consensus.forks import ConsensusConfig
from verifier.errors import (
    FromTheFuture,
    NotFinal,
    NothingNew,
    TooFewSigners,
    Where,
    WrongBinding,
    WrongOrder,
    WrongPeriod,
)
from verifier.primitives import ZERO_HASH, Hash32
from verifier.trie.binary import verify_normalized


@dataclass(frozen=True, slots=True)
class View:
    """What is known when an update comes in."""

    config: ConsensusConfig
    finalized: LightClientHeader
    current: Committee
    next: Committee | None

    @property
    def period(self) -> int:
        """The period of the finalized header, which is that of the current committee."""
        return self.config.period_of(self.finalized.slot)


def validate_update(view: View, update: Update, current_slot: int, least: int) -> None:
    """
    Establish everything that an update says, up to the signature; what follows from it is the caller's.

    A next committee that differs from the known one of its period is not refused here: with a good signature over it,
    it is evidence of misbehaviour (`other_committee`), and that can only be told at the end.

    Args:
        update: Untrusted.
        current_slot: By the checker's clock.
        least: How many members must have signed.

    Raises:
        TooFewSigners, Unsupported, FromTheFuture, WrongOrder, WrongPeriod, NothingNew, NotFinal: See each.
        ProofError: A branch leads elsewhere, or the signature is not the committee's.
        Malformed: A branch has surplus entries that are not zero, or a point is none.
    """
    where = view.config.where.at(node=f"update attested at slot {update.attested.slot}")
    _check_signers(view, update, least, where)
    verify_header(update.attested, view.config, where)
    _check_order(update, current_slot, where)
    _check_period(view, update, where)
    _check_relevant(view, update, where)
    verify_finality(view.config, update, where)
    _verify_committee(view, update, where)
    verify_signature(view, update, where)


def verify_header(header: LightClientHeader, config: ConsensusConfig, where: Where) -> None:
    """
    Establish that the execution block hash of a header is in its body, at the index of its own slot.

    Raises:
        Unsupported: The fork of its slot is unknown here.
        WrongBinding: A block hash where there is none yet, before Capella.
        WrongHash, MalformedBranch: The branch does not lead from the hash to the body root.
    """
    index = config.indices_of(header.slot).execution
    if index is None:
        if header.execution_hash != ZERO_HASH or header.execution_branch != NO_HEADER.execution_branch:
            raise WrongBinding(where, "the execution block of a header before Capella", "none", header.execution_hash)
        return
    what = f"the execution block hash in the body at slot {header.slot}"
    verify_normalized(header.execution_hash, header.execution_branch, index, header.beacon.body_root, where, what)


def verify_finality(config: ConsensusConfig, update: Update, where: Where) -> None:
    """
    Establish that the finalized header, if there is one, is the one that the attested state calls final.

    Without a branch there must be none; while nothing but genesis is final, a state names the zero root.

    Raises:
        NotFinal: A header without a branch, or one that stands for genesis and is not zero.
        WrongHash, MalformedBranch, Unsupported: See `verify_header`.
    """
    if not update.has_finality:
        if update.finalized != NO_HEADER:
            raise NotFinal(where, f"the header at slot {update.finalized.slot} comes without a finality branch")
        return
    leaf = ZERO_HASH
    if update.finalized.slot != 0:
        verify_header(update.finalized, config, where)
        leaf = update.finalized.beacon.root
    elif update.finalized != NO_HEADER:
        raise NotFinal(where, "a header at slot 0, where the zero header stands for genesis")
    index = config.indices_of(update.attested.slot).finalized
    state_root = update.attested.beacon.state_root
    verify_normalized(leaf, update.finality_branch, index, state_root, where, "the finalized root in the state")


def verify_signature(view: View, update: Update, where: Where) -> None:
    """Establish that the committee of the signature's period signed the attested header, in its domain."""
    in_period = view.config.period_of(update.signature_slot) == view.period
    committee = view.current if in_period else view.next
    if committee is None:  # the period was checked before; this keeps the order a matter of types
        raise WrongPeriod(where, "the signature", f"period {view.period}", view.period + 1)
    committee.verify(update.bits, signing_root(view.config, update), update.signature, where)


def signing_root(config: ConsensusConfig, update: Update) -> Hash32:
    """What the members signed: the attested header's root in the domain of the fork before the signature's slot."""
    domain = config.signing_domain(update.signature_slot)
    return Hash32(hashlib.sha256(update.attested.beacon.root + domain).digest())


def other_committee(view: View, update: Update) -> bool:
    """Whether an update names another next committee for a period whose next committee is known."""
    return (
        update.has_committee
        and view.next is not None
        and view.config.period_of(update.attested.slot) == view.period
        and update.next_committee != view.next.members
    )


def brings_committee(view: View, update: Update) -> bool:
    """Whether an update brings the next committee of the view's period, which is not known yet."""
    same = view.config.period_of(update.attested.slot) == view.period
    return view.next is None and update.has_committee and same


def _check_signers(view: View, update: Update, least: int, where: Where) -> None:
    if len(update.bits) != view.current.size:
        raise WrongBinding(where, "the size of the committee", view.current.size, len(update.bits))
    if update.signers < max(1, least):
        raise TooFewSigners(where, max(1, least), update.signers, view.current.size)


def _check_order(update: Update, current_slot: int, where: Where) -> None:
    """The clock, then signature, attested and finalized slot, each before the one before it."""
    if update.signature_slot > current_slot:
        raise FromTheFuture(where, "the slot of the signature", current_slot, update.signature_slot)
    if not update.signature_slot > update.attested.slot:
        raise WrongOrder(where, "the attested header", f"before slot {update.signature_slot}", update.attested.slot)
    if not update.attested.slot >= update.finalized.slot:
        limit = f"not after slot {update.attested.slot}"
        raise WrongOrder(where, "the finalized header", limit, update.finalized.slot)


def _check_period(view: View, update: Update, where: Where) -> None:
    period, signed = view.period, view.config.period_of(update.signature_slot)
    if signed == period or (signed == period + 1 and view.next is not None):
        return
    if signed < period:  # out of date, as of an endpoint that lags: no sign of anything worse
        raise NothingNew(where, "the signature", view.finalized.slot, update.signature_slot)
    known = f"period {period}" if view.next is None else f"period {period} or {period + 1}"
    raise WrongPeriod(where, "the period of the signature", known, signed)


def _check_relevant(view: View, update: Update, where: Where) -> None:
    if update.attested.slot <= view.finalized.slot and not brings_committee(view, update):
        raise NothingNew(where, "the attested header", view.finalized.slot, update.attested.slot)


def _verify_committee(view: View, update: Update, where: Where) -> None:
    if not update.has_committee and update.next_committee == no_committee(len(update.bits)):
        return
    index = view.config.indices_of(update.attested.slot).next
    root, state_root = update.next_committee.root, update.attested.beacon.state_root
    verify_normalized(root, update.next_branch, index, state_root, where, "the next sync committee in the state")
