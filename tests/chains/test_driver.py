"""Driving flows over real nodes, through proxies that lie, stall and break off."""

from __future__ import annotations

import asyncio
import json
import time

import pytest
from aiohttp import web

from chains.chain import local_network
from chains.driver import NETWORK_SECONDS, Desk, drive
from tests.chains.talk import balances, endpoint, head_of, header_question, network_of, proof_question, server
from tests.simulators import lies
from tests.simulators.rpc import Lie
from verifier.consensus.weaker import verify_anchor
from verifier.errors import NOWHERE, NoTrustRoot, ProofError, VerifierError
from verifier.flow import AskHeight, Unanswered, ask
from verifier.trust import PinnedBlock


@pytest.fixture(scope="module")
def chain(three_chains):
    """One shared chain with tokens and named holders."""
    return three_chains[0]


def reads(chain):
    """
    Each holder's coin and each holder's balance of each token.

    Without the holder whose words were deleted: anvil keeps such words in its tries as stored zeros, which no real
    network does, and the proof of one is rightly refused.
    """
    holders = {name: address for name, address in chain.holders.items() if name != "dave"}
    coins = [(address, None) for address in chain.holders.values()]
    words = [(t.address, t.storage_key(a)) for t in chain.tokens.values() for a in holders.values()]
    return [*coins, *words]


async def run(chain, *urls: str, **more):
    """The desk after, and the result of, one run over endpoints at these URLs."""
    network = network_of(chain)
    places = [endpoint(url, name=f"node-{i}", operator=f"operator-{i}") for i, url in enumerate(urls)]
    async with Desk.to([(network, places)], **more) as desk:
        result = await drive(balances(network, head_of(chain), reads(chain)), desk)
        return desk, result


async def test_a_flow_runs_over_one_node(chain):
    """Every native balance and every word is proven, and is what the node says."""
    desk, result = await run(chain, chain.url)
    truth = [chain.native(address) for address in chain.holders.values()]
    assert result[: len(truth)] == truth
    assert not any(isinstance(value, Unanswered) for value in result)
    assert desk.report()[0].lied == 0


async def test_a_known_block_needs_two_sequential_round_trips(chain):
    """The header, then all proofs at once: more claims make no more waves."""
    desk, result = await run(chain, chain.url)
    assert desk.waves[network_of(chain).chain_id] == 2
    assert len(result) > 40


LIES = [
    lies.flipped_node("account"),
    lies.flipped_node("account", node=0),
    lies.dropped_node("account"),
    lies.truncated_node("account"),
    lies.no_nodes("account"),
]


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.name)
async def test_a_liar_is_left_for_the_honest_one(chain, lying_proxy, lie):
    """The honest node's answers are used; the liar is marked with what its first answer was refused for."""
    proxy = lying_proxy(chain.url)
    proxy.tell(lie, method="eth_getProof")
    desk, result = await run(chain, proxy.url, chain.url)
    honest = [chain.native(address) for address in chain.holders.values()]
    liar, other = desk.report()
    assert result[: len(honest)] == honest
    assert (liar.name, liar.lied > 0, other.lied) == ("node-0", True, 0)


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.name)
async def test_a_liar_alone_changes_no_number(chain, lying_proxy, lie):
    """With nobody else to ask, each question is refused with the judge's own error, and none has a figure."""
    proxy = lying_proxy(chain.url)
    proxy.tell(lie, method="eth_getProof")
    _, result = await run(chain, proxy.url)
    assert all(isinstance(value, Unanswered) and value.lied for value in result[: len(chain.holders)])
    for value in result[: len(chain.holders)]:
        assert all(isinstance(error, VerifierError) for _, error in value.refusals)


async def test_a_liar_about_one_slot_costs_that_slot_only(chain, lying_proxy):
    """Other questions of the same batch stand."""
    proxy = lying_proxy(chain.url)
    proxy.tell(lies.flipped_node("account"), method="eth_getProof", nth=1)
    _, result = await run(chain, proxy.url)
    refused = [value for value in result if isinstance(value, Unanswered)]
    assert len(refused) == 1
    assert isinstance(refused[0].refusals[0][1], ProofError)


