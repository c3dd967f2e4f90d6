"""A folder with an account over a real node and a jobs file, and a receiver of web hooks."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.test_cli import write
from tests.system.jobs.build import KEY, SECRET, Hook, jobs_toml, save


@pytest.fixture
def folder(three_chains, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an account over a real node and a jobs file; the environment that it needs."""
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "JOB_KEY": KEY.key.hex(),
        "HOOK_SECRET": SECRET,
        "HOME": str(tmp_path),
        "XDG_DATA_HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path),
    }.items():
        monkeypatch.setenv(name, value)
    write(tmp_path, three_chains[:1], tokens=("OZD",), policy='preset = "strict"\nmax_age = "7d"\nmax_head_lag = "7d"')
    save(tmp_path, jobs_toml(out=tmp_path / "out"))
    return tmp_path


@pytest.fixture
def hook():
    made = Hook()
    yield made
    made.server.shutdown()
    made.server.server_close()
