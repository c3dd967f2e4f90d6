"""zkSync Era: listed so that the refusal can say why."""

from __future__ import annotations

from typing import Final

from chains.chain import Chain, mirror, uptime
from chains.families import ZKSYNC
from verifier.network import Network, SettledOn
from verifier.primitives import ChainId

NETWORK: Final = Network(
    ChainId(324),
    "zksync-era",
    ZKSYNC,
    "ETH",
    SettledOn(ChainId(1), "zksync"),
    block_time=1,
    finality=10800,
)
CHAIN: Final = Chain(
    NETWORK,
    finality_tags="finalized: batch executed on L1",
    proofs="none: zks_getProof over a binary Blake2s tree",
    sources=(
        "viem chain definitions (id, symbol, block time)",
        "GetBlock-io/getblock-docs zks_getProof",
        "unruggable-gateways",
    ),
    second_entries=(
        mirror(
            "0x000000000000000000000000000000000000800a",
            "matter-labs/era-contracts system-contracts: L2BaseToken at 0x800a keeps the balances of ETH",
        ),
    ),
    uptime=uptime("0x0E6AC8B967393dcD3D36677c126976157F993940"),
)
