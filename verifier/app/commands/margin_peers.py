"""`xmargin margin --contagion --accounts FILE`: the account beside others: a fall, their selling, their claims."""

from __future__ import annotations

from verifier.app.errors import UsageError
from verifier.app.risk_sections import SHOWN_FALL, still_of, usd
from verifier.app.what_if import Grid, WhatIf
from verifier.errors import BadInput
from verifier.margin.account import snapshot
from verifier.margin.as_json_risk import percent
from verifier.margin.models.spread import spread
from verifier.margin.peers import Hit, Owed, Peer, Spread, peer_of
from verifier.margin.snapshot import Snapshot
from verifier.margin.trial import Scales, Setting, Trial
from verifier.policy import PPM


def spread_among(made: WhatIf, peers: tuple[tuple[Peer, ...], tuple[Owed, ...]]) -> Spread:
    """
    The account as it is proven beside the others, under the shocks that were given, else a uniform fall.

    Raises:
        UsageError: An account that stands twice, or a claim on one that is not there.
    """
    before = snapshot(made.run.report.account)
    scales = Scales(Setting(made.policy, made.rules, made.mode))
    own = peer_of(made.run.spec.name, scales, Trial(before))
    others, owed = peers
    try:
        return spread((own, *others), owed, _moves(made, before, others), before.depths)
    except BadInput as error:
        raise UsageError(f"--accounts: {error}", "docs/risk.md says what the file holds") from None


def _moves(made: WhatIf, before: Snapshot, others: tuple[Peer, ...]) -> dict[str, int]:
    """What the shocks do to each price; without any, everything falls but money, also what only others hold."""
    if made.shocks:
        return {
            group: made.snapshot.quotes[group].price * PPM // quote.price - PPM
            for group, quote in before.quotes.items()
            if quote.price > 0
        }
    groups = before.quotes.keys() | {group for peer in others for group in peer.holds}
    return dict.fromkeys(sorted(groups - still_of(before)), -SHOWN_FALL)


def spread_grids(found: Spread) -> list[Grid]:
    """Every account, in the order in which it falls; then what selling does to prices."""
    ordered = sorted(found.accounts, key=lambda hit: (hit.fallen == 0, hit.fallen))
    heads = ("account", "assets>", "fall costs>", "selling costs>", "owes>", "pays>", "due>", "received>", "falls")
    assets = tuple((a.group, percent(a.move), usd(a.sold), percent(a.effect)) for a in found.assets)
    return [
        Grid("Among accounts, as the file has them", heads, tuple(map(_row, ordered))),
        Grid("What their selling does", ("asset", "fall>", "sold>", "further>"), assets),
    ]


def _row(hit: Hit) -> tuple[str, ...]:
    money = (hit.assets, hit.direct, hit.second, hit.owes, hit.pays, hit.due, hit.received)
    return (hit.name, *map(usd, money), f"as number {hit.fallen}" if hit.fallen else "-")
