"""Two finalized branches, both signed: found by the headers between them, kept as evidence, and never chosen from."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from chains.chain import local_network
from chains.driver import Desk
from chains.endpoint import Endpoint
from tests.chains.test_beacon import Shelf
from tests.simulators.beacon import CHAIN, LinkedChain, devnet
from tests.simulators.beacon_api import BeaconApi
from verifier.app.following import LightClients
from verifier.app.light_shelf import LightShelf
from verifier.app.seal import load_seal
from verifier.app.store import Store
from verifier.checker import Checker
from verifier.consensus.forks import Fork
from verifier.consensus.parse import decode_finality_update
from verifier.errors import Misbehaviour, VerifierError
from verifier.flow import Unanswered
from verifier.gather_light import MAX_LINKS, Followed
from verifier.policy import STRICT

CONFIG = devnet((Fork.GLOAS, 0), MIN_VALIDATOR_WITHDRAWABILITY_DELAY=10**6)
LINKED = LinkedChain(CONFIG, fork=101)
SALT = LINKED.salt
NETWORK = local_network("devnet", CHAIN)
POINT = LINKED.checkpoint(80)
HEAD = 130


def node(final: int, salt: bytes = b"", *, attested: int = HEAD - 2, serves: bool = True) -> BeaconApi:
    """A beacon node whose newest finality is a slot of one of the branches; a signature for each attested slot."""
    made = BeaconApi(LINKED, HEAD)
    made.finality = lambda: LINKED.update(attested, final, committee=False, salt=salt)
    if serves:
        made.headers = LINKED.headers(HEAD)
    return made


async def follow(nodes: Sequence[BeaconApi], shelf=None, head: int = HEAD) -> Followed | BaseException:
    endpoints = [Endpoint(one.url, name=f"n{i}", operator=f"o{i}") for i, one in enumerate(nodes)]
    now, consensus = CONFIG.time_of(head), {CHAIN: CONFIG}
    checker = Checker((POINT,), {CHAIN: NETWORK}, {}, STRICT, now, consensus=consensus)
    async with Desk.to([], beacons=[(NETWORK, CONFIG, endpoints)], seconds=20) as desk:
        clients = LightClients(desk, checker, shelf)
        try:
            return await clients.follow(NETWORK)
        except (VerifierError, Unanswered) as error:
            return error
        finally:
            await clients.aclose()


async def test_finality_of_one_branch_is_followed() -> None:
    """One node is an epoch behind: its header is shown to be an ancestor, and nothing stops."""
    with node(104) as behind, node(112) as ahead:
        found = await follow([ahead, behind])
        assert isinstance(found, Followed)
        assert found.state.finalized.slot == 112
        assert any("/headers/0x" in path for path in ahead.asked), "the way between was looked at"


@pytest.mark.covers("LC-11")
async def test_two_nodes_with_two_final_branches_stop_the_client() -> None:
    """Of different slots, so that neither signature contradicts the other by itself; in either order of the nodes."""
    for order in (0, 1):
        shelf = Shelf()
        with node(104) as one, node(112, SALT, attested=HEAD - 3) as two:
            error = await follow([one, two][:: 1 - 2 * order], shelf)
        assert isinstance(error, Misbehaviour)
        assert (error.slot, error.instead) == (104, LINKED.header(104, salt=SALT).beacon.root)
        (kept,) = shelf.stopped
        assert decode_finality_update(CONFIG, None, kept.known).finalized == LINKED.header(104)
        assert decode_finality_update(CONFIG, None, kept.other).finalized == LINKED.header(112, salt=SALT)


@pytest.mark.covers("LC-11")
async def test_a_node_that_comes_later_with_another_branch_stops_the_client(tmp_path: Path) -> None:
    """What was kept is final on one branch; what is shown next passes it by. The evidence is there after a restart."""
    with Store(tmp_path / "x.db") as store:
        shelf = LightShelf(store, load_seal(tmp_path / "x.key"), {CHAIN: CONFIG})
        with node(104) as first:
            assert isinstance(await follow([first], shelf), Followed)
        with node(112, SALT) as second:
            assert isinstance(await follow([second], shelf), Misbehaviour)
        (row,) = store.rows("SELECT * FROM light_conflicts")
        assert row["instead"] == LINKED.header(104, salt=SALT).beacon.root
    with Store(tmp_path / "x.db") as store:
        shelf = LightShelf(store, load_seal(tmp_path / "x.key"), {CHAIN: CONFIG})
        with node(112) as honest:
            again = await follow([honest], shelf)
        assert isinstance(again, Misbehaviour)
        assert again.instead == LINKED.header(104, salt=SALT).beacon.root
        assert "two finalized branches" in str(again)


async def test_a_forged_branch_stops_nobody() -> None:
    """A finality update of the branch that the committee did not sign: its node is marked, the other is followed."""
    with node(104) as honest, node(112, SALT) as liar:
        forged = replace(
            LINKED.update(HEAD - 2, 112, committee=False, salt=SALT), signature=honest.finality().signature
        )
        liar.finality = lambda: forged
        found = await follow([liar, honest])
    assert isinstance(found, Followed)
    assert found.state.finalized.slot == 104


async def test_a_node_that_hangs_on_the_way_between_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bound of that question ends it, and the client goes on with what is signed."""
    monkeypatch.setattr("chains.observe_beacon.HOLD_SECONDS", 0.2)

    release = threading.Event()

    class Hanging(dict):
        def __contains__(self, root: object) -> bool:
            release.wait(60)
            return False

    with node(104) as one, node(112) as two:
        one.headers = two.headers = Hanging()
        try:
            found = await asyncio.wait_for(follow([one, two]), 15)  # the desk itself would wait for 20
        finally:
            release.set()
    assert isinstance(found, Followed)
    assert found.state.finalized.slot == 112


async def test_headers_that_are_withheld_or_false_show_nothing() -> None:
    """Nobody serves the way between, or serves another header for a root: the client goes on with what is signed."""
    with node(104, serves=False) as one, node(112, serves=False) as two:
        found = await follow([one, two])
        assert isinstance(found, Followed)
        assert found.state.finalized.slot == 112
        two.headers = dict.fromkeys(LINKED.headers(HEAD), LINKED.header(3).beacon)
        assert isinstance(await follow([one, two]), Followed)


@pytest.mark.parametrize(("head", "slot"), [(111, 80), (HEAD, 88)], ids=["checkpoint", "page"])
async def test_what_came_before_is_held_against_what_follows(head: int, slot: int) -> None:
    """A branch that leaves the chain before the checkpoint, or before what an update of a period finalized."""
    early = LinkedChain(CONFIG, fork=75)
    with BeaconApi(early, head) as other:
        other.finality = lambda: early.update(head - 2, 104, committee=False, salt=early.salt)
        other.headers = early.headers(head)
        error = await follow([other], head=head)
    assert isinstance(error, Misbehaviour)
    assert (error.slot, error.known_root) == (slot, LINKED.header(slot).beacon.root)
    assert 104 - slot <= MAX_LINKS
