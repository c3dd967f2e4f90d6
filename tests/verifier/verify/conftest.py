"""Two networks and an honest bundle over both."""

from __future__ import annotations

import pytest

from tests.simulators.world import World, checker, holder
from tests.verifier.verify.gathering import gather
from verifier.claims import Claim


@pytest.fixture(scope="module")
def two() -> tuple[World, World]:
    """Two networks with some holders each; one holder has nothing."""
    one = World(1, {holder(1): 5 * 10**18, holder(2): 1}, {holder(1): 2**200, holder(3): 7})
    two = World(10, {holder(1): 2**96}, {holder(1): 1_000_000, holder(9): 0})
    return one, two


@pytest.fixture(scope="module")
def honest(two):
    """Claims, the checker that knows them, and an honest bundle."""
    claims = [*two[0].claims(), *two[1].claims(), Claim(two[0].coin, holder(404))]
    believed = checker(*two)
    data, parts = gather(claims, two, believed, believed.now)
    assert not any(part.failed for part in parts)
    return claims, believed, data
