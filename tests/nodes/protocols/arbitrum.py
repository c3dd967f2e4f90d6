"""
An Arbitrum rollup (BoLD) on a local node: bridge, inboxes, outbox and rollup of the authors' own artifacts.

Everything is theirs but the challenge manager, whose place an account takes: it is asked only when rivals are to be told
apart, and no test plays a challenge through. The sequencer's batches are posted by the node's first account.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from eth_abi import encode
from eth_utils import keccak

from tests.nodes.artifacts import published, solidity
from tests.nodes.devnode import DevNode
from tests.nodes.protocols.build import own
from tests.nodes.protocols.contract import Contract, calldata, create

PACKAGE = "@arbitrum/nitro-contracts"
PERIOD = 8
"""Blocks of the parent that an assertion waits."""
WASM_ROOT = b"\x3a" * 32
CHALLENGES = "0x" + "c4" * 20
SECONDARY_SLOT = int.from_bytes(keccak(b"eip1967.proxy.implementation.secondary"), "big") - 1
NO_ADDRESS = "0x" + "00" * 20

STATE = "((bytes32[2],uint64[2]),uint8,bytes32)"
CONFIG_DATA = "(bytes32,uint256,address,uint64,uint64)"
INPUTS = f"((bytes32,bytes32,{CONFIG_DATA}),{STATE},{STATE})"
CONFIG = (
    f"(uint64,address,uint256,bytes32,address,address,uint256,string,uint256,uint64,uint256[],"
    f"(uint256,uint256,uint256,uint256),uint256,uint256,uint256,{STATE},uint256,address,uint8,uint64,"
    f"(uint64,uint64,uint64),uint256)"
)
CONTRACTS = "(address,address,address,address,address,address,address,address,address)"

State = tuple[tuple[tuple[bytes, bytes], tuple[int, int]], int, bytes]
EMPTY: State = (((bytes(32), bytes(32)), (0, 0)), 1, bytes(32))


def artifact(folder: str, name: str) -> str:
    found: str = published(PACKAGE, "build", "contracts", "src", folder, f"{name}.sol", f"{name}.json")["bytecode"]
    return found


@dataclass(frozen=True)
class Assertion:
    """One assertion: what it says, and on which it stands."""

    parent: bytes
    state: State
    accumulator: bytes
    position: int
    """The inbox position that the next assertion must reach."""

    @property
    def hash(self) -> bytes:
        return keccak(self.parent + keccak(encode((STATE,), (self.state,))) + self.accumulator)

    @property
    def preimage(self) -> bytes:
        return self.parent + encode((STATE,), (self.state,)) + self.accumulator


@dataclass(frozen=True)
class Rollup:
    """
    A deployed rollup with its genesis assertion, owned by the first of three hands.

    Attributes:
        hands: Contracts that call what they are told to: the owner, and validator 2; validator 1 is the node's account.
        logic: What everybody but the owner reaches.
    """

    node: DevNode
    rollup: Contract
    outbox: Contract
    bridge: Contract
    sequencer: Contract
    hands: tuple[Contract, Contract]
    logic: str

    def batch(self) -> None:
        """Post an empty batch, so that an assertion has something to consume."""
        count = self.bridge.view("sequencerMessageCount()(uint256)")
        read = self.sequencer.view("totalDelayedMessagesRead()(uint256)")
        self.sequencer.send(
            "addSequencerL2BatchFromOrigin(uint256,bytes,uint256,address,uint256,uint256)",
            count, b"\x00", read, NO_ADDRESS, 0, 0,
        )  # fmt: skip

    def genesis(self) -> Assertion:
        return Assertion(bytes(32), EMPTY, bytes(32), 1)

    def claim(self, before: Assertion, block: bytes, send_root: bytes, validator: int = 1) -> Assertion:
        """Assert the end of a block, on an assertion; the first of a validator's puts down its (empty) stake."""
        position = before.position
        state: State = (((block, send_root), (position, 0)), 1, bytes(32))
        count = self.bridge.view("sequencerMessageCount()(uint256)")
        accumulator = self.bridge.view("sequencerInboxAccs(uint256)(bytes32)", position - 1)
        made = Assertion(before.hash, state, accumulator, count + 1 if position == count else count)
        data = (before.parent, before.accumulator, self.config(before.position))
        sender = self.node.accounts[0] if validator == 1 else self.hands[1].address
        staked = self.rollup.view("isStaked(address)(bool)", sender)
        name = (
            f"stakeOnNewAssertion({INPUTS},bytes32)" if staked else f"newStakeOnNewAssertion(uint256,{INPUTS},bytes32)"
        )
        values: tuple[object, ...] = () if staked else (0,)
        values = (*values, (data, before.state, state), made.hash)
        if validator == 1:
            self.rollup.send(name, *values)
        else:
            act(self.hands[1], self.rollup, name, *values)
        return made

    def config(self, position: int) -> tuple[bytes, int, str, int, int]:
        return (WASM_ROOT, 0, CHALLENGES, PERIOD, position)

    def confirm(self, one: Assertion, before: Assertion) -> dict[str, Any]:
        return self.rollup.send(
            f"confirmAssertion(bytes32,bytes32,{STATE},bytes32,{CONFIG_DATA},bytes32)",
            one.hash, before.hash, one.state, bytes(32), self.config(before.position), one.accumulator,
        )  # fmt: skip

    def status(self, one: Assertion) -> int:
        """The contract's own view: 0 none, 1 pending, 2 confirmed."""
        node = self.rollup.view("getAssertion(bytes32)((uint64,uint64,uint64,bool,uint8,bytes32))", one.hash)
        return int(node[4])


