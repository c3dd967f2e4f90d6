"""Polygon PoS: what a checkpoint on Ethereum says of one of its blocks, and the receipts and transactions under it.

A checkpoint is a Merkle root over one leaf for each block: number, time, transactions root, receipts root. It holds no
state root and no block hash. So no balance hangs under it, and no header: what it proves is that a transaction or an
event was in a block of that number. That is why it is no settlement scheme, and Polygon needs a pin or a quorum for
balances. To reach state one would need a contract on Polygon that emits block hashes, or the milestones of its own
consensus; neither is followed here.

Who could forge one: two thirds of Polygon's stake, which signed it, and the owner of the contract. Nothing is proven to
Ethereum, and nothing can be challenged.

Source: maticnetwork/contracts, RootChain.sol, RootChainStorage.sol, ProxyStorage.sol, Merkle.sol; the slots by counting
the declarations, not held against the chain. Heimdall, checkpoint merkle (leaves padded with zeros to a power of two).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

from verifier.claims import CodePin
from verifier.codec import rlp
from verifier.codec.abi import mapping_slot, offset_slot, pad_uint
from verifier.crypto.keccak import keccak256
from verifier.errors import (
    BadInput,
    Denied,
    MissingEvidence,
    NotThere,
    UnreviewedCode,
    UnusedEvidence,
    Where,
    WrongBinding,
    WrongHash,
)
from verifier.network import Network
from verifier.policy import Policy
from verifier.primitives import Address, BlockNumber, Hash32, Timestamp, nonzero_hash, slot_key, to_hex
from verifier.proven import ListKind, Proven, ProvenHeader, ProvenWord, mint
from verifier.state.lists import MAX_INDEX
from verifier.state.reader import StateReader
from verifier.state.tree import state_root
from verifier.trie.table import NodeTable
from verifier.trie.walk import Absent, walk
from verifier.trust import Basis, Trust

IMPLEMENTATION: Final = slot_key(1)
"""RootChain's proxy keeps its implementation here, not where EIP-1967 says."""
HEADER_BLOCKS: Final = slot_key(5)
"""Mapping of checkpoint id to five words: root, first block, last block, time, proposer."""
STEP: Final = 10_000
"""Ids are multiples of this."""
MAX_BLOCKS: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Leaf:
    """What a checkpoint says of one block. Nothing says yet that it does."""

    number: BlockNumber
    timestamp: Timestamp
    transactions_root: Hash32
    receipts_root: Hash32

    @property
    def hash(self) -> Hash32:
        """keccak256 of the four words."""
        words = pad_uint(int(self.number)) + pad_uint(int(self.timestamp))
        return keccak256(words + self.transactions_root + self.receipts_root)


@final
@dataclass(frozen=True, slots=True, init=False)
class ProvenLeaf(Proven):
    """
    What a checkpoint of the contract is proven to say of one block: not its state, and not its header.

    Attributes:
        rests_on: The word with the checkpoint's root.
        bound_by: The words with its first and last block.
        trust: The parent's anchor, on the word of a committee.
    """

    rests_on: ProvenWord
    network: Network
    checkpoint: int
    leaf: Leaf
    bound_by: tuple[ProvenWord, ...]
    trust: Trust

    @property
    def where(self) -> Where:
        """The block."""
        return Where(network=self.network.name, block=str(self.leaf.number))


@final
@dataclass(frozen=True, slots=True, init=False)
class ProvenUnderLeaf(Proven):
    """A transaction or receipt of a block of a checkpoint; `raw` is None where the list is proven to end before it."""

    rests_on: ProvenLeaf
    kind: ListKind
    index: int
    raw: bytes | None

    @property
    def trust(self) -> Trust:
        """That of the block."""
        return self.rests_on.trust


@dataclass(frozen=True, slots=True)
class Contract:
    """The checkpoint contract on the parent, as the checker knows it, and the network that it speaks of."""

    network: Network
    address: Address
    pins: Sequence[CodePin] = ()


