"""An account over a parent and two rollups that settle on it: what ties them together, and its file."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from tests.nodes.anvil import Anvil, start_anvil
from tests.nodes.contracts import ALICE, EIP1967_SLOT, Deployed, deploy_plain
from tests.nodes.devnode import DevNode
from tests.nodes.ethereumjs import EthereumJS
from tests.nodes.lodestar import BeaconDevnet
from tests.nodes.protocols.optimism import DELAY, Games, deploy_games, output, withdraw
from tests.relay.contracts import outbox
from tests.simulators.trie_builder import keccak
from verifier.encoders.abi import encode_call

SEND_ROOT = b"\x5e" * 32
DAYS = 86_400
SHORT_CLOCK, SHORT_DELAY = 3, 2
"""Seconds of a game's clock and of the portal's delay: nobody can move the clock of a beacon network."""
PROPOSED = '[policy.proposed]\nmin_age = "1s"\ninitial = "40%"\nmaintenance = "20%"\n'


@dataclass
class Account:
    """
    Three nodes, a token on each, and everything that ties the rollups to the parent; settled after `delay` seconds.

    Attributes:
        posted: The parent's block from which on both roots are settled.
    """

    parent: DevNode
    op: Anvil
    arb: DevNode
    games: Games
    outbox: str
    tokens: dict[str, Deployed]
    posted: int
    delay: int = DELAY

    def codes(self, node: DevNode, roles: dict[str, str]) -> list[str]:
        lines = []
        for role, address in roles.items():
            word = node.rpc("eth_getStorageAt", address, f"0x{EIP1967_SLOT:064x}", "latest")
            target = "0x" + word[-40:]
            entry = f'role = "{role}", code_hash = "{self.code(address)}"'
            if int(target, 16):
                entry += f', implementation = "{target}", implementation_code_hash = "{self.code(target)}"'
            lines.append("{ " + entry + " }")
        return lines

    def code(self, address: str) -> str:
        return "0x" + keccak(bytes.fromhex(self.parent.rpc("eth_getCode", address, "latest")[2:])).hex()

    def toml(
        self, *, codes: bool = True, denied: str = "", proposed: str = "", second: str = "", root: Sequence[str] = (),
        accepted: Sequence[str] = (), name: str = "settled",
    ) -> str:  # fmt: skip
        """
        The file, as a person would write it.

        Args:
            root: Lines that say what is believed of the parent; the pin of its newest block where there are none.
            accepted: Contracts of the parent that the policy takes beside the tokens.
        """
        games = {
            "factory": self.games.factory.address,
            "portal": self.games.portal.address,
            "superchain_config": self.games.superchain.address,
        }
        reviewed = self.codes(self.parent, games | {"game:0": self.games.implementation.address}) if codes else []
        named = [f'"{name}:{token.address}"' for name, token in self.tokens.items()]
        named += [f'"parent:{contract}"' for contract in accepted]
        lines = ["[account]", f'name = "{name}"', "", "[policy]", 'max_head_lag = "20d"', 'max_skew = "20d"',
                 'age_hard = "60d"', f"accept_contracts = [{', '.join(named)}]", f"denied = [{denied}]", "",
                 proposed, "[policy.assets.ETH]", 'haircut_initial = "20%"', "[policy.assets.USD]", 'haircut_initial = "10%"', "",
                 "[holders]", f'main = "{ALICE}"', ""]  # fmt: skip
        for name, node, more in (
            ("parent", self.parent, root or [f'pin = "{self.parent.block("latest")["hash"]}"']),
            ("op", self.op, ['parent = "parent"', 'scheme = "op_portal"', f"delay = {self.delay}",
                             f"contracts = {inline(games)}", f"codes = [{', '.join(reviewed)}]"]),
            ("arb", self.arb, ['parent = "parent"', 'scheme = "bold"', f"contracts = {inline({'outbox': self.outbox})}",
                               f"codes = [{', '.join(self.codes(self.parent, {'outbox': self.outbox}) if codes else [])}]"]),
        ):  # fmt: skip
            lines += [f"[networks.{name}]", f"chain_id = {node.chain_id}", 'family = "ethereum"',
                      f'endpoints = [{{ name = "node-{name}", url = "{node.url}" }}{second if name == "op" else ""}]',
                      *more, ""]  # fmt: skip
            token = self.tokens[name]
            lines += ["[[assets]]", f'network = "{name}"', 'holder = "main"', f'contract = "{token.address}"',
                      'symbol = "OZD"', f"decimals = {token.decimals}", 'group = "USD"', f'slot = "{hex(token.slot)}"', ""]  # fmt: skip
        stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return "\n".join([*lines, "[prices.USD]", 'usd = "1"', f'at = "{stamp}"', 'source = "test"', ""])


def inline(roles: dict[str, str]) -> str:
    return "{ " + ", ".join(f'{role} = "{address.lower()}"' for role, address in roles.items()) + " }"


def post_roots(parent: DevNode, op: Anvil, arb: EthereumJS, games: Games, *, delay: int) -> Account:
    """Tokens on all three; a game for a block of the one rollup, the other's confirmed by its send root."""
    tokens = {"op": deploy_plain(op), "parent": deploy_plain(parent)}
    withdraw(op)
    block = op.block("latest")
    op.mine()
    game = games.propose(output(op, block)[0], int(block["number"], 16))
    tokens["arb"] = deploy_plain(arb)
    arb.extra_data = SEND_ROOT
    arb.mine()
    confirmed = bytes.fromhex(arb.block("latest")["hash"][2:])
    held = outbox(parent, parent.accounts[0])
    parent.send(held, "0x" + encode_call("updateSendRoot", ("bytes32", "bytes32"), (SEND_ROOT, confirmed)).hex())
    games.wait(games.clock + 1)
    games.resolve(game)
    games.wait(delay + 2)
    return Account(parent, op, arb, games, held, tokens, parent.height, delay)


