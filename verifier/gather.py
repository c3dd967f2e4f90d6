"""What to ask the networks, and holding each answer to its question before the next is asked.

One flow for each network: the anchor first, then (for a past as-of time) the block of that time, then one proof for
each address with all its slots, all at once. Judges verify as answers come, so a liar is left at once; what is kept
are exactly the nodes that verification used. `verify.py` replays the same steps on the finished bundle.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from verifier.anchors import check_parent
from verifier.assets import kind_of
from verifier.calls import Call
from verifier.checker import Checker
from verifier.claims import Claim, PriceClaim, Reads
from verifier.consensus.execution import execution_header
from verifier.consensus.weaker import verify_anchor
from verifier.errors import Unsupported, VerifierError, Where
from verifier.evidence import Bundle, HeaderStep, LightEvidence, Section, Settling
from verifier.evm.gather import Gathering, Task, gather_calls, gather_state
from verifier.flow import AskHeader, Flow, Unanswered, ask
from verifier.gather_moment import find_snapshot
from verifier.network import Network
from verifier.primitives import Address, ChainId, SlotKey, Timestamp
from verifier.proven import Moment, ProvenBeacon, ProvenHeader
from verifier.settlement import gather_settlement
from verifier.settlement.reach import check_reach
from verifier.state.asking import Place, Proofs
from verifier.trust import HeaderRoot
from verifier.verify import check_meaning, too_weak, verify_price


@dataclass(frozen=True, slots=True)
class Gathered:
    """What one network's flow came back with.

    Attributes:
        anchor: The header that the trust root names, or None where not even that could be had.
        nodes, codes: Exactly the nodes, and the contract code, that verification used.
        failed: For each claim without evidence: why.
        settling: What ties the anchor to the parent's, where no root names it.
        light: What proves the anchor to a checker with the same checkpoint, where a light client reached it.
        unpriced: For each price claim without evidence: why.
        updates: Exactly the signed updates that verification used.
    """

    chain_id: ChainId
    anchor: bytes | None
    steps: tuple[HeaderStep, ...]
    nodes: frozenset[bytes]
    failed: Mapping[int, Unanswered | VerifierError]
    settling: Settling | None = None
    codes: frozenset[bytes] = frozenset()
    light: LightEvidence | None = None
    unpriced: Mapping[PriceClaim, Unanswered | VerifierError] = field(default_factory=dict)
    updates: frozenset[bytes] = frozenset()


@dataclass(frozen=True, slots=True)
class Anchored:
    """A network's anchor header, and what ties it to a root of the checker beside its own hash."""

    rlp: bytes
    header: ProvenHeader
    settling: Settling | None = None
    nodes: frozenset[bytes] = frozenset()
    light: LightEvidence | None = None

    def alone(self) -> Gathered:
        """A part that holds the anchor only: for a parent that no claim speaks of."""
        return Gathered(self.header.network.chain_id, self.rlp, (), self.nodes, {}, self.settling, light=self.light)


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


def gather_beacon_anchor(network: Network, beacon: ProvenBeacon, light: LightEvidence) -> Flow[Anchored]:
    """
    The execution header that a proven beacon header settles.

    Raises:
        Unanswered: No endpoint has it.
        Unsupported: The beacon header is from before Capella, and settles none.
    """
    if beacon.execution_hash is None:
        raise Unsupported(Where(network=network.name), f"the beacon header of slot {beacon.slot} names no block")
    rlp = yield from ask(
        AskHeader(
            chain_id=network.chain_id,
            block=beacon.execution_hash,
            judge=lambda header: execution_header(beacon, header, network),
        )
    )
    return Anchored(rlp, execution_header(beacon, rlp, network), light=light)


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


def taken(anchored: Anchored, checker: Checker) -> Anchored:
    """
    An anchor that something is to be read under without a bundle.

    Raises:
        TrustTooWeak: The checker's policy does not take it: a proposed root by default, say.
    """
    if not checker.policy.takes(anchored.header.trust):
        raise too_weak(anchored.header.where, anchored.header.trust, checker.policy)
    return anchored


def gather_section(
    network: Network,
    claims: Sequence[tuple[int, Claim]],
    root: HeaderRoot | Anchored,
    as_of: Timestamp,
    checker: Checker,
    prices: Sequence[PriceClaim] = (),
    updates: Sequence[bytes] = (),
) -> Flow[Gathered]:
    """
    Gather one network's evidence under one trust root, or under an anchor that was gathered before.

    Args:
        claims: This network's claims, each with its index in the account.
        updates: Signed prices at hand; those that a price claim rests on become evidence.

    Returns:
        Evidence that has passed the same checks that `verify_section` will make. It never raises for what endpoints
        do: claims without honest evidence stand in `failed`.
    """
    try:
        anchored = root if isinstance(root, Anchored) else (yield from gather_anchor(network, root))
        header, steps, nodes = yield from _snapshot(anchored, as_of, checker)
    except (Unanswered, VerifierError) as error:
        failed_ = dict.fromkeys((i for i, _ in claims), error)
        return Gathered(network.chain_id, None, (), frozenset(), failed_, unpriced=dict.fromkeys(prices, error))
    proofs = Proofs(header)
    static = [(i, claim) for i, claim in claims if claim.reading is None]
    found, failed = yield from _gather_proofs(proofs, static, checker)
    called = [(i, claim) for i, claim in claims if claim.reading is not None]
    tasks = [_task(claim, header, checker) for _, claim in called]
    tasks += [_price_task(claim, header, as_of, checker) for claim in prices]
    state = yield from gather_state(proofs, tasks, updates=updates)
    failed.update({called[place][0]: error for place, error in state.failed.items() if place < len(called)})
    unpriced = {prices[at - len(called)]: error for at, error in state.failed.items() if at >= len(called)}
    used = anchored.nodes | nodes | found | state.nodes
    return Gathered(
        network.chain_id,
        anchored.rlp,
        steps,
        used,
        failed,
        anchored.settling,
        state.codes,
        anchored.light,
        unpriced,
        state.updates,
    )


