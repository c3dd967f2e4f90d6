"""What a call needs, found out: hints first, then local runs that say what is still missing, until nothing is.

An endpoint is asked once which accounts and slots a call would touch. That is a hint: it decides what is asked for
next, never what is true. Everything it names is asked for in one batch, one proof for each account, with the code
beside it; then the call is run here over what was proven. Where that run reads something else, it goes on with a zero
that counts nowhere, to see what more it would read, and all of that is asked for in the next round. Each round proves
at least one more thing on the true path, so it ends; the number of rounds is bounded all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, cast

from verifier.calls import DEFAULT_CALL_LIMITS, Call, CallLimits
from verifier.claims import AccountRead
from verifier.crypto.keccak import keccak256
from verifier.errors import LimitExceeded, MissingEvidence, VerifierError, WrongHash
from verifier.evm.call import CodeTable, verify_call
from verifier.evm.environment import Environment, environment
from verifier.evm.state import State
from verifier.flow import Ask, AskCode, AskTouched, Flow, HintMethod, Unanswered, ask_all
from verifier.primitives import ZERO_WORD, Address, Hash32, SlotKey, Timestamp, slot_key, to_hex
from verifier.proven import ProvenAccount, ProvenCall, ProvenHeader, ProvenWord
from verifier.state.asking import Place, Proofs
from verifier.state.ethereum import EMPTY_CODE, verify_word
from verifier.trie.table import NodeTable
from verifier.trie.walk import EMPTY_ROOT

MAX_ROUNDS: Final = 96
"""Without hints each contract on the way costs a round, and each word that decides where it goes on."""

Failure = Unanswered | VerifierError


class _Wanting(Exception):
    """A run read something that is not proven yet; what, has been noted."""


@dataclass(slots=True)
class _Wanted:
    """What the runs of one round found missing."""

    hints: dict[Call, None] = field(default_factory=dict)
    slots: dict[Address, dict[SlotKey, None]] = field(default_factory=dict)
    codes: dict[Address, None] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.hints or self.slots or self.codes)


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

    __slots__ = ("_limits", "_places", "_shared", "_used_codes", "taken", "updates")

    def __init__(self, shared: _Shared, limits: CallLimits, updates: Sequence[bytes] = ()) -> None:
        self._shared, self._limits = shared, limits
        self.updates, self.taken = updates, set[bytes]()
        self._places: dict[Place, None] = {}
        self._used_codes: set[Hash32] = set()

    def account(self, address: Address) -> ProvenAccount:
        """The account, proven present or absent."""
        found = self._shared.account(address)
        self._places[address, None] = None
        return found

    def word(self, account: ProvenAccount, slot: SlotKey) -> ProvenWord:
        """The word at one of its slots."""
        found = self._shared.word(account, slot)
        self._places[account.address, slot] = None
        return found

    def used_update(self, update: bytes) -> None:
        """Note that a signed update was used."""
        self.taken.add(update)

    @property
    def time(self) -> Timestamp:
        """The block's own time."""
        return self._shared.header.timestamp

    def need(self, reads: Sequence[AccountRead]) -> None:
        """Note all that is not proven yet, so that it is asked for in one round; code is not asked for."""
        shared, before = self._shared, len(self._shared.wanted.slots)
        for read in reads:
            account = shared.proofs.accounts.get(read.address)
            if account is not None and (not account.exists or account.storage_root == EMPTY_ROOT):
                continue
            if (read.address, None) in shared.proofs.failed:
                raise shared.proofs.failed[read.address, None]
            missing = [slot for slot in read.slots if (read.address, slot) not in shared.proofs.words]
            if account is None or missing:
                shared.wanted.slots.setdefault(read.address, {}).update(dict.fromkeys(missing))
        if len(shared.wanted.slots) > before:
            raise _Wanting

    def call(self, call: Call) -> ProvenCall:
        """A call, over what is proven so far."""
        shared = self._shared
        if shared.hints and call not in shared.hinted:
            shared.wanted.hints[call] = None
            raise _Wanting
        codes = CodeTable(shared.codes)
        try:
            found = verify_call(shared.header, call, self, codes, limits=self._limits)
        except (_Wanting, MissingEvidence) as stopped:
            shared.look_ahead(call, self._limits, stopped)
            raise _Wanting from None
        self._used_codes |= codes.used
        return found

    @property
    def nodes(self) -> frozenset[bytes]:
        """The nodes that prove what this task read."""
        proofs = self._shared.proofs
        return frozenset[bytes]().union(*(proofs.nodes.get(place, frozenset()) for place in self._places))

    @property
    def codes(self) -> frozenset[bytes]:
        """The code that this task used."""
        return frozenset(self._shared.codes[h] for h in self._used_codes)