@pytest.mark.parametrize(
    "lie",
    [
        lies.wrong_balance(),
        lies.wrong_nonce(),
        lies.wrong_code_hash(),
        lies.wrong_storage_hash(),
        lies.wrong_value(),
    ],
    ids=lambda lie: lie.name,
)
async def test_claimed_values_of_a_reply_are_not_even_read(chain, lying_proxy, lie):
    """A lie about balance, nonce, hashes or values beside true nodes changes nothing."""
    proxy = lying_proxy(chain.url)
    proxy.tell(lie, method="eth_getProof")
    _, result = await run(chain, proxy.url)
    assert result == (await run(chain, chain.url))[1]


async def test_a_reply_that_names_another_account_is_no_answer(chain, lying_proxy):
    """It is a mix-up, named as such, whatever nodes stand beside it; the next endpoint is asked."""
    proxy = lying_proxy(chain.url)
    proxy.tell(lies.wrong_address("0x" + "11" * 20), method="eth_getProof", nth=1)
    _, result = await run(chain, proxy.url)
    (unanswered,) = [value for value in result if isinstance(value, Unanswered)]
    assert unanswered.failures == (("node-0", "not an answer to what was asked: a proof of another account"),)
    proxy.tell(lies.wrong_address("0x" + "11" * 20), method="eth_getProof")
    _, result = await run(chain, proxy.url, chain.url)
    assert result == (await run(chain, chain.url))[1]


async def test_a_false_header_is_refused_by_its_hash(chain, lying_proxy):
    """A header with another state root hashes to something that no trust root names."""
    proxy = lying_proxy(chain.url)
    proxy.tell(lies.field("stateRoot", "0x" + "11" * 32), method="eth_getBlockByHash")
    with pytest.raises(Unanswered) as caught:
        await run(chain, proxy.url)
    assert isinstance(caught.value.refusals[0][1], NoTrustRoot)
    assert (await run(chain, proxy.url, chain.url))[1]


async def test_a_dead_endpoint_is_passed_over(chain):
    """A closed port is a failure, not a lie, and the next endpoint answers."""
    async with server(b"") as closed:
        pass
    desk, result = await run(chain, closed, chain.url)
    dead, alive = desk.report()
    assert not any(isinstance(value, Unanswered) for value in result)
    assert (dead.lied, dead.served, alive.failed) == (0, 0, 0)


async def test_no_endpoint_is_an_answer_of_its_own(chain):
    """Without endpoints every question is unanswered, with nobody blamed."""
    with pytest.raises(Unanswered) as caught:
        await run(chain)
    assert (caught.value.refusals, caught.value.failures) == ((), ())
    assert not caught.value.lied


@pytest.mark.covers("CHN-01")
async def test_an_endpoint_of_another_chain_is_unusable(chain, three_chains):
    """A node that says it serves another chain is used for nothing, and the reason is told."""
    network = network_of(chain)
    async with Desk.to([(network, [endpoint(three_chains[1].url, name="wrong")])]) as desk:
        with pytest.raises(Unanswered) as caught:
            await drive(balances(network, head_of(chain), reads(chain)), desk)
    assert caught.value.failures[0][1].startswith("serves chain 31338, configured for chain 31337")


@pytest.mark.covers("CHN-01")
async def test_a_believed_chain_id_proves_nothing(chain, three_chains, lying_proxy):
    """A node of chain B that says it is A passes the check for mistakes; the pinned hash refuses its headers."""
    proxy = lying_proxy(three_chains[1].url)
    proxy.tell(lies.wrong_chain_id(chain.chain_id))
    proxy.tell(lies.other_block("latest"), method="eth_getBlockByHash")
    with pytest.raises(Unanswered) as caught:
        await run(chain, proxy.url)
    assert caught.value.refusals or caught.value.failures


async def test_the_chain_id_is_asked_once(chain, lying_proxy):
    """It rides along with the first batch, and is not asked again."""
    proxy = lying_proxy(chain.url)
    await run(chain, proxy.url)
    assert proxy.count("eth_chainId") == 1


