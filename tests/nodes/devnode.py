"""What every development node here can do, whichever program it is: send, deploy, mine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.nodes.process import Node, NodeFailedError

GAS = 8_000_000
"""Enough for every deployment here, and below the block limit of every node."""


class DevNode(Node):
    """A node with unlocked, funded accounts that makes blocks when it is told to."""

    keeps_time = False
    """Whether its blocks come by the clock, which nobody can move."""

    @property
    def accounts(self) -> list[str]:
        """The unlocked accounts, in lower case."""
        return [str(account).lower() for account in self.rpc("eth_accounts")]

    def mine(self, count: int = 1, *, timestamp: int | None = None) -> int:
        """Make blocks, the first of them at `timestamp` (unix seconds) where the node can; returns the new height."""
        raise NotImplementedError

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is sent inside may wait for one block; nothing of it may be read before the end."""
        yield

    def submit(self, transaction: dict[str, str]) -> str:
        """Hand in a transaction of an unlocked account and see to it that it is mined; returns its hash."""
        return str(self.rpc("eth_sendTransaction", transaction))

    def send(self, to: str | None, data: str = "0x", value: int = 0, *, sender: str | None = None) -> dict[str, Any]:
        """Send from an unlocked account (the first unless told), mine, and return the receipt; a revert raises."""
        transaction = {"from": sender or self.accounts[0], "data": data, "value": hex(value), "gas": hex(GAS)}
        if to is not None:
            transaction["to"] = to
        return self.receipt(self.submit(transaction))

    def deploy(self, bytecode: str, arguments: str = "", *, sender: str | None = None) -> str:
        """Deploy creation code followed by encoded arguments (hex, no 0x); returns the address in lower case."""
        code = bytecode if bytecode.startswith("0x") else f"0x{bytecode}"
        address = str(self.send(None, code + arguments, sender=sender)["contractAddress"]).lower()
        if self.rpc("eth_getCode", address, "latest") == "0x":
            raise NodeFailedError(f"no code at {address} after deployment")
        return address
