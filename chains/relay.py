"""What a relayer or a back end asks for, as async functions: evidence at a block, events, new blocks, fresh bundles.

Each function asks the endpoints of a `Desk`, verifies every answer as it comes, and returns what is proven beside the
bytes that prove it, so that the same bytes can be handed to a contract or checked again by someone else. What no
endpoint answers honestly is raised as `Unanswered`, with what each of them did.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

from chains.driver import Answers, Clock, Desk, drive
from chains.errors import FetchError
from chains.observe import observe
from verifier.checker import Checker
from verifier.claims import Claim
from verifier.codec import rlp
from verifier.crypto.keccak import keccak256
from verifier.errors import MissingNode, WrongHash
from verifier.evidence import Bundle
from verifier.flow import Answer, Ask, AskHeader, AskProof, AskReceipts, Flow, Unanswered, ask, ask_all
from verifier.gather import Anchored, Gathered, assemble, gather_section
from verifier.network import Network
from verifier.primitives import Address, ChainId, Hash32, SlotKey, Timestamp
from verifier.proven import ProvenAccount, ProvenHeader, ProvenWord
from verifier.single import verify_header, verify_parents
from verifier.state.bloom import header_bloom, may_hold
from verifier.state.ethereum import asked_slot, verify_account, verify_word
from verifier.state.events import AllReceipts, BlockEvents, BloomOnly, EventFilter, ProvenEvents, verify_events
from verifier.state.tree import state_root
from verifier.trie.build import build_list
from verifier.trie.table import NodeTable
from verifier.trust import HeaderRoot, Observed
from verifier.wire import encode_bundle, parse_bundle

MAX_RANGE: Final = 4_096
"""Blocks of one range of events."""


@dataclass(frozen=True, slots=True)
class KnownHeader:
    """A proven header with its bytes, for whoever must hand them on."""

    header: ProvenHeader
    rlp: bytes


@dataclass(frozen=True, slots=True)
class KnownState:
    """A proven account and words in it, with exactly the nodes that prove them."""

    account: ProvenAccount
    words: tuple[ProvenWord, ...]
    nodes: tuple[bytes, ...]


async def header_of(network: Network, root: HeaderRoot, desk: Answers) -> KnownHeader:
    """The header that a trust root names."""
    question = AskHeader(
        chain_id=network.chain_id, block=root.hash, judge=lambda raw: verify_header(raw, network, (root,))
    )
    raw = await drive(ask(question), desk)
    return KnownHeader(verify_header(raw, network, (root,)), raw)


async def parents_of(newest: KnownHeader, count: int, desk: Answers) -> tuple[KnownHeader, ...]:
    """The `count` headers before a known one, newest first, each by the parent hash of the one after it."""
    return await drive(_parents(newest, count), desk)


async def state_of(header: ProvenHeader, address: Address, slots: Sequence[SlotKey], desk: Answers) -> KnownState:
    """An account and words of it, under a proven header."""
    network = header.network
    question = AskProof(
        chain_id=network.chain_id,
        address=address,
        slots=tuple(asked_slot(network, slot) for slot in slots),
        block_hash=header.hash,
        number=header.number,
        judge=lambda nodes: _state(header, address, slots, nodes),
    )
    return _state(header, address, slots, await drive(ask(question), desk))


async def receipts_of(header: ProvenHeader, desk: Answers) -> tuple[bytes, ...]:
    """All receipts of a proven block, by index: exactly those that hash to its receipts root."""
    return await drive(ask(_receipts(header)), desk)


def receipt_nodes(receipts: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """The nodes that prove the receipt at an index, out of all receipts of the block."""
    return build_list(receipts).prove(rlp.encode_uint(index))


async def events_before(
    newest: KnownHeader, blocks: int, wanted: EventFilter, desk: Answers, *, take_blooms: bool = False
) -> ProvenEvents:
    """
    All events of a filter in the last `blocks` blocks up to a known header, shown complete.

    Args:
        take_blooms: Leave out receipts of blocks whose filter shows that they hold none, where the family allows it.
    """
    if not 1 <= blocks <= MAX_RANGE:
        raise ValueError(f"a range has 1 to {MAX_RANGE} blocks, not {blocks}")
    older = await parents_of(newest, blocks - 1, desk)
    known = tuple(reversed((newest, *older)))
    skip = [take_blooms and _holds_none(block, wanted) for block in known]
    asked: list[Ask[tuple[bytes, ...]]] = [
        _receipts(block.header) for block, skipped in zip(known, skip, strict=True) if not skipped
    ]
    conversation = ask_all(asked)
    answers = iter(await drive(conversation, desk))
    evidence: list[BlockEvents] = []
    for block, skipped in zip(known, skip, strict=True):
        if skipped:
            evidence.append(BloomOnly(block.rlp))
            continue
        answer = next(answers)
        if isinstance(answer, Unanswered):
            raise answer
        evidence.append(AllReceipts(answer))
    return verify_events([block.header for block in known], evidence, wanted, take_blooms=take_blooms)


async def gather_claims(
    claims: Sequence[Claim],
    roots: Mapping[ChainId, HeaderRoot | Anchored],
    as_of: Timestamp,
    desk: Answers,
    checker: Checker,
) -> bytes:
    """
    A bundle of claims under one trust root, or one anchor that is proven already, for each network.

    A claim that nobody answers honestly is left out of the evidence and named as omitted; `verify_bundle` then reports
    it as missing.

    Raises:
        KeyError: No root for a network of some claim.
    """
    by_chain: dict[ChainId, list[tuple[int, Claim]]] = {}
    for i, claim in enumerate(claims):
        by_chain.setdefault(claim.chain_id, []).append((i, claim))
    flows = [
        drive(gather_section(checker.networks[chain], asked, roots[chain], as_of, checker), desk)
        for chain, asked in by_chain.items()
    ]
    parts: list[Gathered] = list(await asyncio.gather(*flows))
    return encode_bundle(assemble(as_of, claims, parts))


async def refresh(
    bundle: bytes,
    roots: Mapping[ChainId, HeaderRoot | Anchored],
    as_of: Timestamp,
    desk: Answers,
    checker: Checker,
) -> bytes:
    """
    The same claims under newer roots, with the fewest bytes asked for.

    For each account only its own path is asked; where its storage root is the old one, the old bundle's slot nodes
    still prove its words, and only accounts whose storage changed are asked for their slots.
    """
    old = parse_bundle(bundle, checker.limits).bundle
    return await gather_claims(old.claims, roots, as_of, Remembering(desk, old), checker)


class Remembering:
    """A desk that tries the nodes of an old bundle before it asks for slots anew."""

    def __init__(self, desk: Answers, old: Bundle) -> None:
        self._desk = desk
        self._nodes: dict[ChainId, tuple[bytes, ...]] = {
            section.chain_id: tuple(old.nodes[i] for i in section.nodes) for section in old.sections
        }
        self.reused = 0
        """Questions whose slots the old nodes still answer."""

    async def answer(self, questions: Sequence[Ask[object]]) -> Sequence[Answer]:
        """As the desk would answer, with slots left out where nothing changed below them."""
        light = [self._without_slots(question) for question in questions]
        answers = list(await self._desk.answer([thin or full for thin, full in zip(light, questions, strict=True)]))
        again: list[int] = []
        for i, (thin, question) in enumerate(zip(light, questions, strict=True)):
            if thin is None:
                continue
            whole = self._completed(question, answers[i])
            if whole is None:
                again.append(i)
            else:
                answers[i] = whole
                self.reused += 1
        for i, answer in zip(
            again, await self._desk.answer([questions[i] for i in again]) if again else (), strict=True
        ):
            answers[i] = answer
        return answers

    def _without_slots(self, question: Ask[object]) -> Ask[object] | None:
        """The question for the account alone, or None where it asks for no slots or nothing is remembered."""
        if not isinstance(question, AskProof) or not question.slots or question.chain_id not in self._nodes:
            return None
        full = question

        def judge(nodes: tuple[bytes, ...]) -> None:
            try:
                full.judge((*nodes, *self._nodes[full.chain_id]))
            except MissingNode:
                return  # storage moved on; the slots are asked for next, of everyone

        thin = AskProof(
            chain_id=full.chain_id,
            address=full.address,
            slots=(),
            block_hash=full.block_hash,
            number=full.number,
            judge=judge,
        )
        return cast("Ask[object]", thin)

    def _completed(self, question: Ask[object], answer: Answer) -> tuple[bytes, ...] | None:
        if isinstance(answer, Unanswered) or not isinstance(answer, tuple):
            return None
        whole = (*cast("tuple[bytes, ...]", answer), *self._nodes[question.chain_id])
        try:
            question.judge(whole)
        except MissingNode:
            return None
        return whole


async def follow(
    network: Network,
    desk: Desk,
    *,
    k: int = 2,
    final: bool = True,
    every: float | None = None,
    clock: Clock,
) -> AsyncIterator[Observed]:
    """
    New blocks of a network, each as what `k` operators of the configuration say: an observation, no proof of finality.

    A block is given once, and numbers only rise: a network that goes back is waited for. Trouble with endpoints ends
    nothing; it is tried again. The desk's time begins anew with each round. For blocks that are proven final, not said
    to be, see `chains.finality.follow_finalized`.

    Args:
        final: Follow what the endpoints call final; otherwise blocks a little below the newest.
        every: Seconds between questions; the network's block time unless told.
        clock: Gives the time for the observations.
    """
    last = -1
    while True:
        desk.renew()
        try:
            seen = await observe(network, desk, k, now=clock(), final=final)
        except FetchError:
            seen = None
        if seen is not None and seen.number > last:
            last = seen.number
            yield seen
        await asyncio.sleep(every if every is not None else network.block_time)


def _parents(newest: KnownHeader, count: int) -> Flow[tuple[KnownHeader, ...]]:
    found: list[KnownHeader] = []
    at = newest
    for _ in range(count):
        child = at.header
        raw = yield from ask(_parent(child))
        at = KnownHeader(verify_parents(child, (raw,))[1], raw)
        found.append(at)
    return tuple(found)


def _parent(child: ProvenHeader) -> AskHeader:
    return AskHeader(
        chain_id=child.network.chain_id, block=child.parent_hash, judge=lambda raw: verify_parents(child, (raw,))
    )


def _receipts(header: ProvenHeader) -> AskReceipts:
    def judge(receipts: tuple[bytes, ...]) -> None:
        root = build_list(receipts).root
        if root != header.receipts_root:
            raise WrongHash(header.where, f"the list of {len(receipts)} receipts", header.receipts_root, root)

    return AskReceipts(chain_id=header.network.chain_id, block_hash=header.hash, number=header.number, judge=judge)


def _holds_none(block: KnownHeader, wanted: EventFilter) -> bool:
    family = block.header.network.family
    return family.blooms and not may_hold(header_bloom(block.header, block.rlp), wanted.in_bloom)


def _state(header: ProvenHeader, address: Address, slots: Iterable[SlotKey], nodes: tuple[bytes, ...]) -> KnownState:
    by_hash = {keccak256(node): node for node in nodes}
    table, used = NodeTable.from_hashed(by_hash.items()), set[Hash32]()
    account = verify_account(state_root(header), address, table, used)
    words = tuple(verify_word(account, slot, table, used) for slot in slots)
    return KnownState(account, words, tuple(node for found, node in by_hash.items() if found in used))
