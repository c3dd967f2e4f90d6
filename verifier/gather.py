"""What to ask the networks, and holding each answer to its question before the next is asked.

One flow for each network: the anchor first, then (for a past as-of time) the block of that time, then one proof for
each address with all its slots, all at once. Judges verify as answers come, so a liar is left at once; what is kept
are exactly the nodes that verification used. `verify.py` replays the same steps on the finished bundle.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from verifier.assets import kind_of
from verifier.claims import Claim, Reads
from verifier.consensus.weaker import verify_anchor
from verifier.crypto.keccak import keccak256
from verifier.errors import VerifierError, Where
from verifier.evidence import Bundle, HeaderStep, Section
from verifier.flow import AskHeader, AskProof, Flow, Unanswered, ask, ask_all
from verifier.gather_moment import find_snapshot
from verifier.network import Network
from verifier.primitives import Address, ChainId, Hash32, SlotKey, Timestamp
from verifier.proven import ProvenHeader
from verifier.state.ethereum import asked_slot, verify_account, verify_word
from verifier.state.tree import state_root
from verifier.trie.table import NodeTable
from verifier.trust import TrustRoot
from verifier.verify import Checker, check_meaning


@dataclass(frozen=True, slots=True)
class Gathered:
    """What one network's flow came back with.

    Attributes:
        anchor: The header that the trust root names, or None where not even that could be had.
        nodes: Exactly the nodes that verification used.
        failed: For each claim without evidence: why.
    """

    chain_id: ChainId
    anchor: bytes | None
    steps: tuple[HeaderStep, ...]
    nodes: frozenset[bytes]
    failed: Mapping[int, Unanswered | VerifierError]


def gather_section(
    network: Network, claims: Sequence[tuple[int, Claim]], root: TrustRoot, as_of: Timestamp, checker: Checker
) -> Flow[Gathered]:
    """
    Gather one network's evidence under one trust root.

    Args:
        claims: This network's claims, each with its index in the account.

    Returns:
        Evidence that has passed the same checks that `verify_section` will make. It never raises for what endpoints
        do: claims without honest evidence stand in `failed`.
    """
    where = Where(network=network.name)
    try:
        rlp = yield from ask(
            AskHeader(
                chain_id=network.chain_id,
                block=root.hash,
                judge=lambda header: verify_anchor(header, network, (root,), where),
            )
        )
        anchor = verify_anchor(rlp, network, (root,), where)
        header, steps, nodes = yield from find_snapshot(anchor, as_of, checker)
    except (Unanswered, VerifierError) as error:
        return Gathered(network.chain_id, None, (), frozenset(), dict.fromkeys((i for i, _ in claims), error))
    proofs, failed = yield from _gather_proofs(header, claims, checker)
    return Gathered(network.chain_id, rlp, steps, nodes | proofs, failed)


def _gather_proofs(
    header: ProvenHeader, claims: Sequence[tuple[int, Claim]], checker: Checker
) -> Flow[tuple[frozenset[bytes], dict[int, Unanswered | VerifierError]]]:
    failed: dict[int, Unanswered | VerifierError] = {}
    wanted: dict[int, Reads] = {}
    for i, claim in claims:
        try:
            wanted[i] = _reads(claim, header.network, checker)
        except VerifierError as error:
            failed[i] = error
    slots = _slots_by_address(wanted.values())
    kept: dict[Address, frozenset[bytes]] = {}
    answers = yield from ask_all(
        [
            AskProof(
                chain_id=header.network.chain_id,
                address=address,
                slots=tuple(asked_slot(header.network, slot) for slot in keys),
                block_hash=header.hash,
                number=header.number,
                judge=_judge(header, address, keys, kept),
            )
            for address, keys in slots.items()
        ]
    )
    lost = {address: a for address, a in zip(slots, answers, strict=True) if isinstance(a, Unanswered)}
    for i, reads in wanted.items():
        reason = next((lost[read.address] for read in reads.accounts if read.address in lost), None)
        if reason is not None:
            failed[i] = reason
    return _nodes_of(wanted, failed, kept), failed


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


def _judge(
    header: ProvenHeader, address: Address, slots: tuple[SlotKey, ...], kept: dict[Address, frozenset[bytes]]
) -> Callable[[tuple[bytes, ...]], None]:
    """Holds an answer to the header, and keeps of it what the proof used."""

    def judge(nodes: tuple[bytes, ...]) -> None:
        used = set[Hash32]()
        by_hash = {keccak256(node): node for node in nodes}
        table = NodeTable.from_hashed(by_hash.items())
        account = verify_account(state_root(header), address, table, used)
        for slot in slots:
            verify_word(account, slot, table, used)
        kept[address] = frozenset(by_hash[h] for h in used)

    return judge


def _nodes_of(
    wanted: Mapping[int, Reads], failed: Mapping[int, object], kept: Mapping[Address, frozenset[bytes]]
) -> frozenset[bytes]:
    """The nodes of claims that have all their evidence; what only lost claims would use is left behind."""
    addresses = {read.address for i, reads in wanted.items() if i not in failed for read in reads.accounts}
    return frozenset().union(*(kept[address] for address in addresses))


def assemble(as_of: Timestamp, claims: Sequence[Claim], parts: Iterable[Gathered]) -> Bundle:
    """One bundle from what the networks' flows came back with: each node once, claims without evidence named."""
    have = [part for part in parts if part.anchor is not None]
    answered = {
        i for part in have for i, claim in enumerate(claims) if claim.chain_id == part.chain_id and i not in part.failed
    }
    have = [part for part in have if any(claims[i].chain_id == part.chain_id for i in answered)]
    nodes = sorted(frozenset().union(*(part.nodes for part in have)))
    place = {node: i for i, node in enumerate(nodes)}
    sections = tuple(
        Section(part.chain_id, part.anchor, part.steps, tuple(sorted(place[node] for node in part.nodes)))
        for part in sorted(have, key=lambda part: part.chain_id)
        if part.anchor is not None
    )
    omitted = tuple(i for i in range(len(claims)) if i not in answered)
    return Bundle(as_of, tuple(claims), omitted, sections, tuple(nodes))
