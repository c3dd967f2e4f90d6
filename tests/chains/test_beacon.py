"""Light clients over the beacon API: both encodings, servers with habits, liars, withholders, and whom to believe."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest
from aiohttp import web

from chains.chain import local_network
from chains.driver import Desk, drive
from chains.endpoint import Endpoint
from chains.errors import Unobserved
from chains.finality import catch_up
from chains.observe_beacon import observe_checkpoint
from tests.simulators.beacon import CHAIN, BeaconChain, devnet
from tests.simulators.beacon_api import BeaconApi
from verifier.app.following import LightClients
from verifier.checker import Checker
from verifier.consensus.forks import Fork
from verifier.errors import CheckpointTooOld, Misbehaviour, VerifierError
from verifier.flow import Unanswered
from verifier.gather_light import Followed, begin
from verifier.policy import PRACTICAL, STRICT, Policy
from verifier.primitives import Timestamp
from verifier.trust import Anchor, Checkpoint

CONFIG = devnet((Fork.GLOAS, 0), MIN_VALIDATOR_WITHDRAWABILITY_DELAY=10**6)
CHAIN_OF = BeaconChain(CONFIG)
NETWORK = local_network("devnet", CHAIN)
PERIOD = 64
HEAD = 3 * PERIOD + 50
"""In the fourth period, far enough that it has its own update."""
POINT = CHAIN_OF.checkpoint(16)


class Shelf:
    """A shelf in memory that counts."""

    def __init__(self) -> None:
        self.saved: list[Followed] = []
        self.stopped: list[Misbehaviour] = []

    def save(self, network: str, held: Followed, at: Timestamp) -> None:
        self.saved.append(held)

    def load(self, chain: int, checkpoint: Checkpoint | None) -> Followed | None:
        return self.saved[-1] if self.saved else None

    def stop(self, network: str, checkpoint: Checkpoint, error: Misbehaviour, at: Timestamp) -> None:
        self.stopped.append(error)


def follow(
    nodes: Sequence[BeaconApi | str],
    *,
    point: Checkpoint | None = POINT,
    shelf: Shelf | None = None,
    policy: Policy = STRICT,
    slot: int = HEAD,
    config=CONFIG,
):
    """The client that was followed over some nodes, with what each of them did."""

    async def run() -> tuple[Followed | BaseException, list]:
        urls = [node if isinstance(node, str) else node.url for node in nodes]
        endpoints = [Endpoint(url, name=f"n{i}", operator=f"o{i}") for i, url in enumerate(urls)]
        desk = Desk.to([], beacons=[(NETWORK, config, endpoints)], seconds=30)
        roots = () if point is None else (point,)
        checker = Checker(roots, {CHAIN: NETWORK}, {}, policy, config.time_of(slot), consensus={CHAIN: config})
        asking = frozenset({CHAIN}) if point is None else frozenset()
        async with desk:
            for line in desk.beacons[CHAIN]:
                line.host = line.name  # all are on one machine here, and stand for many
            clients = LightClients(desk, checker, shelf, asking)
            try:
                return await clients.follow(NETWORK), list(desk.report())
            except (VerifierError, Unanswered) as error:
                return error, list(desk.report())
            finally:
                await clients.aclose()

    return asyncio.run(run())


def finals(head: int) -> int:
    return (head - 1) // 8 * 8 - 16


@pytest.mark.parametrize("as_json", [False, True], ids=["ssz", "json"])
def test_a_client_is_followed_to_the_present(as_json: bool) -> None:
    """From the checkpoint over four periods to the newest finality, in either encoding, with the evidence for it."""
    with BeaconApi(CHAIN_OF, HEAD, as_json=as_json) as node:
        found, (report,) = follow([node])
    assert found.state.finalized.slot == finals(HEAD)
    assert found.state.next is not None
    assert len(found.evidence.updates) == 4
    # This chain in memory has no headers between two final ones to serve: they are asked for in vain.
    assert (report.failed, report.lied) == (1, 0)


def test_a_range_past_the_newest_period_is_asked_for_again_without_it() -> None:
    """A node that refuses the whole range for want of its last update is asked for one fewer."""
    with BeaconApi(CHAIN_OF, 3 * PERIOD + 20) as node:
        found, _ = follow([node], slot=3 * PERIOD + 20)
        asked = [path for path in node.asked if "updates" in path]
    assert "start_period=0&count=4" in asked[0]
    assert "start_period=0&count=3" in asked[1]
    assert found.state.finalized.slot == finals(3 * PERIOD + 20)


def test_pages_hold_128_updates_and_are_kept_one_by_one() -> None:
    """130 periods are two pages; after each there is something on the shelf."""
    head = 129 * PERIOD + 50
    shelf = Shelf()
    with BeaconApi(CHAIN_OF, head) as node:
        for period in range(130):
            node.update(period)  # signed beforehand: a slow machine takes longer for them than a request may
        found, _ = follow([node], shelf=shelf, slot=head)
        asked = [path for path in node.asked if "updates" in path]
    assert [path.split("?")[1] for path in asked] == ["start_period=0&count=128", "start_period=128&count=2"]
    assert [held.state.period for held in shelf.saved] == [0, 127, 129, 129]
    assert found.state.finalized.slot == finals(head)
    assert len(found.evidence.updates) == 64
    assert found.evidence.bootstrap is None


def test_a_client_goes_on_from_where_it_was_kept() -> None:
    """Nothing that is known is asked for again, and the state is the same as without the stop."""
    shelf = Shelf()
    with BeaconApi(CHAIN_OF, PERIOD + 50) as node:
        follow([node], shelf=shelf, slot=PERIOD + 50)
    with BeaconApi(CHAIN_OF, HEAD) as node:
        resumed, _ = follow([node], shelf=shelf)
        whole, _ = follow([node])
        assert not any("bootstrap" in path for path in node.asked[:2])
    assert resumed.state == whole.state
    assert resumed.evidence == whole.evidence


@pytest.mark.covers("LC-01")
def test_a_liar_is_left_for_the_next_node_and_named() -> None:
    """Updates that one member signed are refused; the honest node's are used."""
    with BeaconApi(CHAIN_OF, HEAD) as liar, BeaconApi(CHAIN_OF, HEAD) as honest:
        liar.update = lambda period: CHAIN_OF.update(period * PERIOD + 40, period * PERIOD + 24, signers=1)
        found, (first, second) = follow([liar, honest])
    assert found.state.finalized.slot == finals(HEAD)
    assert (first.lied, second.lied) == (1, 0)
    assert "TooFewSigners" in first.first_lie or "signed" in first.first_lie


