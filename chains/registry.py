"""Every network we know: one literal dict, and the one list to extend."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from chains import (
    arbitrum_nova,
    arbitrum_one,
    avalanche,
    base,
    berachain,
    blast,
    bnb,
    celo,
    ethereum,
    gnosis,
    holesky,
    hoodi,
    hyperevm,
    ink,
    linea,
    mantle,
    monad,
    optimism,
    polygon_pos,
    scroll,
    sepolia,
    sonic,
    taiko,
    unichain,
    worldchain,
    zksync_era,
)
from chains.chain import Chain, aliases_of, local_network
from verifier.claims import AssetKey, KnownAsset
from verifier.network import Network
from verifier.primitives import ChainId

NETWORKS: Final[dict[str, Chain]] = {
    ethereum.NETWORK.name: ethereum.CHAIN,
    sepolia.NETWORK.name: sepolia.CHAIN,
    hoodi.NETWORK.name: hoodi.CHAIN,
    holesky.NETWORK.name: holesky.CHAIN,
    optimism.NETWORK.name: optimism.CHAIN,
    base.NETWORK.name: base.CHAIN,
    unichain.NETWORK.name: unichain.CHAIN,
    worldchain.NETWORK.name: worldchain.CHAIN,
    ink.NETWORK.name: ink.CHAIN,
    celo.NETWORK.name: celo.CHAIN,
    mantle.NETWORK.name: mantle.CHAIN,
    blast.NETWORK.name: blast.CHAIN,
    arbitrum_one.NETWORK.name: arbitrum_one.CHAIN,
    arbitrum_nova.NETWORK.name: arbitrum_nova.CHAIN,
    linea.NETWORK.name: linea.CHAIN,
    scroll.NETWORK.name: scroll.CHAIN,
    zksync_era.NETWORK.name: zksync_era.CHAIN,
    polygon_pos.NETWORK.name: polygon_pos.CHAIN,
    bnb.NETWORK.name: bnb.CHAIN,
    gnosis.NETWORK.name: gnosis.CHAIN,
    avalanche.NETWORK.name: avalanche.CHAIN,
    sonic.NETWORK.name: sonic.CHAIN,
    berachain.NETWORK.name: berachain.CHAIN,
    monad.NETWORK.name: monad.CHAIN,
    hyperevm.NETWORK.name: hyperevm.CHAIN,
    taiko.NETWORK.name: taiko.CHAIN,
}
"""By the name that an account file uses."""


def by_id(chain: int) -> Chain | None:
    """The chain of an EIP-155 id, if it is known."""
    return _BY_ID.get(ChainId(chain))


def networks() -> dict[ChainId, Network]:
    """What the verifier is handed: networks by chain id."""
    return {chain.network.chain_id: chain.network for chain in NETWORKS.values()}


def meanings() -> dict[AssetKey, KnownAsset]:
    """What is known about tokens, over all networks."""
    return {known.asset.key: known for chain in NETWORKS.values() for known in chain.assets}


def aliases() -> Mapping[AssetKey, AssetKey]:
    """Second entry points over all networks, and the asset that each is."""
    return aliases_of(NETWORKS.values())


_BY_ID: Final = {chain.network.chain_id: chain for chain in NETWORKS.values()}

__all__ = ["NETWORKS", "Chain", "aliases", "by_id", "local_network", "meanings", "networks"]
