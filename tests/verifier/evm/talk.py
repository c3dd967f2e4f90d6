"""Calls on real nodes: gathered over their endpoints by the flow under test, and answered by the nodes themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chains.chain import local_network
from chains.driver import Desk, drive
from tests.chains.talk import endpoint, header_question
from tests.nodes.process import post
from verifier.calls import Call
from verifier.checker import Checker
from verifier.claims import AccountRead
from verifier.consensus.weaker import verify_anchor
from verifier.crypto.keccak import keccak256
from verifier.errors import NOWHERE
from verifier.evm.call import CodeTable
from verifier.evm.gather import GatheredState, Task, gather_calls, gather_state
from verifier.evm.machine import intrinsic_gas
from verifier.flow import Flow, ask
from verifier.forks import Fork
from verifier.network import Network
from verifier.policy import STRICT
from verifier.primitives import Address, Hash32, Timestamp, hash32, parse_hex
from verifier.proven import ProvenCall, ProvenHeader
from verifier.state.asking import Proofs
from verifier.trie.table import NodeTable
from verifier.trust import PinnedBlock
from verifier.verify import SectionState

PATIENCE = 900.0
"""Seconds for all questions to a node. A thousand calls run here between them, beside whatever else the machine does."""


@dataclass
class Talk:
    """One conversation: the header it was under, what it gathered, and how many round trips it took."""

    network: Network
    header: ProvenHeader
    state: GatheredState
    waves: int
    lied: int
    failed: int
    rlp: bytes = b""

    def section(self, nodes: Sequence[bytes] | None = None, codes: Sequence[bytes] | None = None) -> SectionState:
        """Proven state over the evidence, or over other evidence."""
        kept = self.state.nodes if nodes is None else nodes
        table = NodeTable.from_hashed([(keccak256(node), node) for node in kept])
        return SectionState(self.header, table, set[Hash32](), CodeTable(self.state.codes if codes is None else codes))

    def checker(self, **policy: Any) -> Checker:
        """A checker that pinned the block."""
        pin = PinnedBlock(self.network.chain_id, self.header.hash)
        return Checker((pin,), {self.network.chain_id: self.network}, {}, STRICT, Timestamp(self.header.timestamp + 5))


def fork_of(node: Any) -> Fork:
    """Whose rules a development node runs."""
    return Fork.PRAGUE if type(node).__name__ == "EthereumJS" else Fork.OSAKA


def gathered(
    node: Any, calls: Sequence[Call], *, hints: bool = True, url: str | None = None, known: Sequence[AccountRead] = ()
) -> Talk:
    """Gather the calls under the node's head, after what is known to be needed."""
    network = local_network(f"dev-{node.chain_id}", node.chain_id, fork=fork_of(node))
    pin = hash32(parse_hex(node.block("latest")["hash"]))

    def flow() -> Flow[tuple[bytes, ProvenHeader, GatheredState]]:
        rlp = yield from ask(header_question(network, pin))
        header = verify_anchor(rlp, network, (PinnedBlock(network.chain_id, pin),), NOWHERE)
        if known:
            tasks: list[Task] = [lambda state, call=call: (state.need(known), state.call(call)) for call in calls]  # type: ignore[misc]
            state = yield from gather_state(Proofs(header), tasks, hints=hints)
        else:
            state = yield from gather_calls(header, calls, hints=hints)
        return rlp, header, state

    async def run() -> Talk:
        async with Desk.to([(network, [endpoint(url or node.url)])], seconds=PATIENCE) as desk:
            rlp, header, state = await drive(flow(), desk)
            report = desk.report()[0]
            return Talk(network, header, state, desk.waves[network.chain_id], report.lied, report.failed, rlp)

    return asyncio.run(run())


def node_answers(node: Any, calls: Sequence[Call], height: int, *, price: int | None = None) -> list[tuple[str, str]]:
    """How the node itself ends each call, at a gas price where one is given; asked by the hundred."""
    found: list[tuple[str, str]] = []
    for first in range(0, len(calls), 100):
        some = calls[first : first + 100]
        replies = post(node.url, [_question(node, call, height, price, i) for i, call in enumerate(some)])
        said = {reply["id"]: reply for reply in replies}
        assert set(said) == set(range(len(some))) and len(replies) == len(some)
        found += [_ended(said[i]) for i in range(len(some))]
    return found


def _question(node: Any, call: Call, height: int, price: int | None, number: int) -> dict[str, Any]:
    # EthereumJS takes nothing off for the call data before the first step.
    gas = call.gas - (intrinsic_gas(call.data) if type(node).__name__ == "EthereumJS" else 0)
    parts = {"to": call.to, "from": call.sender, "data": call.data}
    message = {**{name: f"0x{part.hex()}" for name, part in parts.items()}, "gas": hex(gas)}
    if price is not None:
        message["gasPrice"] = hex(price)
    return {"jsonrpc": "2.0", "id": number, "method": "eth_call", "params": [message, hex(height)]}


def _ended(reply: dict[str, Any]) -> tuple[str, str]:
    """Returned, reverted with data, or halted."""
    if "result" in reply:
        return "returned", reply["result"]
    error = reply["error"]
    if "revert" in error["message"]:
        data = error.get("data") or "0x"
        return "reverted", data if isinstance(data, str) else data.get("data", "0x")
    return "halted", "0x"


def our_answer(call: ProvenCall) -> tuple[str, str]:
    """The same of ours."""
    return call.ended.value, f"0x{call.output.hex()}"


def call_of(address: str, data: str, **more: Any) -> Call:
    """A call from hex."""
    return Call(Address(parse_hex(address)), parse_hex(data), **more)
