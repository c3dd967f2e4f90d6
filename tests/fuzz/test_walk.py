"""A seeded sample of the walk's fuzz target, and a long run under the soak marker."""

from __future__ import annotations

import random

import pytest

from tests.fuzz.walk import run

OUTCOMES = {"bytes", "Absent", "MissingNode", "MalformedNode", "MalformedRlp"}


@pytest.mark.covers("RLP-05", "RLP-09")
@pytest.mark.parametrize("seed", range(4))
def test_any_nodes_give_a_value_an_absence_or_our_own_error(seed):
    """Nothing else comes out of the walk, and the fuzzer reaches every one of them."""
    assert set(run(seed, cases=2_500)) >= OUTCOMES


@pytest.mark.soak
def test_any_nodes_for_long():
    """The same for ten minutes, from a seed that the failure message tells."""
    assert set(run(random.SystemRandom().randrange(2**32), seconds=600)) >= OUTCOMES
