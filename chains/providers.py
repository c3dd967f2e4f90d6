"""One endpoint and how it is treated: its pace, its batches, its retries, and what it did so far.

Only transport is repeated, and only where the retry table says so: with jitter, within a deadline, out of one budget
for the whole report. An answer that is not true is never asked for again at the same place; that is the desk's part.

Which failures are repeated: HTTP 408, 425, 429, 500, 502-504, 521-524; broken connections; JSON-RPC -32005, -32016
and -32603; null for a block that may just have been announced. Which never: 401, 402, 403, other JSON-RPC errors,
a wrong chain, broken protocol.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import stamina

from chains.answers import parse_quantity
from chains.behaviour import NOTHING_KNOWN, Behaviour, Capacity, EndpointReport, Pace, Place, RetryBudget
from chains.dialects.eth import Habits, Plan, chain_id_call, plan
from chains.endpoint import Endpoint
from chains.errors import (
    BatchRefused,
    FetchError,
    OutOfBudget,
    RequestTooLarge,
    TimedOut,
    TooLarge,
    WrongChainId,
)
from chains.replies import Call
from chains.transport import DEFAULT_RESPONSE_LIMITS, ResponseLimits, Transport
from verifier.flow import Ask
from verifier.network import Network

if TYPE_CHECKING:
    from chains.foreign import ForeignProvider

# A library does not write to stderr by itself: stamina's notes go where the program sends logs, or nowhere.
logging.getLogger("stamina").addHandler(logging.NullHandler())

MAX_ATTEMPTS: Final = 4
MAX_WAIT: Final = 8.0
MAX_ROUNDS: Final = 16
"""Ways of asking that are tried for one question: halving 256 keys takes eight."""


@dataclass(slots=True)
class Line:
    """One endpoint of one network, held open for a run."""

    network: Network
    name: str
    host: str
    operator: str
    transport: Transport
    batch: int = 50
    concurrency: int = 4
    rate: float | None = None
    budget: RetryBudget = field(default_factory=RetryBudget)
    behaviour: Behaviour = field(default_factory=Behaviour)
    habits: Habits = field(default_factory=Habits)
    unusable: WrongChainId | None = None
    _identified: bool = False
    _gate: asyncio.Semaphore = field(init=False)
    _pace: Pace = field(init=False)
    _began: Capacity = field(init=False)

    def __post_init__(self) -> None:
        self._began = self.capacity
        self._gate, self._pace = asyncio.Semaphore(self.concurrency), Pace(self.rate)

    @property
    def rank(self) -> tuple[bool, int]:
        """Sorts liars behind those that failed, and those behind the others; the order configured decides the rest."""
        return (self.behaviour.lied > 0, min(self.behaviour.in_a_row, 3))

    async def answer(self, questions: Sequence[Ask[object]], until: float) -> list[object | FetchError]:
        """
        What the endpoint answers to each question, or why it does not; nothing of it is judged here.

        Args:
            until: When the time is up, on the clock of `time.monotonic`.
        """
        outcome: dict[int, object | FetchError] = {}
        pending = list(range(len(questions)))
        for _ in range(MAX_ROUNDS):
            if not pending:
                break
            again = await self._ask([questions[i] for i in pending], until)
            outcome.update(zip(pending, (entry for entry, _ in again), strict=True))
            pending = [i for i, (_, repeat) in zip(pending, again, strict=True) if repeat]
        for i in range(len(questions)):
            self.behaviour.note(outcome[i])
        return [outcome[i] for i in range(len(questions))]

    async def call(self, calls: Sequence[Call], until: float) -> list[object | FetchError]:
        """Results or errors of plain calls, in batches, with retries."""
        results: list[object | FetchError] = [TimedOut(self.name, 0.0)] * len(calls)
        pending = list(range(len(calls)))
        try:
            async for attempt in stamina.retry_context(
                on=lambda error: self._wait_before_retry(error, until),
                attempts=MAX_ATTEMPTS,
                timeout=max(0.0, until - time.monotonic()),
                wait_initial=0.2,
                wait_max=MAX_WAIT,
                wait_jitter=0.5,
            ):
                with attempt:
                    await self._round(calls, results, pending, until)
                    failures = {i: r for i in pending if isinstance(r := results[i], FetchError)}
                    pending = [i for i, failure in failures.items() if failure.repeats >= attempt.num]
                    if pending:
                        raise max((failures[i] for i in pending), key=lambda failure: failure.after or 0.0)
        except FetchError:
            return results  # each result that is still missing holds its own error
        return results

    async def aclose(self) -> None:
        """Close its connections."""
        await self.transport.aclose()

    def report(self) -> EndpointReport:
        """What it was asked and what it did."""
        b, meter = self.behaviour, self.transport.meter
        return EndpointReport(
            name=self.name,
            operator=self.operator,
            chain_id=self.network.chain_id,
            calls=meter.calls,
            round_trips=meter.round_trips,
            bytes=meter.bytes,
            retries=b.retries,
            served=b.served,
            failed=b.failed,
            lied=b.lied,
            first_lie=None if b.first_lie is None else str(b.first_lie),
            last_failure=None if b.last_failure is None else b.last_failure.reason,
            latency_ms=None if b.latency is None else round(b.latency * 1_000),
            limits_enforced=self.transport.limits_enforced,
            by_hash=self.habits.by_hash,
            host=self.host,
            capacity=self.capacity,
            learned=self.capacity != self._began,
        )

    @property
    def capacity(self) -> Capacity:
        """How it is asked by now."""
        return Capacity(self.habits.by_hash, self.habits.keys_per_call, self.batch)

    # --- inside ----------------------------------------------------------------------------------------------

    async def _ask(self, questions: Sequence[Ask[object]], until: float) -> list[tuple[object | FetchError, bool]]:
        """Each question's outcome, and whether it is worth asking in another way."""
        if self.unusable is not None:
            return [(self.unusable, False)] * len(questions)
        plans = [plan(question, self.network.family, self.habits, self.name) for question in questions]
        calls = [call for p in plans for call in p.calls]
        asks_chain = not self._identified
        # The question for the chain id rides along with the first batch, and costs no round trip of its own.
        replies = await self.call([chain_id_call(), *calls] if asks_chain else calls, until)
        if asks_chain:
            failure = self._identify(replies.pop(0))
            if failure is not None:
                return [(failure, False)] * len(questions)
        outcomes: list[tuple[object | FetchError, bool]] = []
        for p in plans:
            mine, replies = replies[: len(p.calls)], replies[len(p.calls) :]
            error = next((reply for reply in mine if isinstance(reply, FetchError)), None)
            if error is None:
                outcomes.append((_read(p, mine), False))
            else:
                outcomes.append((error, self.habits.learns(error, p)))
        return outcomes

    def _identify(self, reply: object | FetchError) -> FetchError | None:
        """A check for mistakes in the configuration. A liar passes it; the anchor is what says which chain this is."""
        if isinstance(reply, FetchError):
            return reply
        try:
            told = parse_quantity(reply, self.name, "chain id")
        except FetchError as error:
            return error
        if told != self.network.chain_id:
            self.unusable = WrongChainId(self.name, self.network.chain_id, told)
            return self.unusable
        self._identified = True
        return None

    def _wait_before_retry(self, error: Exception, until: float) -> bool | float:
        if not isinstance(error, FetchError):
            return False
        wait = error.after
        if wait is not None and time.monotonic() + wait >= until:
            return False  # another endpoint will be sooner
        if not self.budget.spend():
            return False
        self.behaviour.retries += 1
        return True if wait is None else wait

    async def _round(
        self, calls: Sequence[Call], results: list[object | FetchError], pending: Sequence[int], until: float
    ) -> None:
        parts = [pending[i : i + self.batch] for i in range(0, len(pending), self.batch)]
        for part, got in zip(
            parts, await asyncio.gather(*(self._send([calls[i] for i in part], until) for part in parts)), strict=True
        ):
            for i, result in zip(part, got, strict=True):
                results[i] = result

    async def _send(self, calls: Sequence[Call], until: float) -> list[object | FetchError]:
        """One exchange; split in two where the endpoint finds it too large."""
        try:
            return await self._exchange(calls, until)
        except (RequestTooLarge, BatchRefused, TooLarge) as error:
            if len(calls) == 1:
                return [error]
            if not self.budget.spend():
                return [OutOfBudget(self.name)] * len(calls)
            failure: FetchError = error
        except FetchError as error:
            return [error] * len(calls)
        half = (len(calls) + 1) // 2
        if not isinstance(failure, TooLarge):
            self.batch = min(self.batch, half)
        return [*await self._send(calls[:half], until), *await self._send(calls[half:], until)]

    async def _exchange(self, calls: Sequence[Call], until: float) -> list[object | FetchError]:
        async with self._gate:
            await self._pace.wait(len(calls))
            started = time.monotonic()
            if started >= until:
                raise TimedOut(self.name, 0.0)
            results = await self.transport.exchange(calls, until - started)
            took = time.monotonic() - started
            self.behaviour.latency = took if self.behaviour.latency is None else min(took, self.behaviour.latency)
            return results


