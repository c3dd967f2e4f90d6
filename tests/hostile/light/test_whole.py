"""All or nothing: whatever check fails, the state is the one from before, and only the verifier makes another."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.hostile.light.clients import FULU, begun, known, refused
from verifier.consensus.advance import advance
from verifier.consensus.containers import NO_HEADER, Update
from verifier.consensus.light_client import LightClientState
from verifier.errors import VerifierError, WrongHash, WrongSignature
from verifier.primitives import ZERO_HASH, Hash32


def attested(update: Update, **changed: int | Hash32) -> Update:
    """An update whose attested beacon header differs in a field."""
    return replace(update, attested=replace(update.attested, beacon=replace(update.attested.beacon, **changed)))


def finalized(update: Update, **changed: int | Hash32) -> Update:
    """An update whose finalized beacon header differs in a field."""
    return replace(update, finalized=replace(update.finalized, beacon=replace(update.finalized.beacon, **changed)))


def disordered(update: Update) -> Update:
    """An update whose next committee stands in another order."""
    return replace(update, next_committee=replace(update.next_committee, pubkeys=update.next_committee.pubkeys[::-1]))


LIES: dict[str, tuple[type[VerifierError], Callable[[Update], Update]]] = {
    "attested slot": (WrongSignature, lambda u: attested(u, slot=49)),
    "proposer": (WrongSignature, lambda u: attested(u, proposer_index=99)),
    "parent": (WrongSignature, lambda u: attested(u, parent_root=ZERO_HASH)),
    "state": (WrongHash, lambda u: attested(u, state_root=ZERO_HASH)),
    "body": (WrongHash, lambda u: attested(u, body_root=ZERO_HASH)),
    "finalized slot": (WrongHash, lambda u: finalized(u, slot=31)),
    "finalized proposer": (WrongHash, lambda u: finalized(u, proposer_index=99)),
    "finality branch": (WrongHash, lambda u: replace(u, finality_branch=(*u.finality_branch[:-1], b"\x01" * 32))),
    "committee order": (WrongHash, disordered),
    "committee branch": (WrongHash, lambda u: replace(u, next_branch=(*u.next_branch[:-1], b"\x01" * 32))),
    "signature": (WrongSignature, lambda u: replace(u, signature=FULU.update(52, 32).signature)),
    "bits": (WrongSignature, lambda u: replace(u, bits=(*u.bits[:-1], False))),
}


@pytest.mark.covers("LC-14")
@pytest.mark.parametrize("lie", LIES)
def test_every_lie_leaves_the_whole_state_as_it_was(lie: str) -> None:
    """Whatever check fails, and however late: the state is a value that the good update then moves."""
    state = begun()
    good = FULU.update(50, 32)
    error, change = LIES[lie]
    refused(error, change(good), state)
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
