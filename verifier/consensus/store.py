"""What follows from a valid update as the specification has it: the store, its maxima, and which update is better.

The specification's client keeps moving at any price: below two thirds it remembers the best update, and after a period
without finality a forced update takes an attested header for a final one. `Store` does exactly that, so that the
specification's vectors can be run over our checks. **The product never forces anything**: its client (`advance`)
shares the checks and `applied`, asks for two thirds from the start, and stays where it is when finality stalls.

Source: consensus specification, altair/light-client/sync-protocol.md (apply_, process_, is_better_update).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from verifier.consensus.committee import Committee
from verifier.consensus.containers import Bootstrap, LightClientHeader, Update
from verifier.consensus.forks import ConsensusConfig
from verifier.consensus.validate import View, other_committee, validate_update, verify_header
from verifier.crypto.bls import Scheme
from verifier.errors import WrongBinding, WrongHash, WrongPeriod
from verifier.primitives import Hash32
from verifier.trie.binary import verify_normalized


def applied(view: View, update: Update) -> View:
    """
    The view after an update that finalizes something: committees first, then the header.

    Raises:
        WrongPeriod: The next committee is unknown, and the finalized header is of another period.
    """
    config = view.config
    finalized_period = config.period_of(update.finalized.slot)
    brought = Committee(update.next_committee, view.current.scheme) if update.has_committee else None
    current, following = view.current, view.next
    if following is None:
        if finalized_period != view.period:
            raise WrongPeriod(config.where, "the finalized header", f"period {view.period}", finalized_period)
        following = brought
    elif finalized_period == view.period + 1:
        current, following = following, brought
    newer = update.finalized.slot > view.finalized.slot
    return View(config, update.finalized if newer else view.finalized, current, following)


def finalizes(view: View, update: Update) -> bool:
    """Whether a valid update moves the finalized header, or proves an unknown next committee in a final state."""
    if update.finalized.slot > view.finalized.slot:
        return True
    period = view.config.period_of
    same = period(update.finalized.slot) == period(update.attested.slot)
    return view.next is None and update.has_committee and update.has_finality and same


def is_better(new: Update, old: Update, config: ConsensusConfig) -> bool:
    """Whether `new` is the better update of two of one period."""
    return _rank(new, config) > _rank(old, config)


def _rank(update: Update, config: ConsensusConfig) -> tuple[int, ...]:
    """What updates are compared by, in order; higher is better."""
    period = config.period_of
    signers = update.signers
    enough = 3 * signers >= 2 * len(update.bits)
    relevant = update.has_committee and period(update.attested.slot) == period(update.signature_slot)
    final_inside = update.has_finality and period(update.finalized.slot) == period(update.attested.slot)
    return (
        enough,
        0 if enough else signers,
        relevant,
        update.has_finality,
        final_inside,
        signers,
        -update.attested.slot,
        -update.signature_slot,
    )


@dataclass(frozen=True, slots=True)
class Store:
    """
    The specification's store, as a value.

    Attributes:
        best: The best valid update since the last one that was applied.
        newest: The optimistic header.
        previous_most, current_most: Most participants seen in the period before and in this one.
    """

    view: View
    best: Update | None
    newest: LightClientHeader
    previous_most: int = 0
    current_most: int = 0

    def process(self, update: Update, current_slot: int) -> Store:
        """The store after an update. Raises as `validate_update`, with one participant as the least."""
        validate_update(self.view, update, current_slot, least=1)
        if other_committee(self.view, update):
            raise WrongBinding(self.view.config.where, "the next committee", "the one that is known", "another")
        config = self.view.config
        best = update if self.best is None or is_better(update, self.best, config) else self.best
        store = replace(self, best=best, current_most=max(self.current_most, update.signers))
        threshold = max(store.previous_most, store.current_most) // 2
        if update.signers > threshold and update.attested.slot > store.newest.slot:
            store = replace(store, newest=update.attested)
        if 3 * update.signers >= 2 * len(update.bits) and finalizes(self.view, update):
            store = replace(store.apply(update), best=None)
        return store

    def force(self, current_slot: int) -> Store:
        """The store after its time-out, if it is due and there is anything to force."""
        config = self.view.config
        if self.best is None or current_slot <= self.view.finalized.slot + config.preset.slots_per_period:
            return self
        update = self.best
        if update.finalized.slot <= self.view.finalized.slot:
            update = replace(update, finalized=update.attested)
        return replace(self.apply(update), best=None)

    def apply(self, update: Update) -> Store:
        """The store after an update counts as final."""
        view = applied(self.view, update)
        store = replace(self, view=view)
        if view.period == self.view.period + 1 and self.view.next is not None:
            store = replace(store, previous_most=self.current_most, current_most=0)
        newest = view.finalized if view.finalized.slot > self.newest.slot else self.newest
        return replace(store, newest=newest)


def new_store(root: Hash32, bootstrap: Bootstrap, config: ConsensusConfig, scheme: Scheme) -> Store:
    """A store for a trusted block root. Raises as `verify_header`, and WrongHash."""
    header, where = bootstrap.header, config.where
    verify_header(header, config, where)
    if header.beacon.root != root:
        raise WrongHash(where, "the header of the trusted block", root, header.beacon.root)
    index = config.indices_of(header.slot).current
    leaf, state_root = bootstrap.committee.root, header.beacon.state_root
    verify_normalized(leaf, bootstrap.branch, index, state_root, where, "the current sync committee in the state")
    return Store(View(config, header, Committee(bootstrap.committee, scheme), None), None, header)