def _read(p: Plan, replies: Sequence[object]) -> object | FetchError:
    try:
        return p.read(replies)
    except FetchError as error:
        return error


def open_line(
    network: Network,
    endpoint: Endpoint,
    budget: RetryBudget,
    limits: ResponseLimits | None = None,
    known: Mapping[Place, Capacity] = NOTHING_KNOWN,
) -> Line:
    """A line to a configured endpoint: over our own bounded provider, or where it is no HTTP over web3's, so marked."""
    found = known.get((network.chain_id, endpoint.name, endpoint.host), Capacity())
    return Line(
        network,
        endpoint.name,
        endpoint.host,
        endpoint.operator,
        _transport(endpoint, limits or DEFAULT_RESPONSE_LIMITS),
        batch=min(endpoint.batch, found.batch),
        concurrency=endpoint.concurrency,
        rate=endpoint.rate,
        budget=budget,
        habits=Habits(found.by_hash, found.keys_per_call),
    )


def _transport(endpoint: Endpoint, limits: ResponseLimits) -> Transport:
    if endpoint.kind == "http":
        from chains.execution import BoundedProvider

        return BoundedProvider(endpoint, limits)
    from chains.foreign import open_foreign

    return open_foreign(endpoint)


def foreign_line(network: Network, provider: ForeignProvider, budget: RetryBudget, operator: str | None = None) -> Line:
    """A line over another web3 provider; its name stands for its host."""
    return Line(network, provider.name, provider.name, operator or provider.name, provider, budget=budget)
