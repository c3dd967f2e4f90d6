"""The newer generation, by stand-ins under the authors' factory: slots, the registry's own word, and ours are one.

Three verdicts at every step: by the slots, by the registry's function run by us over proven state, and by the node.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest

from chains.chain import local_network
from chains.driver import Desk, drive
from chains.endpoint import Endpoint
from tests.nodes.anvil import Anvil
from tests.nodes.contracts import EIP1967_SLOT
from tests.nodes.protocols.contract import Contract
from tests.nodes.protocols.optimism import DELAY, RegistryGames, deploy_registry_games, output, withdraw
from tests.simulators.trie_builder import keccak
from verifier.claims import CodePin
from verifier.errors import MissingEvidence, NotSettled, UnreviewedCode, UnusedEvidence, VerifierError
from verifier.gather import gather_anchor
from verifier.network import Network, SettledOn
from verifier.policy import STRICT, Policy
from verifier.primitives import Address, ChainId, Hash32, parse_hex
from verifier.proven import ProvenHeader
from verifier.settlement import op_fault, verify_settlement
from verifier.settlement.collect import Settled, collect
from verifier.settlement.op_candidates import candidate_of
from verifier.settlement.op_told import LATEST, parse_games, place_of
from verifier.settlement.scheme import case_of
from verifier.trie.table import NodeTable
from verifier.trust import Basis, PinnedBlock, Settlement

DAYS = 86_400


@dataclass
class Stage:
    games: RegistryGames
    rollup: Anvil
    game: Contract
    block: dict[str, str]

    def networks(self, *, reviewed: bool = True) -> tuple[Network, Network]:
        node = self.games.node

        def code(address: str) -> Hash32:
            return Hash32(keccak(bytes.fromhex(node.rpc("eth_getCode", address, "latest")[2:])))

        factory = self.games.factory.address
        target = "0x" + node.rpc("eth_getStorageAt", factory, f"0x{EIP1967_SLOT:064x}", "latest")[-40:]
        codes = [("factory", CodePin(code(factory), Address(parse_hex(target)), code(target)))]
        codes.append(("superchain_config", CodePin(code(self.games.superchain.address))))
        codes.append(("system_config", CodePin(code(self.games.config.address))))
        codes.append(("game:8", CodePin(code(self.games.implementation.address))))
        if reviewed:
            codes.append(("registry", CodePin(code(self.games.registry.address))))
        roles = {"factory": factory, "registry": self.games.registry.address, "portal": self.games.portal,
                 "system_config": self.games.config.address, "superchain_config": self.games.superchain.address}  # fmt: skip
        contracts = tuple((role, Address(parse_hex(one.lower()))) for role, one in roles.items())
        parent = local_network("parent", node.chain_id)
        settled = SettledOn(parent.chain_id, "op_fault", contracts, tuple(codes), DELAY)
        return parent, Network(ChainId(904), "rollup", parent.family, "ETH", settled)

    async def judged(
        self, *, judged: bool, reviewed: bool = True, policy: Policy = STRICT
    ) -> tuple[Settled, ProvenHeader]:
        """Our verdict on the game, and the parent's header that it was made under."""
        parent, rollup = self.networks(reviewed=reviewed)
        head = self.games.node.block("latest")
        root = PinnedBlock(parent.chain_id, Hash32(parse_hex(head["hash"])))
        places = [(parent, [Endpoint(self.games.node.url)]), (rollup, [Endpoint(self.rollup.url)])]
        async with Desk.to(places) as desk:
            at = (await drive(gather_anchor(parent, root), desk)).header
            place = place_of(rollup, at)
            (page,) = await desk.answer(
                [place.said("factory", LATEST + b"".join(n.to_bytes(32, "big") for n in (8, 0, 64)))]
            )
            (told,) = parse_games(page)  # type: ignore[arg-type]
            candidate = await drive(candidate_of(place, told, judged=judged), desk)
            return await drive(collect(rollup, at, policy, candidate, op_fault.verify), desk), at

    async def agreed(self) -> Settlement | type[VerifierError]:
        """By the slots, and by the slots with the registry's own word beside them, and by the node: all one."""
        verdicts: list[Settlement | type[VerifierError] | None] = []
        for judged in (False, True):
            try:
                verdicts.append((await self.judged(judged=judged))[0].header.trust.settlement)
            except VerifierError as error:
                verdicts.append(type(error))
        assert verdicts[0] == verdicts[1]
        assert (verdicts[0] is Settlement.SETTLED) == self.games.says(self.game)
        assert verdicts[0] is not None
        return verdicts[0]


