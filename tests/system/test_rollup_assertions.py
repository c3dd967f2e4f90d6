"""Assertions of Arbitrum's own contracts: our verdict is the rollup's own view, from the first claim to its confirmation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest

from tests.nodes.ethereumjs import EthereumJS
from tests.nodes.process import NodeFailedError
from tests.nodes.protocols.arbitrum import PERIOD, SECONDARY_SLOT, Assertion, Rollup, deploy_rollup
from tests.simulators.trie_builder import keccak
from tests.system.rollup_stage import RollupStage
from tests.verifier.settlement.test_proposed import TAKEN
from verifier.codec.abi import mapping_slot
from verifier.errors import NotSettled, NotThere, UnreviewedCode, VerifierError
from verifier.network import Network
from verifier.policy import STRICT, Policy, ProposedRule
from verifier.primitives import BlockNumber, Hash32
from verifier.proven import ProvenHeader
from verifier.settlement import arbitrum, verify_settlement
from verifier.settlement.collect import Settled
from verifier.settlement.scheme import case_of
from verifier.trie.table import NodeTable
from verifier.trust import Observed, Settlement

AGE = 4
POLICY = replace(TAKEN, proposed=ProposedRule(min_age=AGE, quorum=2), max_head_lag=10**9)


@dataclass
class Stage:
    made: Rollup
    rollup: RollupStage

    @classmethod
    def on(cls, node: EthereumJS, *, challenged: bool = False) -> Stage:
        made = deploy_rollup(node, node.chain_id, challenged=challenged)
        addresses = {"rollup": made.rollup.address, "outbox": made.outbox.address}
        return cls(made, RollupStage(node, "bold", addresses, ("rollup",)))

    async def verdict(self, policy: Policy = STRICT, roles: Sequence[str] = ("rollup",)) -> Settlement | VerifierError:
        try:
            found, _, _ = await self.rollup.gathered(roles, policy)
        except VerifierError as error:
            return error
        assert found.header.trust.settlement is not None
        return found.header.trust.settlement

    async def judged(self, one: Assertion, block: bytes, policy: Policy = STRICT) -> Settled:
        """What judging says of one assertion, whatever was told."""
        slots = [mapping_slot(key, arbitrum.ASSERTIONS) for key in (one.hash, one.parent)]
        return await self.rollup.judged_by(one.preimage, block, slots, policy)


@pytest.fixture(scope="module")
def stage(ethereumjs: EthereumJS) -> Stage:
    return Stage.on(ethereumjs)


@pytest.mark.node("ethereumjs")
@pytest.mark.covers("ARB-01", "ARB-02")
async def test_our_verdict_is_the_rollups_own_view_at_every_step(stage: Stage) -> None:
    """Claimed, aged, followed by a second, contradicted, confirmed; by the assertion and by the outbox."""
    made, node = stage.made, stage.rollup.node
    genesis = made.genesis()
    assert made.status(genesis) == 2
    first = stage.rollup.block(b"\x51" * 32)
    one = made.claim(genesis, first, b"\x51" * 32)
    assert made.status(one) == 1
    assert await stage.verdict() is Settlement.PROPOSED
    assert await stage.verdict(roles=("outbox",)) is not Settlement.SETTLED
    young = await stage.verdict(POLICY)
    assert isinstance(young, NotSettled)
    assert young.rule == "a proposed root: its age"
    node.mine(AGE)
    found, rollup, at = await stage.rollup.gathered(policy=POLICY)
    assert found.preimages == (one.preimage,)
    _shown(found, rollup, at, first)

    made.batch()
    second = stage.rollup.block(b"\x52" * 32)
    two = made.claim(one, second, b"\x52" * 32)
    node.mine(AGE)
    found, _, _ = await stage.rollup.gathered(policy=POLICY)
    assert found.header.hash == second
    assert found.preimages == (two.preimage + link(one),)

    rival = made.claim(one, first, b"\x53" * 32, validator=2)
    assert made.status(rival) == 1
    assert made.rollup.view("getSecondChildCreationBlock(bytes32)(uint64)", one.hash)
    node.mine(AGE)
    beside, _, _ = await stage.rollup.gathered(policy=POLICY)
    assert beside.header.hash == first  # the older one, which nobody contradicts
    node.mine(PERIOD)
    made.confirm(one, genesis)
    assert made.status(one) == 2
    assert made.outbox.view("roots(bytes32)(bytes32)", b"\x51" * 32) == first
    for roles, preimage in ((("rollup",), one.preimage), (("outbox",), b""), (("rollup", "outbox"), b"")):
        found, _, _ = await stage.rollup.gathered(roles)
        assert found.header.hash == first
        assert found.header.trust.settlement is Settlement.SETTLED
        assert found.preimages == (preimage,)


def link(one: Assertion) -> bytes:
    return one.preimage[:32] + keccak(one.preimage[32:224]) + one.preimage[224:]


def _shown(found: Settled, rollup: Network, at: ProvenHeader, block: bytes) -> None:
    """Judged again with what two operators said, and with what one did."""
    table = NodeTable.from_hashed((Hash32(keccak(node)), node) for node in found.nodes)
    for operators, stands in ((("one", "two"), True), (("one",), False)):
        seen = Observed(rollup.chain_id, Hash32(block), BlockNumber(1), frozenset(operators), 2, at.timestamp)
        case = case_of(rollup, at, table, set(), POLICY, [seen])
        if stands:
            assert POLICY.takes(verify_settlement(case, found.rlp, found.preimages).trust)
        else:
            with pytest.raises(NotSettled, match="the quorum on its block"):
                verify_settlement(case, found.rlp, found.preimages)


@pytest.mark.node("ethereumjs")
@pytest.mark.covers("ARB-03")
async def test_another_user_logic_is_refused(stage: Stage) -> None:
    """The rollup's proxy has two implementations; the one that stakers reach is pinned by a role of its own."""
    with pytest.raises(UnreviewedCode, match="user logic"):
        await stage.rollup.gathered(user=stage.made.outbox.address)
    slot = stage.rollup.node.rpc("eth_getStorageAt", stage.made.rollup.address, f"0x{SECONDARY_SLOT:064x}", "latest")
    assert slot[-40:] == stage.made.logic[2:].lower()
    assert SECONDARY_SLOT.to_bytes(32, "big") == arbitrum.SECONDARY_IMPLEMENTATION


