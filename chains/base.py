"""Base. It has left the superchain registry and has proof contracts of its own: a profile of its own."""

from __future__ import annotations

from typing import Final

from chains import schedules
from chains.chain import Chain, circle_usdc, escrow, mirror, op_weth, pin, token, uptime
from chains.families import OP_STACK, OP_TAGS
from chains.settlements import FACT, base_games
from verifier.claims import ProxyKind
from verifier.network import Network
from verifier.primitives import ChainId

NETWORK: Final = Network(
    ChainId(8_453),
    "base",
    OP_STACK,
    "ETH",
    base_games(
        "0x49048044d57e1c92a77f79988d21fa8faf74e97e",
        "0x43edb88c4b80fdd2adff2412a7bebf9df42cb40e",
        "0x909f6cf47ed12f010a796527f562bfc26c7f4e72",
    ),
    block_time=2,
    finality=1500,
    forks=schedules.BASE,
)
CHAIN: Final = Chain(
    NETWORK,
    assets=(
        circle_usdc(
            NETWORK,
            "0x833589fcd6edb6e08f4c7c32d4f71b54bda02913",
            pins=(
                pin(
                    "0xa6705a10bb756b5dea144591118be77d7af0c3eee3bf2dfe2583dcb0364fefab",
                    "0x2ce6311ddae708829bc0784c967b7d77d19fd779",
                    "0x11b75a237997ab8328f65b2d5a55c10f0346d0a175741ed42ddf4f2c66b9e873",
                ),
            ),
            evidence="FiatToken v2.2 compiled; proxy and implementation code hashes on which several public records of "
            "deployed code agree",
        ),
        op_weth(
            NETWORK,
            pins=(pin("0x8a3a1f6a9f9dce633117adee5b458245835a8645a8c8726a26382a4622508b1c"),),
            evidence="the code that genesis proofs of Mode and Zora show at this predeploy, with WETH9's name, symbol "
            "and decimals at slots 0 to 2; a public list of deployed code states the same hash for Base",
        ),
        token(
            NETWORK,
            "cbBTC",
            "0xcbb7c0000ab88b473b1f5afd9ef808440eed33bf",
            9,
            decimals=8,
            width_bits=255,
            blocked_bit=255,
            proxy=ProxyKind.ZEPPELINOS,
            evidence="slot from a third-party list; proxy kind and flag bit not confirmed",
        ),
    ),
    finality_tags=OP_TAGS,
    proofs="eth_getProof; often served by reth with a short window",
    sources=(
        "viem chain definitions (id, symbol, block time)",
        "docs.base.org",
    ),
    unconfirmed=(
        FACT,
        "header of upgrades after Jovian",
        "settlement contracts: its own AggregateVerifier",
    ),
    second_entries=(
        mirror(
            "0xdeaddeaddeaddeaddeaddeaddeaddeaddead0000",
            "docs.base.org, predeploys: LegacyERC20ETH, whose balanceOf is the account's own balance",
        ),
    ),
    escrows=(
        escrow(
            1,
            "0x3154Cf16ccdb4C6d922629664174b904d80F2C35",
            "docs.base.org, base contracts: L1StandardBridge on Ethereum",
        ),
    ),
    uptime=uptime("0xBCF85224fc0756B9Fa45aA7892530B47e10b6433"),
)
