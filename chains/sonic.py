"""Sonic."""

from __future__ import annotations

from typing import Final

from chains.chain import Chain, circle_usdc
from chains.families import SONIC
from verifier.network import Network, OwnConsensus
from verifier.primitives import ChainId

NETWORK: Final = Network(
    ChainId(146),
    "sonic",
    SONIC,
    "S",
    OwnConsensus("lachesis"),
    block_time=1,
    finality=5,
)
CHAIN: Final = Chain(
    NETWORK,
    assets=(
        circle_usdc(
            NETWORK,
            "0x29219dd400f2bf60e5a23d13be72b486d4038894",
            evidence="bridged USDC of Circle's standard; layout not confirmed",
        ),
    ),
    finality_tags="accepted = final",
    proofs="eth_getProof since 2024; an archive is needed",
    sources=(
        "viem chain definitions (id, symbol, block time)",
        "0xsoniclabs/sonic inter/block.go",
        "Fantom-foundation/Sonic#185",
    ),
    unconfirmed=("history ring",),
)
