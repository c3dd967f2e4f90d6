"""OP Stack rollups with the old output oracle: an output that stands longer than the finalization period.

Who could forge a root: the one permissioned proposer, unless the challenger's key deletes the output within the period;
the owners of the proxy at any time. No fault proof exists.

Outputs can be deleted from any index on, so the array's length is proven beside the output: an index at or above it
holds leftovers. A network that has moved to dispute games keeps its old oracle with old roots in it; such a network's
entry names the new scheme, and this one is not asked. Where the portal's code is pinned, it has to pay by this oracle,
and not to be paused.

Preimages: index of the output (8 bytes) ‖ message passer's storage root (32).

Source: contracts-bedrock 0.17, L2OutputOracle.sol and its storage layout; Types.OutputProposal.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from verifier.codec.abi import array_slot, offset_slot
from verifier.errors import NotThere, WrongBinding, WrongHash
from verifier.primitives import Hash32, Timestamp, slot_key
from verifier.proven import ProvenHeader
from verifier.settlement.op_games import output_root
from verifier.settlement.op_rules import PORTAL_ORACLE, superchain_runs, told_address
from verifier.settlement.proposed import Proposal
from verifier.settlement.scheme import (
    Case,
    Verdict,
    check_code,
    exactly,
    refuse_denied,
    rollup_header,
    settle,
    settled_header,
    take,
)
from verifier.trust import Basis

OUTPUTS: Final = slot_key(3)
"""Array of two words each: output root; then timestamp (16 bytes) and block number (16), from the low end."""
PERIOD: Final = slot_key(8)
_HALF: Final = 1 << 128


def verify(case: Case, rlp: bytes, preimages: Sequence[bytes]) -> ProvenHeader:
    """
    Establish a rollup's header by an output of the oracle.

    Raises:
        NotThere: No output stands at the index.
        WrongHash, WrongBinding: The output there is another block's.
        NotSettled: The superchain is paused, where the portal's code is pinned.
        UnreviewedCode, Denied, Malformed, ProofError: As the scheme's shared steps raise them.
    """
    header = rollup_header(case, rlp)
    (only,) = take(preimages, 1, case.settled.scheme)
    exactly(only, 40, "output index and message passer's storage root")
    index = int.from_bytes(only[:8], "big")
    oracle = case.contract("oracle")
    reviewed = check_code(case, "oracle", oracle)
    reviewed &= _pays_by_it(case)
    root = output_root(header, only[8:])
    refuse_denied(case, "the output root", root)
    refuse_denied(case, "the header", header.hash)
    count = case.parent.word(oracle, OUTPUTS)
    if index >= int.from_bytes(count.word, "big"):
        raise NotThere(count.where, f"output {index} of {int.from_bytes(count.word, 'big')}")
    first = array_slot(OUTPUTS, index, 2)
    word = case.parent.word(oracle, first)
    if bytes(word.word) != root:
        raise WrongHash(word.where, f"the header's output root, against output {index},", word.word, root)
    packed = case.parent.number(oracle, offset_slot(first, 1))
    if packed // _HALF != header.number:
        raise WrongBinding(word.where, f"the block number of output {index}", header.number, packed // _HALF)
    since = Timestamp(packed % _HALF)
    verdict = Verdict(
        word=word,
        entry=f"output {index} of the oracle",
        root=Hash32(root),
        since=since,
        open_points=_open_points(case, since),
        bases=frozenset({Basis.PERMISSIONED}),
        reviewed=reviewed,
        proposal=Proposal(header.hash, case.now - since),  # one output for each height; a challenge deletes it
    )
    return settled_header(header, settle(case, verdict))


def _pays_by_it(case: Case) -> bool:
    """That the portal pays by this oracle, and is not paused, where its code is pinned; else it is not read."""
    if not case.settled.pins("portal"):
        return True
    portal = case.contract("portal")
    reviewed = check_code(case, "portal", portal)
    told_address(case, portal, PORTAL_ORACLE, 0, "oracle", "the oracle of the portal")
    return superchain_runs(case, portal) and reviewed


def _open_points(case: Case, since: Timestamp) -> tuple[str, ...]:
    """The period is the contract's own, and never less than the network's entry demands."""
    period = max(case.parent.number(case.contract("oracle"), PERIOD), case.settled.delay)
    passed = case.now - since
    return () if passed > period else (f"posted {passed} s ago; the period is {period} s",)
