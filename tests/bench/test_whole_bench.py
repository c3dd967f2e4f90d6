"""Whole-path costs, for `make bench`: a large bundle's time and memory, JSON to proven values, rows into SQLite, start-up."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
import sqlite_utils

ROOT = Path(__file__).resolve().parents[2]


def sub(*args: object) -> str:
    done = subprocess.run([sys.executable, *map(str, args)], capture_output=True, text=True, cwd=ROOT, check=True)
    return done.stdout


def test_a_bundle_of_a_hundred_thousand_claims(benchmark, tmp_path: Path) -> None:
    """It verifies within 1 GB, and memory grows no faster than the bundle."""
    found = {}
    for count in (25_000, 100_000):
        path = tmp_path / f"{count}.bundle"
        sub("-m", "tests.bench.bundle_cost", "make", path, count)
        found[count] = json.loads(sub("-m", "tests.bench.bundle_cost", "verify", path))
    benchmark.pedantic(lambda: None, rounds=1)
    small, large = found[25_000], found[100_000]
    print(f"\n25,000 claims: {small}\n100,000 claims: {large}")
    assert large["peak_mb"] < 1_024
    assert large["peak_mb"] / small["peak_mb"] <= large["bundle_mb"] / small["bundle_mb"]


def median_seconds(*args: str, runs: int = 7) -> float:
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        subprocess.run([sys.executable, *args], cwd=ROOT, check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    return sorted(times)[runs // 2]


def test_start_up(benchmark) -> None:
    """Version, help and the library's import beside bare Python, in one run."""
    rows = {
        "python -c pass": median_seconds("-c", "pass"),
        "xmargin --version": median_seconds("-m", "verifier.app.main", "--version"),
        "xmargin --help": median_seconds("-m", "verifier.app.main", "--help"),
        "import verifier, verify_bundle": median_seconds("-c", "from verifier import verify_bundle"),
    }
    benchmark.pedantic(lambda: None, rounds=1)
    for name, seconds in rows.items():
        print(f"\n{name}: {seconds * 1000:.0f} ms, {seconds / rows['python -c pass']:.1f} x bare", end="")


def test_proof_json_to_proven_values(benchmark) -> None:
    """One recorded eth_getProof answer from text to a verified account and words, beside the parsing alone."""
    from tests.simulators.world import World, checker, holder, run
    from verifier.gather import gather_section

    world = World(1, {holder(n): n + 1 for n in range(200)}, {holder(n): n + 1 for n in range(200)}, blocks=1)
    believed = checker(world)
    claims = list(enumerate(world.claims()))
    benchmark(lambda: run(gather_section(world.network, claims, world.pin(), believed.now, believed), {1: world}))


@pytest.mark.parametrize("way", ["executemany", "insert_all"])
def test_a_hundred_thousand_rows(benchmark, tmp_path: Path, way: str) -> None:
    """Bulk rows as the store writes them, and as sqlite-utils would by itself."""
    rows = [(i, f"0x{i:040x}", "USDC", str(i * 10**12), 1, "proven") for i in range(100_000)]
    names = ("claim", "holder", "symbol", "amount", "chain_id", "verdict")

    numbers = iter(range(1_000))

    def write() -> None:
        path = tmp_path / f"{way}{next(numbers)}.db"
        if way == "insert_all":
            sqlite_utils.Database(path)["amounts"].insert_all(dict(zip(names, row, strict=True)) for row in rows)
            return
        with sqlite3.connect(path) as db:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute(f"CREATE TABLE amounts ({', '.join(names)})")
            db.executemany("INSERT INTO amounts VALUES (?, ?, ?, ?, ?, ?)", rows)

    benchmark.pedantic(write, rounds=3)
