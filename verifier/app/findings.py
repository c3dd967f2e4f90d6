"""What a command found, in one shape for the table, the JSON and the store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from chains.behaviour import EndpointReport
from chains.dialects.eth import KEYS_PER_CALL
from chains.probe import Capability
from verifier.app.call_store import PoolSeen, Watched
from verifier.app.exit_codes import Exit, codes_of, worst
from verifier.app.kept import (
    CAPACITY_SECONDS,
    KeptCapacity,
    KeptEndpoint,
    KeptLight,
    KeptSnapshot,
    Record,
    kept_amounts,
)
from verifier.app.service import Run
from verifier.checker import Checker
from verifier.margin.account import quotes_of
from verifier.margin.fixed import show_scaled
from verifier.margin.observe import observation
from verifier.margin.report import MarginReport
from verifier.network import Network
from verifier.policy import Policy
from verifier.primitives import Address, ChainId, Hash32, Timestamp
from verifier.proven import Moment, ProvenAmount, SignedPrice
from verifier.trust import Settlement, TrustRoot
from verifier.verify import Outcome, PriceOutcome, PriceRefusal, Refusal, Verified


@dataclass(frozen=True, slots=True)
class Findings:
    """
    One run of verify, gather, check or explain.

    Attributes:
        strangers: Outcomes of claims in the bundle that the account does not make.
        holders: The names that the account file gives its addresses.
        report: None where no account was weighed.
        notes: What a person should know beside the figures.
        lights: Light-client states that anchored the run, sealed for the store.
        prices: Prices by proof, or why there is none.
        floor: By index, what settled roots show of claims whose figures rest on proposed ones.
        fresh: By index, what posted roots show of claims under a settled root of before the as-of time.
    """

    command: str
    now: Timestamp
    as_of: Timestamp
    bundle: bytes
    bundle_id: Hash32
    outcomes: tuple[Outcome, ...]
    networks: Mapping[ChainId, Network]
    roots: tuple[TrustRoot, ...]
    policy: Policy
    account: str | None = None
    strangers: tuple[Outcome, ...] = ()
    holders: Mapping[Address, str] | None = None
    report: MarginReport | None = None
    endpoints: tuple[EndpointReport, ...] = ()
    notes: tuple[str, ...] = ()
    lights: tuple[KeptLight, ...] = ()
    prices: tuple[PriceOutcome, ...] = ()
    floor: Mapping[int, Outcome] = field(default_factory=dict)
    fresh: Mapping[int, Outcome] = field(default_factory=dict)

    @property
    def codes(self) -> tuple[Exit, ...]:
        """All exit codes that apply."""
        return codes_of(self.outcomes, None if self.report is None else self.report.status, self.prices)

    @property
    def exit_code(self) -> Exit:
        """The worst of them."""
        return worst(self.codes)


def of_run(command: str, run: Run, notes: tuple[str, ...] = ()) -> Findings:
    """The findings of an account that was weighed."""
    return Findings(
        command=command,
        now=run.now,
        as_of=run.verified.as_of,
        bundle=run.data,
        bundle_id=run.verified.bundle_id,
        outcomes=run.verified.outcomes,
        networks=run.spec.networks,
        roots=run.roots,
        policy=run.spec.policy,
        account=run.spec.name,
        strangers=run.strangers,
        holders=run.spec.holders,
        report=run.report,
        endpoints=run.endpoints,
        lights=run.lights,
        notes=(*notes, *run.unconfirmed, *_price_notes(run), *_root_notes(run)),
        prices=run.verified.prices,
        floor=run.floor,
        fresh={i: outcome for i, outcome in run.fresh.items() if not _is_settled(outcome)},
    )


def _root_notes(run: Run) -> Iterator[str]:
    """For each rollup that its parent anchors: which root was taken, from when, and what the other choice gives."""
    for header, moment in run.verified.snapshots.values():
        settlement = header.trust.settlement
        if settlement not in {Settlement.SETTLED, Settlement.PROPOSED}:
            continue
        lag = run.verified.as_of - header.timestamp
        when = "exactly at the as-of time" if moment is Moment.EXACT else f"{lag} s before the as-of time"
        if settlement is Settlement.PROPOSED:
            other = "the settled floor is shown beside it"
        elif moment is Moment.EXACT:
            other = "nothing is fresher at that time"
        else:
            other = _fresher(run, header.network)
        yield f"{header.network.name}: a {settlement.value} root, its block {when}; {other}"


def _fresher(run: Run, network: Network) -> str:
    """What a root that is only posted gives in place of a settled one."""
    found = [outcome for outcome in run.fresh.values() if outcome.claim.chain_id == network.chain_id]
    counts = "which counts by [policy.proposed] only"
    if not found:
        return f"a proposed root may be fresher, {counts}"
    if _is_settled(found[0]):
        return "no root is posted that is newer and stands uncontradicted"
    if isinstance(found[0], Refusal):
        return f"no fresher figure can be shown: {found[0].error}"
    return f"beside it stands what a proposed root gives, {counts}"


def _is_settled(outcome: Outcome) -> bool:
    return isinstance(outcome, ProvenAmount) and outcome.trust.settlement is Settlement.SETTLED


def _price_notes(run: Run) -> Iterator[str]:
    """What a person should know of prices that give nothing, and why; and of those that are only signed."""
    for price in run.verified.prices:
        if isinstance(price, SignedPrice):
            who = f"{len(price.signed_by)} of {price.size} guardians of set {price.number}"
            claim = price.claim
            yield f"the price of {claim.group} by {claim.how.kind.value} is signed by {who}, and not proven"
    refused = {price.claim: str(price.error) for price in run.verified.prices if isinstance(price, PriceRefusal)}
    for claim, why in quotes_of(run.report.account).unusable.items():
        yield f"the price of {claim.group} by {claim.how.kind.value} is not taken: {refused.get(claim, why)}"


def of_verified(
    command: str,
    data: bytes,
    verified: Verified,
    checker: Checker,
    *,
    endpoints: tuple[EndpointReport, ...] = (),
    account: str | None = None,
    notes: tuple[str, ...] = (),
) -> Findings:
    """The findings of a bundle alone: no margin account."""
    return Findings(
        command=command,
        now=checker.now,
        as_of=verified.as_of,
        bundle=data,
        bundle_id=verified.bundle_id,
        outcomes=verified.outcomes,
        networks=checker.networks,
        roots=tuple(checker.roots),
        policy=checker.policy,
        account=account,
        endpoints=endpoints,
        notes=notes,
        prices=verified.prices,
    )


def record_of(found: Findings, shown: str) -> Record:
    """What is kept of it, before it is shown."""
    return Record(
        at=found.now,
        command=found.command,
        exit_code=found.exit_code,
        shown=shown,
        account=found.account,
        codes=tuple(int(code) for code in found.codes),
        bundle=found.bundle,
        bundle_id=found.bundle_id,
        as_of=found.as_of,
        amounts=kept_amounts(found.outcomes, found.networks),
        snapshot=None if found.report is None else _snapshot(found, found.report, shown),
        endpoints=tuple(_endpoint(report, found) for report in found.endpoints),
        capacities=tuple(_capacity(report, found) for report in found.endpoints if report.learned),
        lights=found.lights,
    )


def _snapshot(found: Findings, report: MarginReport, shown: str) -> KeptSnapshot:
    low, high = report.figures.total_low, report.figures.total_high
    only = report.figures.pockets[0] if len(report.figures.pockets) == 1 else None
    return KeptSnapshot(
        account=report.account.name,
        as_of=found.as_of,
        policy_digest=report.figures.policy_digest,
        status=report.status.value,
        equity_low=None if low is None else show_scaled(low.equity),
        equity_high=None if high is None else show_scaled(high.equity),
        initial=None if low is None else show_scaled(low.initial),
        maintenance=None if low is None else show_scaled(low.maintenance),
        ratio=None if low is None or only is None else only.shown(low.ratio),
        report=shown,
        watched=watched_of(report, found.now),
    )


def watched_of(report: MarginReport, now: Timestamp) -> Watched:
    """What the call ladder sees of an account."""
    rules = report.account.rules
    pools = tuple(PoolSeen(p.name, observation(p, rules, now)) for p in report.figures.pockets)
    return Watched(report.account.name, report.figures.policy_digest, pools, rules.ladder, rules.calls)


def _endpoint(report: EndpointReport, found: Findings) -> KeptEndpoint:
    network = found.networks.get(report.chain_id)
    return KeptEndpoint(
        chain_id=report.chain_id,
        network=f"chain {report.chain_id}" if network is None else network.name,
        endpoint=report.name,
        operator=report.operator,
        at=found.now,
        served=report.served,
        failed=report.failed,
        lied=report.lied,
        first_error=report.first_lie or report.last_failure,
        latency_ms=report.latency_ms,
    )


def _capacity(report: EndpointReport, found: Findings) -> KeptCapacity:
    network, learned = found.networks.get(report.chain_id), report.capacity
    return KeptCapacity(
        chain_id=report.chain_id,
        network=f"chain {report.chain_id}" if network is None else network.name,
        endpoint=report.name,
        host=report.host,
        found_by="run",
        at=found.now,
        expires=Timestamp(found.now + CAPACITY_SECONDS),
        by_hash=learned.by_hash,
        keys_per_call=learned.keys_per_call,
        batch=learned.batch,
        latency_ms=report.latency_ms,
        unproven=learned.unproven,
    )


def record_of_probe(
    shown: str, code: int, network: Network, found: Sequence[Capability], hosts: Mapping[str, str], now: Timestamp
) -> Record:
    """What is kept of a probe: what it showed, and how its endpoints are asked until that expires."""
    kept = tuple(_probed(capability, network, hosts[capability.endpoint], now) for capability in found)
    return Record(at=now, command="probe", exit_code=code, shown=shown, codes=(code,), capacities=kept)


def _probed(found: Capability, network: Network, host: str, now: Timestamp) -> KeptCapacity:
    return KeptCapacity(
        chain_id=network.chain_id,
        network=network.name,
        endpoint=found.endpoint,
        host=host,
        found_by="probe",
        at=now,
        expires=Timestamp(now + CAPACITY_SECONDS),
        by_hash=found.by_hash is not False,
        keys_per_call=min(found.keys or KEYS_PER_CALL, KEYS_PER_CALL),
        batch=max(1, found.batch),
        proofs=found.proofs,
        window=found.window,
        height=found.height,
        client=found.client,
        latency_ms=found.latency_ms,
        unproven=found.unproven,
    )
