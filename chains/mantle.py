"""Mantle. Its coin is MNT; ETH is an ERC-20 there."""

from __future__ import annotations

from typing import Final

from chains.chain import Chain, mirror
from chains.families import OP_TAGS, PLAIN
from verifier.network import Network, SettledOn
from verifier.primitives import ChainId

NETWORK: Final = Network(
    ChainId(5_000),
    "mantle",
    PLAIN,
    "MNT",
    SettledOn(ChainId(1), "mantle"),
    block_time=2,
    finality=1500,
)
CHAIN: Final = Chain(
    NETWORK,
    finality_tags=OP_TAGS,
    proofs="eth_getProof (GetBlock lists it)",
    sources=("viem chain definitions (id, symbol, block time)",),
    unconfirmed=(
        "history ring",
        "settlement scheme",
        "header since its own upgrades",
    ),
    second_entries=(
        mirror(
            "0xdeaddeaddeaddeaddeaddeaddeaddeaddead0000",
            "mantlenetworkio/mantle-v2 LegacyERC20MNT.sol: balanceOf is the account's own balance",
        ),
    ),
)
