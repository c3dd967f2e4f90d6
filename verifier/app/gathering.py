"""From an account's claims to one bundle: each network on its own, all of them at once.

One bad network does not stop the others: what a network's endpoints do ends in the `failed` of its own claims.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

from chains.driver import Desk, drive
from chains.errors import FetchError
from chains.observe import observe, observe_block
from verifier.app.following import LightClients
from verifier.checker import Checker
from verifier.claims import CallReading, Claim, PriceClaim
from verifier.consensus.light_client import LightClientState
from verifier.crypto.keccak import keccak256
from verifier.errors import TrustTooWeak, VerifierError, Where
from verifier.evidence import Bundle
from verifier.flow import Ask, AskHeight, Flow, Unanswered
from verifier.gather import (
    Anchored,
    Gathered,
    assemble,
    gather_anchor,
    gather_call_section,
    gather_section,
    gather_settled,
    taken,
)
from verifier.headers.decode import decode_header
from verifier.network import Network, SettledOn
from verifier.primitives import ChainId, Hash32, Timestamp
from verifier.settlement.proposed import check_quorum
from verifier.trust import Anchor, Checkpoint, HeaderRoot, Observed, PinnedBlock, Settlement, TrustRoot
from verifier.verify import PriceRefusal, Refusal, Verified, verify_bundle
from verifier.wire import encode_bundle

Failure = Unanswered | VerifierError


@dataclass(frozen=True, slots=True)
class GatheredBundle:
    """The bytes of a bundle, and what is known here that the bundle does not say.

    Attributes:
        roots: The checker's roots, observations that were made on the way among them.
        failures: For each omitted claim, why it has no evidence.
        states: Where the light clients of the run stand.
        unpriced: The same for each price claim that was left out.
    """

    data: bytes
    roots: tuple[TrustRoot, ...]
    failures: Mapping[int, Failure]
    states: Mapping[ChainId, LightClientState] = field(default_factory=dict)
    unpriced: Mapping[PriceClaim, Failure] = field(default_factory=dict)


SectionFlow = Callable[[Network, Sequence[tuple[int, Claim]], Anchored, Timestamp, Checker], Flow[Gathered]]
"""How one network's part is gathered under its anchor."""


async def gather_bundle(
    claims: Sequence[Claim],
    as_of: Timestamp,
    desk: Desk,
    checker: Checker,
    section: SectionFlow | None = None,
    lights: LightClients | None = None,
    prices: Sequence[PriceClaim] = (),
    updates: Sequence[bytes] = (),
) -> GatheredBundle:
    """
    Gather the evidence of claims and prices, one flow for each network, concurrently; a rollup's after its parent's.

    Args:
        updates: Signed prices at hand.
        lights: The light clients of the run; without, those of the checker's checkpoints begin anew.
    """
    by_chain: dict[ChainId, list[tuple[int, Claim]]] = {}
    for i, claim in enumerate(claims):
        by_chain.setdefault(claim.chain_id, []).append((i, claim))
    for price in prices:
        by_chain.setdefault(price.chain_id, [])
    lights = lights or LightClients(desk, checker)
    anchors = _Anchors(as_of, desk, checker, lights)
    try:
        priced = (prices, updates)
        tasks = [_one_network(chain, asked, as_of, anchors, section, priced) for chain, asked in by_chain.items()]
        parts = await asyncio.gather(*tasks)
    finally:
        await anchors.aclose()
        await lights.aclose()
    failures = {i: error for part in parts for i, error in part.failed.items()}
    data = encode_bundle(assemble(as_of, claims, parts, [one.alone() for one in anchors.found], prices))
    unpriced = {claim: error for part in parts for claim, error in part.unpriced.items()}
    states = {chain: found.state for chain, found in lights.followed.items()}
    return GatheredBundle(data, (*checker.roots, *anchors.observed, *lights.observed), failures, states, unpriced)


