"""What is said over a margin account, as one value with one byte form.

A statement is made from a `MarginReport`, which is computed from proven values, and from nothing else. It names the
blocks that the figures rest on, every claim that was examined with its verdict, everything that was declared and not
proven, and for each holder whether control of it was shown. It is bound to one chain and contract, one account, one
moment, a time after which it holds no longer, and a number that rises with each statement of its signer.

What it does not say is as much a part of it: a claim nobody made was not examined, and no list of claims can show that
there are no further debts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from verifier.claims import ClaimKind
from verifier.errors import NotAttestable, Where
from verifier.margin.declared_market import DeclaredMarket
from verifier.margin.fixed import show_scaled
from verifier.margin.report import MarginReport
from verifier.margin.risk import Risk
from verifier.margin.status import SEVERITY, Status
from verifier.primitives import (
    MAX_UINT64,
    ZERO_HASH,
    Address,
    BlockNumber,
    ChainId,
    Hash32,
    Timestamp,
    address,
    chain_id,
    hash32,
    nonzero_hash,
)
from verifier.proven import ProvenAmount, SignedPrice
from verifier.verify import Outcome, Refusal

VERSION: Final = 1
MAX_VALID: Final = 30 * 86_400
"""Seconds: nothing that anyone relies on says what an account was worth a month ago."""
MAX_NAME: Final = 64
_HERE: Final = Where(network="attestation")


class Shown(StrEnum):
    """How control of a holder was shown."""

    NOT = "not-shown"
    EIP191 = "eip191"
    EIP712 = "eip712"
    ERC1271 = "erc1271"


class Verdict(StrEnum):
    """What became of a claim."""

    PROVEN = "proven"
    REFUSED = "refused"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Binding:
    """Where a statement is meant to be used: one contract on one chain, both in the signed domain."""

    chain_id: ChainId
    contract: Address

    def __post_init__(self) -> None:
        chain_id(self.chain_id)
        if not any(address(self.contract)):
            raise NotAttestable(_HERE, "it is bound to no contract: name one that is to take it, or one of your own")


@dataclass(frozen=True, slots=True)
class Anchored:
    """One block that figures rest on."""

    chain_id: ChainId
    number: BlockNumber
    hash: Hash32
    time: Timestamp
    trust: str
    moment: str


@dataclass(frozen=True, slots=True)
class Examined:
    """One claim, and what became of it. `amount` is signed base units, None unless proven."""

    chain_id: ChainId
    contract: Address | None
    holder: Address
    kind: ClaimKind
    symbol: str
    group: str
    decimals: int
    source: str
    verdict: Verdict
    amount: int | None


@dataclass(frozen=True, slots=True)
class Declared:
    """A number that nobody proved: a price, a debt or a position. `amount` is what was typed, with its scale."""

    kind: str
    name: str
    group: str
    amount: int
    decimals: int
    at: Timestamp | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """Everything that is signed. Money in 1e-18 USD; a figure that cannot be given is None.

    Attributes:
        sequence: Strictly rising with each statement that its signer makes.
        quorum: Digest of the set of signers that must sign, or zero where any signer the checker trusts will do.
        holders: For each holder of a claim, whether control of it was shown.
    """

    binding: Binding
    account: str
    sequence: int
    status: Status
    mode: str
    equity_low: int | None
    equity_high: int | None
    initial: int | None
    maintenance: int | None
    as_of: Timestamp
    issued_at: Timestamp
    valid_until: Timestamp
    bundle_id: Hash32
    policy_digest: Hash32
    snapshot_digest: Hash32
    quorum: Hash32 = ZERO_HASH
    anchors: tuple[Anchored, ...] = ()
    examined: tuple[Examined, ...] = ()
    declared: tuple[Declared, ...] = ()
    holders: Mapping[Address, Shown] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 1 <= len(self.account) <= MAX_NAME or not self.account.isascii() or not self.account.isprintable():
            raise NotAttestable(_HERE, f"an account is named by 1 to {MAX_NAME} printable ASCII characters")
        if type(self.sequence) is not int or not 1 <= self.sequence <= MAX_UINT64:
            raise NotAttestable(_HERE, f"its number is from 1 to 2^64-1, not {self.sequence}")
        if not self.as_of <= self.issued_at < self.valid_until <= self.issued_at + MAX_VALID:
            raise NotAttestable(_HERE, "as-of time, issue and expiry follow one another, at most 30 days apart")
        for value in (self.bundle_id, self.policy_digest, self.snapshot_digest):
            nonzero_hash(value)
        hash32(self.quorum)


def make_statement(
    report: MarginReport,
    *,
    binding: Binding,
    sequence: int,
    issued_at: Timestamp,
    valid_for: int,
    holders: Mapping[Address, Shown] | None = None,
    quorum: Hash32 = ZERO_HASH,
    take_doubts: bool = False,
) -> Statement:
    """
    The statement over a report.

    Args:
        report: Of an account built from proven values; a hypothetical one is refused.
        sequence: Higher than that of every statement made before.
        valid_for: Seconds, at least 1.
        holders: How control was shown; a holder that is not named was not shown.
        take_doubts: Also state what is missing or in doubt; the status then says so.

    Raises:
        NotAttestable: Hypothetical, empty, refused in part, too old, or (unless told) in doubt.
    """
    if type(report) is not MarginReport:
        raise NotAttestable(_HERE, "it is no report of a proven account")
    account, figures = report.account, report.figures
    _check_whole(report, issued_at, take_doubts=take_doubts)
    low, high = figures.total_low, figures.total_high
    return Statement(
        binding=binding,
        account=account.name,
        sequence=sequence,
        status=report.status,
        mode=account.mode.value,
        equity_low=_equity(low),
        equity_high=_equity(high),
        initial=None if low is None else low.initial,
        maintenance=None if low is None else low.maintenance,
        as_of=account.as_of,
        issued_at=issued_at,
        valid_until=Timestamp(issued_at + valid_for),
        bundle_id=account.bundle_id,
        policy_digest=figures.policy_digest,
        snapshot_digest=figures.snapshot_digest,
        quorum=quorum,
        anchors=_anchors(account.outcomes),
        examined=tuple(_examined(outcome) for outcome in account.outcomes),
        declared=_declared(report),
        holders=_holders(account.outcomes, holders or {}),
    )


def _check_whole(report: MarginReport, issued_at: Timestamp, *, take_doubts: bool) -> None:
    account = report.account
    if not account.outcomes:
        raise NotAttestable(_HERE, "it examines nothing")
    refused = [o for o in account.outcomes if isinstance(o, Refusal) and not o.missing]
    if refused:
        error = refused[0].error
        raise NotAttestable(_HERE, f"{len(refused)} claims were refused, the first of them with {error}")
    age = issued_at - account.as_of
    if age > account.policy.max_age:
        raise NotAttestable(_HERE, f"it is {age} s old; the policy allows {account.policy.max_age} s")
    doubts = [f"{reason.doubt.value} of {reason.subject}" for reason in report.figures.reasons]
    in_doubt = doubts or report.status in {Status.INDETERMINATE, Status.DATA_CALL}
    if in_doubt and not take_doubts:
        raise NotAttestable(_HERE, f"it is in doubt ({', '.join(doubts[:3]) or report.status.value})")


def _equity(risk: Risk | None) -> int | None:
    return None if risk is None else risk.equity


def _anchors(outcomes: tuple[Outcome, ...]) -> tuple[Anchored, ...]:
    found: dict[tuple[ChainId, Hash32], Anchored] = {}
    for outcome in outcomes:
        if isinstance(outcome, ProvenAmount):
            header = outcome.header
            found[header.network.chain_id, header.hash] = Anchored(
                chain_id=header.network.chain_id,
                number=header.number,
                hash=header.hash,
                time=header.timestamp,
                trust=header.trust.word,
                moment=outcome.moment.value,
            )
    return tuple(found[key] for key in sorted(found))


def _examined(outcome: Outcome) -> Examined:
    claim, proven = outcome.claim, isinstance(outcome, ProvenAmount)
    verdict = Verdict.PROVEN
    if isinstance(outcome, Refusal):
        verdict = Verdict.MISSING if outcome.missing else Verdict.REFUSED
    return Examined(
        chain_id=claim.chain_id,
        contract=claim.asset.contract,
        holder=claim.holder,
        kind=claim.kind,
        symbol=claim.asset.symbol,
        group=claim.asset.group,
        decimals=claim.asset.decimals,
        source=claim.source.value,
        verdict=verdict,
        amount=outcome.amount if proven and isinstance(outcome, ProvenAmount) else None,
    )


def _declared(report: MarginReport) -> tuple[Declared, ...]:
    account = report.account
    prices = [Declared("price", p.group, p.group, p.price, 18, p.at) for p in account.prices]
    prices += [
        Declared("signed price", p.claim.group, p.claim.group, p.price, 18, p.at)
        for p in account.proven_prices
        if isinstance(p, SignedPrice)
    ]
    debts = [Declared("debt", d.name, d.group, d.amount, d.decimals, d.at) for d in account.debts]
    positions = [Declared("position", p.name, p.group, p.size, p.decimals, None) for p in account.positions]
    return (*prices, *debts, *positions, *_market(account.market))


def _market(market: DeclaredMarket) -> list[Declared]:
    """What values and burdens positions: forwards, volatilities (ppm) and resting orders."""
    found = []
    for quoted in market.expiries:
        name = f"{quoted.group} {quoted.expiry}"
        found.append(Declared("forward", name, quoted.group, quoted.forward + quoted.fixed, 18, quoted.at))
        if quoted.volatility is not None:
            found.append(Declared("volatility", name, quoted.group, quoted.volatility, 6, quoted.at))
        for strike, vol in sorted(quoted.vols.items()):
            found.append(Declared("volatility", f"{name} {show_scaled(strike)}", quoted.group, vol, 6, quoted.at))
    return found + [Declared("order", o.id, o.group, o.size, o.decimals, None) for o in market.orders]


def _holders(outcomes: tuple[Outcome, ...], shown: Mapping[Address, Shown]) -> dict[Address, Shown]:
    found = sorted({outcome.claim.holder for outcome in outcomes})
    return {holder: shown.get(holder, Shown.NOT) for holder in found}


STATUS_CODES: Final[Mapping[Status, int]] = {status: code for code, status in enumerate(SEVERITY)}
"""The status as a number, for contracts: its severity, 0 being healthy."""