async def at_most_four(request, text):
    """HTTP 413 for a batch of more than four."""
    said = json.loads(text)
    too_many = isinstance(said, list) and len(said) > 4
    return web.Response(status=413) if too_many else web.Response(body=text, content_type="application/json")


def no_more_than_four(answers):
    """One error object for a batch of more than four."""
    refusal = {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "batch too large"}}
    return refusal if len(answers) > 4 else answers


@pytest.mark.parametrize(
    "lie", [Lie("413", wire=at_most_four), Lie("one error", batch=no_more_than_four)], ids=lambda lie: lie.name
)
async def test_batches_are_split_where_they_are_too_large(chain, lying_proxy, lie):
    """A refused batch is halved until it fits; the answers are complete, and the size is remembered."""
    proxy = lying_proxy(chain.url)
    proxy.tell(lie, method="eth_getProof")
    desk, result = await run(chain, proxy.url)
    assert not any(isinstance(value, Unanswered) for value in result)
    assert desk.lines[network_of(chain).chain_id][0].batch <= 4


async def test_a_node_that_takes_no_block_hash_is_asked_by_number(chain, lying_proxy):
    """After one -32602 the endpoint is asked by number, and remembered so."""

    def only_numbers(call, said):
        if isinstance(call["params"][-1], dict):
            return {"jsonrpc": "2.0", "id": call["id"], "error": {"code": -32602, "message": "invalid block parameter"}}
        return said

    proxy = lying_proxy(chain.url)
    proxy.tell(Lie("only numbers", answer=only_numbers), method="eth_getProof")
    desk, result = await run(chain, proxy.url)
    assert not any(isinstance(value, Unanswered) for value in result)
    assert desk.report()[0].by_hash is False


async def test_many_slots_of_one_account_are_asked_in_chunks(chain, lying_proxy):
    """600 slots make three calls, one answer, and all words."""
    network, token = network_of(chain), chain.tokens["OZD"]
    proxy = lying_proxy(chain.url)
    slots = [f"0x{i:064x}" for i in range(10_000, 10_600)]
    pinned = head_of(chain)

    def flow():
        rlp = yield from ask(header_question(network, pinned))
        header = verify_anchor(rlp, network, (PinnedBlock(network.chain_id, pinned),), NOWHERE)
        return (yield from ask(proof_question(header, token.address, slots)))

    async with Desk.to([(network, [endpoint(proxy.url)])]) as desk:
        assert await drive(flow(), desk)
    assert proxy.count("eth_getProof") == 3


async def test_too_many_keys_makes_smaller_chunks(chain, lying_proxy):
    """An endpoint that takes four keys is asked for four at a time from then on."""

    def few(call, said):
        if len(call["params"][1]) > 4:
            message = "too many storage keys requested (max 4)"
            return {"jsonrpc": "2.0", "id": call["id"], "error": {"code": -32602, "message": message}}
        return said

    proxy = lying_proxy(chain.url)
    proxy.tell(Lie("few keys", answer=few), method="eth_getProof")
    network, pinned, token = network_of(chain), head_of(chain), chain.tokens["OZD"]
    slots = [token.storage_key(a) for name, a in chain.holders.items() if name != "dave"]

    def flow():
        rlp = yield from ask(header_question(network, pinned))
        header = verify_anchor(rlp, network, (PinnedBlock(network.chain_id, pinned),), NOWHERE)
        return (yield from ask(proof_question(header, token.address, slots)))

    async with Desk.to([(network, [endpoint(proxy.url)])]) as desk:
        assert await drive(flow(), desk)
        assert desk.lines[network.chain_id][0].habits.keys_per_call <= 4


async def test_a_passing_failure_is_repeated(chain, lying_proxy):
    """One 503, and the second try is served; the retry is counted."""
    proxy = lying_proxy(chain.url)
    proxy.tell(lies.server_error(503), nth=1)
    desk, result = await run(chain, proxy.url)
    assert not any(isinstance(value, Unanswered) for value in result)
    assert desk.report()[0].retries == 1


