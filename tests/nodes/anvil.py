"""Anvil: many cheap chains with right headers. What it gets wrong is noted where a test could trip over it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

from tests.nodes.devnode import DevNode
from tests.nodes.install import anvil_program
from tests.nodes.process import NodeFailedError, start


class Anvil(DevNode):
    """
    A running anvil with ten unlocked, funded accounts and one block per transaction.

    Proofs at block 0 and at "pending" do not verify, nor do proofs at the head after a cheat
    (`set_storage`) until one more block is mined: it mines one unless told not to. Storage keys must be 32 bytes. With
    the flags used here `finalized` is head-2 and `safe` head-1.
    """

    name = "anvil"

    def mine(self, count: int = 1, *, timestamp: int | None = None) -> int:
        """Mine blocks, the first of them at `timestamp` (unix seconds) if given; returns the new height."""
        if timestamp is not None:
            self.rpc("evm_setNextBlockTimestamp", hex(timestamp))
            self.rpc("evm_mine")
            count -= 1
        if count > 0:
            self.rpc("anvil_mine", hex(count))
        return self.height

    def set_storage(self, address: str, slot: int, word: int, *, mine: bool = True) -> None:
        """Cheat: write one storage word. With `mine=False` the head's proofs lie until the next block."""
        self.rpc("anvil_setStorageAt", address, f"0x{slot:064x}", f"0x{word:064x}")
        if mine:
            self.mine()

    def snapshot(self) -> str:
        """Remember the present state; give the answer to `revert`, which works once."""
        return str(self.rpc("evm_snapshot"))

    def revert(self, snapshot: str) -> None:
        """Go back to a snapshot."""
        if self.rpc("evm_revert", snapshot) is not True:
            raise NodeFailedError(f"no snapshot {snapshot}")


def start_anvil(chain_id: int, *, hardfork: str = "osaka", extra: Sequence[str] = ()) -> Anvil:
    """Start an anvil of a chain id and a fork, and wait for its first answer."""
    program = str(anvil_program())

    def command(port: int, _: Path) -> list[str]:
        return [
            program,
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
            "--chain-id",
            str(chain_id),
            "--hardfork",
            hardfork,
            "--slots-in-an-epoch",
            "1",
            "--max-persisted-states",
            "0",
            "--silent",
            *extra,
        ]

    node = cast("Anvil", start(Anvil, command, seconds=60))
    if node.chain_id != chain_id:
        node.stop()
        raise NodeFailedError(f"anvil answers for chain {node.chain_id}, not {chain_id}")
    return node
