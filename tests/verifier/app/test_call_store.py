"""Margin calls in the store: they outlive runs, move on in a run's own transaction, and a damaged one is not dropped."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from tests.hostile.test_store import demo_findings
from verifier.app.call_store import PoolSeen, Watched
from verifier.app.errors import StoreDamaged
from verifier.app.findings import record_of, watched_of
from verifier.app.kept import Record
from verifier.app.store import Store
from verifier.margin.calls import Observation
from verifier.margin.risk import Ratio
from verifier.margin.rules import CallRules, Ladder
from verifier.margin.status import Status
from verifier.primitives import Hash32, Timestamp

DEMO = demo_findings()
POLICY = Hash32(bytes(31) + b"\x01")


def run_at(at: int, status: Status, ratio: int, later: int = 0) -> Record:
    """The demo's record, seen at a time with one pool on a rung."""
    base = record_of(DEMO, "{}")
    assert base.snapshot is not None
    seen = Observation(Timestamp(at), status, status, Ratio(ratio, 100))
    watched = Watched("demo", POLICY, (PoolSeen("", seen),), Ladder(), CallRules())
    as_of = Timestamp(base.snapshot.as_of + later)
    return replace(
        base, at=Timestamp(at), snapshot=replace(base.snapshot, watched=watched, policy_digest=POLICY, as_of=as_of)
    )


def events(store: Store) -> list[tuple[object, object, object]]:
    rows = store.rows("SELECT at, what, rung FROM margin_call_events ORDER BY id")
    return [(row["at"], row["what"], row["rung"]) for row in rows]


def test_a_call_outlives_the_process_that_opened_it(tmp_path: Path) -> None:
    """Opened in one run, expired in the next, closed in a third: each opens the file anew."""
    path = tmp_path / "x.db"
    for at, status, ratio in (
        (0, Status.MARGIN_CALL, 115),
        (3_600, Status.MARGIN_CALL, 115),
        (4_000, Status.HEALTHY, 200),
        (5_000, Status.HEALTHY, 200),
    ):
        with Store(path) as store:
            store.keep(run_at(at, status, ratio))
    with Store(path) as store:
        assert events(store) == [
            (0, "opened", "margin-call"),
            (3_600, "expired", "final-call"),
            (4_000, "cleared", "final-call"),
            (5_000, "closed", "final-call"),
        ]
        assert store.rows("SELECT * FROM margin_calls") == []


def test_an_older_account_and_a_clock_set_back_move_no_call(tmp_path: Path) -> None:
    """What is not the account's latest says nothing of its calls; nor does an observation of an earlier time."""
    with Store(tmp_path / "x.db") as store:
        store.keep(run_at(1_000, Status.MARGIN_CALL, 115, later=10))
        store.keep(run_at(9_000, Status.HEALTHY, 200))
        store.keep(run_at(500, Status.HEALTHY, 200, later=20))
        assert events(store) == [(1_000, "opened", "margin-call")]


@pytest.mark.parametrize(
    ("column", "value"),
    [("rung", "'sunny'"), ("base", "'healthy'"), ("rung", "'healthy'")],
    ids=["word", "base", "rung"],
)
def test_a_call_that_is_none_of_ours_makes_the_file_damaged(tmp_path: Path, column: str, value: str) -> None:
    """It is not dropped, and nothing of the run is kept; untouched, the same run is."""
    path = tmp_path / "x.db"
    with Store(path) as store:
        store.keep(run_at(0, Status.MARGIN_CALL, 115))
    with sqlite3.connect(path) as db:
        db.execute(f"UPDATE margin_calls SET {column} = {value}")
    db.close()
    with Store(path) as store:
        with pytest.raises(StoreDamaged):
            store.keep(run_at(10, Status.MARGIN_CALL, 115))
        assert store.rows("SELECT count(*) AS n FROM runs") == [{"n": 1}]


def test_a_real_run_is_watched_pool_by_pool() -> None:
    """What verify keeps holds each pool's rung, ratio and the file's own ladder."""
    assert DEMO.report is not None
    watched = watched_of(DEMO.report, DEMO.now)
    assert [pool.pocket for pool in watched.pools] == [p.name for p in DEMO.report.figures.pockets]
    assert watched.pools[0].observation.status is DEMO.report.figures.pockets[0].status
    assert watched.ladder == DEMO.report.account.rules.ladder