def _snapshot(
    anchored: Anchored, as_of: Timestamp, checker: Checker
) -> Flow[tuple[ProvenHeader, tuple[HeaderStep, ...], frozenset[bytes]]]:
    """The block of the as-of time; under a settled anchor, which is old, its endpoints are tried there once more."""
    header, steps, nodes = yield from find_snapshot(anchored.header, as_of, checker)
    if anchored.settling is not None and header.hash != anchored.header.hash:
        yield from check_reach(header.network, header)
    return header, steps, nodes


def gather_call_section(
    network: Network,
    calls: Sequence[tuple[int, Call]],
    root: HeaderRoot | Anchored,
    as_of: Timestamp,
    checker: Checker,
    *,
    hints: bool = True,
) -> Flow[Gathered]:
    """
    Gather what calls of one network read, whatever they may mean; they share proofs and code.

    Args:
        calls: Each with its index in the bundle that is being made (`verify_calls.call_claim`).
        hints: Whether endpoints are asked what a call touches.
    """
    try:
        anchored = root if isinstance(root, Anchored) else (yield from gather_anchor(network, root))
        header, steps, nodes = yield from _snapshot(anchored, as_of, checker)
    except (Unanswered, VerifierError) as error:
        return Gathered(network.chain_id, None, (), frozenset(), dict.fromkeys((i for i, _ in calls), error))
    state = yield from gather_calls(header, [call for _, call in calls], hints=hints)
    failed = {calls[place][0]: error for place, error in state.failed.items()}
    used = anchored.nodes | nodes | state.nodes
    return Gathered(network.chain_id, anchored.rlp, steps, used, failed, anchored.settling, state.codes, anchored.light)


def _task(claim: Claim, header: ProvenHeader, checker: Checker) -> Task:
    """A claim whose reads only its own run can tell: what `verify_claim` will do, over what was gathered so far."""

    def run(state: Gathering) -> None:
        where = header.where.at(address=claim.holder)
        known, accepted = check_meaning(claim, header.network, checker.meanings, checker.policy, where)
        kind_of(claim).decode(claim, known, state, where, accepted=accepted)

    return run


def _price_task(claim: PriceClaim, header: ProvenHeader, as_of: Timestamp, checker: Checker) -> Task:
    """What `verify_price` will do, over what was gathered so far; what it mints here is dropped."""

    def run(state: Gathering) -> None:
        verify_price(claim, state, header, Moment.HEAD, as_of, checker)

    return run


def _places(reads: Reads) -> Iterator[Place]:
    for read in reads.accounts:
        yield read.address, None
        yield from ((read.address, slot) for slot in read.slots)


def _gather_proofs(
    proofs: Proofs, claims: Sequence[tuple[int, Claim]], checker: Checker
) -> Flow[tuple[frozenset[bytes], dict[int, Unanswered | VerifierError]]]:
    """Claims whose reads are known beforehand: all of them at once."""
    failed: dict[int, Unanswered | VerifierError] = {}
    wanted: dict[int, Reads] = {}
    for i, claim in claims:
        try:
            wanted[i] = _reads(claim, proofs.header.network, checker)
        except VerifierError as error:
            failed[i] = error
    slots = _slots_by_address(wanted.values())
    yield from proofs.ask(list(slots.items()))
    for i, reads in wanted.items():
        reason = proofs.failure(_places(reads))
        if reason is not None:
            failed[i] = reason
    proven = (proofs.nodes[place] for i, reads in wanted.items() if i not in failed for place in _places(reads))
    return frozenset[bytes]().union(*proven), failed


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
    as_of: Timestamp,
    claims: Sequence[Claim],
    parts: Iterable[Gathered],
    parents: Iterable[Gathered] = (),
    prices: Sequence[PriceClaim] = (),
) -> Bundle:
    """
    One bundle from what the networks' flows came back with: each node once, claims without evidence named.

    Args:
        parents: Anchors of networks that others settle on, for those of which no claim has evidence.
        prices: Of the account; those without evidence are left out.
    """
    have = {part.chain_id: part for part in parts if part.anchor is not None}
    answered = {i for i, claim in enumerate(claims) if claim.chain_id in have and i not in have[claim.chain_id].failed}
    quotes = tuple(p for p in prices if p.chain_id in have and p not in have[p.chain_id].unpriced)
    chains = {claims[i].chain_id for i in answered} | {quote.chain_id for quote in quotes}
    alone = {part.chain_id: part for part in parents}
    kept = _needed(alone | {chain: have[chain] for chain in chains}, chains)
    nodes = sorted(frozenset().union(*(part.nodes for part in kept)))
    place = {node: i for i, node in enumerate(nodes)}
    codes = sorted(frozenset().union(*(part.codes for part in kept)))
    code_place = {code: i for i, code in enumerate(codes)}
    sections = tuple(
        Section(
            part.chain_id,
            part.anchor,
            part.steps,
            tuple(sorted(place[node] for node in part.nodes)),
            part.settling,
            tuple(sorted(code_place[code] for code in part.codes)),
            part.light,
            tuple(sorted(part.updates)),
        )
        for part in sorted(kept, key=lambda part: part.chain_id)
        if part.anchor is not None
    )
    omitted = tuple(i for i in range(len(claims)) if i not in answered)
    return Bundle(as_of, tuple(claims), omitted, sections, tuple(nodes), tuple(codes), quotes)


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
