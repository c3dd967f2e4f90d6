"""Every encoder's proof is accepted by the contract that it is for, and with one thing changed it is not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from eth_account import Account
from eth_utils import keccak

from chains.chain import local_network
from chains.relay import receipt_nodes, receipts_of, state_of
from tests.nodes.artifacts import solidity
from tests.nodes.contracts import ALICE
from tests.nodes.process import NodeFailedError, RpcError
from tests.nodes.protocols.optimism import CLOCK, DELAY, deploy_games
from tests.relay import contracts
from tests.relay.conftest import Place, address_of
from verifier.codec.abi import mapping_slot, pad_address
from verifier.encoders.abi import encode_call, encode_values
from verifier.encoders.arbitrum import Send, SendProof, encode_execute, prove_send, verify_send
from verifier.encoders.gateway import encode_nodes, encode_trusted_answer, proof_sequence, signed_digest
from verifier.encoders.op_stack import (
    MESSAGE_PASSER,
    Withdrawal,
    encode_finalize_withdrawal,
    encode_prove_withdrawal,
    output_root,
    prove_withdrawal,
    withdrawal_slots,
)
from verifier.encoders.paths import account_path
from verifier.encoders.state_proof import encode_state_proof
from verifier.errors import BadInput, MissingNode, NotThere, WrongBinding, WrongHash
from verifier.merkle.ordered import ARBITRUM_SENDS, build_root
from verifier.merkle.sorted_pairs import LeafRule, build_sorted
from verifier.primitives import slot_key
from verifier.single import verify_event_proof

REVERTED = (NodeFailedError, RpcError)


@pytest.fixture(scope="module")
def token(place: Place) -> str:
    types = ("string", "string", "uint8", "address[]", "uint256[]")
    holders, amounts = [ALICE, place.node.accounts[0]], [12_345, 7]
    return contracts.deploy(place.node, solidity()["PlainToken"].bytecode, types, ("T", "T", 6, holders, amounts))


def balance_slot(holder: str) -> bytes:
    return mapping_slot(pad_address(address_of(holder)), slot_key(solidity()["PlainToken"].slots["_balances"]))


# --- header, account, storage ----------------------------------------------------------------------------


async def test_the_triple_is_accepted(place: Place, token: str) -> None:
    """OpenZeppelin's own trie walk finds the words that we proved, under a header it hashes itself."""
    slots = [balance_slot(ALICE), balance_slot(place.node.accounts[0])]
    head = await place.head()
    state = await place.ask(lambda desk: state_of(head.header, address_of(token), slots, desk))
    path = account_path(state.account, state.words, state.nodes)
    data = encode_state_proof(path, head.rlp)
    with pytest.raises(REVERTED):
        contracts.send(place.node, place.consumer, data)  # nobody believes the block yet
    place.believe(head)
    contracts.send(place.node, place.consumer, data)
    for slot, amount in zip(slots, (12_345, 7), strict=True):
        out = contracts.call(place.node, place.consumer, "words", ("address", "bytes32"), (token, slot), ("uint256",))
        assert out == amount
    short = replace(path, account_nodes=path.account_nodes[:-1])
    with pytest.raises(REVERTED):
        contracts.send(place.node, place.consumer, encode_state_proof(short, head.rlp))
    other = await place.head(1)
    with pytest.raises(WrongHash):
        encode_state_proof(path, other.rlp)


async def test_a_path_is_made_of_what_was_proven_only(place: Place, token: str) -> None:
    """Words of another account, and nodes that end too early, make no path."""
    head = await place.head()
    state = await place.ask(lambda desk: state_of(head.header, address_of(token), [balance_slot(ALICE)], desk))
    other = await place.ask(lambda desk: state_of(head.header, address_of(place.consumer), [slot_key(0)], desk))
    with pytest.raises(BadInput):
        account_path(other.account, state.words, (*state.nodes, *other.nodes))
    with pytest.raises(MissingNode):
        account_path(state.account, state.words, state.nodes[:1])