@contextmanager
def settled_account(anvil_factory: Callable[..., Anvil]) -> Iterator[Account]:
    """The account with one game resolved long ago and one send root confirmed; its nodes end with the context."""
    from tests.nodes.ethereumjs import start_ethereumjs

    start = int(time.time()) - 9 * DAYS
    with ExitStack() as running:

        def started(chain_id: int) -> EthereumJS:
            node = start_ethereumjs(chain_id=chain_id)
            running.callback(node.stop)
            return node

        with ThreadPoolExecutor(2) as pool:  # each takes seconds to come up
            parent, arb = pool.map(started, (20_205, 20_206))
        op = anvil_factory(chain_id=902, extra=["--timestamp", str(start - 5_000)])
        parent.mine(timestamp=start)
        arb.mine(timestamp=start + 100)
        made = post_roots(parent, op, arb, deploy_games(parent, 902), delay=DELAY)
        parent.mine(timestamp=int(time.time()))
        yield made


@contextmanager
def settled_on_beacon(devnet: BeaconDevnet) -> Iterator[Account]:
    """
    The account on a beacon network, whose clock nobody moves: a game's clock and the portal's delay are seconds.

    The blocks that hold the roots need not be final yet.
    """
    from tests.nodes.ethereumjs import start_ethereumjs

    with ExitStack() as running:
        arb = start_ethereumjs(chain_id=20_207)
        running.callback(arb.stop)
        arb.mine(timestamp=devnet.genesis_time)
        op = start_anvil(903, extra=["--timestamp", str(devnet.genesis_time - 5_000)])
        running.callback(op.stop)
        games = deploy_games(devnet.execution, 903, clock=SHORT_CLOCK, delay=SHORT_DELAY)
        yield post_roots(devnet.execution, op, arb, games, delay=SHORT_DELAY)


def fresh_game(account: Account) -> dict:
    """A game made now about a block that is mined now; the block."""
    account.op.mine()
    block = account.op.block("latest")
    account.op.mine()
    # A busy machine's clock runs ahead of a parent whose blocks are a second apart: no game is older than its block.
    later = int(block["timestamp"], 16) + 1
    if later > account.games.now:
        account.parent.mine(timestamp=later)
    account.games.propose(output(account.op, block)[0], int(block["number"], 16))
    account.parent.mine(2)
    return block


def settled_block(account: Account) -> int:
    """The rollup's block that the newest settled game is about: the first game, which alone was resolved."""
    search = "findLatestGames(uint32,uint256,uint256)((uint256,bytes32,uint64,bytes32,bytes)[])"
    ((_, _, _, _, extra),) = account.games.factory.view(search, 0, 0, 1)
    return int.from_bytes(extra, "big")
