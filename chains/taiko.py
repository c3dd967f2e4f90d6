"""Taiko."""

from __future__ import annotations

from typing import Final

from chains.chain import Chain
from chains.families import PLAIN
from chains.settlements import FACT, one_contract
from verifier.network import Network
from verifier.primitives import ChainId

NETWORK: Final = Network(
    ChainId(167_000),
    "taiko",
    PLAIN,
    "ETH",
    one_contract("taiko", "signal_service", "0x9e0a24964e5397b566c1ed39258e21ab5e35c77c"),
    block_time=12,
    finality=3600,
)
CHAIN: Final = Chain(
    NETWORK,
    finality_tags="finalized: proven and past its cooldown on L1",
    proofs="eth_getProof (taiko-geth)",
    sources=(
        "viem chain definitions (id, symbol, block time)",
        "taikoxyz/taiko-mono",
    ),
    unconfirmed=(
        FACT,
        "history ring",
        "seconds to finality",
    ),
)
