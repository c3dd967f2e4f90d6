"""A chain of real headers over real states, made without the verifier, and the evidence for any way back in it.

Each block's state holds the history contract with the hashes of its ancestors, as EIP-2935 writes them, and accounts of
the test's choice. Codecs are those of `rlp` and pycryptodome. Times and the length of the ring are the test's, so that
equal times, gaps and a ring that has gone round are easily had.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import rlp

from tests.simulators.trie_builder import Built, build, keccak
from verifier.consensus.weaker import verify_anchor
from verifier.errors import Where
from verifier.evidence import HeaderStep, Link
from verifier.network import AccountShape, Dialect, Family, HistoryRing, Network, OwnConsensus, SettledOn
from verifier.primitives import Address, ChainId, Hash32
from verifier.proven import ProvenHeader, ProvenRoot
from verifier.state.tree import state_root
from verifier.trie.table import NodeTable
from verifier.trust import PinnedBlock

EMPTY_TRIE = keccak(b"\x80")
EMPTY_CODE = keccak(b"")
HISTORY = Address(bytes.fromhex("0000f90827f1c53a10cb7a02335b175320002935"))


def uint(value: int) -> bytes:
    """The shortest bytes of an integer."""
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def network(
    *,
    ring: int | None = 8191,
    shape: AccountShape = AccountShape.ETHEREUM,
    chain_id: int = 1,
    parent: int | None = None,
    **family: object,
) -> Network:
    """A small network; `family` takes the other attributes of a family."""
    history = None if ring is None else HistoryRing(HISTORY, ring)
    made = Family("simulated", (Dialect.ETHEREUM,), shape, history=history, **family)
    rooted = OwnConsensus("test") if parent is None else SettledOn(ChainId(parent), "test")
    return Network(ChainId(chain_id), "simulated", made, "ETH", rooted)


def header_fields(number: int, time: int, parent: bytes = b"\x11" * 32, **roots: bytes) -> list[bytes]:
    """The 21 fields of a Prague header, in order; `state`, `transactions`, `receipts` and `withdrawals` are roots."""
    state, transactions, receipts, withdrawals = (
        roots.get(name, EMPTY_TRIE) for name in ("state", "transactions", "receipts", "withdrawals")
    )
    return [
        parent, keccak(b"\xc0"), bytes(20), state, transactions, receipts, bytes(256), b"", uint(number),
        uint(30_000_000), b"", uint(time), b"made", bytes(32), bytes(8), uint(7), withdrawals, b"", b"", bytes(32),
        keccak(b"requests"),
    ]  # fmt: skip


def pinned(header: bytes, net: Network) -> ProvenHeader:
    """A header that the checker pinned."""
    return verify_anchor(header, net, [PinnedBlock(net.chain_id, Hash32(keccak(header)))], Where(network=net.name))


def account(nonce: int = 0, balance: int = 0, storage: bytes = EMPTY_TRIE, code: bytes = EMPTY_CODE) -> bytes:
    """An account leaf of four fields."""
    return rlp.encode([uint(nonce), uint(balance), storage, code])


def storage_trie(slots: Mapping[bytes, bytes]) -> Built:
    """A storage trie from slots and the raw bytes of its leaves."""
    return build({keccak(slot): leaf for slot, leaf in slots.items()})


def state_under(leaves: Mapping[bytes, bytes], net: Network | None = None) -> tuple[ProvenRoot, Built]:
    """A proven state root over addresses and the raw bytes of their leaves, and the trie below it."""
    state = build({keccak(address): leaf for address, leaf in leaves.items()})
    header = rlp.encode(header_fields(7, 1_700_000_000, state=state.root))
    return state_root(pinned(header, net or network())), state


@dataclass(frozen=True)
class Block:
    """One block: its header, and the tries of its state and of its history contract."""

    number: int
    time: int
    rlp: bytes
    state: Built
    history: Built

    @property
    def hash(self) -> Hash32:
        return Hash32(keccak(self.rlp))


@dataclass
class SimChain:
    """Blocks with the given seconds between them."""

    gaps: Sequence[int]
    ring: int | None = 8191
    first_number: int = 1_000
    start: int = 1_700_000_000
    skip_number_at: int | None = None
    leaves: Mapping[bytes, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.network = network(ring=self.ring)
        self.blocks: list[Block] = []
        number, time, parent = self.first_number, self.start, b"\x11" * 32
        kept: dict[int, bytes] = {}
        for i, gap in enumerate([0, *self.gaps]):
            number += (i > 0) + (i == self.skip_number_at)
            time += gap
            if i and self.ring:
                kept[(number - 1) % self.ring] = parent
            self.blocks.append(self._block(number, time, parent, kept))
            parent = self.blocks[-1].hash

    def _block(self, number: int, time: int, parent: bytes, kept: Mapping[int, bytes]) -> Block:
        history = storage_trie({slot.to_bytes(32, "big"): rlp.encode(kept[slot].lstrip(b"\0")) for slot in kept})
        leaves = {HISTORY: account(1, 0, history.root, keccak(b"history")), b"\x99" * 20: account(1, number)}
        state = build({keccak(a): leaf for a, leaf in {**leaves, **self.leaves}.items()})
        return Block(number, time, rlp.encode(header_fields(number, time, parent, state=state.root)), state, history)

    def header(self, i: int = -1) -> ProvenHeader:
        """A block of the chain, pinned."""
        return pinned(self.blocks[i].rlp, self.network)

    def hop_nodes(self, newer: int, older: int) -> list[bytes]:
        """The nodes that prove, under the state of one block, what the ring holds for another."""
        block = self.blocks[newer]
        slot = (self.blocks[older].number % (self.ring or 1)).to_bytes(32, "big")
        return block.state.prove(keccak(HISTORY)) + block.history.prove(keccak(slot))

    def way(self, path: Sequence[tuple[Link, int]]) -> tuple[list[HeaderStep], NodeTable]:
        """Steps to blocks by index, from the last block, and the nodes for those over the history contract."""
        steps, nodes, at = [], [], len(self.blocks) - 1
        for link, i in path:
            if link is Link.HISTORY:
                nodes += self.hop_nodes(at, i)
            steps.append(HeaderStep(link, self.blocks[i].rlp))
            at = i
        return steps, NodeTable.build(dict.fromkeys(nodes))
