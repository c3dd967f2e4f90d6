"""
An Arbitrum rollup (BoLD) on a local node: bridge, inboxes, outbox and rollup of the authors' own artifacts.

Everything is theirs. The challenge manager is deployed where rivals are to be told apart; elsewhere an account takes its
place, for it is not asked. Its edges of blocks are one block long here, so that a history is two machine states. What no
test plays is the one-step proof at the end of a challenge that both sides keep up: it executes the rollup's machine.
The sequencer's batches are posted by the node's first account.
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
STATE_DATA = f"({STATE},bytes32,bytes32)"
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
    challenges: Contract | None = None

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
        state = (*state[:2], history(before.state, state))
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
        return (WASM_ROOT, 0, CHALLENGES if self.challenges is None else self.challenges.address, PERIOD, position)

    def challenge(self, one: Assertion, before: Assertion, validator: int = 1) -> bytes:
        """Open an edge for an assertion that has a rival: the whole history from its parent's state; the edge's id."""
        start, end = leaf(before.state), leaf(one.state)
        prefix = encode(("bytes32[]", "bytes32[]"), ([start], [end]))
        proof = encode(("bytes32[]", STATE_DATA, STATE_DATA), ([start], data_of(before), data_of(one)))
        signature = "createLayerZeroEdge((uint8,bytes32,uint256,bytes32,bytes,bytes))"
        assert self.challenges is not None
        values = (0, one.state[2], 1, one.hash, prefix, proof)
        if validator == 1:
            self.challenges.send(signature, values)
        else:
            act(self.hands[1], self.challenges, signature, values)
        mutual = keccak(bytes(1) + before.hash + bytes(32) + start + (1).to_bytes(32, "big"))
        return keccak(mutual + one.state[2])

    def win(self, edge: bytes, one: Assertion) -> None:
        """Confirm an edge that stood without a rival for the challenge period."""
        assert self.challenges is not None
        self.challenges.send(f"confirmEdgeByTime(bytes32,{STATE_DATA})", edge, data_of(one))

    def confirm(self, one: Assertion, before: Assertion, edge: bytes = bytes(32)) -> dict[str, Any]:
        return self.rollup.send(
            f"confirmAssertion(bytes32,bytes32,{STATE},bytes32,{CONFIG_DATA},bytes32)",
            one.hash, before.hash, one.state, edge, self.config(before.position), one.accumulator,
        )  # fmt: skip

    def status(self, one: Assertion) -> int:
        """The contract's own view: 0 none, 1 pending, 2 confirmed."""
        node = self.rollup.view("getAssertion(bytes32)((uint64,uint64,uint64,bool,uint8,bytes32))", one.hash)
        return int(node[4])


def data_of(one: Assertion) -> tuple[State, bytes, bytes]:
    """An assertion as the challenge manager is shown it."""
    return one.state, one.parent, one.accumulator


def leaf(state: State) -> bytes:
    """A finished machine's state in a history. Source: OneStepProofEntry.getMachineHash, MerkleTreeAccumulatorLib."""
    ((block, send_root), (batch, within)), _, _ = state
    packed = block + send_root + batch.to_bytes(8, "big") + within.to_bytes(8, "big")
    return keccak(keccak(b"Machine finished:" + keccak(b"Global state:" + packed)))


def history(before: State, after: State) -> bytes:
    """The root of the history of one block: the state before it and the one after it."""
    return keccak(leaf(before) + leaf(after))


def act(hand: Contract, to: Contract, signature: str, *values: object) -> None:
    """Call something by a hand."""
    hand.send("act(address,bytes)", to.address, bytes.fromhex(calldata(signature, *values)[2:]))


def deploy_rollup(node: DevNode, chain_id: int, *, challenged: bool = False) -> Rollup:
    """Deploy all of it; the challenge manager where one is to be played."""
    with node.together():
        return _deployed(node, chain_id, challenged=challenged)


def _deployed(node: DevNode, chain_id: int, *, challenged: bool) -> Rollup:
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
    challenges = None
    if challenged:
        entry = create(
            node, artifact("osp", "OneStepProofEntry"), "(address,address,address,address)", *[NO_ADDRESS] * 4
        )
        types = "address,uint64,address,uint256,uint256,uint256,address,address,uint8,uint256[]"
        values = (rollup.address, PERIOD, entry.address, 1, 1, 1, NO_ADDRESS, owner, 1, [0, 0, 0])
        challenges = behind("challengeV2", "EdgeChallengeManager", calldata(f"initialize({types})", *values))
    manager = CHALLENGES if challenges is None else challenges.address
    contracts = (*(one.address for one in deps), manager, admin.address, user.address, account)
    rollup.send(f"initializeProxy({CONFIG},{CONTRACTS})", config, contracts)
    act(hands[0], rollup, "setValidator(address[],bool[])", [account, hands[1].address], [True, True])
    act(hands[0], sequencer, "setIsBatchPoster(address,bool)", account, True)
    return Rollup(node, rollup, outbox, bridge, sequencer, hands, user.address, challenges)
