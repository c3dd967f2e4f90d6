"""Collateral inside a lending protocol supports that protocol's own debt first: how much of each holding is thus taken.

What a holder has posted at a market where it also owes is not free: as much of it as the debt needs, after the
checker's own haircuts, can leave only by repaying. It is spread over the market's holdings in equal parts, rounded up.
Where a debt or a price is not known, everything posted there is taken.

Source: margin reference, section 4 (no double counting).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from verifier.claims import Claim, ClaimKind
from verifier.margin.snapshot import Line, Quote
from verifier.policy import PPM, Factors, Policy
from verifier.positions import Position, PositionKind
from verifier.primitives import to_hex

Market = tuple[int, str, bytes]
"""Network, protocol with its market, and holder."""


def protocol_of(claim: Claim) -> str:
    """The lending market that a claim stands in, by name; nothing for what stands in a wallet."""
    reading, contract = claim.reading, claim.asset.contract
    if not isinstance(reading, Position) or contract is None:
        return ""
    given = dict(reading.given)
    place = {
        PositionKind.AAVE_V3: given.get("pool"),
        PositionKind.AAVE_V3_DEBTS: contract,
        PositionKind.COMPOUND_V3: contract,
        PositionKind.COMPOUND_V3_DEBTS: contract,
        PositionKind.MORPHO_BLUE: given.get("market"),
        PositionKind.MORPHO_BLUE_DEBTS: given.get("market"),
    }.get(reading.kind)
    return f"{reading.kind.value.removesuffix('-debts')} {to_hex(place)}" if isinstance(place, bytes) else ""


def encumber(lines: Sequence[tuple[Line, Claim]], quotes: Mapping[str, Quote], policy: Policy) -> tuple[Line, ...]:
    """The lines with their protocols, and holdings with what of them supports a debt there."""
    markets: dict[Market, list[Line]] = {}
    for line, claim in lines:
        if protocol_of(claim):
            markets.setdefault(_market(claim), []).append(line)
    shares = {market: _share(members, quotes, policy) for market, members in markets.items()}
    return tuple(_taken(line, claim, shares.get(_market(claim))) for line, claim in lines)


def _market(claim: Claim) -> Market:
    return (claim.chain_id, protocol_of(claim), claim.holder)


def _taken(line: Line, claim: Claim, share: tuple[int, int] | None) -> Line:
    if share is None or not protocol_of(claim):
        return line
    amount = 0 if claim.kind is ClaimKind.DEBT or line.amount is None or not _pledged(claim) else line.amount
    return replace(line, protocol=protocol_of(claim), encumbered=-(-amount * share[0] // share[1]))


def _pledged(claim: Claim) -> bool:
    """Whether a holding can be collateral of its market: what is lent to one of Morpho's is not."""
    reading = claim.reading
    lent = isinstance(reading, Position) and reading.kind is PositionKind.MORPHO_BLUE
    return not lent or claim.part[1] == ("of", "collateral")


def _share(members: Sequence[Line], quotes: Mapping[str, Quote], policy: Policy) -> tuple[int, int]:
    """The part of each holding that a market's debts need, as a fraction of at most one."""
    owed = support = 0
    for line in members:
        quote = quotes.get(line.group)
        if line.amount == 0:
            continue
        if line.amount is None or quote is None:
            if line.liability:
                return 1, 1
            continue
        worth = line.amount * quote.price * 10 ** (77 - line.decimals)
        if line.liability:
            owed -= worth * PPM
        else:
            support += worth * (PPM - policy.factors.get(line.group, Factors()).haircut.initial)
    if owed == 0:
        return 0, 1
    return (owed, support) if owed < support else (1, 1)
