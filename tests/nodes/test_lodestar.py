"""The beacon network of this machine is a real one: committees sign, epochs finalize, execution blocks are named."""

from __future__ import annotations

import json

from tests.nodes.lodestar import SLOTS_PER_EPOCH


def test_a_finality_update_names_a_finalized_execution_block(beacon_devnet):
    """Its finalized header begins an epoch, signed for by two thirds, with a block of the execution chain."""
    update = beacon_devnet.beacon.data("/eth/v1/beacon/light_client/finality_update")
    finalized = update["finalized_header"]
    slot = int(finalized["beacon"]["slot"])
    # The epoch's first slot, or the last before it that is not empty: a busy machine misses some.
    between = range(slot + 1, -(-slot // SLOTS_PER_EPOCH) * SLOTS_PER_EPOCH + 1)
    assert [beacon_devnet.beacon.get(f"/eth/v1/beacon/headers/{one}")[0] for one in between] == [404] * len(between)
    assert slot < int(update["attested_header"]["beacon"]["slot"])
    assert int(update["sync_aggregate"]["sync_committee_bits"], 16).bit_count() * 3 >= 2 * 32
    block = beacon_devnet.execution.block(finalized["execution"]["block_hash"])
    assert block["stateRoot"] == finalized["execution"]["state_root"]


def test_its_checkpoint_has_a_bootstrap(beacon_devnet):
    """The checkpoint is the root of a block that the node serves a bootstrap for."""
    data = beacon_devnet.beacon.data(f"/eth/v1/beacon/light_client/bootstrap/{beacon_devnet.checkpoint}")
    assert len(data["current_sync_committee"]["pubkeys"]) == 32


def test_what_is_not_there_yet_is_an_error_of_the_server(beacon_devnet):
    """Updates past the newest period are refused whole, with a 500: what a client of this node has to live with."""
    status, body = beacon_devnet.beacon.get("/eth/v1/beacon/light_client/updates?start_period=0&count=99")
    assert status == 500
    assert "message" in json.loads(body)
