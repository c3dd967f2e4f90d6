"""Real light-client bundles and the specification's vectors, as the tests ask for them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from tests.conftest import shared_folder
from verifier.consensus.committee import Committee
from verifier.consensus.containers import (
    NO_HEADER,
    BeaconHeader,
    Bootstrap,
    LightClientHeader,
    SyncCommittee,
    Update,
    no_committee,
)
from verifier.consensus.forks import FORKS, ConsensusConfig
from verifier.consensus.light_client import LightClientState
from verifier.consensus.networks import consensus_of, parse_config
from verifier.consensus.parse import (
    parse_bootstrap,
    parse_finality_update,
    parse_optimistic_update,
    parse_update,
)
from verifier.crypto.bls import default_scheme
from verifier.primitives import ChainId, Hash32, Timestamp
from verifier.proven import mint
from verifier.trust import Checkpoint

CHAINS = {"mainnet": 1, "sepolia": 11_155_111}
PARSERS = {
    "update": parse_update,
    "finality_update": parse_finality_update,
    "optimistic_update": parse_optimistic_update,
}


def raw(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def consensus_folder() -> Path:
    return shared_folder() / "data" / "consensus"


@cache
def load(name: str) -> Any:
    """One gzipped JSON document, by its path under the consensus data."""
    return json.loads(gzip.decompress((consensus_folder() / f"{name}.json.gz").read_bytes()))


def config_of(bundle: Any) -> ConsensusConfig:
    if "chain" not in bundle:
        return consensus_of(ChainId(CHAINS[bundle["network"]]))
    chain = bundle["chain"]
    spec: dict[str, object] = {
        "PRESET_BASE": chain["preset"],
        "GENESIS_FORK_VERSION": chain["genesis_fork_version"],
        "SECONDS_PER_SLOT": str(chain["seconds_per_slot"]),
    }
    for name, row in chain["forks"].items():
        spec[f"{name.upper()}_FORK_VERSION"] = row["version"]
        spec[f"{name.upper()}_FORK_EPOCH"] = str(row["epoch"])
    return parse_config(spec, {k: chain[k] for k in ("genesis_time", "genesis_validators_root")}, 32_382)


def bootstrap_of(bundle: Any, config: ConsensusConfig) -> Bootstrap:
    found = bundle["bootstrap"]
    return parse_bootstrap(config, found["fork"], found["data"])


def checkpoint_of(bundle: Any, config: ConsensusConfig) -> Checkpoint:
    return Checkpoint(config.chain_id, Hash32(raw(bundle["trusted_block_root"])))


def updates_of(bundle: Any, config: ConsensusConfig) -> Iterator[Update]:
    for step in bundle["steps"]:
        yield PARSERS[step["kind"]](config, step["fork"], step["data"])


def signed_at(config: ConsensusConfig, update: Update) -> Timestamp:
    """The time at which an update could first be known."""
    return config.time_of(update.signature_slot)


def state_before(bundle: Any, config: ConsensusConfig, update: Update) -> LightClientState:
    """
    A state that knows the committee which signed an update, for bundles that have committees and no bootstrap.

    Minted by hand, which only tests do: its finalized header is a made one, at the last slot of the period before.
    """
    period = config.period_of(update.signature_slot)
    given = bundle["committees"][str(period)]
    members = SyncCommittee(tuple(raw(key) for key in given["pubkeys"]), raw(given["aggregate_pubkey"]))
    last = period * config.preset.slots_per_period - 1
    beacon = BeaconHeader(last, 0, *(Hash32(bytes(32)),) * 3)
    header = LightClientHeader(beacon, NO_HEADER.execution_hash, NO_HEADER.execution_branch)
    scheme = default_scheme()
    return mint(
        LightClientState,
        rests_on=Checkpoint(config.chain_id, beacon.root),
        config=config,
        finalized=header,
        newest=header,
        current=Committee(no_committee(len(members.pubkeys)), scheme),
        next=Committee(members, scheme),
        finality=None,
        attestation=None,
    )


def spec_config(case: Any) -> ConsensusConfig:
    """The configuration of one case of the vectors; `only` names a fork that is there from genesis on."""
    spec: dict[str, object] = dict(
        case.get("config", {"PRESET_BASE": case["preset"], "GENESIS_FORK_VERSION": "0x00000001"})
    )
    spec.setdefault("SECONDS_PER_SLOT", "6")
    for number, fork in enumerate(FORKS[1:], 1) if "only" in case else ():
        if case["only"].since(fork):
            spec[f"{fork.upper()}_FORK_VERSION"] = f"0x{number:02x}000001"
            spec[f"{fork.upper()}_FORK_EPOCH"] = "0"
    root = case["meta"]["genesis_validators_root"] if "meta" in case else "0x" + "00" * 32
    # the suite lets far more time pass between updates than the weak subjectivity period of a devnet
    spec["MIN_VALIDATOR_WITHDRAWABILITY_DELAY"] = "100000"
    return parse_config(spec, {"genesis_time": "1578009900", "genesis_validators_root": root}, 32_382, "vectors")
