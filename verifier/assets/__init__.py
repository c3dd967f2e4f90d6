"""What words of storage mean: asset kinds, each with what to read and how to decode it."""

from __future__ import annotations

from verifier.assets import call, erc20, native
from verifier.assets.kind import AssetKind, Reading, State
from verifier.claims import Claim

NATIVE: AssetKind = native
ERC20: AssetKind = erc20
CALL: AssetKind = call


def kind_of(claim: Claim) -> AssetKind:
    """The kind that reads a claim: by a call where it says so, else by its layout; the network's own coin has none."""
    if claim.reading is not None:
        return CALL
    return NATIVE if claim.asset.contract is None else ERC20


__all__ = ["AssetKind", "Reading", "State", "kind_of"]
