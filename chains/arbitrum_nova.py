"""Arbitrum Nova."""

from __future__ import annotations

from typing import Final

from chains import schedules
from chains.chain import Chain
from chains.families import ARBITRUM
from chains.settlements import FACT, arbitrum
from verifier.network import Network
from verifier.primitives import ChainId

NETWORK: Final = Network(
    ChainId(42_170),
    "arbitrum-nova",
    ARBITRUM,
    "ETH",
    arbitrum("0xe7e8ccc7c381809bdc4b213ce44016300707b7bd", "0xd4b80c3d7240325d18e645b49e6535a3bf95cc58"),
    block_time=1,
    finality=1200,
    forks=schedules.ARBITRUM,
)
CHAIN: Final = Chain(
    NETWORK,
    finality_tags="safe and finalized follow the L1 state of the posting batch",
    proofs="eth_getProof",
    unconfirmed=(FACT,),
    sources=("viem chain definitions (id, symbol, block time)",),
)
