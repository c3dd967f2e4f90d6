"""Compiled contracts, cached in `.cache/contracts` under a digest of everything they were made from."""

from __future__ import annotations

import fcntl
import hashlib
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.nodes.install import CACHE, HERE, MODULES, ROOT, NodeUnavailableError, module, node_program

SOURCES = HERE / "contracts"
EXAMPLES = ROOT / "docs" / "contracts"
EVM = "paris"
"""Low on purpose: PUSH0 and MCOPY would keep the same code off older forks."""


@dataclass(frozen=True)
class Artifact:
    """One compiled contract: creation code (hex with 0x) and the slots of its state variables by name."""

    name: str
    bytecode: str
    slots: dict[str, int]


@cache
def solidity() -> dict[str, Artifact]:
    """The contracts of our own Solidity files, by name."""
    return _compiled("solidity", SOURCES, EVM)


@cache
def examples() -> dict[str, Artifact]:
    """The example contracts of the documentation, by name, for the rules of Prague: they use its precompiles."""
    return _compiled("examples", EXAMPLES, "prague")


def _compiled(kind: str, folder: Path, evm: str) -> dict[str, Artifact]:
    sources = {path.name: {"content": path.read_text()} for path in sorted(folder.glob("*.sol"))}
    settings = {
        "evmVersion": evm,
        "optimizer": {"enabled": True, "runs": 200},
        "metadata": {"bytecodeHash": "none"},
        "outputSelection": {"*": {"*": ["evm.bytecode.object", "storageLayout"]}},
    }
    document = json.dumps({"language": "Solidity", "sources": sources, "settings": settings}, sort_keys=True)
    program = (HERE / "compile.js").read_text()
    made = cached(kind, document + program + locked(), lambda: _solc(document))
    return {
        name: Artifact(name, f"0x{item['evm']['bytecode']['object']}", _solidity_slots(item.get("storageLayout")))
        for file in sources
        for name, item in made["contracts"].get(file, {}).items()
    }


@cache
def published(package: str, *parts: str) -> dict[str, Any]:
    """An artifact as its authors published it: ABI, creation code, and what else they put into it."""
    found: dict[str, Any] = json.loads(module(*package.split("/"), *parts).read_text())
    return found


@cache
def vyper() -> Artifact:
    """Our own Vyper token."""
    source = SOURCES / "Token.vy"
    made = cached("vyper", source.read_text() + EVM, lambda: _vyper(source))
    return Artifact("Token", made["bytecode"], made["slots"])


@cache
def weth9() -> Artifact:
    """The canonical WETH9 as published, compiled by its authors; its slots are those of its declared variables."""
    document = json.loads(module("canonical-weth", "build", "contracts", "WETH9.json").read_text())
    names = ("name", "symbol", "decimals", "balanceOf", "allowance")
    return Artifact("WETH9", str(document["bytecode"]), {name: slot for slot, name in enumerate(names)})


def _solc(document: str) -> dict[str, Any]:
    module("solc")
    command = [str(node_program()), str(HERE / "compile.js"), str(MODULES)]
    done = subprocess.run(command, input=document, capture_output=True, text=True, timeout=180, check=False)
    if done.returncode != 0:
        raise NodeUnavailableError(f"solc did not run: {done.stderr.strip()[-400:]}")
    made: dict[str, Any] = json.loads(done.stdout)
    errors = [entry["formattedMessage"] for entry in made.get("errors", []) if entry["severity"] == "error"]
    if errors:
        raise ValueError("\n".join(errors))
    return made


def _vyper(source: Path) -> dict[str, Any]:
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "vyper",
        "--evm-version",
        EVM,
        "-f",
        "bytecode,layout",
        str(source),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
    if done.returncode != 0:
        if "No module named" in done.stderr:
            raise NodeUnavailableError("vyper is not installed: make venv")
        raise ValueError(done.stderr)
    bytecode, layout = done.stdout.strip().splitlines()
    slots = {name: entry["slot"] for name, entry in json.loads(layout)["storage_layout"].items() if "slot" in entry}
    return {"bytecode": bytecode, "slots": slots}


def _solidity_slots(layout: dict[str, Any] | None) -> dict[str, int]:
    return {entry["label"]: int(entry["slot"]) for entry in (layout or {}).get("storage", [])}


def locked() -> str:
    """The lock file of the node packages, by which what was compiled from them is known."""
    return (HERE / "package-lock.json").read_text()


def cached(kind: str, made_from: str, make: Any) -> dict[str, Any]:
    """What `make` gives, kept in `.cache/contracts` under a digest of what it is made from."""
    folder = CACHE / "contracts"
    path = folder / f"{kind}-{hashlib.sha256(made_from.encode()).hexdigest()[:24]}.json"
    folder.mkdir(parents=True, exist_ok=True)
    # Whoever comes while another compiles the same waits for it; the rename is atomic for those who did not look.
    with path.with_suffix(".lock").open("w") as guard:
        if not path.exists():
            fcntl.flock(guard, fcntl.LOCK_EX)
        if path.exists():
            found: dict[str, Any] = json.loads(path.read_text())
            return found
        made: dict[str, Any] = make()
        with tempfile.NamedTemporaryFile("w", dir=folder, delete=False) as scratch:
            json.dump(made, scratch)
        Path(scratch.name).replace(path)
    return made
