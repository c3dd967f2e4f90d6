"""One anvil with real contracts of every kind on it, all of them used, and that same state on clients of another make."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.nodes.anvil import Anvil
from tests.nodes.contracts import DeployedChain, deploy_tokens
from tests.nodes.ethereumjs import EthereumJS, start_ethereumjs
from tests.nodes.genesis import accounts_of, genesis
from tests.nodes.geth import Geth, start_geth
from tests.nodes.protocols.chain import Protocols
from tests.nodes.protocols.contract import Contract
from tests.nodes.protocols.optimism import Games, deploy_games
from tests.nodes.protocols.uniswap import Lenses, deploy_lenses

E18 = 10**18


@dataclass(frozen=True)
class Stage:
    """Tokens, lending markets, pools, vaults, feeds and dispute games on one chain. What they were asked to do is done."""

    node: Anvil
    tokens: DeployedChain[Anvil]
    protocols: Protocols
    lenses: Lenses
    games: Games
    proposed: list[Contract]

    def on_geth(self) -> Geth:
        """The same state under geth, two blocks on."""
        copy = start_geth(self._genesis(osaka=True))
        copy.mine(2)
        return copy

    def on_ethereumjs(self) -> EthereumJS:
        """The same state under EthereumJS, two blocks on."""
        copy = start_ethereumjs(genesis=self._genesis(osaka=False))
        copy.mine(2)
        return copy

    def _genesis(self, *, osaka: bool) -> dict[str, Any]:
        now = int(self.node.block("latest")["timestamp"], 16)
        return genesis(accounts_of(self.node), chain_id=self.node.chain_id, timestamp=now, osaka=osaka)


def set_up(node: Anvil) -> Stage:
    """Deploy everything on a new anvil, and use it."""
    protocols = Protocols(node)
    _use(protocols)
    games = deploy_games(node, 901)
    proposed = [games.propose(bytes([n]) * 32, 100 + n) for n in range(1, 8)]
    lenses = deploy_lenses(node, protocols.pool)
    return Stage(node, deploy_tokens(node), protocols, lenses, games, proposed)


def _use(protocols: Protocols) -> None:
    """Something in every market, so that there is something to read."""
    users = [protocols.user(7), protocols.user(8)]
    for market in (protocols.aave, protocols.old_aave):
        one, two = market.reserves
        market.supply(users[0], one, 5_000 * E18)
        market.supply(users[1], two, 5_000 * E18)
        market.borrow(users[0], two, 700 * E18)
    protocols.morpho.supply(users[1], 900 * E18)
    protocols.pair.add(users[0], (1_000 * E18, 4_000 * E18))
    for spread in (600, 6_000, 60_000):
        protocols.pool.open(users[0], -spread, spread, (1_000 * E18, 1_000 * E18))
    protocols.pool.swap(users[1], True, 20 * E18)
    for vault in (protocols.vault, protocols.offset_vault, protocols.upgradeable_vault):
        vault.deposit(users[0], 1_000 * E18)
        vault.earn(37 * E18)
    protocols.feed.answer(1_234 * 10**8)
    protocols.lido.stake(users[0], 3 * E18)
    protocols.node.mine(2)
