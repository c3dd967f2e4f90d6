"""Which block is the one of the as-of time T, shown by headers alone.

    ... ── B ──────── S ── … ── anchor            time ──▶
             ▲
             T        B.timestamp ≤ T < S.timestamp, B the parent of S by hash, S the anchor or its ancestor: EXACT

    ... ── anchor
                ▲
                T     the anchor is not after T: HEAD, and T may lie ahead of it by no more than the policy allows

S must be reached from the anchor. Anyone can forge a child of an old block; a successor that no anchor reaches shows
nothing.

Source: the project's paper on trust, section 4.
"""

from __future__ import annotations

from collections.abc import Sequence

from verifier.crypto.keccak import keccak256
from verifier.errors import FromTheFuture, TooOld, UnusedEvidence, WrongMoment
from verifier.evidence import HeaderStep, Link
from verifier.headers.ancestry import verify_history, verify_parent
from verifier.policy import Policy
from verifier.primitives import Hash32, Timestamp, to_hex
from verifier.proven import Moment, ProvenHeader
from verifier.trie.table import NodeTable


def verify_snapshot(
    anchor: ProvenHeader,
    steps: Sequence[HeaderStep],
    nodes: NodeTable,
    used: set[Hash32],
    *,
    as_of: Timestamp,
    now: Timestamp,
    policy: Policy,
) -> tuple[ProvenHeader, Moment]:
    """
    Establish the header of the as-of time, and whether it is the last one not after it or merely the newest anchored.

    Args:
        steps: Untrusted; from the anchor back in time. Empty where the anchor is not after `as_of`.
        nodes: Untrusted; for steps by the history contract.
        used: Gets the hashes of the nodes that were followed.
        now: The checker's clock.

    Raises:
        FromTheFuture: The anchor is ahead of the checker's clock.
        TooOld: The anchor lies further before `as_of` than the policy allows.
        UnusedEvidence: Steps where none are needed.
        WrongMoment: The steps end elsewhere than at the last block not after `as_of`, or do not show that they do.
        Malformed, ProofError, Unsupported: A step does not lead to the header that it brings.
    """
    if anchor.timestamp > now + policy.max_clock_error:
        raise FromTheFuture(anchor.where, "the time of the anchored block", now, anchor.timestamp)
    if anchor.timestamp <= as_of:
        return _head(anchor, steps, as_of, policy), Moment.HEAD
    return _exact(anchor, steps, nodes, used, as_of), Moment.EXACT


def _head(anchor: ProvenHeader, steps: Sequence[HeaderStep], as_of: Timestamp, policy: Policy) -> ProvenHeader:
    if steps:
        first = to_hex(keccak256(steps[0].header))
        raise UnusedEvidence(anchor.where, "header steps from an anchor that is not after T", len(steps), first)
    lag = as_of - anchor.timestamp
    if lag > policy.max_head_lag:
        raise TooOld(anchor.where, "the time from the newest anchored block to T", policy.max_head_lag, lag)
    return anchor


def _exact(
    anchor: ProvenHeader, steps: Sequence[HeaderStep], nodes: NodeTable, used: set[Hash32], as_of: Timestamp
) -> ProvenHeader:
    if not steps:
        raise WrongMoment(anchor.where, "the anchor is after T and no step leads back", f"≤ {as_of}", anchor.timestamp)
    if steps[-1].link is not Link.PARENT:
        raise WrongMoment(anchor.where, "the last step back", Link.PARENT.value, steps[-1].link.value)
    header = anchor
    for step in steps:
        if header.timestamp <= as_of:
            raise WrongMoment(header.where, "steps go on behind a block not after T", f"> {as_of}", header.timestamp)
        by_parent = step.link is Link.PARENT
        header = verify_parent(header, step.header) if by_parent else verify_history(header, step.header, nodes, used)
    if header.timestamp > as_of:
        raise WrongMoment(header.where, "the steps end at a block after T", f"≤ {as_of}", header.timestamp)
    return header
