"""A parent network's contracts as plain storage, and a rollup whose header they speak of.

Storage is written slot by slot to the layouts that the contracts' sources publish: a stand-in where the contracts
themselves are not at hand. Codecs and tries are those of the other simulators, not the verifier's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import rlp

from tests.simulators.trie_builder import Built, build, keccak
from tests.simulators.world import EMPTY_TRIE, FAMILY, uint
from verifier.calls import Work
from verifier.claims import CodePin
from verifier.consensus.weaker import verify_anchor
from verifier.errors import Where
from verifier.network import Family, Network, OwnConsensus, SettledOn
from verifier.policy import STRICT, Policy
from verifier.primitives import Address, ChainId, Hash32
from verifier.proven import ProvenHeader
from verifier.settlement import verify_settlement
from verifier.settlement.scheme import case_of
from verifier.trie.table import NodeTable
from verifier.trust import PinnedBlock, TrustRoot

PARENT = Network(ChainId(1), "parent", FAMILY, "ETH", OwnConsensus("test"))
NOW = 1_800_000_000
PROXY_CODE = b"a proxy"
IMPLEMENTATION = Address(b"\x1e" * 20)
IMPLEMENTATION_CODE = b"an implementation"
IMPLEMENTATION_SLOT = int("360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc", 16)
REVIEWED = CodePin(Hash32(keccak(PROXY_CODE)), IMPLEMENTATION, Hash32(keccak(IMPLEMENTATION_CODE)))


def word(value: int) -> bytes:
    return value.to_bytes(32, "big")


def entry(key: bytes | int, base: int) -> int:
    """Slot of `mapping[key]` at a base slot."""
    raw = word(key) if isinstance(key, int) else key.rjust(32, b"\0")
    return int.from_bytes(keccak(raw + word(base)), "big")


def array(base: int, index: int, words: int = 1) -> int:
    return int.from_bytes(keccak(word(base)), "big") + index * words


STATE = EMPTY_TRIE
"""State root of a rollup's blocks unless told otherwise: whatever is not there is proven without a node."""


def header(number: int, time: int, *, state: bytes = STATE, extra: bytes = b"", parent: bytes = b"\x0f" * 32) -> bytes:
    """RLP of a header after the Merge."""
    fields = [parent, keccak(b"\xc0"), bytes(20), state, EMPTY_TRIE, EMPTY_TRIE, bytes(256), b"", uint(number),
              uint(30_000_000), b"", uint(time), extra, bytes(32), bytes(8), uint(7), EMPTY_TRIE, b"", b"", bytes(32), keccak(b"r")]  # fmt: skip
    return rlp.encode(fields)


@dataclass
class Contract:
    """One account of the parent: its words by slot, and its code."""

    words: dict[int, int] = field(default_factory=dict)
    code: bytes = PROXY_CODE


@dataclass
class Parent:
    """The parent's state: contracts by address, all proxies of one reviewed implementation unless told otherwise."""

    contracts: dict[Address, Contract] = field(default_factory=dict)
    time: int = NOW
    number: int = 5_000

    def proxy(self, at: int) -> tuple[Address, Contract]:
        address = Address(bytes([at]) * 20)
        made = self.contracts.setdefault(address, Contract())
        made.words.setdefault(IMPLEMENTATION_SLOT, int.from_bytes(IMPLEMENTATION, "big"))
        self.contracts.setdefault(IMPLEMENTATION, Contract(code=IMPLEMENTATION_CODE))
        return address, made

    def tries(self) -> tuple[Built, dict[Address, Built]]:
        storages = {
            address: build({keccak(word(slot)): rlp.encode(uint(value)) for slot, value in one.words.items() if value})
            for address, one in self.contracts.items()
        }
        leaves = {
            keccak(address): rlp.encode([b"\x01", b"", storages[address].root, keccak(one.code)])
            for address, one in self.contracts.items()
        }
        return build(leaves), storages

    def anchored(self, state: Built, of: Network = PARENT) -> ProvenHeader:
        raw = header(self.number, self.time, state=state.root)
        pin = PinnedBlock(PARENT.chain_id, Hash32(keccak(raw)))
        return verify_anchor(raw, of, (pin,), Where(network="parent"))


@dataclass
class Rollup:
    """A rollup on such a parent, and what a checker would say of one of its headers."""

    scheme: str
    contracts: Mapping[str, Address]
    codes: Sequence[tuple[str, CodePin]] = ()
    delay: int = 0
    chain_id: int = 10
    family: Family = FAMILY
    extra_nodes: Sequence[bytes] = ()

    @property
    def network(self) -> Network:
        codes = tuple(self.codes) or tuple((role, REVIEWED) for role in self.contracts)
        settled = SettledOn(PARENT.chain_id, self.scheme, tuple(self.contracts.items()), codes, self.delay)
        return Network(ChainId(self.chain_id), "rollup", self.family, "ETH", settled)

    def verify(
        self,
        parent: Parent,
        raw: bytes,
        preimages: Sequence[bytes],
        *,
        policy: Policy = STRICT,
        used: set[Hash32] | None = None,
        seen: Sequence[TrustRoot] | None = (),
        of: Network = PARENT,
        work: Work | None = None,
    ) -> ProvenHeader:
        """What the scheme establishes of a header, with every node of the parent's state at hand."""
        state, storages = parent.tries()
        nodes = dict.fromkeys([*all_nodes(state), *self.extra_nodes])
        for storage in storages.values():
            nodes.update(dict.fromkeys(all_nodes(storage)))
        table = NodeTable.from_hashed((Hash32(keccak(node)), node) for node in nodes)
        case = case_of(
            self.network, parent.anchored(state, of), table, set() if used is None else used, policy, seen, work
        )
        return verify_settlement(case, raw, preimages)


def all_nodes(trie: Built) -> list[bytes]:
    return list(trie.nodes.values()) if isinstance(trie.nodes, dict) else list(trie.nodes)
