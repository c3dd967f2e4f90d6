"""The whole way on real data: checkpoint, update, execution state, account, and a number.

The data hold no RLP of these execution headers, and a light-client object does not hold enough to make it (its roots of
transactions are SSZ, Electra's requests are missing). So the state root is proven here where the object has it, in the
execution header under the body root that the committee signed; the product itself takes the block hash of the same
place and opens the RLP, which `tests/system` does on a network of its own. What follows is the product's own walk.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulators.beacon_data import (
    PARSERS,
    bootstrap_of,
    checkpoint_of,
    config_of,
    load,
    raw,
    signed_at,
    state_before,
    updates_of,
)
from tests.simulators.chain import network
from verifier.codec.ssz import field_branch, hash_tree_root, record_from_json
from verifier.consensus.advance import advance
from verifier.consensus.bootstrap import start
from verifier.consensus.forks import Fork
from verifier.consensus.light_client import attested_beacon, finalized_beacon
from verifier.consensus.shapes import DENEB_PAYLOAD
from verifier.crypto.keccak import keccak256
from verifier.errors import MissingNode, Where, WrongHash
from verifier.primitives import Address, BlockNumber, Hash32, SlotKey, Timestamp
from verifier.proven import ProvenBeacon, ProvenRoot, mint
from verifier.state.ethereum import verify_account, verify_word
from verifier.trie.binary import Gindex, verify_branch
from verifier.trie.table import NodeTable

pytestmark = pytest.mark.usefixtures("shared_data")

CASES = {
    "mainnet/deneb-1167-storage-proof": "finalized",
    "mainnet/electra-1422-balance": "attested",
    "mainnet/electra-1422-token-slot": "attested",
    "sepolia/electra-874-account-proof": "finalized",
}


def reached(name: str, step: int, which: str) -> tuple[ProvenBeacon, Any]:
    """The beacon header that the bundle's step proves, and the JSON of its light-client header."""
    bundle = load(f"real/{name}")
    config = config_of(bundle)
    updates = list(updates_of(bundle, config))
    if bundle["bootstrap"]:
        bootstrap = bootstrap_of(bundle, config)
        state = start(checkpoint_of(bundle, config), bootstrap, config, config.time_of(bootstrap.header.slot))
    else:
        state = state_before(bundle, config, updates[0])
    for update in updates[: step + 1]:
        state = advance(state, update, max(signed_at(config, update), config.time_of(state.finalized.slot)))
    beacon = finalized_beacon(state) if which == "finalized" else attested_beacon(state)
    return beacon, bundle["steps"][step]["data"][f"{which}_header"]


def state_root_of(beacon: ProvenBeacon, header: Any) -> ProvenRoot:
    """The execution state under a proven beacon header; minted here, for want of the RLP."""
    payload = record_from_json(DENEB_PAYLOAD, header["execution"], Where())
    branch = [raw(b) for b in header["execution_branch"]]
    where = Where(network="test")
    assert beacon.execution_hash == payload.octets("block_hash")
    verify_branch(hash_tree_root(DENEB_PAYLOAD, payload), branch, Gindex(25), beacon.body_root, where, "the payload")
    root = Hash32(payload.octets("state_root"))
    deep = (*field_branch(payload, "state_root"), *branch)
    verify_branch(root, deep, Gindex(25 * 32 + 2), beacon.body_root, where, "the state root")
    with pytest.raises(WrongHash):
        verify_branch(root, deep, Gindex(25 * 32 + 3), beacon.body_root, where, "the receipts root")
    return mint(
        ProvenRoot,
        rests_on=beacon,
        network=network(chain_id=beacon.chain_id),
        state_root=root,
        number=BlockNumber(payload.uint("block_number")),
        timestamp=Timestamp(payload.uint("timestamp")),
        trust=beacon.trust,
    )


@pytest.mark.parametrize("name", CASES)
def test_from_a_checkpoint_to_a_number(name: str) -> None:
    """What the node's answer says of the account is what the proof says, and another account is not there."""
    which = CASES[name]
    (proof,) = load(f"real/{name}")["account_proofs"]
    assert proof["header"] == f"{which}_header"
    beacon, header = reached(name, int(proof["step"]), which)
    root = state_root_of(beacon, header)
    assert root.state_root == raw(proof["state_root"])
    said = proof.get("response", proof)
    nodes = [raw(n) for n in said["accountProof"]]
    nodes += [raw(n) for slot in said.get("storageProof", ()) for n in slot["proof"]]
    table = NodeTable.build(sorted(set(nodes)))
    used: set[Hash32] = set()
    account = verify_account(root, Address(raw(said["address"])), table, used)
    assert account.trust.anchor.value == which
    if "balance" in said:
        assert account.balance == int(said["balance"], 16)
        assert account.nonce == int(said["nonce"], 16)
        assert account.code_hash == raw(said["codeHash"])
        assert account.storage_root == raw(said["storageHash"])
    for slot in said.get("storageProof", ()):
        key = SlotKey(raw(slot["key"]).rjust(32, b"\0"))
        word = verify_word(account, key, table, used)
        assert int.from_bytes(word.word, "big") == int(slot["value"], 16)
    assert used == {keccak256(n) for n in nodes}
    with pytest.raises(MissingNode):
        verify_account(root, Address(b"\x01" * 20), table, set())


def test_the_number_s_fork() -> None:
    """The two ways of Electra cross the fork: checkpoint of Deneb, header of Electra."""
    bundle = load("real/mainnet/electra-1422-balance")
    config = config_of(bundle)
    forks = [Fork(bundle["bootstrap"]["fork"]), *(Fork(step["fork"]) for step in bundle["steps"])]
    assert forks[0] is Fork.DENEB
    assert forks[-1] is Fork.ELECTRA
    assert set(PARSERS) >= {step["kind"] for step in bundle["steps"]}
    assert config.fork_of(int(bundle["steps"][-1]["data"]["signature_slot"])) is Fork.ELECTRA
