"""
Modules of Go that carry contracts: their authors' bindings hold the creation code as they compiled it.

`go mod download` fetches a module at its version, whose sum is held against `go_modules.json`. Nothing of it is built or run.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from tests.nodes.install import HERE, SECONDS, NodeUnavailableError


@cache
def go_module(name: str) -> Path:
    """
    The folder of a module.

    Raises:
        NodeUnavailableError: It cannot be had here; a module with another sum is a failure, not an absence.
    """
    ((wanted, due),) = [entry for entry in _locked().items() if entry[0].rpartition("@")[0] == name]
    go = shutil.which("go")
    if go is None:
        raise NodeUnavailableError(f"no Go on this machine to fetch {name} with")
    command = [go, "mod", "download", "-json", wanted]
    with tempfile.TemporaryDirectory() as folder:
        try:
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=SECONDS, check=False)
        except subprocess.TimeoutExpired as slow:
            raise NodeUnavailableError(f"go did not fetch {wanted} within {SECONDS} s") from slow
    if done.returncode != 0:
        raise NodeUnavailableError(f"go cannot fetch {wanted}: {(done.stdout + done.stderr).strip()[-400:]}")
    said: dict[str, str] = json.loads(done.stdout)
    if said["Sum"] != due:
        raise ValueError(f"{wanted} has sum {said['Sum']}, go_modules.json says {due}")
    return Path(said["Dir"])


@cache
def bound_code(name: str, package: str, contract: str) -> str:
    """The creation code of a contract in one of a module's generated bindings, as hex without 0x."""
    text = (go_module(name) / package / f"{Path(package).name}.go").read_text()
    found = re.search(rf'var {contract}MetaData = &bind\.MetaData{{.*?\n\tBin: +"0x([0-9a-f]+)"', text, re.DOTALL)
    if found is None:
        raise ValueError(f"{package} binds no creation code of {contract}")
    return found.group(1)


def _locked() -> dict[str, str]:
    found: dict[str, str] = json.loads((HERE / "go_modules.json").read_text())
    return found
