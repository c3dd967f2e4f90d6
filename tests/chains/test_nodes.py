"""The same questions to clients that answer differently: geth, EthereumJS and anvil; what they serve, recordings of it."""

from __future__ import annotations

import json

import pytest

from chains.behaviour import RetryBudget
from chains.chain import local_network
from chains.driver import Desk, drive
from chains.foreign import ForeignProvider
from chains.probe import probe, shown
from chains.providers import foreign_line
from chains.record import PlayingDesk, RecordingDesk
from chains.replies import Call
from chains.web3_provider import BoundedProvider
from tests.chains.talk import balances, endpoint, head_of, network_of
from tests.nodes.contracts import NOBODY, deploy_tokens
from tests.simulators import lies
from verifier.errors import BadInput, ProofError
from verifier.flow import Unanswered


def reads(chain):
    """Coins of all, tokens of all but the one whose words anvil keeps as zeros, and an account that is nowhere."""
    holders = [a for name, a in chain.holders.items() if name != "dave"]
    words = [(t.address, t.storage_key(a)) for t in chain.tokens.values() for a in holders]
    return [*((a, None) for a in holders), *words, (NOBODY, "0x" + "00" * 32)]


def truth(chain):
    """What the node's own calls say of the coins."""
    return [chain.native(a) for name, a in chain.holders.items() if name != "dave"]


CLIENTS = [pytest.param(name, marks=pytest.mark.node(name)) for name in ("anvil", "geth", "ethereumjs")]


@pytest.fixture(scope="module", params=CLIENTS)
def client(request):
    """A chain with tokens on each client."""
    if request.param == "anvil":
        return request.getfixturevalue("three_chains")[0]
    return deploy_tokens(request.getfixturevalue("geth_dev" if request.param == "geth" else "ethereumjs"))


async def test_each_client_is_read(client):
    """Absent accounts, empty tries, minimal keys and no EIP-1898: every honest form gives the proven figures."""
    network = local_network("client", client.chain_id)
    async with Desk.to([(network, [endpoint(client.url)])]) as desk:
        result = await drive(balances(network, head_of(client), reads(client)), desk)
        report = desk.report()[0]
    assert [str(value) for value in result if isinstance(value, Unanswered)] == []
    assert result[: len(truth(client))] == truth(client)
    assert result[-1] == 0
    assert (report.lied, report.failed) == (0, 0)


async def test_each_client_is_probed(client):
    """Proofs at the head, the way to name a block, window, batch, keys and version come out of real calls."""
    network = local_network("client", client.chain_id)
    async with Desk.to([(network, [endpoint(client.url)])]) as desk:
        found = await probe(desk.lines[network.chain_id][0])
    assert found.proofs
    assert found.by_hash is (type(client.node).__name__ != "EthereumJS")
    assert found.window is not None
    assert found.keys is not None
    assert found.batch >= 1
    assert found.client
    assert all(isinstance(text, str) for row in shown(found) for text in row)
    assert not any(what.startswith("no ") for what, _ in shown(found))


async def test_a_probe_tells_what_is_not_served(three_chains, lying_proxy):
    """A node that tells its height and serves no proof has no proofs, and says why; a wrong proof is none either."""
    chain = three_chains[0]
    network, proxy = network_of(chain), lying_proxy(chain.url)
    for lie in (lies.error(-32601, "the method eth_getProof does not exist"), lies.no_nodes("account")):
        proxy.clear()
        proxy.tell(lie, method="eth_getProof")
        async with Desk.to([(network, [endpoint(proxy.url)])]) as desk:
            found = await probe(desk.lines[network.chain_id][0])
        assert (found.proofs, found.by_hash, found.window, found.keys) == (False, None, None, None)
        assert any(what.startswith("proof") for what in found.problems)
        assert any(what.startswith("no proof") and why for what, why in shown(found))
        assert found.height


async def test_a_probe_is_bounded(three_chains, lying_proxy):
    """It asks no more than some tens of calls beside its batches."""
    chain = three_chains[0]
    proxy = lying_proxy(chain.url)
    async with Desk.to([(network_of(chain), [endpoint(proxy.url)])]) as desk:
        await probe(desk.lines[network_of(chain).chain_id][0])
    assert len(proxy.seen) < 60


