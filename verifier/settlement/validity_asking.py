"""Asking for roots that validity proofs settle: Taiko's checkpoints by logs, Scroll's batches by their state roots.

Scroll's contract fixes a state root and nothing else, so the block with that state is looked for, going back from what
the rollup's endpoint calls final; its state then names the block before it, which is the one that is established.
"""

from __future__ import annotations

from typing import Final

from verifier.codec import rlp as rlp_codec
from verifier.codec.abi import mapping_slot, nested_mapping_slot, offset_slot, pad_uint
from verifier.crypto.keccak import keccak256
from verifier.errors import BadInput, MissingEvidence, NotThere, Unsupported, Where
from verifier.flow import AskHeader, AskHeight, AskProof, AskSaid, Flow, Log, ask, ask_all
from verifier.headers.decode import Header, decode_header
from verifier.network import HistoryRing, Network, SettledOn
from verifier.policy import Policy
from verifier.primitives import Address, BlockNumber, Hash32, SlotKey, Timestamp, slot_key
from verifier.proven import ProvenHeader
from verifier.settlement import scroll, taiko
from verifier.settlement.collect import Candidate, Settled, first_that_stands, proxy_reads
from verifier.settlement.logs import told_headers
from verifier.trie.table import NodeTable
from verifier.trie.walk import Absent, walk

CHECKPOINT_SAVED: Final = Hash32(keccak256(b"CheckpointSaved(uint48,bytes32,bytes32)"))
"""Signal service: block number (indexed), block hash, state root. Source: taiko-mono, ICheckpointStore.sol."""
LAST_FINALIZED: Final = keccak256(b"lastFinalizedBatchIndex()")[:4]
STATE_ROOT_OF: Final = keccak256(b"finalizedStateRoots(uint256)")[:4]
MAX_TRIED: Final = 8
BATCHES: Final = 16
"""Batches whose state roots are asked for; only the last of each finalized bundle has one."""
PAGE: Final = 32
MAX_PAGES: Final = 32
"""Headers looked at for the block of a batch: pages of so many."""


def _contract(network: Network, role: str) -> tuple[SettledOn, Address]:
    settled = network.rooted_by
    if not isinstance(settled, SettledOn):
        raise BadInput("settlement", "a network that is settled on a parent", network.name)
    found = settled.contract(role)
    if found is None:
        raise MissingEvidence(Where(network=network.name), f"the address of the {role} contract on the parent")
    return settled, found


def _implementations(settled: SettledOn) -> list[Address]:
    return [pin.implementation for _, pin in settled.codes if pin.implementation is not None]


# --- Taiko -----------------------------------------------------------------------------------------------


def gather_taiko(network: Network, at: ProvenHeader, as_of: Timestamp, policy: Policy) -> Flow[Settled]:
    """Evidence for a checkpoint of the signal service. Raises Unanswered or VerifierError where none stands."""
    settled, service = _contract(network, "signal_service")
    told = yield from told_headers(network, at, service, CHECKPOINT_SAVED, _saved_block, as_of)
    flows = (_checkpoint(network, settled, service, rlp) for rlp in told[:MAX_TRIED])
    return (yield from first_that_stands(network, at, policy, flows, taiko.verify, lambda _: True))


def _saved_block(log: Log) -> Hash32 | None:
    return Hash32(log.data[:32]) if len(log.topics) == 2 and len(log.data) == 64 else None


def _checkpoint(network: Network, settled: SettledOn, service: Address, rlp: bytes) -> Flow[Candidate]:
    yield from ()
    number = int(decode_header(rlp, network.family, Where(network=network.name)).number)
    slot = nested_mapping_slot((pad_uint(taiko.VERSION), pad_uint(number)), taiko.CHECKPOINTS)
    reads = proxy_reads([(service, (slot, offset_slot(slot, 1)))], _implementations(settled))
    return Candidate(rlp, (taiko.VERSION.to_bytes(6, "big") + number.to_bytes(6, "big"),), reads)


# --- Scroll ----------------------------------------------------------------------------------------------


