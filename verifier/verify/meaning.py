"""What a claim takes a number to mean, held against what the checker takes it to mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from verifier.assets.call import balance_reading
from verifier.claims import Asset, Claim, KnownAsset, Meanings, Source
from verifier.errors import UnreviewedMeaning, Where
from verifier.network import Network
from verifier.policy import Policy
from verifier.positions import Position
from verifier.primitives import Address

_SOURCES: Final = (Source.REVIEWED, Source.DISCOVERED, Source.USER)
"""Where a meaning may come from, the best known first."""


def check_meaning(
    claim: Claim, network: Network, meanings: Meanings, policy: Policy, where: Where
) -> tuple[KnownAsset | None, bool]:
    """
    Hold what a claim takes a number to mean against what the checker takes it to mean.

    Returns:
        What the checker knows of the asset, and whether its policy takes the contract without our review.

    Raises:
        UnreviewedMeaning: The checker knows the asset otherwise, or does not know it and its policy does not name it.
    """
    contract = claim.asset.contract
    known = meanings.get(claim.asset.key)
    if isinstance(claim.reading, Position):
        return None, _position_taken(claim, policy, where)
    if claim.reading is not None and claim.reading.call.to != contract:
        raise UnreviewedMeaning(where, claim.source.value, "it calls another contract than its asset's")
    if contract is None:
        _same_coin(claim, network, where)
        return known, False
    if known is not None and _without_layout(known.asset, claim) != claim.asset:
        raise UnreviewedMeaning(where.at(address=contract), claim.source.value, _difference(claim.asset, known.asset))
    accepted = (claim.chain_id, contract) in policy.accept_contracts
    own, reviewed = Source.USER, False
    # What any other function of the contract means, is the word of whoever made the claim.
    if known is not None and claim.reading in (None, balance_reading(contract, claim.holder)):
        own, reviewed = known.source, known.source is Source.REVIEWED and bool(known.pins)
    if not (reviewed and claim.source is Source.REVIEWED) and not accepted:
        reason = "no code was reviewed for it" if known is not None else "the checker's registry does not hold it"
        raise UnreviewedMeaning(where.at(address=contract), claim.source.value, reason)
    _no_stronger(claim, own, where)
    return known, accepted


def _position_taken(claim: Claim, policy: Policy, where: Where) -> bool:
    """A position's contract is one that the policy names; no position is reviewed by the registry alone."""
    contract = claim.asset.contract
    if contract is None or claim.asset.layout is not None:
        raise UnreviewedMeaning(where, claim.source.value, "a position is at a contract, and needs no layout")
    if (claim.chain_id, contract) not in policy.accept_contracts:
        reason = "the policy does not name the contract of this position"
        raise UnreviewedMeaning(where.at(address=contract), claim.source.value, reason)
    _no_stronger(claim, Source.USER, where)
    return True


def _no_stronger(claim: Claim, own: Source, where: Where) -> None:
    """
    A claim does not say of its meaning what the checker does not know: reports and statements repeat it.

    Raises:
        UnreviewedMeaning: It says that more stands behind it.
    """
    if _SOURCES.index(claim.source) < _SOURCES.index(own):
        reason = f"to the checker it is {own.value}, and the claim says more of it"
        raise UnreviewedMeaning(where.at(address=claim.asset.contract), claim.source.value, reason)


def _without_layout(asset: Asset, claim: Claim) -> Asset:
    """The asset as a claim names it that reads by a call alone."""
    by_call = claim.reading is not None and claim.asset.layout is None
    return replace(asset, layout=None) if by_call else asset


def _same_coin(claim: Claim, network: Network, where: Where) -> None:
    """The network's coin has one meaning: the one that the checker's network value gives it."""
    asset = claim.asset
    expected = (network.native_symbol, network.native_decimals, network.native_group)
    if (asset.symbol, asset.decimals, asset.group) != expected:
        reason = f"the coin is {expected[0]} with {expected[1]} decimals in group {expected[2]}"
        raise UnreviewedMeaning(where, claim.source.value, reason)


def _difference(claimed: Asset, known: Asset) -> str:
    for name in ("symbol", "decimals", "group", "layout"):
        if getattr(claimed, name) != getattr(known, name):
            return f"its {name} is {getattr(claimed, name)} here, and {getattr(known, name)} to the checker"
    return "it is not the asset that the checker knows"


def check_contracts(claim: Claim, contracts: Sequence[Address], policy: Policy, where: Where) -> None:
    """
    Hold every contract that a claim brought along against the policy: whoever may choose one chooses the figure.

    Raises:
        UnreviewedMeaning: The policy does not name one of them.
    """
    for contract in contracts:
        if (claim.chain_id, contract) not in policy.accept_contracts:
            reason = "the position reads this contract, and the policy does not name it"
            raise UnreviewedMeaning(where.at(address=contract), claim.source.value, reason)
