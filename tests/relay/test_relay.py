"""The relayer's functions against a real node: what comes back is proven, and a refresh asks for little."""

from __future__ import annotations

import asyncio
import itertools
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from chains.driver import Desk
from chains.endpoint import Endpoint
from chains.relay import Remembering, events_before, follow, gather_claims, refresh, state_of
from tests.nodes.artifacts import solidity
from tests.nodes.contracts import ALICE, BOB
from tests.relay import contracts
from tests.relay.conftest import Place, address_of
from tests.simulators import lies
from verifier.checker import Checker
from verifier.claims import Asset, Claim, KnownAsset, Source, TokenLayout
from verifier.encoders.abi import encode_call
from verifier.flow import AskProof, Unanswered
from verifier.policy import STRICT
from verifier.primitives import Hash32, Timestamp, slot_key
from verifier.proven import ProvenAmount
from verifier.state.events import EventFilter
from verifier.trust import Anchor
from verifier.verify import verify_bundle
from verifier.wire import parse_bundle

TRANSFER = Hash32(bytes.fromhex("ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"))


class Counting:
    """A desk that notes the proofs that go through it."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.asked = desk, []

    async def answer(self, questions):
        self.asked += [q for q in questions if isinstance(q, AskProof)]
        return await self.desk.answer(questions)

    @property
    def slots(self) -> int:
        return sum(len(q.slots) for q in self.asked)


@pytest.fixture(scope="module")
def tokens(place: Place) -> list[str]:
    types = ("string", "string", "uint8", "address[]", "uint256[]")
    code = solidity()["PlainToken"].bytecode
    values = ("T", "T", 6, [ALICE, place.node.accounts[0]], [500, 1_000])
    return [contracts.deploy(place.node, code, types, values) for _ in range(2)]


@pytest.fixture(scope="module")
def claims(place: Place, tokens: list[str]) -> list[Claim]:
    chain, base = place.network.chain_id, slot_key(solidity()["PlainToken"].slots["_balances"])
    assets = [Asset(chain, "ETH", 18, "ETH")]
    assets += [Asset(chain, f"T{i}", 6, "USD", address_of(t), TokenLayout(base)) for i, t in enumerate(tokens)]
    return [Claim(asset, address_of(ALICE), source=Source.USER) for asset in assets] + [
        Claim(assets[1], address_of(BOB), source=Source.USER)
    ]


def checker(place: Place, claims: list[Claim]) -> Checker:
    contracts_ = frozenset((c.chain_id, c.asset.contract) for c in claims if c.asset.contract)
    known = {c.asset.key: KnownAsset(c.asset, source=Source.USER) for c in claims if c.asset.contract}
    policy = replace(STRICT, accept_contracts=contracts_)
    return Checker((place.pin(),), {place.network.chain_id: place.network}, known, policy, now())


def now() -> Timestamp:
    return Timestamp(int(time.time()) + 3)


def amounts(data: bytes, believed: Checker) -> list[int]:
    outcomes = verify_bundle(data, believed).outcomes
    assert all(isinstance(o, ProvenAmount) for o in outcomes), outcomes
    return [o.amount for o in outcomes]


async def test_a_bundle_is_kept_fresh_with_few_questions(place: Place, tokens, claims) -> None:
    """Nothing changed: no slot is asked for. One token moved: only its slots are, and the figures are the new ones."""
    node, chain = place.node, place.network.chain_id
    believed = checker(place, claims)
    as_of = Timestamp(int(node.block()["timestamp"], 16))
    async with Desk.to([(place.network, [Endpoint(node.url)])]) as desk:
        first = await gather_claims(claims, {chain: place.pin()}, as_of, desk, believed)
        before = amounts(first, believed)
        node.mine()
        later = checker(place, claims)
        counted = Counting(desk)
        second = await refresh(first, {chain: place.pin()}, now(), counted, later)
        assert counted.slots == 0
        assert amounts(second, later) == before
        contracts.send(node, tokens[0], encode_call("transfer", ("address", "uint256"), (ALICE, 9)))
        later, counted = checker(place, claims), Counting(desk)
        third = await refresh(second, {chain: place.pin()}, now(), counted, later)
        assert {q.address for q in counted.asked if q.slots} == {address_of(tokens[0])}
        assert amounts(third, later) == [before[0], before[1] + 9, *before[2:]]
        whole = await gather_claims(claims, {chain: place.pin()}, parse_bundle(third).bundle.as_of, desk, later)
        assert whole == third


async def test_old_nodes_never_stand_for_new_state(place: Place, tokens, claims, lying_proxy) -> None:
    """An endpoint that shows the account as it was is refused by the new root; with the slot asked anew, it is true."""
    node, chain = place.node, place.network.chain_id
    believed = checker(place, claims)
    async with Desk.to([(place.network, [Endpoint(node.url)])]) as desk:
        first = await gather_claims(claims, {chain: place.pin()}, now(), desk, believed)
    old_block = hex(node.height)
    contracts.send(node, tokens[0], encode_call("transfer", ("address", "uint256"), (ALICE, 1)))
    proxy = lying_proxy(node.url)
    proxy.tell(lies.other_block(old_block), method="eth_getProof")
    later = checker(place, claims)
    async with Desk.to(
        [(place.network, [Endpoint(proxy.url, name="liar"), Endpoint(node.url, name="honest")])]
    ) as desk:
        remembering = Remembering(desk, parse_bundle(first).bundle)
        second = await gather_claims(claims, {chain: place.pin()}, now(), remembering, later)
        assert amounts(second, later)[1] == amounts(first, believed)[1] + 1
    async with Desk.to([(place.network, [Endpoint(proxy.url, name="liar")])]) as desk:
        lone = await gather_claims(
            claims, {chain: place.pin()}, now(), Remembering(desk, parse_bundle(first).bundle), later
        )
        assert len(parse_bundle(lone).bundle.omitted) == 4


async def test_all_events_of_the_last_blocks(place: Place, tokens) -> None:
    """As many as were made, by receipts and by filters alike; a node that hides one is refused."""
    node = place.node
    for i in range(3):
        contracts.send(node, tokens[1], encode_call("transfer", ("address", "uint256"), (BOB, i + 1)))
        node.mine()
    wanted = EventFilter(address_of(tokens[1]), (TRANSFER,))
    head = await place.head()
    plain = await place.ask(lambda desk: events_before(head, 8, wanted, desk))
    quick = await place.ask(lambda desk: events_before(head, 8, wanted, desk, take_blooms=True))
    assert [int.from_bytes(e.log.data, "big") for e in plain.events][-3:] == [1, 2, 3]
    assert [e.identity for e in quick.events] == [e.identity for e in plain.events]
    assert len(quick.by_bloom) >= 3
    assert not plain.by_bloom
    with pytest.raises(ValueError, match="1 to"):
        await place.ask(lambda desk: events_before(head, 0, wanted, desk))


@pytest.mark.covers("RCP-03", "RCP-08")
async def test_a_hidden_event_is_missed(place: Place, tokens, lying_proxy) -> None:
    """Receipts without one log, or with the status turned, do not hash to the root; nobody else being there, refused."""
    receipt = contracts.send(place.node, tokens[1], encode_call("transfer", ("address", "uint256"), (BOB, 7)))
    head = await place.head(receipt["blockNumber"])
    wanted = EventFilter(address_of(tokens[1]), (TRANSFER,))

    def without_logs(receipts):
        return [one | {"logs": []} for one in receipts]

    def failed(receipts):
        return [one | {"status": "0x0"} for one in receipts]

    for change in (without_logs, failed):
        proxy = lying_proxy(place.node.url)
        proxy.tell(lies.altered(change), method="eth_getBlockReceipts")
        async with Desk.to([(place.network, [Endpoint(proxy.url)])]) as desk:
            with pytest.raises(Unanswered) as caught:
                await events_before(head, 1, wanted, desk)
            assert caught.value.lied


async def test_new_blocks_are_followed(place: Place, second_host: str) -> None:
    """Each block that two operators agree on, once, in order; what one endpoint says alone is no quorum."""
    node, found = place.node, []
    other = node.url.replace("127.0.0.1", second_host)
    async with Desk.to([(place.network, [Endpoint(node.url), Endpoint(other)])]) as desk:
        async with asyncio.timeout(20):
            async for seen in follow(place.network, desk, every=0.02, clock=now):
                found.append(seen)
                node.mine()
                if len(found) == 3:
                    break
    assert {seen.anchor for seen in found} == {Anchor.QUORUM}
    assert [a.number < b.number for a, b in itertools.pairwise(found)] == [True, True]
    assert found[-1].number <= int(node.block("finalized")["number"], 16)


async def test_an_absent_account(place: Place) -> None:
    head = await place.head()
    state = await place.ask(lambda desk: state_of(head.header, address_of("0x" + "ab" * 20), [slot_key(0)], desk))
    assert not state.account.exists
    assert not any(state.words[0].word)


def test_the_library_alone_loads_no_http_database_or_web3() -> None:
    """With every public name used, encoders and Merkle trees too."""
    code = (
        "import sys, verifier\nfor name in verifier.__all__: getattr(verifier, name)\n"
        "import verifier.encoders.op_stack, verifier.encoders.gateway, verifier.merkle.sums, verifier.single\n"
        "verifier.encoders.gateway.encode_nodes([b'x'])\n"
        "print(sorted(set(sys.modules) & {'web3','aiohttp','sqlite3','sqlite_utils','typer','rich','httpx','requests'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
