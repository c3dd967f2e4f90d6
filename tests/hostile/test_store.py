"""The database is as untrusted as the network: edited, swapped, foreign, interrupted, contended, full."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from verifier.app.account_file import read_account
from verifier.app.compile import compile_account
from verifier.app.demo import demo_folder
from verifier.app.errors import ForeignStore, StoreBusy, StoreDamaged, StoreError, StoreFailed
from verifier.app.findings import Findings, of_run, record_of
from verifier.app.service import check_account, checker_of, proven_again
from verifier.app.store import Store
from verifier.errors import BadInput, FromTheFuture, MissingEvidence, Where
from verifier.primitives import Timestamp
from verifier.proven import ProvenAmount
from verifier.verify import Refusal

ROOT = Path(__file__).resolve().parents[2]


def demo_findings() -> Findings:
    """A whole run over the recorded case."""
    import json

    folder = demo_folder()
    file, source = read_account(folder / "account.toml")
    spec = compile_account(file, source, {}, environ={}, networks={}, preset="strict", online=False)
    now = Timestamp(json.loads((folder / "expected.json").read_text())["now"])
    return of_run("verify", check_account(spec, (folder / "account.bundle").read_bytes(), now=now))


@pytest.fixture(scope="module")
def found() -> Findings:
    return demo_findings()


@pytest.fixture
def kept(found: Findings, tmp_path: Path) -> Path:
    """A database that holds that run."""
    path = tmp_path / "kept.db"
    with Store(path) as store:
        store.keep(record_of(found, "{}"))
    return path


def checker(found: Findings):
    import json

    folder = demo_folder()
    file, source = read_account(folder / "account.toml")
    spec = compile_account(file, source, {}, environ={}, networks={}, preset="strict", online=False)
    return checker_of(spec, Timestamp(json.loads((folder / "expected.json").read_text())["now"]))


def edit(path: Path, sql: str, *values: object) -> None:
    with sqlite3.connect(path) as db:
        db.execute(sql, values)
    db.close()


@pytest.mark.covers("DB-01")
def test_an_edited_amount_changes_nothing_that_is_proven_again(found: Findings, kept: Path) -> None:
    """Figures come out of the bundle; the edited row is only noticed."""
    edit(kept, "UPDATE amounts SET amount = '999999999999' WHERE claim = 0")
    with Store(kept) as store:
        again = store.proven_again(found.bundle_id, checker(found))
        assert again.outcomes == found.outcomes
        assert store.differences(found.bundle_id, again, checker(found))


def test_an_untouched_database_has_no_differences(found: Findings, kept: Path) -> None:
    """The sibling: as it was written, rows and bundle agree, and the file is whole."""
    with Store(kept) as store:
        again = store.proven_again(found.bundle_id, checker(found))
        assert store.differences(found.bundle_id, again, checker(found)) == []
        assert store.integrity() == []


@pytest.mark.covers("DB-01")
def test_an_edited_bundle_is_damaged(found: Findings, kept: Path) -> None:
    """Bytes that do not have the id they stand under are refused when they are read."""
    changed = bytearray(found.bundle)
    changed[-1] ^= 1
    edit(kept, "UPDATE bundles SET bytes = ?", bytes(changed))
    with Store(kept) as store:
        with pytest.raises(StoreDamaged):
            store.load_bundle(found.bundle_id)
        assert store.integrity()


@pytest.mark.covers("DB-02")
def test_a_bundle_kept_for_one_checker_proves_nothing_to_another(found: Findings, kept: Path) -> None:
    """Another chain's pins, or a policy that takes less: what is read back is judged anew, not remembered."""
    with Store(kept) as store:
        data = store.load_bundle(found.bundle_id)
    own = checker(found)
    assert len(proven_again(data, own)) == len(found.outcomes)
    assert proven_again(data, replace(own, roots=())) == ()
    less = replace(own, policy=replace(own.policy, accept_contracts=frozenset()))
    taken = {amount.claim.identity for amount in proven_again(data, less)}
    assert taken < {amount.claim.identity for amount in proven_again(data, own)}


