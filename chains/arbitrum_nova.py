"""Arbitrum Nova."""

from __future__ import annotations

from typing import Final

from chains import schedules
from chains.chain import Chain
from chains.families import ARBITRUM
from verifier.network import Network, SettledOn
from verifier.primitives import ChainId

NETWORK: Final = Network(
    ChainId(42_170),
    "arbitrum-nova",
    ARBITRUM,
    "ETH",
    SettledOn(ChainId(1), "bold"),
    block_time=1,
    finality=1200,
    forks=schedules.ARBITRUM,
)
CHAIN: Final = Chain(
    NETWORK,
    finality_tags="safe and finalized follow the L1 state of the posting batch",
    proofs="eth_getProof",
    sources=("viem chain definitions (id, symbol, block time)",),
)