@pytest.mark.node("ethereumjs")
async def test_an_outbox_that_took_nothing_settles_nothing(ethereumjs: EthereumJS) -> None:
    empty = Stage.on(ethereumjs)
    told = await empty.verdict(roles=("outbox",))
    assert isinstance(told, NotThere)


@pytest.mark.node("ethereumjs")
async def test_a_challenge_that_is_played_through_settles_the_winner_and_never_the_rival(
    ethereumjs: EthereumJS,
) -> None:
    """Two assertions on one parent; the first defends its history, and wins by time. Our verdict waits for the rollup's."""
    stage = Stage.on(ethereumjs, challenged=True)
    made, node = stage.made, stage.rollup.node
    genesis = made.genesis()
    first, false = stage.rollup.block(b"\x54" * 32), stage.rollup.block(b"\x55" * 32)
    one = made.claim(genesis, first, b"\x54" * 32)
    with pytest.raises(NodeFailedError):
        made.challenge(one, genesis)  # nobody contradicts it
    rival = made.claim(genesis, false, b"\x55" * 32, validator=2)
    node.mine(AGE)
    refused = await stage.verdict(POLICY)
    assert isinstance(refused, NotSettled)
    assert refused.rule == "a proposed root: no rival and no challenge"

    edge = made.challenge(one, genesis)
    with pytest.raises(NodeFailedError):
        made.win(edge, one)  # before the period is over
    node.mine(PERIOD)
    with pytest.raises(NodeFailedError):
        made.confirm(one, genesis)  # contradicted, and no winner is named
    made.win(edge, one)
    for loser in (rival, one):
        assert made.status(loser) == 1
    assert await stage.verdict() is Settlement.PROPOSED  # won, and not confirmed yet
    node.mine(2)
    with pytest.raises(NodeFailedError):
        made.confirm(rival, genesis, edge)
    made.confirm(one, genesis, edge)
    assert (made.status(one), made.status(rival)) == (2, 1)
    found, rollup, at = await stage.rollup.gathered()
    assert (found.header.hash, found.header.trust.settlement) == (first, Settlement.SETTLED)
    lost = await stage.judged(rival, false)
    assert lost.header.trust.settlement is Settlement.PROPOSED
    assert made.outbox.view("roots(bytes32)(bytes32)", b"\x55" * 32) == bytes(32)
    with pytest.raises(NotSettled, match="no rival and no challenge"):
        await stage.judged(rival, false, POLICY)


@pytest.mark.node("ethereumjs")
async def test_where_both_sides_defend_their_history_time_settles_neither(ethereumjs: EthereumJS) -> None:
    """Both edges are rivals from the start, and no period runs for either: the contract confirms none, nor do we."""
    stage = Stage.on(ethereumjs, challenged=True)
    made, node = stage.made, stage.rollup.node
    genesis = made.genesis()
    first, false = stage.rollup.block(b"\x56" * 32), stage.rollup.block(b"\x57" * 32)
    one = made.claim(genesis, first, b"\x56" * 32)
    rival = made.claim(genesis, false, b"\x57" * 32, validator=2)
    edges = made.challenge(one, genesis), made.challenge(rival, genesis, validator=2)
    node.mine(3 * PERIOD)
    for edge, side in zip(edges, (one, rival), strict=True):
        with pytest.raises(NodeFailedError):
            made.win(edge, side)
        with pytest.raises(NodeFailedError):
            made.confirm(side, genesis, edge)
    for side, block in ((one, first), (rival, false)):
        assert made.status(side) == 1
        assert (await stage.judged(side, block)).header.trust.settlement is Settlement.PROPOSED
        with pytest.raises(NotSettled, match="no rival and no challenge"):
            await stage.judged(side, block, POLICY)
