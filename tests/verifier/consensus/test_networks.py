"""The table of networks against published parameters, and networks described by data."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.simulators.beacon import devnet
from tests.simulators.beacon_data import raw
from verifier.consensus.forks import FORKS, INDICES, ConsensusConfig, Fork, ForkRow
from verifier.consensus.networks import CONFIGS, consensus_of, parse_config
from verifier.consensus.presets import GNOSIS, MAINNET, MINIMAL, Preset
from verifier.consensus.shapes import Kind, shape_of
from verifier.errors import BadInput, Unsupported
from verifier.primitives import ChainId, Timestamp

GENESIS: dict[str, object] = {"genesis_time": "1700000000", "genesis_validators_root": "0x" + "77" * 32}
SPEC: dict[str, object] = {
    "PRESET_BASE": "minimal",
    "SECONDS_PER_SLOT": "6",
    "GENESIS_FORK_VERSION": "0x00000001",
    "ALTAIR_FORK_VERSION": "0x01000001",
    "ALTAIR_FORK_EPOCH": "0",
    "FULU_FORK_VERSION": "0x06000001",
    "FULU_FORK_EPOCH": "18446744073709551615",
}


def published(shared_data: Path) -> dict[str, Any]:
    networks = json.loads((shared_data / "consensus" / "networks.json").read_text())["networks"]
    return {n["chain_id"]: n for n in networks.values() if n["status"] == "live"}


def test_every_live_network_is_as_published(shared_data: Path) -> None:
    """Genesis, preset, slot times, versions and epochs of every fork, and blob schedules."""
    live = published(shared_data)
    assert CONFIGS.keys() == live.keys()
    for chain, config in CONFIGS.items():
        given = live[chain]
        assert config.genesis_time == given["genesis_time"]
        assert config.genesis_validators_root == raw(given["genesis_validators_root"])
        assert config.slot_ms == 1000 * given["seconds_per_slot"]
        sizes = (config.preset.slots_per_epoch, config.preset.epochs_per_period, config.preset.committee_size)
        assert sizes == (
            given["slots_per_epoch"],
            given["epochs_per_sync_committee_period"],
            given["sync_committee_size"],
        )
        rows = {row.name: (row.version, row.epoch) for row in config.forks}
        scheduled = {n: (raw(r["version"]), r["epoch"]) for n, r in given["forks"].items() if r["epoch"] is not None}
        assert rows == scheduled
        assert list(config.blobs) == [(b["epoch"], b["max_blobs"]) for b in given["blob_schedule"]]
        assert config.electra_blobs == given["max_blobs_electra"]


def test_fork_digests_are_those_of_the_schedule(shared_data: Path) -> None:
    """Blob-parameter forks change the digest and no version; each digest names its fork, none names another network's."""
    live = published(shared_data)
    seen: set[bytes] = set()
    for chain, config in CONFIGS.items():
        for entry in live[chain].get("fork_digests", []):
            digest = raw(entry["fork_digest"])
            assert config.digest_of(entry["from_epoch"]) == digest
            if entry["fork"] != "phase0" and config.row_of(entry["from_epoch"]).name == entry["fork"]:
                assert config.fork_of_digest(digest) is Fork(entry["fork"])
            assert digest not in seen
            seen.add(digest)
    mainnet = consensus_of(ChainId(1))
    assert mainnet.digest_of(412_671) != mainnet.digest_of(412_672) != mainnet.digest_of(419_072)
    assert mainnet.row_of(412_671) == mainnet.row_of(419_072)
    first, last = 411_392 * 32 + 1, 419_072 * 32 + 100
    assert mainnet.signing_domain(first + 1) == mainnet.signing_domain(last)
    with pytest.raises(Unsupported):
        mainnet.fork_of_digest(consensus_of(ChainId(100)).digest_of(1_714_688))
    assert len(seen) >= 25


