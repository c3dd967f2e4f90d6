"""Questions as values, and a conversation as a generator: asking without waiting.

A *flow* yields batches of questions and is sent their answers. It decides what to ask and what the answers prove; a
driver decides whom to ask and when. The same flow runs against networks, from a recording, and by hand in a test.

Each question may carry a `judge`: a pure check that an answer must pass before the flow sees it. A driver that has
several endpoints tries the next one when the judge raises, and marks the one that answered. So verification happens
while evidence is gathered, and a liar is left at once.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, TypeVar, cast

from verifier.calls import Call
from verifier.claims import AccountRead
from verifier.errors import VerifierError
from verifier.primitives import Address, BlockNumber, ChainId, Hash32, SlotKey

A = TypeVar("A")
R = TypeVar("R")


def no_judge(_: object) -> None:
    """An answer that nothing can be held against yet: it must be only a hint."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask(Generic[A]):
    """One question to one network; `A` is the kind of answer."""

    chain_id: ChainId
    judge: Callable[[A], object] = field(default=no_judge, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class AskHeader(Ask[bytes]):
    """The RLP of a header, by its hash (then the judge holds it to that hash) or by its number (then it is a hint)."""

    block: Hash32 | BlockNumber


@dataclass(frozen=True, slots=True, kw_only=True)
class AskHeight(Ask[BlockNumber]):
    """The number of the newest block, or of the newest that is final, as the endpoint says: a hint."""

    final: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AskProof(Ask[tuple[bytes, ...]]):
    """
    The trie nodes that prove one account and some of its slots at one block; surplus nodes may be among them.

    Attributes:
        deep: Whether the block is one that many endpoints prove no more; who refuses it is asked for older ones last.
    """

    address: Address
    slots: tuple[SlotKey, ...]
    block_hash: Hash32
    number: BlockNumber
    deep: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AskReach(AskProof):
    """One proof that is asked for to see whether it is served at all; nothing is kept of it."""

    deep: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class AskReceipts(Ask[tuple[bytes, ...]]):
    """All receipts of one block, by index, each as the trie holds it; the judge holds them to the receipts root."""

    block_hash: Hash32
    number: BlockNumber


@dataclass(frozen=True, slots=True, kw_only=True)
class AskCode(Ask[bytes]):
    """The code of a contract at one block. It counts by its hash: the judge holds it to the one that was proven."""

    address: Address
    block_hash: Hash32
    number: BlockNumber


@dataclass(frozen=True, slots=True, kw_only=True)
class AskSaid(Ask[bytes]):
    """What a contract's function returns, as the endpoint says: a hint of where to look, never a figure."""

    address: Address
    data: bytes
    block_hash: Hash32
    number: BlockNumber


class HintMethod(StrEnum):
    """How an endpoint may be asked what a call touches."""

    ACCESS_LIST = "access-list"
    """eth_createAccessList (EIP-2930)"""
    PRESTATE = "prestate"
    """debug_traceCall with geth's prestateTracer"""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskTouched(Ask[tuple[AccountRead, ...]]):
    """Which accounts and slots a call would touch, as the endpoint says: a hint, which costs rounds where it lies."""

    call: Call
    method: HintMethod
    block_hash: Hash32
    number: BlockNumber


@dataclass(frozen=True, slots=True)
class Log:
    """One log, as an endpoint tells it."""

    topics: tuple[Hash32, ...]
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class AskLogs(Ask[tuple[Log, ...]]):
    """A contract's logs under one first topic over some blocks, as the endpoint says, oldest first: a hint."""

    address: Address
    topic: Hash32
    first: BlockNumber
    last: BlockNumber


@dataclass(frozen=True, slots=True, kw_only=True)
class AskBeacon:
    """Marks a question that goes to the beacon nodes of a network; each says what it asks (`consensus/questions`)."""


class Unanswered(Exception):
    """No endpoint gave an answer that passed the judge.

    Attributes:
        refusals: What the judge said of each answer that came, by endpoint name.
        failures: Why the other endpoints gave none, by endpoint name.
    """

    def __init__(
        self,
        question: Ask[object],
        refusals: tuple[tuple[str, VerifierError], ...],
        failures: tuple[tuple[str, str], ...],
    ) -> None:
        super().__init__(question, refusals, failures)
        self.question, self.refusals, self.failures = question, refusals, failures

    @property
    def lied(self) -> bool:
        """Whether some endpoint answered and was refused, rather than none answering at all."""
        return bool(self.refusals)

    def __str__(self) -> str:
        parts = [f"{name}: {error}" for name, error in self.refusals]
        parts += [f"{name}: {reason}" for name, reason in self.failures]
        return "; ".join(parts) or "no endpoint is configured"


Answer = object | Unanswered
Flow = Generator[tuple[Ask[object], ...], Sequence[Answer], R]


def ask(question: Ask[A]) -> Flow[A]:
    """Ask one question; the answer has passed its judge.

    Raises:
        Unanswered: No endpoint gave an answer that did.
    """
    (answer,) = yield from ask_all((question,))
    if isinstance(answer, Unanswered):
        raise answer
    return answer


def ask_all(questions: Sequence[Ask[A]]) -> Flow[tuple[A | Unanswered, ...]]:
    """Ask several questions at once; each is answered or `Unanswered` on its own, in the order asked."""
    if not questions:
        return ()
    answers = yield cast("tuple[Ask[object], ...]", tuple(questions))
    # The driver answers each question with its own kind, after the question's judge has taken it.
    return cast("tuple[A | Unanswered, ...]", tuple(answers))