def gather_scroll(network: Network, at: ProvenHeader, as_of: Timestamp, policy: Policy) -> Flow[Settled]:
    """
    Evidence for the block before the last one of a finalized batch, as that batch's state names it.

    Of the newest batches the oldest after the as-of time is wanted, else the newest.

    Raises:
        NotThere: No block with one of the newest state roots was found.
        Unsupported: The network has no history contract that we know.
        Unanswered, VerifierError: As asking and judging raise them.
    """
    settled, chain = _contract(network, "scroll_chain")
    ring = network.family.history
    if ring is None:
        what = "a state root without a header, on a network without a known contract of old block hashes"
        raise Unsupported(Where(network=network.name), what, "pin a block of the network instead")
    roots = yield from _state_roots(at, chain)
    found = yield from _block_with(network, at, roots, as_of)
    flow = _batch(network, settled, chain, ring, found, roots[found.state_root])
    return (yield from first_that_stands(network, at, policy, [flow], scroll.verify, lambda _: True))


def _state_roots(at: ProvenHeader, chain: Address) -> Flow[dict[Hash32, int]]:
    """Batches by state root, of the newest finalized ones, as the endpoint says."""

    def said(data: bytes) -> AskSaid:
        return AskSaid(chain_id=at.network.chain_id, address=chain, data=data, block_hash=at.hash, number=at.number)

    last = int.from_bytes((yield from ask(said(LAST_FINALIZED))), "big") & (1 << 64) - 1
    indices = range(last, max(-1, last - BATCHES), -1)
    answers = yield from ask_all([said(STATE_ROOT_OF + index.to_bytes(32, "big")) for index in indices])
    pairs = zip(indices, answers, strict=True)
    return {Hash32(told): index for index, told in pairs if isinstance(told, bytes) and len(told) == 32 and any(told)}


def _block_with(network: Network, at: ProvenHeader, roots: dict[Hash32, int], as_of: Timestamp) -> Flow[Header]:
    """A block with one of the state roots, going back from what the endpoint calls final; see `gather_scroll`."""
    height = int((yield from ask(AskHeight(chain_id=network.chain_id, final=True))))
    best: Header | None = None
    for page in range(MAX_PAGES):
        numbers = range(height - page * PAGE, max(0, height - (page + 1) * PAGE), -1)
        answers = yield from ask_all([AskHeader(chain_id=network.chain_id, block=BlockNumber(n)) for n in numbers])
        for raw in answers:
            if not isinstance(raw, bytes):
                continue
            header = decode_header(raw, network.family, Where(network=network.name))
            late = header.timestamp - network.block_time > as_of
            if best is not None and not late:
                return best
            if header.state_root in roots:
                best = header
                if not late:
                    return best
    if best is None:
        what = f"a block of {network.name} with the state root of one of the newest {BATCHES} batches"
        raise NotThere(at.where, what)
    return best


def _batch(
    network: Network, settled: SettledOn, chain: Address, ring: HistoryRing, block: Header, batch: int
) -> Flow[Candidate]:
    """The block before one whose state a batch fixes, and the proof in that state of its hash."""
    before = BlockNumber(int(block.number) - 1)
    rlp = yield from ask(AskHeader(chain_id=network.chain_id, block=before))
    slot = slot_key(int(before) % ring.length)
    nodes = yield from ask(
        AskProof(
            chain_id=network.chain_id,
            address=ring.address,
            slots=(slot,),
            block_hash=block.hash,
            number=block.number,
            judge=lambda answer: _names(answer, block, ring, slot, network),
        )
    )
    places = (scroll.COUNTERS, mapping_slot(pad_uint(batch), scroll.STATE_ROOTS))
    reads = proxy_reads([(chain, places)], _implementations(settled))
    return Candidate(rlp, (batch.to_bytes(8, "big"),), reads, frozenset(nodes))


def _names(answer: tuple[bytes, ...], block: Header, ring: HistoryRing, slot: SlotKey, network: Network) -> None:
    """That nodes lead from the block's state root to the history contract's slot. Raises VerifierError."""
    where = Where(network=network.name, address=ring.address)
    table = NodeTable.from_hashed((keccak256(node), node) for node in answer)
    leaf = walk(block.state_root, keccak256(ring.address), table, where)
    items = [] if isinstance(leaf, Absent) else rlp_codec.decode_list(leaf, where)
    root = items[2] if len(items) > 2 else b""
    if not isinstance(root, bytes) or len(root) != 32:
        raise NotThere(where, "the history contract")
    if isinstance(walk(Hash32(root), keccak256(slot), table, where), Absent):
        raise NotThere(where, f"the hash of block {int(block.number) - 1} in the history contract")
