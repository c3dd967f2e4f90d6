"""The stage with every kind of contract, made once for the tests that call them, and its copies on other clients."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.nodes.ethereumjs import EthereumJS
from tests.verifier.evm.stage import Stage, set_up


@pytest.fixture(scope="package")
def stage(anvil_factory) -> Stage:
    """Everything on an anvil of its own."""
    return set_up(anvil_factory(chain_id=31_342))


@pytest.fixture(scope="package")
def ethereumjs_copy(stage) -> Iterator[EthereumJS]:
    """The same state under EthereumJS, which is there wherever anvil is."""
    node = stage.on_ethereumjs()
    yield node
    node.stop()
