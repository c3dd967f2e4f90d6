"""What rollups settle on, in the shapes that the schemes take: contracts on Ethereum by role.

Every address is a default that an account file may add to. No implementation of these contracts was held against the
chain here, so none is pinned: a root is refused as resting on code that nobody reviewed, until the checker's account
file pins the code that it reviewed, or its policy names the contracts.
"""

from __future__ import annotations

from typing import Final

from verifier.network import SettledOn
from verifier.primitives import Address, ChainId, address, parse_hex

ETHEREUM: Final = ChainId(1)
OP_DELAY: Final = 302_400
"""Seconds of the registry's air gap on the standard chains: 3.5 days. Source: superchain-registry, standard config."""
SUPERCHAIN: Final = "0x95703e0982140d16f8eba6d158fccede42f04a4c"
"""SuperchainConfig of the chains that the superchain's guardian serves. Source: superchain-registry."""
CELO_SUPERCHAIN: Final = "0x25035d2233d099f0ba710ca1e5a3834842870c66"
"""Source: Celo documentation, L1 contracts."""
FACT: Final = "settlement: addresses read in public registries; no implementation reviewed"


def op_games(portal: str, factory: str, registry: str, superchain: str = SUPERCHAIN) -> SettledOn:
    """Dispute games under the registry's rules. Source: superchain-registry, extra/addresses; governance task 071."""
    roles = (("portal", portal), ("factory", factory), ("registry", registry), ("superchain_config", superchain))
    return SettledOn(ETHEREUM, "op_fault", _by_role(roles), delay=OP_DELAY)


def base_games(portal: str, factory: str, registry: str) -> SettledOn:
    """Base's games, whose pauses stand at another slot. Its pause contract's address is not known here."""
    roles = (("portal", portal), ("factory", factory), ("registry", registry))
    return SettledOn(ETHEREUM, "base", _by_role(roles), delay=OP_DELAY)


def arbitrum(rollup: str, outbox: str) -> SettledOn:
    """BoLD assertions and the outbox. Source: OffchainLabs/arbitrum-sdk 4.1.0, networks data."""
    return SettledOn(ETHEREUM, "bold", _by_role((("rollup", rollup), ("outbox", outbox))))


def one_contract(scheme: str, role: str, contract: str) -> SettledOn:
    """A scheme that reads one contract."""
    return SettledOn(ETHEREUM, scheme, _by_role(((role, contract),)))


def _by_role(roles: tuple[tuple[str, str], ...]) -> tuple[tuple[str, Address], ...]:
    return tuple((role, address(parse_hex(text, role))) for role, text in roles)
