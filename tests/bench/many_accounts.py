"""Worst losses of many accounts beside plain Python loops on a sample, in one run; prints what it measured as JSON.

Run as a program, so that the linear algebra can be held to one thread: CPU time counts threads that wait, too.
"""

from __future__ import annotations

import json
import random
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from verifier.margin.models.batch import exposure_matrix, worst_losses

ACCOUNTS, POSITIONS, SCENARIOS, INSTRUMENTS, SAMPLE = 10_000, 20, 1_000, 60, 50


@dataclass
class Held:
    """A position as a program holds it."""

    instrument: int
    size: float


def plain_loop(accounts: list[list[Held]], prices: list[float], moves: list[list[float]]) -> list[float]:
    """What one writes first: for each account, scenario and position, its profit."""
    found = []
    for positions in accounts:
        worst = 0.0
        for scenario in range(len(moves[0])):
            profit = 0.0
            for held in positions:
                profit += held.size * prices[held.instrument] * moves[held.instrument][scenario]
            worst = min(worst, profit)
        found.append(-worst)
    return found


def tight_loop(accounts: list[list[tuple[float, list[float]]]], scenarios: int) -> None:
    """The same with everything looked up beforehand: what a careful loop costs."""
    for positions in accounts:
        worst = 0.0
        for scenario in range(scenarios):
            profit = 0.0
            for exposure, moves in positions:
                profit += exposure * moves[scenario]
            worst = min(worst, profit)


def seconds(work: Callable[[], object], rounds: int) -> float:
    """CPU time, the best of so many."""
    took = []
    for _ in range(rounds):
        begun = time.process_time()
        work()
        took.append(time.process_time() - begun)
    return min(took)


def measured() -> dict[str, float]:
    """Seconds of ours and of both loops for all accounts, megabytes above the inputs, and the largest difference."""
    seeded = random.Random(7)
    accounts = [
        [Held(seeded.randrange(INSTRUMENTS), seeded.uniform(-10, 10)) for _ in range(POSITIONS)]
        for _ in range(ACCOUNTS)
    ]
    prices = [seeded.uniform(1, 60_000) for _ in range(INSTRUMENTS)]
    moves = np.random.Generator(np.random.PCG64(7)).normal(0, 0.05, (INSTRUMENTS, SCENARIOS))
    sizes = exposure_matrix([[(p.instrument, p.size) for p in positions] for positions in accounts], INSTRUMENTS)
    marks, listed = np.array(prices), moves.tolist()
    ours = seconds(lambda: worst_losses(sizes, moves, marks), 15)
    made = worst_losses(sizes, moves, marks)
    tracemalloc.start()
    worst_losses(sizes, moves, marks)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    plain = plain_loop(accounts[:SAMPLE], prices, listed)
    ready = [[(p.size * prices[p.instrument], listed[p.instrument]) for p in row] for row in accounts[:SAMPLE]]
    share = ACCOUNTS / SAMPLE
    return {
        "ours": ours,
        "loop": seconds(lambda: plain_loop(accounts[:SAMPLE], prices, listed), 3) * share,
        "tight": seconds(lambda: tight_loop(ready, SCENARIOS), 3) * share,
        "megabytes": peak / 1e6,
        "off": max(abs(loss * 1e-8 / one - 1) for loss, one in zip(made.losses.tolist(), plain, strict=False)),
    }


if __name__ == "__main__":
    print(json.dumps(measured()))
