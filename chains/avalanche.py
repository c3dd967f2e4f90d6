"""Avalanche C-Chain. Slot keys lose bit 0 of their first byte before they are hashed."""

from __future__ import annotations

from typing import Final

from chains.chain import Chain, circle_usdc
from chains.families import AVALANCHE
from verifier.network import Network, OwnConsensus
from verifier.primitives import ChainId

NETWORK: Final = Network(
    ChainId(43_114),
    "avalanche",
    AVALANCHE,
    "AVAX",
    OwnConsensus("snowman"),
    block_time=2,
    finality=5,
)
CHAIN: Final = Chain(
    NETWORK,
    assets=(circle_usdc(NETWORK, "0xb97ef9ef8734c71904d8002f8b6bc66dd9c48a6e"),),
    finality_tags="latest = safe = finalized = accepted",
    proofs="eth_getProof; archives refuse proofs older than about 24 h, nodes on Firewood serve none",
    sources=(
        "viem chain definitions (id, symbol, block time)",
        "ava-labs/coreth core/extstate, customtypes",
    ),
)
