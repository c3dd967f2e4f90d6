"""Questions to a development chain with the verifier's own judges, and small servers that misbehave in ways of their own."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from chains.chain import local_network
from chains.endpoint import Endpoint
from tests.nodes.contracts import DeployedChain
from verifier.consensus.weaker import verify_anchor
from verifier.crypto.keccak import keccak256
from verifier.errors import NOWHERE
from verifier.flow import AskHeader, AskProof, Flow, Unanswered, ask, ask_all
from verifier.network import Network
from verifier.primitives import Address, Hash32, SlotKey, hash32, parse_hex
from verifier.proven import ProvenHeader
from verifier.state.ethereum import verify_account, verify_word
from verifier.state.tree import state_root
from verifier.trie.table import NodeTable
from verifier.trust import PinnedBlock


def network_of(chain: DeployedChain[Any]) -> Network:
    """The network value of a development chain."""
    return local_network(f"dev-{chain.chain_id}", chain.chain_id)


def head_of(chain: DeployedChain[Any], block: str | int = "latest") -> Hash32:
    """The hash of a block as the node itself says: the tests' pin."""
    return hash32(parse_hex(chain.node.block(block)["hash"]))


def header_question(network: Network, pinned: Hash32) -> AskHeader:
    """The header of a pinned block, held to its hash."""
    roots = (PinnedBlock(network.chain_id, pinned),)
    return AskHeader(
        chain_id=network.chain_id, block=pinned, judge=lambda rlp: verify_anchor(rlp, network, roots, NOWHERE)
    )


def proof_question(header: ProvenHeader, address: str, slots: Sequence[str] = ()) -> AskProof:
    """A proof of an account and slots, held to the header's root."""
    where, keys = Address(parse_hex(address)), tuple(SlotKey(parse_hex(slot)) for slot in slots)

    def judge(nodes: tuple[bytes, ...]) -> None:
        table, used = NodeTable.from_hashed((keccak256(node), node) for node in nodes), set[Hash32]()
        account = verify_account(state_root(header), where, table, used)
        for key in keys:
            verify_word(account, key, table, used)

    return AskProof(
        chain_id=header.network.chain_id,
        address=where,
        slots=keys,
        block_hash=header.hash,
        number=header.number,
        judge=judge,
    )


def balances(network: Network, pinned: Hash32, reads: Sequence[tuple[str, str | None]]) -> Flow[list[int | Unanswered]]:
    """Native balances (no slot) and words, each proven under the pinned header or unanswered."""
    rlp = yield from ask(header_question(network, pinned))
    header = verify_anchor(rlp, network, (PinnedBlock(network.chain_id, pinned),), NOWHERE)
    questions = [proof_question(header, address, [slot] if slot else []) for address, slot in reads]
    answers = yield from ask_all(questions)
    return [a if isinstance(a, Unanswered) else _figure(header, q, a) for q, a in zip(questions, answers, strict=True)]


def _figure(header: ProvenHeader, question: AskProof, nodes: tuple[bytes, ...]) -> int:
    table, used = NodeTable.from_hashed((keccak256(node), node) for node in nodes), set[Hash32]()
    account = verify_account(state_root(header), question.address, table, used)
    if question.slots:
        return int.from_bytes(verify_word(account, question.slots[0], table, used).word, "big")
    return int(account.balance or 0)


def endpoint(url: str, name: str = "node", **more: Any) -> Endpoint:
    """An endpoint of a test."""
    return Endpoint(url, name=name, **more)


@contextlib.asynccontextmanager
async def server(answer: Callable[[bytes], bytes] | bytes, host: str = "127.0.0.1") -> AsyncIterator[str]:
    """A server that reads one request and writes raw bytes: an HTTP answer made by hand."""
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())  # type: ignore[arg-type]
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                (
                    int(line.split(b":")[1])
                    for line in head.split(b"\r\n")
                    if line.lower().startswith(b"content-length")
                ),
                0,
            )
            body = await reader.readexactly(length)
            writer.write(answer if isinstance(answer, bytes) else answer(body))
            await writer.drain()
        writer.close()

    made = await asyncio.start_server(serve, host, 0)
    try:
        yield f"http://{host}:{made.sockets[0].getsockname()[1]}"
    finally:
        made.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def http(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    """An HTTP answer by hand."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