async def test_an_event_is_accepted_once(place: Place, token: str) -> None:
    """A transfer's receipt, by the receipts root: delivered once, not for another emitter, index or event."""
    transfer = keccak(b"Transfer(address,address,uint256)")
    receipt = contracts.send(place.node, token, encode_call("transfer", ("address", "uint256"), (ALICE, 3)))
    head = await place.head(receipt["blockNumber"])
    receipts = await place.ask(lambda desk: receipts_of(head.header, desk))
    index = int(receipt["transactionIndex"], 16)
    nodes = receipt_nodes(receipts, index)
    proven = verify_event_proof(head.header, index, 0, address_of(token), transfer, nodes)
    assert int.from_bytes(proven.log.data, "big") == 3
    place.believe(head)
    types = ("bytes", "uint256", "uint256", "address", "bytes32", "bytes[]")

    def deliver(emitter: str = token, log: int = 0, topic: bytes = transfer, proof: tuple[bytes, ...] = nodes) -> None:
        values = (head.rlp, index, log, emitter, topic, list(proof))
        contracts.send(place.node, place.consumer, encode_call("deliver", types, values))

    for change in ({"emitter": place.consumer}, {"topic": keccak(b"x")}, {"log": 1}, {"proof": nodes[1:]}):
        with pytest.raises(REVERTED):
            deliver(**change)
    deliver()
    with pytest.raises(REVERTED):
        deliver()


async def test_a_sorted_tree_is_openzeppelin_s(place: Place) -> None:
    """Its contract accepts the members of trees of several sizes, and no stranger."""
    for count in (1, 2, 5, 12):
        members = [encode_values(("address", "uint256"), (ALICE, i)) for i in range(count)]
        tree = build_sorted(members, LeafRule.STANDARD)

        def accepted(leaf: bytes, siblings: tuple[bytes, ...], root: bytes = tree.root) -> bool:
            values = (list(siblings), root, leaf)
            return contracts.call(place.node, place.consumer, "isMember", ("bytes32[]", "bytes32", "bytes32"), values, ("bool",))  # fmt: skip

        for data in members:
            assert accepted(keccak(keccak(data)), tree.prove(data))
        assert not accepted(keccak(keccak(b"stranger")), tree.prove(members[0]))


# --- OP Stack --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def passer(place: Place) -> str:
    """The real message passer at its real address, as on any OP Stack chain."""
    at = contracts.checksum(MESSAGE_PASSER)
    artifact = contracts.published(
        contracts.OPTIMISM, "forge-artifacts", "L2ToL1MessagePasser.sol", "L2ToL1MessagePasser.json"
    )
    place.node.rpc("anvil_setCode", at, artifact["deployedBytecode"]["object"])
    place.node.mine()
    return at


async def test_a_withdrawal_is_accepted_by_the_portal(place: Place, passer: str) -> None:
    """Sent through the real message passer, proven here, taken by the real portal under its output root."""
    proposer = place.node.accounts[0]
    target = address_of(place.consumer)
    types = ("address", "uint256", "bytes")
    receipt = contracts.send(place.node, passer, encode_call("initiateWithdrawal", types, (target, 100_000, b"hello")))
    nonce = int(receipt["logs"][0]["topics"][1], 16)
    withdrawal = Withdrawal(nonce, address_of(proposer), target, 0, 100_000, b"hello")
    head = await place.head()
    where, slots = withdrawal_slots(withdrawal)
    state = await place.ask(lambda desk: state_of(head.header, where, slots, desk))
    proof = prove_withdrawal(head.header, withdrawal, state.nodes)
    portal, oracle = contracts.portal(place.node, proposer)
    root = output_root(head.header.state_root, state.account.storage_root, head.header.hash)
    assert root == proof.output_root
    number = contracts.call(place.node, oracle, "nextBlockNumber", out=("uint256",))
    place.node.mine(3)
    propose = encode_call("proposeL2Output", ("bytes32", "uint256", "bytes32", "uint256"), (root, number, bytes(32), 0))
    contracts.send(place.node, oracle, propose)
    wrong = replace(proof, withdrawal=replace(withdrawal, gas_limit=100_001))
    with pytest.raises(REVERTED):
        contracts.send(place.node, portal, encode_prove_withdrawal(wrong, 0))
    done = contracts.send(place.node, portal, encode_prove_withdrawal(proof, 0))
    assert done["logs"][0]["topics"][1] == "0x" + withdrawal.hash.hex()


