"""A beacon chain in memory: real keys, real trees, any fork; and whatever lie a test wants to put into it.

States and block bodies are sparse trees: the nodes that proofs are about are really there, at the index of their fork,
and every other node is filled. Committees of each period have their own secrets; a signature of many is made with the
sum of their secrets, which is the same signature at the price of one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import rlp

from tests.simulators.chain import header_fields
from tests.simulators.trie_builder import keccak
from verifier.consensus.containers import (
    NO_FINALITY,
    NO_HEADER,
    NO_NEXT,
    BeaconHeader,
    Bootstrap,
    LightClientHeader,
    SyncCommittee,
    Update,
    no_committee,
)
from verifier.consensus.forks import FORKS, ConsensusConfig, Fork
from verifier.consensus.networks import parse_config
from verifier.consensus.shapes import EXECUTION_INDEX, NEWEST_INDICES
from verifier.consensus.validate import signing_root
from verifier.crypto.bls import ORDER, Scheme, default_scheme
from verifier.primitives import ZERO_HASH, Hash32, Timestamp
from verifier.trie.binary import Gindex, depth_of, normalized
from verifier.trust import Checkpoint

CHAIN = 32_382
GENESIS = 1_700_000_000


def devnet(*schedule: tuple[Fork, int], root: bytes = b"\x77" * 32, **spec: object) -> ConsensusConfig:
    """A minimal-preset network with forks at the epochs given; those before the first are at 0."""
    rows: dict[str, object] = {"PRESET_BASE": "minimal", "GENESIS_FORK_VERSION": "0x00000077", "SECONDS_PER_SLOT": "6"}
    first = schedule[0][0]
    epochs = {fork: 0 for fork in FORKS[1:] if first.since(fork)} | dict(schedule)
    for number, fork in enumerate(FORKS[1:], 1):
        if fork in epochs:
            rows |= {
                f"{fork.upper()}_FORK_VERSION": f"0x{number:02x}000077",
                f"{fork.upper()}_FORK_EPOCH": str(epochs[fork]),
            }
    genesis = {"genesis_time": str(GENESIS), "genesis_validators_root": "0x" + root.hex()}
    return parse_config(rows | spec, genesis, CHAIN)


@dataclass(frozen=True)
class SparseTree:
    """A binary tree of which some nodes are given."""

    nodes: Mapping[int, bytes]

    @cached_property
    def above(self) -> frozenset[int]:
        return frozenset(index >> up for index in self.nodes for up in range(1, index.bit_length()))

    def node(self, index: int) -> bytes:
        if index in self.nodes:
            return self.nodes[index]
        if index not in self.above:
            return hashlib.sha256(b"filler" + index.to_bytes(16, "big")).digest()
        return hashlib.sha256(self.node(2 * index) + self.node(2 * index + 1)).digest()

    @property
    def root(self) -> Hash32:
        return Hash32(self.node(1))

    def branch(self, index: int) -> tuple[bytes, ...]:
        return tuple(self.node((index >> up) ^ 1) for up in range(depth_of(Gindex(index))))


def execution_rlp(slot: int) -> bytes:
    """The RLP of the execution block of a slot."""
    return rlp.encode(header_fields(1_000 + slot, GENESIS + 6 * slot))


class BeaconChain:
    """A chain whose block at every slot is there; committees sign what a test asks them to."""

    def __init__(self, config: ConsensusConfig, scheme: Scheme | None = None) -> None:
        self.config, self.scheme = config, scheme or default_scheme()
        self._committees: dict[int, SyncCommittee] = {}

    # --- keys

    def secrets(self, period: int) -> list[int]:
        seeds = [hashlib.sha256(f"{period}/{i}".encode()).digest() for i in range(self.config.preset.committee_size)]
        return [int.from_bytes(seed, "big") % (ORDER - 1) + 1 for seed in seeds]

    def committee(self, period: int) -> SyncCommittee:
        if period not in self._committees:
            keys = [self.scheme.public_key(secret) for secret in self.secrets(period)]
            self._committees[period] = SyncCommittee(tuple(k.raw for k in keys), self.scheme.aggregate_keys(keys).raw)
        return self._committees[period]

    # --- blocks

    def state(self, slot: int, finalized: bytes = ZERO_HASH, **nodes: bytes) -> SparseTree:
        """The state after a slot, with the committees of its period and what it calls final."""
        indices, period = self.config.indices_of(slot), self.config.period_of(slot)
        tree = {
            indices.finalized: finalized,
            indices.current: self.committee(period).root,
            indices.next: self.committee(period + 1).root,
        }
        return SparseTree(tree | {getattr(indices, name): node for name, node in nodes.items()})

    def header(self, slot: int, finalized: bytes = ZERO_HASH, salt: bytes = b"", **nodes: bytes) -> LightClientHeader:
        """The header of a slot; another salt gives another block."""
        body, execution_hash = self.body(slot, salt)
        parent = Hash32(hashlib.sha256(b"parent" + salt + slot.to_bytes(8, "big")).digest())
        beacon = BeaconHeader(slot, slot % 7, parent, self.state(slot, finalized, **nodes).root, body.root)
        index = self.config.indices_of(slot).execution
        branch = NO_HEADER.execution_branch if index is None else normalized(body.branch(index), EXECUTION_INDEX)
        return LightClientHeader(beacon, execution_hash, branch)

    def execution(self, slot: int, salt: bytes) -> bytes:
        """The execution block that the header of a slot settles; blocks of one slot differ in more than that."""
        return execution_rlp(slot)

    def body(self, slot: int, salt: bytes = b"") -> tuple[SparseTree, Hash32]:
        """The block body and the execution block hash in it, if its fork has one."""
        index = self.config.indices_of(slot).execution
        filler = {3: hashlib.sha256(b"body" + salt).digest()} if salt else {}
        if index is None:
            return SparseTree(filler or {2: bytes(32)}), ZERO_HASH
        found = Hash32(keccak(self.execution(slot, salt)))
        outside = {2: filler[3]} if salt and index >> (index.bit_length() - 2) == 3 else filler
        return SparseTree({index: found} | outside), found

    # --- objects

    def checkpoint(self, slot: int) -> Checkpoint:
        return Checkpoint(self.config.chain_id, self.header(slot).beacon.root)

    def bootstrap(self, slot: int) -> Bootstrap:
        index = self.config.indices_of(slot).current
        branch = normalized(self.state(slot).branch(index), NEWEST_INDICES.current)
        return Bootstrap(self.header(slot), self.committee(self.config.period_of(slot)), branch)

    def update(
        self,
        attested: int,
        finalized: int | None = None,
        signature: int | None = None,
        *,
        signers: int | None = None,
        committee: bool = True,
        salt: bytes = b"",
        attested_salt: bytes = b"",
        signed_by: int | None = None,
        following: SyncCommittee | None = None,
    ) -> Update:
        """
        A signed update of any kind.

        Args:
            finalized: The slot that the attested state calls final; None for an optimistic update.
            signature: The slot after the attested one, if none is given.
            salt, attested_salt: Other blocks at the finalized, and at the attested slot.
            signed_by: The period whose committee signs; that of the signature, if none is given.
            following: Another next committee than the chain's.
        """
        size = self.config.preset.committee_size
        final = NO_HEADER if finalized is None else self.header(finalized, salt=salt)
        root = ZERO_HASH if finalized is None else final.beacon.root
        nodes = {} if following is None else {"next": following.root}
        state = self.state(attested, root, **nodes)
        header = self.header(attested, root, attested_salt, **nodes)
        indices = self.config.indices_of(attested)
        members = following or self.committee(self.config.period_of(attested) + 1)
        made = Update(
            header,
            members if committee else no_committee(size),
            normalized(state.branch(indices.next), NEWEST_INDICES.next) if committee else NO_NEXT,
            final,
            NO_FINALITY if finalized is None else normalized(state.branch(indices.finalized), NEWEST_INDICES.finalized),
            tuple(i < (size if signers is None else signers) for i in range(size)),
            bytes(96),
            attested + 1 if signature is None else signature,
        )
        return self.signed(made, signed_by)

    def signed(self, update: Update, period: int | None = None) -> Update:
        """The update with the signature that those whose bits are set would give it."""
        period = self.config.period_of(update.signature_slot) if period is None else period
        return self.signed_over(update, signing_root(self.config, update), period)

    def signed_over(self, update: Update, message: bytes, period: int) -> Update:
        return replace(update, signature=self.sign(period, update.bits, message))

    def sign(self, period: int, bits: Sequence[bool], message: bytes) -> bytes:
        total = sum(secret for secret, bit in zip(self.secrets(period), bits, strict=True) if bit) % ORDER
        return self.scheme.sign(total, message) if total else b"\xc0" + bytes(95)

    def time(self, slot: int) -> Timestamp:
        return self.config.time_of(slot)


class LinkedChain(BeaconChain):
    """The same, with each header the parent of the next, and a second branch (salt) from one slot on."""

    def __init__(self, config: ConsensusConfig, fork: int, salt: bytes = b"branch") -> None:
        super().__init__(config)
        self.fork, self.salt = fork, salt
        self._linked: dict[tuple[int, bytes], LightClientHeader] = {}

    def header(self, slot: int, finalized: bytes = ZERO_HASH, salt: bytes = b"", **nodes: bytes) -> LightClientHeader:
        """The header of a slot; before the fork both branches are one."""
        salt = salt if slot >= self.fork else b""
        plain = finalized == ZERO_HASH and not nodes
        if plain and (slot, salt) in self._linked:
            return self._linked[slot, salt]
        made = super().header(slot, finalized, salt, **nodes)
        if salt in {b"", self.salt} and slot > 0:
            parent = self.header(slot - 1, salt=salt).beacon.root
            made = replace(made, beacon=replace(made.beacon, parent_root=parent))
        if plain:
            self._linked[slot, salt] = made
        return made

    def headers(self, last: int) -> dict[str, BeaconHeader]:
        """Every header of both branches up to a slot, by root."""
        made = [self.header(slot, salt=salt).beacon for slot in range(last + 1) for salt in (b"", self.salt)]
        return {"0x" + header.root.hex(): header for header in made}
