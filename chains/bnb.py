"""BNB Chain."""

from __future__ import annotations

from typing import Final

from chains.chain import Chain, token
from chains.families import PARLIA
from verifier.network import Network, OwnConsensus
from verifier.primitives import ChainId

NETWORK: Final = Network(
    ChainId(56),
    "bnb",
    PARLIA,
    "BNB",
    OwnConsensus("parlia"),
    block_time=1,
    finality=10,
)
CHAIN: Final = Chain(
    NETWORK,
    assets=(
        token(
            NETWORK,
            "USDT",
            "0x55d398326f99059ff775485246999027b3197955",
            1,
            evidence="BEP20USDT: owner 0, balances 1 by its published source; code not reviewed",
        ),
    ),
    finality_tags="finalized: fast finality, two attested blocks",
    proofs="eth_getProof",
    sources=(
        "viem chain definitions (id, symbol, block time)",
        "bnb-chain/bsc params/config.go, consensus/parlia",
    ),
)