async def test_a_withdrawal_is_let_out_by_the_portal_of_dispute_games(anvil_factory) -> None:
    """The same proof under a dispute game's root: taken by OptimismPortal2, and let out once game and delays are over."""
    node = anvil_factory(chain_id=31_412)
    place = Place(node, local_network("games", 31_412), "")
    games, at = deploy_games(node, 31_412), contracts.checksum(MESSAGE_PASSER)
    artifact = contracts.published(
        contracts.OPTIMISM, "forge-artifacts", "L2ToL1MessagePasser.sol", "L2ToL1MessagePasser.json"
    )
    node.rpc("anvil_setCode", at, artifact["deployedBytecode"]["object"])
    node.mine()
    types, target = ("address", "uint256", "bytes"), address_of(ALICE)
    receipt = contracts.send(node, at, encode_call("initiateWithdrawal", types, (target, 100_000, b"")), value=5)
    nonce = int(receipt["logs"][0]["topics"][1], 16)
    withdrawal = Withdrawal(nonce, address_of(node.accounts[0]), target, 5, 100_000, b"")
    head = await place.head()
    state = await place.ask(lambda desk: state_of(head.header, *withdrawal_slots(withdrawal), desk))
    proof = prove_withdrawal(head.header, withdrawal, state.nodes)
    game = games.propose(proof.output_root, head.header.number)
    games.wait(5)
    with pytest.raises(REVERTED):
        contracts.send(node, games.portal.address, encode_prove_withdrawal(replace(proof, withdrawal=replace(withdrawal, value=6)), 0))  # fmt: skip
    contracts.send(node, games.portal.address, encode_prove_withdrawal(proof, 0))
    assert not games.lets_out(withdrawal.hash)
    games.wait(CLOCK + 1)
    games.resolve(game)
    games.wait(DELAY + 10)
    assert games.lets_out(withdrawal.hash)
    assert not games.lets_out(replace(withdrawal, value=6).hash)
    with pytest.raises(REVERTED):
        contracts.send(node, games.portal.address, encode_finalize_withdrawal(replace(withdrawal, value=6)))
    done = contracts.send(node, games.portal.address, encode_finalize_withdrawal(withdrawal))
    assert ["0x" + withdrawal.hash.hex()] == [log["topics"][1] for log in done["logs"]]
    with pytest.raises(REVERTED):
        contracts.send(node, games.portal.address, encode_finalize_withdrawal(withdrawal))


@pytest.mark.covers("MRK-05")
async def test_a_withdrawal_that_was_not_sent(place: Place, passer: str) -> None:
    """Proven absent under the same header: no proof of it can be made."""
    never = Withdrawal(1, address_of(place.node.accounts[0]), address_of(ALICE), 1, 1, b"")
    head = await place.head()
    state = await place.ask(lambda desk: state_of(head.header, *withdrawal_slots(never), desk))
    with pytest.raises(NotThere):
        prove_withdrawal(head.header, never, state.nodes)
    place.node.set_storage(passer, int.from_bytes(never.slot, "big"), 2)
    place.node.mine()
    head = await place.head()
    state = await place.ask(lambda desk: state_of(head.header, *withdrawal_slots(never), desk))
    with pytest.raises(WrongBinding):
        prove_withdrawal(head.header, never, state.nodes)


