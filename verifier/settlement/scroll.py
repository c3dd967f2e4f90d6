"""Scroll, since its move to the keccak trie: the state root of a finalized batch, and a header that this state names.

Who could forge a root: whoever breaks the validity proof system or holds the owner's key; provers are permissioned.

The contract fixes a state root alone: no header, no number, no time. A header with an equal state root would not do,
since two blocks may share one. What the root does prove is its own history contract, which names the blocks before it
by hash; so the header that this scheme establishes is one of those, and carries its own number and time. On a network
without that contract such a root cannot be tied to a moment, and nothing is established.

Preimages: the batch's index (8 bytes).

Source: scroll-tech/scroll-contracts, ScrollChain.sol (March 2026), slots by compiling it; EIP-2935.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from verifier.codec.abi import mapping_slot, pad_uint
from verifier.errors import NotSettled, NotThere, Unsupported, WrongHash
from verifier.headers.decode import Header
from verifier.primitives import Hash32, slot_key
from verifier.proven import ProvenHeader, ProvenRoot
from verifier.settlement.scheme import (
    Case,
    Verdict,
    check_code,
    exactly,
    refuse_denied,
    rollup_header,
    settle,
    settled_header,
    settled_root,
    take,
)
from verifier.state.reader import StateReader
from verifier.trust import Basis

STATE_ROOTS: Final = slot_key(158)
"""Mapping of batch index to state root; only the last batch of each finalized bundle has an entry."""
COUNTERS: Final = slot_key(161)
"""Last committed batch (8 bytes), last finalized batch (8), time, flags, from the low end."""


def verify(case: Case, rlp: bytes, preimages: Sequence[bytes]) -> ProvenHeader:
    """
    Establish a rollup's header by the history contract under the state root of a finalized batch.

    Raises:
        NotSettled: The batch is committed, and not finalized.
        NotThere: It has no state root of its own, or its state names no block of the header's number.
        WrongHash: It names another block there.
        Unsupported: The network has no history contract that we know.
        UnreviewedCode, Denied, Malformed, ProofError: As the scheme's shared steps raise them.
    """
    header = rollup_header(case, rlp)
    (only,) = take(preimages, 1, case.settled.scheme)
    batch = int.from_bytes(exactly(only, 8, "a batch index"), "big")
    chain = case.contract("scroll_chain")
    reviewed = check_code(case, "scroll_chain", chain)
    counters = case.parent.word(chain, COUNTERS)
    finalized = int.from_bytes(counters.word, "big") >> 64 & (1 << 64) - 1
    if batch > finalized:
        raise NotSettled(counters.where, "the last finalized batch", f"at least {batch}", finalized)
    word = case.parent.word(chain, mapping_slot(pad_uint(batch), STATE_ROOTS))
    if not any(word.word):
        raise NotThere(word.where, f"a state root of batch {batch}")
    root = Hash32(bytes(word.word))
    for what, value in (("the state root", root), ("the header", header.hash)):
        refuse_denied(case, what, value)
    verdict = Verdict(
        word=word,
        entry=f"batch {batch}",
        root=root,
        since=None,
        open_points=(),
        bases=frozenset({Basis.VALIDITY}),
        reviewed=reviewed,
    )
    return _named_by(case, settled_root(settle(case, verdict), root), header)


def _named_by(case: Case, root: ProvenRoot, header: Header) -> ProvenHeader:
    """The header whose hash the history contract holds, at the slot of the header's own number."""
    ring = case.network.family.history
    if ring is None:
        what = "a state root without a header, on a network without a known contract of old block hashes"
        raise Unsupported(case.where, what, "pin a block of the network instead")
    state = StateReader(root, case.nodes, case.used)
    word = state.word(ring.address, slot_key(int(header.number) % ring.length))
    if not any(word.word):
        raise NotThere(word.where, f"the hash of block {header.number} in the history contract")
    if bytes(word.word) != header.hash:
        raise WrongHash(word.where, f"the header of block {header.number}", word.word, header.hash)
    return settled_header(header, word)
