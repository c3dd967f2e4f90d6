"""Monad: listed so that the refusal can say why."""

from __future__ import annotations

from typing import Final

from chains.chain import Chain
from chains.families import MONAD
from verifier.network import Network, OwnConsensus
from verifier.primitives import ChainId

NETWORK: Final = Network(
    ChainId(143),
    "monad",
    MONAD,
    "MON",
    OwnConsensus("monadbft"),
    block_time=1,
    finality=5,
)
CHAIN: Final = Chain(
    NETWORK,
    finality_tags="Proposed, Voted, Finalized, Verified map to latest, safe, finalized",
    proofs="none: eth_getProof is not served",
    sources=(
        "viem chain definitions (id, symbol, block time)",
        "docs of Monad",
        "category-labs/monad#781",
    ),
)
