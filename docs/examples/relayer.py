"""Watches a token on one chain, and hands each of its transfers, proven, to a contract on another.

    python relayer.py SOURCE_URL SOURCE_CHAIN_ID TOKEN TARGET_URL CONSUMER COUNT

The contract (docs/contracts/StateProofConsumer.sol) believes block hashes that its owner tells it; here the relayer is
the owner, and believes its one endpoint. A real one takes a quorum, a light client's blocks, or an oracle's hashes.
"""

from __future__ import annotations

import asyncio
import sys
import time

from web3 import AsyncHTTPProvider, AsyncWeb3

from chains import local_network
from chains.driver import Desk
from chains.endpoint import Endpoint
from chains.relay import KnownHeader, events_before, follow, header_of, receipt_nodes, receipts_of
from verifier import EventFilter, PinnedBlock, ProvenLog
from verifier.encoders.abi import encode_call
from verifier.primitives import address, hash32, parse_hex, timestamp

TRANSFER = hash32(parse_hex("0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"))
DELIVER = ("bytes", "uint256", "uint256", "address", "bytes32", "bytes[]")


async def main(source: str, chain: int, token: str, target: str, consumer: str, count: int) -> None:
    network, wanted = local_network("source", chain), EventFilter(address(parse_hex(token)), (TRANSFER,))
    there = AsyncWeb3(AsyncHTTPProvider(target))
    done: set[object] = set()
    reached: int | None = None
    async with Desk.to([(network, [Endpoint(source)])]) as desk:
        async for seen in follow(network, desk, k=1, every=0.2, clock=lambda: timestamp(int(time.time()))):
            head = await header_of(network, seen, desk)
            if reached is None:
                print("watching from block", seen.number, flush=True)
            blocks = 1 if reached is None else seen.number - reached
            # Every transfer of these blocks, and the proof that there are no others.
            found = await events_before(head, blocks, wanted, desk, take_blooms=True)
            for event in found.events:
                if event.identity not in done:  # block, transaction and place: the same event is never used twice
                    done.add(event.identity)
                    await deliver(event, desk, there, consumer)
                    print("delivered", int.from_bytes(event.log.data, "big"), flush=True)
            reached = seen.number
            if len(done) >= count:
                break
    await there.provider.disconnect()


async def deliver(event: ProvenLog, desk: Desk, there: AsyncWeb3[AsyncHTTPProvider], consumer: str) -> None:
    """Prove one event to the contract: the header, and the receipt under its receipts root."""
    header = event.rests_on.rests_on
    known: KnownHeader = await header_of(header.network, PinnedBlock(header.network.chain_id, header.hash), desk)
    nodes = receipt_nodes(await receipts_of(header, desk), event.rests_on.index)
    values = (known.rlp, event.rests_on.index, event.index, event.log.emitter, TRANSFER, list(nodes))
    for data in (encode_call("believe", ("bytes32",), (header.hash,)), encode_call("deliver", DELIVER, values)):
        sender = (await there.eth.accounts)[0]
        sent = await there.eth.send_transaction(
            {"from": sender, "to": there.to_checksum_address(consumer), "data": data}
        )
        receipt = await there.eth.wait_for_transaction_receipt(sent)
        if receipt["status"] != 1:
            raise SystemExit("the contract refused a proof")


if __name__ == "__main__":
    given = sys.argv[1:]
    asyncio.run(main(given[0], int(given[1]), given[2], given[3], given[4], int(given[5])))
