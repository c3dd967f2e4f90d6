"""Ink."""

from __future__ import annotations

from typing import Final

from chains import schedules
from chains.chain import PROOFS_BY_CLIENT, Chain, op_weth
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
    assets=(op_weth(NETWORK),),
    finality_tags=OP_TAGS,
    proofs=PROOFS_BY_CLIENT,
    sources=(
        "viem chain definitions (id, symbol, block time)",
        "ethereum-optimism/superchain-registry",
    ),
    unconfirmed=(
        FACT,
        "block time",
    ),
)
