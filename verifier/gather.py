"""What to ask the networks, and holding each answer to its question before the next is asked.

One flow for each network: the anchor first, then (for a past as-of time) the block of that time, then one proof for
each address with all its slots, all at once. Judges verify as answers come, so a liar is left at once; what is kept
are exactly the nodes that verification used. `verify.py` replays the same steps on the finished bundle.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from verifier.assets import kind_of
from verifier.claims import Claim, Reads
from verifier.consensus.weaker import verify_anchor
from verifier.crypto.keccak import keccak256
from verifier.errors import VerifierError, Where
from verifier.evidence import Bundle, HeaderStep, Section, Settling
from verifier.flow import AskHeader, AskProof, Flow, Unanswered, ask, ask_all
from verifier.gather_moment import find_snapshot
from verifier.network import Network
from verifier.primitives import Address, ChainId, Hash32, SlotKey, Timestamp
from verifier.proven import ProvenHeader
from verifier.settlement import gather_settlement
from verifier.state.ethereum import asked_slot, verify_account, verify_word
from verifier.state.tree import state_root
from verifier.trie.table import NodeTable
from verifier.trust import HeaderRoot
from verifier.verify import Checker, check_meaning, check_parent


@dataclass(frozen=True, slots=True)
class Gathered:
    """What one network's flow came back with.

    Attributes:
        anchor: The header that the trust root names, or None where not even that could be had.
        nodes: Exactly the nodes that verification used.
        failed: For each claim without evidence: why.
        settling: What ties the anchor to the parent's, where no root names it.
    """

    chain_id: ChainId
    anchor: bytes | None
    steps: tuple[HeaderStep, ...]
    nodes: frozenset[bytes]
    failed: Mapping[int, Unanswered | VerifierError]
    settling: Settling | None = None


@dataclass(frozen=True, slots=True)
class Anchored:
    """A network's anchor header, and what ties it to a root of the checker beside its own hash."""

    rlp: bytes
    header: ProvenHeader
    settling: Settling | None = None
    nodes: frozenset[bytes] = frozenset()

    def alone(self) -> Gathered:
        """A part that holds the anchor only: for a parent that no claim speaks of."""
        return Gathered(self.header.network.chain_id, self.rlp, (), self.nodes, {}, self.settling)


def gather_anchor(network: Network, root: HeaderRoot) -> Flow[Anchored]:
    """
    The header that a trust root names.

    Raises:
        Unanswered: No endpoint has it.
    """
    where = Where(network=network.name)
    rlp = yield from ask(
        AskHeader(
            chain_id=network.chain_id,
            block=root.hash,
            judge=lambda header: verify_anchor(header, network, (root,), where),
        )
    )
    return Anchored(rlp, verify_anchor(rlp, network, (root,), where))


def gather_settled(network: Network, parent: ProvenHeader, as_of: Timestamp, checker: Checker) -> Flow[Anchored]:
    """
    A rollup's header that its parent's contract holds, for an as-of time.

    Args:
        parent: The anchor of the parent network.

    Raises:
        Unanswered, VerifierError: No endpoint shows a root that stands.
    """
    check_parent(parent, as_of, checker)
    found = yield from gather_settlement(network, parent, as_of, checker.policy)
    return Anchored(found.rlp, found.header, Settling(parent.network.chain_id, found.preimages), found.nodes)


def gather_section(
    network: Network,
    claims: Sequence[tuple[int, Claim]],
    root: HeaderRoot | Anchored,
    as_of: Timestamp,
    checker: Checker,
) -> Flow[Gathered]:
    """
    Gather one network's evidence under one trust root, or under an anchor that was gathered before.

    Args:
        claims: This network's claims, each with its index in the account.

    Returns:
        Evidence that has passed the same checks that `verify_section` will make. It never raises for what endpoints
        do: claims without honest evidence stand in `failed`.
    """
    try:
        anchored = root if isinstance(root, Anchored) else (yield from gather_anchor(network, root))
        header, steps, nodes = yield from find_snapshot(anchored.header, as_of, checker)
    except (Unanswered, VerifierError) as error:
        return Gathered(network.chain_id, None, (), frozenset(), dict.fromkeys((i for i, _ in claims), error))
    proofs, failed = yield from _gather_proofs(header, claims, checker)
    used = anchored.nodes | nodes | proofs
    return Gathered(network.chain_id, anchored.rlp, steps, used, failed, anchored.settling)


_Place = tuple[Address, SlotKey | None]
"""An account (None), or one slot of it."""


class _Kept:
    """What honest answers proved: for each account and slot the nodes that its proof used, or why there is none."""

    __slots__ = ("failed", "nodes")

    def __init__(self) -> None:
        self.nodes: dict[_Place, frozenset[bytes]] = {}
        self.failed: dict[_Place, Unanswered] = {}

    def question(self, header: ProvenHeader, address: Address, slots: tuple[SlotKey, ...]) -> AskProof:
        """One question, whose judge proves the account and each slot, and keeps what the proofs used."""

        def judge(answer: tuple[bytes, ...]) -> None:
            by_hash = {keccak256(node): node for node in answer}
            table, used, found = NodeTable.from_hashed(by_hash.items()), set[Hash32](), dict[_Place, frozenset[bytes]]()
            account = verify_account(state_root(header), address, table, used)
            found[address, None] = frozenset(by_hash[h] for h in used)
            for slot in slots:
                used = set()
                verify_word(account, slot, table, used)
                found[address, slot] = frozenset(by_hash[h] for h in used)
            self.nodes.update(found)

        return AskProof(
            chain_id=header.network.chain_id,
            address=address,
            slots=tuple(asked_slot(header.network, slot) for slot in slots),
            block_hash=header.hash,
            number=header.number,
            judge=judge,
        )

    def failure(self, reads: Reads) -> Unanswered | None:
        """Why a claim's reads are not all proven, if they are not."""
        return next((self.failed[place] for place in _places(reads) if place not in self.nodes), None)


