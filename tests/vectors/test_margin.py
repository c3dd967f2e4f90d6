"""All margin vectors of the index are run: none is silently skipped, and none is out of scope."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.vectors import test_margin_derive, test_margin_risk, test_margin_span, test_margin_venues
from tests.vectors.margin_vectors import index, kind_of, load

pytestmark = pytest.mark.shared

RUN_BY = {
    "managers": set(test_margin_derive.RUNS),
    "models": set(test_margin_span.RUNS),
    "venues": set(test_margin_venues.RUNS),
    "liquidation and statistics": set(test_margin_risk.RUNNERS),
}


def test_every_vector_is_run_by_exactly_one_runner(shared_data: Path) -> None:
    """The index's total is what is run; each case belongs to one table of runners."""
    assert len(load()) == index()["total"]
    for name, case in load():
        takers = [who for who, runs in RUN_BY.items() if (name, kind_of(case)) in runs]
        assert len(takers) == 1, (name, case["id"], takers)


def test_no_runner_stands_idle() -> None:
    """Every entry of every table has a case."""
    kinds = {(name, kind_of(case)) for name, case in load()}
    assert set().union(*RUN_BY.values()) == kinds


def test_what_is_not_reproduced_is_what_the_index_names() -> None:
    """Three exceptions, each named by the index: two cases that are not in the files, and one field of a third."""
    named = {(entry["file"], entry["id"]) for entry in index()["not_reproduced"]}
    assert len(named) == 3
    assert not named & {(name, case["id"]) for name, case in load()}
