"""Berachain."""

from __future__ import annotations

from typing import Final

from chains.chain import Chain
from chains.families import BERACHAIN
from verifier.network import Network, OwnConsensus
from verifier.primitives import ChainId

NETWORK: Final = Network(
    ChainId(80_094),
    "berachain",
    BERACHAIN,
    "BERA",
    OwnConsensus("cometbft"),
    block_time=2,
    finality=5,
)
CHAIN: Final = Chain(
    NETWORK,
    finality_tags="final on inclusion",
    proofs="eth_getProof; reth's default window is the head only",
    sources=(
        "viem chain definitions (id, symbol, block time)",
        "bera-geth core/types",
        "BRIP-0004",
    ),
    unconfirmed=("history ring",),
)
