"""Files that a run writes or reads: kept in the store first, whole or not at all, and believed in no form."""

from __future__ import annotations

import json
import os
import sqlite3
from pathlib import Path

import pytest

from tests.cli.test_cli import DEMO, ROOT, run

DEAD = {"ETH_RPC_URL": "http://127.0.0.1:1"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with an account file whose one endpoint does not answer."""
    assert run("init", "--policy", "practical", cwd=tmp_path).returncode == 0
    return tmp_path


def kept(db: Path) -> int:
    """How many runs the store holds."""
    with sqlite3.connect(db) as connection:
        return int(connection.execute("SELECT count(*) FROM runs").fetchone()[0])


COMMANDS = [("verify", "account.toml", "--save"), ("gather", "account.toml", "-o")]


@pytest.mark.parametrize("command", COMMANDS, ids=["verify", "gather"])
def test_a_bundle_is_written_only_once_its_run_is_kept(folder: Path, command: tuple[str, ...]) -> None:
    """Where the store is another program's, the run fails and leaves no file; where it is ours, both are there."""
    foreign = folder / "foreign.db"
    with sqlite3.connect(foreign) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    done = run("--timeout", 1, *command, "b.bundle", "--db", foreign, cwd=folder, env=DEAD)
    assert done.returncode == 2
    assert "another program's database" in done.stderr
    assert not [path.name for path in folder.iterdir() if "b.bundle" in path.name]
    done = run("--timeout", 1, *command, "b.bundle", "--db", "x.db", cwd=folder, env=DEAD)
    assert "b.bundle" in done.stdout + done.stderr
    assert kept(folder / "x.db") == 1
    assert [path.name for path in folder.iterdir() if "b.bundle" in path.name] == ["b.bundle"]
    assert run("check", "b.bundle", "--account", "account.toml", cwd=folder).returncode == 4


def test_a_file_that_cannot_be_written_does_not_lose_the_run(folder: Path) -> None:
    """One sentence, exit 2, no half file; the run is in the store."""
    (folder / "taken").mkdir()
    done = run("--timeout", 1, "gather", "account.toml", "-o", "taken", "--db", "x.db", cwd=folder, env=DEAD)
    assert done.returncode == 2
    assert "taken cannot be written" in done.stderr
    assert "Traceback" not in done.stderr
    assert kept(folder / "x.db") == 1
    assert not [path for path in folder.iterdir() if path.suffix == ".part"]


WIDTHS = {
    "holder of 19 bytes": lambda v: v["claims"][0].update(holder="0x" + "11" * 19),
    "slot of 31 bytes": lambda v: v["assets"][1]["layout"].update(base="0x" + "00" * 31),
    "odd digits": lambda v: v["claims"][0].update(holder="0x1"),
    "time below zero": lambda v: v.update(as_of=-1),
    "chain id of zero": lambda v: v["assets"][0].update(chain=0),
    "offset below zero": lambda v: v["assets"][1]["layout"].update(offset=-1),
    "offset beyond 64 bits": lambda v: v["assets"][1]["layout"].update(offset=2**80),
    "an asset that is not there": lambda v: v["claims"][0].update(asset=99),
}


@pytest.mark.covers("RLP-08")
@pytest.mark.parametrize("change", [None, *WIDTHS.values()], ids=["unchanged", *WIDTHS])
def test_a_bundle_view_of_wrong_widths_is_refused_evidence(tmp_path: Path, change, capsys) -> None:
    """Exit 3, as for any other evidence that does not hold; the view as it was is checked."""
    from verifier.app.cli import run as run_here
    from verifier.view import encode_view

    view = json.loads(encode_view((DEMO / "account.bundle").read_bytes()))
    if change is not None:
        change(view)
    path = tmp_path / "b.json"
    path.write_text(json.dumps(view))
    args = ["check", str(path), "--account", str(DEMO / "account.toml"), "--db", str(tmp_path / "x.db"), "--json"]
    code = run_here(args)
    shown = json.loads(capsys.readouterr().out)
    if change is None:
        assert shown["schema"] == "xmargin/run"
    else:
        assert (code, shown["exit_code"], shown["error"]) == (3, 3, "MalformedBundle")


def test_a_policy_beside_an_account_file_is_refused(tmp_path: Path) -> None:
    """The file's policy decides; a second one is not silently ignored. Without the file it is taken."""
    bundle = DEMO / "account.bundle"
    for command in ("check", "explain"):
        args = (command, bundle, "--account", DEMO / "account.toml", "--policy", "practical")
        done = run(*args, cwd=tmp_path)
        assert done.returncode == 2
        assert "--policy stands beside --account" in done.stderr
    done = run("check", bundle, "--policy", "practical", "--json", cwd=tmp_path)
    assert json.loads(done.stdout)["policy"] == "practical"


@pytest.mark.parametrize("command", [("demo",), ("assets", "--json"), ("networks",)], ids=lambda c: c[0])
def test_a_reader_that_goes_away_is_no_traceback_and_no_zero(tmp_path: Path, command: tuple[str, ...]) -> None:
    """`| head`: silence on stderr, and the code that SIGPIPE would give, since 0 says that an account is well."""
    import subprocess
    import sys

    child = subprocess.Popen(
        [sys.executable, "-m", "verifier.app.main", *command], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert child.stdout is not None
    child.stdout.close()
    _, said = child.communicate(timeout=60)
    assert (child.returncode, said) == (141, b"")


def test_a_moment_that_has_not_come_is_not_asked_for(folder: Path) -> None:
    """Exit 2 before anything is asked; now is a moment that has come."""
    done = run("verify", "account.toml", "--as-of", "2999-01-01T00:00:00Z", "--db", "x.db", cwd=folder, env=DEAD)
    assert done.returncode == 2
    assert "ahead of this machine's clock" in done.stderr
    assert not (folder / "x.db").exists()


def test_a_home_that_cannot_be_written_is_told_of(folder: Path) -> None:
    """The sentence names the database and what to do."""
    (folder / "file").write_text("")
    done = run("--timeout", 1, "gather", "account.toml", "-o", "b", "--db", "file/x.db", cwd=folder, env=DEAD)
    assert done.returncode == 1
    assert "database x.db" in done.stderr
    assert "choose another file with --db" in done.stderr
