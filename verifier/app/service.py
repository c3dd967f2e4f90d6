"""The composition root: claims -> gather -> verify -> weigh -> keep -> say. Commands, jobs and the demo call these.

Everything here returns plain values; rendering and exit codes are the callers'. What is shown has been kept first:
a caller that has a store calls its `keep` with the run before it prints.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final, Protocol

from chains.behaviour import NOTHING_KNOWN, Capacity, EndpointReport, Place
from chains.driver import NETWORK_SECONDS
from verifier.app.compile import AccountSpec
from verifier.app.desks import desk_of, lights_of
from verifier.app.following import Shelf
from verifier.app.gathering import GatheredBundle, gather_bundle, observe_anchors, verify_gathered
from verifier.app.kept import KeptLight
from verifier.checker import Checker
from verifier.claims import Claim
from verifier.consensus.light_client import LightClientState
from verifier.crypto.keccak import keccak256
from verifier.errors import Misbehaviour, MissingEvidence, TooOld, VerifierError, Where
from verifier.margin.account import build_account
from verifier.margin.duplicates import Identity, check_duplicates
from verifier.margin.report import MarginReport, report
from verifier.network import SettledOn
from verifier.policy import DAY, DEFAULT_LIMITS, Limits, Policy
from verifier.primitives import Address, ChainId, Hash32, Timestamp
from verifier.proven import Moment, ProvenAmount
from verifier.trust import Checkpoint, Settlement, TrustRoot
from verifier.verify import Outcome, PriceRefusal, Refusal, Verified, verify_bundle
from verifier.wire import parse_bundle


@dataclass(frozen=True, slots=True)
class Run:
    """One account, verified and weighed.

    Attributes:
        data: The bundle's bytes.
        verified: Outcomes in the order of the account's claims.
        strangers: Outcomes of claims in the bundle that the account does not make; they count nowhere.
        roots: The trust roots that were used, observations made on the way among them.
        endpoints: What each endpoint was asked and did; empty where nothing was asked.
        now: The checker's clock at the start.
        lights: Light-client states that anchored it, sealed for its record.
        floor: By index, claims whose figure rests on a proposed root: what the newest settled root shows instead.
        fresh: By index, claims under a settled root of before the as-of time: what the newest posted root shows; by the
            settled one again where nothing newer is posted. Empty where it was not asked for.
        unconfirmed: Why endpoints that were asked for a bundle's anchors did not confirm one.
    """

    spec: AccountSpec
    data: bytes
    verified: Verified
    strangers: tuple[Outcome, ...]
    report: MarginReport
    roots: tuple[TrustRoot, ...]
    endpoints: tuple[EndpointReport, ...]
    now: Timestamp
    lights: tuple[KeptLight, ...] = ()
    floor: Mapping[int, Outcome] = field(default_factory=dict)
    fresh: Mapping[int, Outcome] = field(default_factory=dict)
    unconfirmed: tuple[str, ...] = ()

    @property
    def refused(self) -> tuple[Refusal, ...]:
        """Claims whose evidence was refused."""
        return tuple(o for o in self.verified.outcomes if isinstance(o, Refusal) and not o.missing)

    @property
    def missing(self) -> tuple[Refusal, ...]:
        """Claims that no endpoint gave evidence for."""
        return tuple(o for o in self.verified.outcomes if isinstance(o, Refusal) and o.missing)


def checker_of(
    spec: AccountSpec,
    now: Timestamp,
    roots: Iterable[TrustRoot] = (),
    limits: Limits = DEFAULT_LIMITS,
    lights: Iterable[LightClientState] = (),
) -> Checker:
    """What the account file's owner believes and demands, with further roots and light-client states of theirs."""
    return Checker(
        (*spec.roots, *roots),
        spec.networks,
        spec.meanings,
        spec.policy,
        now,
        limits,
        spec.beacon.configs,
        tuple(lights),
    )


async def gather_account(
    spec: AccountSpec,
    *,
    now: Timestamp,
    as_of: Timestamp | None = None,
    seconds: float = NETWORK_SECONDS,
    known: Mapping[Place, Capacity] = NOTHING_KNOWN,
    shelf: Shelf | None = None,
) -> tuple[GatheredBundle, tuple[EndpointReport, ...]]:
    """
    Gather an account's evidence from its endpoints; every answer is verified as it comes.

    Args:
        known: How the endpoints were found to be asked best in earlier runs.
        shelf: Where light clients go on from, and are kept.

    Raises:
        CountedTwice: Two claims are one balance; found before anything is asked.
    """
    check_duplicates(spec.claims, spec.aliases, spec.escrows)
    moment = as_of if as_of is not None else spec.as_of if spec.as_of is not None else now
    async with desk_of(spec, seconds, known) as desk:
        checker, prices = checker_of(spec, now), [feed.claim for feed in spec.feeds]
        lights = lights_of(spec, desk, checker, shelf)
        gathered = await gather_bundle(
            spec.claims, moment, desk, checker, lights=lights, prices=prices, updates=spec.updates
        )
        return gathered, desk.report()


