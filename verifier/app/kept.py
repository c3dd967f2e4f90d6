"""What a run leaves behind: plain rows, made from proven outcomes and refusals before anything is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from verifier.app.call_store import Watched
from verifier.app.report.escape import clean
from verifier.claims import Claim
from verifier.errors import BadInput, VerifierError
from verifier.network import Network
from verifier.primitives import ChainId, Hash32, Timestamp, to_hex
from verifier.proven import ProvenAmount
from verifier.verify import Outcome, Refusal

MAX_TEXT = 2_000
"""Longer sentences are cut before they are kept: a refusal must not fill the disk."""


@dataclass(frozen=True, slots=True)
class KeptAmount:
    """The outcome of one claim. `amount` is None exactly where the claim was not proven."""

    claim: int
    chain_id: ChainId
    network: str
    contract: str | None
    holder: str
    kind: str
    symbol: str
    asset_group: str
    decimals: int
    source: str
    verdict: str
    amount: int | None = None
    block_number: int | None = None
    block_hash: str | None = None
    block_time: int | None = None
    moment: str | None = None
    anchor: str | None = None
    settlement: str | None = None
    bases: str | None = None
    refusal_class: str | None = None
    refusal: str | None = None


@dataclass(frozen=True, slots=True)
class KeptSnapshot:
    """A margin account as it was reported; money as decimal text. `watched` is what the call ladder sees of it."""

    account: str
    as_of: Timestamp
    policy_digest: Hash32
    status: str
    equity_low: str | None
    equity_high: str | None
    initial: str | None
    maintenance: str | None
    ratio: str | None
    report: str
    watched: Watched | None = None


@dataclass(frozen=True, slots=True)
class KeptEndpoint:
    """What one endpoint did in this run. It stands by name; there is no place here for its URL."""

    chain_id: ChainId
    network: str
    endpoint: str
    operator: str
    at: Timestamp
    served: int
    failed: int
    lied: int
    first_error: str | None = None
    latency_ms: int | None = None


@dataclass(frozen=True, slots=True)
class KeptCapacity:
    """How an endpoint was found to be asked best, for a day: it decides pace and nothing that is proven.

    Attributes:
        found_by: "run" where it was learned on the way, "probe" where it was asked for.
        expires: From then on it is found out anew, since providers change.
        proofs, window, height, client, latency_ms: What a probe found; None where a run learned the rest.
        unproven: The newest block whose state it was found not to prove.
    """

    chain_id: ChainId
    network: str
    endpoint: str
    host: str
    found_by: str
    at: Timestamp
    expires: Timestamp
    by_hash: bool
    keys_per_call: int
    batch: int
    proofs: bool | None = None
    window: int | None = None
    height: int | None = None
    client: str | None = None
    latency_ms: int | None = None
    unproven: int | None = None


CAPACITY_SECONDS: Final = 86_400


@dataclass(frozen=True, slots=True)
class KeptLight:
    """A light-client state that anchored a run; what it says is under the seal, the rest is where to look."""

    chain_id: ChainId
    network: str
    slot: int
    root: str
    sealed: bytes


@dataclass(frozen=True, slots=True)
class Record:
    """
    One time something is shown.

    Attributes:
        shown: The JSON that is shown, or that the table was made from.
        codes: All exit codes that apply; `exit_code` is the worst of them.
        bundle: The bytes of the bundle, and its content id and as-of time.
    """

    at: Timestamp
    command: str
    exit_code: int
    shown: str
    account: str | None = None
    codes: tuple[int, ...] = ()
    bundle: bytes | None = None
    bundle_id: Hash32 | None = None
    as_of: Timestamp | None = None
    amounts: tuple[KeptAmount, ...] = ()
    snapshot: KeptSnapshot | None = None
    endpoints: tuple[KeptEndpoint, ...] = field(default=())
    capacities: tuple[KeptCapacity, ...] = ()
    lights: tuple[KeptLight, ...] = ()

    def __post_init__(self) -> None:
        if (self.amounts or self.snapshot) and (self.bundle is None or self.bundle_id is None or self.as_of is None):
            raise BadInput("record", "a bundle with its id and as-of time beside amounts or a snapshot", "none")
        for name, text in (("account", self.account or ""), ("command", self.command)):
            if len(text) > 64 or not text.isprintable():
                raise BadInput(name, "at most 64 printable characters", text)


def kept_amounts(outcomes: tuple[Outcome, ...], networks: Mapping[ChainId, Network]) -> tuple[KeptAmount, ...]:
    """A row for each outcome, in the bundle's order."""
    return tuple(kept_amount(i, outcome, networks) for i, outcome in enumerate(outcomes))


def kept_amount(index: int, outcome: Outcome, networks: Mapping[ChainId, Network]) -> KeptAmount:
    """One row. A refusal never becomes a figure: its amount stays empty."""
    claim = outcome.claim
    network = networks.get(claim.chain_id)
    base = _of_claim(index, claim, f"chain {claim.chain_id}" if network is None else network.name)
    if isinstance(outcome, Refusal):
        error = outcome.error
        return KeptAmount(
            *base,
            verdict="missing" if outcome.missing else "refused",
            refusal_class=error.refusal_class if isinstance(error, VerifierError) else "TRANSPORT",
            refusal=clean(str(error))[:MAX_TEXT],
        )
    return _of_proven(base, outcome)


_Base = tuple[int, ChainId, str, str | None, str, str, str, str, int, str]


def _of_claim(index: int, claim: Claim, network: str) -> _Base:
    asset = claim.asset
    return (
        index,
        claim.chain_id,
        network,
        None if asset.contract is None else to_hex(asset.contract),
        to_hex(claim.holder),
        claim.kind.value,
        asset.symbol,
        asset.group,
        asset.decimals,
        claim.source.value,
    )


def _of_proven(base: _Base, proven: ProvenAmount) -> KeptAmount:
    trust, header = proven.trust, proven.header
    return KeptAmount(
        *base,
        verdict="proven",
        amount=proven.amount,
        block_number=header.number,
        block_hash=to_hex(header.hash),
        block_time=header.timestamp,
        moment=proven.moment.value,
        anchor=trust.anchor.value,
        settlement=None if trust.settlement is None else trust.settlement.value,
        bases=" ".join(sorted(basis.value for basis in trust.bases)),
    )
