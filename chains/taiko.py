"""Taiko."""

from __future__ import annotations

from typing import Final

from chains.chain import Chain
from chains.families import PLAIN
from verifier.network import Network, SettledOn
from verifier.primitives import ChainId

NETWORK: Final = Network(
    ChainId(167_000),
    "taiko",
    PLAIN,
    "ETH",
    SettledOn(ChainId(1), "taiko"),
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
        "history ring",
        "seconds to finality",
    ),
)
