"""What an endpoint did in a run, how it is best asked, and what may be told of both: no URL, no key."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, TypeAlias

from chains.dialects.eth import KEYS_PER_CALL
from chains.errors import FetchError
from verifier.errors import VerifierError
from verifier.primitives import ChainId

MAX_BATCH: Final = 1_000


@dataclass(slots=True)
class RetryBudget:
    """How often anything may be repeated in one report, over all endpoints."""

    left: int = 100
    _most: int = field(init=False)

    def __post_init__(self) -> None:
        self._most = self.left

    def renew(self) -> None:
        """All of them again."""
        self.left = self._most

    def spend(self) -> bool:
        """Take one, if there is one."""
        self.left -= 1
        return self.left >= 0


@dataclass(slots=True)
class Behaviour:
    """What an endpoint did for one network, in this run.

    Attributes:
        lied: Answers that a judge refused; `first_lie` is what it said of the first.
        in_a_row: Failures since it last served.
        latency: Seconds of the fastest exchange so far.
    """

    served: int = 0
    failed: int = 0
    lied: int = 0
    in_a_row: int = 0
    retries: int = 0
    latency: float | None = None
    first_lie: VerifierError | None = None
    last_failure: FetchError | None = None

    def note(self, outcome: object) -> None:
        """Count an answer or a failure."""
        if isinstance(outcome, FetchError):
            self.failed += 1
            self.in_a_row += 1
            self.last_failure = outcome
        else:
            self.served += 1
            self.in_a_row = 0

    def note_lie(self, error: VerifierError) -> None:
        """Count an answer that was not true."""
        self.lied += 1
        self.first_lie = self.first_lie or error


@dataclass(frozen=True, slots=True)
class Capacity:
    """How an endpoint was found to be asked best, in this run or in an earlier one. It decides nothing but pace.

    Attributes:
        by_hash: Whether it serves proofs of a block named by its hash.
        keys_per_call: Storage keys that one call may hold; `batch` calls that one request may hold.
        unproven: The newest block whose state it was found not to prove: others are asked for such state first.
    """

    by_hash: bool = True
    keys_per_call: int = KEYS_PER_CALL
    batch: int = MAX_BATCH
    unproven: int | None = None


Place: TypeAlias = tuple[ChainId, str, str]
"""Chain, name and host of an endpoint: what is known of it is known of this place, and not of another of its name."""
NOTHING_KNOWN: Final[Mapping[Place, Capacity]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class EndpointReport:
    """What a person may see of an endpoint: no URL, no key."""

    name: str
    operator: str
    chain_id: ChainId
    calls: int
    round_trips: int
    bytes: int
    retries: int
    served: int
    failed: int
    lied: int
    first_lie: str | None
    last_failure: str | None
    latency_ms: int | None
    limits_enforced: bool
    by_hash: bool
    host: str
    capacity: Capacity
    learned: bool


class Pace:
    """Spreads calls evenly, so that no second holds more of them than a rate."""

    def __init__(self, rate: float | None) -> None:
        self._rate, self._free = rate, 0.0

    async def wait(self, calls: int) -> None:
        """Until these calls may be made."""
        if self._rate is None:
            return
        now = time.monotonic()
        start = max(now, self._free)
        self._free = start + calls / self._rate
        if start > now:
            await asyncio.sleep(start - now)