@pytest.mark.covers("DB-03")
@pytest.mark.parametrize("label", ["x'; DROP TABLE runs; --", 'a" OR 1=1 --', "%_[a-z]"])
def test_labels_are_parameters(found: Findings, tmp_path: Path, label: str) -> None:
    """Quotes and comments in a label are stored and searched as text."""
    path = tmp_path / "labels.db"
    with Store(path) as store:
        store.keep(replace(record_of(found, "{}"), account=label))
        assert [row["account"] for row in store.rows("SELECT account FROM runs WHERE account = ?", (label,))] == [label]


@pytest.mark.covers("DB-03")
@pytest.mark.parametrize("label", ["nul\x00", "a" * 65, "line\nbreak", "\x1b[31m"])
def test_labels_that_are_no_labels_are_refused(found: Findings, label: str) -> None:
    """Control characters and length end at the record, before any SQL."""
    with pytest.raises(BadInput):
        replace(record_of(found, "{}"), account=label)


@pytest.mark.covers("DB-04", "DB-09")
@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TRIGGER spy AFTER INSERT ON runs BEGIN DELETE FROM amounts; END",
        "CREATE VIEW extra AS SELECT 1",
        "DROP VIEW latest_margin",
        "ALTER TABLE amounts ADD COLUMN shadow TEXT",
    ],
)
def test_a_schema_that_is_not_ours_is_refused(kept: Path, sql: str) -> None:
    """Triggers, views and columns that we did not make are found before anything is read."""
    edit(kept, sql)
    with pytest.raises(ForeignStore):
        Store(kept)


def test_a_file_that_is_no_database_of_ours_is_refused(tmp_path: Path) -> None:
    """Another program's database, and a file of another kind."""
    other = tmp_path / "other.db"
    edit(other, "CREATE TABLE mine (x)")
    text = tmp_path / "text.db"
    text.write_text("not a database " * 100)
    for path in (other, text):
        with pytest.raises(ForeignStore):
            Store(path)


@pytest.mark.covers("DB-07")
def test_a_refusal_is_kept_as_a_refusal_never_as_zero(found: Findings, tmp_path: Path) -> None:
    """Its amount is NULL, its verdict and class say why, and no bundle proves it later."""
    claim = found.outcomes[0].claim
    refused = Refusal(claim, MissingEvidence(Where(network="alpha"), "evidence"), missing=True)
    spoilt = replace(found, outcomes=(refused, *found.outcomes[1:]))
    with Store(tmp_path / "refused.db") as store:
        store.keep(record_of(spoilt, "{}"))
        (row,) = store.rows("SELECT amount, verdict, refusal_class FROM amounts WHERE claim = 0")
    assert (row["amount"], row["verdict"], row["refusal_class"]) == (None, "missing", "INCOMPLETE")


@pytest.mark.covers("DB-08")
def test_setting_the_clock_back_makes_nothing_fresh(found: Findings, kept: Path) -> None:
    """The time of reading is never before the newest that was kept; far ahead, the bundle is too old."""
    own = checker(found)
    with Store(kept) as store:
        back = store.proven_again(found.bundle_id, replace(own, now=Timestamp(own.now - 10**6)))
        assert all(isinstance(o, ProvenAmount) for o in back.outcomes)
        late = store.proven_again(found.bundle_id, replace(own, now=Timestamp(own.now + 10**6)))
        assert not any(isinstance(o, ProvenAmount) for o in late.outcomes)
    assert FromTheFuture.refusal_class == "FRESHNESS"


KEEPER = """
import sys
from pathlib import Path
from tests.hostile.test_store import demo_findings
from verifier.app.findings import record_of
from verifier.app.store import Store
found = demo_findings()
with Store(Path(sys.argv[1])) as store:
    store.keep(record_of(found, "{}"))
    print("ready", flush=True)
    while True:
        store.keep(record_of(found, "{}"))
"""


