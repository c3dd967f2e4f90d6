"""Deliveries: written down together with the run that they belong to, sent afterwards, until they are taken.

A delivery is the very bytes, under a key (job, due time, sink, kind). A kill between sending and noting it sends it
again, with the same key: a folder's file is replaced by itself, a table keeps one row, a web hook gets the key as
`Idempotency-Key`.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from verifier.app.delivery import Delivery
from verifier.app.errors import UsageError
from verifier.app.jobs_file import DirectorySink, SinkPart, SqliteSink, WebhookSink
from verifier.app.quantities import rfc3339
from verifier.app.report.escape import clean
from verifier.app.store import Store
from verifier.errors import BadInput
from verifier.primitives import Timestamp

MAX_WAIT: Final = 3_600
FIRST_WAIT: Final = 2
BATCH: Final = 50
_HOOK_ERROR: Final = 200


def sink_name(index: int, sink: SinkPart) -> str:
    """A sink's name within its job: its own, or its kind and place."""
    if isinstance(sink, WebhookSink) and sink.name:
        return sink.name
    return f"{sink.kind}-{index}"


def event_body(kind: str, job: str, due: Timestamp, **facts: object) -> bytes:
    """The JSON of a delivery: one form for files, tables and hooks. docs/schema/job-event.json has its schema."""
    head = {"schema": "xmargin/job-event", "version": 1, "kind": kind, "job": job}
    when = {"unix": due, "utc": rfc3339(due)}
    return json.dumps({**head, "due": when, **facts}, ensure_ascii=True, sort_keys=True).encode() + b"\n"


def enqueue(sql: sqlite3.Connection, deliveries: Sequence[Delivery], now: Timestamp) -> None:
    """Write deliveries down, inside the caller's transaction; one that is there already stays as it is."""
    sql.executemany(
        "INSERT OR IGNORE INTO deliveries (job, due, sink, kind, state, attempts, not_before, body) "
        "VALUES (?, ?, ?, ?, 'pending', 0, ?, ?)",
        [(d.job, d.due, d.sink, d.kind, now, d.body) for d in deliveries],
    )


def pending(store: Store, now: Timestamp) -> list[Delivery]:
    """What is to be sent now, oldest first."""
    rows = store.rows(
        "SELECT job, due, sink, kind, body, attempts FROM deliveries WHERE state = 'pending' AND not_before <= ? "
        "ORDER BY due, job, sink, kind LIMIT ?",
        (now, BATCH),
    )
    return [Delivery(**row) for row in rows]  # type: ignore[arg-type]


def waiting(store: Store) -> int:
    """How many deliveries wait."""
    count = store.rows("SELECT count(*) AS n FROM deliveries WHERE state = 'pending'")[0]["n"]
    return count if isinstance(count, int) else 0


def deliver(store: Store, delivery: Delivery, sink: SinkPart | None, now: Timestamp, environ: Mapping[str, str]) -> str:
    """
    Try one delivery, and note what became of it.

    Args:
        sink: None where the jobs file no longer names it; then it is given up.

    Returns:
        delivered, failed (it is tried again) or given-up.
    """
    if sink is None:
        return _note(store, delivery, "given-up", now, "the jobs file no longer names this sink")
    try:
        _send(delivery, sink, now, environ)
    except (OSError, sqlite3.Error, UsageError, BadInput) as error:
        most = sink.attempts if isinstance(sink, WebhookSink) else 1_000_000
        state = "given-up" if delivery.attempts + 1 >= most else "pending"
        reason = getattr(error, "strerror", None) or str(error)
        return _note(store, delivery, state, now, reason)
    return _note(store, delivery, "delivered", now, None)


def _note(store: Store, delivery: Delivery, state: str, now: Timestamp, error: str | None) -> str:
    wait = min(MAX_WAIT, FIRST_WAIT << min(delivery.attempts, 20))
    with store.transaction() as sql:
        sql.execute(
            "UPDATE deliveries SET state = ?, attempts = attempts + 1, not_before = ?, last_error = ? "
            "WHERE job = ? AND due = ? AND sink = ? AND kind = ?",
            (
                state,
                now + wait,
                None if error is None else clean(error)[:_HOOK_ERROR],
                *(delivery.job, delivery.due, delivery.sink, delivery.kind),
            ),
        )
    return "failed" if state == "pending" else state


def _send(delivery: Delivery, sink: SinkPart, now: Timestamp, environ: Mapping[str, str]) -> None:
    if isinstance(sink, DirectorySink):
        _to_directory(delivery, Path(sink.path).expanduser())
    elif isinstance(sink, SqliteSink):
        _to_sqlite(delivery, Path(sink.path).expanduser())
    else:
        from verifier.app.alerts import post

        post(delivery, sink, now, environ)


def file_name(delivery: Delivery) -> str:
    """The file of a delivery: sorts by time, and is the same for a repetition."""
    stamp = rfc3339(delivery.due).replace(":", "").replace("-", "")
    return f"{delivery.job}.{stamp}.{delivery.kind}.json".replace("/", "_")


def _to_directory(delivery: Delivery, folder: Path) -> None:
    """The file, whole or not at all; a file system that is full leaves what was there."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = folder / f".{file_name(delivery)}.{os.getpid()}.part"
    try:
        with part.open("wb") as file:
            file.write(delivery.body)
            file.flush()
            os.fsync(file.fileno())
        part.replace(folder / file_name(delivery))
    finally:
        part.unlink(missing_ok=True)


def _to_sqlite(delivery: Delivery, path: Path) -> None:
    with sqlite3.connect(path, timeout=10) as sql:
        sql.execute(
            "CREATE TABLE IF NOT EXISTS statements (job TEXT NOT NULL, due INTEGER NOT NULL, kind TEXT NOT NULL, "
            "body TEXT NOT NULL, PRIMARY KEY (job, due, kind)) STRICT"
        )
        sql.execute(
            "INSERT OR IGNORE INTO statements (job, due, kind, body) VALUES (?, ?, ?, ?)",
            (delivery.job, delivery.due, delivery.kind, delivery.body.decode()),
        )
    sql.close()
