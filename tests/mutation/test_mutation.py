"""A removed check is noticed: a seeded sample in every run, every mutant of every deciding module in the soak."""

from __future__ import annotations

import pytest

from tests.mutation.mutate import all_mutants, sample, survivors


@pytest.mark.covers("TST-03")
def test_a_sample_of_mutants_is_noticed() -> None:
    """Each of some checks is removed or turned in a copy of the packages, and a test of its room fails."""
    assert survivors(sample(6, 20_261_126)) == []


@pytest.mark.soak
def test_every_mutant_is_noticed() -> None:
    """All of them, one at a time."""
    assert survivors(all_mutants()) == []
