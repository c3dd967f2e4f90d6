"""
The OP Stack's dispute games on a local node: factory, portal, registry and games from the authors' own artifacts.

The newest generation that is published there is the one whose rules stand in the portal. Another anvil stands for the
rollup: its headers are claimed as output roots.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from eth_abi import encode
from eth_utils import keccak

from tests.nodes.anvil import Anvil
from tests.nodes.artifacts import published, solidity
from tests.nodes.devnode import DevNode
from tests.nodes.protocols.contract import Contract, calldata, create

PACKAGE = "@eth-optimism/contracts-bedrock"
PASSER = "0x4200000000000000000000000000000000000016"
DELAY = 302_400
"""Seconds of the portal's air gap, and of a game's clock, as on the standard chains."""
CLOCK = 302_400
ZERO = "0x" + "00" * 20


def artifact(name: str) -> str:
    found: str = published(PACKAGE, "forge-artifacts", f"{name}.sol", f"{name}.json")["bytecode"]["object"]
    return found


def behind_proxy(node: DevNode, implementation: Contract, signature: str, *values: object) -> Contract:
    start = bytes.fromhex(calldata(signature, *values)[2:])
    return create(node, solidity()["Proxy1967"].bytecode, "(address,bytes)", implementation.address, start)


@dataclass(frozen=True)
class Games:
    """Everything that makes and judges games on one node. The node's first account owns and guards it."""

    node: DevNode
    factory: Contract
    portal: Contract
    superchain: Contract
    implementation: Contract
    clock: int = CLOCK

    def propose(self, root: bytes, number: int) -> Contract:
        """A game of type 0 that claims an output root for a block; nobody moves against it unless a test does."""
        extra = number.to_bytes(32, "big")
        self.factory.send("create(uint32,bytes32,bytes)", 0, root, extra)
        proxy, _ = self.factory.view("games(uint32,bytes32,bytes)(address,uint64)", 0, root, extra)
        return Contract(self.node, proxy)

    def resolve(self, game: Contract) -> None:
        """Resolve a game whose clock has run out."""
        game.send("resolveClaim(uint256,uint256)", 0, 0)
        game.send("resolve()")

    @property
    def now(self) -> int:
        return int(self.node.block("latest")["timestamp"], 16)

    def wait(self, seconds: int) -> None:
        """Nothing changes but time: the node's clock is moved, or on a beacon network waited for."""
        until = self.now + seconds
        if self.node.keeps_time:
            while self.now < until:
                self.node.mine()
        else:
            self.node.mine(timestamp=until)

    def blacklist(self, game: Contract) -> None:
        self.portal.send("blacklistDisputeGame(address)", game.address)

    def pause(self) -> None:
        self.superchain.send("pause(string)", "test")

    def unpause(self) -> None:
        self.superchain.send("unpause()")

    def respect(self, game_type: int) -> None:
        self.portal.send("setRespectedGameType(uint32)", game_type)

    def lets_out(self, withdrawal: bytes) -> bool:
        """The contract's own judgement: whether the portal would pay a withdrawal proven against a game."""
        sender = self.node.accounts[0]
        try:
            self.portal.view("checkWithdrawal(bytes32,address)()", withdrawal, sender)
        except Exception as refused:
            assert "revert" in str(refused).lower() or "OptimismPortal" in str(refused), refused
            return False
        return not self.portal.view("paused()(bool)")


def deploy_games(node: DevNode, chain_id: int, *, clock: int = CLOCK, delay: int = DELAY) -> Games:
    """Deploy all of it, for a rollup of a chain id, with game type 0 respected; a short clock where no clock can be moved."""
    owner = node.accounts[0]
    superchain = behind_proxy(
        node, create(node, artifact("SuperchainConfig")), "initialize(address,bool)", owner, False
    )
    factory = behind_proxy(node, create(node, artifact("DisputeGameFactory")), "initialize(address)", owner)
    portal = behind_proxy(
        node,
        create(node, artifact("OptimismPortal2"), "(uint256,uint256)", 1, delay),
        "initialize(address,address,address,uint32)",
        factory.address,
        ZERO,
        superchain.address,
        0,
    )
    registry = behind_proxy(
        node,
        create(node, artifact("AnchorStateRegistry"), "(address)", factory.address),
        "initialize((uint32,(bytes32,uint256))[])",
        [(0, (b"\x01" * 32, 0))],
    )
    weth = behind_proxy(
        node,
        create(node, artifact("DelayedWETH"), "(uint256)", 1),
        "initialize(address,address)",
        owner,
        superchain.address,
    )
    types = "(uint32,bytes32,uint256,uint256,uint64,uint64,address,address,address,uint256)"
    values = (0, b"\x02" * 32, 8, 4, min(10_800, clock), clock, ZERO, weth.address, registry.address, chain_id)
    game = create(node, artifact("FaultDisputeGame"), types, *values)
    factory.send("setImplementation(uint32,address)", 0, game.address)
    return Games(node, factory, portal, superchain, game, clock)