def verify_checkpoint(
    at: ProvenHeader,
    contract: Contract,
    checkpoint: int,
    leaf: Leaf,
    siblings: Sequence[bytes],
    nodes: NodeTable,
    used: set[Hash32],
    policy: Policy,
) -> ProvenLeaf:
    """
    Establish what a checkpoint says of a block.

    Args:
        at: The parent's header.
        checkpoint: The id, a multiple of 10,000; ours.
        leaf: Ours, or untrusted until it hashes to the checkpoint's root.
        siblings: Untrusted, from the leaf up; as many as the checkpoint's number of blocks gives.
        nodes: Untrusted, of the parent's state.
        used: Gets the hashes of the nodes that were followed.

    Raises:
        BadInput: The id is no checkpoint's.
        NotThere: There is none of this id.
        WrongBinding: The block is not one of its blocks.
        MissingEvidence, UnusedEvidence: Another number of siblings.
        WrongHash: Another block's leaf, or siblings of another place.
        UnreviewedCode, Denied, Malformed, ProofError: As the settlement schemes raise them.
    """
    if checkpoint <= 0 or checkpoint % STEP or checkpoint >> 64:
        raise BadInput("checkpoint id", f"a multiple of {STEP} above 0", checkpoint)
    parent = StateReader(state_root(at), nodes, used)
    reviewed = _check_code(parent, contract, at, policy)
    root, first, last = _posted(parent, contract, checkpoint, policy)
    start, end = (int.from_bytes(word.word, "big") for word in (first, last))
    if not start <= leaf.number <= end or end - start >= MAX_BLOCKS:
        raise WrongBinding(first.where, f"a block of checkpoint {checkpoint}", f"{start} to {end}", leaf.number)
    _member(Hash32(bytes(root.word)), leaf, int(leaf.number) - start, end - start + 1, siblings, root.where)
    code = Basis.REVIEWED_CODE if reviewed else Basis.UNREVIEWED_CODE
    own = Trust(at.trust.anchor, None, frozenset({Basis.COMMITTEE, code}))
    return mint(
        ProvenLeaf,
        rests_on=root,
        network=contract.network,
        checkpoint=checkpoint,
        leaf=leaf,
        bound_by=(first, last),
        trust=at.trust.weakest(own),
    )


def _check_code(parent: StateReader, contract: Contract, at: ProvenHeader, policy: Policy) -> bool:
    account = parent.account(contract.address)
    word = parent.word(contract.address, IMPLEMENTATION)
    target = Address(bytes(word.word[12:]))
    code = parent.account(target).code_hash
    for pin in contract.pins:
        if (pin.code_hash, pin.implementation, pin.implementation_code_hash) == (account.code_hash, target, code):
            return True
    if (at.network.chain_id, contract.address) in policy.accept_contracts:
        return False
    pinned = " or ".join(to_hex(pin.implementation or pin.code_hash) for pin in contract.pins)
    expected = pinned or "nothing (no code was reviewed)"
    raise UnreviewedCode(account.where, "the checkpoint contract's implementation", expected, target)


def _posted(
    parent: StateReader, contract: Contract, checkpoint: int, policy: Policy
) -> tuple[ProvenWord, ProvenWord, ProvenWord]:
    """The words of a checkpoint that say its root, its first and its last block."""
    base = mapping_slot(pad_uint(checkpoint), HEADER_BLOCKS)
    root, first, last = (parent.word(contract.address, offset_slot(base, i)) for i in range(3))
    if not any(root.word):
        raise NotThere(root.where, f"checkpoint {checkpoint}")
    if bytes(root.word) in policy.denied:
        raise Denied(root.where, "the checkpoint's root", bytes(root.word))
    return root, first, last


def _member(root: Hash32, leaf: Leaf, index: int, count: int, siblings: Sequence[bytes], where: Where) -> None:
    depth = (count - 1).bit_length()
    if len(siblings) < depth:
        raise MissingEvidence(where, f"{depth} siblings of the block's leaf ({len(siblings)} given)")
    if len(siblings) > depth:
        raise UnusedEvidence(where, "siblings", len(siblings) - depth, to_hex(bytes(siblings[depth][:32])))
    found = leaf.hash
    for level, sibling in enumerate(siblings):
        if len(sibling) != 32:
            raise BadInput("a sibling of the block's leaf", "32 bytes", sibling)
        pair = sibling + found if index >> level & 1 else found + sibling
        found = keccak256(pair)
    if found != root:
        raise WrongHash(where, f"the leaf of block {leaf.number} with its siblings", root, found)


def verify_under_leaf(
    leaf: ProvenLeaf, kind: ListKind, index: int, nodes: NodeTable, used: set[Hash32]
) -> ProvenUnderLeaf:
    """
    Establish the transaction or receipt at an index of a block of a checkpoint, or that the list ends before it.

    Raises:
        BadInput: No such list is in a checkpoint, or the index is none.
        MissingNode, Malformed: As the walk raises them.
    """
    if kind is ListKind.WITHDRAWALS:
        raise BadInput("list of a checkpoint's block", "transactions or receipts", kind.value)
    if not 0 <= index <= MAX_INDEX:
        raise BadInput("list index", f"an integer from 0 to {MAX_INDEX}", index)
    roots = {ListKind.TRANSACTIONS: leaf.leaf.transactions_root, ListKind.RECEIPTS: leaf.leaf.receipts_root}
    root = nonzero_hash(roots[kind])
    where = leaf.where.at(node=f"{kind.value}[{index}]")
    found = walk(root, rlp.encode_uint(index), nodes, where, used)
    raw = None if isinstance(found, Absent) else found
    return mint(ProvenUnderLeaf, rests_on=leaf, kind=kind, index=index, raw=raw)
