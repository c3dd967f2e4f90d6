"""Account files over the beacon network of this machine, written as a person would write them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from tests.nodes.lodestar import ALICE, BeaconDevnet


def beacon_lines(
    folder: Path, devnet: BeaconDevnet, *, checkpoint: str | None = None, beacons: Sequence[str] | None = None
) -> list[str]:
    """What an account file says of the network's beacon chain, whose description is written beside it."""
    told = {"spec": devnet.beacon.data("/eth/v1/config/spec"), "genesis": devnet.beacon.data("/eth/v1/beacon/genesis")}
    (folder / "devnet.json").write_text(json.dumps(told))
    urls = beacons if beacons is not None else [devnet.beacon.url]
    listed = ", ".join(f'{{ name = "beacon-{i}", url = "{url}" }}' for i, url in enumerate(urls))
    return [f"beacon = [{listed}]", f'checkpoint = "{checkpoint or devnet.checkpoint}"', 'consensus = "devnet.json"']


def write_account(
    folder: Path,
    devnet: BeaconDevnet,
    *,
    checkpoint: str | None = None,
    beacons: Sequence[str] | None = None,
    policy: str = "",
    more: str = "",
) -> Path:
    """An account with one token on the network, a checkpoint, and the file that describes the beacon chain."""
    token, root = devnet.token, "\n".join(beacon_lines(folder, devnet, checkpoint=checkpoint, beacons=beacons))
    path = folder / "account.toml"
    path.write_text(f"""
[account]
name = "light"

[policy]
accept_contracts = ["{devnet.chain_id}:{token.address}"]
{policy}

[policy.assets.USD]
haircut_initial = "20%"
haircut_maintenance = "10%"

[holders]
main = "{ALICE}"

[networks.devnet]
chain_id = {devnet.chain_id}
family = "ethereum"
endpoints = [{{ name = "node", url = "{devnet.execution.url}" }}]
{root}
{more}

[[assets]]
network = "devnet"
holder = "main"
contract = "{token.address}"
symbol = "OZD"
decimals = {token.decimals}
group = "USD"
slot = "{hex(token.slot)}"

[prices.USD]
usd = "1"
at = "2100-01-01T00:00:00Z"
source = "test"
""")
    return path
