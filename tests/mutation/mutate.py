"""Remove or turn one check at a time and see whether a test notices: `python -m tests.mutation.mutate [MODULE …]`.

Every mutant is run in a process of its own, against the tests of its room, with the packages copied to a temporary
folder and the mutated module put in its place there; the working tree is never touched. To save the start of an
interpreter for each, one process loads what is not ours and forks. Survivors are printed with file, line and change;
those that cannot be told from the original stand in `equivalents.py`, each with the reason.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.mutation.equivalents import EQUIVALENT
from tests.mutation.mutants import Mutant, mutants
from tests.mutation.rooms import ROOT, WHOLE, modules, tests_of

FOREIGN = ("cbor2", "hypothesis", "msgspec", "rlp", "trie", "Crypto.Hash.keccak", "tiny_keccak", "aiohttp")
"""Loaded once, before forking: packages that are not under test."""
OURS = ("verifier", "chains", "tests", "fixtures")
NOTICED, SURVIVED = 1, 0
SECONDS = 120
MEMORY = 4 << 30


class BrokenBaseError(Exception):
    """The tests of a room do not pass, or there are none, although nothing was removed."""


def all_mutants(chosen: Iterable[str] = ()) -> list[Mutant]:
    """The mutants of some modules, or of every one that decides, without those known to be equivalent."""
    found = [one for name in chosen or modules() for one in mutants(name, (ROOT / name).read_bytes())]
    return [one for one in found if one.name not in EQUIVALENT]


def sample(count: int, seed: int) -> list[Mutant]:
    """Some mutants of the modules that are whole, by a hash of their names.

    The order of names under a hash does not change where others come or go, so the sample stays as it is while the
    project grows, until one of its own lines is changed.
    """
    ranked = sorted(all_mutants(WHOLE), key=lambda one: hashlib.sha256(f"{seed} {one.name}".encode()).digest())
    return ranked[:count]


def survivors(chosen: Sequence[Mutant], report: Callable[[str], None] = lambda _: None) -> list[Mutant]:
    """Those of the chosen that no test of their room notices.

    Raises:
        BrokenBaseError: A room's tests fail without any mutation, so that nothing could be learned from them.
    """
    for name in FOREIGN:
        importlib.import_module(name)
    left = []
    with _overlay() as tree:
        for tests in dict.fromkeys(tuple(tests_of(one.module)) for one in chosen):
            code, output = _run(
                tree, tests, writes=True, seconds=5 * SECONDS
            )  # nothing hangs here, and a machine may be busy
            if code != SURVIVED:
                raise BrokenBaseError(f"{' '.join(tests)}: exit {code}\n{output[-3_000:]}")
        for one in chosen:
            began = time.monotonic()
            is_left = _survives(one, tree)
            if is_left:
                left.append(one)
            word = "SURVIVED" if is_left else "noticed"
            report(f"{word} {time.monotonic() - began:5.1f} s  {one.module}:{one.line}  {one.name.split(':', 1)[1]}")
    return left


@contextmanager
def _overlay() -> Iterator[Path]:
    """A copy of what the tests need, in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="xmargin-mutants-") as place:
        tree = Path(place) / "tree"
        for name in (*OURS, "docs"):
            shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("pyproject.toml", "README.md", "CHANGELOG.md"):
            shutil.copy(ROOT / name, tree / name)
        yield tree


def _survives(mutant: Mutant, tree: Path) -> bool:
    path = tree / mutant.module
    original = path.read_bytes()
    path.write_bytes(mutant.source(original))
    for stale in (path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"):
        stale.unlink()
    try:
        return _run(tree, tests_of(mutant.module))[0] == SURVIVED
    finally:
        path.write_bytes(original)


def _run(tree: Path, tests: Sequence[str], *, writes: bool = False, seconds: float = SECONDS) -> tuple[int, str]:
    """Exit code and output of pytest over some tests; a run that does not end in time counts as failed."""
    with tempfile.TemporaryFile() as log:
        child = os.fork()
        if not child:
            _child(tree, tests, log.fileno(), writes=writes)
        code = _wait(child, seconds)
        log.seek(0)
        return code, log.read().decode(errors="replace")


def _wait(child: int, seconds: float) -> int:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return NOTICED if os.WIFSIGNALED(status) else os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return NOTICED


def _child(tree: Path, tests: Sequence[str], log: int, *, writes: bool) -> None:
    """In the forked process: our packages afresh from the copy, and pytest over them. Never returns."""
    code = NOTICED
    try:
        os.dup2(log, 1)
        os.dup2(log, 2)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        os.environ["XMARGIN_SHARED"] = str(Path(os.environ.get("XMARGIN_SHARED", ROOT.parent / "shared")).absolute())
        os.chdir(tree)
        sys.dont_write_bytecode = not writes
        sys.path[:] = [str(tree), *(entry for entry in sys.path if Path(entry or ".").resolve() not in {ROOT, tree})]
        for name in [name for name in sys.modules if name.split(".")[0] in OURS]:
            del sys.modules[name]
        importlib.invalidate_caches()
        options = ["--rootdir", str(tree), "-c", str(tree / "pyproject.toml"), "-x", "--no-header", "--tb=short"]
        options += ["-m", "not node and not soak and not live", "--hypothesis-seed=0"]
        options += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # plugins were loaded before the fork
        code = int(pytest.main([*options, *tests]))
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation.mutate", description=__doc__)
    parser.add_argument("modules", nargs="*", help="such as verifier/trie/walk.py; all that decide, by default")
    parser.add_argument("--sample", type=int, help="that many of them only")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--named", help="only mutants whose name contains this")
    given = parser.parse_args()
    chosen = all_mutants(given.modules)
    if given.named:
        chosen = [one for one in chosen if given.named in one.name]
    if given.sample is not None:
        chosen = random.Random(given.seed).sample(chosen, min(given.sample, len(chosen)))
    left = survivors(chosen, lambda line: print(line, flush=True))
    print(f"{len(chosen) - len(left)} of {len(chosen)} noticed")
    for one in left:
        print(f"{one.module}:{one.line}: {one.name}")
    return 1 if left else 0


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        sys.exit(main())
