"""
A proof-of-stake network of one machine: Lodestar 1.5.1 with eight validators over an EthereumJS execution client.

Minimal preset (8 slots an epoch, 64 slots a committee period, 32 members), slots of one second, Capella from epoch 1
on. Its light-client data are real: committees sign, epochs finalize, a period ends, all over a real execution chain.
The first epoch is final after about 40 s, the first block of the second period after about 75 s. A machine too busy for
that, whose validators miss so many slots that nothing becomes final, gets slots of three seconds. No newer beacon node
could be had from a registry: objects of Electra, Fulu and Gloas are made otherwise (docs/testing.md).
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import time
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any, cast

from tests.nodes.contracts import ALICE, BOB, Deployed, deploy_plain
from tests.nodes.ethereumjs import EthereumJS, start_ethereumjs
from tests.nodes.install import HERE, beacon_module, node_program
from tests.nodes.process import Node, NodeFailedError, free_port, start

CHAIN_ID = 20206
SLOTS_PER_EPOCH = 8
SLOTS_PER_PERIOD = 64
CAPELLA_EPOCH = 1
PACES = ((1, 120), (3, 500))
"""Seconds of a slot, and seconds until something must be final at that pace; the second where the first is too fast."""
SECRET = hashlib.sha256(b"a secret between two local processes").digest()
HEAD_START = 6
"""The genesis lies so many seconds back when the nodes are started, about 15 before they are up: those slots are empty,
and the end of the first committee period is nearer."""


class Execution(EthereumJS):
    """The execution client under Shanghai rules; the beacon node makes its blocks, one a second."""

    name = "ethereumjs"
    keeps_time = True

    def mine(self, count: int = 1, *, timestamp: int | None = None) -> int:
        """Wait until as many blocks have come."""
        if timestamp is not None:
            raise ValueError("the beacon node chooses the timestamps")
        wanted = self.height + count
        _until(lambda: self.height >= wanted, seconds=20 + 3 * count, what=f"block {wanted}")
        return self.height


class Lodestar(Node):
    """A running beacon node with its validators; it answers the beacon API at `url`."""

    name = "lodestar"
    genesis_time = 0
    slot_seconds = 1

    def get(self, path: str, *, accept: str = "application/json") -> tuple[int, bytes]:
        """Status and body of a GET."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("GET", path, headers={"Accept": accept})
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def data(self, path: str) -> Any:
        """The `data` of an answer; a failing status is an error."""
        status, body = self.get(path)
        if status != 200:
            raise NodeFailedError(f"{path}: HTTP {status}: {body[:200]!r}")
        return json.loads(body)["data"]

    @property
    def slot(self) -> int:
        """The slot of the clock."""
        return self.slot_at(int(time.time()))

    def slot_at(self, moment: int) -> int:
        """The slot of a time in unix seconds."""
        return (moment - self.genesis_time) // self.slot_seconds

    def finalized_slot(self, *, signed: bool = False) -> int:
        """
        The finalized slot that the newest finality update shows; -1 where there is none yet.

        Args:
            signed: Also -1 where fewer than two thirds of the committee signed it: a light client does not take it.
        """
        try:
            found = self.data("/eth/v1/beacon/light_client/finality_update")
        except (NodeFailedError, OSError, ValueError):
            return -1
        bits = bytes.fromhex(found["sync_aggregate"]["sync_committee_bits"][2:])
        if signed and 3 * int.from_bytes(bits, "big").bit_count() < 2 * 8 * len(bits):
            return -1
        return int(found["finalized_header"]["beacon"]["slot"])


@dataclass(frozen=True)
class BeaconDevnet:
    """
    The network: its two nodes, and a token on it.

    Attributes:
        checkpoint: Root of a finalized beacon block, from whose period a finalized update leads on.
    """

    beacon: Lodestar
    execution: Execution
    token: Deployed
    checkpoint: str
    checkpoint_slot: int

    @property
    def first_period(self) -> int:
        """The committee period of the checkpoint."""
        return self.checkpoint_slot // SLOTS_PER_PERIOD

    @property
    def chain_id(self) -> int:
        """Of the execution chain."""
        return self.execution.chain_id

    @property
    def genesis_time(self) -> int:
        """Unix seconds of slot 0."""
        return self.beacon.genesis_time

    def wait_for_next_period(self, *, seconds: float = 240) -> int:
        """Wait until a block of the committee period after the checkpoint's is final; returns the finalized slot."""
        return self.wait_for_final((self.first_period + 1) * SLOTS_PER_PERIOD, seconds=seconds)

    def wait_for_final(self, wanted: int, *, seconds: float = 240) -> int:
        """Wait until a slot is final; returns the finalized one."""
        seconds *= self.beacon.slot_seconds
        _until(
            lambda: self.beacon.finalized_slot(signed=True) >= wanted,
            seconds=seconds,
            what=f"finality at slot {wanted}",
        )
        return self.beacon.finalized_slot()

    def stop(self) -> None:
        """End both processes."""
        self.beacon.stop()
        self.execution.stop()


def start_devnet(given_up: Event | None = None) -> BeaconDevnet:
    """
    Start both nodes, deploy the token, and wait for the first finality, at the fastest pace that the machine keeps.

    Args:
        given_up: Once set, no slower pace is tried.
    """
    for slot_seconds, seconds in PACES[:-1]:
        with contextlib.suppress(NodeFailedError):
            return _start_devnet(slot_seconds, seconds)
        if given_up is not None and given_up.is_set():
            raise NodeFailedError("nobody waits for the beacon network any more")
    return _start_devnet(*PACES[-1])