def test_sepolia_runs_gloas() -> None:
    """From epoch 353024, slot 11296768, 2026-10-06 13:53:36 UTC; on mainnet it has no date, and its name is refused."""
    sepolia = consensus_of(ChainId(11_155_111))
    assert sepolia.fork_of(11_296_768) is Fork.GLOAS
    assert sepolia.fork_of(11_296_767) is Fork.FULU
    assert sepolia.time_of(11_296_768) == 1_791_294_816
    assert sepolia.digest_of(353_024).hex() == "669e6c11"
    assert sepolia.named_fork("gloas") is Fork.GLOAS
    for name in ("gloas", "heze", "phase0", None, 5):
        with pytest.raises(Unsupported):
            consensus_of(ChainId(1)).named_fork(name)


def test_slots_epochs_periods_and_times() -> None:
    """A period is 8192 slots on every public network, in 256 epochs of 32 or 512 of 16."""
    for config in CONFIGS.values():
        assert config.preset.slots_per_period == 8192
        assert (config.period_of(8191), config.period_of(8192)) == (0, 1)
        assert config.slot_at(config.time_of(100)) == 100
        assert config.slot_at(Timestamp(config.time_of(100) - 1)) == 99
        assert config.slot_at(Timestamp(config.genesis_time - 1)) == -1
    assert consensus_of(ChainId(100)).time_of(3) == 1_638_993_355
    assert (MAINNET.slots_per_period, GNOSIS.slots_per_period, MINIMAL.slots_per_period) == (8192, 8192, 64)


def test_a_network_without_a_beacon_chain_is_unsupported() -> None:
    """And so is a slot before Altair, where nothing is signed by a committee."""
    with pytest.raises(Unsupported):
        consensus_of(ChainId(10))
    with pytest.raises(Unsupported):
        consensus_of(ChainId(1)).fork_of(74_240 * 32 - 1)
    assert consensus_of(ChainId(1)).fork_of(74_240 * 32) is Fork.ALTAIR


def test_a_network_described_by_data() -> None:
    """Names to text or integers, in either spelling of the slot time; what is not scheduled is left out."""
    config = parse_config(SPEC, GENESIS, 32_382)
    assert [row.name for row in config.forks] == ["phase0", "altair"]
    assert (config.preset, config.slot_ms) == (MINIMAL, 6000)
    ms = {**{k: v for k, v in SPEC.items() if k != "SECONDS_PER_SLOT"}, "SLOT_DURATION_MS": 500, "FULU_FORK_EPOCH": 7,
          "ELECTRA_FORK_VERSION": "0x05000001", "ELECTRA_FORK_EPOCH": 7, "SYNC_COMMITTEE_SIZE": "16",
          "BLOB_SCHEDULE": [{"EPOCH": "9", "MAX_BLOBS_PER_BLOCK": "12"}]}  # fmt: skip
    config = parse_config(ms, GENESIS, 32_382, "half seconds")
    assert [row.name for row in config.forks] == ["phase0", "altair", "electra", "fulu"]
    assert config.time_of(5) == config.genesis_time + 2
    assert config.slot_at(Timestamp(config.genesis_time + 2)) == 4
    assert config.preset.committee_size == 16
    assert config.digest_of(7) != config.digest_of(9)
    assert config.fork_of_digest(config.digest_of(9)) is Fork.FULU


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PRESET_BASE", "huge"), ("SECONDS_PER_SLOT", "0"), ("SECONDS_PER_SLOT", None), ("SECONDS_PER_SLOT", "six"),
        ("SECONDS_PER_SLOT", "-6"), ("SECONDS_PER_SLOT", True), ("SECONDS_PER_SLOT", 6.0), ("ALTAIR_FORK_VERSION", "0x01"),
        ("ALTAIR_FORK_VERSION", None), ("GENESIS_FORK_VERSION", 5), ("ALTAIR_FORK_EPOCH", "1e3"), ("ALTAIR_FORK_EPOCH", None),
        ("SYNC_COMMITTEE_SIZE", "12"), ("SYNC_COMMITTEE_SIZE", "0"), ("SYNC_COMMITTEE_SIZE", "1000000"), ("BLOB_SCHEDULE", {}),
        ("BLOB_SCHEDULE", [5]), ("BLOB_SCHEDULE", [{"EPOCH": "1"}]), ("SLOTS_PER_EPOCH", "0"), ("SLOTS_PER_HISTORICAL_ROOT", "65"),
        ("SECONDS_PER_SLOT", "18446744073709551616"), ("BLOB_SCHEDULE", [{"EPOCH": "1", "MAX_BLOBS_PER_BLOCK": "1"}] * 65),
    ],
)  # fmt: skip
def test_a_description_that_does_not_hold_is_refused(name: str, value: object) -> None:
    """Each value by its name; a fork whose epoch is null is no fork, since data have to say when."""
    assert parse_config(SPEC, GENESIS, 32_382).name == "devnet"
    with pytest.raises(BadInput):
        parse_config({**SPEC, name: value}, GENESIS, 32_382)


