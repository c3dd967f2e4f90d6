"""One call with the evidence of its exact block, to be picked apart: what each piece proves, and bundles without it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from chains.chain import local_network
from chains.driver import Desk, drive
from tests.chains.talk import endpoint
from tests.verifier.evm.talk import fork_of
from verifier.calls import Call
from verifier.checker import Checker
from verifier.crypto.keccak import keccak256
from verifier.errors import VerifierError
from verifier.evidence import HeaderStep
from verifier.gather import Gathered, assemble, gather_call_section
from verifier.network import Network
from verifier.policy import STRICT
from verifier.primitives import Address, Hash32, SlotKey, Timestamp, hash32, parse_hex
from verifier.proven import ProvenAccount, ProvenCall, ProvenHeader, ProvenWord
from verifier.state.ethereum import verify_account, verify_word
from verifier.state.tree import state_root
from verifier.trie.table import NodeTable
from verifier.trust import PinnedBlock
from verifier.verify_calls import call_claim, verify_calls
from verifier.wire import encode_bundle

Place = tuple[Address, SlotKey | None]


@dataclass
class Taken:
    """A call, the evidence that was gathered for it, and the checker whose pin it hangs on."""

    network: Network
    call: Call
    evidence: Gathered
    as_of: Timestamp
    checker: Checker
    nodes: list[bytes] = field(init=False)
    codes: list[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.nodes, self.codes = sorted(self.evidence.nodes), sorted(self.evidence.codes)

    def verified(
        self,
        *,
        nodes: Sequence[bytes] | None = None,
        codes: Sequence[bytes] | None = None,
        steps: Sequence[HeaderStep] | None = None,
        anchor: bytes | None = None,
    ) -> ProvenCall | VerifierError:
        """What a bundle of this evidence, some of it changed, is found to prove: the call, or the refusal's error."""
        part = replace(
            self.evidence,
            anchor=self.evidence.anchor if anchor is None else anchor,
            nodes=frozenset(self.nodes if nodes is None else nodes),
            codes=frozenset(self.codes if codes is None else codes),
            steps=self.evidence.steps if steps is None else tuple(steps),
        )
        claim = call_claim(self.network.chain_id, self.call)
        outcome = verify_calls(encode_bundle(assemble(self.as_of, [claim], [part])), self.checker).outcomes[0]
        return outcome if isinstance(outcome, ProvenCall) else outcome.error

    def paths(self, found: ProvenCall) -> dict[Place, list[Hash32]]:
        """For each account and word that the call read: the hashes of the nodes of its own proof, from the root down."""
        table = NodeTable.from_hashed([(keccak256(node), node) for node in self.nodes])
        paths: dict[Place, list[Hash32]] = {}
        for read in found.reads:
            used = _InOrder()
            if isinstance(read, ProvenWord):
                verify_word(read.rests_on, read.slot, table, used)
                paths[read.rests_on.address, read.slot] = list(used.order)
            elif isinstance(read, ProvenAccount):
                header = found.rests_on
                assert isinstance(header, ProvenHeader)
                verify_account(state_root(header), read.address, table, used)
                paths[read.address, None] = list(used.order)
        return paths

    def forged(self, leaf: Hash32) -> list[bytes]:
        """All nodes, the last byte of one changed, and every node above it linked to what is below it anew."""
        made = {keccak256(node): node for node in self.nodes}
        changed = {leaf: _flipped(made[leaf])}
        while changed:
            old, new = changed.popitem()
            made[old] = new
            for above, node in made.items():
                if old in node:
                    made[above] = changed[above] = node.replace(old, keccak256(new))
        return sorted(set(made.values()))


class _InOrder(set[Hash32]):
    """A set that remembers in which order things came."""

    def __init__(self) -> None:
        super().__init__()
        self.order: list[Hash32] = []

    def add(self, element: Hash32) -> None:
        self.order.append(element)
        super().add(element)


def _flipped(item: bytes) -> bytes:
    return bytes([*item[:-1], item[-1] ^ 1])


def without(items: Sequence[Any], place: int) -> list[Any]:
    """All but one."""
    return [*items[:place], *items[place + 1 :]]


def altered(items: Sequence[bytes], place: int) -> list[bytes]:
    """All, one of them with one bit changed."""
    return [*items[:place], _flipped(items[place]), *items[place + 1 :]]


def taken(node: Any, calls: Sequence[Call], *, back: int) -> list[Taken]:
    """Gather each call for the moment of a block that is `back` blocks before the node's head, which is pinned."""
    network = local_network(f"dev-{node.chain_id}", node.chain_id, fork=fork_of(node))
    head = node.block("latest")
    then = node.block(int(head["number"], 16) - back)
    as_of = Timestamp(int(then["timestamp"], 16))
    pin = PinnedBlock(network.chain_id, hash32(parse_hex(head["hash"])))
    now = Timestamp(int(head["timestamp"], 16) + 5)
    checker = Checker((pin,), {network.chain_id: network}, {}, STRICT, now)

    async def run() -> list[Taken]:
        async with Desk.to([(network, [endpoint(node.url)])]) as desk:
            found = []
            for call in calls:
                part = await drive(gather_call_section(network, [(0, call)], pin, as_of, checker), desk)
                assert part.failed == {}
                found.append(Taken(network, call, part, as_of, checker))
            return found

    return asyncio.run(run())
