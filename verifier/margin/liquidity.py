"""Shares of pools, held against the prices of what is in them.

What a share gives is counted at the pool's own price of the block, as the pool would give it. Whoever trades against
the pool at the end of that block moves the price, and takes it back in the next one: in between the share holds more of
one coin than it ever gives at the market's price, and both coins at that price are worth more than the share. The
further the pool's price is from the market's, the more; where they agree there is nothing to gain. So a share counts
while they do, and needs both of its coins with a price each: of one coin alone nothing can be told.

What does not count is not known, rather than nothing: whoever moves a pool's price can so neither raise the low figure
nor make an account liquidatable.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from verifier.assets import uniswap_v2, uniswap_v3
from verifier.claims import Claim, ClaimKind
from verifier.margin.snapshot import Doubt, Line, Quote, Reason
from verifier.policy import PPM
from verifier.positions import Parameter, Position, PositionKind
from verifier.proven import ProvenAmount, ProvenWord

TOLERANCE: Final = 50_000
"""
How far a pool's price may be from the market's, in ppm of the greater. A share of every price is then worth less than
1 ‰ more than it is, one of a narrow range at most half the distance.
"""

Share = tuple[object, ...]
Legs = dict[Parameter, tuple[int, ProvenAmount]]


def doubt_shares(lines: Sequence[Line], outcomes: Sequence[object], quotes: Mapping[str, Quote]) -> tuple[Line, ...]:
    """The lines, those of shares without an amount where their pool's price is not the market's."""
    shares: dict[Share, Legs] = {}
    for i, outcome in enumerate(outcomes):
        if isinstance(outcome, ProvenAmount) and (found := _share_of(outcome.claim)) is not None:
            share, leg = found
            shares.setdefault(share, {})[leg] = (i, outcome)
    made = list(lines)
    for legs in shares.values():
        why = _why_not(legs, lines, quotes)
        for i, _ in legs.values() if why else ():
            made[i] = _without_amount(made[i], why)
    return tuple(made)


def _share_of(claim: Claim) -> tuple[Share, Parameter] | None:
    """Which share a claim is a coin of, and which coin."""
    reading = claim.reading
    if claim.kind is not ClaimKind.HOLDING or not isinstance(reading, Position):
        return None
    if reading.kind not in (PositionKind.UNISWAP_V2, PositionKind.UNISWAP_V3):
        return None
    given = dict(reading.given)
    return (*claim.asset.key, claim.holder, given.get("token")), given.get("leg", 0)


def _why_not(legs: Legs, lines: Sequence[Line], quotes: Mapping[str, Quote]) -> str:
    """Why a share does not count; nothing where it does, or where there is nothing of it."""
    if not any(amount.amount for _, amount in legs.values()):
        return ""
    worth = [quotes.get(lines[legs[leg][0]].group) if leg in legs else None for leg in (0, 1)]
    if worth[0] is None or worth[1] is None:
        return "a share of a pool counts where both of its coins are listed and have a price"
    taken, given = _price_in(legs[0][1])
    pool = taken * worth[1].price * 10 ** lines[legs[0][0]].decimals
    market = given * worth[0].price * 10 ** lines[legs[1][0]].decimals
    if min(pool, market) * PPM < (PPM - TOLERANCE) * max(pool, market):
        return (
            f"the pool's price is more than {TOLERANCE // 10_000} % from the market's, so it is not its share's either"
        )
    return ""


def _price_in(amount: ProvenAmount) -> tuple[int, int]:
    """One unit of a pool's first coin in units of its second, as a fraction, by the words that it was read from."""
    words = [word for word in (amount.rests_on, *amount.bound_by) if isinstance(word, ProvenWord)]
    reading, contract = amount.claim.reading, amount.claim.asset.contract
    if isinstance(reading, Position) and reading.kind is PositionKind.UNISWAP_V2:
        return uniswap_v2.price_in(words, contract)
    return uniswap_v3.price_in(words, contract)


def _without_amount(line: Line, why: str) -> Line:
    if not line.amount:
        return line
    return replace(line, amount=None, last_amount=line.amount, doubt=Reason(Doubt.HOLDING_REFUSED, line.id, why))
