"""A statement over a balance that is `finalized` from one checkpoint: signed, checked elsewhere, and by a job."""

from __future__ import annotations

import json
import time
from pathlib import Path

from tests.cli.test_cli import run
from tests.nodes.lodestar import BeaconDevnet
from tests.system.light_accounts import write_account

PLACE = ("--chain-id", 1, "--contract", "0x" + "c0" * 20)
WHO = "0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A"
ENV = {"SIGNING_KEY": "11" * 32}


def test_a_finalized_balance_is_attested(beacon_devnet: BeaconDevnet, tmp_path: Path) -> None:
    """The anchors say so; whoever believes the checkpoint verifies the evidence again; a job goes on where it stands."""
    beacon_devnet.wait_for_next_period()
    here = {"XMARGIN_DATABASE": str(tmp_path / "x.db"), "XMARGIN_STORE__KEY": str(tmp_path / "x.key")} | ENV
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    account = write_account(tmp_path, beacon_devnet)
    account.write_text(account.read_text().replace("2100-01-01T00:00:00Z", stamp))
    assert run("gather", account, "-o", tmp_path / "l.bundle", cwd=tmp_path, env=here).returncode == 0
    sign = (
        "attest",
        "sign",
        account,
        "--bundle",
        tmp_path / "l.bundle",
        "-o",
        tmp_path / "l.json",
        "--key",
        "env:SIGNING_KEY",
    )
    done = run(*sign, *PLACE, "--json", cwd=tmp_path, env=here)
    assert done.returncode == 0, done.stderr
    (anchor,) = json.loads(done.stdout)["statement"]["anchors"]
    assert anchor["trust"] == "finalized"
    there = {"XMARGIN_DATABASE": str(tmp_path / "y.db"), "XMARGIN_STORE__KEY": str(tmp_path / "y.key")}
    check = (
        "attest",
        "verify",
        tmp_path / "l.json",
        *PLACE,
        "--signer",
        WHO,
        "--bundle",
        tmp_path / "l.bundle",
        "--account",
        account,
    )
    done = run(*check, "--json", cwd=tmp_path, env=there)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["evidence_verified"]
    (tmp_path / "jobs.toml").write_text(
        f'[[jobs]]\nname = "light"\naccount = "{account}"\nevery = "1h"\n[jobs.attest]\nkey = "env:SIGNING_KEY"\n'
        f'chain_id = 1\ncontract = "0x{"c0" * 20}"\n'
    )
    done = run("schedule", tmp_path / "jobs.toml", "--once", "--json", cwd=tmp_path, env=here)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["jobs"][0]["outcome"] == "attested"
