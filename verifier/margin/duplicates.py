"""One balance counts once: what identifies a balance, whichever side it is seen from.

A claim is identified by chain id, contract and holder: bytes and numbers, so no spelling, symbol or name of a network
makes a second one. Some balances have two entry points all the same: a contract that mirrors the network's own coin,
a token with two addresses. And a token's own contract holds what backs the token, so both are one value.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from verifier.claims import AssetKey, Claim
from verifier.errors import CountedTwice, Where
from verifier.primitives import Address, ChainId, to_hex

Identity = tuple[ChainId, Address | None, Address]


Aliases = Mapping[AssetKey, AssetKey]
"""Second entry points, and the asset that each is. Which there are is said in the chains' own files, with sources."""

NO_ALIASES: Final[Aliases] = MappingProxyType({})


def check_duplicates(claims: Iterable[Claim], aliases: Aliases = NO_ALIASES) -> None:
    """
    Establish that no two claims are one balance. Needs no evidence, so it can be asked before anything is gathered.

    Raises:
        CountedTwice: Two claims have one chain, asset and holder, after aliases; or a claim's holder is the contract
            of a token that another claim counts on the same network (what it holds is what backs the token).
    """
    seen: dict[Identity, Claim] = {}
    tokens: dict[AssetKey, Claim] = {}
    for claim in claims:
        identity = canonical(claim, aliases)
        if identity in seen:
            raise CountedTwice(_where(claim), label(seen[identity]), label(claim), _why(seen[identity], claim))
        seen[identity] = claim
        tokens.setdefault(claim.asset.key, claim)
    for claim in seen.values():
        token = tokens.get((claim.chain_id, claim.holder))
        if token is not None:
            raise CountedTwice(_where(claim), label(token), label(claim), "the token's contract holds what backs it")


def canonical(claim: Claim, aliases: Aliases = NO_ALIASES) -> Identity:
    """Chain, asset and holder, with second entry points resolved."""
    chain, contract = aliases.get(claim.asset.key, claim.asset.key)
    return (chain, contract, claim.holder)


def label(claim: Claim) -> str:
    """A claim's name in reports: kind, chain id, asset and holder; the same bytes always give the same text."""
    contract = claim.asset.contract
    asset = "native" if contract is None else to_hex(contract)
    return f"{claim.kind}:{claim.chain_id}:{asset}:{to_hex(claim.holder)}"


def _why(earlier: Claim, claim: Claim) -> str:
    if earlier.asset.key == claim.asset.key:
        return "same network, asset and holder"
    return "two entry points of one asset"


def _where(claim: Claim) -> Where:
    return Where(network=f"chain {claim.chain_id}", address=claim.holder)
