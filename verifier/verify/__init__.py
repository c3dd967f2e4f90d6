"""The whole way, from the bytes of a bundle to proven amounts: one pure function of bytes, trust roots, policy and now.

For each network: the anchor header is named by a trust root of the checker, or proven by its light client (1), steps
lead back to the block of the as-of time (2), its state root is proven (3), each claim's meaning is the checker's own
(4), its account and words are walked (5), its code is the reviewed one (6), the figure is decoded and its trust taken
by the policy (7), and every node that was handed over has been used (8).

A claim that fails is refused with its error, and the others stand. There is no partial acceptance inside one proof.
"""

from verifier.verify.bundle import moment_error, omitted_error, verify_bundle
from verifier.verify.claim import verify_claim
from verifier.verify.meaning import check_meaning
from verifier.verify.outcomes import Outcome, PriceOutcome, PriceRefusal, Refusal, Verified
from verifier.verify.price import verify_price
from verifier.verify.section import snapshot_of, too_weak
from verifier.verify.section_state import SectionState

__all__ = [
    "Outcome",
    "PriceOutcome",
    "PriceRefusal",
    "Refusal",
    "SectionState",
    "Verified",
    "check_meaning",
    "moment_error",
    "omitted_error",
    "snapshot_of",
    "too_weak",
    "verify_bundle",
    "verify_claim",
    "verify_price",
]
