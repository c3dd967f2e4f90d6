"""A removed check is noticed: a seeded sample in every run, every mutant of every deciding module in the soak."""

from __future__ import annotations

import pytest

from tests.mutation.equivalents import EQUIVALENT
from tests.mutation.mutants import mutants
from tests.mutation.mutate import all_mutants, sample, survivors
from tests.mutation.rooms import DRIVEN, ROOT, WHOLE, modules


@pytest.mark.covers("TST-03")
def test_a_sample_of_mutants_is_noticed() -> None:
    """Each of some checks is removed or turned in a copy of the packages, and a test of its room fails."""
    assert survivors(sample(4, 20_261_126)) == []


@pytest.mark.soak
def test_every_mutant_is_noticed() -> None:
    """All of the modules that are whole, one at a time; `python -m tests.mutation.mutate` drives any other."""
    assert survivors(all_mutants(WHOLE)) == []


def test_every_equivalent_mutant_is_one_that_there_is() -> None:
    """An excuse outlives its line otherwise, and may one day cover another."""
    there = {one.name for name in modules() for one in mutants(name, (ROOT / name).read_bytes())}
    assert set(EQUIVALENT) <= there
    assert set(DRIVEN) <= set(modules())
