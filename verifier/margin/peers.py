"""Several accounts beside one another: what a fall, their own selling, and unpaid claims between them do to each.

The other accounts and the claims are someone's word, so all of it is hypothetical. A shock lowers what each holds; each
then sells back to its leverage, which lowers prices once more for all; what is left pays what is owed, pro rata
where it is not enough, and whoever is not paid may fall in turn. This is a screening: it knows neither haircuts nor
tiers, which `contagion` does for the account itself.

Source: margin reference, section 13; Eisenberg and Noe 2001; Greenwood, Landier and Thesmar 2015.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from verifier.errors import BadInput
from verifier.margin.fixed import ZERO, Usd
from verifier.margin.joint_moves import equity_slopes
from verifier.margin.liquidation_price import exposed
from verifier.margin.report import weigh_pools
from verifier.margin.trial import Scales, Trial

MOST_ACCOUNTS: Final = 200


@dataclass(frozen=True, slots=True)
class Peer:
    """One account: signed exposure by asset (below zero where it is short), what it owns, and what it owes outside.

    Attributes:
        holds: By asset, in 1e-18 USD: what a rise of the price by its whole would bring.
        assets: What it can pay with, in 1e-18 USD; at least zero.
        owes: To creditors that are none of the accounts, in 1e-18 USD.
    """

    name: str
    holds: Mapping[str, Usd]
    assets: Usd
    owes: Usd = ZERO

    def __post_init__(self) -> None:
        if self.assets < 0 or self.owes < 0:
            raise BadInput(f"account {self.name}", "assets and debts of at least 0", (self.assets, self.owes))


@dataclass(frozen=True, slots=True)
class Owed:
    """What one account owes another, in 1e-18 USD."""

    debtor: str
    creditor: str
    amount: Usd

    def __post_init__(self) -> None:
        if self.amount <= 0 or self.debtor == self.creditor:
            got = (self.debtor, self.creditor, self.amount)
            raise BadInput("claim", "a debtor, another creditor, an amount above 0", got)


@dataclass(frozen=True, slots=True)
class Hit:
    """One account after the fall, the selling and the clearing. Money in 1e-18 USD, losses above zero and rounded up.

    Attributes:
        direct: What the fall itself costs; `second` what all accounts' selling then does.
        owes: All that it owes, what its losses add included; `pays` of it, rounded down.
        due: What the other accounts owe it; `received` of that, rounded down.
        fallen: Its place in the order of those who cannot pay all; 0 where it can.
    """

    name: str
    assets: Usd
    direct: Usd
    second: Usd
    owes: Usd
    pays: Usd
    due: Usd
    received: Usd
    fallen: int


@dataclass(frozen=True, slots=True)
class AssetHit:
    """One asset: the fall (ppm, below zero), what is then sold of it net, and what that does to its price (ppm)."""

    group: str
    move: int
    sold: Usd
    effect: int


@dataclass(frozen=True, slots=True)
class Spread:
    """What passes between the accounts."""

    accounts: tuple[Hit, ...]
    assets: tuple[AssetHit, ...]


def peer_of(name: str, scales: Scales, trial: Trial) -> Peer:
    """The account itself, all pools together: slopes of its equity, its net holdings, its net debts and losses."""
    holds: dict[str, int] = {}
    assets = owes = 0
    for pool in scales.weigh(trial):
        groups = exposed(trial, pool.name, scales)
        for group, slope in equity_slopes(scales, trial, pool.name, groups).items():
            holds[group] = holds.get(group, 0) + slope
    setting = scales.setting
    for made in weigh_pools(trial.snapshot, setting.policy, setting.rules, setting.mode):
        for money in (*(g.net_low for g in made.groups), *(v.counted_low for v in made.positions)):
            assets, owes = assets + max(0, money), owes + max(0, -money)
    return Peer(name, {group: Usd(money) for group, money in sorted(holds.items()) if money}, Usd(assets), Usd(owes))


def check_peers(peers: Sequence[Peer], owed: Sequence[Owed]) -> None:
    """
    Establish that these are accounts of one file: few enough, each named once, and claims between them alone.

    Raises:
        BadInput: They are not.
    """
    names = [peer.name for peer in peers]
    if not 1 <= len(names) <= MOST_ACCOUNTS:
        raise BadInput("accounts", f"1 to {MOST_ACCOUNTS}", len(names))
    for name in names:
        if names.count(name) > 1:
            raise BadInput("accounts", "each name once", name)
    for claim in owed:
        for name in (claim.debtor, claim.creditor):
            if name not in names:
                raise BadInput("claims", f"one of {', '.join(sorted(names))}", name)
