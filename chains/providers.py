"""One JSON-RPC endpoint and how it is treated: its batches, its retries, and the ways in which it wants to be asked.

Which failures are repeated: HTTP 408, 425, 429, 500, 502-504, 521-524; broken connections; JSON-RPC -32005, -32016
and -32603; null for a block that may just have been announced. Which never: 401, 402, 403, other JSON-RPC errors,
a wrong chain, broken protocol.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from chains.answers import parse_quantity
from chains.behaviour import NOTHING_KNOWN, Capacity, EndpointReport, Place, RetryBudget
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
from chains.line import OpenLine
from chains.replies import Call
from chains.transport import DEFAULT_RESPONSE_LIMITS, ResponseLimits, Transport
from verifier.flow import Ask
from verifier.network import Network

if TYPE_CHECKING:
    from chains.foreign import ForeignProvider

MAX_ROUNDS: Final = 16
"""Ways of asking that are tried for one question: halving 256 keys takes eight."""


@dataclass(slots=True)
class Line(OpenLine):
    """One JSON-RPC endpoint of one network, held open for a run."""

    transport: Transport
    batch: int = 50
    habits: Habits = field(default_factory=Habits)
    unusable: WrongChainId | None = None
    _identified: bool = False
    _began: Capacity = field(init=False)

    def __post_init__(self) -> None:
        OpenLine.__post_init__(self)
        self._began = self.capacity

    def reaches(self, questions: Sequence[Ask[object]]) -> bool:
        """Whether it may prove all that is asked for, as far as is known."""
        return self.habits.reaches(questions)

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
            async for attempt in self.attempts(until):
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
        return self.reported(
            self.transport.meter,
            name=self.name,
            limits_enforced=self.transport.limits_enforced,
            by_hash=self.habits.by_hash,
            capacity=self.capacity,
            learned=self.capacity != self._began,
        )

    @property
    def capacity(self) -> Capacity:
        """How it is asked by now."""
        return Capacity(self.habits.by_hash, self.habits.keys_per_call, self.batch, self.habits.unproven)

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
        return await self.in_turn(len(calls), until, lambda left: self.transport.exchange(calls, left))


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
        habits=Habits(found.by_hash, found.keys_per_call, found.unproven),
    )


def _transport(endpoint: Endpoint, limits: ResponseLimits) -> Transport:
    if endpoint.kind == "http":
        from chains.execution import BoundedRpc

        return BoundedRpc(endpoint, limits)
    from chains.foreign import open_foreign

    return open_foreign(endpoint)


def foreign_line(network: Network, provider: ForeignProvider, budget: RetryBudget, operator: str | None = None) -> Line:
    """A line over another web3 provider; its name stands for its host."""
    return Line(network, provider.name, provider.name, operator or provider.name, provider, budget=budget)
