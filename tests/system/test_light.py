"""A balance on a real proof-of-stake network, `finalized` from one checkpoint: gathered, checked offline, and attacked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from tests.nodes.lodestar import ALICE, SLOTS_PER_PERIOD, BeaconDevnet
from tests.system.light_accounts import write_account

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "docs" / "schema" / "light.json").read_text())


@pytest.fixture(scope="module")
def devnet(beacon_devnet: BeaconDevnet) -> BeaconDevnet:
    """The network, a block of the period after the checkpoint's final."""
    beacon_devnet.wait_for_next_period()
    return beacon_devnet


def xmargin(folder: Path, *args: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    """The program in a folder of its own, with a database and a key there."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("XMARGIN_")}
    environment |= {"XMARGIN_DATABASE": str(folder / "x.db"), "XMARGIN_STORE__KEY": str(folder / "x.key"), "HOME": str(folder)}  # fmt: skip
    command = [sys.executable, "-m", "verifier.app.main", *args]
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done


def light(folder: Path, *args: str, code: int = 0) -> dict:
    """What `xmargin light … --json` says, held against its schema."""
    shown = json.loads(xmargin(folder, "light", *args, "--json", code=code).stdout)
    jsonschema.validate(shown, SCHEMA)
    return shown


def test_a_balance_is_finalized_from_one_checkpoint(devnet: BeaconDevnet, tmp_path: Path) -> None:
    """
    From a checkpoint of one committee period to a final block of the next: the balance is what the contract says, under
    that anchor; the trail shows the way; the file checks offline for whoever believes the checkpoint, and nobody else.
    """
    account = write_account(tmp_path, devnet)
    shown = json.loads(xmargin(tmp_path, "verify", str(account), "--save", "b.bundle", "--json").stdout)
    (claim,) = shown["claims"]
    assert claim["trust"]["anchor"] == "finalized"
    assert int(claim["amount"]) == devnet.token.balances[ALICE]
    (state,) = light(tmp_path, "status", "--account", str(account))["clients"]
    assert state["finalized"]["slot"] >= (devnet.first_period + 1) * SLOTS_PER_PERIOD
    assert state["finalized"]["signers"] * 3 >= 2 * state["finalized"]["committee"] == 64
    block = devnet.execution.block(claim["block"]["number"])
    assert block["hash"] == claim["block"]["hash"] == state["finalized"]["execution_block"]
    explained = xmargin(tmp_path, "explain", "b.bundle", "--account", str(account), "--json")
    trail = [step["step"] for step in json.loads(explained.stdout)["claims"][0]["trail"]]
    assert trail[:4] == ["trust-root", "beacon-header", "header", "state-root"]
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    believed = write_account(elsewhere, devnet)
    checked = json.loads(xmargin(elsewhere, "check", "../b.bundle", "--account", str(believed), "--json").stdout)
    assert checked["claims"][0]["amount"] == claim["amount"]
    assert checked["claims"][0]["trust"]["anchor"] == "finalized"
    other = write_account(elsewhere, devnet, checkpoint="0x" + "11" * 32)
    refused = json.loads(xmargin(elsewhere, "check", "../b.bundle", "--account", str(other), "--db", "y.db", "--json", code=3).stdout)  # fmt: skip
    assert refused["claims"][0]["refusal"]["error"] == "NoTrustRoot"


def test_slots_are_read_and_found_from_one_checkpoint(devnet: BeaconDevnet, tmp_path: Path) -> None:
    """The commands that ask one network follow its light client too; under another checkpoint they prove nothing."""
    account, token = write_account(tmp_path, devnet, more='fork = "shanghai"'), devnet.token
    kept = {"label": "_balances", "slot": str(token.slot), "offset": 0, "type": "t_mapping(t_address,t_uint256)"}
    types = {
        "t_address": {"encoding": "inplace", "label": "address", "numberOfBytes": "20"},
        "t_uint256": {"encoding": "inplace", "label": "uint256", "numberOfBytes": "32"},
        "t_mapping(t_address,t_uint256)": {
            "encoding": "mapping",
            "key": "t_address",
            "value": "t_uint256",
            "label": "m",
            "numberOfBytes": "32",
        },
    }
    (tmp_path / "layout.json").write_text(json.dumps({"storage": [kept], "types": types}))
    path = f"_balances[{ALICE}]"
    read = ("slots", "read", "devnet", token.address, path, "--layout", "layout.json", "--json", "--account")
    shown = json.loads(xmargin(tmp_path, *read, str(account)).stdout)
    assert shown["trust"] == "finalized"
    assert shown["values"][0]["value"] == str(token.balances[ALICE])
    holders = [holder for holder, balance in token.balances.items() if balance][:2]
    find = ("slots", "find", "devnet", token.address, *holders, "--account", str(account), "--json")
    assert int(json.loads(xmargin(tmp_path, *find).stdout)["layout"]["slot"], 16) == token.slot
    again = json.loads(xmargin(tmp_path, "slots", "list", "--account", str(account), "--json").stdout)
    assert [one["status"] for one in again["findings"]] == ["holds"]
    other = write_account(tmp_path, devnet, checkpoint="0x" + "11" * 32)
    refused = json.loads(xmargin(tmp_path, *read, str(other), code=3).stdout)
    assert (refused["status"], refused["trust"]) == ("incomplete", None)
    assert "0x1111" in refused["failure"]


def test_a_moment_of_the_past_is_exact(devnet: BeaconDevnet, tmp_path: Path) -> None:
    """The block of an as-of time before the final one is reached by hash, and shown to be the last before it."""
    account = write_account(tmp_path, devnet)
    (state,) = light(tmp_path, "sync", "--account", str(account))["clients"]
    moment = state["finalized"]["time"]["unix"] - 45
    shown = json.loads(xmargin(tmp_path, "verify", str(account), "--as-of", str(moment), "--json").stdout)
    (claim,) = shown["claims"]
    assert claim["moment"] == "exact"
    assert claim["block"]["time"]["unix"] <= moment
    assert claim["trust"]["anchor"] == "finalized"


def test_an_old_bundle_stands_for_whoever_recorded_it(devnet: BeaconDevnet, tmp_path: Path) -> None:
    """When the checkpoint is too old a late checker is refused; the one with the record of that run is not."""
    from chains.registry import NETWORKS
    from verifier.app.account_file import read_account
    from verifier.app.compile import compile_account
    from verifier.app.light_shelf import LightShelf
    from verifier.app.seal import load_seal
    from verifier.app.service import anchors_of, check_account
    from verifier.app.store import Store
    from verifier.errors import CheckpointTooOld
    from verifier.primitives import Timestamp
    from verifier.trust import Anchor

    account = write_account(tmp_path, devnet)
    xmargin(tmp_path, "verify", str(account), "--save", "b.bundle")
    file, source = read_account(account)
    spec = compile_account(file, source, NETWORKS, environ={}, online=False)
    data = (tmp_path / "b.bundle").read_bytes()
    limit = spec.beacon.configs[next(iter(anchors_of(data)))].subjectivity_at(Timestamp(devnet.genesis_time))
    later = Timestamp(devnet.genesis_time + 10_000 + limit)
    late = check_account(spec, data, now=later)
    assert isinstance(late.refused[0].error, CheckpointTooOld)
    with Store(tmp_path / "x.db") as store:
        shelf = LightShelf(store, load_seal(tmp_path / "x.key"), spec.beacon.configs)
        kept = shelf.recorded(anchors_of(data))
    again = check_account(spec, data, now=later, lights=kept)
    assert again.verified.outcomes[0].trust.anchor is Anchor.FINALIZED


def test_a_beacon_node_that_lies_or_hides_is_not_needed(devnet: BeaconDevnet, tmp_path: Path) -> None:
    """Silence and another chain's node first, the honest one behind them: exit 0; the others alone: exit 4."""
    from tests.simulators.beacon import BeaconChain
    from tests.simulators.beacon import devnet as simulated
    from tests.simulators.beacon_api import BeaconApi
    from verifier.consensus.forks import Fork

    with BeaconApi(BeaconChain(simulated((Fork.GLOAS, 0))), 200) as other:
        account = write_account(tmp_path, devnet, beacons=["http://127.0.0.1:9", other.url, devnet.beacon.url])
        shown = light(tmp_path, "sync", "--account", str(account))
        assert [report["status"] for report in shown["endpoints"]] == ["failed", "failed", "served"]
        assert shown["clients"][0]["status"] == "followed"
        account = write_account(tmp_path, devnet, beacons=["http://127.0.0.1:9", other.url])
        alone = light(tmp_path, "sync", "--account", str(account), "--db", "z.db", code=4)
        assert alone["clients"][0]["status"] == "failed"
        assert "genesis" in alone["endpoints"][1]["error"]


def finalized(devnet: BeaconDevnet) -> int:
    """The slot of what the node calls final."""
    return int(devnet.beacon.data("/eth/v1/beacon/headers/finalized")["header"]["message"]["slot"])


def test_a_checkpoint_out_of_an_endpoint_is_its_word(devnet: BeaconDevnet, tmp_path: Path) -> None:
    """Asked for in so many words it is shown with who said it; what rests on it counts nothing under the strict policy."""
    account = write_account(tmp_path, devnet)
    before = finalized(devnet)
    (asked,) = light(tmp_path, "checkpoint", "devnet", "--account", str(account), "--from-endpoints")["clients"]
    assert asked["checkpoint"]["given_by"] == "rpc"
    said = devnet.beacon.data(f"/eth/v1/beacon/headers/{asked['checkpoint']['root']}")
    assert said["canonical"]
    assert before <= int(said["header"]["message"]["slot"]) <= finalized(devnet)  # an epoch may end in between
    (given,) = light(tmp_path, "checkpoint", "devnet", "--account", str(account))["clients"]
    assert (given["checkpoint"]["given_by"], given["checkpoint"]["root"]) == ("checker", devnet.checkpoint)
    asking = write_account(tmp_path, devnet, checkpoint="ask-endpoints", policy='anchors = ["rpc", "finalized"]')
    shown = json.loads(xmargin(tmp_path, "verify", str(asking), "--db", "w.db", "--json").stdout)
    assert shown["claims"][0]["trust"]["anchor"] == "rpc"
    strict = write_account(tmp_path, devnet, checkpoint="ask-endpoints")
    refused = xmargin(tmp_path, "verify", str(strict), "--db", "v.db", "--json", code=4)
    assert json.loads(refused.stdout)["claims"][0]["status"] in {"refused", "missing"}
