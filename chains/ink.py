"""Ink."""

from __future__ import annotations

from typing import Final

from chains import schedules
from chains.chain import Chain, token
from chains.families import OP_STACK, OP_TAGS
from chains.settlements import FACT, op_games
from verifier.network import Network
from verifier.primitives import ChainId

NETWORK: Final = Network(
    ChainId(57_073),
    "ink",
    OP_STACK,
    "ETH",
    op_games(
        "0x5d66c1782664115999c47c9fa5cd031f495d3e4f",
        "0x10d7b35078d3baabb96dd45a9143b94be65b12cd",
        "0xee018baf058227872540ac60efbd38b023d9dae2",
    ),
    block_time=1,
    finality=1500,
    forks=schedules.INK,
)
CHAIN: Final = Chain(
    NETWORK,
    assets=(
        token(
            NETWORK,
            "WETH",
            "0x4200000000000000000000000000000000000006",
            3,
            group="ETH",
            evidence="WETH9 predeploy of the OP Stack (newer deployments: WETH98, balances at slot 0)",
        ),
    ),
    finality_tags=OP_TAGS,
    proofs="eth_getProof; hash-mode archives at any block, path mode about 128 blocks, reth's default the head only",
    sources=(
        "viem chain definitions (id, symbol, block time)",
        "ethereum-optimism/superchain-registry",
    ),
    unconfirmed=(
        FACT,
        "block time",
    ),
)
