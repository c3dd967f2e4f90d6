"""Scroll: a keccak Merkle-Patricia trie since Euclid (April 2025), another tree before."""

from __future__ import annotations

from typing import Final

from chains.chain import Chain, circle_usdc, uptime
from chains.families import PLAIN
from chains.settlements import FACT, one_contract
from verifier.network import Network
from verifier.primitives import ChainId

NETWORK: Final = Network(
    ChainId(534_352),
    "scroll",
    PLAIN,
    "ETH",
    one_contract("scroll", "scroll_chain", "0xa13baf47339d63b743e7da8741db5456dac1e556"),
    block_time=3,
    finality=3600,
)
CHAIN: Final = Chain(
    NETWORK,
    assets=(
        circle_usdc(
            NETWORK,
            "0x06efdbff2a14a7c8e15944d1f4a48f9f95f663a4",
            evidence="Scroll block 16525016: proxy code hash 0xad30d819…, the same as Circle's proxy on Arbitrum; the "
            "implementation is not reviewed",
        ),
    ),
    finality_tags="finalized: batch finalized on L1",
    proofs="eth_getProof since Euclid",
    sources=(
        "viem chain definitions (id, symbol, block time)",
        "unruggable-labs/unruggable-gateways EuclidRollup",
    ),
    unconfirmed=(
        FACT,
        "history ring",
        "seconds to finality",
    ),
    uptime=uptime("0x45c2b8C204568A03Dc7A2E32B71D67Fe97F908A9"),
)
