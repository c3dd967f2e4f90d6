"""The table of levels, the doors for third-party packages, and the rules that hang from them, read from the code."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

LEVELS: dict[str, int] = {
    "verifier.app": 10,
    "chains": 9,
    "verifier.attest": 8,
    "verifier.encoders": 8,
    "verifier.margin": 7,
    "verifier.gather": 6,
    "verifier.gather_light": 6,
    "verifier.gather_moment": 6,
    "verifier.verify": 6,
    "verifier.checker": 6,
    "verifier.anchors": 6,
    "verifier.verify_calls": 6,
    "verifier.single": 6,
    "verifier.explain": 6,
    "verifier.wire": 6,
    "verifier.view": 6,
    "verifier.shape": 6,
    "verifier.assets": 5,
    "verifier.prices": 5,
    "verifier.consensus": 4,
    "verifier.settlement": 4,
    "verifier.evm": 3,
    "verifier.headers": 2,
    "verifier.state": 2,
    "verifier.codec": 1,
    "verifier.crypto": 1,
    "verifier.merkle": 1,
    "verifier.trie": 1,
    "verifier": 0,
}
"""Longest prefix wins; modules directly under `verifier` that are not named are the ground floor of words."""

DOORS: dict[str, tuple[str, ...]] = {
    "tiny_keccak": ("verifier.crypto.keccak",),
    "ethereum": ("verifier.evm.machine",),
    "ethereum_types": ("verifier.evm.machine",),
    "sys": ("verifier.evm.machine", "verifier.evm.recursion", "verifier.app", "chains"),
    "threading": ("verifier.evm.recursion", "verifier.app", "chains"),
    "numpy": ("verifier.margin.models",),
    "scipy": ("verifier.margin.models",),
    "py_arkworks_bls12381": ("verifier.crypto.bls_arkworks",),
    "py_ecc": ("verifier.crypto.bls_reference",),
    "eth_typing": ("verifier.crypto.bls_reference",),
    "cbor2": ("verifier.wire",),
    "eth_abi": ("verifier.codec.abi", "verifier.codec.abi_extent", "verifier.encoders.abi"),
    "pydantic": ("verifier.view", "verifier.app"),
    "pydantic_core": ("verifier.app",),
    "msgspec": ("chains.answers", "chains.hints", "chains.replies"),
    "web3": ("chains.web3_provider", "chains.foreign"),
    "aiohttp": ("chains.bounded", "verifier.app.alerts", "verifier.app.gateway"),
    "yarl": ("chains.bounded",),
    "stamina": ("chains.line",),
    "sqlite_utils": ("verifier.app.store", "verifier.app.store_file", "verifier.app.migrations"),
    "sqlite3": ("verifier.app",),
    "eth_account": ("verifier.app.signer",),
    "eth_keys": ("verifier.app.signer",),
    "apscheduler": ("verifier.app.schedule", "verifier.app.scheduler"),
    "prometheus_client": ("verifier.app.metrics",),
    "typer": ("verifier.app",),
    "click": ("verifier.app",),
    "rich": ("verifier.app",),
    "platformdirs": ("verifier.app",),
}
PURE_STDLIB = {
    "__future__", "abc", "base64", "binascii", "bisect", "collections", "contextlib", "dataclasses", "datetime", "decimal", "enum", "fractions",
    "functools", "hashlib", "heapq", "importlib", "itertools", "json", "math", "operator", "re", "struct", "types", "typing", "unicodedata",
}  # fmt: skip
MINTERS = (
    "verifier.headers",
    "verifier.consensus",
    "verifier.settlement",
    "verifier.state",
    "verifier.evm",
    "verifier.verify",
)


def modules() -> Iterator[tuple[str, ast.Module]]:
    for package in ("verifier", "chains"):
        for path in sorted((ROOT / package).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            yield name, ast.parse(path.read_text(encoding="utf-8"))


MODULES = list(modules())


def level(name: str) -> int:
    if name == "verifier":
        return 8  # the front door: it names what lies below, and nothing inside imports it
    return LEVELS[max((p for p in LEVELS if name == p or name.startswith(p + ".")), key=len)]


def imports(tree: ast.Module) -> Iterator[tuple[str, str | None]]:
    """Imported modules with the imported name; TYPE_CHECKING blocks count like any other."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports inside the packages are absolute"
            yield from ((node.module or "", alias.name) for alias in node.names)


def inner(name: str) -> bool:
    return name.split(".", maxsplit=1)[0] in {"verifier", "chains"}


@pytest.mark.parametrize(("name", "tree"), MODULES, ids=[n for n, _ in MODULES])
def test_no_module_imports_from_above(name: str, tree: ast.Module) -> None:
    """A module imports from its own level or from below."""
    known = {n for n, _ in MODULES}
    for module, what in imports(tree):
        if inner(module):
            target = f"{module}.{what}" if f"{module}.{what}" in known else module
            assert level(target) <= level(name), (
                f"{name} (level {level(name)}) imports {target} (level {level(target)})"
            )