def test_where_all_lie_nothing_is_followed() -> None:
    """The refusal says that answers came and what was wrong with them."""
    with BeaconApi(CHAIN_OF, HEAD) as liar:
        liar.update = lambda period: CHAIN_OF.update(period * PERIOD + 40, period * PERIOD + 24, signers=21)
        failed, _ = follow([liar])
    assert isinstance(failed, Unanswered)
    assert failed.lied


def test_one_that_withholds_is_outdone_by_one_that_does_not() -> None:
    """The newest finality that verifies is taken, whoever sends it, and staleness alone is no lie."""
    with BeaconApi(CHAIN_OF, HEAD) as stale, BeaconApi(CHAIN_OF, HEAD) as fresh:
        stale.finality = lambda: CHAIN_OF.update(3 * PERIOD + 10, 3 * PERIOD - 16, committee=False)
        found, reports = follow([stale, fresh])
    assert found.state.finalized.slot == finals(HEAD)
    assert [report.lied for report in reports] == [0, 0]


@pytest.mark.covers("LC-03")
@pytest.mark.parametrize("later", [0, 1], ids=["its-clock-stands-still", "a-slot-later"])
async def test_finality_signed_since_the_run_began_is_judged_by_the_clock_of_then(later: int) -> None:
    """The newest update was signed a slot after the run began; by a clock that has not got there it is no use yet."""
    started = HEAD - 1
    times = iter([started, started, started + later])

    def clock() -> Timestamp:
        return CONFIG.time_of(next(times, started + later))

    with BeaconApi(CHAIN_OF, HEAD) as node:
        async with Desk.to([], beacons=[(NETWORK, CONFIG, [Endpoint(node.url)])], seconds=30) as desk:
            begun = await drive(begin(POINT, CONFIG, CONFIG.time_of(started)), desk)
            found = await catch_up(begun, desk, clock, lambda _: None)
            (report,) = desk.report()
    assert found.state.finality is not None
    assert (found.state.finality.signature_slot == HEAD, report.lied) == (bool(later), 0)
    assert (found.state.finalized.slot == finals(HEAD)) is bool(later)


@pytest.mark.parametrize("slots", [-5, 1], ids=["too-early", "a-slot-into-the-run"])
async def test_a_run_s_clock_goes_on_while_it_asks(slots: int) -> None:
    """It began a slot before the newest update was signed: a slot later that is of use, and by an earlier clock not."""
    seconds = slots * (CONFIG.time_of(HEAD) - CONFIG.time_of(HEAD - 1))
    checker = Checker((POINT,), {CHAIN: NETWORK}, {}, STRICT, CONFIG.time_of(HEAD - 1), consensus={CHAIN: CONFIG})
    with BeaconApi(CHAIN_OF, HEAD) as node:
        async with Desk.to([], beacons=[(NETWORK, CONFIG, [Endpoint(node.url)])], seconds=30) as desk:
            clients = LightClients(desk, checker)
            clients._since -= seconds
            found = await clients.follow(NETWORK)
            await clients.aclose()
    assert found.state.finality is not None
    assert (found.state.finality.signature_slot == HEAD) is (slots > 0)


