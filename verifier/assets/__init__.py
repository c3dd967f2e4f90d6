"""What words of storage mean: asset kinds, each with what to read and how to decode it."""

from __future__ import annotations

from verifier.assets import call, erc20, native, position
from verifier.assets.kind import AssetKind, Reading, State
from verifier.claims import Claim
from verifier.positions import Position

NATIVE: AssetKind = native
ERC20: AssetKind = erc20
CALL: AssetKind = call
POSITION: AssetKind = position


def kind_of(claim: Claim) -> AssetKind:
    """The kind that reads a claim: as its reading says, else by its layout; the network's own coin has none."""
    if claim.reading is not None:
        return POSITION if isinstance(claim.reading, Position) else CALL
    return NATIVE if claim.asset.contract is None else ERC20


__all__ = ["AssetKind", "Reading", "State", "kind_of"]
