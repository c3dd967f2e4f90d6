"""Remove one check at a time and see whether a test notices: `python -m tests.mutation.mutate [MODULE …]`.

A check is a `raise` statement of a module that decides proofs. Each is replaced by `pass` in a copy of the packages, never
in the working tree, and the tests of its room are run against the copy.
"""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WHOLE = ("tests/verifier/test_verify.py", "tests/vectors/test_fixtures.py")
ROOMS: dict[str, tuple[str, ...]] = {
    "verifier/verify.py": WHOLE,
    "verifier/wire.py": ("tests/verifier/test_wire.py",),
    "verifier/shape.py": ("tests/verifier/test_wire.py",),
    "verifier/codec/cbor.py": ("tests/verifier/test_wire.py",),
    "verifier/assets/erc20.py": WHOLE,
    "verifier/headers/as_of.py": ("tests/verifier/headers", *WHOLE),
    "verifier/headers/ancestry.py": ("tests/verifier/headers", *WHOLE),
    "verifier/consensus/weaker.py": ("tests/verifier/consensus", *WHOLE),
    "verifier/state/ethereum.py": ("tests/verifier/state", "tests/hostile/test_state.py"),
    "verifier/state/lists.py": ("tests/verifier/state", "tests/hostile/test_state.py"),
    "verifier/trie/walk.py": ("tests/hostile/test_trie.py", "tests/verifier/trie"),
    "verifier/trie/nodes.py": ("tests/hostile/test_trie.py", "tests/verifier/trie"),
    "verifier/codec/rlp.py": ("tests/hostile/test_rlp.py", "tests/verifier/codec"),
}


@dataclass(frozen=True)
class Mutant:
    """One check of one module."""

    module: str
    line: int
    text: str


def mutants(module: str) -> Iterator[Mutant]:
    """Every `raise` of an error of ours; bare re-raises and faults of ours are no checks."""
    source = (ROOT / module).read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            yield Mutant(module, node.lineno, ast.unparse(node)[:90])


def without(source: str, line: int) -> str:
    """The source with the `raise` that starts at a line replaced by `pass`."""
    lines = source.splitlines(keepends=True)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Raise) and node.lineno == line:
            indent = " " * node.col_offset
            lines[line - 1 : node.end_lineno] = [f"{indent}pass\n"]
            return "".join(lines)
    raise LookupError(line)


def copy_tree(to: Path) -> None:
    """What the tests need, in a folder of its own."""
    for name in ("verifier", "chains", "tests", "fixtures", "docs"):
        shutil.copytree(ROOT / name, to / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "CHANGELOG.md"):
        shutil.copy(ROOT / name, to / name)


def is_noticed(mutant: Mutant, tree: Path) -> bool:
    """Whether a test of the room fails without the check."""
    path = tree / mutant.module
    source = path.read_text(encoding="utf-8")
    path.write_text(without(source, mutant.line), encoding="utf-8")
    try:
        rooms = [room for room in ROOMS[mutant.module] if (tree / room).exists()]
        command = [sys.executable, "-B", "-m", "pytest", "-x", "-q", "--no-header", *rooms]
        done = subprocess.run(command, cwd=tree, capture_output=True, timeout=300, check=False)
        return done.returncode == 1
    finally:
        path.write_text(source, encoding="utf-8")


def survivors(chosen: list[Mutant]) -> list[Mutant]:
    """Those of the chosen that no test notices."""
    with tempfile.TemporaryDirectory() as place:
        tree = Path(place) / "tree"
        tree.mkdir()
        copy_tree(tree)
        return [mutant for mutant in chosen if not is_noticed(mutant, tree)]


if __name__ == "__main__":
    modules = sys.argv[1:] or list(ROOMS)
    tried = [mutant for module in modules for mutant in mutants(module)]
    left = survivors(tried)
    for one in left:
        print(f"{one.module}:{one.line}: {one.text}")
    print(f"{len(tried) - len(left)} of {len(tried)} noticed")
