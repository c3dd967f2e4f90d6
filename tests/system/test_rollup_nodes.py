"""Nodes of Arbitrum's own contracts from before BoLD: our verdict is the rollup's own view at every step.

The node stands for both networks: blocks of its own past are what the rollup's nodes speak of.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from chains.chain import local_network
from chains.driver import Desk, drive
from chains.endpoint import Endpoint
from tests.nodes.contracts import EIP1967_SLOT
from tests.nodes.ethereumjs import EthereumJS
from tests.nodes.process import NodeFailedError
from tests.nodes.protocols.arbitrum_classic import GENESIS, PERIOD, ClassicRollup, Node, deploy_classic
from tests.simulators.trie_builder import keccak
from verifier.claims import CodePin
from verifier.errors import NotSettled, NotThere, VerifierError, WrongHash
from verifier.flow import AskHeader, ask
from verifier.gather import gather_anchor
from verifier.network import Network, SettledOn
from verifier.policy import STRICT
from verifier.primitives import Address, Hash32, Timestamp, parse_hex
from verifier.proven import ProvenSettlement, trail
from verifier.settlement import arbitrum, gather_settlement
from verifier.settlement.collect import Candidate, Settled, collect
from verifier.trust import PinnedBlock, Settlement


@dataclass
class Stage:
    made: ClassicRollup
    node: EthereumJS

    def networks(self) -> tuple[Network, Network]:
        named = {"rollup": self.made.rollup.address, "outbox": self.made.outbox.address}
        local = local_network("parent", self.node.chain_id)
        contracts = tuple((role, Address(parse_hex(address.lower()))) for role, address in named.items())
        codes = tuple((role, self.pin(address)) for role, address in named.items())
        settled = SettledOn(local.chain_id, "nitro", contracts, codes)
        return local, Network(local.chain_id, "rollup", local.family, "ETH", settled)

    def pin(self, address: str) -> CodePin:
        def code(at: str) -> Hash32:
            return Hash32(keccak(bytes.fromhex(self.node.rpc("eth_getCode", at, "latest")[2:])))

        target = "0x" + self.node.rpc("eth_getStorageAt", address, f"0x{EIP1967_SLOT:064x}", "latest")[-40:]
        return CodePin(code(address), Address(parse_hex(target)), code(target))

    async def judged(self, number: int, block: bytes) -> Settled:
        """What our judging says of a block by one node, whatever was told."""
        parent, rollup = self.networks()
        head = Hash32(parse_hex(self.node.block("latest")["hash"]))
        async with Desk.to([(parent, [Endpoint(self.node.url)])]) as desk:
            at = (await drive(gather_anchor(parent, PinnedBlock(parent.chain_id, head)), desk)).header
            rlp = await drive(ask(AskHeader(chain_id=parent.chain_id, block=Hash32(block))), desk)
            candidate = Candidate(rlp, (number.to_bytes(8, "big"),), ())
            return await drive(collect(rollup, at, STRICT, candidate, arbitrum.verify_classic), desk)

    async def gathered(self) -> Settled:
        """What gathering finds as of now."""
        parent, rollup = self.networks()
        head = self.node.block("latest")
        root = PinnedBlock(parent.chain_id, Hash32(parse_hex(head["hash"])))
        async with Desk.to([(parent, [Endpoint(self.node.url)])]) as desk:
            at = (await drive(gather_anchor(parent, root), desk)).header
            return await drive(gather_settlement(rollup, at, Timestamp(int(head["timestamp"], 16)), STRICT), desk)

    async def verdict(self, one: Node, block: bytes) -> str | type[VerifierError]:
        """Our word on a node, after it was held against the contract's own view of it."""
        try:
            found = (await self.judged(one.number, block)).header
        except VerifierError as error:
            assert self.made.confirmed != one.number
            return type(error)
        assert self.made.confirmed == one.number
        (step,) = (step for step in trail(found) if isinstance(step, ProvenSettlement))
        assert step.root == self.made.confirm_data(one)
        assert found.trust.settlement is not None
        return found.trust.settlement

    def block(self, send_root: bytes) -> bytes:
        """A block whose header holds a send root."""
        self.node.extra_data = send_root
        self.node.mine()
        self.node.extra_data = b""
        return bytes.fromhex(self.node.block("latest")["hash"][2:])


@pytest.fixture(scope="module")
def stage(ethereumjs: EthereumJS) -> Stage:
    return Stage(deploy_classic(ethereumjs, ethereumjs.chain_id), ethereumjs)


@pytest.mark.node("ethereumjs")
@pytest.mark.covers("ARB-01", "ARB-02")
async def test_our_verdict_is_the_rollups_own_view_from_claim_to_confirmation(stage: Stage) -> None:
    """Claimed, waited for, confirmed, followed by a second: only the latest confirmed node settles, and the outbox."""
    made, node = stage.made, stage.node
    first = stage.block(b"\x61" * 32)
    one = made.claim(GENESIS, first, b"\x61" * 32)
    assert await stage.verdict(one, first) is NotSettled
    with pytest.raises(NotThere, match="any accepted block"):
        await stage.gathered()
    with pytest.raises(NodeFailedError):
        made.confirm(one)  # before its deadline
    node.mine(PERIOD)
    assert await stage.verdict(one, first) is NotSettled  # time alone confirms nothing
    made.confirm(one)
    assert await stage.verdict(one, first) == Settlement.SETTLED
    assert made.outbox.view("roots(bytes32)(bytes32)", b"\x61" * 32) == first
    found = await stage.gathered()
    assert (found.header.hash, found.preimages) == (first, (b"",))

    made.batch()
    second = stage.block(b"\x62" * 32)
    two = made.claim(one, second, b"\x62" * 32)
    assert await stage.verdict(two, second) is NotSettled
    with pytest.raises(WrongHash, match="block hash and send root"):
        await stage.judged(one.number, second)
    node.mine(PERIOD)
    made.confirm(two)
    assert await stage.verdict(two, second) == Settlement.SETTLED
    assert await stage.verdict(one, first) is NotSettled  # true, and no longer the latest
    assert (await stage.gathered()).header.hash == second


@pytest.mark.node("ethereumjs")
async def test_a_node_that_a_rival_stands_beside_is_not_confirmed_by_the_contract_nor_by_us(
    ethereumjs: EthereumJS,
) -> None:
    """The second validator stakes on another end: nobody confirms either, however long it is waited."""
    stage = Stage(deploy_classic(ethereumjs, ethereumjs.chain_id), ethereumjs)
    made, node = stage.made, stage.node
    block = stage.block(b"\x63" * 32)
    mine = made.claim(GENESIS, block, b"\x63" * 32)
    false = stage.block(b"\x64" * 32)
    rival = made.claim(GENESIS, false, b"\x64" * 32, validator=2)
    node.mine(2 * PERIOD)
    with pytest.raises(NodeFailedError):
        made.confirm(mine)
    for one, of in ((mine, block), (rival, false)):
        assert await stage.verdict(one, of) is NotSettled