def running(tree: ast.Module) -> ast.Module:
    """The tree without what only a type checker reads."""

    class Bare(ast.NodeTransformer):
        def visit_If(self, node: ast.If) -> ast.AST:
            return ast.Pass() if ast.unparse(node.test) == "TYPE_CHECKING" else self.generic_visit(node)

    bare: ast.Module = Bare().visit(ast.parse(ast.unparse(tree)))
    return bare


def test_no_import_runs_in_a_circle() -> None:
    """The graph of module imports has no cycle, also where a function imports late."""
    known = {n for n, _ in MODULES}
    graph: dict[str, set[str]] = {}
    for name, tree in MODULES:
        targets = (f"{m}.{w}" if f"{m}.{w}" in known else m for m, w in imports(running(tree)) if inner(m))
        graph[name] = {t for t in targets if t in known and t != name}
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, f"circle: {' -> '.join([*path[path.index(name) :], name])}"
        if name not in done:
            for target in sorted(graph[name]):
                visit(target, (*path, name))
            done.add(name)

    for name in graph:
        visit(name, ())


@pytest.mark.parametrize(("name", "tree"), MODULES, ids=[n for n, _ in MODULES])
def test_third_party_packages_come_in_by_their_doors(name: str, tree: ast.Module) -> None:
    """Each third-party package is imported in its listed modules only, and pure rooms import pure parts of Python."""
    for module, _ in imports(tree):
        top = module.split(".")[0]
        if inner(module):
            continue
        if top in DOORS:
            assert any(name == d or name.startswith(d + ".") for d in DOORS[top]), f"{name} imports {module}"
        elif level(name) < 9:
            assert top in PURE_STDLIB, f"{name} is pure and imports {module}"
        else:
            assert top in sys.stdlib_module_names, f"{name} imports {module}, which has no door"


@pytest.mark.parametrize(("name", "tree"), MODULES, ids=[n for n, _ in MODULES])
def test_below_the_rim_nothing_waits_or_looks_at_the_world(name: str, tree: ast.Module) -> None:
    """No async, and no clock, environment, file or random read below level 9."""
    if level(name) >= 9:
        return
    for node in ast.walk(tree):
        assert not isinstance(node, ast.AsyncFunctionDef | ast.Await | ast.AsyncFor | ast.AsyncWith), f"{name} waits"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in {"open", "input", "exec", "eval", "__import__"}, f"{name} calls {node.func.id}"
        if isinstance(node, ast.Attribute):
            assert node.attr not in {"now", "utcnow", "today"} or not (
                isinstance(node.value, ast.Name) and node.value.id in {"datetime", "date"}
            ), f"{name} reads the clock"


@pytest.mark.parametrize(("name", "tree"), MODULES, ids=[n for n, _ in MODULES])
def test_only_rooms_that_prove_things_mint(name: str, tree: ast.Module) -> None:
    """`mint`, and what mints headers with it, are imported by the proving rooms and nobody else."""
    for module, what in imports(tree):
        if (module, what) in {("verifier.proven", "mint"), ("verifier.headers.minted", "mint_header")}:
            assert any(name == m or name.startswith(m + ".") for m in MINTERS), f"{name} mints"


@pytest.mark.parametrize(("name", "tree"), MODULES, ids=[n for n, _ in MODULES])
def test_checks_survive_optimised_python(name: str, tree: ast.Module) -> None:
    """No assert statement in the packages: python -O would remove it."""
    assert not any(isinstance(node, ast.Assert) for node in ast.walk(tree))


@pytest.mark.parametrize(("name", "tree"), [m for m in MODULES if m[0].startswith("verifier.margin")])
def test_money_is_never_a_float(name: str, tree: ast.Module) -> None:
    """No float literal, float() call or float annotation in margin outside its models."""
    if name.startswith("verifier.margin.models"):
        return
    for node in ast.walk(tree):
        assert not (isinstance(node, ast.Constant) and isinstance(node.value, float)), f"{name} holds a float"
        assert not (isinstance(node, ast.Name) and node.id == "float"), f"{name} uses float"


def test_the_roof_is_imported_by_nothing_below() -> None:
    """Nothing outside verifier.app imports it."""
    for name, tree in MODULES:
        if not name.startswith("verifier.app"):
            assert not any(module.startswith("verifier.app") for module, _ in imports(tree)), name


def test_importing_the_library_loads_no_http_database_or_web3() -> None:
    """A fresh interpreter that imports verifier and chains has loaded none of the heavy packages."""
    code = "import sys, verifier, chains; print(sorted(set(sys.modules) & {'web3','aiohttp','sqlite3','sqlite_utils','typer','rich','numpy','scipy'}))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert result.stdout.strip() == "[]"
