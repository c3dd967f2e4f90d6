"""One claim under a proven header: its meaning, its words, its figure, its trust."""

from __future__ import annotations

from verifier.assets import kind_of
from verifier.checker import Checker
from verifier.claims import Claim, ClaimKind
from verifier.primitives import Timestamp
from verifier.proven import Moment, ProvenAmount, ProvenHeader, mint
from verifier.trust import Basis, Trust
from verifier.verify.meaning import check_contracts, check_meaning
from verifier.verify.section_state import SectionState


def verify_claim(
    claim: Claim, state: SectionState, header: ProvenHeader, moment: Moment, as_of: Timestamp, checker: Checker
) -> ProvenAmount:
    """
    Establish the figure of one claim under a proven header.

    Raises:
        Malformed, ProofError: The evidence does not lead from the header's state root to the figure.
        PolicyError: It does, and means something that the checker does not take.
    """
    where = header.where.at(address=claim.holder)
    known, accepted = check_meaning(claim, header.network, checker.meanings, checker.policy, where)
    reading = kind_of(claim).decode(claim, known, state, where, accepted=accepted)
    check_contracts(claim, reading.contracts, checker.policy, where)
    trust = header.trust
    if reading.reviewed is not None:
        basis = Basis.REVIEWED_CODE if reading.reviewed else Basis.UNREVIEWED_CODE
        trust = trust.weakest(Trust(trust.anchor, trust.settlement, frozenset({basis})))
    return mint(
        ProvenAmount,
        rests_on=reading.rests_on,
        claim=claim,
        amount=reading.units if claim.kind is ClaimKind.HOLDING else -reading.units,
        as_of=as_of,
        moment=moment,
        header=header,
        bound_by=reading.bound_by,
        trust=trust,
    )