def _places(reads: Reads) -> Iterator[_Place]:
    for read in reads.accounts:
        yield read.address, None
        yield from ((read.address, slot) for slot in read.slots)


def _gather_proofs(
    header: ProvenHeader, claims: Sequence[tuple[int, Claim]], checker: Checker
) -> Flow[tuple[frozenset[bytes], dict[int, Unanswered | VerifierError]]]:
    """One question for each address with all its slots. Where every endpoint's answer to that was refused, its slots
    are asked for one by one, so that one bad word does not take its neighbours along.
    """
    failed: dict[int, Unanswered | VerifierError] = {}
    wanted: dict[int, Reads] = {}
    for i, claim in claims:
        try:
            wanted[i] = _reads(claim, header.network, checker)
        except VerifierError as error:
            failed[i] = error
    kept = _Kept()
    slots = _slots_by_address(wanted.values())
    lied = yield from _ask_places(header, kept, list(slots.items()))
    single = [(address, (slot,)) for address, keys in lied if len(keys) > 1 for slot in keys]
    yield from _ask_places(header, kept, single)
    for i, reads in wanted.items():
        reason = kept.failure(reads)
        if reason is not None:
            failed[i] = reason
    proven = (kept.nodes[place] for i, reads in wanted.items() if i not in failed for place in _places(reads))
    return frozenset[bytes]().union(*proven), failed


def _ask_places(
    header: ProvenHeader, kept: _Kept, wanted: Sequence[tuple[Address, tuple[SlotKey, ...]]]
) -> Flow[list[tuple[Address, tuple[SlotKey, ...]]]]:
    """Ask for all of them at once; what comes back are those whose answers were refused."""
    answers = yield from ask_all([kept.question(header, address, slots) for address, slots in wanted])
    lied: list[tuple[Address, tuple[SlotKey, ...]]] = []
    for (address, slots), answer in zip(wanted, answers, strict=True):
        if isinstance(answer, Unanswered):
            kept.failed.update({(address, place): answer for place in (None, *slots)})
            if answer.lied:
                lied.append((address, slots))
    return lied


def _reads(claim: Claim, network: Network, checker: Checker) -> Reads:
    """The claim's reads; a meaning that the checker does not take is refused before anything is asked."""
    where = Where(network=network.name, address=claim.holder)
    known, accepted = check_meaning(claim, network, checker.meanings, checker.policy, where)
    return kind_of(claim).compile(claim, known, accepted=accepted)


def _slots_by_address(wanted: Iterable[Reads]) -> dict[Address, tuple[SlotKey, ...]]:
    """One question for each address, with each slot once."""
    slots: dict[Address, dict[SlotKey, None]] = {}
    for reads in wanted:
        for read in reads.accounts:
            slots.setdefault(read.address, {}).update(dict.fromkeys(read.slots))
    return {address: tuple(keys) for address, keys in slots.items()}


def assemble(
    as_of: Timestamp, claims: Sequence[Claim], parts: Iterable[Gathered], parents: Iterable[Gathered] = ()
) -> Bundle:
    """
    One bundle from what the networks' flows came back with: each node once, claims without evidence named.

    Args:
        parents: Anchors of networks that others settle on, for those of which no claim has evidence.
    """
    have = {part.chain_id: part for part in parts if part.anchor is not None}
    answered = {i for i, claim in enumerate(claims) if claim.chain_id in have and i not in have[claim.chain_id].failed}
    chains = {claims[i].chain_id for i in answered}
    alone = {part.chain_id: part for part in parents}
    kept = _needed(alone | {chain: have[chain] for chain in chains}, chains)
    nodes = sorted(frozenset().union(*(part.nodes for part in kept)))
    place = {node: i for i, node in enumerate(nodes)}
    sections = tuple(
        Section(
            part.chain_id, part.anchor, part.steps, tuple(sorted(place[node] for node in part.nodes)), part.settling
        )
        for part in sorted(kept, key=lambda part: part.chain_id)
        if part.anchor is not None
    )
    omitted = tuple(i for i in range(len(claims)) if i not in answered)
    return Bundle(as_of, tuple(claims), omitted, sections, tuple(nodes))


def _needed(have: Mapping[ChainId, Gathered], chains: Iterable[ChainId]) -> list[Gathered]:
    """The parts of some networks, and of the parents that their anchors rest on."""
    kept: dict[ChainId, Gathered] = {}
    waiting = list(chains)
    while waiting:
        part = have[waiting.pop()]
        kept[part.chain_id] = part
        if part.settling is not None and part.settling.parent not in kept:
            waiting.append(part.settling.parent)
    return list(kept.values())
