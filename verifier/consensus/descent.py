"""Whether one final header descends from another: two final headers of different slots contradict each other otherwise.

A light client that goes from one final header to the next never looks at the blocks between, so a committee that signs
two branches shows only where both finalize one slot. The headers between, each the parent of the one before, show it
for any two slots: the newer branch either holds the older header in its slot, or passes it by.

Source: consensus specification, phase0/fork-choice.md (get_ancestor).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from verifier.consensus.containers import BeaconHeader, Update, encode_header, encode_update
from verifier.consensus.light_client import LightClientState
from verifier.errors import BrokenAncestry, Misbehaviour, Where, WrongHash


@dataclass(frozen=True, slots=True)
class FinalHeader:
    """A header that was found to be final, and what showed it: the SSZ of an update, or of the checkpoint's header."""

    header: BeaconHeader
    evidence: bytes


def final_of(state: LightClientState) -> FinalHeader:
    """The finalized header of a client."""
    shown = encode_header(state.finalized) if state.finality is None else encode_update(state.finality)
    return FinalHeader(state.finalized.beacon, shown)


def final_in(update: Update) -> FinalHeader:
    """The header that an update finalizes; the update is known to be valid."""
    return FinalHeader(update.finalized.beacon, encode_update(update.without_committee()))


def descends(newer: FinalHeader, older: FinalHeader, links: Sequence[BeaconHeader], where: Where) -> bool:
    """
    Hold two final headers against each other.

    Args:
        links: Untrusted: headers from the parent of `newer` down.

    Returns:
        Whether `newer` was shown to descend from `older`; False where the links end above it, and nothing was shown.

    Raises:
        WrongHash, BrokenAncestry: The links are none.
        Misbehaviour: It does not descend from it: both were signed, and only one of them can be true.
    """
    at = newer.header
    for link in links:
        if at.slot <= older.header.slot:
            break
        if link.root != at.parent_root:
            raise WrongHash(where, "a parent header", at.parent_root, link.root)
        if not link.slot < at.slot:
            raise BrokenAncestry(where, "the slot of a parent", f"below {at.slot}", link.slot)
        at = link
    if at.slot > older.header.slot:
        return False
    if at != older.header:
        raise contradiction(older, newer, at.root, where)
    return True


def contradiction(known: FinalHeader, other: FinalHeader, instead: bytes, where: Where) -> Misbehaviour:
    """
    Two final headers on two branches, as an error that keeps what shows them.

    Args:
        instead: The block of the branch of `other` that stands in the place of `known`: its root or hash.
    """
    roots = (known.header.root, other.header.root)
    return Misbehaviour(where, known.header.slot, *roots, known.evidence, other.evidence, instead)
