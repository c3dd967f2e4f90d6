"""What is deployed: the published code of packages, or sources of packages and of ours, compiled once into `.cache/contracts`."""

from __future__ import annotations

import json
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

from tests.nodes.artifacts import cached, locked
from tests.nodes.install import HERE, MODULES, NodeUnavailableError, module, node_program
from tests.nodes.packages import package

SOURCES = HERE / "protocols" / "sources"


class Code:
    """Creation code as published or compiled: hex without 0x, with places for the addresses of libraries."""

    def __init__(
        self, name: str, bytecode: str, links: dict[str, dict[str, list[dict[str, int]]]] | None = None
    ) -> None:
        self.name, self.bytecode, self.links = name, bytecode.removeprefix("0x"), links or {}
        self.layout: dict[str, Any] = {}

    @property
    def libraries(self) -> list[str]:
        """The names of the libraries it needs."""
        return sorted(name for file in self.links.values() for name in file)

    def linked(self, addresses: dict[str, str]) -> str:
        """The creation code with the addresses of its libraries written in."""
        code = self.bytecode
        for file in self.links.values():
            for name, places in file.items():
                for place in places:
                    start = 2 * place["start"]
                    code = code[:start] + addresses[name].removeprefix("0x") + code[start + 40 :]
        return code


@cache
def published(name: str, *parts: str) -> Code:
    """A compiled contract that a package ships, in the form of hardhat, truffle or Chainlink's own."""
    document = json.loads(package(name, *parts).read_text())
    if "compilerOutput" in document:
        made = document["compilerOutput"]["evm"]["bytecode"]
        return Code(parts[-1].removesuffix(".json"), made["object"], made.get("linkReferences"))
    if "evm" in document:
        return Code(parts[-1].removesuffix(".json"), document["evm"]["bytecode"]["object"])
    return Code(parts[-1].removesuffix(".json"), document["bytecode"], document.get("linkReferences"))


def compiled(
    label: str,
    sources: dict[str, str],
    *,
    compiler: Path | None = None,
    folders: list[tuple[str, Path]] | None = None,
    **settings: object,
) -> dict[str, Code]:
    """
    Compile Solidity sources by solc, the installed one or another.

    Args:
        sources: Contents by file name; what they import is found in `folders` (by prefix) or among the node packages.
        settings: Further settings of the compiler.
    """
    chosen = {
        "evmVersion": "paris",
        "optimizer": {"enabled": True, "runs": 200},
        "metadata": {"bytecodeHash": "none"},
        "outputSelection": {"*": {"*": ["evm.bytecode.object", "evm.bytecode.linkReferences", "storageLayout"]}},
    } | settings
    inputs = {name: {"content": text} for name, text in sources.items()}
    document = json.dumps({"language": "Solidity", "sources": inputs, "settings": chosen}, sort_keys=True)
    places = json.dumps([[prefix, str(folder)] for prefix, folder in folders or []])
    key = document + str(compiler and compiler.parent.name) + (HERE / "packages.json").read_text() + locked()
    made = cached(label, key, lambda: _solc(document, compiler, places))
    return {
        name: _code(name, item)
        for file in made["contracts"].values()
        for name, item in file.items()
        if item["evm"]["bytecode"]["object"]
    }


def own(*files: str) -> dict[str, Code]:
    """Our own Solidity files of `sources`, all compiled together."""
    return _own() if not files else {name: _own()[name] for name in files}


@cache
def _own() -> dict[str, Code]:
    return compiled("protocols", {path.name: path.read_text() for path in sorted(SOURCES.glob("*.sol"))})


def _code(name: str, item: dict[str, Any]) -> Code:
    made = item["evm"]["bytecode"]
    code = Code(name, made["object"], made.get("linkReferences"))
    code.layout = item.get("storageLayout") or {}
    return code


def _solc(document: str, compiler: Path | None, places: str) -> dict[str, Any]:
    module("solc")
    command = [str(node_program()), str(HERE / "compile.js"), str(MODULES), str(compiler or ""), places]
    done = subprocess.run(command, input=document, capture_output=True, text=True, timeout=400, check=False)
    if done.returncode != 0:
        raise NodeUnavailableError(f"solc did not run: {done.stderr.strip()[-400:]}")
    made: dict[str, Any] = json.loads(done.stdout)
    errors = [entry["formattedMessage"] for entry in made.get("errors", []) if entry["severity"] == "error"]
    if errors:
        raise ValueError("\n".join(errors[:5]))
    return made
