"""Unichain."""

from __future__ import annotations

from typing import Final

from chains import schedules
from chains.chain import PROOFS_BY_CLIENT, Chain, circle_usdc, op_weth
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
        op_weth(NETWORK),
    ),
    finality_tags=OP_TAGS,
    proofs=PROOFS_BY_CLIENT,
    unconfirmed=(FACT,),
    sources=(
        "viem chain definitions (id, symbol, block time)",
        "ethereum-optimism/superchain-registry",
    ),
)
