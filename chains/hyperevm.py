"""HyperEVM."""

from __future__ import annotations

from typing import Final

from chains.chain import Chain
from chains.families import PLAIN
from verifier.network import Network, OwnConsensus
from verifier.primitives import ChainId

NETWORK: Final = Network(
    ChainId(999),
    "hyperevm",
    PLAIN,
    "HYPE",
    OwnConsensus("hyperbft"),
    block_time=1,
    finality=5,
)
CHAIN: Final = Chain(
    NETWORK,
    finality_tags="final on inclusion",
    proofs="eth_getProof at some providers only",
    sources=(
        "viem chain definitions (id, symbol, block time)",
        "docs of Chainstack and QuickNode",
    ),
    unconfirmed=(
        "header fields",
        "history ring",
        "block kinds in eth_getProof",
    ),
)
