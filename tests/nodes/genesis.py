"""Chains whose first state is given: an anvil's accounts, or a test's own, under a client of the test's choice."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from typing import Any

from tests.nodes.anvil import Anvil
from tests.nodes.install import HERE

MONEY = hex(10**24)
BLOBS = hex(40_000_000)
"""Excess blob gas of the first block: enough that a unit of blob gas costs more than the least there is."""


def accounts_of(node: Anvil) -> dict[str, dict[str, Any]]:
    """
    Every account of an anvil's newest state, as a genesis file has it.

    Words that are zero are left out: anvil keeps them in its tries, where no honest client has any.
    """
    dumped = json.loads(gzip.decompress(bytes.fromhex(node.rpc("anvil_dumpState")[2:])))
    return {address: _account(kept) for address, kept in dumped["accounts"].items()}


def _account(kept: Mapping[str, Any]) -> dict[str, Any]:
    words = {slot: word for slot, word in kept["storage"].items() if int(word, 16)}
    return {"balance": kept["balance"], "nonce": hex(kept["nonce"]), "code": kept["code"], "storage": words}


def genesis(
    accounts: Mapping[str, Mapping[str, Any]], *, chain_id: int, timestamp: int, osaka: bool = True
) -> dict[str, Any]:
    """
    A genesis file of a chain with these accounts and the system contracts, in geth's form.

    Args:
        timestamp: Of block 0, in unix seconds.
        osaka: Whether the rules are Osaka's; else Prague's.
    """
    made: dict[str, Any] = json.loads((HERE / "prague-genesis.json").read_text())
    made["config"]["chainId"] = chain_id
    if osaka:
        made["config"]["osakaTime"] = 0
        made["config"]["blobSchedule"]["osaka"] = made["config"]["blobSchedule"]["prague"]
    made["timestamp"], made["excessBlobGas"] = hex(timestamp), BLOBS
    made["alloc"] = {**made["alloc"], **accounts}
    return made