# --- the rollup's side -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Withdrawal:
    """A withdrawal that the rollup's message passer holds, so that the portal has something to judge."""

    nonce: int
    sender: str
    target: str

    @property
    def fields(self) -> tuple[object, ...]:
        return (self.nonce, self.sender, self.target, 0, 100_000, b"")

    @property
    def hash(self) -> bytes:
        return keccak(encode(("uint256", "address", "address", "uint256", "uint256", "bytes"), self.fields))

    @property
    def slot(self) -> int:
        return int.from_bytes(keccak(self.hash + bytes(32)), "big")


def withdraw(rollup: Anvil, nonce: int = 0) -> Withdrawal:
    """Put a withdrawal into the message passer's storage, as its own code would, and mine a block."""
    made = Withdrawal(1 << 240 | nonce, "0x" + "11" * 20, "0x" + "22" * 20)
    rollup.set_storage(PASSER, made.slot, 1)
    return made


def output(rollup: Anvil, block: dict[str, Any]) -> tuple[bytes, tuple[bytes, ...]]:
    """The output root of a block and its preimage, from what the node says of itself."""
    proof = rollup.rpc("eth_getProof", PASSER, [], block["number"])
    parts = (
        bytes(32),
        *(bytes.fromhex(text[2:]) for text in (block["stateRoot"], proof["storageHash"], block["hash"])),
    )
    return keccak(b"".join(parts)), parts


def prove_withdrawal(games: Games, rollup: Anvil, block: dict[str, Any], made: Withdrawal, index: int) -> None:
    """Prove a withdrawal to the portal against the game of an index."""
    proof = rollup.rpc("eth_getProof", PASSER, [f"0x{made.slot:064x}"], block["number"])
    nodes = [bytes.fromhex(node[2:]) for node in proof["storageProof"][0]["proof"]]
    _, parts = output(rollup, block)
    games.portal.send(
        "proveWithdrawalTransaction((uint256,address,address,uint256,uint256,bytes),uint256,"
        "(bytes32,bytes32,bytes32,bytes32),bytes[])",
        made.fields,
        index,
        parts,
        nodes,
    )


# --- the newer generation, whose rules stand in the registry ---------------------------------------------


@dataclass(frozen=True)
class RegistryGames:
    """The authors' factory with stand-ins of ours for registry, configs and games: published slots and rules."""

    node: DevNode
    factory: Contract
    registry: Contract
    config: Contract
    superchain: Contract
    implementation: Contract
    portal: str

    def propose(self, root: bytes, number: int) -> Contract:
        extra = number.to_bytes(32, "big")
        self.factory.send("create(uint32,bytes32,bytes)", 8, root, extra)
        proxy, _ = self.factory.view("games(uint32,bytes32,bytes)(address,uint64)", 8, root, extra)
        return Contract(self.node, proxy)

    def wait(self, seconds: int) -> None:
        now = int(self.node.block("latest")["timestamp"], 16)
        self.node.mine(timestamp=now + seconds)

    def says(self, game: Contract) -> bool:
        """The registry's own judgement, as the node runs it."""
        valid: bool = self.registry.view("isGameClaimValid(address)(bool)", game.address)
        return valid


def deploy_registry_games(node: DevNode) -> RegistryGames:
    """Deploy it for games of type 8."""
    from tests.nodes.protocols.build import own

    code = own()
    owner, portal = node.accounts[0], "0x" + "90" * 20
    superchain = create(node, code["SuperchainConfigStandIn"].bytecode)
    config = create(node, code["SystemConfigStandIn"].bytecode, "(address,address)", superchain.address, portal)
    factory = behind_proxy(node, create(node, artifact("DisputeGameFactory")), "initialize(address)", owner)
    types = "(address,address,uint32,uint256)"
    registry = create(node, code["RegistryStandIn"].bytecode, types, config.address, factory.address, 8, DELAY)
    game = create(node, code["GameStandIn"].bytecode, "(address,uint32)", registry.address, 8)
    factory.send("setImplementation(uint32,address)", 8, game.address)
    return RegistryGames(node, factory, registry, config, superchain, game, portal)
