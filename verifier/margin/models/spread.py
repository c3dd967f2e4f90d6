"""A fall through several accounts: direct losses, one round of selling back to leverage, then clearing of claims.

    leverage = debts / equity, where what is sold is never more than what is held, and a gain makes nobody buy
    losses beyond an account's assets are owed to the outside

Selling moves a price by a day's standard deviation for a day's volume, in proportion; an asset without a depth stands
still. Source: margin reference, section 13.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import fsum
from typing import Final

from verifier.margin.fixed import Usd
from verifier.margin.market import Depth
from verifier.margin.models.clearing import FireSale, clear, fire_sale
from verifier.margin.models.money import gain_of, loss_of, usd_float
from verifier.margin.peers import AssetHit, Hit, Owed, Peer, Spread, check_peers
from verifier.policy import PPM

DEEPEST: Final = -0.999_999
"""A price never falls to zero by selling."""


def spread(
    peers: Sequence[Peer], owed: Sequence[Owed], moves: Mapping[str, int], depths: Mapping[str, Depth]
) -> Spread:
    """
    Losses, sales and payments of several accounts under one shock.

    Args:
        moves: By asset, in ppm of the price; an asset that is not named stands still.

    Raises:
        BadInput: Names that stand twice, or claims on accounts that are not there.
    """
    check_peers(peers, owed)
    groups = sorted({group for peer in peers for group in peer.holds})
    shock = [moves.get(group, 0) / PPM for group in groups]
    impact = [_impact(depths.get(group)) for group in groups]
    sales = _sales(peers, owed, groups, shock, impact)
    effect = [max(moved, DEEPEST) for moved in sales.effect]
    second = [fsum(_held(peer, g) * e for g, e in zip(groups, effect, strict=True)) for peer in peers]
    direct = [fsum(_held(peer, g) * f for g, f in zip(groups, shock, strict=True)) for peer in peers]
    losses = [(loss_of(-one), loss_of(-two)) for one, two in zip(direct, second, strict=True)]
    assets = tuple(
        AssetHit(group, moves.get(group, 0), loss_of(-traded), round(moved * PPM))
        for group, traded, moved in zip(groups, sales.trades, effect, strict=True)
    )
    return Spread(_cleared(peers, owed, losses), assets)


def _held(peer: Peer, group: str) -> float:
    return usd_float(peer.holds.get(group, 0))


def _impact(depth: Depth | None) -> float:
    return 0.0 if depth is None else depth.volatility / PPM / usd_float(depth.volume)


def _sales(
    peers: Sequence[Peer], owed: Sequence[Owed], groups: Sequence[str], shock: Sequence[float], impact: Sequence[float]
) -> FireSale:
    """One round of selling; an account without assets holds nothing it could sell."""
    worth = [usd_float(peer.assets) for peer in peers]
    weights = [[_held(peer, g) / w if w else 0.0 for g in groups] for peer, w in zip(peers, worth, strict=True)]
    direct = [fsum(w * f for w, f in zip(row, shock, strict=True)) for row in weights]
    leverage = [_leverage(peer, owed, lost) for peer, lost in zip(peers, direct, strict=True)]
    return fire_sale(weights, worth, leverage, impact, shock)


def _leverage(peer: Peer, owed: Sequence[Owed], direct: float) -> float:
    if direct >= 0:
        return 0.0
    debts = peer.owes + sum(claim.amount for claim in owed if claim.debtor == peer.name)
    equity = peer.assets + sum(claim.amount for claim in owed if claim.creditor == peer.name) - debts
    most = 1 / -direct
    return most if equity <= 0 else min(most, debts / equity)


def _cleared(peers: Sequence[Peer], owed: Sequence[Owed], losses: Sequence[tuple[Usd, Usd]]) -> tuple[Hit, ...]:
    """What each pays and gets; the creditors outside are one node more, which owes nothing."""
    index = {peer.name: n for n, peer in enumerate(peers)}
    beyond = [max(0, one + two - peer.assets) for peer, (one, two) in zip(peers, losses, strict=True)]
    matrix = [[0] * (len(peers) + 1) for _ in range(len(peers) + 1)]
    for claim in owed:
        matrix[index[claim.debtor]][index[claim.creditor]] += claim.amount
    for n, peer in enumerate(peers):
        matrix[n][-1] = peer.owes + beyond[n]
    cash = [max(0, peer.assets - one - two) for peer, (one, two) in zip(peers, losses, strict=True)]
    found = clear([[usd_float(m) for m in row] for row in matrix], [*map(usd_float, cash), 0.0])
    order = {node: place for place, node in enumerate(found.fallen, 1)}
    total = [sum(row) for row in matrix]
    made = []
    for n, (peer, (one, two)) in enumerate(zip(peers, losses, strict=True)):
        got = [found.payments[m] * matrix[m][n] / total[m] for m in range(len(peers)) if matrix[m][n]]
        due = sum(matrix[m][n] for m in range(len(peers)))
        pays = total[n] if n not in order else min(total[n], max(0, gain_of(found.payments[n])))
        received = due if all(m not in order for m in range(len(peers)) if matrix[m][n]) else gain_of(fsum(got))
        made.append(
            Hit(peer.name, peer.assets, one, two, Usd(total[n]), Usd(pays), Usd(due), Usd(min(due, received)),
                order.get(n, 0))
        )  # fmt: skip
    return tuple(made)
