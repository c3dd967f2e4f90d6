"""Geth's development chain: the proof shapes of the most common client."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any, cast

from tests.nodes.devnode import DevNode
from tests.nodes.genesis import MONEY
from tests.nodes.install import geth_program
from tests.nodes.process import NodeFailedError, start

DEVELOPER = "0x71562b71999873db5b286df957af199ec94617f7"
"""The account that development mode unlocks and makes blocks with."""


class Geth(DevNode):
    """
    A running `geth --dev`: chain id 1337 unless a genesis says another, one unlocked account, one block per transaction.

    Without a genesis of ours it prices opcodes by rules that are not out yet, while its headers are Osaka's. Timestamps are the clock's. `safe` and `finalized` move in steps of 32 blocks. Proofs reach 128 blocks back
    (`eth_capabilities` says so). Absence is told with all-zero hashes and an empty storage trie with `proof: []`.
    """

    name = "geth"

    def mine(self, count: int = 1, *, timestamp: int | None = None) -> int:
        """Make blocks by sending nothing to oneself; `timestamp` cannot be chosen here."""
        if timestamp is not None:
            raise ValueError("geth's development chain chooses its own timestamps")
        me = self.accounts[0]
        for _ in range(count):
            self.send(me)
        return self.height


def start_geth(genesis: dict[str, Any] | None = None) -> Geth:
    """Start a geth development chain (from a genesis, where one is given) and wait for its first answer."""
    program = str(geth_program())

    def command(port: int, folder: Path) -> list[str]:
        if genesis is not None:
            funded = {**genesis, "alloc": {**genesis["alloc"], DEVELOPER: {"balance": MONEY}}}
            _begin(program, folder, funded)
        return [
            program,
            "--dev",
            "--datadir",
            str(folder / "data"),
            "--cache",
            "64",
            "--ipcdisable",
            "--port",
            "0",
            "--nodiscover",
            "--maxpeers",
            "0",
            "--http",
            "--http.addr",
            "127.0.0.1",
            "--http.port",
            str(port),
            "--http.api",
            "eth,net,web3,debug",
            "--verbosity",
            "2",
        ]

    return cast("Geth", start(Geth, command, seconds=60))


def _begin(program: str, folder: Path, genesis: dict[str, Any]) -> None:
    """Write block 0 into a new data folder; development mode goes on from what it finds."""
    path = folder / "genesis.json"
    path.write_text(json.dumps(genesis))
    command = [program, "init", "--datadir", str(folder / "data"), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode != 0:
        raise NodeFailedError(f"geth takes no such genesis: {done.stderr[-600:]}")
