"""A seeded sample of the bundle fuzzer in every run, long ones in the soak."""

from __future__ import annotations

import pytest

from tests.fuzz.bundle import fuzz


@pytest.mark.covers("PRF-09", "PRF-08")
def test_a_sample_of_mutated_bundles_proves_nothing_false() -> None:
    """Parsed, refused, or the honest figure."""
    assert fuzz(20_261_124, rounds=1_500) == 1_500


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(4))
def test_many_mutated_bundles_prove_nothing_false(seed: int) -> None:
    """The same for longer, over several seeds."""
    assert fuzz(seed, rounds=100_000) == 100_000
