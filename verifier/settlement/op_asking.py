"""Asking for OP Stack roots: which games there are (hints), and which of them is wanted.

Of the games that the factory tells of, the oldest whose block lies after the as-of time and that can be settled is
wanted, so that the block of that time can be shown exactly; where none is settled yet, the newest that is.
"""

from __future__ import annotations

from typing import Final

from verifier.errors import MissingNode, NotThere, VerifierError
from verifier.flow import Flow, Unanswered, ask_all
from verifier.network import Network
from verifier.policy import Policy
from verifier.primitives import Timestamp
from verifier.proven import ProvenHeader
from verifier.settlement import op_fault
from verifier.settlement.collect import Settled, first_that_stands
from verifier.settlement.op_candidates import candidate_of
from verifier.settlement.op_told import COUNT, PAGE, RESPECTED, Place, Told, page_of, place_of
from verifier.trust import Settlement

MAX_PAGES: Final = 24
MAX_TRIED: Final = 8


def gather_registry(network: Network, at: ProvenHeader, as_of: Timestamp, policy: Policy) -> Flow[Settled]:
    """Evidence for a game under the registry's rules. Raises Unanswered or VerifierError where none stands."""
    return (yield from _gather(place_of(network, at), "registry", as_of, policy))


def gather_portal(network: Network, at: ProvenHeader, as_of: Timestamp, policy: Policy) -> Flow[Settled]:
    """Evidence for a game under the rules of the older generation's portal."""
    return (yield from _gather(place_of(network, at), "portal", as_of, policy))


def _gather(place: Place, judge: str, as_of: Timestamp, policy: Policy) -> Flow[Settled]:
    verify = op_fault.verify if judge == "registry" else op_fault.verify_portal
    judged = judge == "registry" and (place.at.network.chain_id, place.contract(judge)) in policy.accept_contracts
    games = yield from _told_games(place, judge, as_of)
    settled_by = place.at.timestamp - place.settled.delay
    hint: VerifierError | Unanswered | None = None
    reason: VerifierError | Unanswered | None = None

    def first(some: list[Told], *, exact: bool, posted: bool = False) -> Flow[Settled]:
        flows = (candidate_of(place, game, judged=judged, posted=posted) for game in some[:MAX_TRIED])
        return (
            yield from first_that_stands(
                place.network, place.at, policy, flows, verify, lambda header: not exact or header.timestamp > as_of
            )
        )

    after = [game for game in reversed(games) if as_of < game.record.created < settled_by]
    if after:
        try:
            return (yield from first(after, exact=True))
        except MissingNode:
            pass  # none of them is about a block after the moment
        except (VerifierError, Unanswered) as error:
            hint = error  # what came to nothing after the moment hides no game before it
    if Settlement.PROPOSED in policy.settlements:
        old_enough = [game for game in games if game.record.created <= place.at.timestamp - policy.proposed.min_age]
        later = [game for game in reversed(old_enough) if game.record.created > as_of]
        for some, exact in ((later, True), (old_enough or games, False)):
            if some:
                try:
                    return (yield from first(some, exact=exact, posted=True))
                except (VerifierError, Unanswered) as error:
                    reason = error
    newest = [game for game in games if game.record.created < settled_by] or games
    try:
        found = yield from first(newest, exact=False)
    except (VerifierError, Unanswered) as error:
        raise reason or hint or error from None
    if reason is not None and as_of - found.header.timestamp > policy.max_head_lag:
        raise reason  # what is settled is too old for this account: what failed is the proposed root
    return found


def _told_games(place: Place, judge: str, as_of: Timestamp) -> Flow[list[Told]]:
    """Games of the respected type, newest first, back to the first that was made before the as-of time."""
    answers = yield from ask_all([place.said("factory", COUNT), place.said(judge, RESPECTED)])
    numbers = [int.from_bytes(answer, "big") for answer in answers if isinstance(answer, bytes)]
    if len(numbers) != len(answers):
        raise next(answer for answer in answers if not isinstance(answer, bytes))
    count, kind = numbers
    found: list[Told] = []
    start = count - 1
    for _ in range(MAX_PAGES):
        if start < 0 or kind >> 32 or count >> 64:
            break
        page = yield from page_of(place, kind, start)
        found += page
        if len(page) < PAGE or page[-1].record.created <= as_of:
            break
        start = min(page[-1].index, start) - 1
    if not found:
        where = place.at.where.at(address=place.contract("factory"))
        raise NotThere(where, f"any game of the respected type {kind}, as the endpoint says,")
    return found