def test_a_false_finality_update_is_marked_and_changes_nothing() -> None:
    """A finalized header that the attested state does not hold is a lie; what the updates proved stands."""
    with BeaconApi(CHAIN_OF, HEAD) as liar:
        good = CHAIN_OF.update(HEAD - 1, finals(HEAD), committee=False)
        other = CHAIN_OF.update(HEAD - 1, finals(HEAD) + 8, committee=False)

        liar.finality = lambda: CHAIN_OF.signed(replace(good, finalized=other.finalized))
        found, (report,) = follow([liar])
    assert report.lied == 1
    assert found.state.finalized.slot == 3 * PERIOD + 24


@pytest.mark.covers("LC-11")
def test_two_final_headers_of_one_slot_stop_the_client() -> None:
    """Both are well signed, so nobody can say which is true: neither is used, and both are kept."""
    shelf = Shelf()
    with BeaconApi(CHAIN_OF, HEAD) as one, BeaconApi(CHAIN_OF, HEAD) as two:
        two.finality = lambda: CHAIN_OF.update(HEAD - 1, finals(HEAD), committee=False, salt=b"another")
        failed, _ = follow([one, two], shelf=shelf)
    assert isinstance(failed, Misbehaviour)
    assert shelf.stopped == [failed]
    assert failed.slot == finals(HEAD)


@pytest.mark.covers("LC-08")
def test_a_node_of_another_beacon_chain_is_not_used() -> None:
    """Its genesis differs; it is asked for nothing else, and its neighbour is used."""
    other = BeaconChain(devnet((Fork.GLOAS, 0), root=b"\x99" * 32))
    with BeaconApi(other, HEAD) as wrong, BeaconApi(CHAIN_OF, HEAD) as right:
        found, (first, _) = follow([wrong, right])
        assert set(wrong.asked) == {"/eth/v1/beacon/genesis"}
        alone, _ = follow([wrong])
    assert found.state.finalized.slot == finals(HEAD)
    assert "genesis" in first.last_failure
    assert isinstance(alone, Unanswered)
    assert not alone.lied


@pytest.mark.covers("LC-08")
def test_another_chain_behind_the_right_genesis_does_not_verify() -> None:
    """A node that tells the right genesis and serves another chain's objects is a liar."""
    other = BeaconChain(devnet((Fork.GLOAS, 0), root=b"\x99" * 32, MIN_VALIDATOR_WITHDRAWABILITY_DELAY=10**6))
    genesis = {"genesis_validators_root": "0x" + bytes(CONFIG.genesis_validators_root).hex(), "genesis_time": str(CONFIG.genesis_time)}  # fmt: skip

    def twist(path: str, honest: web.Response) -> web.Response | None:
        return web.json_response({"data": genesis}) if path.endswith("genesis") else None

    with BeaconApi(other, HEAD, as_json=True, twist=twist) as liar:
        failed, (report,) = follow([liar])
    assert isinstance(failed, Unanswered)
    assert failed.lied
    assert report.lied


@pytest.mark.covers("LC-12")
def test_a_checkpoint_too_old_is_refused_and_no_ones_fault() -> None:
    """The endpoint told the truth; the checker's checkpoint is what has aged."""
    old = devnet((Fork.GLOAS, 0))
    with BeaconApi(BeaconChain(old), HEAD) as node:
        failed, (report,) = follow([node], config=old, slot=10 * 256 * 8)
    assert isinstance(failed, CheckpointTooOld)
    assert report.lied == 0


def failing(status: int, body: str = "", times: int = 10**6, where: str = "light_client"):
    """A twist that fails some calls."""
    left = [times]

    def twist(path: str, honest: web.Response) -> web.Response | None:
        if where not in path or left[0] <= 0:
            return None
        left[0] -= 1
        return web.Response(status=status, text=body, content_type="application/json" if body else "text/html")

    return twist