def verify_account(
    spec: AccountSpec,
    *,
    now: Timestamp,
    as_of: Timestamp | None = None,
    last_proven: Mapping[Identity, ProvenAmount] | None = None,
    seconds: float = NETWORK_SECONDS,
    known: Mapping[Place, Capacity] = NOTHING_KNOWN,
    shelf: Shelf | None = None,
    fresh: bool = False,
) -> Run:
    """
    Gather, verify and weigh an account over its networks.

    Args:
        fresh: Also look, where a settled root of before the as-of time was taken, what the newest posted one shows.
    """
    way = gather_account(spec, now=now, as_of=as_of, seconds=seconds, known=known, shelf=shelf)
    gathered, endpoints = asyncio.run(way)
    verified = verify_gathered(gathered, checker_of(spec, now))
    run = _run(spec, gathered.data, verified, (), gathered.roots, endpoints, now, last_proven)
    run = _recorded(run, shelf)
    again = partial(_once_more, run, seconds=seconds, known=known, shelf=shelf)
    policy = spec.policy
    floor = again(_on_proposed_roots(run), replace(policy, settlements=policy.settlements - {Settlement.PROPOSED}))
    return replace(run, floor=floor, fresh=again(_on_old_roots(run), policy.looking()) if fresh else {})


SHOWN_LAG: Final = 30 * DAY
"""How far before the as-of time a root may lie to be shown beside a figure. It counts nowhere."""


def _on_proposed_roots(run: Run) -> list[int]:
    """Claims whose figure rests on a root that is only posted."""
    outcomes = enumerate(run.verified.outcomes)
    return [i for i, o in outcomes if isinstance(o, ProvenAmount) and o.trust.settlement is Settlement.PROPOSED]


def _on_old_roots(run: Run) -> list[int]:
    """Claims under a settled root whose block lies before the as-of time, also where it lies too far before."""
    return [i for i, outcome in enumerate(run.verified.outcomes) if _on_old_root(outcome, run.spec)]


def _on_old_root(outcome: Outcome, spec: AccountSpec) -> bool:
    if isinstance(outcome, ProvenAmount):
        return outcome.moment is Moment.HEAD and outcome.trust.settlement is Settlement.SETTLED
    rooted = spec.networks[outcome.claim.chain_id].rooted_by
    return isinstance(outcome.error, TooOld) and isinstance(rooted, SettledOn)


def _once_more(
    run: Run,
    claims: Sequence[int],
    policy: Policy,
    *,
    seconds: float,
    known: Mapping[Place, Capacity],
    shelf: Shelf | None,
) -> dict[int, Outcome]:
    """What some claims are found to be under another choice of roots: gathered beside, and only shown."""
    if not claims:
        return {}
    wide = replace(policy, max_head_lag=max(SHOWN_LAG, policy.max_head_lag))
    spec = replace(run.spec, policy=wide, claims=tuple(run.spec.claims[i] for i in claims), feeds=())
    way = gather_account(spec, now=run.now, as_of=run.verified.as_of, seconds=seconds, known=known, shelf=shelf)
    gathered, _ = asyncio.run(way)
    found = verify_gathered(gathered, checker_of(spec, run.now)).outcomes
    return dict(zip(claims, found, strict=True))


def check_account(
    spec: AccountSpec,
    data: bytes,
    *,
    now: Timestamp,
    roots: Iterable[TrustRoot] = (),
    ask: bool = False,
    seconds: float = NETWORK_SECONDS,
    lights: Iterable[LightClientState] = (),
    shelf: Shelf | None = None,
) -> Run:
    """
    Verify a bundle against one's own account file, and weigh what the account claims, no more and no less.

    A claim of the account that the bundle leaves out is missing, so that nobody hides a debt by not sending it.

    Args:
        data: Untrusted.
        ask: Let the account's own endpoints say whether they know the bundle's anchors, where no root names them.
        lights: Light-client states that the checker has at hand.
        shelf: Where others are kept that were recorded with runs.

    Raises:
        Malformed: The bytes are no bundle.
    """
    kept = () if shelf is None else shelf.recorded(anchors_of(data))
    believed = checker_of(spec, now, roots, lights=(*lights, *kept))
    endpoints: tuple[EndpointReport, ...] = ()
    unconfirmed: tuple[str, ...] = ()
    if ask:
        believed, endpoints, unconfirmed = asyncio.run(_ask_anchors(spec, data, believed, seconds))
    verified, strangers = match_claims(spec.claims, verify_bundle(data, believed))
    run = _run(spec, data, verified, strangers, tuple(believed.roots), endpoints, now, None)
    return replace(_recorded(run, shelf), unconfirmed=unconfirmed)


def _recorded(run: Run, shelf: Shelf | None) -> Run:
    """The run with what its record needs of the light clients that anchored it; contradictions are kept at once."""
    if shelf is None:
        return run
    points = {root.chain_id: root for root in run.spec.roots if isinstance(root, Checkpoint)}
    for outcome in run.verified.outcomes:
        if isinstance(outcome, Refusal) and isinstance(outcome.error, Misbehaviour):
            chain = outcome.claim.chain_id
            if chain in points:
                shelf.stop(run.spec.networks[chain].name, points[chain], outcome.error, run.now)
    states = run.verified.lights.items()
    networks = run.spec.networks
    return replace(run, lights=tuple(shelf.record(networks[chain], state, run.now) for chain, state in states))


