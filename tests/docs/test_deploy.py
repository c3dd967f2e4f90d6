"""The sample container file, as far as it can be held against the project without building it."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

from packaging.markers import default_environment
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
LINES = (ROOT / "docs" / "deploy" / "Containerfile").read_text().splitlines()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_its_python_takes_every_dependency() -> None:
    """One version in both stages; no dependency is left out there, that of proven calls least of all."""
    versions = {found[1] for line in LINES if (found := re.match(r"FROM \S+/python:(\d+\.\d+)-slim", line))}
    assert len([line for line in LINES if line.startswith("FROM ")]) == 2
    (version,) = versions
    here = default_environment() | {
        "python_version": version, "python_full_version": f"{version}.0", "platform_machine": "x86_64", "sys_platform": "linux"
    }  # fmt: skip
    for line in PROJECT["project"]["dependencies"]:
        marker = Requirement(line).marker
        assert marker is None or marker.evaluate({key: str(value) for key, value in here.items()}), line


def test_what_is_sent_is_what_a_wheel_is_made_of() -> None:
    """Everything is ignored but what the build needs."""
    rules = (ROOT / ".dockerignore").read_text().splitlines()
    kept = {rule.removeprefix("!") for rule in rules if rule.startswith("!")}
    assert "*" in rules
    wheel = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {"pyproject.toml", PROJECT["project"]["readme"], *PROJECT["project"]["license-files"]}
    assert kept == needed | set(wheel["packages"]) | set(wheel["force-include"])
    assert all((ROOT / name).exists() for name in kept)


def test_its_command_is_one_of_ours() -> None:
    """The entry point names the program and a command of it."""
    (entry,) = (line.removeprefix("ENTRYPOINT ") for line in LINES if line.startswith("ENTRYPOINT "))
    program, command, jobs = json.loads(entry)
    assert program in PROJECT["project"]["scripts"]
    assert f"`{command} JOBS" in (ROOT / "docs" / "cli.md").read_text()
    assert jobs.startswith("/etc/")
