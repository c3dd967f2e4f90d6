"""Arbitrum rollups: the block of a confirmed assertion (BoLD), of a confirmed node (before it), or of the outbox.

Who could forge a root: validators, where no honest one challenges a false assertion within its window; the owners and
the Security Council at any time; a fast confirmer, where the chain has one; for AnyTrust chains also their data
committee, which can withhold.

Three routes, told by what the preimage holds:
- *assertion*: the rollup's record of an assertion whose hash covers the block hash. Confirmed is `settled`; pending is
  `proposed`, and its parent's second child says whether a rival stands beside it. Where the parent is pending too, the
  same is asked of it, up to one that is confirmed: only rivals can be challenged, so without one nothing is.
- *node* (`arbitrum_classic`): the rollup's latest confirmed node, whose confirm data covers the block hash. The packed
  neighbours in its word are counters of unconfirmed nodes, and are not read.
- *outbox*: the contract that lets withdrawals out holds the block hash under the header's send root. It is written
  only when an assertion is confirmed; it does not say which.

Source: OffchainLabs/nitro-contracts 3.2.0, 2.1.3 and 1.3.0: RollupCore.sol, Assertion.sol, AssertionState.sol,
Node.sol, AbsOutbox.sol; slots by compiling them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from verifier.codec.abi import mapping_slot, offset_slot, pad_bytesn, pad_uint
from verifier.crypto.keccak import keccak256
from verifier.errors import BadInput, NotSettled, NotThere, UnreviewedCode, WrongBinding, WrongHash
from verifier.headers.decode import Header
from verifier.network import OwnConsensus
from verifier.primitives import Address, Hash32, SlotKey, slot_key, to_hex
from verifier.proven import ProvenHeader, ProvenWord
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

ASSERTIONS: Final = slot_key(117)
"""Rollup (BoLD): mapping of assertion hash to its node; word 0 is packed, see `_STATUS_AT`."""
LATEST_NODE: Final = slot_key(117)
"""Rollup (classic): latest confirmed node (8 bytes), first unresolved, latest created, from the low end."""
NODES: Final = slot_key(118)
CONFIRM_DATA: Final = 2
"""Word of a node that holds its confirm data."""
OUTBOX_ROOTS: Final = slot_key(3)

SECONDARY_IMPLEMENTATION: Final = SlotKey(
    (int.from_bytes(keccak256(b"eip1967.proxy.implementation.secondary"), "big") - 1).to_bytes(32, "big")
)
"""Rollup: where its proxy keeps the logic of everybody but the owner. Source: DoubleLogicERC1967Upgrade."""

_STATUS_AT: Final = 8 * 25
_SECOND_CHILD_AT: Final = 8 * 8
_PENDING, _CONFIRMED, _FINISHED = 1, 2, 1
_CREATED_AT: Final = 8 * 16
_ASSERTION: Final = 32 + 192 + 32
LINK: Final = 96
"""An ancestor's preimage: parent assertion hash, hash of its state, inbox accumulator."""
MAX_ANCESTORS: Final = 512
_FAULT: Final = frozenset({Basis.FAULT_PROOF})