@pytest.mark.parametrize(
    "lie", [lies.unauthorized(), lies.payment_required(), lies.forbidden()], ids=lambda lie: lie.name
)
async def test_a_refusal_of_the_key_is_not_repeated(chain, lying_proxy, lie):
    """401, 402 and 403 are asked once."""
    proxy = lying_proxy(chain.url)
    proxy.tell(lie)
    with pytest.raises(Unanswered):
        await run(chain, proxy.url)
    assert len(proxy.seen) == 1


async def test_retry_after_is_honoured(chain, lying_proxy):
    """429 with a wait of one second is repeated after it, not before."""
    proxy = lying_proxy(chain.url)
    proxy.tell(lies.too_many("1"), nth=1)
    started = time.monotonic()
    await run(chain, proxy.url)
    assert time.monotonic() - started >= 1.0


async def test_a_wait_beyond_the_deadline_is_not_waited_for(chain, lying_proxy):
    """Retry-After of an hour sends us to the next endpoint at once."""
    proxy = lying_proxy(chain.url)
    proxy.tell(lies.too_many("3600"))
    started = time.monotonic()
    _, result = await run(chain, proxy.url, chain.url)
    assert time.monotonic() - started < NETWORK_SECONDS / 2
    assert not any(isinstance(value, Unanswered) for value in result)


@pytest.mark.covers("RPC-14")
async def test_retries_come_out_of_one_budget(chain, lying_proxy):
    """With a budget of two, a failing endpoint is asked three times and no more."""
    proxy = lying_proxy(chain.url)
    proxy.tell(lies.server_error(503))
    with pytest.raises(Unanswered):
        await run(chain, proxy.url, retries=2)
    assert len(proxy.seen) == 3


@pytest.mark.covers("RPC-14")
async def test_a_refused_answer_is_not_asked_for_again_at_the_same_endpoint(chain, lying_proxy):
    """Each proof of a liar is asked once."""
    proxy = lying_proxy(chain.url)
    proxy.tell(lies.flipped_node("account"), method="eth_getProof")
    _, result = await run(chain, proxy.url)
    assert proxy.count("eth_getProof") == len(result)


async def test_the_network_has_a_deadline(chain, lying_proxy):
    """A silent endpoint takes half of the time of two, the honest one answers in the rest."""
    proxy = lying_proxy(chain.url)
    proxy.tell(lies.silent())
    started = time.monotonic()
    _, result = await run(chain, proxy.url, chain.url, seconds=6.0)
    assert time.monotonic() - started < 6
    assert not any(isinstance(value, Unanswered) for value in result)


async def test_cancelling_closes_everything(chain, lying_proxy):
    """A cancelled run leaves no open session: warnings are errors in this suite."""
    proxy = lying_proxy(chain.url)
    proxy.tell(lies.silent())
    task = asyncio.create_task(run(chain, proxy.url))
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_networks_are_asked_side_by_side(three_chains, lying_proxy):
    """Each of three nodes holds its answer back until the other two were asked as well."""
    proxies, together = [lying_proxy(chain.url) for chain in three_chains], lies.together(3)
    for proxy in proxies:
        proxy.tell(together, nth=1)
    networks = [network_of(chain) for chain in three_chains]
    async with Desk.to([(n, [endpoint(p.url)]) for n, p in zip(networks, proxies, strict=True)]) as desk:
        flows = [ask(AskHeight(chain_id=network.chain_id)) for network in networks]
        told = await asyncio.gather(*(drive(flow, desk) for flow in flows))
    assert told == [chain.node.height for chain in three_chains]


async def test_a_flow_that_raises_is_heard():
    """What a flow raises comes out of drive, and the flow is closed."""

    def flow():
        yield (AskHeight(chain_id=local_network("none", 5).chain_id),)
        raise ValueError("of its own")

    async with Desk.to([]) as desk:
        with pytest.raises(ValueError, match="of its own"):
            await drive(flow(), desk)