@pytest.mark.parametrize(
    ("status", "body"),
    [(404, '{"code":404,"message":"not served"}'), (500, '{"message":"no"}'), (503, ""), (401, ""), (302, "")],
)
def test_a_node_without_these_endpoints_is_passed_over(status: int, body: str) -> None:
    """Whatever way it has to say no, the next one is asked, and nobody is called a liar."""
    with BeaconApi(CHAIN_OF, HEAD, twist=failing(status, body)) as none, BeaconApi(CHAIN_OF, HEAD) as node:
        found, (first, _) = follow([none, node])
    assert found.state.finalized.slot == finals(HEAD)
    assert first.failed
    assert not first.lied


def test_a_failure_that_passes_is_asked_again() -> None:
    """A 503 twice, then the answer, from the same node."""
    with BeaconApi(CHAIN_OF, HEAD, twist=failing(503, "", times=2, where="bootstrap")) as node:
        found, (report,) = follow([node])
    assert found.state.finalized.slot == finals(HEAD)
    assert report.retries == 2


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"[]", b'{"data":{}}', b'{"version":"electra","data":[]}', b"\xff" * 40, b'{"data":1,"data":2}', b"[" * 5000],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("kind", ["application/json", "application/octet-stream"])
def test_nonsense_is_no_answer(body: bytes, kind: str) -> None:
    """Whatever comes in place of objects is a failure of that node, never an error of ours."""

    def twist(path: str, honest: web.Response) -> web.Response | None:
        return web.Response(body=body, content_type=kind) if "light_client" in path else None

    with BeaconApi(CHAIN_OF, HEAD, twist=twist) as node:
        failed, (report,) = follow([node])
    assert isinstance(failed, Unanswered)
    assert not failed.lied
    assert report.failed


def test_a_key_in_the_url_is_sent_and_never_shown() -> None:
    """The path and query of the endpoint come before our own; errors and reports name the endpoint alone."""
    key = "canary0123456789abcdefcanary"

    def echo(path: str, honest: web.Response) -> web.Response | None:
        return web.json_response({"message": f"bad key {key}"}, status=404) if "finality" in path else None

    with BeaconApi(CHAIN_OF, HEAD, twist=echo) as node:
        found, reports = follow([f"{node.url}/{key}/?apikey={key}x"])
    assert found.state.finalized.slot == 3 * PERIOD + 24
    assert key not in repr(reports)
    assert "bad key ..." in reports[0].last_failure


# --- checkpoints out of endpoints -------------------------------------------------------------------------


def observed(nodes: Sequence[BeaconApi], k: int) -> Checkpoint:
    async def run() -> Checkpoint:
        endpoints = [Endpoint(node.url, name=f"n{i}", operator=f"o{i}") for i, node in enumerate(nodes)]
        async with Desk.to([], beacons=[(NETWORK, CONFIG, endpoints)], seconds=20) as desk:
            for line in desk.beacons[CHAIN]:
                line.host = line.name
            return await observe_checkpoint(NETWORK, desk, k, now=CONFIG.time_of(HEAD))

    return asyncio.run(run())


def test_operators_that_agree_make_a_quorum_and_not_more() -> None:
    """What is reached from a checkpoint that two named is theirs; the strict policy does not take it."""
    with BeaconApi(CHAIN_OF, HEAD) as one, BeaconApi(CHAIN_OF, HEAD) as two:
        seen = observed([one, two], 2)
        assert seen.anchor is Anchor.QUORUM
        assert observed([one], 1).anchor is Anchor.RPC
        found, _ = follow([one, two], point=None, policy=PRACTICAL, slot=HEAD)
    assert found.state.rests_on.operators == {"o0", "o1"}
    assert found.state.rests_on.anchor is Anchor.QUORUM


def test_operators_that_disagree_name_no_checkpoint() -> None:
    """Two nodes with two finalized blocks, neither of which the other knows."""
    with BeaconApi(CHAIN_OF, HEAD) as one, BeaconApi(CHAIN_OF, HEAD) as two:
        two.finality = lambda: CHAIN_OF.update(HEAD - 1, finals(HEAD), committee=False, salt=b"another")
        with pytest.raises(Unobserved):
            observed([one, two], 2)
        failed, _ = follow([one, two], point=None, policy=PRACTICAL)
    assert isinstance(failed, Unanswered)


def test_a_checkpoint_is_not_asked_for_unless_that_is_said() -> None:
    """Without a checkpoint and without those words a network has no light client."""
    desk = Desk.to([], beacons=[(NETWORK, CONFIG, [Endpoint("http://127.0.0.1:1", name="n")])])
    checker = Checker((), {CHAIN: NETWORK}, {}, STRICT, CONFIG.time_of(HEAD), consensus={CHAIN: CONFIG})
    assert not LightClients(desk, checker).serves(NETWORK)
    assert LightClients(desk, checker, None, frozenset({CHAIN})).serves(NETWORK)
