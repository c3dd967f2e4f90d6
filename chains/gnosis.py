"""Gnosis."""

from __future__ import annotations

from typing import Final

from chains.chain import Chain, token
from chains.families import GNOSIS
from verifier.network import Network, OwnConsensus
from verifier.primitives import ChainId

NETWORK: Final = Network(
    ChainId(100),
    "gnosis",
    GNOSIS,
    "xDAI",
    OwnConsensus("beacon"),
    block_time=5,
    finality=240,
)
CHAIN: Final = Chain(
    NETWORK,
    assets=(
        token(
            NETWORK,
            "WXDAI",
            "0xe91d153e0b41518a2ce8dd3d7944fa863463a97d",
            3,
            group="xDAI",
            evidence="WETH9's source: balances at slot 3; code not reviewed",
        ),
    ),
    finality_tags="beacon finality, epochs of 16 slots of 5 s",
    proofs="eth_getProof",
    sources=(
        "viem chain definitions (id, symbol, block time)",
        "gnosischain/configs",
    ),
)
