"""A chain with something on it to prove, and ways to ask it as a relayer would."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import pytest

from chains.chain import local_network
from chains.driver import Desk
from chains.endpoint import Endpoint
from chains.relay import KnownHeader, header_of
from tests.nodes.anvil import Anvil
from tests.relay import contracts
from verifier.network import Network
from verifier.primitives import Address, hash32, parse_hex
from verifier.trust import PinnedBlock

R = TypeVar("R")


@dataclass(frozen=True)
class Place:
    """A node, its network, and a contract on it that proofs are handed to."""

    node: Anvil
    network: Network
    consumer: str

    def pin(self, block: str | int = "latest") -> PinnedBlock:
        return PinnedBlock(self.network.chain_id, hash32(parse_hex(self.node.block(block)["hash"])))

    async def ask(self, question: Callable[[Desk], Awaitable[R]]) -> R:
        async with Desk.to([(self.network, [Endpoint(self.node.url)])]) as desk:
            return await question(desk)

    async def head(self, block: str | int = "latest") -> KnownHeader:
        return await self.ask(lambda desk: header_of(self.network, self.pin(block), desk))

    def believe(self, header: KnownHeader) -> None:
        data = contracts.encode_call("believe", ("bytes32",), (header.header.hash,))
        contracts.send(self.node, self.consumer, data)


def address_of(text: str) -> Address:
    return Address(bytes.fromhex(text[2:]))


@pytest.fixture(scope="session")
def place(anvil_factory: Callable[..., Anvil]) -> Place:
    """One chain for this folder. Tests may mine and send; each takes the block it needs by its own pin."""
    node = anvil_factory(chain_id=31400)
    node.mine(2)
    return Place(node, local_network("relayed", 31400), contracts.example(node, "StateProofConsumer"))
