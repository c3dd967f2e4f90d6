"""Polygon PoS."""

from __future__ import annotations

from typing import Final

from chains.chain import Chain, circle_usdc, mirror, token
from chains.families import BOR
from verifier.network import Network, OwnConsensus
from verifier.primitives import ChainId

NETWORK: Final = Network(
    ChainId(137),
    "polygon-pos",
    BOR,
    "POL",
    OwnConsensus("bor"),
    block_time=2,
    finality=30,
)
CHAIN: Final = Chain(
    NETWORK,
    assets=(
        circle_usdc(NETWORK, "0x3c499c542cef5e3811e1192ce70d8cc03d5c3359"),
        token(
            NETWORK,
            "WETH",
            "0x7ceb23fd6bc0add59e62ac25578270cff1b9f619",
            0,
            group="ETH",
            evidence="UChildERC20 of maticnetwork/pos-portal: balances at slot 0, not confirmed for this token",
        ),
        token(
            NETWORK,
            "USDT",
            "0xc2132d05d31c914a87c6611c10748aeb04b58e8f",
            0,
            decimals=6,
            evidence="UChildERC20 of maticnetwork/pos-portal: balances at slot 0, not confirmed for this token",
        ),
    ),
    finality_tags="finalized: latest whitelisted milestone",
    proofs="eth_getProof",
    sources=(
        "viem chain definitions (id, symbol, block time)",
        "0xPolygon/bor consensus/bor/bor.go, eth/api.go",
    ),
    unconfirmed=("history ring",),
    second_entries=(
        mirror(
            "0x0000000000000000000000000000000000001010",
            "0xPolygon/genesis-contracts, MRC20 at 0x1010: balanceOf is the account's own balance",
        ),
    ),
)