async def test_web3_works_over_our_provider(three_chains):
    """AsyncWeb3 reads blocks, balances and batches through the bounded provider."""
    from web3 import AsyncWeb3

    chain = three_chains[0]
    provider = BoundedProvider(endpoint(chain.url))
    web3 = AsyncWeb3(provider)
    assert await web3.is_connected()
    assert await web3.eth.chain_id == chain.chain_id
    assert (await web3.eth.get_block(1))["number"] == 1
    async with web3.batch_requests() as batch:
        batch.add(web3.eth.get_block(1))
        batch.add(web3.eth.get_block(2))
        assert [block["number"] for block in await batch.async_execute()] == [1, 2]
    await provider.disconnect()


async def test_another_provider_may_take_its_place(three_chains):
    """web3's WebSocket provider gives the same figures, marked as one whose limits nobody enforces."""
    from web3 import WebSocketProvider

    chain = three_chains[0]
    network = network_of(chain)
    foreign = ForeignProvider(WebSocketProvider(chain.url.replace("http://", "ws://")), "my-socket")
    async with Desk({network.chain_id: [foreign_line(network, foreign, RetryBudget())]}) as desk:
        result = await drive(balances(network, head_of(chain), reads(chain)), desk)
        report = desk.report()[0]
    assert result[: len(truth(chain))] == truth(chain)
    assert (report.name, report.limits_enforced) == ("my-socket", False)


async def test_another_provider_that_fails_is_a_failure():
    """A socket to nowhere is our own error, without the library's."""
    from web3 import WebSocketProvider

    network = local_network("none", 31_337)
    foreign = ForeignProvider(WebSocketProvider("ws://127.0.0.1:1"), "my-socket", seconds=2.0)
    async with Desk({network.chain_id: [foreign_line(network, foreign, RetryBudget(0))]}, seconds=4.0) as desk:
        line = desk.lines[network.chain_id][0]
        (reply,) = await line.call([Call("eth_chainId", ())], 1e12)
        assert type(reply).__name__ in {"Unreachable", "TimedOut"}
        assert "ws://" not in str(reply)


# --- recordings ----------------------------------------------------------------------------------------------------


async def recorded(chain, pinned, *, reverse: bool = False) -> str:
    network = network_of(chain)
    async with Desk.to([(network, [endpoint(chain.url)])]) as desk:
        recorder = RecordingDesk(desk)
        asked = reads(chain)[::-1] if reverse else reads(chain)
        await drive(balances(network, pinned, asked), recorder)
        return recorder.lines()


async def test_a_recording_plays_the_same_conversation(three_chains):
    """Offline, the same flow ends in the same figures."""
    chain = three_chains[0]
    pinned, network = head_of(chain), network_of(chain)
    text = await recorded(chain, pinned)
    played = await drive(balances(network, pinned, reads(chain)), PlayingDesk(text))
    async with Desk.to([(network, [endpoint(chain.url)])]) as desk:
        assert played == await drive(balances(network, pinned, reads(chain)), desk)


async def test_a_recording_has_one_form(three_chains):
    """However the questions were ordered, the bytes are the same; no address of an endpoint is among them."""
    chain, pinned = three_chains[0], head_of(three_chains[0])
    text = await recorded(chain, pinned)
    assert text == await recorded(chain, pinned, reverse=True)
    assert "127.0.0.1" not in text
    assert "http" not in text


async def test_a_changed_recording_is_refused_by_the_judge(three_chains):
    """One flipped digit in a node, and that question has no answer."""
    chain, pinned = three_chains[0], head_of(three_chains[0])
    lines = (await recorded(chain, pinned)).splitlines()
    place = next(i for i, line in enumerate(lines) if '"nodes":' in line)
    entry = json.loads(lines[place])
    node = entry["nodes"][0]
    entry["nodes"][0] = node[:-1] + ("0" if node[-1] != "0" else "1")
    lines[place] = json.dumps(entry, separators=(",", ":"), sort_keys=True)
    result = await drive(balances(network_of(chain), pinned, reads(chain)), PlayingDesk("\n".join(lines)))
    refused = [value for value in result if isinstance(value, Unanswered)]
    assert refused
    assert all(isinstance(error, ProofError) for value in refused for _, error in value.refusals)


async def test_a_question_that_was_not_recorded_has_no_answer(three_chains):
    """A recording of one block knows nothing of another."""
    chain = three_chains[0]
    text = await recorded(chain, head_of(chain))
    with pytest.raises(Unanswered, match="not in the recording"):
        await drive(balances(network_of(chain), head_of(chain, 20), reads(chain)), PlayingDesk(text))


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "x", '{"format":"other"}', '{"format":"xmargin-conversation/1"}\n{"a":1}']
)
def test_what_is_no_recording_is_refused(text):
    """Another format, or a line that is no question with an answer."""
    with pytest.raises(BadInput):
        PlayingDesk(text)
