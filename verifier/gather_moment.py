"""Finding the block of the as-of time, and the steps that prove it from an anchor after it.

Where the anchor is not after the as-of time, it is itself the snapshot. Otherwise its number is searched for with
headers asked by number, which are hints, and then reached by hash: over parent links where it is near, over the
history contract where it is far. A hint that lied leads to steps that prove nothing, and `verify_snapshot` refuses
them; the search is then made once more over headers that are each proven by the history contract.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from verifier.checker import Checker
from verifier.crypto.keccak import keccak256
from verifier.errors import NotThere, Unsupported, VerifierError, WrongBinding, WrongMoment
from verifier.evidence import HeaderStep, Link
from verifier.flow import AskHeader, AskProof, Flow, Unanswered, ask, ask_all
from verifier.headers.ancestry import history_read, verify_history, verify_parent
from verifier.headers.as_of import verify_snapshot
from verifier.headers.decode import Header, decode_header
from verifier.primitives import ZERO_HASH, BlockNumber, Hash32, Timestamp
from verifier.proven import ProvenHeader
from verifier.state.ethereum import verify_account, verify_word
from verifier.state.tree import state_root
from verifier.trie.table import NodeTable

NEAR: Final = 32
"""Up to this many parent links are cheaper than a hop: one batch of headers, no proof."""
MAX_PARENTS: Final = 512
"""A bundle holds no more steps than this."""
MAX_SEARCH: Final = 80
"""Rounds of the search for a number; interpolation and halving in turn need fewer for any chain."""


@dataclass(frozen=True, slots=True)
class _Reached:
    """A proven header, the steps from the anchor to it, and the nodes that those steps used."""

    header: ProvenHeader
    steps: tuple[HeaderStep, ...]
    nodes: frozenset[bytes]


def find_snapshot(
    anchor: ProvenHeader, as_of: Timestamp, checker: Checker
) -> Flow[tuple[ProvenHeader, tuple[HeaderStep, ...], frozenset[bytes]]]:
    """
    The header of the as-of time with what proves it to be that.

    Raises:
        Unanswered: No endpoint had a header or proof that the way needs.
        ProofError, PolicyError: What they had does not show the block of the time, or shows it too far away.
    """
    start = _Reached(anchor, (), frozenset())
    if anchor.timestamp > as_of:
        before = yield from _search(anchor, as_of)
        try:
            reached = yield from _reach(start, BlockNumber(before))
            return _checked(anchor, reached, as_of, checker)
        except (WrongMoment, Unanswered, NotThere):
            proven = yield from _search_proven(start, as_of)
            reached = yield from _reach(start, proven)
            return _checked(anchor, reached, as_of, checker)
    return _checked(anchor, start, as_of, checker)


def find_ancestor(newer: ProvenHeader, number: BlockNumber) -> Flow[ProvenHeader]:
    """
    The header of an older block on the chain of a proven one, over hops and parent links.

    Raises:
        Unanswered: No endpoint had a header or proof that the way needs.
        ProofError, Unsupported: The way does not lead there.
    """
    reached = yield from _reach(_Reached(newer, (), frozenset()), number)
    return reached.header


def _checked(
    anchor: ProvenHeader, reached: _Reached, as_of: Timestamp, checker: Checker
) -> tuple[ProvenHeader, tuple[HeaderStep, ...], frozenset[bytes]]:
    table = NodeTable.from_hashed((keccak256(node), node) for node in reached.nodes)
    header, _ = verify_snapshot(
        anchor, reached.steps, table, set(), as_of=as_of, now=checker.now, policy=checker.policy
    )
    return header, reached.steps, reached.nodes


# --- searching -------------------------------------------------------------------------------------------


def _search(anchor: ProvenHeader, as_of: Timestamp) -> Flow[BlockNumber]:
    """The number of the last block not after the time, as far as headers asked by number can be believed."""
    low, low_time = 0, -1
    high, high_time = int(anchor.number), int(anchor.timestamp)
    for round_ in range(MAX_SEARCH):
        if high - low <= 1:
            break
        behind = (high_time - as_of) // anchor.network.block_time + 1 + round_
        middle = _guess(low, low_time, high, high_time, as_of, behind, halve=round_ % 3 == 2)
        header = yield from _hint(anchor, BlockNumber(middle))
        if header is None:
            low = middle  # no endpoint keeps it: what is sought must be above, or is out of reach
        elif header.timestamp <= as_of:
            low, low_time = middle, int(header.timestamp)
        else:
            high, high_time = middle, int(header.timestamp)
    if high - low > 1:
        raise WrongMoment(anchor.where, "headers asked by number lead nowhere", f"{MAX_SEARCH} rounds", high - low)
    return BlockNumber(low)


def _guess(low: int, low_time: int, high: int, high_time: int, wanted: int, behind: int, *, halve: bool) -> int:
    """Strictly between the two; by even block times, and in every third round in the middle."""
    if halve or low_time < 0 or high_time <= low_time:
        # Nothing is known below yet: step back by the usual block time, not to the middle of history.
        guess = (low + high) // 2 if low_time >= 0 or halve else high - behind
    else:
        guess = low + (high - low) * max(0, wanted - low_time) // (high_time - low_time)
    return min(max(guess, low + 1), high - 1)


def _hint(anchor: ProvenHeader, number: BlockNumber) -> Flow[Header | None]:
    """A header asked for by number, or None where no endpoint has one."""
    try:
        rlp = yield from ask(AskHeader(chain_id=anchor.network.chain_id, block=number, judge=_numbered(anchor, number)))
    except Unanswered:
        return None
    return decode_header(rlp, anchor.network.family, anchor.where)


def _numbered(anchor: ProvenHeader, number: BlockNumber) -> Callable[[bytes], None]:
    def judge(rlp: bytes) -> None:
        found = decode_header(rlp, anchor.network.family, anchor.where).number
        if found != number:
            raise WrongBinding(anchor.where, "the number of the header", number, found)

    return judge


def _search_proven(start: _Reached, as_of: Timestamp) -> Flow[BlockNumber]:
    """The same number by halving over headers that the history contract proves; within one ring only."""
    ring = start.header.network.family.history
    if ring is None:
        raise Unsupported(start.header.where, "the endpoints' headers contradict each other, and no history contract")
    high = int(start.header.number)
    low = max(0, high - ring.length)
    while high - low > 1:
        middle = (low + high) // 2
        try:
            reached = yield from _hop(start, BlockNumber(middle))
            early = reached.header.timestamp <= as_of
        except NotThere:
            early = True  # the contract began later: what is sought must be above, or is out of reach
        low, high = (middle, high) if early else (low, middle)
    return BlockNumber(low)


# --- reaching --------------------------------------------------------------------------------------------


def _reach(start: _Reached, number: BlockNumber) -> Flow[_Reached]:
    """From the anchor to the block: hops to its successor where it is far, then parent links."""
    reached, ring = start, start.header.network.family.history
    while reached.header.number - number > NEAR:
        if ring is None:
            break
        target = max(number + 1, int(reached.header.number) - ring.length)
        try:
            reached = yield from _hop(reached, BlockNumber(target))
        except NotThere:
            if reached.header.number - number > MAX_PARENTS:
                raise
            break  # the network has no such contract yet; parent links reach as far
    return (yield from _parents(reached, number))


def _hop(newer: _Reached, number: BlockNumber) -> Flow[_Reached]:
    """One hop by the history contract: its slot proves the hash, the header must have it."""
    header = newer.header
    read = history_read(header.network, number)
    kept: dict[str, frozenset[bytes]] = {}

    def judge(nodes: tuple[bytes, ...]) -> None:
        by_hash = {keccak256(node): node for node in nodes}
        table, used = NodeTable.from_hashed(by_hash.items()), set[Hash32]()
        account = verify_account(state_root(header), read.address, table, used)
        kept["hash"] = frozenset({bytes(verify_word(account, read.slots[0], table, used).word)})
        kept["nodes"] = frozenset(by_hash[h] for h in used)

    yield from ask(
        AskProof(
            chain_id=header.network.chain_id,
            address=read.address,
            slots=read.slots,
            block_hash=header.hash,
            number=header.number,
            judge=judge,
        )
    )
    (named,) = kept["hash"]
    if named == ZERO_HASH:
        raise NotThere(header.where.at(address=read.address, slot=read.slots[0]), f"the hash of block {number}")
    table = NodeTable.from_hashed((keccak256(node), node) for node in kept["nodes"])
    question = AskHeader(
        chain_id=header.network.chain_id,
        block=Hash32(named),
        judge=lambda rlp: verify_history(header, rlp, table, set()),
    )
    rlp = yield from ask(question)
    older = verify_history(header, rlp, table, set())
    return _Reached(older, (*newer.steps, HeaderStep(Link.HISTORY, rlp)), newer.nodes | kept["nodes"])


def _parents(newer: _Reached, number: BlockNumber) -> Flow[_Reached]:
    """The headers in between, asked for in one batch by number, and each then held to its child's parent hash."""
    distance = int(newer.header.number) - int(number)
    if distance > MAX_PARENTS:
        what = f"block {number} is {distance} parent links away, and this family has no history contract"
        raise Unsupported(newer.header.where, what, f"pin a block at most {MAX_PARENTS} after it")
    chain = newer.header.network.chain_id
    numbers = [BlockNumber(n) for n in range(int(newer.header.number) - 1, int(number) - 1, -1)]
    hints = yield from ask_all([AskHeader(chain_id=chain, block=n, judge=_numbered(newer.header, n)) for n in numbers])
    header, steps = newer.header, list(newer.steps)
    for hint in hints:
        rlp = hint if isinstance(hint, bytes) and _follows(header, hint) else (yield from _by_hash(header))
        header = verify_parent(header, rlp)
        steps.append(HeaderStep(Link.PARENT, rlp))
    return _Reached(header, tuple(steps), newer.nodes)


def _follows(header: ProvenHeader, rlp: bytes) -> bool:
    try:
        verify_parent(header, rlp)
    except VerifierError:
        return False
    return True


def _by_hash(header: ProvenHeader) -> Flow[bytes]:
    """The parent, asked for by its hash: for an endpoint whose answer by number was of another chain."""
    return (
        yield from ask(
            AskHeader(
                chain_id=header.network.chain_id,
                block=header.parent_hash,
                judge=lambda rlp: verify_parent(header, rlp),
            )
        )
    )