class _Shared:
    """What all tasks under one header share: proofs, code, hints, and what is wanted next."""

    __slots__ = ("codes", "header", "hinted", "hints", "proofs", "silent_codes", "wanted")

    def __init__(self, proofs: Proofs, *, hints: bool) -> None:
        self.proofs, self.header, self.hints = proofs, proofs.header, hints
        self.codes: dict[Hash32, bytes] = {}
        self.hinted: set[Call] = set()
        self.silent_codes: dict[Address, Unanswered] = {}
        self.wanted = _Wanted()

    def account(self, address: Address) -> ProvenAccount:
        """The account; else it is noted as wanted, with its code."""
        found = self.proofs.accounts.get(address)
        if found is not None:
            return found
        if (address, None) in self.proofs.failed:
            raise self.proofs.failed[address, None]
        self.wanted.slots.setdefault(address, {})
        self.wanted.codes[address] = None
        raise _Wanting

    def word(self, account: ProvenAccount, slot: SlotKey) -> ProvenWord:
        """The word; else it is noted as wanted."""
        place = (account.address, slot)
        found = self.proofs.words.get(place)
        if found is not None:
            return found
        if not account.exists or account.storage_root == EMPTY_ROOT:
            return verify_word(account, slot, NodeTable.from_hashed(()), set())
        if place in self.proofs.failed:
            raise self.proofs.failed[place]
        self.wanted.slots.setdefault(account.address, {})[slot] = None
        raise _Wanting

    def want_code(self, account: ProvenAccount) -> None:
        """Note that the code of a proven account is wanted."""
        if account.address in self.silent_codes:
            raise self.silent_codes[account.address]
        self.wanted.codes[account.address] = None

    def look_ahead(self, call: Call, limits: CallLimits, stopped: Exception) -> None:
        """
        Run on with zeros for what is missing, to see what else will be. Nothing of such a run is kept.

        Raises:
            Unanswered, VerifierError: Nothing that could be asked for is missing; what stopped the true run.
        """
        env = environment(self.header)
        before, self.wanted = self.wanted, _Wanted()
        try:
            _run_ahead(self, call, env, limits)
        except _Wanting:
            pass
        except (Unanswered, VerifierError) as error:
            if isinstance(stopped, _Wanting) or isinstance(error, Unanswered):
                stopped = error  # what endpoints did says more than what is missing because of it
        found, self.wanted = self.wanted, before
        if not found:
            raise stopped
        before.hints.update(found.hints)
        before.codes.update(found.codes)
        for address, slots in found.slots.items():
            before.slots.setdefault(address, {}).update(slots)


def _run_ahead(shared: _Shared, call: Call, env: Environment, limits: CallLimits) -> None:
    from verifier.evm.machine import machine  # loads the specification's package, so not before it is needed

    where = shared.header.where.at(address=call.to)
    engine, view = machine(env.fork, where), _Guessing(shared, limits)
    engine.run(call, env, State(view, engine.numbers, call.sender), view, limits, where)


@dataclass(frozen=True, slots=True)
class _Guess:
    """A word that nobody proved; it leads a look ahead, and goes nowhere else."""

    word: bytes = ZERO_WORD


class _Guessing:
    """A view that goes on where a word is missing. What it returns is never kept."""

    __slots__ = ("_coded", "_limits", "_reads", "_shared")

    def __init__(self, shared: _Shared, limits: CallLimits) -> None:
        self._shared, self._limits, self._reads = shared, limits, 0

    def account(self, address: Address) -> ProvenAccount:
        """The account, or the end of the look ahead."""
        self._count()
        return self._shared.account(address)

    def word(self, account: ProvenAccount, slot: SlotKey) -> ProvenWord | _Guess:
        """The word, or zero."""
        self._count()
        try:
            return self._shared.word(account, slot)
        except _Wanting:
            return _Guess()

    def code(self, account: ProvenAccount) -> bytes:
        """The code, or the end of the look ahead."""
        if not account.exists or account.code_hash == EMPTY_CODE:
            return b""
        code = self._shared.codes.get(account.code_hash)
        if code is None:
            self._shared.want_code(account)
            raise _Wanting
        return code

    def hash_of(self, height: int) -> Hash32:
        """A block hash, of which a look ahead needs none; what proves it is asked for."""
        ring = self._shared.header.network.family.history
        if ring is not None and height != self._shared.header.number - 1:
            self.word(self.account(ring.address), slot_key(height % ring.length))
        return self._shared.header.parent_hash

    def _count(self) -> None:
        self._reads += 1
        if self._reads > 4 * self._limits.reads:
            raise _Wanting


Task = Callable[[Gathering], object]
"""Something that reads proven state and makes calls; run again until it reads only what is proven."""


