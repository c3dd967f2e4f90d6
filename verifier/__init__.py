"""Proves balances out of evidence, offline: bytes in, proven values or a typed refusal out.

This is the front door for relayers, auditors and protocols: what is listed in `__all__` is public, nothing else is.
Importing it loads no HTTP, database or web3 module. Evidence comes from `chains`, from a file, or from anyone at all:
it is believed by no one until `verify_bundle` has tied it to a trust root of yours.

Names are loaded when they are first used, so that a program that asks for its version does not load a verifier.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from verifier._version import __version__

if TYPE_CHECKING:
    from verifier.calls import Call
    from verifier.checker import Checker
    from verifier.claims import (
        Asset,
        CallReading,
        Claim,
        ClaimKind,
        CodePin,
        KeyOrder,
        KnownAsset,
        PriceClaim,
        ProxyKind,
        Source,
        TokenLayout,
    )
    from verifier.codec.storage_layout import Decoded, StorageLayout, parse_layout
    from verifier.errors import Malformed, PolicyError, ProofError, VerifierError, Where
    from verifier.explain import explain
    from verifier.network import Family, HistoryRing, Network
    from verifier.policy import PRACTICAL, STRICT, Limits, Policy, Signers
    from verifier.positions import Position, PositionKind, position
    from verifier.proven import (
        ListKind,
        Moment,
        ProvenAccount,
        ProvenAmount,
        ProvenCall,
        ProvenHeader,
        ProvenItem,
        ProvenPrice,
        ProvenWord,
        SignedPrice,
        trail,
    )
    from verifier.single import (
        TypedValue,
        verify_account_proof,
        verify_event_proof,
        verify_header,
        verify_parents,
        verify_receipt_proof,
        verify_storage_proof,
        verify_transaction_proof,
        verify_typed_storage,
    )
    from verifier.state.events import AllReceipts, BloomOnly, EventFilter, ProvenEvents, verify_events
    from verifier.state.receipts import ProvenLog
    from verifier.trust import Anchor, Observed, PinnedBlock, Settlement, Trust
    from verifier.verify import Refusal, Verified, verify_bundle
    from verifier.verify_calls import verify_calls
    from verifier.wire import encode_bundle, parse_bundle

_HOME = {
    "AllReceipts": "verifier.state.events",
    "Anchor": "verifier.trust",
    "Asset": "verifier.claims",
    "Call": "verifier.calls",
    "CallReading": "verifier.claims",
    "BloomOnly": "verifier.state.events",
    "Checker": "verifier.checker",
    "Checkpoint": "verifier.trust",
    "Claim": "verifier.claims",
    "ClaimKind": "verifier.claims",
    "CodePin": "verifier.claims",
    "Decoded": "verifier.codec.storage_layout",
    "EventFilter": "verifier.state.events",
    "Family": "verifier.network",
    "HistoryRing": "verifier.network",
    "KeyOrder": "verifier.claims",
    "KnownAsset": "verifier.claims",
    "Limits": "verifier.policy",
    "ListKind": "verifier.proven",
    "Malformed": "verifier.errors",
    "Moment": "verifier.proven",
    "Network": "verifier.network",
    "Observed": "verifier.trust",
    "PRACTICAL": "verifier.policy",
    "PinnedBlock": "verifier.trust",
    "Policy": "verifier.policy",
    "PolicyError": "verifier.errors",
    "Position": "verifier.positions",
    "PositionKind": "verifier.positions",
    "PriceClaim": "verifier.claims",
    "ProofError": "verifier.errors",
    "ProvenAccount": "verifier.proven",
    "ProvenAmount": "verifier.proven",
    "ProvenCall": "verifier.proven",
    "ProvenEvents": "verifier.state.events",
    "ProvenHeader": "verifier.proven",
    "ProvenItem": "verifier.proven",
    "ProvenLog": "verifier.state.receipts",
    "ProvenPrice": "verifier.proven",
    "ProvenWord": "verifier.proven",
    "ProxyKind": "verifier.claims",
    "Refusal": "verifier.verify",
    "STRICT": "verifier.policy",
    "Settlement": "verifier.trust",
    "SignedPrice": "verifier.proven",
    "Signers": "verifier.policy",
    "Source": "verifier.claims",
    "StorageLayout": "verifier.codec.storage_layout",
    "TokenLayout": "verifier.claims",
    "Trust": "verifier.trust",
    "TypedValue": "verifier.single",
    "Verified": "verifier.verify",
    "VerifierError": "verifier.errors",
    "Where": "verifier.errors",
    "encode_bundle": "verifier.wire",
    "explain": "verifier.explain",
    "parse_bundle": "verifier.wire",
    "parse_layout": "verifier.codec.storage_layout",
    "position": "verifier.positions",
    "trail": "verifier.proven",
    "verify_account_proof": "verifier.single",
    "verify_bundle": "verifier.verify",
    "verify_calls": "verifier.verify_calls",
    "verify_event_proof": "verifier.single",
    "verify_events": "verifier.state.events",
    "verify_header": "verifier.single",
    "verify_parents": "verifier.single",
    "verify_receipt_proof": "verifier.single",
    "verify_storage_proof": "verifier.single",
    "verify_transaction_proof": "verifier.single",
    "verify_typed_storage": "verifier.single",
}

__all__ = [
    "PRACTICAL",
    "STRICT",
    "AllReceipts",
    "Anchor",
    "Asset",
    "BloomOnly",
    "Call",
    "CallReading",
    "Checker",
    "Checkpoint",
    "Claim",
    "ClaimKind",
    "CodePin",
    "Decoded",
    "EventFilter",
    "Family",
    "HistoryRing",
    "KeyOrder",
    "KnownAsset",
    "Limits",
    "ListKind",
    "Malformed",
    "Moment",
    "Network",
    "Observed",
    "PinnedBlock",
    "Policy",
    "PolicyError",
    "Position",
    "PositionKind",
    "PriceClaim",
    "ProofError",
    "ProvenAccount",
    "ProvenAmount",
    "ProvenCall",
    "ProvenEvents",
    "ProvenHeader",
    "ProvenItem",
    "ProvenLog",
    "ProvenPrice",
    "ProvenWord",
    "ProxyKind",
    "Refusal",
    "Settlement",
    "SignedPrice",
    "Signers",
    "Source",
    "StorageLayout",
    "TokenLayout",
    "Trust",
    "TypedValue",
    "Verified",
    "VerifierError",
    "Where",
    "__version__",
    "encode_bundle",
    "explain",
    "parse_bundle",
    "parse_layout",
    "position",
    "trail",
    "verify_account_proof",
    "verify_bundle",
    "verify_calls",
    "verify_event_proof",
    "verify_events",
    "verify_header",
    "verify_parents",
    "verify_receipt_proof",
    "verify_storage_proof",
    "verify_transaction_proof",
    "verify_typed_storage",
]


def __getattr__(name: str) -> object:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'verifier' has no attribute {name!r}")
    value: object = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
