"""Nodes of Arbitrum's own contracts from before BoLD: our verdict is the rollup's own view at every step."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.nodes.ethereumjs import EthereumJS
from tests.nodes.process import NodeFailedError
from tests.nodes.protocols.arbitrum_classic import GENESIS, PERIOD, ClassicRollup, Node, deploy_classic
from tests.system.rollup_stage import RollupStage
from verifier.errors import NotSettled, NotThere, VerifierError, WrongHash
from verifier.proven import ProvenSettlement, trail
from verifier.settlement import arbitrum
from verifier.settlement.collect import Settled
from verifier.trust import Settlement


@dataclass
class Stage:
    made: ClassicRollup
    rollup: RollupStage

    @classmethod
    def on(cls, node: EthereumJS) -> Stage:
        made = deploy_classic(node, node.chain_id)
        addresses = {"rollup": made.rollup.address, "outbox": made.outbox.address}
        return cls(made, RollupStage(node, "nitro", addresses, ("rollup", "outbox")))

    async def judged(self, number: int, block: bytes) -> Settled:
        """What our judging says of a block by one node, whatever was told."""
        return await self.rollup.judged_by(number.to_bytes(8, "big"), block, [arbitrum.LATEST_NODE])

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


@pytest.fixture(scope="module")
def stage(ethereumjs: EthereumJS) -> Stage:
    return Stage.on(ethereumjs)


@pytest.mark.node("ethereumjs")
@pytest.mark.covers("ARB-01", "ARB-02")
async def test_our_verdict_is_the_rollups_own_view_from_claim_to_confirmation(stage: Stage) -> None:
    """Claimed, waited for, confirmed, followed by a second: only the latest confirmed node settles, and the outbox."""
    made, node = stage.made, stage.rollup.node
    first = stage.rollup.block(b"\x61" * 32)
    one = made.claim(GENESIS, first, b"\x61" * 32)
    assert await stage.verdict(one, first) is NotSettled
    with pytest.raises(NotThere, match="any accepted block"):
        await stage.rollup.gathered()
    with pytest.raises(NodeFailedError):
        made.confirm(one)  # before its deadline
    node.mine(PERIOD)
    assert await stage.verdict(one, first) is NotSettled  # time alone confirms nothing
    made.confirm(one)
    assert await stage.verdict(one, first) == Settlement.SETTLED
    assert made.outbox.view("roots(bytes32)(bytes32)", b"\x61" * 32) == first
    found, _, _ = await stage.rollup.gathered()
    assert (found.header.hash, found.preimages) == (first, (b"",))

    made.batch()
    second = stage.rollup.block(b"\x62" * 32)
    two = made.claim(one, second, b"\x62" * 32)
    assert await stage.verdict(two, second) is NotSettled
    with pytest.raises(WrongHash, match="block hash and send root"):
        await stage.judged(one.number, second)
    node.mine(PERIOD)
    made.confirm(two)
    assert await stage.verdict(two, second) == Settlement.SETTLED
    assert await stage.verdict(one, first) is NotSettled  # true, and no longer the latest
    assert (await stage.rollup.gathered())[0].header.hash == second


@pytest.mark.node("ethereumjs")
async def test_a_node_that_a_rival_stands_beside_is_not_confirmed_by_the_contract_nor_by_us(
    ethereumjs: EthereumJS,
) -> None:
    """The second validator stakes on another end: nobody confirms either, however long it is waited."""
    stage = Stage.on(ethereumjs)
    made, node = stage.made, stage.rollup.node
    block = stage.rollup.block(b"\x63" * 32)
    mine = made.claim(GENESIS, block, b"\x63" * 32)
    false = stage.rollup.block(b"\x64" * 32)
    rival = made.claim(GENESIS, false, b"\x64" * 32, validator=2)
    node.mine(2 * PERIOD)
    with pytest.raises(NodeFailedError):
        made.confirm(mine)
    for one, of in ((mine, block), (rival, false)):
        assert await stage.verdict(one, of) is NotSettled
