"""What words of storage mean: asset kinds, each with what to read and how to decode it."""

from __future__ import annotations

from verifier.assets import erc20, native
from verifier.assets.kind import AssetKind, Reading, State
from verifier.claims import Claim

NATIVE: AssetKind = native
ERC20: AssetKind = erc20


def kind_of(claim: Claim) -> AssetKind:
    """The kind that reads a claim: a contract has a layout, the network's own coin has none."""
    return NATIVE if claim.asset.contract is None else ERC20


__all__ = ["AssetKind", "Reading", "State", "kind_of"]
