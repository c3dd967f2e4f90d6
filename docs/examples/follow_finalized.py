"""Follows a network's finalized blocks, each proven from one beacon checkpoint, and reads an account under each.

    python follow_finalized.py CONSENSUS.json CHAIN_ID EXECUTION_URL BEACON_URL[,BEACON_URL…] CHECKPOINT ADDRESS COUNT

CONSENSUS.json describes the beacon chain: {"spec": …, "genesis": …}, the data of /eth/v1/config/spec and
/eth/v1/beacon/genesis. For Ethereum and other public networks take `CONFIGS` of `verifier.consensus.networks` instead.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

from chains import local_network
from chains.driver import Desk
from chains.endpoint import Endpoint
from chains.finality import follow_finalized
from chains.relay import state_of
from verifier import Checkpoint
from verifier.consensus.forks import ConsensusConfig
from verifier.consensus.networks import parse_config
from verifier.primitives import address, hash32, parse_hex, timestamp


async def main(
    config: ConsensusConfig, execution: str, beacons: list[str], root: str, account: str, count: int
) -> None:
    network = local_network("followed", config.chain_id)
    checkpoint = Checkpoint(network.chain_id, hash32(parse_hex(root)))
    nodes = [Endpoint(url, name=f"beacon-{i}", operator=f"operator-{i}") for i, url in enumerate(beacons)]
    async with Desk.to([(network, [Endpoint(execution)])], beacons=[(network, config, nodes)]) as desk:
        blocks = follow_finalized(network, checkpoint, config, desk, clock=lambda: timestamp(int(time.time())))
        async for block in blocks:
            state = await state_of(block.known.header, address(parse_hex(account)), [], desk)
            header, trust = block.known.header, state.account.trust.word
            signed = f"{block.beacon.signers} of {block.beacon.committee}"
            print(header.number, header.hash.hex(), trust, signed, state.account.balance, flush=True)
            count -= 1
            if not count:
                break


if __name__ == "__main__":
    told, chain, execution, beacons, root, account, count = sys.argv[1:]
    described = json.loads(Path(told).read_text())
    config = parse_config(described["spec"], described["genesis"], int(chain))
    asyncio.run(main(config, execution, beacons.split(","), root, account, int(count)))
