"""A removed check is noticed: a seeded sample in every run, all checks of the deciding modules in the soak."""

from __future__ import annotations

import random

import pytest

from tests.mutation.mutate import Mutant, mutants, survivors

DECIDING = (
    "verifier/verify.py",
    "verifier/headers/as_of.py",
    "verifier/headers/ancestry.py",
    "verifier/assets/erc20.py",
    "verifier/consensus/weaker.py",
)


def checks() -> list[Mutant]:
    return [mutant for module in DECIDING for mutant in mutants(module)]


@pytest.mark.covers("TST-03")
def test_a_sample_of_removed_checks_is_noticed() -> None:
    """Each of some checks is removed in a copy of the packages, and a test of its room fails."""
    assert survivors(random.Random(20_261_124).sample(checks(), 5)) == []


@pytest.mark.soak
def test_every_removed_check_is_noticed() -> None:
    """All of them, one at a time."""
    assert survivors(checks()) == []