def act(hand: Contract, to: Contract, signature: str, *values: object) -> None:
    """Call something by a hand."""
    hand.send("act(address,bytes)", to.address, bytes.fromhex(calldata(signature, *values)[2:]))


def deploy_rollup(node: DevNode, chain_id: int) -> Rollup:
    """Deploy all of it."""
    account, hand = node.accounts[0], own("Hand")["Hand"].bytecode
    hands = create(node, hand), create(node, hand)
    owner = hands[0].address

    def behind(folder: str, name: str, start: str, types: str = "()", *values: object) -> Contract:
        made = create(node, artifact(folder, name), types, *values)
        return create(node, solidity()["Proxy1967"].bytecode, "(address,bytes)", made.address, bytes.fromhex(start[2:]))

    rollup = create(node, artifact("rollup", "RollupProxy"))
    bridge = behind("bridge", "Bridge", calldata("initialize(address)", rollup.address))
    sequencer = behind(
        "bridge", "SequencerInbox",
        calldata(
            "initialize(address,(uint256,uint256,uint256,uint256),(uint64,uint64,uint64),address)",
            bridge.address, (5760, 12, 86_400, 3_600), (0, 0, 0), NO_ADDRESS,
        ),
        "(uint256,address,bool,bool)", 100_000, owner, False, False,
    )  # fmt: skip
    inbox = behind(
        "bridge",
        "Inbox",
        calldata("initialize(address,address)", bridge.address, sequencer.address),
        "(uint256)",
        100_000,
    )
    outbox = behind("bridge", "Outbox", calldata("initialize(address)", bridge.address))
    events = behind("rollup", "RollupEventInbox", calldata("initialize(address)", bridge.address))
    admin = create(node, artifact("rollup", "RollupAdminLogic"))
    user = create(node, artifact("rollup", "RollupUserLogic"))
    token = create(node, artifact("mocks", "TestWETH9"), "(string,string)", "stake", "STK")
    config = (PERIOD, token.address, 0, WASM_ROOT, owner, owner, chain_id, "{}", 1, 1_000_000, [], (5760, 12, 86_400, 3_600),
              32, 32, 32, EMPTY, 0, NO_ADDRESS, 1, 1, (0, 0, 0), 0)  # fmt: skip
    deps = (bridge, sequencer, inbox, outbox, events)
    contracts = (*(one.address for one in deps), CHALLENGES, admin.address, user.address, account)
    rollup.send(f"initializeProxy({CONFIG},{CONTRACTS})", config, contracts)
    act(hands[0], rollup, "setValidator(address[],bool[])", [account, hands[1].address], [True, True])
    act(hands[0], sequencer, "setIsBatchPoster(address,bool)", account, True)
    return Rollup(node, rollup, outbox, bridge, sequencer, hands, user.address)