def _start_devnet(slot_seconds: int, seconds: float) -> BeaconDevnet:
    entry = beacon_module("@chainsafe", "lodestar", "lib", "index.js")
    genesis_time = int(time.time()) - HEAD_START
    execution = start_execution(genesis_time, slot_seconds)
    try:
        beacon = start_lodestar(entry, execution, genesis_time, slot_seconds)
    except BaseException:
        execution.stop()
        raise
    try:
        # Not earlier: a transaction in the blocks before Capella brings the chain to a halt.
        _until(lambda: execution.height >= 2 and beacon.slot > 10, seconds=90 * slot_seconds, what="block 2")
        token = deploy_plain(execution)
        _until(lambda: _finality_within_period(beacon), seconds=seconds, what="finality within one period")
        root = beacon.data(f"/eth/v1/beacon/headers/{beacon.finalized_slot()}")["root"]
        slot = int(beacon.data(f"/eth/v1/beacon/headers/{root}")["header"]["message"]["slot"])
    except BaseException as error:
        said = beacon.log()[-1500:]
        beacon.stop()
        execution.stop()
        raise NodeFailedError(f"the beacon network did not come up: {error}: {said}") from error
    return BeaconDevnet(beacon, execution, token, root, slot)


def _finality_within_period(beacon: Lodestar) -> bool:
    """Whether the newest update finalizes a block of the period that it was attested in: from there a client gets on."""
    try:
        found = beacon.data("/eth/v1/beacon/light_client/finality_update")
    except (NodeFailedError, OSError, ValueError):
        return False
    slots = [int(found[name]["beacon"]["slot"]) for name in ("attested_header", "finalized_header")]
    return slots[1] > 0 and slots[0] // SLOTS_PER_PERIOD == slots[1] // SLOTS_PER_PERIOD


def start_execution(genesis_time: int, slot_seconds: int) -> Execution:
    """The execution client of a network whose Capella fork comes with its epoch 1."""
    genesis = json.loads((HERE / "prague-genesis.json").read_text())
    config = genesis["config"]
    for later in ("cancunTime", "pragueTime", "blobSchedule"):
        del config[later]
    config |= {"chainId": CHAIN_ID, "shanghaiTime": genesis_time + CAPELLA_EPOCH * SLOTS_PER_EPOCH * slot_seconds}
    genesis |= {"timestamp": "0x0", "alloc": {}}
    for later in ("excessBlobGas", "blobGasUsed"):
        del genesis[later]
    return cast("Execution", start_ethereumjs(Execution, genesis))


def start_lodestar(entry: Path, execution: Execution, genesis_time: int, slot_seconds: int) -> Lodestar:
    """The beacon node and its eight validators, over a running execution client."""
    block = execution.block(0)["hash"]

    def command(port: int, folder: Path) -> list[str]:
        (folder / "jwt.hex").write_text(execution.secret.hex())
        options = {
            "dataDir": str(folder / "data"),
            "genesisValidators": "8",
            "startValidators": "0..7",
            "genesisTime": str(genesis_time),
            "genesisEth1Hash": block,
            "terminal-total-difficulty-override": "0",
            "execution.urls": f"http://127.0.0.1:{execution.engine_port}",
            "jwt-secret": str(folder / "jwt.hex"),
            "suggestedFeeRecipient": "0x" + "fe" * 20,
            "rest.port": str(port),
            "rest.address": "127.0.0.1",
            "rest.namespace": "*",
            "server": f"http://127.0.0.1:{port}",
            "listenAddress": "127.0.0.1",
            "port": str(free_port()),
            "discv5": "false",
            "targetPeers": "0",
            "sync.isSingleNode": "true",
            "params.SECONDS_PER_SLOT": str(slot_seconds),
            "params.ALTAIR_FORK_EPOCH": "0",
            "params.BELLATRIX_FORK_EPOCH": "0",
            "params.CAPELLA_FORK_EPOCH": str(CAPELLA_EPOCH),
            "logLevel": "warn",
        }
        words = [word for name, value in options.items() for word in (f"--{name}", value)]
        # bcrypto's native half would need an install script; it has one in JavaScript too.
        settings = ["LODESTAR_PRESET=minimal", "NODE_BACKEND=js"]
        program = [str(node_program()), "-r", str(HERE / "beacon" / "preload.cjs"), str(entry)]
        return ["env", *settings, *program, "dev", "--reset", "--rest", *words]

    node = cast("Lodestar", start(Lodestar, command, seconds=60, answers=_is_up))
    node.genesis_time, node.chain_id, node.slot_seconds = genesis_time, CHAIN_ID, slot_seconds
    return node


def _is_up(node: Node) -> bool:
    with contextlib.suppress(OSError, http.client.HTTPException, ValueError, NodeFailedError):
        cast("Lodestar", node).data("/eth/v1/beacon/genesis")
        return True
    return False


def _until(ready: Any, *, seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise NodeFailedError(f"{what} did not come within {seconds:.0f} s")
        time.sleep(0.3)


__all__ = ["ALICE", "BOB", "BeaconDevnet", "start_devnet"]
