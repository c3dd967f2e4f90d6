"""Why a number is believed, or is not: the steps from the trust root down to it, as plain sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from verifier.primitives import to_hex
from verifier.proven import (
    Proven,
    ProvenAccount,
    ProvenAmount,
    ProvenBeacon,
    ProvenCall,
    ProvenHeader,
    ProvenItem,
    ProvenPrice,
    ProvenRoot,
    ProvenSettlement,
    ProvenWord,
    SignedPrice,
    trail,
)
from verifier.trust import Checkpoint, Observed, PinnedBlock, TrustRoot, anchor_of

if TYPE_CHECKING:
    from verifier.verify import Refusal


def explain(value: Proven | Refusal) -> tuple[str, ...]:
    """
    The trail of a proven value, the trust root first; of a refusal, its reason.

    Everything in it was computed here or is your own; text of a foreign claim (a symbol) is shown as it was claimed.
    """
    if not isinstance(value, Proven):
        return (f"refused: {value.claim.asset.symbol}: {type(value.error).__name__}: {value.error}",)
    return tuple(_sentence(step) for step in reversed(tuple(trail(value))))


def _sentence(step: Proven | TrustRoot) -> str:
    match step:
        case PinnedBlock() | Observed():
            return f"{anchor_of(step).value}: block {to_hex(step.hash)} of chain {step.chain_id}"
        case Checkpoint():
            return f"checkpoint {to_hex(step.root)} of chain {step.chain_id}"
        case ProvenBeacon():
            signed = f"signed by {step.signers} of {step.committee}" if step.committee else "of the checkpoint"
            return f"beacon header {to_hex(step.root)} at slot {step.slot}, {signed}"
        case ProvenSettlement():
            return f"{step.network.name}: {step.settlement.value} by {step.scheme}, {step.entry}"
        case ProvenHeader():
            return f"header {step.number} of {step.network.name}: {to_hex(step.hash)}, at {step.timestamp}"
        case ProvenRoot():
            return f"state root {to_hex(step.state_root)}"
        case ProvenAccount():
            there = f"code {to_hex(step.code_hash)}" if step.exists else "proven absent"
            return f"account {to_hex(step.address)}: {there}"
        case ProvenWord():
            return f"slot {to_hex(step.slot)}: {to_hex(step.word)}"
    return _figure(step)


def _figure(step: Proven | TrustRoot) -> str:
    """The end of a trail: what was asked for."""
    match step:
        case ProvenItem():
            return f"{step.kind.value} item {step.index}"
        case ProvenCall():
            return f"call {to_hex(step.call.data)} of {to_hex(step.call.to)}: {step.ended.value} {to_hex(step.output)}"
        case ProvenPrice():
            worth = f"{step.price} in 1e-18 {step.claim.quote}"
            return f"price of {step.claim.group}: {worth}, of {step.at}, {step.trust.word}, {step.moment.value}"
        case SignedPrice():
            worth = f"{step.price} in 1e-18 {step.claim.quote}, or {step.interval} off"
            who = f"{len(step.signed_by)} of {step.size} guardians of set {step.number}"
            return f"price of {step.claim.group}: {worth}, of {step.at}, signed by {who}, and not proven"
        case ProvenAmount():
            said = f"{step.amount} base units of {step.claim.asset.symbol}"
            return f"{step.claim.kind.value}: {said}, {step.trust.word}, {step.moment.value}"
    return type(step).__name__
