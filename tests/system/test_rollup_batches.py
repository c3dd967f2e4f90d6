"""Batches of Scroll's own contract: our verdict is its own view, from genesis over commitment to finality and reversal.

The node stands for both networks: states of its own past are what the batches speak of, and its history contract names
the blocks before them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from chains.chain import local_network
from chains.driver import Desk, drive
from chains.endpoint import Endpoint
from tests.nodes.contracts import EIP1967_SLOT
from tests.nodes.ethereumjs import EthereumJS
from tests.nodes.protocols.scroll import ScrollChain, deploy_scroll, rollup_code
from tests.simulators.trie_builder import keccak
from verifier.claims import CodePin
from verifier.errors import NotSettled, NotThere
from verifier.gather import gather_anchor
from verifier.network import Network, SettledOn
from verifier.policy import STRICT
from verifier.primitives import Address, Hash32, Timestamp, parse_hex
from verifier.proven import ProvenHeader
from verifier.settlement import gather_settlement, scroll
from verifier.settlement.collect import Candidate, Settled, collect
from verifier.trust import PinnedBlock, Settlement


@dataclass
class Stage:
    made: ScrollChain
    node: EthereumJS

    def networks(self) -> tuple[Network, Network]:
        def code(address: str) -> Hash32:
            return Hash32(keccak(bytes.fromhex(self.node.rpc("eth_getCode", address, "latest")[2:])))

        address = self.made.contract.address
        target = "0x" + self.node.rpc("eth_getStorageAt", address, f"0x{EIP1967_SLOT:064x}", "latest")[-40:]
        pin = CodePin(code(address), Address(parse_hex(target)), code(target))
        parent = local_network("parent", self.node.chain_id)
        contracts = (("scroll_chain", Address(parse_hex(address.lower()))),)
        settled = SettledOn(parent.chain_id, "scroll", contracts, (("scroll_chain", pin),))
        return parent, Network(parent.chain_id, "rollup", parent.family, "ETH", settled)

    async def gathered(self, batch: int | None = None, rlp: bytes = b"") -> Settled:
        """What gathering finds as of now; or what judging says of one batch, whatever was told."""
        parent, rollup = self.networks()
        head = self.node.block("latest")
        root = PinnedBlock(parent.chain_id, Hash32(parse_hex(head["hash"])))
        async with Desk.to([(parent, [Endpoint(self.node.url)])]) as desk:
            at: ProvenHeader = (await drive(gather_anchor(parent, root), desk)).header
            if batch is None:
                now = Timestamp(int(head["timestamp"], 16))
                return await drive(gather_settlement(rollup, at, now, STRICT), desk)
            candidate = Candidate(rlp, (batch.to_bytes(8, "big"),), ())
            return await drive(collect(rollup, at, STRICT, candidate, scroll.verify), desk)

    def block(self) -> dict[str, Any]:
        self.node.mine(2)
        return self.node.block("latest")


@pytest.fixture(scope="module")
def stage(ethereumjs: EthereumJS) -> Stage:
    return Stage(deploy_scroll(ethereumjs, ethereumjs.chain_id), ethereumjs)


@pytest.mark.node("ethereumjs")
@pytest.mark.covers("ZKR-01")
async def test_our_verdict_is_the_contracts_own_view_at_every_step(stage: Stage) -> None:
    made = stage.made
    parent = made.genesis(b"\x77" * 32)
    with pytest.raises(NotThere, match="state root of one of the newest"):
        await stage.gathered()
    block = stage.block()
    first = made.commit(1, parent)
    assert not made.is_finalized(1)
    with pytest.raises(NotThere, match="state root of one of the newest"):
        await stage.gathered()
    made.finalize(first, bytes.fromhex(block["stateRoot"][2:]))
    assert made.is_finalized(1)
    found = await stage.gathered()
    assert found.header.hash == parse_hex(block["parentHash"])
    assert found.header.trust.settlement is Settlement.SETTLED
    assert found.preimages == ((1).to_bytes(8, "big"),)
    second = made.commit(2, keccak(first))
    assert not made.is_finalized(2)
    with pytest.raises(NotSettled) as caught:
        await stage.gathered(2, found.rlp)
    assert (caught.value.rule, caught.value.got) == ("the last finalized batch", "1")
    made.revert(first)
    assert made.contract.view("committedBatches(uint256)(bytes32)", 2) == bytes(32)
    with pytest.raises(NotSettled):
        await stage.gathered(2, found.rlp)
    assert (await stage.gathered()).header.hash == found.header.hash
    assert second != first


def test_the_slots_are_those_of_the_compilers_layout() -> None:
    """The sources' own layout, as the compiler prints it."""
    layout = rollup_code().layout
    slots = {one["label"]: int(one["slot"]) for one in layout["storage"]}
    assert slots["finalizedStateRoots"].to_bytes(32, "big") == scroll.STATE_ROOTS
    assert slots["miscData"].to_bytes(32, "big") == scroll.COUNTERS
    (members,) = [kind["members"] for name, kind in layout["types"].items() if "MiscData" in name]
    assert [(m["label"], m["offset"]) for m in members[:2]] == [
        ("lastCommittedBatchIndex", 0),
        ("lastFinalizedBatchIndex", 8),
    ]
