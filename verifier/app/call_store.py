"""Margin calls between runs: read, advanced and written in the transaction that keeps the run.

The rows decide times and nothing that is proven. A row that cannot be one of ours makes the file damaged: a call is
never dropped for being unreadable.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from verifier.app.errors import StoreDamaged
from verifier.errors import BadInput
from verifier.margin.calls import Call, CallKind, Calls, Event, Observation, advance
from verifier.margin.rules import CallRules, Ladder
from verifier.margin.status import Status
from verifier.primitives import Hash32, Timestamp, to_hex


@dataclass(frozen=True, slots=True)
class PoolSeen:
    """One pool of a run, as the ladder sees it."""

    pocket: str
    observation: Observation


@dataclass(frozen=True, slots=True)
class Watched:
    """All pools of an account in one run, and the times of its ladder."""

    account: str
    policy_digest: Hash32
    pools: tuple[PoolSeen, ...]
    ladder: Ladder
    rules: CallRules


_COLUMNS: Final = "kind, rung, base, opened, since, deadline, above, seen"


def advance_calls(sql: sqlite3.Connection, path: Path, run: int, watched: Watched) -> tuple[Event, ...]:
    """
    Every pool's calls one step on. Call this inside the run's transaction.

    A pool that is no longer there keeps its calls: they close when it is seen to stand, not when it is not seen.

    Raises:
        StoreDamaged: A kept call is none of ours.
    """
    events: list[Event] = []
    for pool in watched.pools:
        key = (watched.account, to_hex(watched.policy_digest), pool.pocket)
        calls = read_calls(sql, path, key)
        newest = max((call.seen for call in (calls.margin, calls.data) if call is not None), default=Timestamp(0))
        if pool.observation.at < newest:
            continue  # the clock was set back: nothing closes or opens by that
        step = advance(calls, pool.observation, watched.ladder, watched.rules)
        _write(sql, key, step.calls)
        sql.executemany(
            "INSERT INTO margin_call_events (run, account, policy_digest, pocket, at, what, kind, rung) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [(run, *key, event.at, event.what, event.kind.value, event.rung.value) for event in step.events],
        )
        events += step.events
    return tuple(events)


def read_calls(sql: sqlite3.Connection, path: Path, key: tuple[str, str, str]) -> Calls:
    """The open calls of one pool."""
    rows = sql.execute(
        f"SELECT {_COLUMNS} FROM margin_calls WHERE account = ? AND policy_digest = ? AND pocket = ?",  # noqa: S608
        key,
    ).fetchall()
    found = {call.kind: call for call in (_call(row, path) for row in rows)}
    return Calls(found.get(CallKind.MARGIN), found.get(CallKind.DATA))


def _call(row: Sequence[object], path: Path) -> Call:
    kind, rung, base, *times = row
    try:
        opened, since, deadline, above, seen = (None if t is None else Timestamp(int(str(t))) for t in times)
        if opened is None or since is None or seen is None:
            raise StoreDamaged(path, "a margin call has no time")
        return Call(CallKind(str(kind)), Status(str(rung)), opened, since, deadline, Status(str(base)), above, seen)
    except (ValueError, BadInput) as error:
        raise StoreDamaged(path, f"a margin call is none: {error}") from None


def _write(sql: sqlite3.Connection, key: tuple[str, str, str], calls: Calls) -> None:
    sql.execute("DELETE FROM margin_calls WHERE account = ? AND policy_digest = ? AND pocket = ?", key)
    for call in (calls.margin, calls.data):
        if call is not None:
            sql.execute(
                f"INSERT INTO margin_calls (account, policy_digest, pocket, {_COLUMNS}) "  # noqa: S608
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *key,
                    call.kind.value,
                    call.rung.value,
                    call.base.value,
                    call.opened,
                    call.since,
                    call.deadline,
                    call.above,
                    call.seen,
                ),
            )
