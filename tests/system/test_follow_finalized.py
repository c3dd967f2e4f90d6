"""Finalized blocks of a real proof-of-stake network, followed from one checkpoint; and the program of the how-to."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from chains.chain import local_network
from chains.driver import Desk
from chains.endpoint import Endpoint
from chains.finality import FinalBlock, follow_finalized
from chains.relay import gather_claims
from tests.nodes.lodestar import ALICE, SLOTS_PER_EPOCH, BeaconDevnet
from tests.system.light_accounts import beacon_lines
from verifier.checker import Checker
from verifier.claims import Asset, Claim
from verifier.consensus.networks import parse_config
from verifier.errors import NoTrustRoot
from verifier.policy import STRICT
from verifier.primitives import Timestamp, address, hash32, parse_hex
from verifier.proven import ProvenAmount
from verifier.trust import Anchor, Checkpoint
from verifier.verify import Refusal, verify_bundle

ROOT = Path(__file__).resolve().parents[2]


class Place:
    """The network as a relayer holds it."""

    def __init__(self, devnet: BeaconDevnet) -> None:
        self.devnet, self.network = devnet, local_network("devnet", devnet.chain_id)
        told = [devnet.beacon.data(path) for path in ("/eth/v1/config/spec", "/eth/v1/beacon/genesis")]
        self.config = parse_config(told[0], told[1], devnet.chain_id)
        self.point = Checkpoint(self.network.chain_id, hash32(parse_hex(devnet.checkpoint)))

    def desk(self, beacons: list[str] | None = None) -> Desk:
        urls = beacons if beacons is not None else [self.devnet.beacon.url]
        nodes = [Endpoint(url, name=f"b{i}") for i, url in enumerate(urls)]
        execution = Endpoint(self.devnet.execution.url)
        return Desk.to([(self.network, [execution])], beacons=[(self.network, self.config, nodes)], seconds=20)

    def follow(self, desk: Desk, begin_from, every: float = 0.5):
        return follow_finalized(self.network, begin_from, self.config, desk, every=every, clock=now)

    def checker(self, point: Checkpoint) -> Checker:
        policy = replace(STRICT, max_head_lag=10**6, max_age=10**6)
        config = {self.network.chain_id: self.config}
        return Checker((point,), {self.network.chain_id: self.network}, {}, policy, now(), consensus=config)


def now() -> Timestamp:
    return Timestamp(int(time.time()))


@pytest.fixture(scope="module")
def place(beacon_devnet: BeaconDevnet) -> Place:
    beacon_devnet.wait_for_final(beacon_devnet.checkpoint_slot + SLOTS_PER_EPOCH)
    return Place(beacon_devnet)


@pytest.fixture(scope="module", autouse=True)
def printed(place: Place, tmp_path_factory: pytest.TempPathFactory) -> Iterator[subprocess.Popen[str]]:
    """The program of the how-to, begun before the tests of this file: it waits for epochs to end, as they do."""
    program, folder = ROOT / "docs" / "examples" / "follow_finalized.py", tmp_path_factory.mktemp("howto")
    beacon_lines(folder, place.devnet)
    args = ("devnet.json", place.devnet.chain_id, place.devnet.execution.url)
    urls = f"http://127.0.0.1:9,{place.devnet.beacon.url}"
    command = [sys.executable, str(program), *map(str, args), urls, place.devnet.checkpoint, ALICE, "2"]
    env = {"PYTHONPATH": str(ROOT), "PATH": ""}
    with subprocess.Popen(
        command, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        yield process
        process.kill()


async def some(place: Place, count: int, begin_from=None, beacons: list[str] | None = None) -> list[FinalBlock]:
    found: list[FinalBlock] = []
    async with place.desk(beacons) as desk:
        async for block in place.follow(desk, begin_from or place.point):
            found.append(block)
            if len(found) == count:
                return found
    raise AssertionError("it ended by itself")


async def test_each_block_is_the_chain_s_own_and_final(place: Place) -> None:
    """Three in a row rise by epochs; each has the hash that the execution client has at its number, two thirds signed."""
    blocks = await some(place, 3)
    slots = [block.beacon.slot for block in blocks]
    assert slots == sorted(set(slots))
    for block in blocks:
        header = block.known.header
        assert place.devnet.execution.block(header.number)["hash"] == "0x" + header.hash.hex()
        assert header.trust.anchor is Anchor.FINALIZED
        assert 3 * block.beacon.signers >= 2 * block.beacon.committee
    (further,) = await some(place, 1, blocks[-1].held)
    assert further.beacon.slot >= slots[-1]


async def test_what_is_gathered_under_one_convinces_whoever_believes_the_checkpoint(place: Place) -> None:
    """Offline, and nobody else: with another checkpoint the same bytes are refused."""
    coin = Asset(place.network.chain_id, "ETH", 18, place.network.native_group)
    claim = Claim(coin, address(parse_hex(ALICE.lower())))
    (block,) = await some(place, 1)
    async with place.desk() as desk:
        roots = {place.network.chain_id: block.anchored}
        data = await gather_claims([claim], roots, block.known.header.timestamp, desk, place.checker(place.point))
    (outcome,) = verify_bundle(data, place.checker(place.point)).outcomes
    assert isinstance(outcome, ProvenAmount)
    assert (outcome.trust.anchor, outcome.header.hash) == (Anchor.FINALIZED, block.known.header.hash)
    other = Checkpoint(place.network.chain_id, hash32(b"\x11" * 32))
    (refused,) = verify_bundle(data, place.checker(other)).outcomes
    assert isinstance(refused, Refusal)
    assert isinstance(refused.error, NoTrustRoot)


async def test_another_checkpoint_gives_no_block(place: Place) -> None:
    """Nobody can serve a bootstrap for a root that is none: it waits, and gives out nothing."""
    other = Checkpoint(place.network.chain_id, hash32(b"\x11" * 32))
    async with place.desk() as desk:
        import asyncio

        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(place.follow(desk, other)), 4)


def test_the_program_of_the_how_to(place: Place, printed: subprocess.Popen[str]) -> None:
    """It prints finalized blocks with a balance; the first beacon node that it asks is gone."""
    assert len((ROOT / "docs" / "examples" / "follow_finalized.py").read_text().splitlines()) < 60
    out, err = printed.communicate(timeout=240)
    assert printed.returncode == 0, err
    lines = [line.split() for line in out.splitlines()]
    assert [line[2] for line in lines] == ["finalized", "finalized"]
    for number, block, *_ in lines:
        assert place.devnet.execution.block(int(number))["hash"] == "0x" + block
