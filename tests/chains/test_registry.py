"""The registry: values that fit together, sources beside them, and a page that says the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from chains import NETWORKS, by_id, local_network, meanings, networks
from chains.doc import BEGIN, END, put_into, table
from chains.registry import aliases
from verifier.claims import ProxyKind
from verifier.errors import BadInput
from verifier.network import OwnConsensus, SettledOn

ROOT = Path(__file__).resolve().parents[2]
EVERY = pytest.mark.parametrize("chain", NETWORKS.values(), ids=NETWORKS.keys())

WANTED = {
    1, 11155111, 560048, 10, 8453, 130, 480, 57073, 42220, 5000, 81457, 42161, 42170, 59144, 534352, 324, 137, 56, 100,
    43114, 146, 80094, 143, 999, 167000,
}  # fmt: skip
"""The networks of the reference."""


def test_the_networks_of_the_reference_are_there():
    """Each by its chain id; names and ids are unique, and an unknown id is none."""
    assert set(networks()) >= WANTED
    assert len(networks()) == len(NETWORKS)
    assert by_id(1) is NETWORKS["ethereum"]
    assert by_id(2) is None


@EVERY
def test_a_network_has_its_values_and_their_sources(chain):
    """Its key is its name, its parent is known, its times are positive, its sources are named."""
    network = chain.network
    assert NETWORKS[network.name] is chain
    assert network.block_time >= 1
    assert network.finality >= 1
    assert chain.sources
    assert chain.finality_tags
    assert isinstance(network.rooted_by, OwnConsensus) or network.rooted_by.parent in networks()


@EVERY
def test_tokens_belong_to_their_network_and_say_their_evidence(chain):
    """Chain id, evidence, a pin's implementation exactly where there is a proxy, fields inside the word."""
    for known in chain.assets:
        assert known.asset.chain_id == chain.network.chain_id
        assert known.evidence
        layout = known.asset.layout
        assert layout is not None
        assert layout.offset_bits + layout.width_bits <= 256
        for pin in known.pins:
            assert (pin.implementation is None) == (layout.proxy is None)
            assert (pin.implementation is None) == (pin.implementation_code_hash is None)


def test_guards_stand_beside_pins_only():
    """A flag is one of reviewed code; no entry without a pin has any, and the balance is not among them."""
    guarded = [known for chain in NETWORKS.values() for known in chain.assets if known.guards]
    assert [known.asset.symbol for known in guarded] == ["USDT"]
    for known in guarded:
        assert known.pins
        assert known.asset.layout.base not in {guard.base for guard in known.guards}


@EVERY
def test_second_entry_points_have_a_source_and_stand_for_one_asset(chain):
    """None stands for itself, and none is listed among the network's own tokens."""
    listed = {known.asset.contract for known in chain.assets}
    for entry in chain.second_entries:
        assert entry.source
        assert entry.contract not in {entry.stands_for, *listed}
        assert aliases()[(chain.network.chain_id, entry.contract)] == (chain.network.chain_id, entry.stands_for)


@pytest.mark.covers("CHN-07")
def test_symbols_do_not_identify_assets():
    """USDC and its bridged twin are two assets of two groups; nothing is keyed by a symbol."""
    assert len(meanings()) == sum(len(chain.assets) for chain in NETWORKS.values())
    twins = {known.asset.symbol: known.asset for known in NETWORKS["arbitrum-one"].assets}
    assert twins["USDC"].contract != twins["USDC.e"].contract
    assert twins["USDC"].group != twins["USDC.e"].group


@pytest.mark.covers("CHN-06")
@pytest.mark.parametrize("name", ["zksync-era", "monad"])
def test_a_network_that_cannot_be_proven_says_why(name):
    """It is listed with a reason and a cure; its siblings that can be proven have none."""
    assert ";" in (NETWORKS[name].network.family.unsupported or "")
    assert NETWORKS["ethereum"].network.family.unsupported is None


def test_rollups_and_own_consensus_are_told_apart():
    """A rollup is settled on a parent, a network with its own consensus is not."""
    assert isinstance(NETWORKS["base"].network.rooted_by, SettledOn)
    assert NETWORKS["base"].network.is_rollup
    assert not NETWORKS["gnosis"].network.is_rollup


@pytest.mark.shared
def test_pinned_code_is_the_code_that_proofs_show(shared_data):
    """Where the reference data proves a pinned token's account, its code hash is the one pinned."""
    import json

    seen = 0
    for path in sorted((shared_data / "chains" / "state").glob("*.json")):
        data = json.loads(path.read_text())
        for record in data["proofs"]:
            contract = bytes.fromhex(record["proof"]["address"][2:])
            known = meanings().get((data.get("chain_id"), contract))
            if known is not None and known.pins and record["expect"]["account"] == "present":
                assert record["proof"]["codeHash"][2:] in {bytes(pin.code_hash).hex() for pin in known.pins}
                seen += 1
    assert seen >= 2


def test_the_flag_of_usdc_is_outside_its_balance():
    """Circle's word: 255 bits of balance, and the flag above them."""
    for known in meanings().values():
        layout = known.asset.layout
        if layout is not None and layout.blocked_bit is not None:
            assert layout.proxy is ProxyKind.ZEPPELINOS
            assert (layout.width_bits, layout.blocked_bit) == (255, 255)


def test_a_network_of_ones_own():
    """A development chain by name and id; an empty name or a foreign id is refused."""
    assert local_network("mine", 31_337).chain_id == 31_337
    for name, chain in (("", 1), ("mine", 0), ("mine", True), ("a\nb", 1)):
        with pytest.raises(BadInput):
            local_network(name, chain)


def test_the_page_says_what_the_registry_says():
    """docs/networks.md holds the table as it is made now; a page with another row is not the same."""
    page = (ROOT / "docs" / "networks.md").read_text()
    assert page == put_into(page)
    assert table() in page
    assert BEGIN in page
    assert END in page
    assert put_into(page.replace("| ethereum | 1 |", "| ethereum | 2 |")) == page
