"""`xmargin light sync` killed at any moment goes on from the last page, and ends where it would have ended."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.simulators.beacon import CHAIN, BeaconChain
from tests.simulators.beacon_api import BeaconApi
from verifier.app.light_shelf import LightShelf
from verifier.app.seal import load_seal
from verifier.app.store import Store
from verifier.consensus.forks import FORKS
from verifier.consensus.networks import parse_config
from verifier.gather_light import Followed
from verifier.primitives import to_hex

ROOT = Path(__file__).resolve().parents[2]
PERIODS = 259
"""Three pages: 128, 128, and the rest."""
HEAD = PERIODS * 64 + 50


class Network:
    """A beacon chain whose clock is the machine's, a node that serves it, and settings that name both."""

    def __init__(self) -> None:
        self.spec: dict[str, object] = {
            "PRESET_BASE": "minimal",
            "SECONDS_PER_SLOT": "6",
            "GENESIS_FORK_VERSION": "0x00000077",
            "MIN_VALIDATOR_WITHDRAWABILITY_DELAY": str(10**6),
        }
        for number, fork in enumerate(FORKS[1:], 1):
            self.spec |= {f"{fork.upper()}_FORK_VERSION": f"0x{number:02x}000077", f"{fork.upper()}_FORK_EPOCH": "0"}
        self.genesis = {
            "genesis_time": str(int(time.time()) - 6 * HEAD),
            "genesis_validators_root": "0x" + "77" * 32,
        }
        self.config = parse_config(self.spec, self.genesis, CHAIN)
        self.chain = BeaconChain(self.config)
        self.node = BeaconApi(self.chain, HEAD)
        self.point = self.chain.checkpoint(16)

    def settings(self, folder: Path) -> None:
        (folder / "devnet.json").write_text(json.dumps({"spec": self.spec, "genesis": self.genesis}))
        (folder / "xmargin.toml").write_text(
            f'database = "{folder / "x.db"}"\n[store]\nkey = "{folder / "x.key"}"\n'
            f'[networks.devnet]\nchain_id = {CHAIN}\nfamily = "ethereum"\nbeacon = ["{self.node.url}"]\n'
            f'checkpoint = "{to_hex(self.point.root)}"\nconsensus = "devnet.json"\n'
        )

    def kept(self, folder: Path) -> Followed | None:
        """What the store holds, as a later run would load it."""
        if not (folder / "x.key").is_file() or not (folder / "x.db").is_file():
            return None
        with Store(folder / "x.db") as store:
            shelf = LightShelf(store, load_seal(folder / "x.key"), {self.config.chain_id: self.config})
            return shelf.load(self.config.chain_id, self.point)


@pytest.fixture(scope="module")
def network():
    made = Network()
    for period in range(PERIODS + 1):
        made.node.update(period)  # signed once, before anybody is timed
    with made.node:
        yield made


def begin(folder: Path) -> subprocess.Popen[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("XMARGIN_")}
    command = [sys.executable, "-m", "verifier.app.main", "light", "sync"]
    return subprocess.Popen(
        command, cwd=folder, env=environment | {"PYTHONPATH": str(ROOT), "HOME": str(folder)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def finished(folder: Path) -> str:
    process = begin(folder)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return out + err


def killed(network: Network, folder: Path, seed: int, times: int) -> list[int]:
    """Periods that were kept after each of some kills, then run to the end."""
    draw, seen = random.Random(seed), []
    for _ in range(times):
        process = begin(folder)
        time.sleep(draw.uniform(0.2, 3.5))
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=30)
        held = network.kept(folder)
        seen.append(-1 if held is None else held.state.period)
    finished(folder)
    return seen


def compare(network: Network, folder: Path, seed: int, times: int) -> None:
    whole, broken = folder / "whole", folder / "broken"
    for place in (whole, broken):
        place.mkdir()
        network.settings(place)
    said = finished(whole)
    seen = killed(network, broken, seed, times)
    assert seen == sorted(seen), "what was kept is never lost"
    left, right = network.kept(whole), network.kept(broken)
    assert left is not None
    assert left == right
    assert left.state.finalized.slot >= (HEAD - 1) // 8 * 8 - 16
    assert "devnet: period 127 of" in said


@pytest.mark.covers("LC-14")
def test_a_killed_sync_ends_where_a_whole_one_ends(network: Network, tmp_path: Path) -> None:
    """SIGKILL at random moments: the store always holds a whole state, never an earlier one than before."""
    compare(network, tmp_path, seed=1, times=3)


@pytest.mark.soak
def test_many_kills(network: Network, tmp_path: Path) -> None:
    """The same with many more moments."""
    for seed in range(2, 12):
        folder = tmp_path / str(seed)
        folder.mkdir()
        compare(network, folder, seed=seed, times=6)