@pytest.mark.covers("DB-05")
@pytest.mark.parametrize("seed", range(4))
def test_kill_minus_nine_leaves_whole_runs(found: Findings, tmp_path: Path, seed: int) -> None:
    """Killed at a random instant of writing: the file is sound, and each run has all of its rows or none."""
    path = tmp_path / "killed.db"
    child = subprocess.Popen([sys.executable, "-c", KEEPER, str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    time.sleep(random.Random(seed).uniform(0.05, 0.4))
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    child.stdout.close()
    with Store(path) as store:
        assert store.integrity() == []
        counts = store.rows("SELECT (SELECT count(*) FROM amounts a WHERE a.run = r.id) AS n FROM runs r")
        assert counts
        assert {row["n"] for row in counts} == {len(found.outcomes)}


LOCKED = """
import fcntl, sys
with open(sys.argv[1], "rb+") as file:
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 510, 0x40000002)
        print("free")
    except OSError:
        print("held")
"""
"""Whether SQLite holds its shared lock on the file, asked from another process (the byte range is that of its format)."""


@pytest.mark.covers("DB-05")
def test_a_second_connection_of_the_process_leaves_the_first_one_s_locks(found: Findings, tmp_path: Path) -> None:
    """Opening and closing the file once more must not drop them: others would remove the log under the first."""
    path = tmp_path / "locks.db"

    def held() -> str:
        done = subprocess.run([sys.executable, "-c", LOCKED, str(path)], capture_output=True, text=True, check=True)
        return done.stdout.strip()

    with Store(path) as store:
        store.keep(record_of(found, "{}"))
        assert held() == "held"
        with Store(path) as second:
            second.keep(record_of(found, "{}"))
        assert held() == "held"
        assert store.integrity() == []
    assert held() == "free"


@pytest.mark.covers("DB-05")
def test_a_full_disk_leaves_the_old_state(found: Findings, kept: Path) -> None:
    """A file that may not grow refuses the run as a whole, with what to do."""
    with Store(kept) as store:
        pages = int(str(store.rows("PRAGMA page_count")[0]["page_count"]))
        store.rows(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(StoreFailed) as full:
            for _ in range(200):
                store.keep(replace(record_of(found, "x" * 100_000)))
        assert full.value.remedy
        assert store.integrity() == []
        sizes = store.rows("SELECT (SELECT count(*) FROM amounts a WHERE a.run = r.id) AS n FROM runs r")
        assert {row["n"] for row in sizes} == {len(found.outcomes)}


@pytest.mark.covers("DB-06")
def test_an_older_result_does_not_replace_a_newer_one(found: Findings, kept: Path) -> None:
    """The account's latest snapshot follows the as-of time, not the order of writing."""
    record = record_of(found, "{}")
    assert record.as_of is not None
    assert record.snapshot is not None
    older = Timestamp(record.as_of - 60)
    with Store(kept) as store:
        late = store.keep(replace(record, snapshot=replace(record.snapshot, as_of=older)))
        same = store.keep(record)
    assert not late.latest
    assert same.latest


def _keep_many(path: str, times: int) -> None:
    found = demo_findings()
    with Store(Path(path)) as store:
        for _ in range(times):
            store.keep(record_of(found, "{}"))


@pytest.mark.covers("DB-06")
def test_two_writers_lose_nothing(found: Findings, kept: Path) -> None:
    """Two processes at once: every run is kept, and neither fails for the other."""
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=_keep_many, args=(str(kept), 15)) for _ in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(180)
    assert [writer.exitcode for writer in writers] == [0, 0]
    with Store(kept) as store:
        assert store.rows("SELECT count(*) AS n FROM runs") == [{"n": 31}]
        assert store.integrity() == []


@pytest.mark.covers("DB-06")
def test_a_held_database_is_busy_after_a_bounded_wait(found: Findings, kept: Path) -> None:
    """The wait ends, with the reason; nothing is written."""
    holder = sqlite3.connect(kept, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with Store(kept, busy_seconds=0.2) as store, pytest.raises(StoreBusy):
        store.keep(record_of(found, "{}"))
    holder.execute("ROLLBACK")
    holder.close()
    assert issubclass(StoreBusy, StoreError)


def test_the_file_is_for_its_user_alone(kept: Path) -> None:
    """Mode 0600, whatever the umask."""
    assert kept.stat().st_mode & 0o777 == 0o600
