"""Control of a contract holder: its own code, run over proven state, takes the owner's signature; and no other."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from chains.driver import drive
from tests.nodes.artifacts import solidity
from tests.relay import contracts
from tests.relay.conftest import Place, address_of
from tests.verifier.attest.test_quorum import KEYS
from tests.verifier.attest.test_typed_data import BINDING
from verifier.attest.control import Challenge, control_call, verify_contract_control
from verifier.attest.statement import Shown
from verifier.crypto.keccak import keccak256
from verifier.errors import BadAttestation
from verifier.evm.call import CodeTable, verify_call
from verifier.evm.gather import gather_calls
from verifier.primitives import ChainId, Hash32, Timestamp
from verifier.trie.table import NodeTable
from verifier.verify import SectionState


async def proven(place: Place, challenge: Challenge, signature: bytes):
    """The wallet's proven answer, from nodes and code that were verified as they came."""
    call = control_call(challenge, signature)
    head = await place.head()
    found = await place.ask(lambda desk: drive(gather_calls(head.header, [call]), desk))
    assert not found.failed
    table = NodeTable.from_hashed((keccak256(node), node) for node in found.nodes)
    state = SectionState(head.header, table, set())
    return verify_call(head.header, call, state, CodeTable(found.codes))


@pytest.mark.covers("MRG-05")
async def test_a_contract_wallet_shows_control(place: Place) -> None:
    """The owner's signature is taken, a stranger's is not; for another challenge, chain or time the answer shows nothing."""
    owner, stranger = KEYS[0], KEYS[1]
    wallet = contracts.deploy(place.node, solidity()["Wallet"].bytecode, ("address",), (owner.address,))
    place.node.mine()
    now = Timestamp(int(time.time()))
    asked = Challenge(
        BINDING,
        "desk",
        address_of(wallet),
        place.network.chain_id,
        Timestamp(now - 600),
        Timestamp(now + 600),
        Hash32(b"\3" * 32),
    )
    good = bytes(owner.unsafe_sign_hash(asked.eip712_digest).signature)
    answer = await proven(place, asked, good)
    assert verify_contract_control(asked, good, answer, now) is Shown.ERC1271
    bad = bytes(stranger.unsafe_sign_hash(asked.eip712_digest).signature)
    with pytest.raises(BadAttestation, match="what the contract says"):
        verify_contract_control(asked, bad, await proven(place, asked, bad), now)
    for other in (
        replace(asked, account="x"),
        replace(asked, holder_chain=ChainId(1)),
        replace(asked, valid_until=Timestamp(now - 1)),
    ):
        with pytest.raises(BadAttestation):
            verify_contract_control(other, good, answer, now)
    with pytest.raises(BadAttestation, match="the call"):
        verify_contract_control(asked, bad, answer, now)