@pytest.fixture(scope="module")
def stage(anvil_factory: Callable[..., Anvil]) -> Iterator[Stage]:
    from tests.nodes.ethereumjs import start_ethereumjs

    start = int(time.time()) - 20 * DAYS
    parent = start_ethereumjs()
    try:
        rollup = anvil_factory(chain_id=904, extra=["--timestamp", str(start - 10_000)])
        parent.mine(timestamp=start)
        games = deploy_registry_games(parent)
        withdraw(rollup)
        block = rollup.block("latest")
        rollup.mine()
        games.wait(10)
        game = games.propose(output(rollup, block)[0], int(block["number"], 16))
        yield Stage(games, rollup, game, block)
    finally:
        parent.stop()


@pytest.mark.node("ethereumjs")
@pytest.mark.covers("OPS-02", "OPS-03", "OPS-04", "OPS-08")
async def test_slots_and_the_registrys_own_word_agree_at_every_step(stage: Stage) -> None:
    """Running, resolved, in the delay to the second, settled, paused, retired, blacklisted; then alone, unreviewed."""
    games = stage.games
    assert await stage.agreed() is Settlement.PROPOSED
    games.wait(10)
    stage.game.send("resolve(uint8)", 2)
    resolved = stage.game.view("resolvedAt()(uint64)")
    for _ in range(4):
        assert await stage.agreed() is Settlement.PROPOSED
        games.wait(DELAY // 5)
    games.node.mine(timestamp=resolved + DELAY)
    assert await stage.agreed() is Settlement.PROPOSED
    games.node.mine(timestamp=resolved + DELAY + 1)
    assert await stage.agreed() is Settlement.SETTLED
    await _alone(stage)
    await _altered(stage)
    for identifier in ("0x" + "00" * 20, games.portal):
        since = int(games.node.block("latest")["timestamp"], 16)
        games.superchain.send("setPause(address,uint256)", identifier, since)
        assert await stage.agreed() is NotSettled
        games.superchain.send("setPause(address,uint256)", identifier, 0)
    games.registry.send("respect(uint32)", 1)
    assert await stage.agreed() is Settlement.SETTLED  # it was respected when it was made
    games.registry.send("blacklist(address)", stage.game.address)
    assert await stage.agreed() is NotSettled


async def _alone(stage: Stage) -> None:
    """A registry whose code nobody reviewed: refused; named by the policy, its own word alone counts."""
    with pytest.raises(UnreviewedCode):
        await stage.judged(judged=True, reviewed=False)
    registry = Address(parse_hex(stage.games.registry.address.lower()))
    chain = stage.networks()[0].chain_id
    named = replace(STRICT, accept_contracts=frozenset({(chain, registry)}))
    found, _ = await stage.judged(judged=True, reviewed=False, policy=named)
    assert found.header.trust.settlement is Settlement.SETTLED
    assert found.header.trust.bases == {Basis.FAULT_PROOF, Basis.UNREVIEWED_CODE}
    with pytest.raises(MissingEvidence):
        await stage.judged(judged=False, reviewed=False, policy=named)


async def _altered(stage: Stage) -> None:
    """Code left out, altered or added, and each node left out: refused every time."""
    found, at = await stage.judged(judged=True)
    _, rollup = stage.networks()
    nodes = {Hash32(keccak(node)): node for node in found.nodes}

    def verify(preimages: tuple[bytes, ...], without: Hash32 | None = None) -> None:
        table = NodeTable.from_hashed((h, node) for h, node in nodes.items() if h != without)
        verify_settlement(case_of(rollup, at, table, set(), STRICT), found.rlp, preimages)

    verify(found.preimages)
    codes = found.preimages[3:]
    assert len(codes) >= 4
    for i in range(3, len(found.preimages)):
        short = found.preimages[:i] + found.preimages[i + 1 :]
        with pytest.raises(MissingEvidence):
            verify(short)
        changed = bytearray(found.preimages[i])
        changed[len(changed) // 2] ^= 1
        with pytest.raises(MissingEvidence):
            verify((*found.preimages[:i], bytes(changed), *found.preimages[i + 1 :]))
    with pytest.raises(UnusedEvidence):
        verify((*found.preimages, b"\x00"))
    for gone in nodes:
        with pytest.raises(VerifierError):
            verify(found.preimages, gone)
