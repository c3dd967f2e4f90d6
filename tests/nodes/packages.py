"""
Packages of the protocols under test, unpacked into `.cache/packages` without what they depend on.

Their published code and sources are wanted, not their tools: installed as dependencies they would bring some four hundred other
packages along. `npm pack` fetches each, its digest is held against `packages.json`, and what is unpacked is used at test time only.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from tests.nodes.install import CACHE, HERE, SECONDS, NodeUnavailableError, node_folder, npm_command

PACKAGES = CACHE / "packages"


def package(name: str, *parts: str) -> Path:
    """
    A path inside an unpacked package, fetched where it was not yet.

    Args:
        name: With its version where there are several.

    Raises:
        NodeUnavailableError: It cannot be had here; a package with another digest is a failure, not an absence.
    """
    folder = PACKAGES / _version(name).replace("/", "+")
    if not folder.is_dir():
        _fetch(name, folder)
    return folder.joinpath(*parts)


def locked() -> dict[str, str]:
    """The packages by name and version, each with the digest that it must have."""
    found: dict[str, str] = json.loads((HERE / "packages.json").read_text())
    return found


def _version(name: str) -> str:
    (found,) = [entry for entry in locked() if name in (entry, entry.rpartition("@")[0])]
    return found


def _fetch(name: str, folder: Path) -> None:
    PACKAGES.mkdir(parents=True, exist_ok=True)
    with (PACKAGES / "lock").open("w") as guard, tempfile.TemporaryDirectory(dir=PACKAGES) as scratch:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if folder.is_dir():
            return
        archive = _packed(_version(name), Path(scratch))
        with tarfile.open(archive) as tar:
            tar.extractall(Path(scratch) / "out", filter="data")
        shutil.move(str(next((Path(scratch) / "out").iterdir())), folder)


def _packed(wanted: str, folder: Path) -> Path:
    programs = node_folder()
    if programs is None:
        raise NodeUnavailableError(f"no npm on this machine to fetch {wanted} with")
    command = [*npm_command(programs), "pack", wanted, "--silent", "--ignore-scripts", "--fetch-retries=2"]
    environment = dict(os.environ, PATH=f"{programs}{os.pathsep}{os.environ.get('PATH', '')}")
    try:
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired as slow:
        raise NodeUnavailableError(f"npm did not fetch {wanted} within {SECONDS} s") from slow
    archives = list(folder.glob("*.tgz"))
    if done.returncode != 0 or len(archives) != 1:
        raise NodeUnavailableError(f"npm cannot fetch {wanted}: {done.stderr.strip()[-400:]}")
    found = "sha512-" + base64.b64encode(hashlib.sha512(archives[0].read_bytes()).digest()).decode()
    if found != locked()[wanted]:
        raise ValueError(f"{wanted} has digest {found}, packages.json says {locked()[wanted]}")
    return archives[0]


def fetch_all() -> None:
    """Have every package."""
    for entry in locked():
        package(entry)
