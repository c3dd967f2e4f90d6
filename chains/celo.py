"""Celo, a rollup since block 31,056,500. CELO is also an ERC-20 at 0x471e… showing the native balance: one claim."""

from __future__ import annotations

from typing import Final

from chains.chain import PROOFS_BY_CLIENT, Chain, circle_usdc, mirror
from chains.families import CELO, OP_TAGS
from chains.settlements import CELO_SUPERCHAIN, FACT, op_games
from verifier.network import Network
from verifier.primitives import ChainId

NETWORK: Final = Network(
    ChainId(42_220),
    "celo",
    CELO,
    "CELO",
    op_games(
        "0xc5c5d157928bdbd2acf6d0777626b6c75a9eaedc",
        "0xfbac162162f4009bb007c6debc36b1dac10af683",
        "0x8fe58d2168b5412cf1bd212ce6137f8b7300222d",
        CELO_SUPERCHAIN,
    ),
    block_time=1,
    finality=1500,
)
CHAIN: Final = Chain(
    NETWORK,
    assets=(circle_usdc(NETWORK, "0xceba9300f2b948710d2653dd7b07f33a8b32118c"),),
    finality_tags=OP_TAGS,
    proofs=PROOFS_BY_CLIENT,
    unconfirmed=(FACT,),
    sources=(
        "viem chain definitions (id, symbol, block time)",
        "celo-org/celo-blockchain core/types/block_compatibility.go",
        "superchain-registry",
    ),
    second_entries=(
        mirror(
            "0x471ece3750da237f93b8e339c536989b8978a438",
            "celo-org/celo-monorepo GoldToken.sol: balanceOf is the account's own balance "
            "(docs.celo.org, token duality)",
        ),
    ),
)
