"""Ethereum mainnet."""

from __future__ import annotations

from typing import Final

from chains import schedules
from chains.chain import PROOFS_BY_CLIENT, Chain, circle_usdc, mirror, pin, token
from chains.families import ETHEREUM
from verifier.claims import Guard, ProxyKind
from verifier.network import Network, OwnConsensus
from verifier.primitives import ChainId, slot_key

NETWORK: Final = Network(
    ChainId(1),
    "ethereum",
    ETHEREUM,
    "ETH",
    OwnConsensus("beacon"),
    block_time=12,
    finality=900,
    forks=schedules.ETHEREUM,
)
TETHER_GUARDS: Final = (
    Guard(slot_key(10), 1 << 160, "the token is deprecated: balanceOf answers from another contract"),
    Guard(slot_key(0), 1 << 160, "the token is paused: nobody can move it"),
    Guard(slot_key(6), 0xFF, "the token has blocked this holder (isBlackListed)", by_holder=True),
)
"""
`deprecated` behind `upgradedAddress`, `paused` behind `owner`, and the mapping `isBlackListed`.

Source: TetherToken.sol as published for 0xdac17f95…: its state variables in the order of their linearised bases.
"""
CHAIN: Final = Chain(
    NETWORK,
    assets=(
        circle_usdc(
            NETWORK,
            "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48",
            pins=(
                pin(
                    "0xd80d4b7c890cb9d6a4893e6b52bc34b56b25335cb13716e0d1d31383e6b41505",
                    "0x43506849d7c04f9138d1a2050bbf3a0c054402dd",
                    "0xcdfb7d322961af3acae7a8f7ee8b69c205b36f576cc5b077f170c7eb8ecbe3ea",
                ),
            ),
            evidence="FiatToken v2.2 compiled; proxy and implementation code hashes on which several public records of "
            "deployed code agree",
        ),
        token(
            NETWORK,
            "USDT",
            "0xdac17f958d2ee523a2206206994597c13d831ec7",
            2,
            decimals=6,
            pins=(pin("0xb44fb4e949d0f78f87f79ee46428f23a2a5713ce6fc6e0beb3dda78c2ac1ea55"),),
            guards=TETHER_GUARDS,
            evidence="layout as slot lists and deployment pins state it; code hash as account leaves in public proof "
            "fixtures hold it; flags by the published source, compiled",
        ),
        token(
            NETWORK,
            "DAI",
            "0x6b175474e89094c44da98b954eedeac495271d0f",
            2,
            pins=(pin("0x4e36f96ee1667a663dfaac57c4d185a0e369a3a217e0079d49620f34f85d1ac7"),),
            evidence="dai.sol: wards 0, totalSupply 1, balanceOf 2; code hash as public account proofs hold it",
        ),
        token(
            NETWORK,
            "WETH",
            "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2",
            3,
            group="ETH",
            pins=(pin("0xd0a06b12ac47863b5c7be4185c2deaad1c61557033f56c7d4ea74429cbb25e23"),),
            evidence="WETH9.sol: name 0, symbol 1, decimals 2, balanceOf 3; code hash as public account proofs hold it",
        ),
        token(
            NETWORK,
            "WBTC",
            "0x2260fac5e5542a773aa44fbcfedf7c193bc2c599",
            0,
            decimals=8,
            evidence="layout not yet held against a proof",
        ),
        token(
            NETWORK,
            "wstETH",
            "0x7f39c581f595b53c5cb19bd0b3f8da6c935e2ca0",
            0,
            evidence="lidofinance/core WstETH compiled (ERC20 balances 0, stETH 7)",
        ),
        token(
            NETWORK,
            "rETH",
            "0xae78736cd615f374d3085123a210448e74fc6393",
            1,
            evidence="rocket-pool/rocketpool: slot 0 holds version and storage address, balances follow",
        ),
        token(
            NETWORK,
            "GHO",
            "0x40d16fc0246ad3160ccc09b8d0d3a2cd28ae6c2f",
            3,
            evidence="aave/gho-core ERC20: name 0, symbol 1, totalSupply 2, balanceOf 3; deployed order not confirmed",
        ),
        token(
            NETWORK,
            "USDe",
            "0x4c9edd5852cd905f086c759e8383e09bff1e68b3",
            2,
            evidence="published source compiled: owner 0, pendingOwner 1, balances 2",
        ),
        token(
            NETWORK,
            "AAVE",
            "0x7fc66500c84a76ad7e9c93437bfc5ac33e2ddae9",
            0,
            width_bits=104,
            other_bits=((1 << 152) - 1) << 104,
            proxy=ProxyKind.EIP1967,
            evidence="bgd-labs/aave-token-v3: balance u104, two delegated balances u72, delegation state u8",
        ),
    ),
    finality_tags="safe: justified; finalized: Casper finality, 13 to 15 minutes",
    proofs=PROOFS_BY_CLIENT,
    sources=(
        "viem chain definitions (id, symbol, block time)",
        "go-ethereum core/types/block.go (header)",
        "EIP-2935 (history ring)",
    ),
    second_entries=(
        mirror(
            "0x8dd5fbce2f6a956c3022ba3663759011dd51e73e",
            "TrueUSD's first address forwards to the same balances: medium.com/chainsecurity, TrueUSD-Compound "
            "vulnerability, 21 March 2022",
            stands_for="0x0000000000085d4780b73119b644ae5ecd22b376",
        ),
    ),
)