async def gather_calls(
    claims: Sequence[Claim],
    as_of: Timestamp,
    desk: Desk,
    checker: Checker,
    *,
    hints: bool = True,
    lights: LightClients | None = None,
) -> GatheredBundle:
    """Gather the evidence of claims that stand for calls (`verify_calls.call_claim`), whatever they may mean."""

    def section(
        network: Network, asked: Sequence[tuple[int, Claim]], anchored: Anchored, moment: Timestamp, checker: Checker
    ) -> Flow[Gathered]:
        calls = [(i, claim.reading.call) for i, claim in asked if isinstance(claim.reading, CallReading)]
        return gather_call_section(network, calls, anchored, moment, checker, hints=hints)

    return await gather_bundle(claims, as_of, desk, checker, section, lights=lights)


async def _one_network(
    chain: ChainId,
    asked: list[tuple[int, Claim]],
    as_of: Timestamp,
    anchors: _Anchors,
    section: SectionFlow | None,
    priced: tuple[Sequence[PriceClaim], Sequence[bytes]],
) -> Gathered:
    prices, updates = priced
    quotes = [price for price in prices if price.chain_id == chain]
    network = anchors.checker.networks[chain]
    try:
        anchored = await anchors.of(network)
    except (Unanswered, VerifierError) as error:
        failed = dict.fromkeys((i for i, _ in asked), error)
        return Gathered(chain, None, (), frozenset(), failed, unpriced=dict.fromkeys(quotes, error))
    if section is None:
        flow = gather_section(network, asked, anchored, as_of, anchors.checker, quotes, updates)
        return await drive(flow, anchors.desk)
    return await drive(section(network, asked, anchored, as_of, anchors.checker), anchors.desk)


async def anchors_of(
    as_of: Timestamp, desk: Desk, checker: Checker, network: Network, lights: LightClients | None = None
) -> Anchored:
    """
    One network's anchor.

    Args:
        lights: The light clients of the run; without, those of the checker's checkpoints begin anew.

    Raises:
        Unanswered, VerifierError: It cannot be had, does not stand, or is not one that the policy takes.
    """
    lights = lights or LightClients(desk, checker)
    anchors = _Anchors(as_of, desk, checker, lights)
    try:
        return taken(await anchors.of(network), checker)
    finally:
        await anchors.aclose()
        await lights.aclose()


