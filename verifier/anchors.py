"""The anchor of each network in a bundle: named by a root, proven by a light client, or settled under its parent's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from verifier.calls import Work
from verifier.checker import Checker
from verifier.consensus.execution import execution_header
from verifier.consensus.light_client import LightClientState
from verifier.consensus.replay import NO_LIGHT, reach
from verifier.consensus.weaker import verify_anchor
from verifier.crypto.keccak import keccak256
from verifier.errors import (
    FromTheFuture,
    Misbehaviour,
    NoTrustRoot,
    TooOld,
    Unsupported,
    UnusedEvidence,
    VerifierError,
    Where,
    WrongChain,
)
from verifier.evidence import Bundle, Section, Settling
from verifier.network import Network, SettledOn
from verifier.primitives import ChainId, Hash32, Timestamp, to_hex
from verifier.proven import ProvenHeader
from verifier.settlement import verify_settlement
from verifier.settlement.scheme import case_of
from verifier.trie.table import NodeTable
from verifier.trust import ANCHOR_ORDER


@dataclass(frozen=True, slots=True)
class _Anchored:
    header: ProvenHeader
    nodes: NodeTable
    used: set[Hash32]


class Anchors:
    """The anchor header of each section of a bundle: named by a root of the checker, or settled under its parent's."""

    __slots__ = ("_bundle", "_checker", "_found", "_hashes", "_sections", "_work", "lights")

    def __init__(self, bundle: Bundle, hashes: Sequence[Hash32], checker: Checker) -> None:
        self._bundle, self._hashes, self._checker = bundle, hashes, checker
        self._sections = {section.chain_id: section for section in bundle.sections}
        self._found: dict[ChainId, _Anchored | VerifierError] = {}
        self._work = Work(checker.limits.call_steps)
        self.lights: dict[ChainId, LightClientState] = {}

    def of(self, chain: ChainId) -> tuple[ProvenHeader, NodeTable, set[Hash32]]:
        """
        A section's anchor, its nodes, and the hashes of those that anchoring it used.

        Raises:
            VerifierError: The anchor does not stand, or that of a parent does not.
        """
        found = self._found.get(chain)
        if found is None:
            try:
                found = self._anchored(chain)
            except VerifierError as error:
                found = error
            self._found[chain] = found
        if isinstance(found, VerifierError):
            raise found
        return found.header, found.nodes, found.used

    def _anchored(self, chain: ChainId) -> _Anchored:
        section, checker = self._sections[chain], self._checker
        network = checker.networks.get(chain)
        if network is None:
            where, cure = Where(network=f"chain {chain}"), "define it under [networks.<name>]"
            raise Unsupported(where, "this chain id is in no registry of the checker", cure)
        nodes = NodeTable.from_hashed((self._hashes[i], self._bundle.nodes[i]) for i in section.nodes)
        used = set[Hash32]()
        if section.settling is None:
            header = self._believed(section, network)
        else:
            header = self._settled(section, section.settling, network, nodes, used)
        return _Anchored(header, nodes, used)

    def _believed(self, section: Section, network: Network) -> ProvenHeader:
        """The anchor as the light client proves it, or as a root names it: whichever is stronger."""
        checker, where = self._checker, Where(network=network.name)
        begin = checker.beginnings(network.chain_id)
        if begin is None:
            return verify_anchor(section.anchor, network, checker.roots, where)
        failure: VerifierError | None = None
        found: list[ProvenHeader] = []
        try:
            reached = reach(begin, section.light or NO_LIGHT, Hash32(keccak256(section.anchor)), checker.now)
            found.append(execution_header(reached.beacon, section.anchor, network))
            self.lights[network.chain_id] = reached.state
        except Misbehaviour:
            raise  # a pin of the same block does not undo what was signed twice
        except VerifierError as error:
            failure = error
        try:
            found.append(verify_anchor(section.anchor, network, checker.roots, where))
        except NoTrustRoot as error:
            failure = failure or error
        if not found:
            raise failure or NoTrustRoot(where, keccak256(section.anchor), 0)
        return min(found, key=lambda header: ANCHOR_ORDER.index(header.trust.anchor))

    def _settled(
        self, section: Section, settling: Settling, network: Network, nodes: NodeTable, used: set[Hash32]
    ) -> ProvenHeader:
        """A rollup's header under its parent's anchor. Parents are the checker's own, so the way up ends."""
        rooted = network.rooted_by
        if not isinstance(rooted, SettledOn) or rooted.parent != settling.parent:
            expected = rooted.parent if isinstance(rooted, SettledOn) else "none (it has a consensus of its own)"
            raise WrongChain(Where(network=network.name), "the parent network", expected, settling.parent)
        parent, parent_nodes, parent_used = self.of(settling.parent)
        check_parent(parent, self._bundle.as_of, self._checker)
        section_of_parent = self._sections[settling.parent]
        if not self._has_claims(settling.parent):
            _nothing_else(section_of_parent, parent, parent_nodes, parent_used)
        return verify_settlement(
            case_of(network, parent, nodes, used, self._checker.policy, self._checker.roots, self._work),
            section.anchor,
            settling.preimages,
        )

    def _has_claims(self, chain: ChainId) -> bool:
        left_out = frozenset(self._bundle.omitted)
        if any(claim.chain_id == chain for claim in self._bundle.prices):
            return True
        return any(claim.chain_id == chain for i, claim in enumerate(self._bundle.claims) if i not in left_out)


def check_parent(parent: ProvenHeader, as_of: Timestamp, checker: Checker) -> None:
    """
    Hold the parent's block, whose time is what settlement is judged by, against the checker's clock and T.

    Raises:
        FromTheFuture: It is ahead of the clock, so that delays would seem to have passed.
        TooOld: It lies so far before T that what was revoked since would not show.
    """
    policy = checker.policy
    if parent.timestamp > checker.now + policy.max_clock_error:
        raise FromTheFuture(parent.where, "the time of the parent's block", checker.now, parent.timestamp)
    lag = as_of - parent.timestamp
    if lag > policy.max_head_lag:
        raise TooOld(parent.where, "the time from the parent's block to T", policy.max_head_lag, lag)


def _nothing_else(section: Section, anchor: ProvenHeader, nodes: NodeTable, used: set[Hash32]) -> None:
    """A section that is there for its rollups alone holds what anchors it, and nothing else."""
    extra = [*(step.header for step in section.steps), *(h for h in nodes.hashes() if h not in used)]
    if section.codes:
        first = f"number {section.codes[0]} of the bundle"
        raise UnusedEvidence(anchor.where, "contract codes of a parent without claims", len(section.codes), first)
    if extra:
        raise UnusedEvidence(
            anchor.where, "steps and nodes of a parent without claims", len(extra), to_hex(extra[0][:32])
        )
