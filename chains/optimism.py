"""OP Mainnet."""

from __future__ import annotations

from typing import Final

from chains import schedules
from chains.chain import PROOFS_BY_CLIENT, Chain, circle_usdc, escrow, mirror, op_weth, pin, token, uptime
from chains.families import OP_STACK, OP_TAGS
from chains.settlements import FACT, op_games
from verifier.network import Network
from verifier.primitives import ChainId

NETWORK: Final = Network(
    ChainId(10),
    "optimism",
    OP_STACK,
    "ETH",
    op_games(
        "0xbeb5fc579115071764c7423a4f12edde41f106ed",
        "0xe5965ab5962edc7477c8520243a95517cd252fa9",
        "0x23b2c62946350f4246f9f9d027e071f0264fd113",
    ),
    block_time=2,
    finality=1500,
    forks=schedules.OPTIMISM,
)
CHAIN: Final = Chain(
    NETWORK,
    assets=(
        circle_usdc(
            NETWORK,
            "0x0b2c639c533813f4aa9d7837caf62653d097ff85",
            evidence="under block 109279679: proxy code hash 0xaad43333…, implementation 0xbd17deee… (v2.1), "
            "balances at slot 9; the implementation of today is not reviewed",
        ),
        token(
            NETWORK,
            "USDT",
            "0x94b008aa00579c1307b0ef2c499ad98a8ce58e58",
            0,
            decimals=6,
            pins=(pin("0xb49036bd4151aceb1aeaf736cd44d43f820306b280c5e8a58e430083cc444151"),),
            evidence="OP block 109279682: code hash from the account leaf proven under that block's state root, and a "
            "balance read at mapping slot 0 there; not upgradeable (L2StandardERC20)",
        ),
        op_weth(
            NETWORK,
            pins=(pin("0x779bbf2a738ef09d961c945116197e2ac764c1b39304b2b4418cd4e42668b173"),),
            evidence="OP block 109279683: code hash from the account leaf proven under that block's state root; the "
            "same that ethereum-optimism's Bedrock migration pins as WETH9 (balances at slot 3)",
        ),
        token(
            NETWORK,
            "USDC.e",
            "0x7f5c764cbc14f9669b88837ca1490cca17c31607",
            0,
            decimals=6,
            evidence="L2StandardERC20: balances at slot 0; this token's code not reviewed",
        ),
        token(
            NETWORK,
            "OP",
            "0x4200000000000000000000000000000000000042",
            0,
            evidence="GovernanceToken artifact of the OP Stack (ERC20Votes): balances at slot 0",
        ),
    ),
    finality_tags=OP_TAGS,
    proofs=PROOFS_BY_CLIENT,
    unconfirmed=(FACT,),
    sources=(
        "viem chain definitions (id, symbol, block time)",
        "ethereum-optimism/superchain-registry",
    ),
    second_entries=(
        mirror(
            "0xdeaddeaddeaddeaddeaddeaddeaddeaddead0000",
            "specs.optimism.io/protocol/predeploys.html: LegacyERC20ETH, whose balanceOf is the account's own balance",
        ),
    ),
    escrows=(
        escrow(
            1,
            "0x99C9fc46f92E8a1c0deC1b1747d010903E884bE1",
            "docs.optimism.io, addresses: L1StandardBridgeProxy on Ethereum",
        ),
    ),
    uptime=uptime("0x371EAD81c9102C9BF4874A9075FFFf170F2Ee389"),
)