# --- Arbitrum --------------------------------------------------------------------------------------------


def test_a_send_is_executed_by_the_outbox(place: Place) -> None:
    """The real outbox takes our proof under the send root, once; under a root it does not know, never."""
    rollup = place.node.accounts[1]
    outbox = contracts.outbox(place.node, rollup)
    call = encode_call("isMember", ("bytes32[]", "bytes32", "bytes32"), ([], bytes(32), bytes(32)))
    sends = [
        Send(address_of(ALICE), address_of(place.consumer), 10 + i, 5, 1_700_000_000 + i, 0, call) for i in range(5)
    ]
    items = [send.item for send in sends]
    root = build_root(ARBITRUM_SENDS, items)
    contracts.send(
        place.node, outbox, encode_call("updateSendRoot", ("bytes32", "bytes32"), (root, b"\1" * 32)), sender=rollup
    )
    for index in (0, 4):
        proof = verify_send(root, sends[index], index, len(sends), prove_send(items, index))
        with pytest.raises(REVERTED):
            contracts.send(place.node, outbox, encode_execute(replace(proof, send=replace(proof.send, value=1))))
        contracts.send(place.node, outbox, encode_execute(proof))
        assert contracts.call(place.node, outbox, "isSpent", ("uint256",), (index,), ("bool",))
        with pytest.raises(REVERTED):
            contracts.send(place.node, outbox, encode_execute(proof))
    with pytest.raises(WrongHash):
        verify_send(root, sends[0], 1, len(sends), prove_send(items, 1))
    unknown = SendProof(build_root(ARBITRUM_SENDS, items[:4]), sends[1], 1, prove_send(items[:4], 1))
    with pytest.raises(REVERTED):
        contracts.send(place.node, outbox, encode_execute(unknown))


# --- gateways --------------------------------------------------------------------------------------------


async def test_a_gateway_answer_is_accepted(place: Place, token: str) -> None:
    """The real gateway VM reads our words out of our proofs, in our order; a changed order or signer is refused."""
    slots = [balance_slot(ALICE), slot_key(10**6)]
    head = await place.head()
    state = await place.ask(lambda desk: state_of(head.header, address_of(token), slots, desk))
    path = account_path(state.account, state.words, state.nodes)
    signer = Account.create()
    verifier, hooks = contracts.gateway(place.node, signer.address)
    got = contracts.call(
        place.node, hooks, "verifyAccountState", ("bytes32", "address", "bytes"),
        (head.header.state_root, token, encode_nodes(path.account_nodes)), ("bytes32",),
    )  # fmt: skip
    assert got == state.account.storage_root
    sequence = proof_sequence([path])
    assert sequence.order == bytes([0, 1, 2])
    at = head.header.timestamp
    signature = bytes(signer.unsafe_sign_hash(signed_digest(sequence, at)).signature)
    # Two outputs; push the token, set it; for each output push and set the slot, read it, store it.
    program = bytes([2, 20]) + address_of(token) + bytes([50])
    for i, slot in enumerate(slots):
        program += bytes([32]) + slot + bytes([70, 60, 1, i, 51])

    def answer(proof: bytes) -> tuple[tuple[bytes, ...], int]:
        types = ("bytes", "(bytes)", "bytes")
        values = (encode_values(("uint256",), (at,)), (program,), proof)
        return contracts.call(place.node, verifier, "getStorageValues", types, values, ("bytes[]", "uint8"))

    outputs, code = answer(encode_trusted_answer(sequence, at, signature))
    assert code == 0
    assert list(outputs) == [word.word for word in state.words]
    assert any(outputs[0])
    assert not any(outputs[1])
    with pytest.raises(RpcError):
        answer(encode_trusted_answer(replace(sequence, order=bytes([0, 2, 1])), at, signature))
    with pytest.raises(RpcError):
        answer(encode_trusted_answer(sequence, at + 1, signature))
