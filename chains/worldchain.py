"""World Chain."""

from __future__ import annotations

from typing import Final

from chains.chain import Chain, circle_usdc, op_weth
from chains.families import OP_STACK, OP_TAGS
from chains.settlements import FACT, op_games
from verifier.network import Network
from verifier.primitives import ChainId

NETWORK: Final = Network(
    ChainId(480),
    "worldchain",
    OP_STACK,
    "ETH",
    op_games(
        "0xd5ec14a83b7d95be1e2ac12523e2dee12cbeea6c",
        "0x069c4c579671f8c120b1327a73217d01ea2ec5ea",
        "0x90bb48fe3310499db36437dcae642f721e32d094",
    ),
    block_time=2,
    finality=1500,
)
CHAIN: Final = Chain(
    NETWORK,
    assets=(
        circle_usdc(NETWORK, "0x79a02482a880bce3f13e09da970dc34db4cd24d1"),
        op_weth(NETWORK),
    ),
    finality_tags=OP_TAGS,
    proofs="eth_getProof (GetBlock lists it)",
    unconfirmed=(FACT,),
    sources=(
        "viem chain definitions (id, symbol, block time)",
        "ethereum-optimism/superchain-registry",
    ),
)
