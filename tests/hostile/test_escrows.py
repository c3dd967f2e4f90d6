"""A bridged token and its locked original are one value: what a bridge's escrow holds counts where it circulates."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chains.chain import escrows_of
from chains.registry import NETWORKS
from tests.simulators.minting import ALICE, holding, token
from verifier.errors import CountedTwice
from verifier.margin.duplicates import check_duplicates
from verifier.primitives import Address, parse_hex

ESCROWS = escrows_of(NETWORKS.values())
BASE_BRIDGE = Address(parse_hex("0x3154cf16ccdb4c6d922629664174b904d80f2c35"))


@pytest.mark.covers("MRG-02")
def test_a_locked_original_is_refused_beside_what_circulates():
    """USDC in Base's bridge on Ethereum is the USDC on Base: it is nobody's second collateral."""
    locked, bridged = holding(token(1), BASE_BRIDGE), holding(token(8453, contract=0x71), ALICE)
    with pytest.raises(CountedTwice, match="circulates on base"):
        check_duplicates([bridged, locked], escrows=ESCROWS)
    with pytest.raises(CountedTwice, match="bridge's escrow"):
        check_duplicates([locked], escrows=ESCROWS)
    check_duplicates([bridged, replace(locked, holder=ALICE)], escrows=ESCROWS)


def test_the_escrow_of_one_network_is_no_escrow_on_another():
    """An address is a bridge on its own network only."""
    check_duplicates([holding(token(10), BASE_BRIDGE)], escrows=ESCROWS)


def test_every_escrow_has_a_source():
    """Each stands in its network's own file, with where it is said."""
    named = [entry for chain in NETWORKS.values() for entry in chain.escrows]
    assert len(named) >= 3
    assert all(entry.source and entry.contract for entry in named)
