"""What a call needs, found out: hints first, then local runs that say what is still missing, until nothing is.

An endpoint is asked once which accounts and slots a call would touch. That is a hint: it decides what is asked for
next, never what is true. Everything it names is asked for in one batch, one proof for each account, with the code
beside it; then the call is run here over what was proven. Where that run reads something else, it goes on with a zero
that counts nowhere, to see what more it would read, and all of that is asked for in the next round. Each round proves
at least one more thing on the true path, so it ends; the number of rounds is bounded all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

from verifier.calls import DEFAULT_CALL_LIMITS, Call, CallLimits, Work
from verifier.claims import AccountRead
from verifier.crypto.keccak import keccak256
from verifier.errors import LimitExceeded, MissingEvidence, VerifierError, WrongHash
from verifier.evm.call import CodeTable, verify_call
from verifier.evm.known import Known, Wanted, Wanting, WantingWord
from verifier.evm.look_ahead import look_ahead
from verifier.flow import Ask, AskCode, AskTouched, Flow, HintMethod, Unanswered, ask_all
from verifier.primitives import Address, Hash32, SlotKey, Timestamp, to_hex
from verifier.proven import ProvenAccount, ProvenCall, ProvenHeader, ProvenWord
from verifier.state.asking import Place, Proofs
from verifier.trie.walk import EMPTY_ROOT

MAX_ROUNDS: Final = 96
"""Without hints each contract on the way costs a round, and each word that decides where it goes on."""

Failure = Unanswered | VerifierError


@dataclass(frozen=True, slots=True)
class GatheredState:
    """
    Attributes:
        nodes, codes, updates: Exactly what the tasks that ended used.
        failed: For each task without evidence: why.
    """

    nodes: frozenset[bytes]
    codes: frozenset[bytes]
    failed: Mapping[int, Failure]
    updates: frozenset[bytes] = frozenset()


class Gathering:
    """Proven state as far as it was gathered, as one task sees it. What it lacks is noted; the task is run again."""

    __slots__ = ("_known", "_limits", "_places", "_used_codes", "taken", "updates")

    def __init__(self, known: Known, limits: CallLimits, updates: Sequence[bytes] = ()) -> None:
        self._known, self._limits = known, limits
        self.updates, self.taken = updates, set[bytes]()
        self._places: dict[Place, None] = {}
        self._used_codes: set[Hash32] = set()

    def account(self, address: Address) -> ProvenAccount:
        """The account, proven present or absent."""
        found = self._known.account(address)
        self._places[address, None] = None
        return found

    def word(self, account: ProvenAccount, slot: SlotKey) -> ProvenWord:
        """The word at one of its slots."""
        found = self._known.word(account, slot)
        self._places[account.address, slot] = None
        return found

    def used_update(self, update: bytes) -> None:
        """Note that a signed update was used."""
        self.taken.add(update)

    @property
    def time(self) -> Timestamp:
        """The block's own time."""
        return self._known.header.timestamp

    def need(self, reads: Sequence[AccountRead]) -> None:
        """Note all that is not proven yet, so that it is asked for in one round; code is not asked for."""
        known, before = self._known, len(self._known.wanted.slots)
        for read in reads:
            account = known.proofs.accounts.get(read.address)
            if account is not None and (not account.exists or account.storage_root == EMPTY_ROOT):
                continue
            if (read.address, None) in known.proofs.failed:
                raise known.proofs.failed[read.address, None]
            missing = [slot for slot in read.slots if (read.address, slot) not in known.proofs.words]
            if account is None or missing:
                known.wanted.slots.setdefault(read.address, {}).update(dict.fromkeys(missing))
        if len(known.wanted.slots) > before:
            raise Wanting

    def call(self, call: Call) -> ProvenCall:
        """A call, over what is proven so far."""
        known = self._known
        if known.hints and call not in known.hinted:
            known.wanted.hints[call] = None
            raise Wanting
        codes, work = CodeTable(known.codes), Work(self._limits.steps)
        try:
            found = verify_call(known.header, call, self, codes, limits=self._limits, work=work)
        except (WantingWord, MissingEvidence) as stopped:
            look_ahead(known, call, self._limits, stopped, done=self._limits.steps - work.left)
            raise Wanting from None
        self._used_codes |= codes.used
        return found

    @property
    def nodes(self) -> frozenset[bytes]:
        """The nodes that prove what this task read."""
        proofs = self._known.proofs
        return frozenset[bytes]().union(*(proofs.nodes.get(place, frozenset()) for place in self._places))

    @property
    def codes(self) -> frozenset[bytes]:
        """The code that this task used."""
        return frozenset(self._known.codes[h] for h in self._used_codes)


Task = Callable[[Gathering], object]
"""Something that reads proven state and makes calls; run again until it reads only what is proven."""


