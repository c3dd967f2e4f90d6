"""Proofs as gateways hand them to their verifiers on chain: a list of proofs, and the order in which they are read.

Each proof is `abi.encode(bytes[])` of the nodes of one path. A request first names an account (its proof is read), then
slots of it (one proof each); `order` holds, for each of these readings, which proof of the list it takes, one byte
each, so that a proof that is read twice stands once.

Source: unruggable-labs/unruggable-gateways contracts/GatewayVM.sol (ProofSequence), eth/EthVerifierHooks.sol,
trusted/LazyTrustedVerifier.sol (GatewayProof).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from verifier.crypto.keccak import keccak256
from verifier.encoders.abi import encode_values
from verifier.encoders.paths import AccountPath
from verifier.errors import BadInput, LimitExceeded
from verifier.primitives import Hash32

MAX_PROOFS: Final = 255
"""An index has one byte, and the request's own outputs end at 255."""
_GATEWAY_PROOF: Final = "(bytes,uint64,bytes32,bytes[],bytes)"


@dataclass(frozen=True, slots=True)
class ProofSequence:
    """The proofs of a request under one state root."""

    state_root: Hash32
    proofs: tuple[bytes, ...]
    order: bytes


def encode_nodes(nodes: Sequence[bytes]) -> bytes:
    """The nodes of one path, as a gateway's hooks decode them."""
    return encode_values(("bytes[]",), (list(nodes),))


def proof_sequence(paths: Sequence[AccountPath]) -> ProofSequence:
    """
    The proofs of a request that reads these accounts in order, each followed by its words in order.

    Raises:
        BadInput: No paths, or paths under different state roots.
        LimitExceeded: More different proofs than an index can name.
    """
    roots = {path.header.state_root for path in paths}
    if len(roots) != 1:
        raise BadInput("paths of a request", "at least one, all under one state root", len(roots))
    places: dict[bytes, int] = {}
    order: list[int] = []
    for path in paths:
        encoded = [encode_nodes(nodes) for nodes in (path.account_nodes, *path.word_nodes)]
        order += [places.setdefault(one, len(places)) for one in encoded]
    if len(places) > MAX_PROOFS:
        raise LimitExceeded("proofs of a request", MAX_PROOFS, len(places))
    return ProofSequence(roots.pop(), tuple(places), bytes(order))


def signed_digest(sequence: ProofSequence, signed_at: int) -> Hash32:
    """What a trusted gateway's signer signs: that the state root was the network's at a time (EIP-191, version 0)."""
    return keccak256(b"\x19\x00" + bytes(20) + signed_at.to_bytes(8, "big") + sequence.state_root)


def encode_trusted_answer(sequence: ProofSequence, signed_at: int, signature: bytes) -> bytes:
    """The answer of a trusted gateway: `GatewayProof` with the signer's 65 bytes over `signed_digest`."""
    values = (signature, signed_at, sequence.state_root, list(sequence.proofs), sequence.order)
    return encode_values((_GATEWAY_PROOF,), (values,))