def verify_bold(case: Case, rlp: bytes, preimages: Sequence[bytes]) -> ProvenHeader:
    """
    Establish a rollup's header by an assertion, or by the outbox.

    Args:
        preimages: One, untrusted. Empty: the outbox. Else parent assertion hash (32) ‖ ABI encoding of the assertion's
            state (192: block hash, send root, inbox position, position in message, machine status, end history root)
            ‖ inbox accumulator (32); then, where the assertion and its parent are pending, `LINK` bytes for each
            pending ancestor, the nearest first.

    Raises:
        NotThere: The rollup knows no such assertion, or the outbox no such root.
        NotSettled: The machine did not finish, so its state is not a block's.
        WrongHash, WrongBinding: It is another block's.
        UnreviewedCode, Denied, Malformed, ProofError: As the scheme's shared steps raise them.
    """
    header = rollup_header(case, rlp)
    refuse_denied(case, "the header", header.hash)
    (only,) = take(preimages, 1, case.settled.scheme)
    if not only:
        return _by_outbox(case, header)
    only, links = only[:_ASSERTION], only[_ASSERTION:]
    exactly(only, _ASSERTION, "an assertion's preimage")
    state = only[32:224]
    _is_of(case, header, state)
    assertion = keccak256(only[:32] + keccak256(state) + only[224:])
    refuse_denied(case, "the assertion", assertion)
    rollup = case.contract("rollup")
    reviewed = _reviewed(case, rollup)
    word = case.parent.word(rollup, mapping_slot(pad_bytesn(assertion), ASSERTIONS))
    status = _status(word)
    if status == 0:
        raise NotThere(word.where, f"assertion 0x{assertion.hex()}")
    if status not in {_PENDING, _CONFIRMED}:
        raise NotSettled(word.where, "the assertion's status", "1 (pending) or 2 (confirmed)", status)
    if status == _CONFIRMED and links:
        raise BadInput("a confirmed assertion's ancestors", "none", links)
    rivals, unshown = ((), ()) if status == _CONFIRMED else _beside(case, rollup, Hash32(only[:32]), links)
    verdict = Verdict(
        word=word,
        entry=f"assertion 0x{assertion.hex()}",
        root=header.hash,
        since=None,
        open_points=() if status == _CONFIRMED else ("pending", *rivals),
        bases=_FAULT,
        reviewed=reviewed,
        proposal=Proposal(header.hash, _age(case, word), rivals, unshown),
    )
    return settled_header(header, settle(case, verdict))


def _reviewed(case: Case, rollup: Address) -> bool:
    """Whether both codes behind the rollup's proxy are reviewed: the owner's, and that of everybody else."""
    return check_code(case, "rollup", rollup) and _user_logic(case, rollup)


def _user_logic(case: Case, rollup: Address) -> bool:
    """Whether the code that stakers reach is what the role `rollup_user` pins, where the proxy has a second one."""
    pins = case.settled.pins("rollup_user")
    pointer = case.parent.word(rollup, SECONDARY_IMPLEMENTATION)
    if not pins and not any(pointer.word):
        return True
    target = Address(bytes(pointer.word[12:]))
    code = case.parent.account(target)
    if any(pin.code_hash == code.code_hash for pin in pins):
        return True
    if (case.settled.parent, rollup) in case.policy.accept_contracts:
        return False
    expected = " or ".join(to_hex(pin.code_hash) for pin in pins) or "nothing (no code was reviewed)"
    raise UnreviewedCode(code.where, "the rollup contract's user logic", expected, code.code_hash)


def _status(word: ProvenWord) -> int:
    return int.from_bytes(word.word, "big") >> _STATUS_AT & 0xFF


def _age(case: Case, word: ProvenWord) -> int | None:
    """
    Seconds since an assertion was made, at least: blocks of the parent since then, each at least one slot long.

    The contract keeps the number of the block only. It is a time where each block fills a slot of a fixed length, which
    is so of a beacon chain and of nothing else here.
    """
    rooted = case.at.network.rooted_by
    if not isinstance(rooted, OwnConsensus) or rooted.kind != "beacon":
        return None
    created = int.from_bytes(word.word, "big") >> _CREATED_AT & (1 << 64) - 1
    return (int(case.at.number) - created) * case.at.network.block_time


