"""What a line to any node has: its pace, its retries within one budget and one deadline, and what it did so far.

Only transport is repeated, and only where the failure says that it passes: with jitter, within a deadline, out of one
budget for the whole report. An answer that is not true is never asked for again at the same place; that is the desk's
part.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, TypeVar

import stamina

from chains.behaviour import Behaviour, Capacity, EndpointReport, Pace, RetryBudget
from chains.errors import FetchError, TimedOut
from chains.transport import Meter
from verifier.network import Network

# A library does not write to stderr by itself: stamina's notes go where the program sends logs, or nowhere.
logging.getLogger("stamina").addHandler(logging.NullHandler())

MAX_ATTEMPTS: Final = 4
MAX_WAIT: Final = 8.0
_SOON: Final = 0.001

R = TypeVar("R")


@dataclass(slots=True)
class OpenLine:
    """One endpoint of one network, held open for a run."""

    network: Network
    name: str
    host: str
    operator: str
    concurrency: int = field(default=4, kw_only=True)
    rate: float | None = field(default=None, kw_only=True)
    budget: RetryBudget = field(default_factory=RetryBudget, kw_only=True)
    behaviour: Behaviour = field(default_factory=Behaviour, kw_only=True)
    _gate: asyncio.Semaphore = field(init=False)
    _pace: Pace = field(init=False)

    def __post_init__(self) -> None:
        self._gate, self._pace = asyncio.Semaphore(self.concurrency), Pace(self.rate)

    @property
    def rank(self) -> tuple[bool, int]:
        """Sorts liars behind those that failed, and those behind the others; the order configured decides the rest."""
        return (self.behaviour.lied > 0, min(self.behaviour.in_a_row, 3))

    def attempts(self, until: float) -> AsyncIterator[stamina.Attempt]:
        """Attempts at one thing: another follows a `FetchError` that may pass, while time and budget last."""
        made = itertools.count(1)
        return stamina.retry_context(
            on=lambda error: self._wait_before_retry(error, next(made), until),
            attempts=MAX_ATTEMPTS,
            timeout=max(_SOON, until - time.monotonic()),
            wait_initial=0.2,
            wait_max=MAX_WAIT,
            wait_jitter=0.5,
        )

    def _wait_before_retry(self, error: Exception, attempt: int, until: float) -> bool | float:
        if not isinstance(error, FetchError) or attempt > error.repeats or attempt == MAX_ATTEMPTS:
            return False
        wait = error.after
        if wait is not None and time.monotonic() + wait >= until:
            return False  # another endpoint will be sooner
        if not self.budget.spend():
            return False
        self.behaviour.retries += 1
        return True if wait is None else wait

    async def in_turn(self, calls: int, until: float, send: Callable[[float], Awaitable[R]]) -> R:
        """
        One exchange, at the endpoint's pace and with no more of them at once than it is given.

        Args:
            until: When the time is up, on the clock of `time.monotonic`; `send` gets the seconds that are left.
        """
        async with self._gate:
            await self._pace.wait(calls)
            started = time.monotonic()
            if started >= until:
                raise TimedOut(self.name, 0.0)
            got = await send(until - started)
            took = time.monotonic() - started
            self.behaviour.latency = took if self.behaviour.latency is None else min(took, self.behaviour.latency)
            return got

    def reported(
        self, meter: Meter, *, name: str, limits_enforced: bool, by_hash: bool, capacity: Capacity, learned: bool
    ) -> EndpointReport:
        """What it was asked and what it did."""
        b = self.behaviour
        return EndpointReport(
            name=name,
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
            limits_enforced=limits_enforced,
            by_hash=by_hash,
            host=self.host,
            capacity=capacity,
            learned=learned,
        )