def gather_state(
    proofs: Proofs,
    tasks: Sequence[Task],
    *,
    hints: bool = True,
    limits: CallLimits = DEFAULT_CALL_LIMITS,
    updates: Sequence[bytes] = (),
) -> Flow[GatheredState]:
    """
    Gather what tasks read, whatever it depends on.

    Args:
        proofs: What is proven under the header so far; it grows.
        hints: Whether endpoints are asked what a call touches.
        updates: Signed updates at hand; no network is asked for them.

    Returns:
        Evidence with which each task that did not fail runs to its end. Never raises for what endpoints do.
    """
    shared = _Shared(proofs, hints=hints)
    open_, failed, done = dict(enumerate(tasks)), dict[int, Failure](), list[Gathering]()
    for _ in range(MAX_ROUNDS):
        shared.wanted = _Wanted()
        for i, task in list(open_.items()):
            state = Gathering(shared, limits, updates)
            try:
                task(state)
                done.append(state)
            except _Wanting:
                continue
            except (VerifierError, Unanswered) as error:
                failed[i] = error
            del open_[i]
        if not open_:
            break
        yield from _ask(shared)
    for i in open_:
        failed[i] = LimitExceeded(
            "rounds of questions for one call", MAX_ROUNDS, f"more ({to_hex(proofs.header.hash)})"
        )
    nodes = frozenset[bytes]().union(*(state.nodes for state in done))
    taken = frozenset[bytes]().union(*(state.taken for state in done))
    return GatheredState(nodes, frozenset[bytes]().union(*(state.codes for state in done)), failed, taken)


def gather_calls(
    header: ProvenHeader, calls: Sequence[Call], *, hints: bool = True, limits: CallLimits = DEFAULT_CALL_LIMITS
) -> Flow[GatheredState]:
    """Gather what calls read under a proven header, sharing proofs and code between them."""
    tasks: list[Task] = [lambda state, call=call: state.call(call) for call in calls]  # type: ignore[misc]
    return (yield from gather_state(Proofs(header), tasks, hints=hints, limits=limits))


def _ask(shared: _Shared) -> Flow[None]:
    """One round: hints where calls are new, then everything that is wanted, in one batch."""
    wanted = shared.wanted
    if wanted.hints:
        yield from _ask_hints(shared, list(wanted.hints))
    known = shared.proofs.accounts
    codes = [a for a in wanted.codes if a not in known or _lacks_code(shared, known[a])]
    yield from _ask_codes_and_proofs(shared, codes, [(a, tuple(slots)) for a, slots in wanted.slots.items()])


def _lacks_code(shared: _Shared, account: ProvenAccount) -> bool:
    return account.exists and account.code_hash != EMPTY_CODE and account.code_hash not in shared.codes


def _ask_hints(shared: _Shared, calls: Sequence[Call]) -> Flow[None]:
    """What the calls touch, as some endpoint says. The first way that is served is used for all."""
    header, left = shared.header, list(calls)
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
                _take_hint(shared, answer)
        left = silent
        if not left:
            break
    for call in calls:
        shared.hinted.add(call)
        _take_hint(shared, (AccountRead(call.to),))


def _take_hint(shared: _Shared, reads: Sequence[AccountRead]) -> None:
    """Want what a hint names, as far as it is not proven."""
    for read in reads:
        account = shared.proofs.accounts.get(read.address)
        new = [slot for slot in read.slots if (read.address, slot) not in shared.proofs.words]
        if account is None or new:
            shared.wanted.slots.setdefault(read.address, {}).update(dict.fromkeys(new))
        if account is None or _lacks_code(shared, account):
            shared.wanted.codes[read.address] = None


def _ask_codes_and_proofs(
    shared: _Shared, codes: Sequence[Address], proofs: Sequence[tuple[Address, tuple[SlotKey, ...]]]
) -> Flow[None]:
    """All at once. A code whose account is not proven yet is kept by its hash, and counts once that hash is proven."""
    known = shared.proofs.accounts
    questions = [_code_question(shared.header, address, known.get(address)) for address in codes]
    asked = [shared.proofs.question(address, slots) for address, slots in proofs]
    answers = yield from ask_all(cast("list[Ask[object]]", [*questions, *asked]))
    for address, answer in zip(codes, answers, strict=False):
        if isinstance(answer, bytes):
            shared.codes[keccak256(answer)] = answer
        elif address in known and isinstance(answer, Unanswered):
            shared.silent_codes[address] = answer
    lied = list[tuple[Address, tuple[SlotKey, ...]]]()
    for (address, slots), answer in zip(proofs, answers[len(codes) :], strict=True):
        if isinstance(answer, Unanswered):
            shared.proofs.failed.update({(address, place): answer for place in (None, *slots)})
            if answer.lied and len(slots) > 1:
                lied.extend((address, (slot,)) for slot in slots)
    yield from shared.proofs.ask(lied)


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
