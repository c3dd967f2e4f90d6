"""Many accounts at once: the same as one by one, whatever the block, the order, or the number of threads."""

from __future__ import annotations

import os
import subprocess
import sys
from math import fsum

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.errors import BadInput
from verifier.margin.models.batch import exposure_matrix, worst_losses

amounts = st.floats(-1e6, 1e6, allow_nan=False)
moves = st.floats(-1, 3, allow_nan=False)


@given(st.data(), st.integers(1, 6), st.integers(1, 5), st.integers(1, 9), st.integers(1, 8))
def test_each_account_is_as_if_it_stood_alone(data: st.DataObject, count: int, n: int, cases: int, block: int) -> None:
    """Never below the exact worst loss, never above it by more than the slack; also where scenarios are equal."""
    book = [data.draw(st.lists(amounts, min_size=n, max_size=n)) for _ in range(count)]
    grid = [data.draw(st.lists(moves, min_size=cases, max_size=cases)) for _ in range(n)]
    grid = [row + row[:1] for row in grid]
    made = worst_losses(np.array(book), np.array(grid), block=block)
    for row, loss, scenario in zip(book, made.losses.tolist(), made.scenarios.tolist(), strict=True):
        losses = [-fsum(e * grid[i][s] for i, e in enumerate(row)) for s in range(cases + 1)]
        exact = max(0.0, *losses)
        gross = fsum(abs(e) * max(map(abs, grid[i])) for i, e in enumerate(row))
        assert exact <= loss * 1e-8 + 1e-20
        assert loss * 1e-8 <= exact + 3e-12 * gross + 2e-8
        assert losses[scenario] >= max(losses) - 1e-12 * gross


def test_the_worst_of_near_equals_is_found() -> None:
    """Two scenarios closer than single precision tells apart: the worse one is the answer."""
    grid = np.array([[-0.1, -0.1 - 1e-12, 0.2]])
    made = worst_losses(np.array([[1e6], [-1e6]]), grid)
    assert made.scenarios.tolist() == [1, 2]
    assert made.losses[0] * 1e-8 >= 1e6 * (0.1 + 1e-12)


@pytest.mark.parametrize(
    ("book", "grid"),
    [
        (np.zeros((2, 3)), np.zeros((2, 4))),
        (np.zeros((2, 3)), np.zeros((3, 0))),
        (np.array([[np.nan]]), np.ones((1, 1))),
        (np.array([[1e31]]), np.ones((1, 1))),
        (np.array([[1e12]]), -np.ones((1, 1))),
    ],
    ids=["shapes", "no-scenario", "nan", "too-large", "beyond-the-result"],
)
def test_what_cannot_be_weighed_is_refused(book: np.ndarray, grid: np.ndarray) -> None:
    """A shape, a value or a result that does not fit is an error, never a figure."""
    with pytest.raises(BadInput):
        worst_losses(book, grid)


def test_an_instrument_that_is_not_there_is_refused() -> None:
    """Entries of one instrument add; one beyond the last is an error."""
    assert exposure_matrix([[(0, 1.0), (0, 2.0)]], 1).tolist() == [[3.0]]
    with pytest.raises(BadInput):
        exposure_matrix([[(1, 1.0)]], 1)


CODE = """
import hashlib, numpy as np
from verifier.margin.models.batch import worst_losses
seeded = np.random.Generator(np.random.PCG64(3))
made = worst_losses(seeded.normal(0, 1e5, (600, 60)), seeded.normal(0, 0.05, (60, 1000)), block={block})
print(hashlib.sha256(made.losses.tobytes() + made.scenarios.tobytes()).hexdigest())
"""


def test_figures_do_not_depend_on_threads_or_blocks() -> None:
    """One and two threads of the linear algebra, blocks of 256 and 7: the same bytes."""
    found = set()
    for threads, block in (("1", 256), ("2", 256), ("2", 7)):
        env = os.environ | {"OPENBLAS_NUM_THREADS": threads, "OMP_NUM_THREADS": threads}
        done = subprocess.run(
            [sys.executable, "-c", CODE.format(block=block)], capture_output=True, text=True, check=True, env=env
        )
        found.add(done.stdout)
    assert len(found) == 1
