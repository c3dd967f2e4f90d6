"""The node that stands behind every proxy of this folder."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="module")
def chain(three_chains):
    """One shared chain."""
    return three_chains[0]
