"""When each network's blocks changed their rules: what calls are run by. A table for each, its source beside it.

A fork that is known and cannot be run here has no rules in its row, and calls in its blocks are refused by its name. A
fork that leaves no mark in the header and stands in no row here cannot be noticed: tables are brought up to date with
each release, as the clients' own are.
"""

from __future__ import annotations

from typing import Final

from verifier.forks import Activation, Fork, Schedule


def _by_time(*rows: tuple[str, Fork | None, int]) -> Schedule:
    return tuple(Activation(fork, name, time=time) for name, fork, time in rows)


ETHEREUM: Final[Schedule] = (
    Activation(Fork.LONDON, "london", block=12_965_000),
    Activation(Fork.PARIS, "paris", block=15_537_394),
    *_by_time(
        ("shanghai", Fork.SHANGHAI, 1_681_338_455),
        ("cancun", Fork.CANCUN, 1_710_338_135),
        ("prague", Fork.PRAGUE, 1_746_612_311),
        ("osaka", Fork.OSAKA, 1_764_798_551),
        ("bpo1", Fork.BPO1, 1_765_290_071),
        ("bpo2", Fork.BPO2, 1_767_747_671),
    ),
)
"""Source: go-ethereum 1.17.10 params/chainspecs/mainnet.json; ethereum/execution-specs (Paris at 15,537,394)."""

SEPOLIA: Final[Schedule] = _by_time(
    ("shanghai", Fork.SHANGHAI, 1_677_557_088),
    ("cancun", Fork.CANCUN, 1_706_655_072),
    ("prague", Fork.PRAGUE, 1_741_159_776),
    ("osaka", Fork.OSAKA, 1_760_427_360),
    ("bpo1", Fork.BPO1, 1_761_017_184),
    ("bpo2", Fork.BPO2, 1_761_607_008),
    ("amsterdam", None, 1_791_294_816),
)
"""Source: go-ethereum 1.17.10 params/chainspecs/sepolia.json. Blocks before Shanghai are left out."""

HOODI: Final[Schedule] = _by_time(
    ("cancun", Fork.CANCUN, 0),
    ("prague", Fork.PRAGUE, 1_742_999_832),
    ("osaka", Fork.OSAKA, 1_761_677_592),
    ("bpo1", Fork.BPO1, 1_762_365_720),
    ("bpo2", Fork.BPO2, 1_762_955_544),
)
"""Source: go-ethereum 1.17.10 params/chainspecs/hoodi.json."""

OPTIMISM: Final[Schedule] = (
    Activation(Fork.PARIS, "bedrock", block=105_235_063),
    *_by_time(
        ("canyon", Fork.SHANGHAI, 1_704_992_401),
        ("ecotone", Fork.CANCUN, 1_710_374_401),
        ("isthmus", Fork.PRAGUE, 1_746_806_401),
        ("karst", Fork.OSAKA, 1_783_526_401),
    ),
)
"""Source: ethereum-optimism/superchain-registry superchain/configs/mainnet/op.toml; alloy-rs/hardforks (Bedrock)."""

_SUPERCHAIN: Final[Schedule] = _by_time(
    ("ecotone", Fork.CANCUN, 0),
    ("isthmus", Fork.PRAGUE, 1_746_806_401),
    ("karst", Fork.OSAKA, 1_783_526_401),
)
UNICHAIN: Final = _SUPERCHAIN
"""Source: ethereum-optimism/superchain-registry superchain/configs/mainnet/unichain.toml."""
INK: Final = _SUPERCHAIN
"""Source: ethereum-optimism/superchain-registry superchain/configs/mainnet/ink.toml."""

BASE: Final[Schedule] = _by_time(
    ("bedrock", Fork.PARIS, 0),
    ("canyon", Fork.SHANGHAI, 1_704_992_401),
    ("ecotone", Fork.CANCUN, 1_710_374_401),
    ("isthmus", Fork.PRAGUE, 1_746_806_401),
    ("azul", Fork.OSAKA, 1_779_991_200),
    ("beryl", None, 1_782_410_400),
)
"""
Azul brings the opcode and precompile changes of Osaka; Beryl brings tokens that are precompiles.

Source: base/base crates/common/chains/src/config.rs; docs.base.org/upgrades/azul.
"""

ARBITRUM: Final[Schedule] = (
    Activation(Fork.LONDON, "ArbOS before 11"),
    Activation(Fork.SHANGHAI, "ArbOS 11", version=11),
    Activation(Fork.CANCUN, "ArbOS 20", version=20),
    Activation(Fork.PRAGUE, "ArbOS 40", version=40),
    Activation(Fork.OSAKA, "ArbOS 50", version=50),
    Activation(None, "ArbOS after 60", version=61),
)
"""By the ArbOS version in each header. Source: OffchainLabs/go-ethereum params/config.go, params/config_arbitrum.go."""
