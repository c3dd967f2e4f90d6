"""From a proven header to an older one: by its parent hash, or by the block hash that its state keeps (EIP-2935).

Both give a hash, and the older header must have it. What a hash does not say is checked too: numbers go down by one
along a parent link and stay within the ring along a hop, and no ancestor is younger than its descendant. Trust is
inherited: an ancestor is believed exactly as far as the header that names it.

Source: EIP-2935 (slot `number % 8191`, for the 8191 blocks before the block itself).
"""

from __future__ import annotations

from verifier.claims import AccountRead
from verifier.errors import BrokenAncestry, NotThere, Unsupported, Where, WrongHash
from verifier.headers.decode import Header, decode_header
from verifier.headers.minted import mint_header
from verifier.network import HistoryRing, Network
from verifier.primitives import ZERO_WORD, BlockNumber, Hash32, slot_key
from verifier.proven import ProvenHeader, ProvenWord
from verifier.state.ethereum import verify_account, verify_word
from verifier.state.tree import state_root
from verifier.trie.table import NodeTable


def verify_parent(newer: ProvenHeader, rlp: bytes) -> ProvenHeader:
    """
    Establish the parent of a proven header.

    Args:
        rlp: Untrusted; must hash to the parent hash in `newer`.

    Raises:
        Malformed: Not a header of the network's family.
        WrongHash: Another header than the one that `newer` names.
        BrokenAncestry: The hashes link and the numbers or times do not.
    """
    header = decode_header(rlp, newer.network.family, newer.where)
    if header.hash != newer.parent_hash:
        raise WrongHash(newer.where, "the parent header", newer.parent_hash, header.hash)
    if header.number != newer.number - 1:
        raise BrokenAncestry(newer.where, "the number of the parent", newer.number - 1, header.number)
    return _older(newer, header, newer)


def history_read(network: Network, number: BlockNumber) -> AccountRead:
    """
    Where the state of a later block keeps the hash of block `number`.

    Raises:
        Unsupported: The family has no history contract that we know.
    """
    ring = _ring(network, Where(network=network.name))
    return AccountRead(ring.address, (slot_key(int(number) % ring.length),))


def verify_history(newer: ProvenHeader, rlp: bytes, nodes: NodeTable, used: set[Hash32]) -> ProvenHeader:
    """
    Establish an older header from the block hash that the state of a proven one keeps.

    The older header says its own number; that decides the slot, and the hash there must be its own. So a header under
    another number finds another hash.

    Args:
        rlp: Untrusted; a header of the last `length` blocks before `newer`.
        nodes: Untrusted; lead from the state root of `newer` to the slot.
        used: Gets the hashes of the nodes that were followed.

    Raises:
        Unsupported: The family has no history contract that we know.
        Malformed: Not a header of the family, or a node on the path is none.
        BrokenAncestry: Not among the blocks that the ring can hold, or younger than `newer`.
        NotThere: The slot holds no hash.
        WrongHash: The slot holds the hash of another header.
        ProofError: The nodes do not lead there.
    """
    ring = _ring(newer.network, newer.where)
    header = decode_header(rlp, newer.network.family, newer.where)
    if not newer.number - ring.length <= header.number < newer.number:
        span = f"one of the {ring.length} blocks before {newer.number}"
        raise BrokenAncestry(newer.where, "the number of a block in the history contract", span, header.number)
    read = history_read(newer.network, header.number)
    account = verify_account(state_root(newer), read.address, nodes, used)
    word = verify_word(account, read.slots[0], nodes, used)
    if word.word == ZERO_WORD:
        raise NotThere(word.where, f"the hash of block {header.number} in the history contract")
    if bytes(word.word) != header.hash:
        raise WrongHash(word.where, f"the header of block {header.number}", word.word, header.hash)
    return _older(newer, header, word)


def _ring(network: Network, where: Where) -> HistoryRing:
    ring = network.family.history
    if ring is None:
        raise Unsupported(where, f"the family {network.family.name} has no known contract with old block hashes")
    return ring


def _older(newer: ProvenHeader, header: Header, rests_on: ProvenHeader | ProvenWord) -> ProvenHeader:
    if header.timestamp > newer.timestamp:
        raise BrokenAncestry(newer.where, "the time of an ancestor", f"at most {newer.timestamp}", header.timestamp)
    return mint_header(header, newer.network, rests_on, newer.trust)
