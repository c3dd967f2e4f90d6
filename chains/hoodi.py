"""Ethereum testnet Hoodi."""

from __future__ import annotations

from typing import Final

from chains import schedules
from chains.chain import PROOFS_BY_CLIENT, Chain
from chains.families import ETHEREUM
from verifier.network import Network, OwnConsensus
from verifier.primitives import ChainId

NETWORK: Final = Network(
    ChainId(560_048),
    "hoodi",
    ETHEREUM,
    "ETH",
    OwnConsensus("beacon"),
    block_time=12,
    finality=900,
    forks=schedules.HOODI,
)
CHAIN: Final = Chain(
    NETWORK,
    finality_tags="as on Ethereum",
    proofs=PROOFS_BY_CLIENT,
    sources=(
        "viem chain definitions (id, symbol, block time)",
        "as Ethereum mainnet",
    ),
)
