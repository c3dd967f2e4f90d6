"""The authors' own dispute games played through on a local node: our verdict is the portal's at every step.

The parent is the JavaScript client, since anvil keeps leaves of zero for words that a transaction only read.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from chains.chain import local_network
from chains.driver import Desk, drive
from chains.endpoint import Endpoint
from tests.nodes.anvil import Anvil
from tests.nodes.contracts import EIP1967_SLOT
from tests.nodes.protocols.contract import Contract
from tests.nodes.protocols.optimism import CLOCK, DELAY, Games, deploy_games, output, prove_withdrawal, withdraw
from tests.simulators.trie_builder import keccak
from verifier.checker import Checker
from verifier.claims import CodePin
from verifier.errors import NotSettled, VerifierError
from verifier.gather import gather_anchor, gather_settled
from verifier.network import Network, SettledOn
from verifier.policy import STRICT
from verifier.primitives import Address, ChainId, Hash32, Timestamp, parse_hex
from verifier.proven import ProvenHeader, ProvenSettlement, trail
from verifier.settlement import op_fault
from verifier.settlement.collect import collect
from verifier.settlement.op_candidates import candidate_of
from verifier.settlement.op_told import LATEST, parse_games, place_of
from verifier.trust import Basis, PinnedBlock, Settlement

L2 = 901
START = int(time.time()) - 25 * 86_400
"""Far enough back for every clock and delay below to run out before today."""
WAVES = 12
"""The most sequential round trips to either network that one gathering may need."""


@dataclass
class Played:
    """A game, the rollup's block that it is about, and a withdrawal proven to the portal against it."""

    game: Contract
    block: dict[str, Any]
    withdrawal: bytes


@dataclass
class Stage:
    """A parent with games, and a rollup."""

    games: Games
    rollup: Anvil
    told: str = ""

    def play(self, nonce: int) -> Played:
        """Withdraw, claim the block, and prove the withdrawal against the game."""
        made = withdraw(self.rollup, nonce)
        block = self.rollup.block("latest")
        self.rollup.mine()  # the next cheat falsifies the proofs of the head, which must not be this block
        root, _ = output(self.rollup, block)
        index = self.games.factory.view("gameCount()(uint256)")
        game = self.games.propose(root, int(block["number"], 16))
        prove_withdrawal(self.games, self.rollup, block, made, index)
        return Played(game, block, made.hash)

    def networks(self) -> tuple[Network, Network]:
        node = self.games.node

        def code(address: str) -> Hash32:
            return Hash32(keccak(bytes.fromhex(node.rpc("eth_getCode", address, "latest")[2:])))

        def pin(contract: Contract) -> CodePin:
            word = node.rpc("eth_getStorageAt", contract.address, f"0x{EIP1967_SLOT:064x}", "latest")
            target = "0x" + word[-40:]
            return CodePin(code(contract.address), Address(parse_hex(target)), code(target))

        parent = local_network("parent", node.chain_id)
        roles = {"factory": self.games.factory, "portal": self.games.portal, "superchain_config": self.games.superchain}
        codes = [(role, pin(contract)) for role, contract in roles.items()]
        codes.append(("game:0", CodePin(code(self.games.implementation.address))))
        contracts = tuple((role, Address(parse_hex(one.address.lower()))) for role, one in roles.items())
        settled = SettledOn(parent.chain_id, "op_portal", contracts, tuple(codes), DELAY)
        return parent, Network(ChainId(L2), "rollup", parent.family, "ETH", settled)

    async def gathered(self) -> ProvenHeader:
        """The rollup's header as a relayer would gather it, under the parent's newest block."""
        parent, rollup = self.networks()
        checker, root = self.checker(parent, rollup)
        async with self.desk(parent, rollup) as desk:
            anchored = await drive(gather_anchor(parent, root), desk)
            found = await drive(gather_settled(rollup, anchored.header, checker.now, checker), desk)
            assert max(desk.waves.values()) <= WAVES
        return found.header

    def checker(self, parent: Network, rollup: Network) -> tuple[Checker, PinnedBlock]:
        head = self.games.node.block("latest")
        root = PinnedBlock(parent.chain_id, Hash32(parse_hex(head["hash"])))
        now = Timestamp(int(head["timestamp"], 16))
        return Checker((root,), {one.chain_id: one for one in (parent, rollup)}, {}, STRICT, now), root

    def desk(self, parent: Network, rollup: Network) -> Desk:
        return Desk.to([(parent, [Endpoint(self.games.node.url)]), (rollup, [Endpoint(self.rollup.url)])])

    async def judged(self, played: Played) -> ProvenSettlement:
        """Our verdict on one game, whatever others there are; raises what stands against it."""
        parent, rollup = self.networks()
        _, root = self.checker(parent, rollup)
        async with self.desk(parent, rollup) as desk:
            at = (await drive(gather_anchor(parent, root), desk)).header
            place = place_of(rollup, at)
            data = LATEST + b"".join(n.to_bytes(32, "big") for n in (0, 99, 64))
            count = self.games.factory.view("gameCount()(uint256)")
            data = LATEST + b"".join(n.to_bytes(32, "big") for n in (0, count - 1, 64))
            (page,) = await desk.answer([place.said("factory", data)])
            told = parse_games(page)  # type: ignore[arg-type]
            (one,) = (game for game in told if game.record.address == parse_hex(played.game.address.lower()))
            candidate = await drive(candidate_of(place, one, judged=False), desk)
            found = await drive(collect(rollup, at, STRICT, candidate, op_fault.verify_portal), desk)
        assert found.header.hash == parse_hex(played.block["hash"])
        (settlement,) = (step for step in trail(found.header) if isinstance(step, ProvenSettlement))
        return settlement

    async def agreed(self, played: Played) -> Settlement | type[VerifierError]:
        """Our verdict, after it was held against the portal's own."""
        ours: Settlement | type[VerifierError]
        try:
            ours = (await self.judged(played)).settlement
        except VerifierError as error:
            ours, self.told = type(error), str(error)
        assert (ours is Settlement.SETTLED) == self.games.lets_out(played.withdrawal)
        return ours