def gather_state(
    proofs: Proofs,
    tasks: Sequence[Task],
    *,
    hints: bool = True,
    limits: CallLimits = DEFAULT_CALL_LIMITS,
    updates: Sequence[bytes] = (),
    likely: Sequence[AccountRead] = (),
) -> Flow[GatheredState]:
    """
    Gather what tasks read, whatever it depends on.

    Args:
        proofs: What is proven under the header so far; it grows.
        hints: Whether endpoints are asked what a call touches.
        likely: Places that will be read, as far as that is known beforehand: asked for first, with the code there.
        updates: Signed updates at hand; no network is asked for them.

    Returns:
        Evidence with which each task that did not fail runs to its end. Never raises for what endpoints do.
    """
    known = Known(proofs, hints=hints)
    open_, failed, done = dict(enumerate(tasks)), dict[int, Failure](), list[Gathering]()
    for round_ in range(MAX_ROUNDS):
        known.wanted = Wanted()
        _take_hint(known, () if round_ else likely)
        for i, task in list(open_.items()):
            state = Gathering(known, limits, updates)
            try:
                task(state)
                done.append(state)
            except Wanting:
                continue
            except (VerifierError, Unanswered) as error:
                failed[i] = error
            del open_[i]
        if not open_:
            break
        yield from _ask(known)
    for i in open_:
        failed[i] = LimitExceeded(
            "rounds of questions for one call", MAX_ROUNDS, f"more ({to_hex(proofs.header.hash)})"
        )
    nodes = frozenset[bytes]().union(*(state.nodes for state in done))
    taken = frozenset[bytes]().union(*(state.taken for state in done))
    return GatheredState(nodes, frozenset[bytes]().union(*(state.codes for state in done)), failed, taken)


def gather_calls(
    header: ProvenHeader,
    calls: Sequence[Call],
    *,
    hints: bool = True,
    limits: CallLimits = DEFAULT_CALL_LIMITS,
    likely: Sequence[AccountRead] = (),
) -> Flow[GatheredState]:
    """Gather what calls read under a proven header, sharing proofs and code between them."""
    tasks: list[Task] = [lambda state, call=call: state.call(call) for call in calls]  # type: ignore[misc]
    return (yield from gather_state(Proofs(header), tasks, hints=hints, limits=limits, likely=likely))


def _ask(known: Known) -> Flow[None]:
    """One round: hints where calls are new, then everything that is wanted, in one batch."""
    wanted = known.wanted
    if wanted.hints:
        yield from _ask_hints(known, list(wanted.hints))
    accounts = known.proofs.accounts
    codes = [a for a in wanted.codes if a not in accounts or known.lacks_code(accounts[a])]
    yield from _ask_codes_and_proofs(known, codes, [(a, tuple(slots)) for a, slots in wanted.slots.items()])


def _ask_hints(known: Known, calls: Sequence[Call]) -> Flow[None]:
    """What the calls touch, as some endpoint says. The first way that is served is used for all."""
    header, left = known.header, list(calls)
    for method in HintMethod:
        questions = [
            AskTouched(
                chain_id=header.network.chain_id,
                call=call,
                method=method,
                block_hash=header.hash,
                number=header.number,
            )
            for call in left
        ]
        answers = yield from ask_all(questions)
        silent = [call for call, answer in zip(left, answers, strict=True) if isinstance(answer, Unanswered)]
        for answer in answers:
            if not isinstance(answer, Unanswered):
                _take_hint(known, answer)
        left = silent
        if not left:
            break
    for call in calls:
        known.hinted.add(call)
        _take_hint(known, (AccountRead(call.to),))


def _take_hint(known: Known, reads: Sequence[AccountRead]) -> None:
    """Want what a hint names, as far as it is not proven."""
    for read in reads:
        account = known.proofs.accounts.get(read.address)
        new = [slot for slot in read.slots if (read.address, slot) not in known.proofs.words]
        if account is None or new:
            known.wanted.slots.setdefault(read.address, {}).update(dict.fromkeys(new))
        if account is None or known.lacks_code(account):
            known.wanted.codes[read.address] = None


def _ask_codes_and_proofs(
    known: Known, codes: Sequence[Address], proofs: Sequence[tuple[Address, tuple[SlotKey, ...]]]
) -> Flow[None]:
    """All at once. A code whose account is not proven yet is kept by its hash, and counts once that hash is proven."""
    accounts = known.proofs.accounts
    questions = [_code_question(known.header, address, accounts.get(address)) for address in codes]
    asked = [known.proofs.question(address, slots) for address, slots in proofs]
    answers = yield from ask_all(cast("list[Ask[object]]", [*questions, *asked]))
    for address, answer in zip(codes, answers, strict=False):
        if isinstance(answer, bytes):
            known.codes[keccak256(answer)] = answer
        elif address in accounts and isinstance(answer, Unanswered):
            known.silent_codes[address] = answer
    lied = list[tuple[Address, tuple[SlotKey, ...]]]()
    for (address, slots), answer in zip(proofs, answers[len(codes) :], strict=True):
        if isinstance(answer, Unanswered):
            known.proofs.failed.update({(address, place): answer for place in (None, *slots)})
            if answer.lied and len(slots) > 1:
                lied.extend((address, (slot,)) for slot in slots)
    yield from known.proofs.ask(lied)


def _code_question(header: ProvenHeader, address: Address, account: ProvenAccount | None) -> AskCode:
    def judge(code: bytes) -> None:
        if account is not None and keccak256(code) != account.code_hash:
            raise WrongHash(account.where, "the code", account.code_hash, keccak256(code))

    return AskCode(
        chain_id=header.network.chain_id,
        address=address,
        block_hash=header.hash,
        number=header.number,
        judge=judge,
    )


__all__ = ["Failure", "GatheredState", "Gathering", "Task", "gather_calls", "gather_state"]