@pytest.mark.parametrize(
    "genesis",
    [
        {},
        {**GENESIS, "genesis_time": "x"},
        {**GENESIS, "genesis_validators_root": "0x77"},
        {**GENESIS, "genesis_validators_root": None},
    ],
)
def test_a_genesis_that_does_not_hold_is_refused(genesis: dict[str, object]) -> None:
    """Time and validators root, both."""
    with pytest.raises(BadInput):
        parse_config(SPEC, genesis, 32_382)
    with pytest.raises(BadInput):
        parse_config(SPEC, GENESIS, 0)


@pytest.mark.covers("LC-13")
def test_a_fork_of_an_unknown_name_is_kept_to_be_refused() -> None:
    """Its epoch is on the schedule, and slots from there on have no meaning here."""
    config = devnet((Fork.GLOAS, 0), HEZE_FORK_EPOCH="3", HEZE_FORK_VERSION="0x08000077")
    assert [row.fork for row in config.forks][-2:] == [Fork.GLOAS, None]
    assert config.fork_of(23) is Fork.GLOAS
    for ask in (config.fork_of, config.indices_of):
        with pytest.raises(Unsupported) as caught:
            ask(24)
        assert "fork heze" in str(caught.value)
    config.signing_domain(24)
    with pytest.raises(Unsupported):
        config.signing_domain(25)
    with pytest.raises(Unsupported):
        config.fork_of_digest(config.digest_of(3))


def test_schedules_are_in_order() -> None:
    """A table with a mistake in it is refused when it is made."""
    config = devnet((Fork.FULU, 0))
    for change in (
        {"forks": ()},
        {"forks": tuple(replace(row, epoch=5) for row in config.forks)},
        {"forks": (config.forks[0], replace(config.forks[1], epoch=9), config.forks[2])},
        {"subjectivity": ()},
        {"subjectivity": ((5, 60),)},
        {"blobs": ((9, 1), (5, 1))},
        {"slot_ms": 0},
    ):
        with pytest.raises(BadInput):
            replace(config, **change)
    with pytest.raises(BadInput):
        ForkRow("fulu", b"\x00", 0)
    with pytest.raises(BadInput):
        Preset("odd", 8, 8, 33, 64)


def test_indices_and_shapes_of_each_fork() -> None:
    """The specification's numbers, and branches as long as they say."""
    table = {fork: (i.finalized, i.current, i.next, i.execution) for fork, i in INDICES.items()}
    assert table[Fork.BELLATRIX] == (105, 54, 55, None)
    assert table[Fork.CAPELLA] == (105, 54, 55, 412)
    assert table[Fork.DENEB] == (105, 54, 55, 812)
    assert table[Fork.FULU] == table[Fork.ELECTRA] == (169, 86, 87, 812)
    assert table[Fork.GLOAS] == (735, 2945, 2946, 2856)
    assert set(table) == set(FORKS[1:])
    lengths = {
        fork: [
            dict(shape_of(Kind.UPDATE, fork, 512).fields)[name].length
            for name in ("next_sync_committee_branch", "finality_branch")
        ]
        for fork in (Fork.ALTAIR, Fork.ELECTRA, Fork.GLOAS)
    }
    assert lengths == {Fork.ALTAIR: [5, 6], Fork.ELECTRA: [6, 7], Fork.GLOAS: [11, 9]}
    assert isinstance(consensus_of(ChainId(1)), ConsensusConfig)
