"""Unichain."""

from __future__ import annotations

from typing import Final

from chains import schedules
from chains.chain import Chain, circle_usdc, token
from chains.families import OP_STACK, OP_TAGS
from chains.settlements import FACT, op_games
from verifier.network import Network
from verifier.primitives import ChainId

NETWORK: Final = Network(
    ChainId(130),
    "unichain",
    OP_STACK,
    "ETH",
    op_games(
        "0x0bd48f6b86a26d3a217d0fa6ffe2b491b956a7a2",
        "0x2f12d621a16e2d3285929c9996f478508951dfe4",
        "0x27cf508e4e3aa8d30b3226ac3b5ea0e8bcacaff9",
    ),
    block_time=1,
    finality=1500,
    forks=schedules.UNICHAIN,
)
CHAIN: Final = Chain(
    NETWORK,
    assets=(
        circle_usdc(NETWORK, "0x078d782b760474a361dda0af3839290b0ef57ad6"),
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
    unconfirmed=(FACT,),
    sources=(
        "viem chain definitions (id, symbol, block time)",
        "ethereum-optimism/superchain-registry",
    ),
)
