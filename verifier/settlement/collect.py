"""Gathering what judging a rollup's root needs: ask for the places that are known beforehand, judge, ask for the rest.

A scheme's asking half finds candidates by hints and says which places it will read. Judging itself then tells what is
still missing, place by place; rounds are bounded. A lying hint costs a candidate, and never changes a verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from verifier.claims import AccountRead
from verifier.crypto.keccak import keccak256
from verifier.errors import MissingNode, NotSettled, VerifierError, Where
from verifier.flow import AskProof, Flow, Unanswered, ask_all
from verifier.headers.decode import decode_header
from verifier.network import Network
from verifier.policy import Policy
from verifier.primitives import Address, Hash32, SlotKey
from verifier.proven import ProvenHeader
from verifier.settlement.reach import OutOfReach, check_reach
from verifier.settlement.scheme import IMPLEMENTATION_SLOT, Verify, case_of
from verifier.state.ethereum import verify_account, verify_word
from verifier.state.tree import state_root
from verifier.trie.table import NodeTable
from verifier.trust import Settlement

MAX_ROUNDS: Final = 6

_Reason = VerifierError | Unanswered


@dataclass(frozen=True, slots=True)
class Candidate:
    """A header of the rollup with what may settle it, as hints told it.

    Attributes:
        reads: Places of the parent's state that judging is known to need.
        nodes: Nodes of the parent's state that were gathered already.
    """

    rlp: bytes
    preimages: tuple[bytes, ...]
    reads: tuple[AccountRead, ...]
    nodes: frozenset[bytes] = frozenset()


@dataclass(frozen=True, slots=True)
class Settled:
    """A rollup's header as judged under a parent's header, with exactly the nodes that judging used."""

    rlp: bytes
    preimages: tuple[bytes, ...]
    header: ProvenHeader
    nodes: frozenset[bytes]


def collect(network: Network, at: ProvenHeader, policy: Policy, candidate: Candidate, verify: Verify) -> Flow[Settled]:
    """
    Gather the nodes that judging a candidate needs.

    Args:
        at: The parent's header.

    Raises:
        Unanswered: No endpoint proved a place that judging needs.
        VerifierError: The candidate does not stand: as judging raises it.
    """
    nodes: dict[Hash32, bytes] = {keccak256(node): node for node in candidate.nodes}
    wanted: tuple[AccountRead, ...] = candidate.reads
    for _ in range(MAX_ROUNDS):
        answers = yield from ask_all([_question(at, read, nodes) for read in wanted])
        for answer in answers:
            if isinstance(answer, Unanswered):
                raise answer
        used = set[Hash32]()
        case = case_of(network, at, NodeTable.from_hashed(nodes.items()), used, policy, None)
        try:
            header = verify(case, candidate.rlp, candidate.preimages)
        except MissingNode as missing:
            wanted = (_place(missing, at),)
            continue
        return Settled(candidate.rlp, candidate.preimages, header, frozenset(nodes[found] for found in used))
    raise MissingNode(at.where, bytes(32), f"after {MAX_ROUNDS} rounds of questions")


def _place(missing: MissingNode, at: ProvenHeader) -> AccountRead:
    """The place that judging missed. One of another network's state cannot be asked for here."""
    where = missing.where
    if where.address is None or where.network != at.network.name:
        raise missing
    return AccountRead(Address(where.address), () if where.slot is None else (SlotKey(where.slot),))


def _question(at: ProvenHeader, read: AccountRead, nodes: dict[Hash32, bytes]) -> AskProof:
    def judge(answer: tuple[bytes, ...]) -> None:
        by_hash = {keccak256(node): node for node in answer}
        table, used = NodeTable.from_hashed(by_hash.items()), set[Hash32]()
        account = verify_account(state_root(at), read.address, table, used)
        for slot in read.slots:
            verify_word(account, slot, table, used)
        nodes.update((found, by_hash[found]) for found in used)

    return AskProof(
        chain_id=at.network.chain_id,
        address=read.address,
        slots=read.slots,
        block_hash=at.hash,
        number=at.number,
        judge=judge,
    )


def proxy_reads(
    contracts: Iterable[tuple[Address, Sequence[SlotKey]]], implementations: Iterable[Address]
) -> tuple[AccountRead, ...]:
    """Proxies with their implementation slots and further slots, and the accounts of known implementations."""
    by_address: dict[Address, dict[SlotKey, None]] = {}
    for address, slots in contracts:
        by_address.setdefault(address, {IMPLEMENTATION_SLOT: None}).update(dict.fromkeys(slots))
    for address in implementations:
        by_address.setdefault(address, {})
    return tuple(AccountRead(address, tuple(slots)) for address, slots in by_address.items())


def first_that_stands(
    network: Network,
    at: ProvenHeader,
    policy: Policy,
    candidates: Iterable[Flow[Candidate]],
    verify: Verify,
    takes: Callable[[ProvenHeader], bool],
) -> Flow[Settled]:
    """
    The first candidate whose state is served, that judging establishes, that the policy takes, and that is wanted.

    Raises:
        VerifierError: None stands: what the first lacks that the contract holds, else why the first does not stand.
        Unanswered: None could be judged.
    """
    reason: _Reason | None = None
    weaker: Settled | None = None
    unreached = -1
    for candidate in candidates:
        try:
            made = yield from candidate
            block = decode_header(made.rlp, network.family, Where(network=network.name))
            if block.number <= unreached:
                continue  # what nobody proves of one block, nobody does of an older one
            try:
                yield from check_reach(network, block)
            except OutOfReach:
                unreached = int(block.number)
                raise
            found = yield from collect(network, at, policy, made, verify)
        except (VerifierError, Unanswered) as error:
            reason = _the_more_telling(reason, error)
            continue
        if not takes(found.header):
            continue
        if policy.takes(found.header.trust):
            return found
        if weaker is None or _grade(found) is Settlement.SETTLED is not _grade(weaker):
            weaker = found
    if weaker is not None:
        return weaker  # the policy says why it does not count
    raise reason if reason is not None else MissingNode(at.where, bytes(32), "no candidate was told")


def _grade(found: Settled) -> Settlement | None:
    return found.header.trust.settlement


def _the_more_telling(first: _Reason | None, error: _Reason) -> _Reason:
    """Anyone can post a root that no block has; what is not settled of a true one says more, and unread ones least."""
    ranks = (NotSettled, OutOfReach, VerifierError, Unanswered)

    def rank(reason: _Reason) -> int:
        return next(i for i, kind in enumerate(ranks) if isinstance(reason, kind))

    return error if first is None or rank(error) < rank(first) else first


__all__ = ["Candidate", "Settled", "collect", "first_that_stands", "proxy_reads"]
