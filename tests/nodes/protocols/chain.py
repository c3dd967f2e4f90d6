"""One anvil with every protocol on it, each deployed when a test first asks for it."""

from __future__ import annotations

from functools import cached_property

from tests.nodes.anvil import Anvil
from tests.nodes.protocols import aave, chainlink, morpho, stand_ins, uniswap, vaults


class Protocols:
    """
    Protocols on a chain of their own (id 31340), shared by a session.

    Time moves forward only, by `wait`; tests use users of their own (`user(3)`: one of the node's nine other accounts) or protocols of
    their own, since what one test does to a market the next one finds.
    """

    def __init__(self, node: Anvil) -> None:
        self.node = node

    def user(self, number: int) -> str:
        """One of the node's unlocked accounts, 1 to 9; the first (0) owns the protocols."""
        return self.node.accounts[number]

    def wait(self, seconds: int) -> None:
        """Move the chain's clock on, and mine a block."""
        self.node.rpc("evm_increaseTime", hex(seconds))
        self.node.mine()

    @cached_property
    def aave(self) -> aave.Aave:
        """Aave v3, the newest release."""
        return aave.deploy_new(self.node)

    @cached_property
    def old_aave(self) -> aave.Aave:
        """Aave v3, the first release."""
        return aave.deploy_old(self.node)

    @cached_property
    def morpho(self) -> morpho.Morpho:
        """Morpho Blue with one market."""
        return morpho.deploy_morpho(self.node)

    @cached_property
    def adaptive_morpho(self) -> morpho.Morpho:
        """Morpho Blue with a market of the adaptive-curve interest model."""
        return morpho.deploy_morpho(self.node, "adaptive-curve")

    @cached_property
    def pair(self) -> uniswap.PairV2:
        """A Uniswap v2 pair."""
        return uniswap.deploy_v2(self.node)

    @cached_property
    def pool(self) -> uniswap.PoolV3:
        """A Uniswap v3 pool with its periphery."""
        return uniswap.deploy_v3(self.node)

    @cached_property
    def vault(self) -> vaults.Vault:
        """A plain ERC-4626 vault without an offset."""
        return vaults.deploy_vault(self.node)

    @cached_property
    def offset_vault(self) -> vaults.Vault:
        """A plain ERC-4626 vault with a virtual offset of six digits."""
        return vaults.deploy_vault(self.node, 6)

    @cached_property
    def upgradeable_vault(self) -> vaults.Vault:
        """An ERC-4626 vault behind a proxy."""
        return vaults.deploy_upgradeable_vault(self.node)

    @cached_property
    def feed(self) -> chainlink.Feed:
        """A feed over the aggregator that Chainlink ships compiled."""
        return chainlink.deploy_feed(self.node)

    @cached_property
    def ocr1_feed(self) -> chainlink.Feed:
        """A feed over the first off-chain-reporting layout."""
        return chainlink.deploy_feed(self.node, "ocr1")

    @cached_property
    def ocr2_feed(self) -> chainlink.Feed:
        """A feed over the second off-chain-reporting layout."""
        return chainlink.deploy_feed(self.node, "ocr2")

    @cached_property
    def comet(self) -> stand_ins.Comet:
        """Compound III's stand-in."""
        return stand_ins.deploy_comet(self.node)

    @cached_property
    def lido(self) -> stand_ins.Lido:
        """Lido's stand-in."""
        return stand_ins.deploy_lido(self.node)

    @cached_property
    def rocket(self) -> stand_ins.Rocket:
        """Rocket Pool's stand-in."""
        return stand_ins.deploy_rocket(self.node)