@pytest.fixture(scope="module")
def stage(anvil_factory: Callable[..., Anvil]) -> Iterator[Stage]:
    from tests.nodes.ethereumjs import start_ethereumjs

    parent = start_ethereumjs()
    try:
        rollup = anvil_factory(chain_id=L2, extra=["--timestamp", str(START - 10_000)])
        parent.mine(timestamp=START)
        yield Stage(deploy_games(parent, L2), rollup)
    finally:
        parent.stop()


@pytest.mark.node("ethereumjs")
@pytest.mark.covers("OPS-02", "OPS-03", "OPS-04")
async def test_the_portal_and_we_agree_from_the_proposal_to_the_last_veto(stage: Stage) -> None:
    """Running, resolved, in the air gap to the second, settled; a week in which nothing changes but time; then each of the
    guardian's powers: pause, blacklist, another respected type, the same type anew.
    """
    games = stage.games
    one, two = stage.play(1), stage.play(2)
    assert await stage.agreed(one) is Settlement.PROPOSED, stage.told
    games.wait(CLOCK + 1)
    assert await stage.agreed(one) is Settlement.PROPOSED
    games.resolve(one.game)
    games.resolve(two.game)
    assert (await stage.judged(one)).open_points[0].startswith("resolved ")
    for _ in range(6):
        assert await stage.agreed(one) is Settlement.PROPOSED
        games.wait(DELAY // 7)
    resolved = one.game.view("resolvedAt()(uint64)")
    games.node.mine(timestamp=resolved + DELAY)
    assert await stage.agreed(one) is Settlement.PROPOSED
    games.node.mine(timestamp=resolved + DELAY + 1)
    assert await stage.agreed(one) is Settlement.SETTLED
    games.wait(10)
    assert await stage.agreed(two) is Settlement.SETTLED
    found = await stage.gathered()
    assert found.hash == parse_hex(two.block["hash"])
    assert found.trust.bases == {Basis.FAULT_PROOF, Basis.REVIEWED_CODE}

    games.pause()
    assert await stage.agreed(one) is NotSettled
    games.unpause()
    assert await stage.agreed(one) is Settlement.SETTLED
    games.blacklist(two.game)
    assert await stage.agreed(two) is NotSettled
    assert (await stage.gathered()).hash == parse_hex(one.block["hash"])
    games.respect(1)
    assert await stage.agreed(one) is NotSettled
    games.respect(0)
    assert await stage.agreed(one) is NotSettled


@pytest.mark.node("ethereumjs")
@pytest.mark.covers("OPS-02", "OPS-05")
async def test_a_false_claim_that_is_challenged_is_lost_and_refused(stage: Stage) -> None:
    """A root of a state that never was, attacked in its clock: the challenger wins, and no header goes by it."""
    games = stage.games
    block = stage.rollup.block("latest")
    false_root = keccak(b"a state that never was")
    game = games.propose(false_root, int(block["number"], 16))
    bond = game.view("getRequiredBond(uint128)(uint256)", 2)
    game.send("attack(bytes32,uint256,bytes32)", false_root, 0, b"\x07" * 32, value=bond)
    games.wait(CLOCK + 10_801)
    game.send("resolveClaim(uint256,uint256)", 1, 0)
    games.resolve(game)
    assert game.view("status()(uint8)") == 1
    with pytest.raises(VerifierError):
        await stage.judged(Played(game, block, b""))
