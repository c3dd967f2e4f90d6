"""What stands in the way of a job: a hanging node, a full disk, a fault of ours, a folder that is none."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tests.cli.test_cli import write
from tests.simulators import lies
from tests.system.jobs.build import jobs_toml, opened, rows, save


def test_an_endpoint_that_hangs(folder: Path, three_chains, lying_proxy) -> None:
    """The job ends in its own time, unattested, and the next one runs."""
    proxy = lying_proxy(three_chains[0].url)
    proxy.tell(lies.silent(), method="eth_getProof")
    write(
        folder,
        three_chains[:1],
        {31337: [proxy.url]},
        tokens=("OZD",),
        policy='preset = "strict"\nmax_age = "7d"\nmax_head_lag = "7d"',
    )
    save(folder, jobs_toml(every=10, out=folder / "out").replace("timeout = 15", "timeout = 2"))
    started = time.monotonic()
    (ended,) = opened(folder).tick(first=True)
    assert time.monotonic() - started < 60  # silence would last an hour
    assert ended.exit_code in {4, 7}
    assert "not attested" in ended.outcome


def test_a_full_disk(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A database that may not grow: a clear error, the old state intact, health says so; with room again it goes on."""
    import verifier.app.scheduler as module
    from verifier.app.store import Store

    save(folder, jobs_toml(every=10, out=folder / "out"))
    clock = [int(time.time()) // 10 * 10]
    scheduler = opened(folder, clock)
    scheduler.tick(first=True)
    before = rows(folder, "SELECT count(*), max(due) FROM job_runs")

    class Full(Store):
        def __init__(self, path: Path, **options: object) -> None:
            super().__init__(path, **options)
            pages = int(str(self.rows("PRAGMA page_count")[0]["page_count"]))
            self.rows(f"PRAGMA max_page_count = {pages}")

    clock[0] += 10
    real, module.Store = module.Store, Full
    try:
        assert scheduler.tick() == []
    finally:
        module.Store = real
    assert rows(folder, "SELECT count(*), max(due) FROM job_runs") == before
    assert not scheduler.health()[0]
    assert "full" in scheduler.health()[1]
    assert '"event": "store"' in capfd.readouterr().err
    assert len(scheduler.tick()) == 1
    assert scheduler.health()[0]


def test_a_fault_of_ours_in_one_job_is_named_and_does_not_stop_the_others(
    folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log says which kind of error and where it was raised, never its words; a fault of the store is no such fault."""
    import verifier.app.scheduler as module
    from verifier.app.errors import StoreFailed

    (folder / "other.toml").write_text((folder / "account.toml").read_text())
    more = '[[jobs]]\nname = "second"\naccount = "other.toml"\nevery = 10'
    save(folder, jobs_toml(every=10, out=folder / "out", more=more))
    real, faults = module.run_job, [RuntimeError("https://node.example/v3/KEY")]

    def broken(job, *others):
        if job.name == "desk":
            raise faults[0]
        return real(job, *others)

    monkeypatch.setattr(module, "run_job", broken)
    clock = [int(time.time()) // 10 * 10]
    scheduler = opened(folder, clock)
    assert [ended.state for ended in scheduler.tick(first=True)] == ["done"]
    (told,) = [line for line in capfd.readouterr().err.splitlines() if '"fault"' in line]
    assert json.loads(told)["error"] == "RuntimeError"
    assert json.loads(told)["where"].startswith("test_trouble.py:")
    assert "KEY" not in told
    faults[0] = StoreFailed(folder / "jobs.db", "gone", "")
    clock[0] += 10
    assert scheduler.tick() == []
    assert '"event": "store"' in capfd.readouterr().err


def test_a_folder_that_cannot_be_written_is_tried_again(folder: Path) -> None:
    """The delivery waits, and is made when the folder is there."""
    (folder / "out").write_text("a file is in the way")
    save(folder, jobs_toml(every=86_400, out=folder / "out"))
    clock = [int(time.time())]
    scheduler = opened(folder, clock)
    scheduler.tick(first=True)
    assert rows(folder, "SELECT state FROM deliveries") == [("pending",)]
    (folder / "out").unlink()
    clock[0] += 60
    scheduler.tick()
    assert rows(folder, "SELECT state FROM deliveries") == [("delivered",)]
    assert len(list((folder / "out").iterdir())) == 1
