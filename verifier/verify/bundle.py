"""A whole bundle: its as-of time, its sections one by one, and one outcome for each claim in order."""

from __future__ import annotations

from collections.abc import Mapping

from verifier.anchors import Anchors
from verifier.checker import Checker
from verifier.claims import Claim, PriceClaim
from verifier.crypto.keccak import keccak256
from verifier.errors import FromTheFuture, MissingEvidence, TooOld, VerifierError, Where
from verifier.evidence import Bundle
from verifier.evm.call import CodeTable
from verifier.primitives import ChainId, Timestamp
from verifier.proven import Moment, ProvenHeader
from verifier.verify.outcomes import Outcome, PriceOutcome, PriceRefusal, Refusal, Verified
from verifier.verify.section import verify_section
from verifier.wire import ParsedBundle, parse_bundle


def verify_bundle(data: bytes, checker: Checker) -> Verified:
    """
    Establish what a bundle proves to this checker.

    Args:
        data: Untrusted bytes of a bundle.

    Raises:
        Malformed: The bytes are not a bundle in its one canonical form. Everything else is a refusal of the claims
            that it concerns.
    """
    parsed = parse_bundle(data, checker.limits)
    bundle = parsed.bundle
    late = moment_error(bundle.as_of, checker)
    if late is not None:
        return _refused(parsed, late)
    hashes = [keccak256(node) for node in bundle.nodes]
    code_hashes = [keccak256(code) for code in bundle.codes]
    outcomes: dict[int, Outcome] = {
        i: Refusal(bundle.claims[i], omitted_error(bundle.claims[i]), missing=True) for i in bundle.omitted
    }
    snapshots: dict[ChainId, tuple[ProvenHeader, Moment]] = {}
    asked = _claims_by_chain(bundle, outcomes)
    priced = {claim.chain_id for claim in bundle.prices}
    prices: dict[PriceClaim, PriceOutcome] = {}
    anchors = Anchors(bundle, hashes, checker)
    for section in bundle.sections:
        if section.chain_id not in asked and section.chain_id not in priced:
            continue  # there for the rollups that settle on it
        codes = CodeTable({code_hashes[i]: bundle.codes[i] for i in section.codes})
        quotes = [claim for claim in bundle.prices if claim.chain_id == section.chain_id]
        proven, snapshot = verify_section(
            section, asked.get(section.chain_id, []), anchors, bundle.as_of, checker, codes, (quotes, prices)
        )
        outcomes.update(proven)
        if snapshot is not None:
            snapshots[section.chain_id] = snapshot
    in_order = tuple(outcomes[i] for i in range(len(bundle.claims)))
    in_order_prices = tuple(prices[claim] for claim in bundle.prices)
    return Verified(parsed.id, bundle.as_of, in_order, snapshots, anchors.lights, in_order_prices)


def _refused(parsed: ParsedBundle, error: VerifierError) -> Verified:
    """Nothing is proven, for one reason."""
    claims = tuple(Refusal(claim, error, missing=False) for claim in parsed.bundle.claims)
    prices = tuple(PriceRefusal(claim, error) for claim in parsed.bundle.prices)
    return Verified(parsed.id, parsed.bundle.as_of, claims, {}, prices=prices)


def moment_error(as_of: Timestamp, checker: Checker) -> VerifierError | None:
    """Why an as-of time is not one that the checker takes, if it is not."""
    policy, where = checker.policy, Where(network="account")
    if as_of > checker.now + policy.max_clock_error:
        return FromTheFuture(where, "the as-of time", checker.now, as_of)
    age = checker.now - as_of
    return TooOld(where, "the age of the as-of time", policy.max_age, age) if age > policy.max_age else None


def omitted_error(claim: Claim) -> VerifierError:
    """Why a claim has no figure that the gatherer found no evidence for."""
    where = Where(network=f"chain {claim.chain_id}", address=claim.holder)
    return MissingEvidence(where, f"evidence for {claim.asset.symbol} (the gatherer found none)")


def _claims_by_chain(bundle: Bundle, done: Mapping[int, Outcome]) -> dict[ChainId, list[tuple[int, Claim]]]:
    asked: dict[ChainId, list[tuple[int, Claim]]] = {}
    for i, claim in enumerate(bundle.claims):
        if i not in done:
            asked.setdefault(claim.chain_id, []).append((i, claim))
    return asked
