"""One network of a bundle: its snapshot, then each of its claims and prices, then that nothing is left over."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from verifier.anchors import Anchors
from verifier.checker import Checker
from verifier.claims import Claim, PriceClaim
from verifier.errors import TrustTooWeak, UnusedEvidence, VerifierError, Where
from verifier.evidence import Section
from verifier.evm.call import CodeTable
from verifier.headers.as_of import verify_snapshot
from verifier.policy import Policy
from verifier.primitives import Hash32, Timestamp, to_hex
from verifier.proven import Moment, ProvenHeader
from verifier.trie.table import NodeTable
from verifier.trust import Trust
from verifier.verify.claim import verify_claim
from verifier.verify.outcomes import Outcome, PriceOutcome, PriceRefusal, Refusal
from verifier.verify.price import verify_price
from verifier.verify.section_state import SectionState


def verify_section(
    section: Section,
    claims: Iterable[tuple[int, Claim]],
    anchors: Anchors,
    as_of: Timestamp,
    checker: Checker,
    codes: CodeTable,
    prices: tuple[Sequence[PriceClaim], dict[PriceClaim, PriceOutcome]] = ((), {}),
) -> tuple[dict[int, Outcome], tuple[ProvenHeader, Moment] | None]:
    """One network's claims. What fails for the network as a whole refuses each of them.

    Args:
        prices: Price claims of the network, and where their outcomes go.
    """
    asked, (quotes, priced) = list(claims), prices
    try:
        anchor, nodes, used = anchors.of(section.chain_id)
        header, moment = snapshot_of(anchor, section, nodes, used, as_of, checker)
        state = SectionState(header, nodes, used, codes, checker.limits.call_steps, section.updates)
    except VerifierError as error:
        priced.update({quote: PriceRefusal(quote, error) for quote in quotes})
        return {i: Refusal(claim, error, missing=False) for i, claim in asked}, None
    priced.update({quote: _price_outcome(quote, state, header, moment, as_of, checker) for quote in quotes})
    outcomes = {i: _outcome(claim, state, header, moment, as_of, checker) for i, claim in asked}
    what, unused = state.unused()
    refused = [*outcomes.values(), *(priced[quote] for quote in quotes)]
    if unused and not any(isinstance(outcome, Refusal | PriceRefusal) for outcome in refused):
        extra = UnusedEvidence(header.where, what, len(unused), to_hex(min(unused)))
        priced.update({quote: PriceRefusal(quote, extra) for quote in quotes})
        return {i: Refusal(claim, extra, missing=False) for i, claim in asked}, None
    return outcomes, (header, moment)


def snapshot_of(
    anchor: ProvenHeader, section: Section, nodes: NodeTable, used: set[Hash32], as_of: Timestamp, checker: Checker
) -> tuple[ProvenHeader, Moment]:
    """
    The block of the as-of time under an anchor that the policy takes.

    Raises:
        VerifierError: The anchor is too weak, or the section does not show that block.
    """
    if not checker.policy.takes(anchor.trust):
        raise too_weak(anchor.where, anchor.trust, checker.policy)
    return verify_snapshot(anchor, section.steps, nodes, used, as_of=as_of, now=checker.now, policy=checker.policy)


def too_weak(where: Where, trust: Trust, policy: Policy) -> TrustTooWeak:
    """Which of the facts the policy does not take."""
    if trust.anchor not in policy.anchors:
        return TrustTooWeak(where, "the anchor", trust.anchor.value, ", ".join(sorted(policy.anchors)))
    return TrustTooWeak(where, "the settlement", str(trust.settlement), ", ".join(sorted(policy.settlements)))


def _outcome(
    claim: Claim, state: SectionState, header: ProvenHeader, moment: Moment, as_of: Timestamp, checker: Checker
) -> Outcome:
    try:
        return verify_claim(claim, state, header, moment, as_of, checker)
    except VerifierError as error:
        return Refusal(claim, error, missing=False)


def _price_outcome(
    claim: PriceClaim,
    state: SectionState,
    header: ProvenHeader,
    moment: Moment,
    as_of: Timestamp,
    checker: Checker,
) -> PriceOutcome:
    try:
        return verify_price(claim, state, header, moment, as_of, checker)
    except VerifierError as error:
        return PriceRefusal(claim, error)
