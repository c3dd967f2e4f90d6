"""Blast. Accounts have seven fields, so no single leaf field is the native balance."""

from __future__ import annotations

from typing import Final

from chains.chain import Chain
from chains.families import BLAST, OP_TAGS
from verifier.network import Network, SettledOn
from verifier.primitives import ChainId

NETWORK: Final = Network(
    ChainId(81_457),
    "blast",
    BLAST,
    "ETH",
    SettledOn(ChainId(1), "op_output"),
    block_time=2,
    finality=1500,
)
CHAIN: Final = Chain(
    NETWORK,
    finality_tags=OP_TAGS,
    proofs="eth_getProof with seven-field accounts",
    sources=(
        "viem chain definitions (id, symbol, block time)",
        "blast-io/blast blast-geth core/types/state_account.go",
    ),
    unconfirmed=(
        "share price slot of the native yield",
        "history ring",
    ),
)
