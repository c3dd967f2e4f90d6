"""One honest trie for all."""

from __future__ import annotations

import pytest

from tests.hostile.trie.asking import KEY, VALUE
from tests.simulators.trie_builder import (
    build,
    random_items,
)


@pytest.fixture(scope="module")
def trie():
    """Five thousand keys, ours among them."""
    return build({**random_items(5_000, seed=11), KEY: VALUE})