class _Anchors:
    """The anchor of each network of one run, gathered once, whoever asks first: its own claims, or a rollup's."""

    def __init__(self, as_of: Timestamp, desk: Desk, checker: Checker, lights: LightClients) -> None:
        self.desk, self.checker, self.lights = desk, checker, lights
        self.observed: list[Observed] = []
        self._as_of = as_of
        self._tasks: dict[ChainId, asyncio.Task[Anchored]] = {}

    async def of(self, network: Network) -> Anchored:
        """The network's anchor. Raises Unanswered or VerifierError, each time alike."""
        task = self._tasks.get(network.chain_id)
        if task is None:
            task = self._tasks[network.chain_id] = asyncio.create_task(self._anchored(network))
        return await asyncio.shield(task)

    @property
    def found(self) -> list[Anchored]:
        """Every anchor that stands."""
        ended = [task for task in self._tasks.values() if task.done() and not task.cancelled()]
        return [task.result() for task in ended if task.exception() is None]

    async def aclose(self) -> None:
        """End what still runs, and take note of what failed, so that nothing is left to complain about it."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _anchored(self, network: Network) -> Anchored:
        parent = self._parent(network)
        if parent is not None:
            try:
                under = await self.of(parent)
                flow = gather_settled(network, under.header, self._as_of, self.checker)
                return await self._observe_proposed(network, await drive(flow, self.desk))
            except (Unanswered, VerifierError):
                if not self.checker.policy.anchors & {Anchor.QUORUM, Anchor.RPC}:
                    raise
        if self.lights.serves(network) and self.desk.lines.get(network.chain_id):
            return await self.lights.anchor(network, self._as_of)
        root = await _root(network, self.desk, self.checker)
        if isinstance(root, Observed):
            self.observed.append(root)
        return await drive(gather_anchor(network, root), self.desk)

    async def _observe_proposed(self, network: Network, found: Anchored) -> Anchored:
        """
        Ask the rollup's operators for the block of a proposed root, which gathering could not know beforehand.

        Raises:
            NotSettled: Fewer name it than the policy asks.
        """
        policy = self.checker.policy
        if found.header.trust.settlement is not Settlement.PROPOSED or not policy.takes(found.header.trust):
            return found
        number, k = found.header.number, policy.proposed.quorum
        why = ""
        try:
            self.observed.append(await observe_block(network, self.desk, k, number, now=self.checker.now))
        except FetchError as error:
            why = f" ({error.reason})"
        check_quorum(policy, self.observed, network.chain_id, found.header.where, Hash32(found.header.hash), why)
        return found

    def _parent(self, network: Network) -> Network | None:
        """The parent to settle under: where no block of the rollup itself is pinned, and the parent can be asked."""
        rooted = network.rooted_by
        if not isinstance(rooted, SettledOn) or not rooted.contracts or _pins(network, self.checker):
            return None
        parent = self.checker.networks.get(rooted.parent)
        return parent if parent is not None and self.desk.lines.get(parent.chain_id) else None


def _pins(network: Network, checker: Checker) -> list[PinnedBlock]:
    return [root for root in checker.roots if root.chain_id == network.chain_id and isinstance(root, PinnedBlock)]


def _unanswered(network: Network, reason: str) -> Unanswered:
    question = cast("Ask[object]", AskHeight(chain_id=network.chain_id))
    return Unanswered(question, (), ((network.name, reason),))


async def _root(network: Network, desk: Desk, checker: Checker) -> HeaderRoot:
    """The checker's pin; else what its endpoints agree on, where its policy takes that."""
    if not desk.lines.get(network.chain_id):
        raise _unanswered(network, f"no endpoint is configured under [networks.{network.name}]")
    pins = _pins(network, checker)
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
    lights = (*gathered.states.values(), *checker.lights)
    verified = verify_bundle(gathered.data, replace(checker, roots=gathered.roots, lights=lights))
    outcomes = list(verified.outcomes)
    for i, error in gathered.failures.items():
        outcomes[i] = Refusal(outcomes[i].claim, error, missing=isinstance(error, Unanswered) and not error.lied)
    unpriced = tuple(PriceRefusal(claim, error) for claim, error in gathered.unpriced.items())
    return replace(verified, outcomes=tuple(outcomes), prices=(*verified.prices, *unpriced))


async def observe_anchors(bundle: Bundle, desk: Desk, checker: Checker) -> tuple[tuple[Observed, ...], tuple[str, ...]]:
    """
    What the checker's own endpoints say of a foreign bundle's anchors, for networks where no root names them.

    Returns:
        Observations, and for each network of which none could be made, why: that endpoints name two blocks, say.
    """
    known = {(root.chain_id, root.hash) for root in checker.roots if not isinstance(root, Checkpoint)}
    found, lost = list[Observed](), list[str]()
    for section in bundle.sections:
        network = checker.networks.get(section.chain_id)
        if network is None or (section.chain_id, keccak256(section.anchor)) in known:
            continue
        try:
            number = decode_header(section.anchor, network.family, Where(network=network.name)).number
        except VerifierError:
            continue  # the verification refuses this network's claims for it, and lets the others stand
        k = checker.policy.quorum if section.settling is None else checker.policy.proposed.quorum
        try:
            found.append(await observe_block(network, desk, k, number, now=checker.now))
        except FetchError as error:
            lost.append(f"{network.name}: its endpoints do not confirm block {number}: {error.reason}")
    return tuple(found), tuple(lost)
