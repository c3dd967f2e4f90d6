"""The margin account: proven amounts of one moment, the refusals beside them, and what was declared.

Collateral comes in as `ProvenAmount` and in no other way: a declared debt or position has no holding side, and a
refusal carries no figure. Anyone who holds proven parts may build an account; nothing here proves anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from verifier.claims import Claim, ClaimKind
from verifier.errors import BadInput, SkewTooLarge, Where
from verifier.margin.declared import CROSS, DeclaredDebt, DeclaredPosition, DeclaredPrice
from verifier.margin.declared_market import NO_MARKET, DeclaredMarket
from verifier.margin.duplicates import (
    NO_ALIASES,
    NO_ESCROWS,
    Aliases,
    Escrows,
    Identity,
    check_duplicates,
    check_read,
    label,
)
from verifier.margin.encumbrance import encumber
from verifier.margin.liquidity import doubt_shares
from verifier.margin.modes import Mode
from verifier.margin.quotes import Answer, Feed, Quotes, resolve
from verifier.margin.rules import DEFAULT_RULES, MarginRules
from verifier.margin.snapshot import Doubt, Line, Position, Provenance, Reason, Snapshot
from verifier.policy import Policy
from verifier.primitives import Hash32, Timestamp
from verifier.proven import Moment, ProvenAmount, ProvenHeader
from verifier.verify import Outcome, Refusal

NOTHING_PROVEN: Final[Mapping[Identity, ProvenAmount]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class MarginAccount:
    """Everything an account is weighed from. Made by `build_account`, which checks that its parts fit together.

    Attributes:
        bundle_id: The evidence that the outcomes were verified from.
        outcomes: One for each claim, in the account's order.
        pockets: Isolated pocket by index of the claim; a claim without one is in the cross pool.
        last_proven: What was proven last, and again now, of claims that are refused or missing.
        market: What markets are said to quote beside spot prices, and what rests in their books.
        aliases: Contracts through which another asset's balances are seen, so that both count as one.
        feeds, proven_prices: Prices that the account asks for, and those that were proven, or shown to be signed.
    """

    name: str
    as_of: Timestamp
    bundle_id: Hash32
    mode: Mode
    policy: Policy
    rules: MarginRules
    outcomes: tuple[Outcome, ...]
    prices: tuple[DeclaredPrice, ...]
    debts: tuple[DeclaredDebt, ...]
    positions: tuple[DeclaredPosition, ...]
    pockets: Mapping[int, str]
    last_proven: Mapping[Identity, ProvenAmount]
    aliases: Aliases
    market: DeclaredMarket = NO_MARKET
    feeds: tuple[Feed, ...] = ()
    proven_prices: tuple[Answer, ...] = ()
    escrows: Escrows = field(default_factory=lambda: NO_ESCROWS)

    def __post_init__(self) -> None:
        for outcome in self.outcomes:
            _check_outcome(outcome, self.as_of)
        for index in self.pockets:
            if not 0 <= index < len(self.outcomes):
                raise BadInput("pockets", "the index of a claim", index)
        _check_distinct("price", [price.group for price in self.prices])
        _check_distinct("debt", [debt.name for debt in self.debts])
        _check_distinct("position", [position.name for position in self.positions])
        for price in self.proven_prices:
            if not _is_price(price) or price.as_of != self.as_of:
                raise BadInput("proven_prices", f"prices that the verifier proved, as of {self.as_of}", price)
        for identity, amount in self.last_proven.items():
            if not _is_proven(amount) or amount.claim.identity != identity:
                raise BadInput("last_proven", "a proven amount of the same claim", identity)
        check_duplicates((outcome.claim for outcome in self.outcomes), self.aliases, self.escrows)
        # What was proven last counts in the high figure, so it is held against the others too.
        check_read([*(o for o in self.outcomes if isinstance(o, ProvenAmount)), *self.last_proven.values()])


def build_account(
    name: str,
    outcomes: Sequence[Outcome],
    *,
    as_of: Timestamp,
    bundle_id: Hash32,
    policy: Policy,
    rules: MarginRules = DEFAULT_RULES,
    mode: Mode = Mode.CROSS,
    prices: Sequence[DeclaredPrice] = (),
    debts: Sequence[DeclaredDebt] = (),
    positions: Sequence[DeclaredPosition] = (),
    pockets: Mapping[int, str] | None = None,
    last_proven: Mapping[Identity, ProvenAmount] = NOTHING_PROVEN,
    market: DeclaredMarket = NO_MARKET,
    aliases: Aliases = NO_ALIASES,
    feeds: Sequence[Feed] = (),
    proven_prices: Sequence[Answer] = (),
    escrows: Escrows = NO_ESCROWS,
) -> MarginAccount:
    """
    Establish that these parts are one account of one moment, in which no balance counts twice.

    Args:
        outcomes: What a bundle was found to prove (`Verified.outcomes`), in the order of its claims.
        as_of, bundle_id: Of the same `Verified`.
        pockets: Isolated pocket by index of the outcome.
        last_proven: By `Claim.identity`, for the high figure of what is refused or missing; proven again by the
            caller, from the bundle it was first proven from.
        aliases: Of the checker's registry (`chains.registry.aliases`).

    Raises:
        BadInput: A figure that no verifier made, of another as-of time, or a name that stands twice.
        CountedTwice: Two claims are one balance.
    """
    return MarginAccount(
        name=name,
        as_of=as_of,
        bundle_id=bundle_id,
        mode=mode,
        policy=policy,
        rules=rules,
        outcomes=tuple(outcomes),
        prices=tuple(prices),
        debts=tuple(debts),
        positions=tuple(positions),
        pockets=MappingProxyType(dict(pockets or {})),
        last_proven=MappingProxyType(dict(last_proven)),
        market=market,
        aliases=aliases,
        feeds=tuple(feeds),
        proven_prices=tuple(proven_prices),
        escrows=escrows,
    )


def check_skew(outcomes: Sequence[Outcome], policy: Policy) -> None:
    """
    Establish that the head snapshots of an account lie close enough together to be one moment.

    Exact snapshots have no skew: each is shown to be the last block of its network at the as-of time.

    Raises:
        SkewTooLarge: The oldest and the newest are further apart than the policy allows.
    """
    heads: dict[tuple[int, int], ProvenHeader] = {}
    for outcome in outcomes:
        if isinstance(outcome, ProvenAmount) and outcome.moment is Moment.HEAD:
            heads[(outcome.header.timestamp, outcome.header.network.chain_id)] = outcome.header
    if not heads:
        return
    oldest, newest = heads[min(heads)], heads[max(heads)]
    apart = newest.timestamp - oldest.timestamp
    if apart > policy.max_skew:
        where = Where(network="account")
        raise SkewTooLarge(where, policy.max_skew, apart, oldest.network.name, newest.network.name)


def snapshot(account: MarginAccount) -> Snapshot:
    """The plain value of an account, for the arithmetic."""
    quotes = quotes_of(account).by_group
    seen = [_line(account, index, outcome) for index, outcome in enumerate(account.outcomes)]
    kept = doubt_shares(seen, account.outcomes, quotes)
    claims = (outcome.claim for outcome in account.outcomes)
    lines = encumber(list(zip(kept, claims, strict=True)), quotes, account.policy)
    return Snapshot(
        as_of=account.as_of,
        lines=lines + tuple(_debt_line(debt, account.as_of) for debt in account.debts),
        positions=tuple(_position(position) for position in account.positions),
        quotes=quotes,
        doubts=_skew(account),
        orders=account.market.orders,
        expiries=account.market.expiries,
        returns=account.market.returns,
        return_step=account.market.return_step,
        depths=account.market.depths,
        routes=account.market.routes,
    )


def quotes_of(account: MarginAccount) -> Quotes:
    """What each asset group is worth in USD, by proof where there is one, and why feeds give nothing."""
    return resolve(account.feeds, account.proven_prices, account.prices, account.as_of)


def _check_outcome(outcome: Outcome, as_of: Timestamp) -> None:
    if isinstance(outcome, ProvenAmount):
        if outcome.as_of != as_of:
            raise BadInput("outcomes", f"amounts as of {as_of}: one moment for the whole account", outcome.as_of)
    elif not isinstance(outcome, Refusal):
        raise BadInput("outcomes", "what the verifier proved or refused", outcome)


def _is_price(value: object) -> bool:
    return isinstance(value, Answer)


def _is_proven(value: object) -> bool:
    return isinstance(value, ProvenAmount)


def _check_distinct(what: str, names: list[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise BadInput(what, "each name once", name)
        seen.add(name)


def _skew(account: MarginAccount) -> tuple[Reason, ...]:
    try:
        check_skew(account.outcomes, account.policy)
    except SkewTooLarge as error:
        heads = [o for o in account.outcomes if isinstance(o, ProvenAmount) and o.moment is Moment.HEAD]
        return tuple(Reason(Doubt.SKEW, label(outcome.claim), str(error)) for outcome in heads)
    return ()


def _line(account: MarginAccount, index: int, outcome: Outcome) -> Line:
    claim, pocket = outcome.claim, account.pockets.get(index, CROSS)
    if isinstance(outcome, Refusal):
        return _unknown_line(claim, pocket, outcome, account.last_proven.get(claim.identity))
    head = outcome.moment is Moment.HEAD
    return Line(
        id=label(claim),
        group=claim.asset.group,
        symbol=claim.asset.symbol,
        amount=outcome.amount,
        decimals=claim.asset.decimals,
        liability=claim.kind is ClaimKind.DEBT,
        pocket=pocket,
        trust=outcome.trust,
        age=max(0, account.as_of - outcome.header.timestamp) if head else 0,
        soft_age=2 * outcome.header.network.finality,
        provenance=_provenance(claim, outcome),
        network=outcome.header.network.name,
        bridge=account.market.bridges.get(f"{outcome.header.network.name}:{claim.asset.symbol}", ""),
    )


def _unknown_line(claim: Claim, pocket: str, refusal: Refusal, last: ProvenAmount | None) -> Line:
    debt = claim.kind is ClaimKind.DEBT
    if debt:
        doubt = Doubt.DEBT_MISSING if refusal.missing else Doubt.DEBT_REFUSED
    else:
        doubt = Doubt.HOLDING_MISSING if refusal.missing else Doubt.HOLDING_REFUSED
    return Line(
        id=label(claim),
        group=claim.asset.group,
        symbol=claim.asset.symbol,
        amount=None,
        decimals=claim.asset.decimals,
        liability=debt,
        pocket=pocket,
        last_amount=None if last is None or last.claim.kind is not claim.kind else last.amount,
        doubt=Reason(doubt, label(claim), str(refusal.error)),
        provenance=_provenance(claim, last),
        network=f"chain {claim.chain_id}" if last is None else last.header.network.name,
    )


def _provenance(claim: Claim, amount: ProvenAmount | None) -> Provenance:
    header = None if amount is None else amount.header
    return Provenance(
        chain_id=claim.chain_id,
        network=f"chain {claim.chain_id}" if header is None else header.network.name,
        holder=claim.holder,
        contract=claim.asset.contract,
        block=None if header is None else header.number,
        block_hash=None if header is None else header.hash,
        time=None if header is None else header.timestamp,
        moment=None if amount is None else amount.moment,
        source=claim.source.value,
    )


def _debt_line(debt: DeclaredDebt, as_of: Timestamp) -> Line:
    return Line(
        id=f"declared-debt:{debt.name}",
        group=debt.group,
        symbol=debt.group,
        amount=-debt.amount,
        decimals=debt.decimals,
        liability=True,
        pocket=debt.pocket,
        age=max(0, as_of - debt.at),
        declared=True,
    )


def _position(position: DeclaredPosition) -> Position:
    return Position(
        id=f"declared-position:{position.name}",
        group=position.group,
        size=position.size,
        decimals=position.decimals,
        entry=position.entry,
        pocket=position.pocket,
        source=position.source,
        terms=position.terms,
        portfolio=position.portfolio,
        network=position.network,
        protocol=position.protocol,
    )
