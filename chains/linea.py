"""Linea. Proofs stand under the header's root; the root that L1 settles is another tree (linea_getProof)."""

from __future__ import annotations

from typing import Final

from chains.chain import Chain, token
from chains.families import PLAIN
from verifier.claims import ProxyKind
from verifier.network import Network, SettledOn
from verifier.primitives import ChainId

NETWORK: Final = Network(
    ChainId(59_144),
    "linea",
    PLAIN,
    "ETH",
    SettledOn(ChainId(1), "linea"),
    block_time=2,
    finality=28800,
)
CHAIN: Final = Chain(
    NETWORK,
    assets=(
        token(
            NETWORK,
            "USDC",
            "0x176211869ca2b568f2a7d4ee941e073a821ee1ff",
            9,
            decimals=6,
            width_bits=255,
            blocked_bit=255,
            proxy=ProxyKind.ZEPPELINOS,
            evidence="address as public lists have it; layout assumed to be FiatToken v2.2, not confirmed",
        ),
    ),
    finality_tags="finalized: L1-finalized batch",
    proofs="eth_getProof on Besu and geth nodes, against the header's root",
    sources=(
        "viem chain definitions (id, symbol, block time)",
        "Consensys/linea-monorepo",
    ),
    unconfirmed=(
        "history ring",
        "seconds to finality",
    ),
)
