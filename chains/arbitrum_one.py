"""Arbitrum One."""

from __future__ import annotations

from typing import Final

from chains import schedules
from chains.chain import Chain, circle_usdc, escrow, pin, token, uptime
from chains.families import ARBITRUM
from chains.settlements import FACT, arbitrum
from verifier.claims import ProxyKind
from verifier.network import Network
from verifier.primitives import ChainId

NETWORK: Final = Network(
    ChainId(42_161),
    "arbitrum-one",
    ARBITRUM,
    "ETH",
    arbitrum("0x4dceb440657f21083db8add07665f8ddbe1dcfc0", "0x0b9857ae2d4a3dbe74ffe1d7df045bb7f96e4840"),
    block_time=1,
    finality=1200,
    forks=schedules.ARBITRUM,
)
CHAIN: Final = Chain(
    NETWORK,
    assets=(
        circle_usdc(
            NETWORK,
            "0xaf88d065e77c8cc2239327c5edb3a432268e5831",
            pins=(
                pin(
                    "0xad30d819dbc47814b7e6cb837fd7cc57fcb591479a38596ee93de4fc52e8c435",
                    "0x86e721b43d4ecfa71119dd38c0f938a75fdb57b3",
                    "0xda0578bf7fe0d04e320e166ab8f98061328fda8ae0a299882aeb38f1543c6a9d",
                ),
            ),
            evidence="FiatToken v2.2 compiled; code hashes on which public records of deployed code agree; the proxy's "
            "is also what Scroll block 16525016 proves for the USDC proxy there",
        ),
        token(
            NETWORK,
            "USDC.e",
            "0xff970a61a04b1ca14834a43f5de4533ebddb5cc8",
            51,
            decimals=6,
            evidence="gateway token (upgradeable OpenZeppelin): balances at slot 51; beacon proxy, code not reviewed",
        ),
        token(
            NETWORK,
            "WETH",
            "0x82af49447d8a07e3bd95bd0d56f35241523fbab1",
            51,
            group="ETH",
            proxy=ProxyKind.EIP1967,
            evidence="aeWETH: balances at slot 51 by a third-party list; code not reviewed",
        ),
        token(
            NETWORK,
            "ARB",
            "0x912ce59144191c1204e64559fe8253a0e49e6548",
            51,
            proxy=ProxyKind.EIP1967,
            evidence="upgradeable OpenZeppelin ERC20: balances at slot 51; code not reviewed",
        ),
    ),
    finality_tags="safe and finalized follow the L1 state of the posting batch",
    proofs='eth_getProof; Nitro answers "missing trie node" where its archive ends',
    unconfirmed=(FACT,),
    sources=(
        "viem chain definitions (id, symbol, block time)",
        "OffchainLabs/go-ethereum core/types/arb_types.go",
    ),
    escrows=(
        escrow(
            1, "0xa3A7B6F88361F48403514059F1F16C8E78d60EeC", "docs.arbitrum.io, contract addresses: L1 ERC20 Gateway"
        ),
    ),
    uptime=uptime("0xFdB631F5EE196F0ed6FAa767959853A9F217697D"),
)
