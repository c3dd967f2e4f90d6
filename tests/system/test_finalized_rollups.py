"""
Two rollups and their parent from one beacon checkpoint: nothing else is believed, not even a block hash.

The parent is a proof-of-stake network of its own clock, so the game's clock and the portal's delay are seconds here.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tests.nodes.contracts import ALICE
from tests.nodes.lodestar import BeaconDevnet
from tests.system.light_accounts import beacon_lines
from tests.system.settled_accounts import Account
from tests.system.test_light import light, xmargin


@pytest.fixture(scope="module")
def account(beacon_rollups: Account, beacon_devnet: BeaconDevnet) -> Account:
    """Roots of both rollups on the beacon network, and a finalized block that holds them."""
    beacon_devnet.wait_for_final(slot_of(beacon_rollups.parent.block(beacon_rollups.posted), beacon_devnet))
    return beacon_rollups


def slot_of(block: dict, devnet: BeaconDevnet) -> int:
    return devnet.beacon.slot_at(int(block["timestamp"], 16))


def written(folder: Path, account: Account, devnet: BeaconDevnet, **options: str) -> Path:
    path = folder / "account.toml"
    path.write_text(account.toml(root=beacon_lines(folder, devnet, **options)))
    return path


def followed(folder: Path, account: Account, devnet: BeaconDevnet) -> Path:
    """
    The account, and a kept client that has seen the roots final, so that no run begins further back.

    A busy machine's committee may sign its newest finality with too few; a client from the checkpoint then rightly
    stands where the last update with enough signers left it, which can be before the roots.
    """
    path = written(folder, account, devnet)
    wanted = slot_of(account.parent.block(account.posted), devnet)
    for _ in range(60):
        if light(folder, "sync", "--account", str(path))["clients"][0]["finalized"]["slot"] >= wanted:
            return path
        time.sleep(1)
    pytest.fail(f"no client came to slot {wanted}")


def test_every_balance_hangs_on_the_checkpoint(account: Account, beacon_devnet: BeaconDevnet, tmp_path: Path) -> None:
    """`verify` exits 0 with what the contracts report: the parent's finalized, the rollups' settled on it."""
    path = followed(tmp_path, account, beacon_devnet)
    found = json.loads(xmargin(tmp_path, "verify", str(path), "--save", "one.bundle", "--json").stdout)
    amounts = {one["network"]: int(one["amount"]) for one in found["claims"]}
    assert amounts == {name: token.balance_of(ALICE) for name, token in account.tokens.items()}
    trusts = {one["network"]: (one["trust"]["anchor"], one["trust"]["settlement"]) for one in found["claims"]}
    assert trusts == {
        "parent": ("finalized", None),
        "op": ("finalized", "settled"),
        "arb": ("finalized", "settled"),
    }


def test_the_trail_leads_from_the_checkpoint_to_token_units(
    account: Account, beacon_devnet: BeaconDevnet, tmp_path: Path
) -> None:
    """`explain` shows each step: checkpoint, beacon header, parent's header, game, rollup's header, slot, amount."""
    path = followed(tmp_path, account, beacon_devnet)
    xmargin(tmp_path, "gather", str(path), "-o", "one.bundle")
    shown = json.loads(xmargin(tmp_path, "explain", "one.bundle", "--account", str(path), "--json").stdout)
    trails = {one["network"]: [step["step"] for step in one["trail"]] for one in shown["claims"]}
    for name in ("op", "arb"):
        steps = trails[name]
        order = [steps.index(step) for step in ("trust-root", "beacon-header", "header", "settlement", "amount")]
        assert order == sorted(order)
        assert steps.count("header") >= 2
    text = " ".join(xmargin(tmp_path, "explain", "one.bundle", "--account", str(path)).stdout.split())
    assert beacon_devnet.checkpoint in text
    assert "op settled by op_portal: dispute game 0x" in text
    assert "arb settled by bold: send root 0x5e" in text


def test_another_checkpoint_proves_none_of_it(account: Account, beacon_devnet: BeaconDevnet, tmp_path: Path) -> None:
    """One thing differs, the root that the checker believes: every claim is refused for want of one."""
    path = followed(tmp_path, account, beacon_devnet)
    xmargin(tmp_path, "gather", str(path), "-o", "one.bundle")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    other = written(elsewhere, account, beacon_devnet, checkpoint="0x" + "11" * 32)
    refused = json.loads(xmargin(elsewhere, "check", "../one.bundle", "--account", str(other), "--json", code=3).stdout)
    assert {one["refusal"]["error"] for one in refused["claims"]} == {"NoTrustRoot"}
