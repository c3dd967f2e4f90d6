"""Geth's development chain: the proof shapes of the most common client."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from tests.nodes.devnode import DevNode
from tests.nodes.install import geth_program
from tests.nodes.process import start


class Geth(DevNode):
    """
    A running `geth --dev`: chain id 1337, one unlocked account, one block per transaction.

    Timestamps are the clock's. `safe` and `finalized` move in steps of 32 blocks. Proofs reach 128 blocks back
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


def start_geth() -> Geth:
    """Start a geth development chain and wait for its first answer."""
    program = str(geth_program())

    def command(port: int, folder: Path) -> list[str]:
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
