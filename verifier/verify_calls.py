"""Calls out of a bundle, offline: what each returned, whatever it may mean. For relayers, back ends and other programs.

A bundle of calls is an ordinary bundle whose claims are read by calls. Here the calls themselves are established, with
what they returned; no figure is taken out of them, so no meaning is judged and no policy has to name their contracts.
Whoever uses an answer decides whose code it trusts: `ProvenCall.code_hashes` says which code ran.
"""

from __future__ import annotations

from dataclasses import dataclass

from verifier.anchors import Anchors
from verifier.calls import Call
from verifier.checker import Checker
from verifier.claims import Asset, CallReading, Claim, Source
from verifier.crypto.keccak import keccak256
from verifier.errors import BadInput, UnusedEvidence, VerifierError
from verifier.evidence import Bundle, Section
from verifier.evm.call import CodeTable
from verifier.primitives import ChainId, Hash32, Timestamp, to_hex
from verifier.proven import ProvenCall
from verifier.verify import Refusal, SectionState, moment_error, omitted_error, snapshot_of
from verifier.wire import parse_bundle

CallOutcome = ProvenCall | Refusal


@dataclass(frozen=True, slots=True)
class VerifiedCalls:
    """What a bundle of calls was found to prove: one outcome for each of its claims, in their order."""

    bundle_id: Hash32
    as_of: Timestamp
    outcomes: tuple[CallOutcome, ...]


def call_claim(chain: ChainId, call: Call, returns: str = "(uint256)") -> Claim:
    """A claim that stands for a call alone; its figure would be the first value returned, of no unit."""
    return Claim(
        Asset(chain, "CALL", 0, "CALL", call.to), call.to, source=Source.USER, reading=CallReading(call, returns)
    )


def verify_calls(data: bytes, checker: Checker) -> VerifiedCalls:
    """
    Establish what the calls of a bundle answer, under this checker's roots and policy.

    Args:
        data: Untrusted bytes of a bundle; each of its claims is read by a call.

    Raises:
        Malformed: The bytes are not such a bundle in its one canonical form. Everything else refuses single calls.
    """
    parsed = parse_bundle(data, checker.limits)
    bundle = parsed.bundle
    if bundle.prices or any(not isinstance(claim.reading, CallReading) for claim in bundle.claims):
        raise BadInput("bundle of calls", "claims that are all read by calls", "one that is not")
    late = moment_error(bundle.as_of, checker)
    if late is not None:
        return VerifiedCalls(parsed.id, bundle.as_of, tuple(Refusal(c, late, missing=False) for c in bundle.claims))
    outcomes: dict[int, CallOutcome] = {
        i: Refusal(bundle.claims[i], omitted_error(bundle.claims[i]), missing=True) for i in bundle.omitted
    }
    hashes = [keccak256(code) for code in bundle.codes]
    anchors = Anchors(bundle, [keccak256(node) for node in bundle.nodes], checker)
    for section in bundle.sections:
        codes = CodeTable({hashes[i]: bundle.codes[i] for i in section.codes})
        outcomes.update(_section(section, bundle, anchors, codes, checker))
    return VerifiedCalls(parsed.id, bundle.as_of, tuple(outcomes[i] for i in range(len(bundle.claims))))


def _section(
    section: Section, bundle: Bundle, anchors: Anchors, codes: CodeTable, checker: Checker
) -> dict[int, CallOutcome]:
    left_out = frozenset(bundle.omitted)
    asked = [(i, c) for i, c in enumerate(bundle.claims) if c.chain_id == section.chain_id and i not in left_out]
    if not asked:
        return {}
    try:
        anchor, nodes, used = anchors.of(section.chain_id)
        header, _ = snapshot_of(anchor, section, nodes, used, bundle.as_of, checker)
        state = SectionState(header, nodes, used, codes, checker.limits.call_steps, section.updates)
    except VerifierError as error:
        return {i: Refusal(claim, error, missing=False) for i, claim in asked}
    outcomes = {i: _outcome(claim, state) for i, claim in asked}
    what, unused = state.unused()
    if unused and not any(isinstance(outcome, Refusal) for outcome in outcomes.values()):
        extra = UnusedEvidence(header.where, what, len(unused), to_hex(min(unused)))
        return {i: Refusal(claim, extra, missing=False) for i, claim in asked}
    return outcomes


def _outcome(claim: Claim, state: SectionState) -> CallOutcome:
    if not isinstance(claim.reading, CallReading):
        raise BadInput("claim of a call", "a reading", claim.asset.symbol)
    try:
        return state.call(claim.reading.call)
    except VerifierError as error:
        return Refusal(claim, error, missing=False)


__all__ = ["CallOutcome", "VerifiedCalls", "call_claim", "verify_calls"]
