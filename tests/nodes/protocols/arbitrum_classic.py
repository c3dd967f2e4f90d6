"""
An Arbitrum rollup of the generation before BoLD on a local node, of the authors' own artifacts: nodes, staked on by two.

Everything is theirs but the challenge manager and the reader of blobs, whose places an account takes: no test plays a
challenge through, and no batch is a blob.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.nodes.artifacts import solidity
from tests.nodes.devnode import DevNode
from tests.nodes.protocols.arbitrum import CHALLENGES, NO_ADDRESS, WASM_ROOT, act
from tests.nodes.protocols.build import own, published
from tests.nodes.protocols.contract import Contract, calldata, create

PACKAGE = "@arbitrum/nitro-contracts@1.3.0"
PERIOD = 8
"""Blocks of the parent that a node waits."""
STATE = "((bytes32[2],uint64[2]),uint8)"
ASSERTION = f"({STATE},{STATE},uint64)"
CONFIG = (
    "(uint64,uint64,address,uint256,bytes32,address,address,uint256,string,uint64,(uint256,uint256,uint256,uint256))"
)
CONTRACTS = f"({','.join(['address'] * 10)})"
ESCROW = "0x" + "e5" * 20
NODE = "(bytes32,bytes32,bytes32,uint64,uint64,uint64,uint64,uint64,uint64,uint64,uint64,bytes32)"

State = tuple[tuple[tuple[bytes, bytes], tuple[int, int]], int]


def artifact(folder: str, name: str) -> str:
    return published(PACKAGE, "build", "contracts", "src", folder, f"{name}.sol", f"{name}.json").bytecode


@dataclass(frozen=True)
class Node:
    """A node of the rollup: what it says, and how long the inbox was when it was made."""

    number: int
    state: State
    inbox: int


GENESIS = Node(0, (((bytes(32), bytes(32)), (0, 0)), 1), 1)


@dataclass(frozen=True)
class ClassicRollup:
    """A deployed rollup. The node's first account is validator 1 and posts batches; one hand owns, the other is validator 2."""

    node: DevNode
    rollup: Contract
    outbox: Contract
    bridge: Contract
    sequencer: Contract
    hands: tuple[Contract, Contract]

    def batch(self) -> None:
        """Post an empty batch, so that a node has something to consume."""
        count = self.bridge.view("sequencerMessageCount()(uint256)")
        read = self.sequencer.view("totalDelayedMessagesRead()(uint256)")
        self.sequencer.send(
            "addSequencerL2BatchFromOrigin(uint256,bytes,uint256,address,uint256,uint256)",
            count, b"\x00", read, NO_ADDRESS, 0, 0,
        )  # fmt: skip

    def claim(self, before: Node, block: bytes, send_root: bytes, validator: int = 1) -> Node:
        """Stake on a new node that ends at a block; the first of a validator's puts down its (empty) stake."""
        count = self.bridge.view("sequencerMessageCount()(uint256)")
        state: State = (((block, send_root), (count, 0)), 1)
        sender = self.node.accounts[0] if validator == 1 else self.hands[1].address
        name = "stakeOnNewNode" if self.rollup.view("isStaked(address)(bool)", sender) else "newStakeOnNewNode"
        signature = f"{name}({ASSERTION},bytes32,uint256)"
        values = ((before.state, state, 1), bytes(32), before.inbox)
        if validator == 1:
            self.rollup.send(signature, *values)
        else:
            act(self.hands[1], self.rollup, signature, *values)
        return Node(self.rollup.view("latestNodeCreated()(uint64)"), state, count)

    def confirm(self, one: Node) -> dict[str, Any]:
        """Confirm the next node, if it is this one and nobody stakes against it."""
        (block, send_root), _ = one.state[0]
        return self.rollup.send("confirmNextNode(bytes32,bytes32)", block, send_root)

    @property
    def confirmed(self) -> int:
        """The contract's own view: the latest confirmed node."""
        return int(self.rollup.view("latestConfirmed()(uint64)"))

    def confirm_data(self, one: Node) -> bytes:
        """What the contract keeps of a node, and compares when it confirms."""
        found: bytes = self.rollup.view(f"getNode(uint64)({NODE})", one.number)[2]
        return found


def deploy_classic(node: DevNode, chain_id: int) -> ClassicRollup:
    """Deploy all of it."""
    with node.together():
        return _deployed(node, chain_id)


def _deployed(node: DevNode, chain_id: int) -> ClassicRollup:
    account, hand = node.accounts[0], own("Hand")["Hand"].bytecode
    hands = create(node, hand), create(node, hand)
    owner = hands[0].address

    def behind(folder: str, name: str, start: str, types: str = "()", *values: object) -> Contract:
        made = create(node, artifact(folder, name), types, *values)
        return create(node, solidity()["Proxy1967"].bytecode, "(address,bytes)", made.address, bytes.fromhex(start[2:]))

    rollup = create(node, artifact("rollup", "RollupProxy"))
    bridge = behind("bridge", "Bridge", calldata("initialize(address)", rollup.address))
    times = (5760, 12, 86_400, 3_600)
    start = calldata("initialize(address,(uint256,uint256,uint256,uint256))", bridge.address, times)
    sequencer = behind("bridge", "SequencerInbox", start, "(uint256,address,bool)", 100_000, account, False)
    start = calldata("initialize(address,address)", bridge.address, sequencer.address)
    inbox = behind("bridge", "Inbox", start, "(uint256)", 100_000)
    outbox = behind("bridge", "Outbox", calldata("initialize(address)", bridge.address))
    events = behind("rollup", "RollupEventInbox", calldata("initialize(address)", bridge.address))
    admin = create(node, artifact("rollup", "RollupAdminLogic"))
    user = create(node, artifact("rollup", "RollupUserLogic"))
    config = (PERIOD, 0, NO_ADDRESS, 0, WASM_ROOT, owner, ESCROW, chain_id, "{}", 0, times)
    parts = (bridge, sequencer, inbox, outbox, events)
    contracts = (*(one.address for one in parts), CHALLENGES, admin.address, user.address, NO_ADDRESS, NO_ADDRESS)
    rollup.send(f"initializeProxy({CONFIG},{CONTRACTS})", config, contracts)
    act(hands[0], rollup, "setValidator(address[],bool[])", [account, hands[1].address], [True, True])
    act(hands[0], rollup, "setMinimumAssertionPeriod(uint256)", 0)
    act(hands[0], sequencer, "setIsBatchPoster(address,bool)", account, True)
    return ClassicRollup(node, rollup, outbox, bridge, sequencer, hands)
