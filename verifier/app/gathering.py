"""From an account's claims to one bundle: each network on its own, all of them at once.

One bad network does not stop the others: what a network's endpoints do ends in the `failed` of its own claims.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import cast

from chains.driver import Desk, drive
from chains.errors import FetchError
from chains.observe import observe, observe_block
from verifier.claims import Claim
from verifier.crypto.keccak import keccak256
from verifier.errors import TrustTooWeak, VerifierError, Where
from verifier.evidence import Bundle
from verifier.flow import Ask, AskHeight, Unanswered
from verifier.gather import Gathered, assemble, gather_section
from verifier.headers.decode import decode_header
from verifier.network import Network
from verifier.primitives import ChainId, Timestamp
from verifier.trust import Anchor, Checkpoint, HeaderRoot, Observed, PinnedBlock, TrustRoot
from verifier.verify import Checker, Refusal, Verified, verify_bundle
from verifier.wire import encode_bundle

Failure = Unanswered | VerifierError


@dataclass(frozen=True, slots=True)
class GatheredBundle:
    """The bytes of a bundle, and what is known here that the bundle does not say.

    Attributes:
        roots: The checker's roots, observations that were made on the way among them.
        failures: For each omitted claim, why it has no evidence.
    """

    data: bytes
    roots: tuple[TrustRoot, ...]
    failures: Mapping[int, Failure]


async def gather_bundle(claims: Sequence[Claim], as_of: Timestamp, desk: Desk, checker: Checker) -> GatheredBundle:
    """Gather the evidence of all claims, one flow for each network, concurrently."""
    by_chain: dict[ChainId, list[tuple[int, Claim]]] = {}
    for i, claim in enumerate(claims):
        by_chain.setdefault(claim.chain_id, []).append((i, claim))
    tasks = [_one_network(chain, asked, as_of, desk, checker) for chain, asked in by_chain.items()]
    results = await asyncio.gather(*tasks)
    parts = [part for part, _ in results]
    found = tuple(root for _, root in results if isinstance(root, Observed))
    failures = {i: error for part in parts for i, error in part.failed.items()}
    data = encode_bundle(assemble(as_of, claims, parts))
    return GatheredBundle(data, (*checker.roots, *found), failures)


async def _one_network(
    chain: ChainId, asked: list[tuple[int, Claim]], as_of: Timestamp, desk: Desk, checker: Checker
) -> tuple[Gathered, HeaderRoot | None]:
    network = checker.networks[chain]
    try:
        root = await _root(network, desk, checker)
    except (Unanswered, VerifierError) as error:
        return Gathered(chain, None, (), frozenset(), dict.fromkeys((i for i, _ in asked), error)), None
    return await drive(gather_section(network, asked, root, as_of, checker), desk), root


def _unanswered(network: Network, reason: str) -> Unanswered:
    question = cast("Ask[object]", AskHeight(chain_id=network.chain_id))
    return Unanswered(question, (), ((network.name, reason),))


async def _root(network: Network, desk: Desk, checker: Checker) -> HeaderRoot:
    """The checker's pin; else what its endpoints agree on, where its policy takes that."""
    if not desk.lines.get(network.chain_id):
        raise _unanswered(network, f"no endpoint is configured under [networks.{network.name}]")
    pins = [root for root in checker.roots if root.chain_id == network.chain_id and isinstance(root, PinnedBlock)]
    if pins:
        return pins[-1]
    where = Where(network=network.name)
    if not checker.policy.anchors & {Anchor.QUORUM, Anchor.RPC}:
        taken = ", ".join(sorted(checker.policy.anchors))
        raise TrustTooWeak(where, "the anchor", f"none (no block is pinned under [networks.{network.name}])", taken)
    k = checker.policy.quorum if Anchor.RPC not in checker.policy.anchors else 1
    try:
        seen = await observe(network, desk, k, now=checker.now)
    except FetchError as error:
        raise _unanswered(network, error.reason) from error
    if seen.anchor not in checker.policy.anchors:
        taken = ", ".join(sorted(checker.policy.anchors))
        raise TrustTooWeak(
            where, "the anchor", f"{seen.anchor.value} (operators: {', '.join(sorted(seen.operators))})", taken
        )
    return seen


def verify_gathered(gathered: GatheredBundle, checker: Checker) -> Verified:
    """What the bundle proves, with the reasons of omitted claims that only the gatherer knows.

    A claim whose endpoints all answered with refused evidence is refused; one that no endpoint answered is missing.
    """
    verified = verify_bundle(gathered.data, replace(checker, roots=gathered.roots))
    outcomes = list(verified.outcomes)
    for i, error in gathered.failures.items():
        outcomes[i] = Refusal(outcomes[i].claim, error, missing=isinstance(error, Unanswered) and not error.lied)
    return replace(verified, outcomes=tuple(outcomes))


async def observe_anchors(bundle: Bundle, desk: Desk, checker: Checker) -> tuple[Observed, ...]:
    """What the checker's own endpoints say of a foreign bundle's anchors, for networks where no root names them."""
    known = {(root.chain_id, root.hash) for root in checker.roots if not isinstance(root, Checkpoint)}
    found: list[Observed] = []
    for section in bundle.sections:
        network = checker.networks.get(section.chain_id)
        if network is None or (section.chain_id, keccak256(section.anchor)) in known:
            continue
        number = decode_header(section.anchor, network.family, Where(network=network.name)).number
        with suppress(FetchError):
            found.append(await observe_block(network, desk, checker.policy.quorum, number, now=checker.now))
    return tuple(found)
