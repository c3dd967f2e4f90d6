"""Driving a flow: its questions to the endpoints of each network, the answers back into it.

All questions of one `yield` go out together. Each answer passes its question's judge here; an endpoint whose answer is
refused is marked for this run, goes to the end of the queue, and the next one is asked. A question that no endpoint
answered goes back as `Unanswered`, and the flow decides what that means.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Final, Protocol, Self, TypeVar

from chains.behaviour import NOTHING_KNOWN, Behaviour, Capacity, EndpointReport, Place, RetryBudget
from chains.endpoint import Endpoint
from chains.errors import FetchError
from chains.providers import Line, open_line
from chains.transport import ResponseLimits
from verifier.errors import VerifierError
from verifier.flow import Answer, Ask, AskBeacon, Flow, Unanswered
from verifier.network import Network
from verifier.primitives import ChainId, Timestamp

if TYPE_CHECKING:
    from chains.beacon import BeaconLine
    from verifier.consensus.forks import ConsensusConfig

R = TypeVar("R")

Clock = Callable[[], Timestamp]
"""What time it is, by the checker."""

NETWORK_SECONDS: Final = 120.0


class Answers(Protocol):
    """Whoever answers questions: endpoints, or a recording."""

    async def answer(self, questions: Sequence[Ask[object]]) -> Sequence[Answer]:
        """Each question's answer, which has passed its judge, or `Unanswered`; in their order."""
        ...


class Asked(Protocol):
    """An endpoint as the desk treats it, whatever it speaks."""

    @property
    def name(self) -> str:
        """What it is shown as."""
        ...

    @property
    def behaviour(self) -> Behaviour:
        """What it did so far."""
        ...

    @property
    def budget(self) -> RetryBudget:
        """How often anything may be repeated."""
        ...

    @property
    def rank(self) -> tuple[bool, int]:
        """Sorts those to be asked first before the others."""
        ...

    def reaches(self, questions: Sequence[Ask[object]], /) -> bool:
        """Whether it may prove all that is asked for, as far as is known; where not, others are asked first."""
        ...

    async def answer(self, questions: Sequence[Ask[object]], until: float) -> list[object | FetchError]:
        """Its answers, judged by nobody yet, by a time on the clock of `time.monotonic`."""
        ...

    async def aclose(self) -> None:
        """Close its connections."""
        ...

    def report(self) -> EndpointReport:
        """What it was asked and what it did."""
        ...


async def drive(flow: Flow[R], desk: Answers) -> R:
    """Run a flow to its end. What it raises is raised; where the driving is cancelled, the flow is closed."""
    try:
        questions = next(flow)
        while True:
            questions = flow.send(await desk.answer(questions))
    except StopIteration as done:
        result: R = done.value
        return result
    finally:
        flow.close()