def _beside(case: Case, rollup: Address, parent: Hash32, links: bytes) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Rivals of a pending assertion and of its pending ancestors, and what is not shown of those."""
    if len(links) % LINK or len(links) > LINK * MAX_ANCESTORS:
        raise BadInput("an assertion's ancestors", f"{LINK} bytes each, {MAX_ANCESTORS} at most", len(links))
    found: list[str] = []
    for at in range(0, len(links) + 1, LINK):
        word = case.parent.word(rollup, mapping_slot(pad_bytesn(parent), ASSERTIONS))
        if int.from_bytes(word.word, "big") >> _SECOND_CHILD_AT & (1 << 64) - 1:
            found.append("an ancestor has a second child: a rival" if at else "its parent has a second child: a rival")
        status, link = _status(word), links[at : at + LINK]
        if status == _CONFIRMED and link:
            raise BadInput("a confirmed assertion's ancestors", "none", link)
        if status == _CONFIRMED:
            return tuple(found), ()
        if status != _PENDING or not link:
            break
        if keccak256(link) != parent:
            raise WrongHash(word.where, "the preimage of an ancestor", parent, keccak256(link))
        parent = Hash32(link[:32])
    return tuple(found), ("that its ancestors up to a confirmed one have no rivals",)


def _is_of(case: Case, header: Header, state: bytes) -> None:
    """That an assertion's state is the end of this block, and a finished machine's."""
    if state[:32] != header.hash:
        raise WrongHash(case.where, "the header of the assertion's block", state[:32], header.hash)
    words = [int.from_bytes(state[i : i + 32], "big") for i in range(64, 160, 32)]
    if words[2] != _FINISHED:
        raise NotSettled(case.where, "the assertion's machine status", "1 (finished)", words[2])
    if max(words[:2]) >> 64:
        raise BadInput("an assertion's positions", "two 64-bit integers", max(words[:2]))


def _by_outbox(case: Case, header: Header) -> ProvenHeader:
    """The block that the outbox holds under the header's own send root; another block with that root is refused."""
    outbox = case.contract("outbox")
    reviewed = check_code(case, "outbox", outbox)
    send_root = header.extra_data
    if len(send_root) != 32:
        raise WrongBinding(case.where, "the send root in the header's extra data", "32 bytes", send_root)
    word = case.parent.word(outbox, mapping_slot(pad_bytesn(send_root), OUTBOX_ROOTS))
    if not any(word.word):
        raise NotThere(word.where, f"a block under send root 0x{send_root.hex()}")
    if bytes(word.word) != header.hash:
        raise WrongHash(word.where, "the header under this send root", word.word, header.hash)
    verdict = Verdict(
        word=word,
        entry=f"send root 0x{send_root.hex()} in the outbox",
        root=header.hash,
        since=None,
        open_points=(),
        bases=_FAULT,
        reviewed=reviewed,
    )
    return settled_header(header, settle(case, verdict))


def verify_classic(case: Case, rlp: bytes, preimages: Sequence[bytes]) -> ProvenHeader:
    """
    Establish a rollup's header by the latest confirmed node, or by the outbox.

    Args:
        preimages: One, untrusted. Empty: the outbox. Else the node's number (8 bytes).

    Raises:
        NotSettled: The node is not the latest confirmed one.
        WrongHash: Its confirm data is not that of this block and its send root.
        NotThere, UnreviewedCode, Denied, Malformed, ProofError: As the scheme's shared steps raise them.
    """
    header = rollup_header(case, rlp)
    refuse_denied(case, "the header", header.hash)
    (only,) = take(preimages, 1, case.settled.scheme)
    if not only:
        return _by_outbox(case, header)
    number = int.from_bytes(exactly(only, 8, "a node's number"), "big")
    rollup = case.contract("rollup")
    reviewed = _reviewed(case, rollup)
    latest = case.parent.word(rollup, LATEST_NODE)
    confirmed = int.from_bytes(latest.word, "big") & (1 << 64) - 1
    if number != confirmed:
        raise NotSettled(latest.where, "the latest confirmed node", number, confirmed)
    word = case.parent.word(rollup, offset_slot(mapping_slot(pad_uint(number), NODES), CONFIRM_DATA))
    found = keccak256(header.hash + header.extra_data)
    if bytes(word.word) != found:
        raise WrongHash(word.where, "block hash and send root", word.word, found)
    verdict = Verdict(
        word=word,
        entry=f"node {number}",
        root=Hash32(bytes(word.word)),
        since=None,
        open_points=(),
        bases=_FAULT,
        reviewed=reviewed,
    )
    return settled_header(header, settle(case, verdict))