def anchors_of(data: bytes) -> dict[ChainId, Hash32]:
    """
    The execution block that each section of a bundle begins at, computed from its header.

    Raises:
        Malformed: The bytes are no bundle.
    """
    sections = parse_bundle(data).bundle.sections
    return {section.chain_id: Hash32(keccak256(section.anchor)) for section in sections}


async def _ask_anchors(
    spec: AccountSpec, data: bytes, believed: Checker, seconds: float
) -> tuple[Checker, tuple[EndpointReport, ...], tuple[str, ...]]:
    async with desk_of(spec, seconds) as desk:
        found, lost = await observe_anchors(parse_bundle(data, believed.limits).bundle, desk, believed)
        return replace(believed, roots=(*believed.roots, *found)), desk.report(), lost


def match_claims(claims: Iterable[Claim], verified: Verified) -> tuple[Verified, tuple[Outcome, ...]]:
    """The outcomes of an account's own claims, in its order, and those that it does not make."""
    by_claim = {_question(outcome.claim): outcome for outcome in verified.outcomes}
    own: list[Outcome] = []
    for claim in claims:
        outcome = by_claim.pop(_question(claim), None)
        if outcome is None:
            where = Where(network=f"chain {claim.chain_id}", address=claim.holder)
            outcome = Refusal(
                claim, MissingEvidence(where, f"a claim on {claim.asset.symbol} in the bundle"), missing=True
            )
        own.append(outcome)
    return replace(verified, outcomes=tuple(own)), tuple(by_claim.values())


def _question(claim: Claim) -> tuple[object, ...]:
    """What a claim asks, apart from where its meaning comes from."""
    return (claim.asset, claim.holder, claim.kind, claim.reading)


def _run(
    spec: AccountSpec,
    data: bytes,
    verified: Verified,
    strangers: tuple[Outcome, ...],
    roots: tuple[TrustRoot, ...],
    endpoints: tuple[EndpointReport, ...],
    now: Timestamp,
    last_proven: Mapping[Identity, ProvenAmount] | None,
) -> Run:
    account = build_account(
        spec.name,
        verified.outcomes,
        as_of=verified.as_of,
        bundle_id=verified.bundle_id,
        policy=spec.policy,
        rules=spec.rules,
        mode=spec.mode,
        prices=spec.prices,
        debts=spec.debts,
        positions=spec.positions,
        pockets=spec.pockets,
        last_proven=last_proven or {},
        aliases=spec.aliases,
        escrows=spec.escrows,
        market=spec.market,
        feeds=spec.feeds,
        proven_prices=[price for price in verified.prices if not isinstance(price, PriceRefusal)],
    )
    return Run(spec, data, verified, strangers, report(account), roots, endpoints, now)


def proven_again(data: bytes, believed: Checker) -> tuple[ProvenAmount, ...]:
    """
    What an old bundle out of storage still proves to this checker.

    Storage is as untrusted as the network: amounts are never read back, only evidence is, and it is verified anew. A
    bundle whose root the checker no longer names proves nothing.
    """
    old = replace(believed.policy, max_age=believed.policy.age_hard)
    try:
        verified = verify_bundle(data, replace(believed, policy=old))
    except VerifierError:
        return ()
    return tuple(outcome for outcome in verified.outcomes if isinstance(outcome, ProvenAmount))


class Evidence(Protocol):
    """Where old bundles are kept."""

    def bundles_with(self, chain: ChainId, contract: Address | None, holder: Address, limit: int = 3) -> list[Hash32]:
        """Ids of bundles that are said to prove a claim, latest first."""
        ...

    def load_bundle(self, bundle: Hash32) -> bytes:
        """A bundle's bytes, whose id was computed anew."""
        ...


def last_proven(lost: Iterable[Refusal], kept: Evidence, believed: Checker) -> dict[Identity, ProvenAmount]:
    """What old bundles still prove of claims that have no figure now: of the same question, each verified again."""
    found: dict[Identity, ProvenAmount] = {}
    for refusal in lost:
        claim = refusal.claim
        for old in kept.bundles_with(claim.chain_id, claim.asset.contract, claim.holder):
            amounts = proven_again(kept.load_bundle(old), believed)
            same = [amount for amount in amounts if _question(amount.claim) == _question(claim)]
            if same:
                found[claim.identity] = same[0]
                break
    return found


def weigh_again(run: Run, proven: Mapping[Identity, ProvenAmount]) -> Run:
    """The same run, its high figure with what was proven last of claims that have no figure now."""
    again = _run(run.spec, run.data, run.verified, run.strangers, run.roots, run.endpoints, run.now, proven)
    return replace(again, lights=run.lights, floor=run.floor, fresh=run.fresh)