class Desk:
    """The endpoints of the networks of one run. Open it with `async with`; it closes every connection it opened."""

    def __init__(
        self,
        lines: Mapping[ChainId, Sequence[Line]],
        *,
        beacons: Mapping[ChainId, Sequence[BeaconLine]] | None = None,
        seconds: float = NETWORK_SECONDS,
    ) -> None:
        self.lines = {chain: tuple(some) for chain, some in lines.items()}
        self.beacons = {chain: tuple(some) for chain, some in (beacons or {}).items()}
        self.waves: dict[ChainId, int] = dict.fromkeys([*self.lines, *self.beacons], 0)
        """Sequential round trips of questions, by network."""
        self._seconds, self._until = seconds, dict[ChainId, float]()

    @classmethod
    def to(
        cls,
        places: Iterable[tuple[Network, Sequence[Endpoint]]],
        *,
        seconds: float = NETWORK_SECONDS,
        retries: int = 100,
        limits: ResponseLimits | None = None,
        known: Mapping[Place, Capacity] = NOTHING_KNOWN,
        beacons: Iterable[tuple[Network, ConsensusConfig, Sequence[Endpoint]]] = (),
    ) -> Self:
        """
        A desk over configured endpoints.

        Args:
            seconds: For each network, from its first question on.
            retries: For the whole run, over all endpoints.
            known: How endpoints were found to be asked best in earlier runs.
            beacons: Where the beacon chains of networks are asked.
        """
        budget = RetryBudget(retries)
        lines: dict[ChainId, list[Line]] = {}
        for network, endpoints in places:
            opened = [open_line(network, endpoint, budget, limits, known) for endpoint in endpoints]
            lines.setdefault(network.chain_id, []).extend(opened)
        chains: dict[ChainId, list[BeaconLine]] = {}
        for network, config, endpoints in beacons:
            from chains.beacon import open_beacon

            made = [open_beacon(network, config, endpoint, budget, limits) for endpoint in endpoints]
            chains.setdefault(network.chain_id, []).extend(made)
        return cls(lines, beacons=chains, seconds=seconds)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close every line, also while being cancelled."""
        closing = [asyncio.ensure_future(line.aclose()) for line in self._everyone()]
        if closing:
            await asyncio.shield(asyncio.wait(closing))

    def report(self) -> tuple[EndpointReport, ...]:
        """What each endpoint was asked and what it did, in the order configured."""
        return tuple(line.report() for line in self._everyone())

    async def answer(self, questions: Sequence[Ask[object]]) -> Sequence[Answer]:
        """Each question's answer, which has passed its judge, or `Unanswered`; networks are asked side by side."""
        rooms: dict[tuple[ChainId, bool], list[int]] = {}
        for i, question in enumerate(questions):
            rooms.setdefault((question.chain_id, isinstance(question, AskBeacon)), []).append(i)
        parts = await asyncio.gather(
            *(
                self._answer(chain, self._asked(chain, beacon=beacon), [questions[i] for i in places])
                for (chain, beacon), places in rooms.items()
            )
        )
        answers: dict[int, Answer] = {}
        for places, part in zip(rooms.values(), parts, strict=True):
            answers.update(zip(places, part, strict=True))
        return [answers[i] for i in range(len(questions))]

    def deadline(self, chain: ChainId) -> float:
        """When the network's time is up, on the clock of `time.monotonic`; it runs from the first question on."""
        return self._until.setdefault(chain, time.monotonic() + self._seconds)

    def renew(self) -> None:
        """Give every network its time, and the run its repeats, once more: for programs that go on asking."""
        self._until.clear()
        for budget in {id(line.budget): line.budget for line in self._everyone()}.values():
            budget.renew()

    def _everyone(self) -> list[Asked]:
        rooms: tuple[Mapping[ChainId, Sequence[Asked]], ...] = (self.lines, self.beacons)
        return [line for room in rooms for some in room.values() for line in some]

    def _asked(self, chain: ChainId, *, beacon: bool) -> Sequence[Asked]:
        return self.beacons.get(chain, ()) if beacon else self.lines.get(chain, ())

    async def _answer(self, chain: ChainId, lines: Sequence[Asked], questions: Sequence[Ask[object]]) -> list[Answer]:
        tally = [_Tally(question) for question in questions]
        until = self.deadline(chain)
        waiting = list(lines)
        while waiting and (open_ := [entry for entry in tally if not entry.answered]):
            # Looked at anew each time: another flow of this desk may have caught a liar meanwhile.
            asked = [entry.question for entry in open_]
            waiting.sort(key=lambda line: (line.rank[0], not line.reaches(asked), line.rank[1]))
            line = waiting.pop(0)
            now = time.monotonic()
            self.waves[chain] += 1
            share = now + max(0.0, until - now) / (len(waiting) + 1)
            for entry, outcome in zip(open_, await line.answer(asked, share), strict=True):
                entry.take(line, outcome)
        return [entry.result for entry in tally]


class _Tally:
    """What came of one question so far."""

    def __init__(self, question: Ask[object]) -> None:
        self.question, self.answered = question, False
        self._answer: object = None
        self._refusals: list[tuple[str, VerifierError]] = []
        self._failures: list[tuple[str, str]] = []

    def take(self, line: Asked, outcome: object) -> None:
        """Judge an answer, or note why there is none."""
        if isinstance(outcome, FetchError):
            remedy = f" ({outcome.remedy})" if outcome.remedy else ""
            self._failures.append((line.name, outcome.reason + remedy))
            return
        try:
            self.question.judge(outcome)
        except VerifierError as error:
            line.behaviour.note_lie(error)
            self._refusals.append((line.name, error))
            return
        self._answer, self.answered = outcome, True

    @property
    def result(self) -> Answer:
        """The answer, or what was said instead."""
        if self.answered:
            return self._answer
        return Unanswered(self.question, tuple(self._refusals), tuple(self._failures))
